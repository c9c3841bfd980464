"""Looks before anything is judged: is this the Compute API, does an insert work at all, and what can the target do?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from conformance.client.api import Api, Created, addresses
from conformance.client.budget import BudgetSpent
from conformance.client.names import LAST_RESORTS, SHAPES, TOGETHER, Shape
from conformance.client.target import Target
from conformance.client.transport import RETRY_STATUSES, TargetLost
from conformance.config.limited_tokens import LIMITED_TOKENS
from conformance.config.sources import SOURCE_KINDS, Sources
from conformance.contract.fields import acceptance_id
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import CUSTOMER_KEY, minimal
from conformance.contract.rule import is_error, is_set
from conformance.scenario.obstacles import (
    ABSENT_STATUSES,
    Untestable,
    lacks_source,
    refuse_nowhere,
    refuse_without_source,
    why_no_insert_will_do,
    why_nothing_can_be_deleted,
)
from conformance.scenario.source_search import remark, search
from conformance.scenario.steps import accepted, shown, succeeded
from conformance.trace.exchange import Exchange, Intent
from conformance.trace.json_text import NOT_JSON
from conformance.verdicts.findings import Findings

OPERATION_SIGNS = ("operationType", "targetLink", "status", "selfLink", "name", "kind")

FAMILY = "conformance-preflight"

IDENTITY = ("id", "creationTimestamp", "selfLink")
"""What tells one image from another, and never changes."""

NO_FIELDS: Mapping[str, Any] = {}

_FIELDS: Mapping[str, Any] = {"description": "preflight", "labels": {"colour": "blue"}, "family": FAMILY}
"""Fields that many scenarios use by the way."""


def look(
    target: Target,
    sources: Sources,
    configured: dict[str, bool],
    needed: Set[str],
    api: Callable[[], Api],
) -> Findings:
    """Finds out whether the target can be tested, and what it can do.

    Args:
        target: the target.
        sources: what images can be made from.
        configured: capabilities that the user has switched on or off; these are not tried.
        needed: the capabilities that the rules of this run need; some of the others are not tried.
        api: answers a new recorder of what is exchanged, so that the rules can judge it as well.

    Raises:
        Untestable: nothing can be said about this target.
    """
    findings = Findings()
    first = api()
    try:
        _identify(target, first)
        _note_configuration(findings, target, sources, configured)
        created = _insert_under_names(findings, target, first, sources)
        _refuse_strangers(created.insert, target)
        if not succeeded(created):
            refuse_nowhere(created, target, first)
            found = search(first, sources) if lacks_source(created, sources) else None
            if found is None:
                refuse_without_source(created, sources)
                findings.broken = _why(created)
                findings.stop = why_no_insert_will_do(created, sources, first)
                return findings
            first.confirm(created.insert, None)
            findings = Findings(
                sources={"image": found.image, "raw_disk": found.raw_disk}, remark=remark(sources, found)
            )
            sources = found
            _note_configuration(findings, target, sources, configured)
            created = _insert_under_names(findings, target, api(), sources)
        findings.single = not target.profile.sparing and not target.transport.serves_side_by_side()
        findings.restless = _restless(created, first)
        target.restless = frozenset(findings.restless)
        target.nameless = findings.nameless = _is_had_by_id_alone(created, first)
        for name, probe in _PROBES.items():
            if name not in configured and (
                name not in _COSTLY or any(need.startswith(_COSTLY[name]) for need in needed)
            ):
                probe(findings, api(), created, sources)
        findings.stays = why_nothing_can_be_deleted(created, api())
    except (TargetLost, BudgetSpent) as end:
        raise Untestable(str(end)) from None
    return findings


def _identify(target: Target, api: Api) -> None:
    """Rules out what is plainly not this API, by an image that cannot exist."""
    try:
        probe = api.get(target.names.fresh(), intent=Intent(valid=False, rules=("transport.not-found",)))
    except TargetLost as lost:
        raise Untestable(str(lost)) from None
    _refuse_strangers(probe, target)
    if probe.response is None:
        raise Untestable(f"{target.root} does not answer: {probe.failure}")


def _restless(created: Created, api: Api) -> list[str]:
    """The fields that tell one image from another, but change from one look at it to the next."""
    one, two = shown(created), api.get(created.name).resource or {}
    return [name for name in IDENTITY if is_set(one.get(name)) and is_set(two.get(name)) and one[name] != two[name]]


def _is_had_by_id_alone(created: Created, api: Api) -> bool:
    """Whether a get shows an image by its id, and none by its name: it was there before that, and is afterwards."""
    if created.image is None or created.image.answered or not api.had_by_id(created.insert):
        return False
    return not api.get(created.name).answered and api.had_by_id(created.insert) is not None


def _refuse_strangers(exchange: Exchange, target: Target) -> None:
    response = exchange.response
    if response is None:
        return
    if response.status in (401, 403, 407):
        raise Untestable(
            f"{target.root} refuses access to project {target.project} with HTTP {response.status}: "
            "give credentials with --auth or --header 'Authorization: Bearer …', or another --project"
        )
    if response.status in RETRY_STATUSES:
        raise Untestable(f"{target.root} answers HTTP {response.status}, however often it is tried")
    if 300 <= response.status < 400:
        raise Untestable(f"{target.root} redirects (HTTP {response.status}); give the URL of the API itself")
    if exchange.method != "images.insert":
        return
    resource = exchange.resource or {}
    if exchange.answered and not any(resource.get(sign) for sign in OPERATION_SIGNS):
        raise Untestable(f"{target.root} is not the Compute Engine API: it answers an insert with no operation")
    if response.status in ABSENT_STATUSES and not exchange.error:
        raise Untestable(
            f"{target.root} is not the Compute Engine API: it knows no images.insert (HTTP {response.status})"
        )
    if not exchange.answered and response.json is NOT_JSON and response.status < 500:
        raise Untestable(
            f"{target.root} is not the Compute Engine API: it answers an insert with HTTP {response.status} and no JSON"
        )


def _insert_under_names(findings: Findings, target: Target, api: Api, sources: Sources) -> Created:
    """Makes an image, and finds out which shapes of names are refused, and which fields that many scenarios use by
    the way.

    Most targets refuse none, which one insert tells.

    Returns:
        The first image; where there is none, the first insert.
    """

    def asked(shape: Shape, fields: Mapping[str, Any] = NO_FIELDS) -> tuple[Exchange, str]:
        name = target.names.fresh(shape)
        return api.insert(InsertRequest({**minimal(sources), **fields}, name)), name

    def followed(exchange: Exchange, name: str) -> Created:
        return Created(exchange, name, api.finish(exchange) if exchange.answered else {})

    plain = asked(SHAPES[0])
    # While the first is on its way: so its operation need not be looked at as often.
    everything = asked(TOGETHER, _FIELDS) if plain[0].answered and not target.profile.sparing else None
    first = followed(*plain)
    first = replace(first, image=api.get(first.name))
    more = everything is not None and succeeded(first)
    if everything is not None and more and succeeded(followed(*everything)):
        api.confirm(first.insert, accepted("life.insert", SHAPES[0].rule))
        api.confirm(
            everything[0], accepted(*dict.fromkeys(shape.rule for shape in SHAPES[1:]), *map(acceptance_id, _FIELDS))
        )
        findings.shapes = [shape.id for shape in SHAPES]
        return first
    tried = [(SHAPES[0], first)]
    if first.insert.refused or more:
        tried += [(shape, followed(*asked(shape))) for shape in SHAPES[1:]]
    if all(created.insert.refused for _, created in tried):
        tried += [(shape, followed(*asked(shape))) for shape in LAST_RESORTS]
    created = _usable(findings, target, api, tried)
    if succeeded(created) and not target.profile.sparing:
        _try_fields(findings, api, sources)
    return created


def _usable(findings: Findings, target: Target, api: Api, tried: Sequence[tuple[Shape, Created]]) -> Created:
    """Notes which of the shapes that were tried names may have from now on.

    Returns:
        The first image; where there is none, the first insert.
    """
    first = tried[0][1]
    usable = [(shape, created) for shape, created in tried if succeeded(created)]
    api.confirm(first.insert, accepted(tried[0][0].rule if usable else "life.insert"))
    for shape, created in tried[1:] if usable else ():
        api.confirm(created.insert, accepted(shape.rule))
    if usable:
        if usable[0][1] is not first:
            usable[0] = (usable[0][0], replace(usable[0][1], image=api.get(usable[0][1].name)))
        api.confirm(usable[0][1].insert, accepted("life.insert", usable[0][0].rule))
        findings.shapes = [shape.id for shape, _ in usable]
        target.names.use(findings.shapes)
    return (usable or tried)[0][1]


def _try_fields(findings: Findings, api: Api, sources: Sources) -> None:
    """Finds out which fields are refused of those that many scenarios use by the way."""
    together = api.insert({**minimal(sources), **_FIELDS})
    if together.answered and not is_error(api.finish(together).get("error")):
        return
    for name, value in _FIELDS.items():
        created = api.create({**minimal(sources), name: value}, intent=accepted(acceptance_id(name)))
        if not succeeded(created):
            findings.refused.append(name)


def _why(created: Created) -> str:
    exchange = created.insert
    if not exchange.answered:
        message = exchange.error.get("message")
        return f"a plain insert is answered HTTP {exchange.status}" + (
            f": {message}" if isinstance(message, str) else ""
        )
    return "the operation of a plain insert fails"


def _note_configuration(findings: Findings, target: Target, sources: Sources, configured: dict[str, bool]) -> None:
    for kind in SOURCE_KINDS:
        findings.note(f"source.{kind}", present=sources.available(kind), reason=f"no {kind} is configured in [sources]")
    findings.note("second_project", present=bool(target.second_project), reason="no --second-project is configured")
    findings.note("access", present=target.authorised, reason="no credentials are configured")
    for name, who in LIMITED_TOKENS.items():
        reason = f"no token of {who} is configured in CONFORMANCE_{name.upper()}"
        findings.note(name, present=name in target.limited_tokens, reason=reason)
    for name, on in configured.items():
        findings.absent.pop(name, None)
        findings.present = [found for found in findings.present if found != name]
        findings.note(name, present=on, reason=f"{name} is switched off in [capabilities]")


def _offered(exchange: Exchange) -> bool:
    return exchange.status not in ABSENT_STATUSES


def _probe_simple(name: str, call: Callable[[Api, Created], Exchange]) -> Callable[..., None]:
    def probe(findings: Findings, api: Api, created: Created, sources: Sources) -> None:
        del sources
        exchange = call(api, created)
        reason = f"the target does not offer it (HTTP {exchange.status})"
        findings.note(name, present=_offered(exchange), reason=reason)
        api.finish(exchange)

    return probe


def _operation_name(created: Created) -> str:
    return next(addresses(created.operation), "unnamed")


def _probe_wait(findings: Findings, api: Api, created: Created, sources: Sources) -> None:
    """Waits for an operation that is over; where that finds nothing, for one that is under way."""
    exchange = api.wait(_operation_name(created))
    if not _offered(exchange):
        insert = api.insert(minimal(sources))
        if insert.answered:
            exchange = api.wait(next(addresses(insert.resource or {}), "unnamed"))
            api.finish(insert)
    reason = f"the target does not offer it (HTTP {exchange.status})"
    findings.note("wait", present=_offered(exchange), reason=reason)


def _fingerprint(created: Created) -> Any:
    image = created.image.resource if created.image else None
    return (image or {}).get("labelFingerprint")


def _probe_family(findings: Findings, api: Api, created: Created, sources: Sources) -> None:
    del created
    found = api.from_family(FAMILY)
    usable, lacking = found.answered, ""
    if not usable:  # no other probe has made a member
        made = api.create({**minimal(sources), "family": FAMILY})
        usable = made.insert.answered and bool(made.image and made.image.resource)
        lacking = "" if made.ready or not made.insert.answered else "no image of a family was seen READY"
        found = api.from_family(FAMILY) if usable else made.insert
    reason = lacking or f"the target does not offer image families (HTTP {found.status})"
    findings.note("family", present=usable and _offered(found), reason=reason)
    zone = _zone(sources)
    view = api.family_view(zone, FAMILY) if usable else found
    reason = lacking or f"the target does not offer imageFamilyViews (HTTP {view.status})"
    findings.note("family_views", present=usable and _offered(view), reason=reason)


def _zone(sources: Sources) -> str:
    """A zone of the target: that of its source disk, else a zone that every project has."""
    _, found, rest = (sources.disk or "").partition("zones/")
    return rest.partition("/")[0] if found else "us-central1-a"


def _probe_customer_keys(findings: Findings, api: Api, created: Created, sources: Sources) -> None:
    del created
    body = {**minimal(sources), "imageEncryptionKey": {"rawKey": CUSTOMER_KEY}}
    # As a member of a family the image serves to find out about families as well.
    for more in ({"family": FAMILY}, {}):
        made = api.create({**body, **more})
        refused = made.insert.refused or is_error(made.operation.get("error"))
        if not refused:
            break
    findings.note("csek", present=not refused, reason="the target takes no customer-supplied encryption keys")


_COSTLY = {"family": ("family", "csek"), "csek": ("csek",), "patch": ("patch",)}
"""Capabilities that take many requests to find out, each with how those begin whose scenarios use it: an image with a
customer's key, which is a member of a family already, is looked at there as well."""

_PROBES: dict[str, Callable[..., None]] = {
    "wait": _probe_wait,
    "list": _probe_simple("list", lambda api, made: api.list(filter=f"name={made.name}")),
    "operations_list": _probe_simple("operations_list", lambda api, made: api.operations(maxResults="5")),
    "set_labels": _probe_simple(
        "set_labels",
        lambda api, made: api.set_labels(made.name, {"labels": {}, "labelFingerprint": _fingerprint(made)}),
    ),
    "patch": _probe_simple("patch", lambda api, made: api.patch(made.name, {"description": "patched"})),
    "deprecate": _probe_simple("deprecate", lambda api, made: api.deprecate(made.name, {"state": "ACTIVE"})),
    "csek": _probe_customer_keys,
    "family": _probe_family,
}
