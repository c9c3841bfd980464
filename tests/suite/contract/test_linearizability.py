"""Linearizability is decided rightly: hand-made histories of a register, and random ones against trying every order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.contract.linearizability import Call, linearize, objects

Write = int | None
"""What is written; None for a read."""

RegisterCall = Call[Write, int]


def register(state: int, call: RegisterCall) -> Iterator[int]:
    """A register: a read answers what was written last."""
    if call.argument is not None:
        yield call.argument
    elif call.result == state:
        yield state


def write(start: float, end: float, value: int, *, certain: bool = True) -> RegisterCall:
    return Call(start, end, value, 0, certain)


def read(start: float, end: float, value: int) -> RegisterCall:
    return Call(start, end, None, value, reads=True)


GOOD: dict[str, Sequence[RegisterCall]] = {
    "nothing": (),
    "one after the other": (write(0, 1, 7), read(2, 3, 7)),
    "in any order": (read(2, 3, 7), write(0, 1, 7)),
    "a read within a write shows the old value": (write(0, 9, 7), read(1, 2, 0)),
    "a read within a write shows the new value": (write(0, 9, 7), read(1, 2, 7)),
    "of two writes at once either comes last": (write(0, 5, 1), write(0, 5, 2), read(6, 7, 1)),
    "what ends at the moment when another begins overlaps it": (write(0, 1, 7), read(1, 2, 0)),
    "a lost write took effect": (write(0, math.inf, 7, certain=False), read(5, 6, 7)),
    "a lost write took none": (write(0, math.inf, 7, certain=False), read(5, 6, 0)),
    "a lost write took effect late": (write(0, math.inf, 7, certain=False), read(5, 6, 0), read(7, 8, 7)),
}
BAD: dict[str, tuple[Sequence[RegisterCall], int]] = {
    "a stale read": ((write(0, 1, 7), read(2, 3, 0)), 1),
    "a value from nowhere": ((write(0, 1, 7), read(2, 3, 8)), 1),
    "a value comes back": ((write(0, 1, 1), write(2, 3, 2), read(4, 5, 1)), 2),
    "two readers disagree on the order": (
        (write(0, 9, 1), write(0, 9, 2), read(1, 2, 1), read(3, 4, 2), read(5, 6, 1)),
        4,
    ),
    "new, then old, within one write": ((write(0, 9, 7), read(1, 2, 7), read(3, 4, 0)), 2),
    "a lost write took effect twice": (
        (write(0, math.inf, 7, certain=False), read(1, 2, 7), write(3, 4, 8), read(5, 6, 7)),
        3,
    ),
    "what comes after the breach is not to blame": ((write(0, 1, 7), read(2, 3, 8), read(4, 5, 9)), 1),
}


@pytest.mark.parametrize("name", GOOD)
def test_history_that_an_order_explains(name: str) -> None:
    calls = GOOD[name]
    found = linearize(calls, 0, register)
    assert found.possible
    assert found.stuck is None
    assert explains(calls, found.order)


@pytest.mark.parametrize("name", BAD)
def test_history_that_no_order_explains(name: str) -> None:
    calls, stuck = BAD[name]
    found = linearize(calls, 0, register)
    assert found.possible is False
    assert found.stuck == stuck
    assert linearize(until(calls, stuck), 0, register).possible is False
    assert linearize(until(calls, stuck, itself=False), 0, register).possible


def test_search_is_given_up_rather_than_a_verdict_invented() -> None:
    calls = [write(0, 9, value) for value in range(8)] + [read(10, 11, 99)]
    assert linearize(calls, 0, register, steps=50).possible is None
    assert linearize(calls, 0, register).possible is False


def test_configurations_are_entered_once() -> None:
    """16 calls at once have 20 trillion orders, and 65,536 sets."""
    calls = [write(0, 9, 1) for _ in range(16)] + [read(10, 11, 99)]
    assert linearize(calls, 0, register, steps=16 * 2**16).possible is False


def test_reads_at_once_cost_nothing() -> None:
    reads = [read(0, 9, value % 2) for value in range(100)]
    assert linearize([write(0, 9, 1), *reads], 0, register, steps=20_000).possible
    assert linearize([write(0, 9, 1), *reads, read(0, 9, 2)], 0, register, steps=20_000).possible is False


def test_long_history_of_calls_one_after_the_other() -> None:
    calls = [call for n in range(2_000) for call in (write(4 * n, 4 * n + 1, n), read(4 * n + 2, 4 * n + 3, n))]
    assert linearize(calls, 0, register, steps=len(calls)).possible


def test_model_that_leaves_a_choice() -> None:
    def coin(state: int, call: RegisterCall) -> Iterator[int]:
        yield from (0, 1) if call.argument is not None else register(state, call)

    tosses = (write(0, 1, 0), read(2, 3, 1), write(4, 5, 0), read(6, 7, 0))
    assert linearize(tosses, 0, coin).possible
    assert linearize((*tosses, read(8, 9, 1)), 0, coin).possible is False


def test_objects_are_apart() -> None:
    calls = [write(0, 1, 10), write(2, 3, 11), write(4, 5, 20)]
    assert objects(calls, lambda call: (call.argument or 0) // 10) == {1: calls[:2], 2: calls[2:]}


moments = st.integers(0, 8)
values = st.integers(0, 2)


@st.composite
def some_call(draw: st.DrawFn) -> RegisterCall:
    start, end = sorted((draw(moments), draw(moments)))
    if draw(st.booleans()):
        return read(start, end, draw(values))
    return write(start, end, draw(values), certain=draw(st.integers(0, 3)) > 0)


@given(st.lists(some_call(), max_size=6))
@example([write(0, 3, 1), write(1, 4, 2), read(2, 5, 1), read(6, 7, 2)])
def test_same_answer_as_trying_every_order(calls: list[RegisterCall]) -> None:
    calls = [call if call.certain else replace(call, end=math.inf) for call in calls]
    found = linearize(calls, 0, register)
    assert found.possible is any(explains(calls, order) for order in orders(calls))
    if found.possible:
        assert explains(calls, found.order)
    else:
        assert found.stuck is not None
        prefix, before = until(calls, found.stuck), until(calls, found.stuck, itself=False)
        assert not any(explains(prefix, order) for order in orders(prefix))
        assert any(explains(before, order) for order in orders(before))


def until(calls: Sequence[RegisterCall], last: int, *, itself: bool = True) -> list[RegisterCall]:
    """A history until a call ends, with it or just without it: of those under way nobody knows whether they took
    effect."""
    end = calls[last].end
    return [
        replace(call, end=math.inf, certain=False) if call.end > end or (call.end == end and not itself) else call
        for call in calls
        if call.start <= end and (itself or call is not calls[last])
    ]


def orders(calls: Sequence[RegisterCall]) -> Iterator[tuple[int, ...]]:
    """Every order of all certain calls with any of the others."""
    certain = [position for position, call in enumerate(calls) if call.certain]
    others = [position for position, call in enumerate(calls) if not call.certain]
    for size in range(len(others) + 1):
        for chosen in itertools.combinations(others, size):
            yield from itertools.permutations([*certain, *chosen])


def explains(calls: Sequence[RegisterCall], order: Sequence[int]) -> bool:
    """Whether an order keeps to time, has all certain calls, and gives each read what it answered."""
    if {position for position, call in enumerate(calls) if call.certain} - set(order):
        return False
    if any(calls[later].end < calls[earlier].start for earlier, later in itertools.combinations(order, 2)):
        return False
    state = 0
    for position in order:
        states = list(register(state, calls[position]))
        if not states:
            return False
        state = states[0]
    return True
