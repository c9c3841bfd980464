"""Rules about the course of an operation: a story that only moves forward, and whose end does not change."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, TypeGuard

from conformance.contract.comparison import alike
from conformance.contract.fields import OPERATION_FIELDS
from conformance.contract.history import History
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.operation import LIST, STATUS_ORDER, State
from conformance.contract.order import after
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.trace.blots import blotted_out
from conformance.trace.exchange import MUTATIONS
from conformance.trace.formats import link, same_instant

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


IDENTITY = (
    *("id", "name", "targetLink", "operationType", "user", "insertTime", "clientOperationId", "description"),
    *("operationGroupId", "creationTimestamp"),
)
SET_ONCE = ("targetId", "startTime", "endTime")
"""Fields that may be absent at first; once they are there they stay as they are."""

UNEXPLAINED = frozenset({"targetLink", "creationTimestamp"})
"""Fields of which the reference does not say what they tell."""

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
    """Each state with the most advanced one that was seen for certain before it; lists may be a while behind, but not
    ahead, and hardly behind each other.

    A replay of a request may answer the operation as it was first answered, so its answer is later than that one alone;
    but what it shows was reached.
    """
    for operation in history.operations:
        first = operation.mutation.exchange if operation.mutation else None
        furthest: State | None = None
        begun: State | None = None
        for state in operation.glimpses:
            if not state.shows("status"):
                continue
            if state.via == LIST:
                late = MOMENT_SECONDS if furthest is not None and furthest.via == LIST else LATE_SECONDS
                if furthest is not None and state.exchange.sent - furthest.exchange.received > late:
                    yield furthest, state
                if state.done and (furthest is None or not furthest.done):
                    furthest = state
                continue
            replayed = state.via in MUTATIONS and (state.exchange is not first or furthest is not None)
            begun = state if state.exchange is first and not replayed else begun
            known = begun if replayed else furthest
            if known is not None and after(known.exchange, state.exchange):
                yield known, state
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
        for later in operation.own_glimpses:
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
    "id, name, targetId, operationType, user, description, operationGroupId, insertTime, clientOperationId, and "
    "startTime and endTime once set, never change between polls; by convention none of them vanishes, and targetLink "
    "and creationTimestamp stay as well.",
    "Response body",
    "Id, name, target, user, the times and the description, which is set when the operation is created, are facts "
    "about one request, so another value for them is untrue; a field that is left out is merely silent.",
)
def _identity(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        last: dict[tuple[bool, str], State] = {}
        for later in operation.own_glimpses:
            listed = later.via == LIST  # whether lists and polls agree is the matter of another rule
            told: dict[int, tuple[State, list[str]]] = {}
            for name in filter(later.shows, (*IDENTITY, *SET_ONCE)):
                known = last.get((listed, name))
                if known is not None:
                    told.setdefault(id(known), (known, []))[1].append(name)
                if is_set(later.value.get(name)):
                    last[listed, name] = later
            for earlier, names in told.values():
                yield same_fields(earlier, later, "what identifies an operation changed between two polls", names)


def same_fields(earlier: State, later: State, message: str, names: Collection[str] = (*IDENTITY, *SET_ONCE)) -> Finding:
    """That what two states both tell of the identity of an operation is the same, in whatever order they were seen;
    and that nothing of it is gone from the one that came later."""
    before, now = earlier.value, later.value
    changed = [
        name
        for name in names
        if is_set(before.get(name))
        and not _same(before.get(name), now.get(name))
        and later.shows(name)
        and not any(map(blotted_out, (before.get(name), now.get(name))))
        and (is_set(now.get(name)) or (after(earlier.exchange, later.exchange) and not _may_end(name, earlier, later)))
    ]
    return expect(
        not changed,
        message,
        earlier.exchange,
        later.exchange,
        expected={name: before.get(name) for name in changed},
        observed={name: now.get(name) for name in changed},
        deviation=not any(is_set(now.get(name)) for name in changed if name not in UNEXPLAINED),
    )


def _same(one: Any, two: Any) -> bool:
    """Whether two values of a field say the same: times as far as they are told, links whatever their host, lists in
    any order."""
    if isinstance(one, str) and isinstance(two, str):
        return one == two or same_instant(one, two) or bool(link(one) and link(one) == link(two))
    return alike(one, two)


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
