"""A breach is tried again before it is a verdict: what broke a rule is acted out anew, with fresh names and
requestIds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from conformance.verdicts.ledger import is_confirmed

Case = TypeVar("Case")

SHARE = 0.5
FREE = 200
"""Requests that may go into trying breaches again: so many for each one that the scenarios send, and so many more."""

CASES_MAXIMUM = 8
"""Cases of a scenario that are tried again; rules that no other one breaks are left to the next scenario that breaks
them."""

ROUNDS_MAXIMUM = 2
"""How many cases a rule gets in a process, where it holds when the first one is tried again."""


@dataclass(frozen=True)
class Outcome(Generic[Case]):
    """What came of acting with a case.

    Args:
        case: the case.
        broken: the rules that it broke, each with whether that was more than a deviation.
        size: of its trace, as Trace.size has it.
        names: of images that it made, where the name is the matter and the same whenever it is tried.
        cut: whether it was cut off by the end of a budget, of the run or of the target, so that it has no end to be
            judged.
        used_up: whether the target took a requestId that is the same whenever it is tried.
    """

    case: Case
    broken: dict[str, bool]
    size: tuple[int, ...]
    names: frozenset[str] = frozenset()
    cut: bool = False
    used_up: bool = False

    @property
    def requests(self) -> int:
        """How many requests it took."""
        return self.size[2]

    def breaks(self, rule: str, *, severely: bool) -> bool:
        """Whether it broke a rule, by more than a deviation if it is to be `severely`."""
        return rule in self.broken and self.broken[rule] >= severely


class Confirmations:
    """Which breaches a process has tried again, and what came of it.

    Args:
        tries: how often each is tried.
        count: told of each rule that was tried: how often it was broken again, of how many times.
    """

    def __init__(self, tries: int, count: Callable[[str, int, int], None]) -> None:
        self.tries = tries
        self._count = count
        self._rounds: Counter[str] = Counter()
        self._confirmed: set[str] = set()
        self._held: set[str] = set()
        self._allowance: float = FREE

    def note(self, outcomes: Iterable[Outcome[Case]]) -> None:
        """Notes what scenarios have sent: the more that is, the more may go into trying again."""
        self._allowance += SHARE * sum(outcome.requests for outcome in outcomes)

    def intermittent(self, rule: str) -> bool:
        """Whether a rule held when it was tried again."""
        return rule in self._held

    def chosen(self, outcomes: Iterable[Outcome[Case]]) -> list[tuple[Outcome[Case], dict[str, bool]]]:
        """The smallest cases that break rules yet to be confirmed, each with these rules; no more than may be spent.

        Args:
            outcomes: what has been seen.
        """
        smallest: dict[str, Outcome[Case]] = {}
        for outcome in sorted(outcomes, key=lambda item: item.size):
            for rule, severely in outcome.broken.items():
                if self._open(rule) and not (rule in smallest and smallest[rule].broken[rule] >= severely):
                    smallest[rule] = outcome
        found: dict[int, tuple[Outcome[Case], dict[str, bool]]] = {}
        for rule, outcome in smallest.items():
            found.setdefault(id(outcome), (outcome, {}))[1][rule] = outcome.broken[rule]
        affordable: list[tuple[Outcome[Case], dict[str, bool]]] = []
        for outcome, rules in sorted(found.values(), key=lambda item: -len(item[1])):
            cost = self.tries * outcome.requests
            if len(affordable) < CASES_MAXIMUM and cost <= self._allowance:
                self._allowance -= cost
                affordable.append((outcome, rules))
        return affordable

    def conclude(self, rules: dict[str, bool], again: Iterable[Outcome[Case]]) -> None:
        """Counts what came of trying a case again.

        Args:
            rules: those that it had broken, each with whether that was more than a deviation.
            again: what it led to.
        """
        whole = [outcome for outcome in again if not outcome.cut]
        if not whole:
            return
        for rule, severely in rules.items():
            seen = sum(outcome.breaks(rule, severely=severely) for outcome in whole)
            self._rounds[rule] += 1
            self._count(rule, seen, len(whole))
            if is_confirmed(seen, len(whole)):
                self._confirmed.add(rule)
                self._held.discard(rule)
            elif rule not in self._confirmed:
                self._held.add(rule)

    def _open(self, rule: str) -> bool:
        return self.tries > 0 and rule not in self._confirmed and self._rounds[rule] < ROUNDS_MAXIMUM
