"""Rules about the end of an image: once it is deleted, nothing shows it, and its name is free."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from conformance.contract.history import History
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.mutation import Mutation, answers_no_operation, overlapping
from conformance.contract.order import after
from conformance.contract.rule import SHOWN, Finding, Rules, expect, is_set
from conformance.trace.exchange import Exchange

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

CONFLICT = 409


@RULES.rule(
    "life.concurrent-delete",
    "conv",
    "Simultaneous inserts and deletes of one name end as if they had been carried out one after the other.",
    "images.delete",
    "delete is described elsewhere; results that no order of the requests explains leave clients without "
    "anything to rely on.",
    requires=("image.name.unique", "life.delete", "life.get-after-done"),
    yields_to=("image.name.unique", "life.delete", SHOWN),
    passive=False,
)
def _concurrent_delete(history: History) -> Iterator[Finding]:
    for birth in history.created:
        group = [
            change
            for change in history.mutations
            if change.method in ("images.insert", "images.delete")
            and change is not birth
            and (change.project, change.image) == (birth.project, birth.image)
        ]
        if not all(after(birth.end, change.exchange) for change in group):
            continue
        if any(change.original is not None or answers_no_operation(change.exchange) for change in group):
            continue  # whether a replay did anything is the matter of other rules; what tells no image, is of any
        methods = {change.method for change in overlapping(group)}
        looks = [look for look in history.gets if look.route and look.route.name == birth.image]
        settled = all(change.outcome in ("failed", "succeeded", "refused") for change in group)
        ends = [change.operation.final.exchange for change in group if change.operation and change.operation.final]
        if len(methods) < 2 or not settled or not looks or not all(after(end, looks[-1]) for end in ends):
            continue
        # Of deletes at the same time all may succeed that find an image there: they come to one. Which image it was is
        # not known where operations do not tell; requests that are answered one operation have done one thing.
        done = {
            (change.method, history.identifier(change) or id(change.operation))
            for change in group
            if change.outcome == "succeeded"
        }
        inserts, deletes = (sum(method == f"images.{verb}" for method, _ in done) for verb in ("insert", "delete"))
        there = looks[-1].answered
        yield expect(
            min(deletes, 1) <= 1 + inserts - there <= deletes,
            "no order of these inserts and deletes explains what came of them",
            birth.exchange,
            *(change.exchange for change in group),
            looks[-1],
            expected="as many inserts as deletes made room for, and what they left in the end",
            observed={"inserts": inserts, "deletes": deletes, "there in the end": there},
        )


@RULES.rule(
    "life.delete",
    "conv",
    "After a delete is DONE, get answers 404, list and family no longer show the image, and its name is free.",
    "images.delete",
    "delete is described elsewhere; a deleted resource is answered 404 and its name can be used again in "
    "Google's APIs.",
    witness=SHOWN,
)
def _delete(history: History) -> Iterator[Finding]:
    yield from _outlives_unseen_delete(history)
    for delete in history.mutations:
        if delete.method != "images.delete" or delete.outcome != "succeeded":
            continue
        end = _end(delete)
        if end is None:
            continue
        if history.held_twice(delete.project, delete.image, end):
            continue
        called = history.addresses(delete)
        rebirths = [
            insert
            for insert in history.inserts
            if insert.image in called and not after(insert.exchange, delete.exchange)
        ]
        reborn = min((birth.exchange.sent for birth in rebirths), default=math.inf)
        identifier = history.identifier(delete)
        anew = {history.identifier(birth) for birth in rebirths}
        for exchange in history.gets:
            route = exchange.route
            if route is None or route.project != delete.project or route.name not in called:
                continue
            # Whether images are found by their ids at all is another matter.
            told = exchange.answered or (exchange.refused and (not route.name.isdecimal() or exchange.missing))
            if (
                told
                and after(end, exchange)
                and exchange.number not in history.newborn_looks
                and exchange.received < reborn
            ):
                yield expect(
                    exchange.missing,
                    "a deleted image is still there",
                    delete.exchange,
                    end,
                    exchange,
                    expected="HTTP 404",
                    observed=f"HTTP {exchange.status}",
                )
        for sighting in history.sightings:
            same = sighting.project == delete.project and sighting.name == delete.image
            gone = sighting.via != "images.get" and same and after(end, sighting.exchange)
            if gone and identifier and identifier not in anew and str(sighting.value.get("id")) == identifier:
                yield expect(
                    False,
                    "a deleted image is still shown",
                    delete.exchange,
                    end,
                    sighting.exchange,
                    expected=f"no image with id {identifier}",
                    observed=sighting.value.get("name"),
                )
        yield from _freed(history, delete, end, rebirths)


def _end(delete: Mutation) -> Exchange | None:
    """What shows that a delete is done: its operation DONE, or its answer where that is no operation."""
    if answers_no_operation(delete.exchange):
        return delete.arrival
    operation = delete.operation
    return operation.final.exchange if operation and operation.final and operation.mutation is delete else None


def _outlives_unseen_delete(history: History) -> Iterator[Finding]:
    """Whether a get finds the very image of which an operation tells that it is deleted, though the recording does not
    hold the delete itself."""
    for operation in history.operations if history.trace.recorded else ():
        final = operation.final if operation.mutation is None else None
        if final is None or final.failed or not final.shows("error") or final.value.get("operationType") != "delete":
            continue
        target = final.value.get("targetId")
        for seen in history.showing("id") if is_set(target) and "id" not in history.trace.restless else ():
            late = seen.exchange.sent - final.exchange.received > MOMENT_SECONDS
            if seen.via == "images.get" and late and seen.value.get("id") == target:
                yield expect(
                    False,
                    "a deleted image is still there",
                    final.exchange,
                    seen.exchange,
                    expected="HTTP 404",
                    observed=f"HTTP {seen.exchange.status}",
                )


def _freed(history: History, delete: Mutation, end: Exchange, rebirths: Sequence[Mutation]) -> Iterator[Finding]:
    """Whether the name of a deleted image can be used again: by the first insert after it, if that is alone."""
    birth = min(rebirths, key=lambda birth: birth.exchange.number, default=None)
    if birth is None or birth.original is not None or not after(end, birth.exchange) or birth.exchange.status == 0:
        return
    if not all(after(birth.exchange, other.exchange) for other in rebirths if other is not birth):
        return
    passed, taken = birth.exchange.sent - end.received, birth.exchange.status == CONFLICT
    late = history.trace.recorded and passed > LATE_SECONDS
    if any(history.born_after(delete)) or (late and taken and not history.vacant(birth)):
        return  # somebody else may have used the name
    if taken and passed <= LATE_SECONDS and _freed_later(history, birth):
        return  # a name may become free a moment late
    if taken and history.trace.recorded and passed <= MOMENT_SECONDS:
        return  # and a client that asks only then does not learn of it
    yield expect(
        not taken,
        "the name of a deleted image is not free",
        delete.exchange,
        end,
        birth.exchange,
        expected="success",
        observed=f"HTTP {birth.exchange.status}",
    )


def _freed_later(history: History, refused: Mutation) -> bool:
    """Whether an insert soon after another had the name that was refused to that one, with no delete between them."""
    first = next((change for change in history.changes(refused) if after(refused.exchange, change.exchange)), None)
    return (
        first is not None
        and first.method == "images.insert"
        and first.exchange.answered
        and first.exchange.sent - refused.exchange.received <= LATE_SECONDS
    )
