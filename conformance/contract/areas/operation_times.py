"""Rules about the times of an operation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from conformance.contract.areas.operation import has, of_images
from conformance.contract.clock import SKEW, near, not_after
from conformance.contract.history import History
from conformance.contract.operation import STATUS_ORDER
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.trace.exchange import Exchange
from conformance.trace.formats import resolution, timestamp
from conformance.trace.losses import TIMES as TIMES_LOST

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


TIMES = ("insertTime", "startTime", "endTime")


@RULES.rule(
    "operation.times",
    "doc",
    "Times are RFC 3339, in order: insertTime, startTime, endTime, and past when they are told; by convention "
    "insertTime is always there, and startTime from RUNNING on.",
    "Response body > insertTime",
    "The three times are RFC 3339, and nothing starts before it is requested, completes before it starts, or is told "
    "of before it has happened; their presence is left unsaid.",
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
        later = [moment for moment in moments.values() if moment is not None]
        if later and TIMES_LOST not in history.trace.lost:
            yield expect(
                not_after(max(later), state.exchange, history.trace.ahead),
                "a time of an operation is in the future",
                state.exchange,
                expected=f"{shown_time(state.exchange)} or earlier",
                observed=told,
            )
        wanted = ["insertTime"] + (["startTime"] if state.status in ("RUNNING", "DONE") and not state.failed else [])
        missing = [name for name in wanted if name not in told and state.shows(name)]
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
                near(moment, exchange, history.trace.ahead),
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
