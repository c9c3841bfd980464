"""Decides linearizability by the search of Wing and Gong, with the memory of configurations that Lowe added to it.

A configuration is the set of calls that have been put in order so far, and the state that they led to. The search
never enters one twice. Since a history is linearizable exactly if that of each object is, it is asked for one object
at a time.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")
State = TypeVar("State", bound=Hashable)
Key = TypeVar("Key", bound=Hashable)

STEPS_MAXIMUM = 100_000
"""Steps of the model after which a search is given up. Steps, not seconds: what is decided depends on no machine."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Argument, Result]):
    """One call of an object: it takes effect at one moment from `start` to `end`.

    Args:
        start, end: the first and the last moment, on one clock.
        argument: what was asked.
        result: what was answered.
        certain: whether it took effect; of one that is not certain nobody knows whether it did.
        reads: whether it changes the object in no state. Then it is put in order as soon as it tells nothing new:
            where the rest has an order with it later, it has the same one without it there.
    """

    start: float
    end: float
    argument: Argument
    result: Result
    certain: bool = True
    reads: bool = False


Step = Callable[[State, Call[Argument, Result]], Iterable[State]]
"""The sequential model: the states in which a call may leave the object; none where its result cannot be."""


@dataclass(frozen=True, slots=True)
class Linearization:
    """What a search found.

    Args:
        possible: whether an order explains all calls; None where the search was given up.
        order: the positions of calls in such an order; where there is none, in one that explains the longest prefix
            of the history.
        stuck: the position of the call that no order gets past: the one that ends this prefix; None where there is
            none.
    """

    possible: bool | None
    order: tuple[int, ...]
    stuck: int | None = None


def objects(
    calls: Iterable[Call[Argument, Result]], of: Callable[[Call[Argument, Result]], Key]
) -> dict[Key, list[Call[Argument, Result]]]:
    """The calls of each object, to be judged on their own."""
    found: dict[Key, list[Call[Argument, Result]]] = defaultdict(list)
    for call in calls:
        found[of(call)].append(call)
    return dict(found)


def linearize(
    calls: Sequence[Call[Argument, Result]],
    initial: State,
    step: Step[State, Argument, Result],
    steps: int = STEPS_MAXIMUM,
) -> Linearization:
    """Looks for an order of the calls of one object that explains all results, and in which none comes after one that
    began when it had ended already.

    Args:
        calls: in any order.
        initial: the state before all of them.
        step: the sequential model.
        steps: how often the model may be asked.
    """
    return _Search(calls, step, steps).run(initial)


class _GivenUp(Exception):  # noqa: N818 - it ends a search, and is no error
    """The model has been asked as often as it may be."""


@dataclass(frozen=True, slots=True)
class _Configuration(Generic[State]):
    """What has been put in order: the calls as bits, and the state they led to.

    `started` and `ended` say how many of the first calls to start, and of the first certain ones to end, are all
    among them.
    """

    done: int
    state: State
    started: int = 0
    ended: int = 0


class _Search(Generic[State, Argument, Result]):
    """A depth-first search; the calls are numbered in the order of their starts."""

    def __init__(
        self, calls: Sequence[Call[Argument, Result]], step: Step[State, Argument, Result], steps: int
    ) -> None:
        self._positions = sorted(range(len(calls)), key=lambda position: calls[position].start)
        self._calls = [calls[position] for position in self._positions]
        certain = (number for number, call in enumerate(self._calls) if call.certain)
        self._by_end = sorted(certain, key=lambda number: self._calls[number].end)
        self._step = step
        self._left = steps

    def run(self, initial: State) -> Linearization:
        """Searches until all certain calls are in order, until there is nothing left to try, or until it has to give
        up."""
        path: list[int] = []
        prefix: tuple[int, ...] = ()
        furthest = 0
        stack = [self._next(_Configuration(0, initial))]
        seen = {(0, initial)}
        if not self._by_end:
            return Linearization(True, ())
        try:
            while stack:
                number, here = next(stack[-1], (None, None))
                if number is None or here is None:
                    stack.pop()
                    del path[-1:]
                elif (here.done, here.state) not in seen:
                    seen.add((here.done, here.state))
                    path.append(number)
                    stack.append(self._next(here))
                    if here.ended == len(self._by_end):
                        return Linearization(True, self._told(path))
                    if here.ended > furthest:
                        furthest, prefix = here.ended, tuple(path)
        except _GivenUp:
            return Linearization(None, self._told(prefix))
        return Linearization(False, self._told(prefix), self._positions[self._by_end[furthest]])

    def _next(self, here: _Configuration[State]) -> Iterator[tuple[int, _Configuration[State]]]:
        """The configurations one call further: no call may come next that began after one had ended that is not in
        order yet."""
        latest = self._calls[self._by_end[here.ended]].end if here.ended < len(self._by_end) else -math.inf
        numbers = itertools.takewhile(
            lambda number: self._calls[number].start <= latest, range(here.started, len(self._calls))
        )
        # What ends first is tried first: most histories are explained so at once.
        open_ = sorted((number for number in numbers if not here.done >> number & 1), key=lambda n: self._calls[n].end)
        states = {number: self._states(here, number) for number in open_ if self._calls[number].reads}
        idle = next((number for number, found in states.items() if found == [here.state]), None)
        for number in open_ if idle is None else (idle,):
            for state in states.get(number) or self._states(here, number):
                yield number, self._advanced(here, number, state)

    def _states(self, here: _Configuration[State], number: int) -> list[State]:
        if not self._left:
            raise _GivenUp
        self._left -= 1
        return list(self._step(here.state, self._calls[number]))

    def _advanced(self, here: _Configuration[State], number: int, state: State) -> _Configuration[State]:
        done, started, ended = here.done | 1 << number, here.started, here.ended
        while started < len(self._calls) and done >> started & 1:
            started += 1
        while ended < len(self._by_end) and done >> self._by_end[ended] & 1:
            ended += 1
        return _Configuration(done, state, started, ended)

    def _told(self, path: Iterable[int]) -> tuple[int, ...]:
        return tuple(self._positions[number] for number in path)
