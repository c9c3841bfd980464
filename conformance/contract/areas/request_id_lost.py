"""Rules about replays whose first request has no answer yet, or none that arrived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from conformance.contract.areas.request_id_replay import REFERENCE, SAME_OPERATION, deleted_before, listed_ids, settled
from conformance.contract.bystanders import UNNOTICED_SECONDS
from conformance.contract.clock import between
from conformance.contract.history import History
from conformance.contract.mutation import Mutation, overlapping
from conformance.contract.order import after
from conformance.contract.requests import CONFLICT
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.trace.exchange import Exchange
from conformance.trace.formats import timestamp
from conformance.trace.losses import TIMES
from conformance.trace.recorded_clock import served_at

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


def _name_held(history: History, group: Sequence[Mutation]) -> bool:
    """Whether another insert may have made an image of the name that requests are about."""
    return any(
        (other.project, other.image) == (group[0].project, group[0].image) and not other.exchange.rejected
        for other in history.inserts
        if other not in group
    )


# Concurrency, lost responses, other methods


@RULES.rule(
    "request-id.replay-concurrent",
    "doc",
    "Simultaneous inserts with one requestId make one image; by convention every answer shows one operation.",
    REFERENCE,
    "The ID prevents duplicates whenever they come, so there is one image; whether one that comes too "
    "early is told to wait is left open.",
    requires=(SAME_OPERATION, "request-id.replay-while-running"),
    yields_to=(SAME_OPERATION, "request-id.replay-while-running"),
)
def _concurrent(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        if first.original is not None or not first.request_id:
            continue
        group = [first, *(other for other in history.inserts if other.original is first and other.same_content)]
        simultaneous = overlapping(group)
        if len(simultaneous) < 2 or not all(settled(one) for one in simultaneous):
            continue
        answers = [one.answer or {} for one in simultaneous]
        operations = {(str(answer.get("name")), str(answer.get("id"))) for answer in answers}
        targets = {history.identifier(one) for one in simultaneous} - {None}
        # Whether one that comes too early is told so, and which operation the others show, is left open.
        served = [one for one in simultaneous if one.exchange.answered]
        if not served and {one.exchange.status for one in simultaneous} != {CONFLICT}:
            continue  # what refuses all of them has nothing to do with their requestId
        if not all(one.exchange.answered for one in simultaneous) and _name_held(history, group):
            continue  # one may have come while the name was taken, and another when it was free again
        patient = all(one.exchange.answered or one.exchange.status == CONFLICT for one in simultaneous)
        yield expect(
            all(one.answer is not None for one in simultaneous) and len(operations) == 1 and len(targets) <= 1,
            "simultaneous inserts with one requestId do not agree",
            *(one.exchange for one in simultaneous),
            expected="one operation and one image",
            observed={"operations": sorted(operations), "images": sorted(map(str, targets))},
            deviation=bool(served) and patient and len(targets) <= 1,
        )


@RULES.rule(
    "request-id.replay-after-lost-response",
    "doc",
    "After a lost response the retry finds the first request's outcome, whether it had arrived or not, and one image "
    "exists.",
    REFERENCE,
    "A request that timed out is the example that the reference itself gives for sending it again safely.",
)
def _after_lost_response(history: History) -> Iterator[Finding]:
    for replay in history.inserts:
        first = replay.original
        lost = first is not None and not 0 < first.exchange.status < 500
        if first is None or not lost or not replay.same_content or not settled(replay) or replay.invalid:
            continue
        final = replay.operation.final if replay.operation and replay.outcome == "failed" else None
        conflict = CONFLICT in (replay.exchange.status, final.value.get("httpErrorStatusCode") if final else None)
        refused = replay.exchange.refused or (final is not None and conflict)
        if history.trace.recorded and refused and not (conflict and _made_between(history, first, replay)):
            continue  # what stood in its way is not known
        yield expect(
            replay.exchange.answered and not refused,
            "a retry after a lost response does not find the outcome of the first try",
            first.exchange,
            replay.exchange,
            *((final.exchange,) if final and final.exchange is not replay.exchange and refused else ()),
            expected="the operation of the first try",
            observed=f"HTTP {CONFLICT if conflict else replay.exchange.status}",
            deviation=conflict and not _seen_before(history, first, replay.exchange),
        )
        lists = [
            exchange
            for exchange in history.exchanges
            if exchange.method == "images.list" and exchange.answered and after(replay.exchange, exchange)
        ]
        for exchange in lists:
            items = listed_ids(history, exchange, first)
            yield expect(
                len(items) <= 1,
                "a retry after a lost response made a second image",
                first.exchange,
                replay.exchange,
                exchange,
                expected="one image",
                observed=items,
            )
        named = [
            seen
            for seen in history.every_sighting
            if seen.via == "images.get"
            and seen.name == first.image
            and is_set(seen.value.get("id"))
            and "id" not in history.trace.restless
            and seen.exchange.sent >= first.exchange.sent
            and not deleted_before(history, first, seen.exchange)
        ]
        for before, later in product(named, named):
            if after(before.exchange, replay.exchange) and after(replay.exchange, later.exchange):
                yield expect(
                    before.value.get("id") == later.value.get("id"),
                    "a retry after a lost response made a second image",
                    first.exchange,
                    before.exchange,
                    replay.exchange,
                    later.exchange,
                    expected=before.value.get("id"),
                    observed=later.value.get("id"),
                )


def _seen_before(history: History, insert: Mutation, exchange: Exchange) -> bool:
    """Whether the image of an insert was there before a request was sent, so that the insert was not under way any
    more."""
    return any(
        seen.name == insert.image and seen.project == insert.project and after(seen.exchange, exchange)
        for seen in history.every_sighting
    )


def _made_between(history: History, first: Mutation, replay: Mutation) -> bool:
    """Whether a retry conflicts with an image that the first try must have made: its creation lies between the two."""
    rivals = [
        other
        for other in history.inserts
        if other.image == first.image and other.original is not first and other is not first
    ]
    if any(not rival.exchange.rejected for rival in rivals):
        return False
    made = (
        timestamp(seen.value.get("creationTimestamp"))
        for seen in history.showing("creationTimestamp")
        if seen.name == first.image and seen.project == first.project
    )
    moments = [moment for moment in made if moment is not None]
    timed = TIMES not in history.trace.lost
    if timed and any(between(moment, first.exchange, replay.exchange, history.trace.ahead) for moment in moments):
        return True
    # Who asks first whether the name is free learns from the server's own clock that the image is younger.
    began, ended = _missed_before(history, first), served_at(replay.exchange)
    return began is not None and ended is not None and any(began <= one.timestamp() <= ended + 1 for one in moments)


def _missed_before(history: History, insert: Mutation) -> float | None:
    """When the server answered, by its own clock, that there was no image of the name of an insert just before it."""
    missed = (
        served_at(exchange)
        for exchange in reversed(history.gets)
        if exchange.route
        and (exchange.route.project, exchange.route.name) == (insert.project, insert.image)
        and exchange.missing
        and after(exchange, insert.exchange)
        and insert.exchange.sent - exchange.received <= UNNOTICED_SECONDS
    )
    return next(missed, None)
