"""How a scenario runs: enumerated cases first and in order, then chance; every trace is judged by every rule."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from conformance.client import Api, Target
from conformance.contract import Breach, Rule
from conformance.ledger import Ledger
from conformance.sources import Sources

Case = TypeVar("Case")


class RuleBroken(Exception):  # noqa: N818 - it ends an example, and is no error of ours
    """An example broke a rule; there is one subclass for each rule, which is how Hypothesis tells findings apart."""


@cache
def _broken(rule: str) -> type[RuleBroken]:
    return type(rule, (RuleBroken,), {})


class Scenario:
    """What a scenario test gets to act with.

    Args:
        target: where requests go, and what may be spent.
        ledger: judges and counts.
        pool: threads in which cases run beside each other.
        sources: what images can be made from.
        capabilities: what the target can do.
        settled: rules whose breach has been shown with a small example, in this process; they are not shrunk again.
        seed: of the random examples; None for the same examples in every run.
        name: of the test, so that different tests draw different examples.
    """

    def __init__(  # noqa: PLR0913 - everything that a process shares, handed over once
        self,
        target: Target,
        ledger: Ledger,
        pool: ThreadPoolExecutor,
        sources: Sources,
        capabilities: frozenset[str],
        settled: set[str],
        seed: int | None,
        name: str,
    ) -> None:
        self.target = target
        self.sources = sources
        self.capabilities = capabilities
        self.breaches: list[tuple[Rule, Breach]] = []
        self._ledger = ledger
        self._pool = pool
        self._settled = settled
        self._seed = seed
        self._name = name

    def can(self, capability: str) -> bool:
        """Whether the target has a capability."""
        return capability in self.capabilities

    def once(self, act: Callable[[Api], object]) -> None:
        """Acts once, and judges what happened."""
        self.each([None], lambda api, _: act(api))

    def each(self, cases: Iterable[Case], act: Callable[[Api, Case], object]) -> None:
        """Acts with every case, several at a time, each with an API and a trace of its own; judges them in order."""
        apis: list[Api] = []

        def attempt(api: Api, case: Case) -> None:
            try:
                act(api, case)
            finally:
                api.tidy()

        futures = []
        for case in cases:
            apis.append(Api(self.target))
            futures.append(self._pool.submit(attempt, apis[-1], case))
        errors = [error for future in futures if (error := future.exception())]
        for api in apis:
            found = self._judge(api)
            self._settled.update(rule.id for rule, _ in found)
        if errors:
            raise errors[0]

    def examples(self, strategy: SearchStrategy[Case], act: Callable[[Api, Case], object]) -> None:
        """Acts with random cases, as many as the profile allows; a breach not seen before is made as small as possible."""
        profile = self.target.profile
        if not profile.examples:
            return
        chased: list[str] = []
        budget = [profile.shrinking]

        def attempt(case: Case) -> None:
            api = Api(self.target)
            try:
                act(api, case)
            finally:
                api.tidy()
                found = {rule.id for rule, _ in self._judge(api)}
            new = [rule for rule in found if rule not in self._settled]
            if new and not chased:
                chased.append(min(new))
            if chased and chased[0] in found and budget[0] > 0:
                budget[0] -= 1
                raise _broken(chased[0])

        phases = [Phase.generate] + ([Phase.shrink] if profile.shrinking else [])
        checked = hypothesis.settings(
            max_examples=profile.examples,
            phases=phases,
            deadline=None,
            database=None,
            derandomize=False,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )(given(strategy)(attempt))
        number = zlib.crc32(self._name.encode()) ^ (self._seed or 0)
        try:
            hypothesis.seed(number)(checked)()
        except RuleBroken:
            pass
        except Flaky:
            # The budget for shrinking was spent, so the last example was let pass: it stands in the ledger all the same.
            if not chased:
                raise
        self._settled.update(chased)

    def _judge(self, api: Api) -> Sequence[tuple[Rule, Breach]]:
        found = self._ledger.judge(api.trace())
        self.breaches.extend(found)
        return found
