"""How a scenario runs: enumerated cases first and in order, then chance; every trace is judged by every rule."""

from __future__ import annotations

import contextlib
import itertools
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
from conformance.compat import no_constants_of_modules
from conformance.config.sources import Sources
from conformance.contract import Breach, Rule
from conformance.contract.plain_bodies import minimal
from conformance.scenario.examples import Drawer
from conformance.trace.exchange import Trace

STARTED_MAXIMUM = 24
"""Cases that are started ahead of the one to be judged: what a target answers waits in memory until then."""

Case = TypeVar("Case")
Part = TypeVar("Part")


class RuleBroken(Exception):  # noqa: N818 - it ends an example, and is no error of ours
    """An example broke the rule that is being chased."""


class Scenario:
    """What a scenario test gets to act with.

    Args:
        target: where requests go, and what may be spent.
        judge: judges a trace, and keeps it under the name of the test.
        pool: threads in which cases run beside each other.
        sources: what images can be made from.
        capabilities: what the target can do.
        settled: rules whose breach has been shown with a small example, in this process; they are not shrunk again.
        seed: of the random examples; None for the same examples in every run.
        name: of the test, so that different tests draw different examples.
        examples: where examples that fail are kept; None to keep none.
        refused: the fields that the target refuses, so that nothing else is to depend on them.
    """

    def __init__(  # noqa: PLR0913 - everything that a process shares, handed over once
        self,
        target: Target,
        judge: Callable[[Trace, str], list[tuple[Rule, Breach]]],
        pool: ThreadPoolExecutor,
        sources: Sources,
        capabilities: frozenset[str],
        settled: set[str],
        seed: int | None,
        name: str,
        examples: ExampleDatabase | None = None,
        refused: frozenset[str] = frozenset(),
    ) -> None:
        self.target = target
        self.sources = sources
        self.capabilities = capabilities
        self.breaches: list[tuple[Rule, Breach]] = []
        self._judge_trace = judge
        self._pool = pool
        self._settled = settled
        self._seed = seed
        self._name = name
        self._examples = examples
        self._refused = refused

    def plain(self, **fields: Any) -> dict[str, Any]:
        """The smallest body, and those of the fields that the target does not refuse: their being accepted is another matter."""
        taken = {name: value for name, value in fields.items() if name not in self._refused}
        return {**minimal(self.sources), **taken}

    def can(self, capability: str) -> bool:
        """Whether the target has a capability."""
        return capability in self.capabilities

    def once(self, act: Callable[[Api], object]) -> None:
        """Acts once, and judges what happened."""
        self.each([None], lambda api, _: act(api))

    def each(self, cases: Iterable[Case], act: Callable[[Api, Case], object]) -> list[set[str]]:
        """Acts with every case that the profile allows, several at a time, each with an API and a trace of its own.

        Returns:
            The rules that each case broke.
        """

        def attempt(api: Api, case: Case) -> None:
            try:
                act(api, case)
            finally:
                api.tidy()

        started: deque[tuple[Api, Future[None]]] = deque()
        errors: list[BaseException] = []
        broken: list[set[str]] = []

        def judge_first() -> None:
            api, future = started.popleft()
            error = future.exception()
            errors.extend([error] if error else [])
            # What was cut off by the end of a budget, of the run or of the target has no end that could be judged.
            cut = isinstance(error, BudgetSpent | Stopped | TargetLost)
            broken.append(set() if cut else {rule.id for rule, _ in self._judge(api)})
            self._settled |= broken[-1]

        for case in itertools.islice(cases, self.target.profile.cases):
            if len(started) == STARTED_MAXIMUM:
                judge_first()
            api = Api(self.target)
            started.append((api, self._pool.submit(attempt, api, case)))
        while started:
            judge_first()
        if errors:
            raise errors[0]
        return broken

    def sequences(self, cases: Iterable[tuple[Part, ...]], act: Callable[[Api, tuple[Part, ...]], object]) -> None:
        """Acts with every case, as `each` does; one that breaks a rule not seen broken before is made as short as possible."""
        known = set(self._settled)
        told = list(cases)
        for case, rules in zip(told, self.each(told, act), strict=False):
            new = rules - known
            known |= rules
            if new and self.target.profile.shrinking:
                self._shorten(case, act, min(new))

    def _shorten(self, case: tuple[Part, ...], act: Callable[[Api, tuple[Part, ...]], object], rule: str) -> None:
        """Leaves out parts of a case, many at a time first, as long as the rest breaks the rule still."""
        tries, size = self.target.profile.shrinking, len(case)
        while size and tries > 0:
            start = 0
            while start < len(case) and tries > 0:
                shorter = case[:start] + case[start + size :]
                tries -= 1
                if shorter and self._breaks(act, shorter, rule):
                    case = shorter
                else:
                    start += size
            size //= 2

    def _breaks(self, act: Callable[[Api, Case], object], case: Case, rule: str) -> bool:
        """Acts once more with a case, and tells whether that breaks a rule."""
        api = Api(self.target)
        try:
            act(api, case)
        finally:
            api.tidy()
        return any(found.id == rule for found, _ in self._judge(api))

    def examples(self, strategy: SearchStrategy[Case], act: Callable[[Api, Case], object]) -> None:
        """Acts with random cases, as many as the profile allows; a breach not seen before is made as small as possible.

        The cases are drawn first and then acted on several at a time, since nothing that is drawn depends on an answer.
        """
        cases: list[Case] = []
        before = set(self._settled)
        self._draw(strategy, cases.append, [Phase.reuse, Phase.generate])
        self.each(cases, act)
        new = {rule.id for rule, _ in self.breaches} - before
        if new and self.target.profile.shrinking:
            self._shrink(strategy, act, min(new))

    def _shrink(self, strategy: SearchStrategy[Case], act: Callable[[Api, Case], object], rule: str) -> None:
        """Finds the breach of one rule again and makes its example smaller, as far as the profile allows."""
        budget = [self.target.profile.shrinking]

        def attempt(case: Case) -> None:
            if budget[0] <= 0:
                return
            budget[0] -= 1
            if self._breaks(act, case, rule):
                raise RuleBroken

        # A budget that is spent lets the last example pass, which Hypothesis calls flaky; the ledger has the smallest one.
        with contextlib.suppress(RuleBroken, Flaky):
            self._draw(strategy, attempt, [Phase.reuse, Phase.generate, Phase.shrink])

    def _draw(self, strategy: SearchStrategy[Case], use: Callable[[Case], None], phases: Sequence[Phase]) -> None:
        """Draws as many cases as the profile allows, the same ones whenever it is called with the same strategy.

        Examples that have failed come first. They are kept, and given up, only while one of them is made smaller: to
        Hypothesis those that are merely drawn do not fail.
        """
        profile = self.target.profile
        if not profile.examples:
            return
        seed = zlib.crc32(self._name.encode()) ^ (self._seed or 0)
        # The seed comes first: Hypothesis takes the database away from whatever is given a seed.
        seeded = hypothesis.seed(seed)(given(strategy)(lambda case: use(case)))
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

    def _judge(self, api: Api) -> Sequence[tuple[Rule, Breach]]:
        found = self._judge_trace(api.trace(), self._name)
        self.breaches.extend(found)
        return found
