"""Rules about the course of an operation: a story that only moves forward, told alike by every method, with a true
end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, TypeGuard

from conformance.contract.areas.operation import WAIT, has, of_images
from conformance.contract.clock import SKEW, near
from conformance.contract.fields import OPERATION_FIELDS
from conformance.contract.history import History
from conformance.contract.operation import STATUS_ORDER, State
from conformance.contract.order import after
from conformance.contract.rule import SHOWN, Finding, Rules, expect, is_set
from conformance.trace.exchange import MUTATIONS, Exchange
from conformance.trace.formats import link, resolution, same_instant, timestamp

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


LIST = "globalOperations.list"

IDENTITY = ("id", "name", "targetLink", "operationType", "user", "insertTime", "clientOperationId")
TIMES = ("insertTime", "startTime", "endTime")
SET_ONCE = ("targetId", "startTime", "endTime")
"""Fields that may be absent at first; once they are there they stay as they are."""

OUTCOME = frozenset({"error", "httpErrorStatusCode", "httpErrorMessage", "warnings", "endTime", "targetId"})
"""Fields that tell what came of an operation."""

_DOCUMENTED = tuple(field.path for field in OPERATION_FIELDS if not re.search(r"[.\[{]", field.path))


def _told(state: State) -> dict[str, Any]:
    """The documented fields of a state that hold anything."""
    return {name: state.value[name] for name in _DOCUMENTED if is_set(state.value.get(name))}


@RULES.rule(
    "operation.status",
    "doc",
    "status is PENDING, RUNNING or DONE.",
    "Response body > status",
    "The status is one of three that are listed, and every client waits for the last of them.",
)
def _status(history: History) -> Iterator[Finding]:
    for state in history.stating("status"):
        yield expect(
            state.status in STATUS_ORDER,
            "an operation has an unknown status",
            state.exchange,
            expected=list(STATUS_ORDER),
            observed=state.value.get("status"),
        )


@RULES.rule(
    "operation.status-monotonic",
    "doc",
    "DONE is never left again; by convention PENDING comes before RUNNING, though states may be skipped.",
    "Response body > status",
    "DONE tells that the operation has completed, which cannot be undone; the order of PENDING and "
    "RUNNING is only that in which they are listed.",
)
def _monotonic(history: History) -> Iterator[Finding]:
    for earlier, later in _forward(history):
        if earlier.status in STATUS_ORDER and later.status in STATUS_ORDER:
            yield expect(
                STATUS_ORDER[later.status] >= STATUS_ORDER[earlier.status],
                "the status of an operation went back",
                earlier.exchange,
                later.exchange,
                expected=f"{earlier.status} or later",
                observed=later.status,
                deviation=not earlier.done,
            )


def _forward(history: History) -> Iterator[tuple[State, State]]:
    """Each state with the most advanced one that was seen for certain before it; lists may be a moment behind.

    A replay of a request may answer the operation as it was first answered, so its answer is no later state; but what
    it shows was reached.
    """
    for operation in history.operations:
        first = operation.mutation.exchange if operation.mutation else None
        furthest: State | None = None
        for state in operation.glimpses:
            if not state.shows("status") or state.via == LIST:
                continue
            replayed = state.via in MUTATIONS and state.exchange is not first
            if furthest is not None and not replayed and after(furthest.exchange, state.exchange):
                yield furthest, state
            if furthest is None or _reached(state, furthest, in_full=replayed):
                furthest = state


def _reached(state: State, other: State, *, in_full: bool) -> bool:
    """Whether a state is as far on as another: by its status, or by its progress as well."""
    status, least = (STATUS_ORDER.get(one.status, -1) for one in (state, other))
    progress = [one.value.get("progress") for one in (state, other)]
    known = [value for value in progress if isinstance(value, int)]
    return status > least or (status == least and not (in_full and len(known) == 2 and known[0] < known[1]))


@RULES.rule(
    "operation.done-is-final",
    "doc",
    "Once DONE, what came of an operation does not change; by convention nothing in it does.",
    "Response body > status",
    "Errors, warnings and the end time tell of the processing, which is over with DONE; that the rest "
    "stays as well is what pollers rely on.",
)
def _done_is_final(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        last: dict[str, State] = {}
        for later in operation.glimpses:
            if not later.done or later.via == LIST:
                continue
            earlier = last.get(later.via)
            last[later.via] = later
            if earlier is None or not after(earlier.exchange, later.exchange):
                continue
            before, now = _told(earlier), _told(later)
            changed = sorted(
                name
                for name in before.keys() | now.keys()
                if not _same(before.get(name), now.get(name)) and earlier.shows(name) and later.shows(name)
            )
            yield expect(
                not changed,
                "an operation changed after it was DONE",
                earlier.exchange,
                later.exchange,
                expected={name: before.get(name) for name in changed},
                observed={name: now.get(name) for name in changed},
                deviation=not set(changed) & OUTCOME,
            )


@RULES.rule(
    "operation.identity-immutable",
    "doc",
    "id, name, targetId, operationType, user, insertTime, clientOperationId, and startTime and endTime once set, never "
    "change between polls; by convention none of them vanishes, and targetLink stays as well.",
    "Response body",
    "Id, name, target, user and the times are facts about one request, so another value for them is "
    "untrue; a field that is left out is merely silent.",
)
def _identity(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        states = [state for state in operation.glimpses if state.via != LIST]
        for earlier, later in pairwise(states):
            if after(earlier.exchange, later.exchange):
                yield _same_fields(earlier, later, "what identifies an operation changed between two polls")


def _same_fields(earlier: State, later: State, message: str) -> Finding:
    before, now = earlier.value, later.value
    changed = [
        name
        for name in (*IDENTITY, *SET_ONCE)
        if is_set(before.get(name))
        and not _same(before.get(name), now.get(name))
        and later.shows(name)
        and (is_set(now.get(name)) or not _may_end(name, earlier, later))
    ]
    return expect(
        not changed,
        message,
        earlier.exchange,
        later.exchange,
        expected={name: before.get(name) for name in changed},
        observed={name: now.get(name) for name in changed},
        deviation=not any(is_set(now.get(name)) for name in changed if name != "targetLink"),
    )


def _same(one: Any, two: Any) -> bool:
    """Whether two values of a field say the same: times as far as they are told, links whatever their host."""
    if isinstance(one, str) and isinstance(two, str):
        return one == two or same_instant(one, two) or bool(link(one) and link(one) == link(two))
    return bool(one == two)


def _may_end(name: str, earlier: State, later: State) -> bool:
    """Whether a field may vanish: any may where the status has gone back, which is another rule's matter."""
    back = STATUS_ORDER.get(later.status, -1) < STATUS_ORDER.get(earlier.status, -1)
    return back or (name == "endTime" and not later.done)


@RULES.rule(
    "operation.progress",
    "doc",
    "progress is an integer from 0 to 100; by convention it never falls, and is 100 or absent with DONE and no error.",
    "Response body > progress",
    "progress runs from 0 to 100; that it should rise is a wish, and 100 at the end a habit of the real service.",
    requires=("operation.type.progress",),
)
def _progress(history: History) -> Iterator[Finding]:
    for state in history.stating("progress"):
        progress = state.value.get("progress")
        if progress is None:
            continue
        valid = _whole(progress) and 0 <= progress <= 100
        yield expect(
            valid, "progress is no integer from 0 to 100", state.exchange, expected="0 to 100", observed=progress
        )
        if valid and state.done and not state.failed:
            yield expect(
                progress == 100,
                "an operation is DONE, but its progress is not 100",
                state.exchange,
                expected=100,
                observed=progress,
                deviation=True,
            )
    for earlier, later in _forward(history):
        before, now = earlier.value.get("progress"), later.value.get("progress")
        if _whole(before) and _whole(now) and (later.done or not earlier.done):
            yield expect(
                now >= before,
                "progress fell",
                earlier.exchange,
                later.exchange,
                expected=f"at least {before}",
                observed=now,
                deviation=True,
            )


def _whole(value: Any) -> TypeGuard[int | float]:
    """Whether a JSON number has no fraction: JSON itself does not tell integers from others."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)


@RULES.rule(
    "operation.times",
    "doc",
    "Times are RFC 3339 and in order: insertTime, startTime, endTime; by convention insertTime is always there, and "
    "startTime from RUNNING on.",
    "Response body > insertTime",
    "The three times are RFC 3339, and nothing starts before it is requested or completes before it "
    "starts; their presence is left unsaid.",
)
def _times(history: History) -> Iterator[Finding]:
    for state in history.states:
        told = {name: state.value[name] for name in TIMES if is_set(state.value.get(name))}
        moments = {name: timestamp(value) for name, value in told.items()}
        yield expect(
            None not in moments.values(),
            "a time of an operation is not RFC 3339",
            state.exchange,
            expected="RFC 3339, such as 2024-05-01T09:30:00.123-07:00",
            observed=told,
        )
        known = [(moment, resolution(told[name])) for name, moment in moments.items() if moment is not None]
        yield expect(
            all(
                (one - two).total_seconds() < max(fine, coarse) if fine != coarse else one <= two
                for (one, fine), (two, coarse) in pairwise(known)
            ),
            "the times of an operation are out of order",
            state.exchange,
            expected="insertTime ≤ startTime ≤ endTime",
            observed=told,
        )
        wanted = ["insertTime"] + (["startTime"] if state.status in ("RUNNING", "DONE") and not state.failed else [])
        missing = [name for name in wanted if name not in told]
        yield expect(
            not missing,
            f"a time is missing from an operation that is {state.status or 'of no status'}",
            state.exchange,
            expected=wanted,
            observed=list(told),
            deviation=True,
        )


@RULES.rule(
    "operation.insert-time",
    "doc",
    "insertTime is the time of the request.",
    "Response body > insertTime",
    "insertTime is the time at which the operation was requested, which is when the client asked, as far "
    "as clocks agree.",
)
def _insert_time(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        assert operation.mutation is not None
        exchange = operation.mutation.exchange
        if operation.mutation.original is not None:
            continue
        moment = timestamp(operation.glimpses[0].value.get("insertTime"))
        if moment is not None:
            yield expect(
                near(moment, exchange),
                f"insertTime is more than {SKEW.total_seconds():.0f} s from the request",
                exchange,
                expected=shown_time(exchange),
                observed=operation.glimpses[0].value.get("insertTime"),
            )


def shown_time(exchange: Exchange) -> str:
    """When a request was sent, as the report writes it."""
    return str(exchange.to_json()["started"])


@RULES.rule(
    "operation.end-time",
    "doc",
    "endTime is not there before the operation is DONE; by convention it is there from then on.",
    "Response body > endTime",
    "endTime is the time of completion, so there is none before DONE; its presence after that is left unsaid.",
)
def _end_time(history: History) -> Iterator[Finding]:
    for state in history.stating("status", "endTime"):
        if state.status in STATUS_ORDER:
            yield expect(
                has(state, "endTime") == state.done,
                f"an operation that is {state.status} has {'an' if has(state, 'endTime') else 'no'} endTime",
                state.exchange,
                expected="endTime with DONE, and only then",
                observed={"status": state.status, "endTime": state.value.get("endTime")},
                deviation=state.done,
            )


@RULES.rule(
    "operation.reaches-done",
    "conv",
    "An operation is DONE within the deadline of the profile.",
    "Response body > status",
    "How long an operation takes is not said; one that does not end within the deadline that the user "
    "gives is of no use to him.",
    requires=("operation.name", "operation.status"),
)
def _reaches_done(history: History) -> Iterator[Finding]:
    deadline = history.trace.deadline
    for operation in of_images(history) if deadline else ():
        last = operation.glimpses[-1].exchange
        waited = last.received - operation.glimpses[0].exchange.sent
        if operation.final is not None:
            yield None
        elif waited >= deadline:
            yield expect(
                False,
                f"an operation was not DONE within {deadline:g} s",
                operation.glimpses[0].exchange,
                last,
                expected="DONE",
                observed=operation.glimpses[-1].value.get("status"),
            )


@RULES.rule(
    "operation.success-means-ready",
    "doc",
    "An insert that is DONE without error has made an image: it exists, READY, with the id that targetId says.",
    "Fields > status",
    "The method creates an image, and a creation that has completed without error leaves one with status "
    "READY and the id of the target.",
    requires=("operation.reaches-done",),
)
def _success_means_ready(history: History) -> Iterator[Finding]:
    for insert in history.created:
        final = insert.operation.final if insert.operation else None
        if final is None:
            continue  # that it succeeded, only its image tells
        ends = [change.exchange for change in history.changes(insert) if not after(change.exchange, insert.exchange)]
        for exchange in history.gets:
            assert exchange.route is not None
            ours = exchange.route.project == insert.project and exchange.route.name == insert.image
            if not ours or not after(final.exchange, exchange) or any(end.sent <= exchange.received for end in ends):
                continue
            image = exchange.resource
            if image is not None and image.get("name") not in (insert.image, None):
                continue  # it is another image
            if (image is None and exchange.status != 404) or history.held_twice(insert.project, insert.image, exchange):
                continue
            going = image is None or image.get("status") == "DELETING"
            known = [seen for seen in history.results(insert) if not after(exchange, seen.exchange)]
            if going and any(seen.value.get("status") == "READY" for seen in known):
                continue  # it was there, and what took it away is another rule's matter
            status = image.get("status") if image else f"HTTP {exchange.status}"
            identifier, target = (image or {}).get("id"), final.value.get("targetId")
            # What the server has taken over from the client is another rule's matter.
            echoed = {
                name
                for name in ("status", "id")
                if image and is_set(image.get(name)) and image[name] == insert.body.get(name)
            }
            unseen = {name for name in ("status", "id") if image and not exchange.mask.covers(name)}
            at, observed = (insert.exchange, final.exchange, exchange), {"status": status, "id": identifier}
            yield expect(
                "status" in echoed | unseen or status == "READY",
                "an insert succeeded, but its image is not there, or not READY",
                *at,
                expected={"status": "READY", "id": target},
                observed=observed,
            )
            if image and "id" not in echoed | unseen and is_set(target):
                yield expect(
                    str(identifier) == str(target),
                    "an insert succeeded, but its image has another id than its operation says",
                    *at,
                    expected={"status": "READY", "id": target},
                    observed=observed,
                )


@RULES.rule(
    "operation.failure-means-none",
    "conv",
    "An insert that is DONE with an error has made no READY image.",
    "Response body > error",
    "What a failure leaves behind is not said, but an error and a usable image cannot both be true of one request.",
    witness=SHOWN,
)
def _failure_means_none(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        if insert.outcome != "failed" or insert.operation is None or insert.operation.final is None:
            continue
        rivals = [other for other in history.inserts if other is not insert and other.image == insert.image]
        if any(not other.exchange.refused for other in rivals):
            continue
        for exchange in history.gets:
            if (
                exchange.route
                and exchange.route.name == insert.image
                and after(insert.operation.final.exchange, exchange)
            ):
                image = exchange.resource
                yield expect(
                    image is None or image.get("status") != "READY",
                    "an insert failed, and yet its image is READY",
                    insert.exchange,
                    insert.operation.final.exchange,
                    exchange,
                    expected="no READY image",
                    observed=image and {"id": image.get("id"), "status": image.get("status")},
                )


@RULES.rule(
    "operation.wait",
    "conv",
    "wait answers the same operation, and never an older state than was seen.",
    "globalOperations.wait",
    "wait is not described here; by its own page it answers the operation when it is done or after some two minutes.",
    needs=("wait",),
)
def _wait(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        furthest: State | None = None
        for state in operation.glimpses:
            if not state.shows("status"):
                continue
            if state.via == WAIT:
                seen = furthest if furthest and after(furthest.exchange, state.exchange) else None
                rank = STATUS_ORDER.get(seen.status, -1) if seen else -1
                yield expect(
                    STATUS_ORDER.get(state.status, -1) >= rank
                    and (not state.shows("name") or state.value.get("name") == operation.name),
                    "wait answers an older state, or another operation",
                    *((seen.exchange,) if seen else ()),
                    state.exchange,
                    expected={"name": operation.name, "status": seen.status if seen else "any"},
                    observed={"name": state.value.get("name"), "status": state.status},
                )
            if furthest is None or STATUS_ORDER.get(state.status, -1) >= STATUS_ORDER.get(furthest.status, -1):
                furthest = state


@RULES.rule(
    "operation.agrees",
    "doc",
    "The answer of an insert, get, wait and list tell the same story of an operation.",
    "Response body",
    "Insert, get, wait and list answer the same operation resource, so they cannot differ in what "
    "identifies it or in how it ended.",
)
def _agrees(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        for earlier, later in pairwise(operation.glimpses):
            if earlier.via != later.via and after(earlier.exchange, later.exchange):
                yield _same_fields(earlier, later, "two methods tell different stories of one operation")
                if earlier.done and later.done and earlier.shows("error") and later.shows("error"):
                    yield expect(
                        earlier.failed == later.failed,
                        "two methods disagree on whether an operation failed",
                        earlier.exchange,
                        later.exchange,
                        expected="failed" if earlier.failed else "succeeded",
                        observed="failed" if later.failed else "succeeded",
                    )
