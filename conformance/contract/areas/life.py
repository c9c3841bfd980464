"""Rules about the life of an image: it is made, found, changed and deleted, and no other image with it."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from conformance.contract.areas.labels import seen_before
from conformance.contract.areas.transport import OPTIONAL_METHODS
from conformance.contract.bystanders import UNNOTICED_SECONDS, over
from conformance.contract.comparison import unasked
from conformance.contract.fields import SERVER_SET, type_rules
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.mutation import Mutation, overlapping
from conformance.contract.order import after
from conformance.contract.requests import conflicts, for_the_fault, leak_breach, leaked, request_rule
from conformance.contract.round_trip import changed_by, cleared_by, comes_back, patched_paths, shows
from conformance.contract.rule import SHOWN, Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import blotted_out
from conformance.trace.exchange import Exchange

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

REQUIRED = frozenset({"name", "rawDisk", "sourceDisk", "sourceImage", "sourceSnapshot"})
"""What an insert needs: a name, and one of the sources."""

CONFLICT = 409


def _bare_inserts(history: History) -> Iterator[Finding]:
    """Judges the inserts of a recording: none is refused for a name that no image has, neither before it nor after
    it."""
    for insert in history.inserts if history.trace.recorded else ():
        if insert.outcome == "succeeded" and {name for name, value in insert.body.items() if is_set(value)} <= REQUIRED:
            yield None
        used = any(other.image == insert.image and not other.exchange.rejected for other in history.inserts)
        if conflicts(insert) and not used and history.vacant(insert):
            yield expect(
                False,
                "an insert is refused for a name that no image has",
                insert.exchange,
                expected="success",
                observed=f"HTTP {insert.exchange.status}",
                deviation=True,
            )


RULES.add(
    request_rule(
        "life.insert",
        "doc",
        "An insert of a name and a source, and nothing else, succeeds.",
        "HTTP request",
        "A name and one source are all that the page calls required, so an insert of these two creates an image.",
        also=_bare_inserts,
    )
)


@RULES.rule(
    "life.get-after-done",
    "doc",
    "get by name answers the image that was made.",
    "Fields > name",
    "An image that was created is there to be read by its name.",
    requires=("operation.success-means-ready", *type_rules("name")),
    yields_to=("image.name.distinct", SHOWN),
)
def _get_after_done(history: History) -> Iterator[Finding]:
    return _gotten(history, by_id=False)


@RULES.rule(
    "life.get-by-id",
    "conv",
    "get by id answers the image of that id.",
    "Fields > id",
    "That an image can be had by its id only the discovery document says, in the pattern of the path; the real "
    "service does.",
    requires=("operation.success-means-ready", "operation.target-id", *type_rules("name", "id")),
    yields_to=(SHOWN,),
)
def _get_by_id(history: History) -> Iterator[Finding]:
    return _gotten(history, by_id=True)


def _gotten(history: History, *, by_id: bool) -> Iterator[Finding]:
    """Judges each get of an image that was made, from the end of its operation until something else may have changed
    it."""
    for insert in history.created:
        final = insert.end
        identifier = history.known_id(insert)
        own = {str(seen.value.get("id")) for seen in history.results(insert, "id")}
        if by_id and own and identifier not in own:
            continue  # it is the operation that tells a wrong id
        ends = [change.exchange for change in history.changes(insert) if not after(change.exchange, insert.exchange)]
        for exchange in history.gets:
            assert exchange.route is not None
            if exchange.route.project != insert.project or not after(final, exchange):
                continue
            if any(end.sent <= exchange.received for end in ends):
                continue
            if exchange.route.name != (identifier if by_id else insert.image):
                continue
            gone = exchange.missing and not _there_by_id(history, insert, exchange)
            if history.held_twice(insert.project, insert.image, exchange) or (not by_id and gone):
                continue
            if by_id and exchange.status == 404 and _gone_since(history, insert, exchange):
                continue
            image = exchange.resource or {}
            # A get that is refused for what it carries is the matter of the rule for whose sake it carries it.
            carries = exchange.intent is not None
            if not exchange.answered and (carries or not exchange.refused or _conditional(exchange)):
                continue
            key, value = ("id", identifier) if by_id else ("name", insert.image)
            if exchange.answered and (not exchange.mask.covers(key) or key in history.trace.restless):
                continue
            if key == "name" and (not well_typed(image, "name") or blotted_out(image.get("name"))):
                continue
            yield expect(
                str(image.get(key)) == value,
                f"get by {key} does not answer the image",
                insert.exchange,
                exchange,
                expected={key: value},
                observed={"status": exchange.status, "name": image.get("name"), "id": image.get("id")},
            )


def _gone_since(history: History, insert: Mutation, look: Exchange) -> bool:
    """Whether others may have deleted an image that is looked for by its id: nothing was told of it for long, or
    another bears its name later; and its id is never shown again."""
    looks = [seen for seen in history.looks_at(insert) if is_set(seen.value.get("id"))]
    later = [seen for seen in looks if after(look, seen.exchange)]
    before = next((seen for seen in reversed(looks) if after(seen.exchange, look)), None)
    if any(str(seen.value["id"]) == history.known_id(insert) for seen in later):
        return False
    replaced = before is not None and any(history.remade(before, seen) for seen in later)
    return replaced or history.left_alone(insert, look)


def _there_by_id(history: History, insert: Mutation, look: Exchange) -> bool:
    """Whether an image was there while a get by its name found none: others show it as made before and after that, and
    in a run no such get ever does."""
    own = (insert.project, insert.image)
    if history.stayed(*own, look, look):
        return True
    shown = [seen.exchange for seen in history.showing("id") if (seen.project, seen.name) == own]
    by_name = [
        exchange
        for exchange in history.gets
        if exchange.route and (exchange.route.project, exchange.route.name) == own and after(insert.end, exchange)
    ]
    around = any(after(seen, look) for seen in shown) and any(after(look, seen) for seen in shown)
    return around and not history.trace.recorded and not any(exchange.answered for exchange in by_name)


def _conditional(exchange: Exchange) -> bool:
    """Whether a get may be refused for the fields that it asks for, or for a condition that it makes."""
    headers = {name.lower() for name in exchange.request.headers}
    asks = exchange.status == 400 and any(name.lstrip("$") == "fields" for name in exchange.request.query)
    return asks or (exchange.status == 412 and bool(headers & {"if-match", "if-unmodified-since"}))


# Changes


@RULES.rule(
    "life.patch",
    "conv",
    "PATCH sets the fields that it names, and touches no other.",
    "images.patch",
    "patch is described elsewhere; to leave alone what a request does not name is what PATCH means in Google's APIs.",
    needs=("patch",),
)
def _patch(history: History) -> Iterator[Finding]:
    for patch in history.mutations:
        if patch.method != "images.patch" or patch.exchange.intent is not None or patch.outcome != "succeeded":
            continue
        before = seen_before(history, patch)
        paths = patched_paths(patch.exchange)
        for name, value in patch.body.items():
            if name in SERVER_SET or (paths is not None and name not in paths) or name.endswith("EncryptionKey"):
                continue
            for sighting in history.results(patch, name)[-1:]:
                if well_typed(sighting.value, name):
                    yield expect(
                        _patched(name, value, sighting, before),
                        "a field that PATCH names is not set",
                        patch.exchange,
                        sighting.exchange,
                        expected={name: value},
                        observed={name: sighting.value.get(name)},
                    )
        for sighting in history.results(patch)[-1:]:
            if before is not None:
                asked = patch.body.keys() | cleared_by(patch.exchange) | history.late_fields(patch, before, sighting)
                asked |= history.perhaps_set_before(before, sighting)
                others = unasked(before.value, sighting.value, asked | history.trace.restless)
                yield expect(
                    not others,
                    "PATCH changes a field that it does not name",
                    before.exchange,
                    patch.exchange,
                    sighting.exchange,
                    expected={name: before.value.get(name) for name in others},
                    observed=others,
                )


@RULES.rule(
    "life.failed-insert-leaves-nothing",
    "doc",
    "A refused insert makes no image that can be used; by convention its name stays free.",
    "Response body",
    "A success is answered with an operation, so an insert that was refused or has failed did not "
    "succeed, and made no usable image.",
    witness=SHOWN,
)
def _leaves_nothing(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        turned_away = history.trace.recorded and insert.exchange.rejected
        if insert.outcome not in ("refused", "failed") and not turned_away:
            continue
        if not insert.image or insert.original is not None:
            continue
        gets = [
            exchange
            for exchange in history.gets
            if exchange.route and exchange.route.name == insert.image and after(insert.exchange, exchange)
        ]
        if not gets:
            continue
        leak = leaked(history, insert)
        yield leak_breach(insert, leak) if leak is not None else None
    for insert, other in _second_tries(history):
        yield expect(
            other.exchange.status != CONFLICT,
            "the name of a refused insert is not free",
            insert.exchange,
            other.exchange,
            expected="success",
            observed=f"HTTP {other.exchange.status}",
            deviation=True,
        )


def _second_tries(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each refused or failed insert with the next one of its name, where that is valid and nothing else had the name.

    That nothing had it is known from a get between the two that was answered 404.
    """
    last: dict[tuple[str, str], Mutation] = {}
    for other in history.inserts:
        if not other.image:
            continue
        key = (other.project, other.image)
        insert = last.get(key)
        last[key] = other
        if insert is None or insert.outcome not in ("refused", "failed") or not for_the_fault(insert, frozenset()):
            continue
        final = insert.operation.final.exchange if insert.operation and insert.operation.final else insert.exchange
        free = any(
            get.missing and get.route and (get.route.project, get.route.name) == key
            for get in history.gets
            if after(final, get) and after(get, other.exchange)
        )
        anew = other.request_id is None or other.request_id != insert.request_id
        if free and anew and not other.invalid and other.exchange.status:
            yield insert, other


@RULES.rule(
    "life.concurrent-same-name",
    "conv",
    "Of simultaneous inserts of one name without requestId exactly one wins; the others answer a conflict.",
    "Fields > name",
    "That names are unique is left unsaid; the real service has one image of a name and answers a "
    "conflict to all but one.",
    requires=("image.name.unique",),
    yields_to=("image.name.unique",),
    passive=False,
)
def _concurrent_same_name(history: History) -> Iterator[Finding]:
    groups: dict[tuple[str, str | None], list[Mutation]] = defaultdict(list)
    for insert in history.inserts:
        if insert.request_id is None and insert.image:
            groups[insert.project, insert.image].append(insert)
    deleted = {(change.project, change.image) for change in history.mutations if change.method == "images.delete"}
    for name, group in groups.items():
        outcomes = [insert.outcome for insert in group]
        if name in deleted or len(overlapping(group)) < 2 or "unknown" in outcomes:
            continue
        if any(insert.outcome == "running" and _lost(history, insert) for insert in group):
            continue
        winners = sum(outcome in ("succeeded", "running") for outcome in outcomes)
        if not winners and not any(conflicts(insert) for insert in group):
            continue  # it is for another reason that all of them are refused
        strange = [
            insert.exchange.status for insert in group if insert.exchange.refused and insert.exchange.status != CONFLICT
        ]
        yield expect(
            winners == 1 and not strange,
            f"{winners} of {len(group)} simultaneous inserts of one name won",
            *(insert.exchange for insert in group),
            expected="one success, and else 409",
            observed={"outcomes": outcomes, "statuses": [insert.exchange.status for insert in group]},
        )


def _lost(history: History, insert: Mutation) -> bool:
    """Whether the operation of an insert was looked for in vain, so that nobody knows what has become of it."""
    names = {insert.operation.name} if insert.operation else set()
    return any(
        look.method == "globalOperations.get" and look.missing and look.route and look.route.name in names
        for look in history.exchanges
    )


def _patched(name: str, value: Any, shown: Sighting, before: Sighting | None) -> bool:
    """Whether a field is as a PATCH sets it; labels may be added to those that are there, or replace them, and null
    may take one away."""
    came = shown.value.get(name)
    if comes_back(name, value, came, shown.project):
        return True
    old = before.value.get(name) if before else came
    if not isinstance(value, dict) or not isinstance(old or {}, dict):
        return False
    merged = {**(old or {}), **value}
    kept = {key: part for key, part in merged.items() if part is not None}
    return any(comes_back(name, one, came, shown.project) for one in (merged, kept))


def _is_made(insert: Mutation, seen: Sighting) -> bool:
    """Whether an image was as it is to stay when it was seen: READY, or made for long where it has no status."""
    status = seen.value.get("status")
    return status == "READY" or (status is None and after(insert.end, seen.exchange))


@RULES.rule(
    "life.isolation",
    "conv",
    "No change to one image changes another.",
    "images",
    "Each method names the one image that it is about, and no recording shows another one change.",
    requires=("life.get-after-done",),
)
def _isolation(history: History) -> Iterator[Finding]:
    yield from _spilt(history)
    for change in history.mutations:
        if (
            change.original is not None
            or change.exchange.rejected
            or (change.method in OPTIONAL_METHODS and not change.exchange.answered)
        ):
            continue
        for insert in history.created:
            if (
                insert.image == change.image
                or history.identifier(insert) == change.image
                or insert.project != change.project
            ):
                continue
            seen = [
                sighting
                for sighting in history.sightings
                if sighting.via == "images.get" and sighting.name == insert.image and sighting.project == insert.project
            ]
            earlier = [sighting for sighting in seen if after(sighting.exchange, change.exchange)]
            later = [sighting for sighting in seen if after(change.exchange, sighting.exchange)]
            own = history.changes(insert)
            if earlier and all(
                other.method != "images.delete" and other.over_before(earlier[-1].exchange) for other in own
            ):
                yield from _taken_away(history, insert, change)
            if not earlier or not later:
                continue
            meddled = any(
                other.exchange.received >= earlier[-1].exchange.sent
                and other.exchange.sent <= later[0].exchange.received
                for other in history.changes(insert)
            )
            span = earlier[-1].exchange.number, later[0].exchange.number
            meddled = meddled or history.meddled_between(insert.project, insert.image, *span)
            if not meddled and _is_made(insert, earlier[-1]):
                late = history.late_fields(insert, earlier[-1], later[0])
                others = unasked(earlier[-1].value, later[0].value, late | history.trace.restless)
                yield expect(
                    not others,
                    f"{change.method} of one image changes another",
                    earlier[-1].exchange,
                    change.exchange,
                    later[0].exchange,
                    expected={name: earlier[-1].value.get(name) for name in others},
                    observed=others,
                )


def _spilt(history: History) -> Iterator[Finding]:
    """Judges that an image of a recording does not show, from one look to the next, just what a request has set on
    another one in between, while none was about itself."""
    last: dict[tuple[str, str], Sighting] = {}
    changes = history.trace.changes
    for seen in history.sightings if changes else ():
        key = seen.project, str(seen.value.get("id"))
        before, last[key] = last.get(key), seen
        if before is None or not after(before.exchange, seen.exchange) or not unasked(before.value, seen.value, ()):
            continue
        names = {seen.name, str(seen.value.get("id"))}
        since = max(before.exchange.received, seen.exchange.sent - UNNOTICED_SECONDS)
        first, end = (bisect(changes, moment, key=lambda change: change.sent) for moment in (since, seen.exchange.sent))
        between = [change for change in changes[first:end] if change.route and change.route.project == seen.project]
        asked = any(change.image in names and not over(change, before.exchange) for change in history.mutations)
        if not between or asked or history.touched_elsewhere(before, seen):
            continue
        for change in between:
            values = changed_by(change)
            if any(values.values()) and shows(change, seen.value) and not shows(change, before.value):
                yield expect(
                    False,
                    f"{change.method} of one image changes another",
                    before.exchange,
                    change,
                    seen.exchange,
                    expected={name: before.value.get(name) for name in values},
                    observed={name: seen.value.get(name) for name in values},
                )


def _taken_away(history: History, insert: Mutation, change: Mutation) -> Iterator[Finding]:
    """Judges that an image which nothing was asked of is there still after the change of another."""
    for look in history.gets:
        assert look.route is not None
        ours = look.route.name == insert.image and look.route.project == insert.project
        if ours and look.missing and after(change.exchange, look):
            yield expect(
                False,
                f"{change.method} of one image takes another away",
                insert.exchange,
                change.exchange,
                look,
                expected=f"the image {insert.image}",
                observed="HTTP 404",
            )
