"""Rules about deprecation and image families."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from conformance.contract.agreement import told_otherwise
from conformance.contract.areas.deprecate import ACTIVE
from conformance.contract.bystanders import UNNOTICED_SECONDS
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.mutation import Mutation, overlapping
from conformance.contract.order import after
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import blotted_out
from conformance.trace.exchange import Exchange
from conformance.trace.formats import timestamp
from conformance.trace.links import named
from conformance.trace.recorded_clock import served_at

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

WHOLE = ("kind", "id", "creationTimestamp", "name", "status", "selfLink")
"""What an image has that is not shown in short."""


FROM_FAMILY = "images.getFromFamily"
VIEW = "imageFamilyViews.get"
HOUR = 3600


# Families


def _members(history: History, project: str, family: str, before: Any) -> list[Mutation]:
    """The inserts of a family's images that were finished before a request, oldest first; those deleted by then
    aside."""
    members = [
        insert
        for insert in history.created
        if insert.project == project and insert.body.get("family") == family and after(insert.end, before)
    ]
    return [insert for insert in members if all(after(before, delete.exchange) for delete in _deletes(history, insert))]


def _deletes(history: History, insert: Mutation) -> Iterator[Mutation]:
    return (change for change in history.changes(insert) if change.method == "images.delete")


def _certain(history: History, project: str, family: str, exchange: Any) -> bool:
    """Whether its images came one after the other, none is on its way or going, moved by a PATCH, or had its name
    used again."""
    inserts = [
        insert for insert in history.inserts if insert.project == project and insert.body.get("family") == family
    ]
    fresh = [insert for insert in inserts if not insert.exchange.refused and insert.original is None]
    twins = any(history.held_twice(project, insert.image, exchange) for insert in inserts)
    if twins or len({insert.image for insert in fresh}) < len(fresh) or overlapping(fresh):
        return False
    if any(change.method == "images.patch" and "family" in change.body for change in history.mutations):
        return False
    deprecations = [
        change
        for insert in fresh
        for change in history.changes(insert)
        if change.method == "images.deprecate" and not after(exchange, change.exchange)
    ]
    if not all(change.ended and after(change.ended, exchange) for change in deprecations):
        return False
    deletes = [
        delete for insert in fresh for delete in _deletes(history, insert) if not after(exchange, delete.exchange)
    ]
    if not all(delete.outcome == "succeeded" and delete.ended and after(delete.ended, exchange) for delete in deletes):
        return False
    return all(
        after(insert.ended, exchange) if insert.ended else insert.exchange.refused
        for insert in inserts
        if insert.exchange.number < exchange.number
    )


def _deprecated_since(history: History, insert: Mutation, exchange: Any) -> list[Mutation]:
    return [
        change
        for change in history.changes(insert)
        if change.method == "images.deprecate" and change.outcome == "succeeded" and after(change.exchange, exchange)
    ]


def _active(history: History, insert: Mutation, exchange: Any) -> bool:
    changes = _deprecated_since(history, insert, exchange)
    state = changes[-1].body.get("state") if changes else insert.view.part("deprecated").get("state")
    return (state or ACTIVE) == ACTIVE


def _override(history: History, insert: Mutation, exchange: Any) -> Any:
    """The rollout policy with which an image was deprecated last, as it was sent."""
    changes = _deprecated_since(history, insert, exchange)
    return changes[-1].body.get("stateOverride") if changes else None


def _known_members(history: History, project: str, family: str, exchange: Exchange) -> list[Mutation]:
    """The members of a family where it is certain which of them a request finds there, oldest first; else none."""
    members = _members(history, project, family, exchange)
    plain = not any(
        is_set(insert.body.get("deprecated")) or is_set(insert.body.get("rolloutOverride")) for insert in members
    )
    return members if plain and _certain(history, project, family, exchange) else []


def _judge_family(history: History, method: str, *, deprecated: bool) -> Iterator[Finding]:
    """Judges the answers for families of which the trace shows every member: the latest that is not deprecated.

    A family that answered wrongly before any of its images was deprecated shows nothing of what deprecations do.
    """
    spoiled = _wrong_before(history, method) if deprecated else frozenset[str]()
    for exchange in history.exchanges:
        route = exchange.route
        if route is None or route.method != method or not (exchange.answered or exchange.refused):
            continue
        if route.name in spoiled:
            continue
        members = _known_members(history, route.project, route.name, exchange)
        touched = any(_deprecated_since(history, insert, exchange) for insert in members)
        if not members or touched != deprecated:
            continue
        if method == VIEW and any(is_set(_override(history, insert, exchange)) for insert in members):
            continue  # where it is deprecated is the matter of another rule
        candidates = [insert.image for insert in members if _active(history, insert, exchange)]
        resource = exchange.resource or {}
        image = resource.get("image") if method == VIEW else resource
        mask = exchange.mask.within("image") if method == VIEW else exchange.mask
        came = image.get("name") if isinstance(image, dict) else None
        if not mask.covers("name") or not isinstance(came, str | None) or blotted_out(came):
            continue
        wanted = candidates[-1] if candidates else None
        missed = came is None and exchange.missing and candidates and _stays(history, members, exchange)
        stranger = history.trace.recorded and not missed and came not in {insert.image for insert in members}
        if stranger and not _older(history, [insert for insert in members if insert.image == wanted], exchange, image):
            continue  # a member that the recording does not tell of
        changes = [change.exchange for insert in members for change in _deprecated_since(history, insert, exchange)]
        right = came == wanted and (wanted is not None or exchange.refused)
        if not right and _recent(history, route.project, route.name, exchange):
            continue  # a service may take a moment to show what has been done
        if not right and wanted and _passed_on(history, route.project, wanted, exchange):
            continue  # somebody else has deprecated it, or moved it
        if not right and _right_later(history, route.project, route.name, exchange, wanted):
            continue
        if missed and _last_word(history, members, exchange):
            continue
        yield expect(
            right and (wanted is not None or exchange.missing),
            "a family answers another image than its latest that is not deprecated",
            *(insert.exchange for insert in members),
            *changes,
            exchange,
            expected=wanted or "HTTP 404",
            observed=came or f"HTTP {exchange.status}",
            deviation=right,
        )


def as_sources(history: History) -> Iterator[Finding]:
    """Judges which image was the source of an insert that names a family of which the trace shows every member."""
    for insert, seen in history.comebacks_of("sourceImage"):
        source, came = (named(value.get("sourceImage"), insert.project) for value in (insert.body, seen.value))
        family = source[1].removeprefix("global/images/family/") if source else ""
        if source is None or came is None or family == source[1] or source[0] != insert.project:
            continue
        if _recent(history, insert.project, family, insert.exchange):
            continue  # a service may take a moment to show what has been done
        yield from _as_the_family_says(history, insert, family, seen, came)
        members = _known_members(history, insert.project, family, insert.exchange)
        active = [member for member in members if _active(history, member, insert.exchange)]
        images = [f"global/images/{member.image}" for member in members]
        if not active or came[1] not in images:
            continue  # a member that the recording does not tell of
        yield expect(
            came[1] == f"global/images/{active[-1].image}",
            "an image is made from another one than the latest of the family that is not deprecated",
            *(member.exchange for member in members),
            insert.exchange,
            seen.exchange,
            expected=active[-1].image,
            observed=came[1],
        )


def _as_the_family_says(
    history: History, insert: Mutation, family: str, seen: Sighting, came: tuple[str, str]
) -> Iterator[Finding]:
    """Judges that the source of an insert of a recording is the image that the family answers just before it and
    afterwards."""
    answers = [
        look
        for look in history.sightings
        if look.via == FROM_FAMILY and look.exchange.route and look.project == insert.project
        if look.exchange.route.name == family and "rolloutOverride" not in look.value
    ]
    before = [look for look in answers if after(look.exchange, insert.exchange)][-1:]
    later = [look for look in answers if after(insert.end, look.exchange)][:1]
    if not history.trace.recorded or not before or not later or came[0] != insert.project:
        return
    name, identifier = before[0].name, before[0].value.get("id")
    soon = insert.exchange.sent - before[0].exchange.received <= LATE_SECONDS
    if soon and name is not None and name == later[0].name:
        yield expect(
            came[1] in (f"global/images/{name}", f"global/images/{identifier}"),
            "an image is made from another one than the family answers before and afterwards",
            before[0].exchange,
            insert.exchange,
            seen.exchange,
            later[0].exchange,
            expected=name,
            observed=came[1],
        )


def _older(history: History, latest: list[Mutation], exchange: Exchange, image: Any) -> bool:
    """Whether a family answers an image that was made before the latest of those that the recording makes, which is
    shown at that time as one that is not deprecated."""
    born = timestamp(image.get("creationTimestamp")) if isinstance(image, dict) else None
    names = {(insert.project, insert.image) for insert in latest}
    times = (
        timestamp(seen.value.get("creationTimestamp"))
        for seen in history.showing("creationTimestamp")
        if (seen.project, seen.name) in names
    )
    younger = born is not None and any(made is not None and made > born for made in times)
    return younger and _stays(history, latest, exchange)


def _stays(history: History, members: list[Mutation], exchange: Exchange) -> bool:
    """Whether a member of a family is shown as one that is not deprecated, before and after a request or so shortly
    before it that nobody can have changed that."""
    names = {insert.image for insert in members}
    family = str(exchange.route and exchange.route.name)
    looks = [seen for seen in history.sightings if seen.name in names and _latest_there(seen, family)]
    earlier = [seen for seen in looks if after(seen.exchange, exchange)]
    if earlier and exchange.sent - earlier[-1].exchange.received <= UNNOTICED_SECONDS:
        return True
    before = {str(seen.value.get("id")) for seen in earlier} | {str(history.identifier(member)) for member in members}
    return any(str(seen.value.get("id")) in before for seen in looks if after(exchange, seen.exchange))


def _passed_on(history: History, project: str, name: str, exchange: Exchange) -> bool:
    """Whether the first look of a recording at a family's image after an answer for the family shows that others have
    deprecated it, or taken it out."""
    looks = (seen for seen in history.sightings if (seen.project, seen.name) == (project, name))
    seen = next((look for look in looks if after(exchange, look.exchange)), None)
    family = exchange.route and exchange.route.name
    return history.trace.recorded and seen is not None and not _latest_there(seen, str(family))


def _right_later(history: History, project: str, family: str, exchange: Exchange, wanted: str | None) -> bool:
    """Whether the next look of a recording at a family that was changed lately shows what a look does not yet show."""
    if not history.trace.recorded or not _recent(history, project, family, exchange, LATE_SECONDS):
        return False
    looks = (
        look
        for look in history.exchanges
        if look.method == exchange.method and look.route and (look.route.project, look.route.name) == (project, family)
    )
    following = next((look for look in looks if after(exchange, look) and (look.answered or look.refused)), None)
    image = following.resource if following else None
    shown = image.get("image") if image and exchange.method == VIEW else image
    name = shown.get("name") if isinstance(shown, dict) else None
    return following is not None and name == wanted and (wanted is not None or following.missing)


def _last_word(history: History, members: list[Mutation], exchange: Exchange) -> bool:
    """Whether a recording ends with a look at a family that was changed lately: nothing tells whether it was late."""
    route, names = exchange.route, {insert.image for insert in members}
    if route is None or not history.trace.recorded:
        return False
    again = any(
        look.method == exchange.method and look.route == route and after(exchange, look) for look in history.exchanges
    )
    seen = any(look.name in names and after(exchange, look.exchange) for look in history.sightings)
    return not (again or seen) and _recent(history, route.project, route.name, exchange, LATE_SECONDS)


def _recent(history: History, project: str, family: str, exchange: Exchange, seconds: float = MOMENT_SECONDS) -> bool:
    """Whether a family was changed so short a time ago that it may be seen as it was before."""
    inserts = [one for one in history.inserts if one.project == project and one.body.get("family") == family]
    changes = [change for insert in inserts for change in (insert, *history.changes(insert))]
    ends = [change.ended.received for change in changes if change.ended and after(change.ended, exchange)]
    return exchange.sent - max(ends, default=0.0) <= seconds


def _wrong_before(history: History, method: str) -> frozenset[str]:
    """The families that answered another image than their latest, with none of their images deprecated."""
    findings = _judge_family(history, method, deprecated=False)
    routes = (finding.exchanges[-1].route for finding in findings if finding is not None)
    return frozenset(route.name for route in routes if route is not None)


@RULES.rule(
    "family.latest",
    "doc",
    "A family answers its latest image that is not deprecated, and none of another family.",
    "Fields > family",
    "A family is said to return always its latest image that is not deprecated.",
    requires=("life.get-after-done",),
    needs=("family",),
)
def _latest(history: History) -> Iterator[Finding]:
    yield from _judge_family(history, FROM_FAMILY, deprecated=False)
    yield from _of_another(history, FROM_FAMILY)
    yield from _passed_over(history)


def _passed_over(history: History) -> Iterator[Finding]:
    """Judges that a family of which a recording tells by lists alone does not answer an older image than one that is
    shown just before and just after: READY, not deprecated, not being rolled out, and there for a while."""
    looks: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    members: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for seen in history.every_sighting if history.trace.recorded else ():
        made, family = timestamp(seen.value.get("creationTimestamp")), seen.value.get("family")
        if made is not None and isinstance(family, str | None):
            looks[seen.project, str(seen.value.get("id"))].append(seen)
            members[seen.project, family or ""][str(seen.value.get("id"))] = made.timestamp()
    for exchange in history.exchanges if looks else ():
        route, born = exchange.route, timestamp((exchange.resource or {}).get("creationTimestamp"))
        missed = exchange.missing
        if route is None or route.method != FROM_FAMILY or (born is None and not missed):
            continue
        now = served_at(exchange) or exchange.sent
        for identifier, made_at in members[route.project, route.name].items():
            if (born is not None and made_at <= born.timestamp()) or now - made_at <= LATE_SECONDS:
                continue
            of_one = looks[route.project, identifier]
            before = [seen for seen in of_one if after(seen.exchange, exchange)][-1:]
            later = [seen for seen in of_one if after(exchange, seen.exchange)][:1]
            near = [*before, *later]
            if len(near) < 2 or near[1].exchange.sent - near[0].exchange.received > LATE_SECONDS:
                continue
            changed = any(change.image in (near[0].name, near[0].value.get("id")) for change in history.mutations)
            if not changed and all(_latest_there(seen, route.name) for seen in near):
                yield expect(
                    False,
                    "a family answers no image, although one is not deprecated"
                    if missed
                    else "a family answers an older image than its latest that is not deprecated",
                    near[0].exchange,
                    exchange,
                    near[1].exchange,
                    expected=near[0].name,
                    observed=f"HTTP {exchange.status}" if missed else (exchange.resource or {}).get("name"),
                )


def _latest_there(seen: Sighting, family: str) -> bool:
    """Whether an image is shown as one that its family may answer."""
    image, status = seen.value, seen.value.get("deprecated")
    state = status.get("state") if isinstance(status, dict) else None
    plain = not is_set(image.get("rolloutOverride")) and state in (None, ACTIVE)
    return plain and image.get("family") == family and image.get("status") == "READY"


def _of_another(history: History, method: str) -> Iterator[Finding]:
    """Whether the image that a family answers says itself that it is one of that family."""
    for exchange in history.exchanges:
        image = exchange.resource if method == FROM_FAMILY else (exchange.resource or {}).get("image")
        family = image.get("family") if isinstance(image, dict) else None
        if exchange.method != method or exchange.route is None:
            continue
        if isinstance(family, str) and is_set(family) and not blotted_out(family):
            yield expect(
                family == exchange.route.name,
                "a family answers an image of another",
                exchange,
                expected=exchange.route.name,
                observed=family,
            )
        elif isinstance(image, dict) and not exchange.mask.partial and all(is_set(image.get(name)) for name in WHOLE):
            yield expect(
                is_set(family),
                "a family answers an image that is of none",
                exchange,
                expected=exchange.route.name,
                observed=family,
                deviation=True,
            )


@RULES.rule(
    "family.deprecated-skipped",
    "doc",
    "Deprecating the latest image of a family makes the one before it the answer; dates alone change nothing.",
    "Fields > family",
    "The latest image that is not deprecated is another one once the latest is deprecated, and dates "
    "alone deprecate nothing.",
    requires=("family.latest",),
    needs=("family", "deprecate"),
)
def _deprecated_skipped(history: History) -> Iterator[Finding]:
    yield from _judge_family(history, FROM_FAMILY, deprecated=True)
    for exchange in history.exchanges:
        status = (exchange.resource or {}).get("deprecated")
        if exchange.method != FROM_FAMILY or not isinstance(status, dict) or not is_set(status.get("state")):
            continue
        soon = any(
            change.method == "images.deprecate" and exchange.sent - change.exchange.received <= MOMENT_SECONDS
            for change in history.mutations
            if after(change.exchange, exchange)
        )
        # With a stateOverride it may be deprecated in some zones only.
        if not soon and not is_set(status.get("stateOverride")) and not blotted_out(status["state"]):
            yield expect(
                status["state"] == ACTIVE,
                "a family answers an image that is deprecated",
                exchange,
                expected="an image that is not deprecated",
                observed=status,
            )


@RULES.rule(
    "family.agrees",
    "conv",
    "A family, and a view of it, shows of an image what a get shows: it may leave fields out, but not change them.",
    "Fields > family",
    "What the answer of a family looks like is described elsewhere; it is the resource that a get answers, so both "
    "tell one story of it.",
    requires=("life.get-after-done",),
    needs=("family",),
    passive=False,
)
def _agrees(history: History) -> Iterator[Finding]:
    message = "a family shows an image otherwise than a get before it and one after it"
    yield from told_otherwise(history, {FROM_FAMILY, VIEW}, message)


@RULES.rule(
    "family.view-latest",
    "doc",
    "imageFamilyViews.get of a zone answers the family's latest image that is not deprecated there.",
    "Fields > rolloutOverride",
    "imageFamilyViews.get is named as the method that shows a zone's latest image that is not deprecated.",
    requires=("family.view-shape", "life.get-after-done"),
    needs=("family_views",),
)
def _view_latest(history: History) -> Iterator[Finding]:
    yield from _judge_family(history, VIEW, deprecated=False)
    yield from _judge_family(history, VIEW, deprecated=True)
    # That an image is of the family says nothing of whether it is its latest.
    yield from filter(None, _of_another(history, VIEW))


@RULES.rule(
    "family.view-rollout",
    "doc",
    "An image whose rolloutOverride has not reached a zone is not the answer of that zone's view.",
    "Fields > rolloutOverride",
    "A rollout policy is said to restrict the zones in which an image is reached through its family.",
    requires=("family.view-shape",),
    needs=("family_views",),
)
def _view_rollout(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        route = exchange.route
        resource = exchange.resource
        if route is None or route.method != VIEW or resource is None or not isinstance(resource.get("image"), dict):
            continue
        for insert, sighting in history.comebacks:
            stored = sighting.value.get("rolloutOverride")
            if insert.body.get("family") != route.name or not isinstance(stored, dict):
                continue
            zones = stored.get("locationRolloutPolicies")
            time = timestamp((zones if isinstance(zones, dict) else {}).get(f"zones/{route.zone}"))
            if time is not None and time.timestamp() > exchange.received + HOUR:
                yield expect(
                    resource["image"].get("name") != insert.image,
                    "a view answers an image that has not reached the zone",
                    insert.exchange,
                    exchange,
                    expected="another image, or none",
                    observed=insert.image,
                )


@RULES.rule(
    "family.view-reached",
    "doc",
    "The latest image of a family is the answer of a zone's view where its rolloutOverride does not speak of the "
    "zone, or has reached it.",
    "Fields > rolloutOverride",
    "When a policy does not include the zone, or the zone is rolled out, the image is said to be accessible there.",
    requires=("family.view-shape", "family.view-latest", "family.view-rollout"),
    needs=("family_views",),
)
def _view_reached(history: History) -> Iterator[Finding]:
    for exchange, members in _views(history):
        latest = members[-1]
        stored = _stored(history, latest, exchange, "rolloutOverride")
        if _active(history, latest, exchange) and isinstance(stored, dict) and _reached(stored, exchange) is True:
            yield from _shows(
                history,
                exchange,
                latest,
                "a view does not answer an image that has reached the zone",
                (latest.exchange,),
            )


@RULES.rule(
    "family.view-state-override",
    "doc",
    "The latest image of a family stays the answer of a zone's view until the stateOverride of its deprecation has "
    "reached the zone.",
    "Fields > deprecated.stateOverride",
    "A policy of a deprecation is said to restrict the zones in which the image is in that state, and to count in "
    "views of families.",
    requires=("family.view-shape", "family.view-latest"),
    needs=("family_views", "deprecate"),
)
def _view_state_override(history: History) -> Iterator[Finding]:
    for exchange, members in _views(history):
        *others, latest = members
        deprecated = _stored(history, latest, exchange, "deprecated")
        policy = deprecated.get("stateOverride") if isinstance(deprecated, dict) else None
        rollout = _stored(history, latest, exchange, "rolloutOverride")
        elsewhere = any(is_set(insert.body.get("rolloutOverride")) for insert in others)
        if (
            elsewhere
            or (isinstance(rollout, dict) and not _reached(rollout, exchange))
            or not isinstance(policy, dict)
            or deprecated.get("state") != "DEPRECATED"
        ):
            continue
        reached = _reached(policy, exchange)
        plain = [insert for insert in others if not _deprecated_since(history, insert, exchange)]
        wanted = latest if reached is False else plain[-1] if reached and plain and plain == others else None
        if wanted is not None:
            changes = [change.exchange for change in _deprecated_since(history, latest, exchange)[-1:]]
            yield from _shows(
                history,
                exchange,
                wanted,
                "a view does not heed where an image is deprecated",
                (latest.exchange, *changes),
            )


def _views(history: History) -> Iterator[tuple[Exchange, list[Mutation]]]:
    """The answers of views, each with the members of its family, where all of them are known."""
    for exchange in history.exchanges:
        route = exchange.route
        if route is None or route.method != VIEW or not (exchange.answered or exchange.missing):
            continue
        members = _members(history, route.project, route.name, exchange)
        if members and not history.trace.recorded and _certain(history, route.project, route.name, exchange):
            yield exchange, members


def _stored(history: History, insert: Mutation, exchange: Exchange, field: str) -> Any:
    """A field of an image as a get has shown it last before a request, since it was changed; None where none did."""
    since = [insert, *_deprecated_since(history, insert, exchange)][-1]
    seen = [one for one in history.results(since) if after(one.exchange, exchange)]
    return seen[-1].value.get(field) if seen else None


def _reached(policy: dict[str, Any], exchange: Exchange) -> bool | None:
    """Whether a rollout has reached the zone of a view; None where that is not certain, or said in two ways."""
    zones = policy.get("locationRolloutPolicies")
    named = zones.get(f"zones/{exchange.route.zone}") if isinstance(zones, dict) and exchange.route else None
    if named is None:
        return None if is_set(policy.get("defaultRolloutTime")) else True
    time = timestamp(named)
    if time is None or abs(time.timestamp() - exchange.received) < HOUR:
        return None
    return time.timestamp() < exchange.received


def _shows(
    history: History, exchange: Exchange, wanted: Mutation, message: str, why: tuple[Exchange, ...]
) -> Iterator[Finding]:
    """Judges which image a view answers, unless it may show the family as it was a moment ago."""
    image = (exchange.resource or {}).get("image")
    if isinstance(image, dict) and not well_typed(image, "name"):
        return
    came = image.get("name") if isinstance(image, dict) else None
    family = exchange.route.name if exchange.route else ""
    if came == wanted.image or not _recent(history, wanted.project, family, exchange):
        at = (*why, exchange)
        yield expect(came == wanted.image, message, *at, expected=wanted.image, observed=came or exchange.status)


@RULES.rule(
    "family.view-shape",
    "conv",
    'The answer of imageFamilyViews.get is {"image": …}.',
    "imageFamilyViews.get",
    "The answer of the method is described elsewhere; the discovery document has the image in a field of that name.",
    needs=("family_views",),
)
def _view_shape(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        if exchange.method == VIEW and exchange.resource is not None and not exchange.mask.partial:
            image = exchange.resource.get("image")
            yield expect(
                isinstance(image, dict) and is_set(image.get("name")),
                "a family view has another shape",
                exchange,
                expected={"image": {"name": "…"}},
                observed=sorted(exchange.resource),
            )
