"""Rules about the deprecation of images: what deprecate takes, what it leads to, and what it warns of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from conformance.contract.areas.image import DEPRECATION_TIMES
from conformance.contract.fields import type_rules
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.requests import request_rule
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import filled
from conformance.trace.exchange import Exchange
from conformance.trace.formats import timestamp
from conformance.trace.links import may_come_back, same_resource

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""
ACTIVE = "ACTIVE"


def _state(image: dict[str, Any]) -> str:
    status = image.get("deprecated")
    state = status.get("state") if isinstance(status, dict) else None
    return state if isinstance(state, str) and state else ACTIVE


def _deprecations(history: History) -> Iterator[tuple[Mutation, Sighting]]:
    """Each deprecate that succeeded, with what gets showed of the image afterwards."""
    for mutation in history.mutations:
        if mutation.method == "images.deprecate" and mutation.outcome == "succeeded":
            for sighting in history.results(mutation, "deprecated"):
                yield mutation, sighting


@RULES.rule(
    "deprecate.state",
    "doc",
    "The state set by deprecate comes back on get.",
    "Fields > deprecated.state",
    "The state is that of the image's deprecation, so once it is set it is shown.",
    requires=("image.type.deprecated", "image.type.deprecated.state"),
    needs=("deprecate",),
)
def _deprecate_state(history: History) -> Iterator[Finding]:
    for mutation, sighting in _deprecations(history):
        if not well_typed(sighting.value, "deprecated"):
            continue
        wanted = mutation.body.get("state") or ACTIVE
        came = filled(sighting.value.get("deprecated"), {"state": wanted})
        yield expect(
            _state({"deprecated": came}) == wanted,
            "the state that was set does not come back",
            mutation.exchange,
            sighting.exchange,
            expected=wanted,
            observed=sighting.value.get("deprecated"),
        )


@RULES.rule(
    "deprecate.round-trip",
    "doc",
    "Replacement and times set by deprecate come back beside the state.",
    "Fields > deprecated.replacement",
    "Replacement and times are parts of an image's deprecation beside its state, and for information, so "
    "they are shown as they were set.",
    requires=type_rules("deprecated"),
    needs=("deprecate",),
)
def _deprecate_round_trip(history: History) -> Iterator[Finding]:
    for mutation, sighting in _deprecations(history):
        names = ("replacement", *DEPRECATION_TIMES)
        sent = {name: mutation.body[name] for name in names if is_set(mutation.body.get(name))}
        status = filled(sighting.value.get("deprecated"), sent)
        came = status if isinstance(status, dict) else {}
        if sent and well_typed(sighting.value, "deprecated"):
            wrong = {
                name: came.get(name)
                for name, value in sent.items()
                if not _same(value, came.get(name), mutation.project)
            }
            yield expect(
                not wrong,
                "what deprecate set does not come back",
                mutation.exchange,
                sighting.exchange,
                expected=sent,
                observed=came,
            )


def _same(sent: Any, came: Any, project: str) -> bool:
    """Whether two texts are equal, mean the same instant, or name the same resource."""
    if timestamp(sent) is not None:
        return timestamp(sent) == timestamp(came)
    return may_come_back(sent, came, project)


RULES.add(
    request_rule(
        "deprecate.use-obsolete",
        "doc",
        "An OBSOLETE or DELETED image cannot be a source; a DEPRECATED one can, with a warning that names its "
        "replacement.",
        "Fields > deprecated.state",
        "The use of OBSOLETE and DELETED resources is said to be rejected, that of DEPRECATED ones to "
        "succeed with a warning that recommends the replacement.",
        needs=("deprecate",),
        also=lambda history: itertools.chain(_warned(history), _rejected(history)),
    )
)


def _rejected(history: History) -> Iterator[Finding]:
    """In a recording, the use of an image that looks before and after show as OBSOLETE or DELETED fails; that of one
    they show as DEPRECATED is not refused for that."""
    for insert in history.inserts if history.trace.recorded else ():
        own = insert.view.text("sourceImage")
        if not own or insert.original is not None or "/family/" in own:
            continue
        looks = history.sightings_at(own, insert.project)
        known = [(_state(seen.value), seen.exchange) for seen in looks if after(seen.exchange, insert.exchange)]
        known += [
            (change.body.get("state") or ACTIVE, change.end)
            for change in history.mutations
            if _settled(change, insert)
            and same_resource(own, f"projects/{change.project}/global/images/{change.image}", insert.project)
        ]
        state, shown = max(known, key=lambda told: told[1].number, default=(ACTIVE, insert.exchange))
        if state == ACTIVE or _may_differ(history, insert, looks, state, shown):
            continue
        final = insert.operation.final if insert.operation else None
        seen = next((look for look in looks if look.exchange is shown), None)
        if seen is not None and state == "DEPRECATED" and insert.outcome == "succeeded" and insert.original is None:
            yield from _told(insert, seen)
        told = str(final.value if final else insert.exchange.error)
        refused = insert.outcome in ("refused", "failed") and state.lower() in told.lower()
        if insert.outcome == "succeeded" or (state == "DEPRECATED" and refused):
            yield expect(
                (insert.outcome == "succeeded") == (state == "DEPRECATED"),
                f"an image that is {state} is {'refused as a source' if refused else 'used'}",
                shown,
                insert.exchange,
                expected="success, with a warning"
                if state == "DEPRECATED"
                else "a refusal, or an operation that fails",
                observed=f"HTTP {insert.exchange.status}",
            )


def _told(insert: Mutation, source: Sighting) -> Iterator[Finding]:
    """Whether the operation of an insert warns of its source, which a look shows as DEPRECATED."""
    states = insert.operation.glimpses if insert.operation else []
    if insert.operation is None or insert.operation.final is None:
        return  # the warning may come with the end
    if not all(state.shows("warnings") for state in states):
        return
    replacement = source.value["deprecated"].get("replacement")
    wanted = [str(source.name), *([replacement.rpartition("/")[2]] if isinstance(replacement, str) else [])]
    yield expect(
        any(all(name in str(state.value.get("warnings")) for name in wanted) for state in states),
        "the use of a deprecated image gives no warning that names it and its replacement",
        source.exchange,
        insert.exchange,
        states[-1].exchange,
        expected=f"a warning that names {' and '.join(wanted)}",
        observed=states[-1].value.get("warnings"),
    )


def _settled(change: Mutation, insert: Mutation) -> bool:
    """Whether a deprecate was DONE some time before an insert was sent: a service may take a moment to show it."""
    return (
        change.method == "images.deprecate"
        and change.outcome == "succeeded"
        and after(change.end, insert.exchange)
        and insert.exchange.sent - change.end.received > MOMENT_SECONDS
    )


def _may_differ(history: History, insert: Mutation, looks: list[Sighting], state: str, shown: Exchange) -> bool:
    """Whether the state of a source may have been another one when an insert used it than an exchange before it
    shows."""
    end = insert.end if insert.outcome in ("succeeded", "failed") else insert.exchange
    later = [seen for seen in looks if after(end, seen.exchange)][:1]
    names = {insert.view.text("sourceImage").rpartition("/")[2]}
    names |= {str(value) for seen in looks for value in (seen.name, seen.value.get("id"))}
    soon = insert.exchange.sent - shown.received <= LATE_SECONDS
    changed = any(
        change.image in names
        and change.method in ("images.deprecate", "images.patch", "images.delete", "images.insert")
        and not change.exchange.rejected
        and not after(end, change.exchange)
        and not (
            change.operation
            and change.operation.final
            and (change.operation.final.exchange is shown or after(change.operation.final.exchange, shown))
        )
        for change in history.mutations
        if change is not insert
    )
    same = all(_state(seen.value) == state for seen in later)
    return changed or not same or not (soon or later)


def _taken_back(history: History, deprecation: Mutation, insert: Mutation) -> bool:
    """Whether a deprecation of a recording may be over when its image is used: it was changed, or is long ago."""
    changed = any(
        change.method in ("images.deprecate", "images.patch", "images.delete")
        and not after(change.exchange, deprecation.exchange)
        and not after(insert.end, change.exchange)
        for change in history.changes(deprecation)
    )
    return changed or insert.exchange.sent - deprecation.end.received > LATE_SECONDS


def _warned(history: History) -> Iterator[Finding]:
    """The use of a DEPRECATED image succeeds with a warning, and the warning names the replacement, if there is one."""
    looked_at = {id(deprecation) for deprecation, _ in _deprecations(history)}
    for deprecation in history.mutations:
        if deprecation.method != "images.deprecate" or deprecation.outcome != "succeeded":
            continue
        if deprecation.body.get("state") != "DEPRECATED":
            continue
        for insert in history.created:
            seen = id(deprecation) in looked_at
            if not seen and not (history.trace.recorded and _settled(deprecation, insert)):
                continue
            if history.trace.recorded and _taken_back(history, deprecation, insert):
                continue
            deprecated = f"projects/{deprecation.project}/global/images/{deprecation.image}"
            used = same_resource(insert.view.text("sourceImage"), deprecated, insert.project)
            if (
                not used
                or not after(deprecation.exchange, insert.exchange)
                or insert.operation is None
                or insert.operation.final is None
            ):
                continue
            warnings = insert.operation.final.value.get("warnings")
            replacement = deprecation.view.text("replacement")
            wanted = [str(insert.view.text("sourceImage")).rsplit("/", 1)[-1], replacement.rsplit("/", 1)[-1]]
            told = is_set(warnings) and all(name in str(warnings) for name in wanted)
            yield expect(
                told,
                "the use of a deprecated image gives no warning that names it and its replacement",
                deprecation.exchange,
                insert.exchange,
                insert.operation.final.exchange,
                expected=f"a warning that names {' and '.join(filter(None, wanted))}",
                observed=warnings,
            )
