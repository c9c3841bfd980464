"""How a scenario runs: enumerated cases first and in order, then chance; every trace is judged by every rule."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from conformance.client.api import Api
from conformance.client.budget import BudgetSpent
from conformance.client.target import Target
from conformance.client.transport import Stopped, TargetLost
from conformance.config.sources import Sources
from conformance.contract import Breach, Rule
from conformance.contract.plain_bodies import minimal
from conformance.contract.requests import CONFLICT
from conformance.scenario.compat import no_constants_of_modules
from conformance.scenario.confirmations import Confirmations, Outcome
from conformance.scenario.examples import Drawer
from conformance.trace.exchange import Exchange, Trace
from conformance.trace.formats import is_uuid

STARTED_MAXIMUM = 24
"""Cases that are started ahead of the one to be judged: what a target answers waits in memory until then."""

STARTED_CAUTIOUSLY = 1
"""How many are started at first where a breach is to be seen with few requests; twice as many after each that is
judged."""

ENDS = "operation.reaches-done"
"""The rule that takes all of the deadline to be broken."""

Case = TypeVar("Case")
Part = TypeVar("Part")


class RuleBroken(Exception):  # noqa: N818 - it ends an example, and is no error of ours
    """An example broke the rule that is being chased."""


class Scenario:
    """What a scenario test gets to act with.

    Args:
        target: where requests go, and what may be spent.
        judge: judges a trace, and keeps it under the name of the test and the number of its case: cases are numbered
            as they are drawn, so that runs can be compared case by case; 0 is what is acted out again.
        pool: threads in which cases run beside each other.
        sources: what images can be made from.
        capabilities: what the target can do.
        settled: rules whose breach has been shown with a small example, in this process; they are not shrunk again.
        confirmations: which breaches this process has tried again.
        seed: of the random examples; None for the same examples in every run.
        name: of the test, so that different tests draw different examples.
        examples: where examples that fail are kept; None to keep none.
        refused: the fields that the target refuses, so that nothing else is to depend on them.
        cautious: whether few cases are started ahead at first, so that the first breach is seen after few requests.
    """

    def __init__(  # noqa: PLR0913 - everything that a process shares, handed over once
        self,
        target: Target,
        judge: Callable[[Trace, str, int], list[tuple[Rule, Breach]]],
        pool: ThreadPoolExecutor,
        sources: Sources,
        capabilities: frozenset[str],
        settled: set[str],
        confirmations: Confirmations,
        seed: int | None,
        name: str,
        examples: ExampleDatabase | None = None,
        refused: frozenset[str] = frozenset(),
        *,
        cautious: bool = False,
    ) -> None:
        self.target = target
        self.sources = sources
        self.capabilities = capabilities
        self.breaches: list[tuple[Rule, Breach]] = []
        self._judge_trace = judge
        self._pool = pool
        self._settled = settled
        self._confirmations = confirmations
        self._seed = seed
        self._name = name
        self._examples = examples
        self._refused = refused
        self._numbers = itertools.count(1)
        self._ahead = STARTED_CAUTIOUSLY if cautious else STARTED_MAXIMUM

    def plain(self, **fields: Any) -> dict[str, Any]:
        """The smallest body, and those of the fields that the target does not refuse: their being accepted is another
        matter."""
        taken = {name: value for name, value in fields.items() if name not in self._refused}
        return {**minimal(self.sources), **taken}

    def chance(self) -> Random:
        """What random plans of this test are drawn with: it draws the same ones in every run that has the same seed."""
        return Random(self._own_seed)

    @property
    def _own_seed(self) -> int:
        return zlib.crc32(self._name.encode()) ^ (self._seed or 0)

    def can(self, capability: str) -> bool:
        """Whether the target has a capability."""
        return capability in self.capabilities

    def once(self, act: Callable[[Api], object]) -> None:
        """Acts once, and judges what happened."""
        self.each([None], lambda api, _: act(api))

    def each(self, cases: Iterable[Case], act: Callable[[Api, Case], object]) -> None:
        """Acts with every case that the profile allows, several at a time, each with an API and a trace of its own.

        What breaks a rule is tried again.
        """
        self._confirm(self._attempt(cases, act), act)

    def _attempt(self, cases: Iterable[Case], act: Callable[[Api, Case], object]) -> list[Outcome[Case]]:
        """What comes of acting with every case that the profile allows."""
        found = list(self._outcomes(itertools.islice(cases, self.target.profile.cases), act, self._numbers))
        self._confirmations.note(found)
        return found

    def _outcomes(
        self, cases: Iterable[Case], act: Callable[[Api, Case], object], numbers: Iterator[int] | None = None
    ) -> Iterator[Outcome[Case]]:
        """What comes of acting with cases, several at a time but in their order; the first error is raised in the
        end.

        Args:
            cases: the cases.
            act: acts with one.
            numbers: of the cases; None where they are acted out again.
        """
        started: deque[tuple[Case, Api, Future[None], int]] = deque()
        errors: list[BaseException] = []
        ahead = self._ahead

        def attempt(api: Api, case: Case) -> None:
            try:
                act(api, case)
            finally:
                api.tidy()

        def judge_first() -> Outcome[Case]:
            case, api, future, number = started.popleft()
            error = future.exception()
            errors.extend([error] if error else [])
            if isinstance(error, BudgetSpent | Stopped | TargetLost):
                return Outcome(case, {}, api.trace().size(), cut=True)
            return self._judge(api, case, number)

        for case in cases:
            if len(started) >= ahead:
                yield judge_first()
                ahead = min(2 * ahead, STARTED_MAXIMUM)
            api = Api(self.target)
            number = next(numbers) if numbers is not None else 0
            started.append((case, api, self._pool.submit(attempt, api, case), number))
        while started:
            yield judge_first()
        if errors:
            raise errors[0]

    def _confirm(self, outcomes: Iterable[Outcome[Case]], act: Callable[[Api, Case], object]) -> None:
        """Tries again what broke rules that have not been seen broken again so far."""
        chosen = self._confirmations.chosen(outcomes)
        if any(ENDS in rules for _, rules in chosen):
            self.target.unfinished = 0  # what is waited for less long cannot show again that it takes too long
        again: list[list[Outcome[Case]]] = [[] for _ in chosen]
        # The scenario has come to its end all the same: the next one tells that the budget is spent.
        with contextlib.suppress(BudgetSpent):
            for turn in range(self._confirmations.tries if chosen else 0):
                ready = [
                    number
                    for number, (outcome, _) in enumerate(chosen)
                    for _ in range(self._tries_at_once(outcome, turn))
                ]
                cases = [chosen[number][0].case for number in ready]
                for number, outcome in zip(ready, self._outcomes(cases, act), strict=True):
                    again[number].append(outcome)
        for (outcome, rules), found in zip(chosen, again, strict=True):
            # That a requestId is refused which the first try has used up tells nothing of a fresh one.
            told = [one for one in found if not outcome.used_up or rules.keys() & one.broken.keys()]
            self._confirmations.conclude(rules, told)

    def _tries_at_once(self, outcome: Outcome[Case], turn: int) -> int:
        """How often a case is tried again in a turn: each time in the first one where its names are fresh, else once
        in each, if its names are free."""
        if outcome.names:
            return int(self._are_free(outcome.names))
        return self._confirmations.tries if turn == 0 else 0

    def _are_free(self, names: Iterable[str]) -> bool:
        """Waits until images are gone whose names are the matter of a case, so that it can be tried in a fresh
        state."""
        api, end = Api(self.target), time.monotonic() + self.target.deadline
        for name in names:
            while api.get(name).answered:
                if time.monotonic() > end:
                    return False
                self.target.transport.sleep(0.05)
        return True

    def intermittent(self, rule: str) -> bool:
        """Whether a rule held when what had broken it was tried again."""
        return self._confirmations.intermittent(rule)

    def sequences(self, cases: Iterable[tuple[Part, ...]], act: Callable[[Api, tuple[Part, ...]], object]) -> None:
        """Acts with every case, as `each` does; one that breaks a rule not seen broken before is made as short as
        possible."""
        known = set(self._settled)
        outcomes = self._attempt(cases, act)
        for outcome in list(outcomes):
            new = set(outcome.broken) - known
            known |= set(outcome.broken)
            if new and self.target.profile.shrinking:
                outcomes.extend(self._shorten(outcome.case, act, min(new)))
        self._confirm(outcomes, act)

    def _shorten(
        self, case: tuple[Part, ...], act: Callable[[Api, tuple[Part, ...]], object], rule: str
    ) -> Iterator[Outcome[tuple[Part, ...]]]:
        """Leaves out parts of a case, many at a time first, as long as the rest breaks the rule still; what does is
        answered."""
        tries, size = self.target.profile.shrinking, len(case)
        while size and tries > 0:
            start = 0
            while start < len(case) and tries > 0:
                shorter = case[:start] + case[start + size :]
                tries -= 1
                outcome = self._again(act, shorter) if shorter else None
                if outcome is not None and rule in outcome.broken:
                    case = shorter
                    yield outcome
                else:
                    start += size
            size //= 2

    def _again(self, act: Callable[[Api, Case], object], case: Case) -> Outcome[Case]:
        """Acts once more with a case."""
        api = Api(self.target)
        try:
            act(api, case)
        finally:
            api.tidy()
        return self._judge(api, case)

    def examples(self, strategy: SearchStrategy[Case], act: Callable[[Api, Case], object]) -> None:
        """Acts with random cases, as many as the profile allows; a breach not seen before is made as small as possible.

        The cases are drawn first and then acted on several at a time, since nothing that is drawn depends on an answer.
        """
        cases: list[Case] = []
        before = set(self._settled)
        self._draw(strategy, cases.append, [Phase.reuse, Phase.generate])
        outcomes = self._attempt(cases, act)
        new = {rule for outcome in outcomes for rule in outcome.broken} - before
        if new and self.target.profile.shrinking:
            outcomes.extend(self._shrink(strategy, act, min(new)))
        self._confirm(outcomes, act)

    def _shrink(
        self, strategy: SearchStrategy[Case], act: Callable[[Api, Case], object], rule: str
    ) -> list[Outcome[Case]]:
        """Finds the breach of one rule again and makes its example smaller, as far as the profile allows."""
        budget = [self.target.profile.shrinking]
        found: list[Outcome[Case]] = []

        def attempt(case: Case) -> None:
            if budget[0] <= 0:
                return
            budget[0] -= 1
            outcome = self._again(act, case)
            if rule in outcome.broken:
                found.append(outcome)
                raise RuleBroken

        # A budget that is spent lets the last example pass, which Hypothesis calls flaky; the ledger has the smallest
        # one.
        with contextlib.suppress(RuleBroken, Flaky):
            self._draw(strategy, attempt, [Phase.reuse, Phase.generate, Phase.shrink])
        return found

    def _draw(self, strategy: SearchStrategy[Case], use: Callable[[Case], None], phases: Sequence[Phase]) -> None:
        """Draws as many cases as the profile allows, the same ones whenever it is called with the same strategy.

        Examples that have failed come first. They are kept, and given up, only while one of them is made smaller: to
        Hypothesis those that are merely drawn do not fail.
        """
        profile = self.target.profile
        if not profile.examples:
            return
        # The seed comes first: Hypothesis takes the database away from whatever is given a seed.
        seeded = hypothesis.seed(self._own_seed)(given(strategy)(lambda case: use(case)))
        drawing = hypothesis.settings(
            max_examples=profile.examples,
            phases=phases,
            deadline=None,
            database=self._examples and Drawer(self._examples, self._name, keeps=Phase.shrink in phases),
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )(seeded)
        with no_constants_of_modules():
            drawing()

    def _judge(self, api: Api, case: Case, number: int = 0) -> Outcome[Case]:
        """What a case led to; `number` is its own, 0 where it is acted out again."""
        trace = api.trace()
        found = self._judge_trace(trace, self._name, number)
        self.breaches.extend(found)
        broken: dict[str, bool] = {}
        for rule, breach in found:
            broken[rule.id] = broken.get(rule.id, False) or not breach.deviation
        self._settled |= set(broken)
        names, left = fixed_names(trace, self.target.names.prefix)
        used_up = any(map(_takes_fixed_id, trace.exchanges))
        return Outcome(case, broken, trace.size(), names, cut=left and not number, used_up=used_up)


def fixed_names(trace: Trace, prefix: str) -> tuple[frozenset[str], bool]:
    """The names of images that a trace has made, and that are not new whenever its case is tried: those begin with a
    prefix.

    Also whether it has met one that was there before: no get may find what an earlier try has left.
    """
    made: set[str] = set()
    nameless: set[str] = set()
    left = False
    for exchange in trace.exchanges:
        body = exchange.request.json if exchange.method == "images.insert" else None
        if not isinstance(body, dict):
            continue
        name = body.get("name")
        if isinstance(name, str) and name.startswith(prefix):
            continue
        # What is no name at all may be one to a target that took it, though nobody can ask for it.
        text = name if isinstance(name, str) else json.dumps(name)
        if exchange.answered:
            (made if isinstance(name, str) and name.strip(".") else nameless).add(text)
        left = left or (exchange.status == CONFLICT and text not in made | nameless)
    return frozenset(made), left


def _takes_fixed_id(exchange: Exchange) -> bool:
    """Whether an insert was taken though its requestId is none, and so is the same whenever its case is tried."""
    given = exchange.request.query.get("requestId", [""])[0]
    fresh = is_uuid(given) and given.strip("0-")
    return exchange.method == "images.insert" and exchange.answered and bool(given) and not fresh
