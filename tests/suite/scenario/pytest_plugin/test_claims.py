"""What scenarios say that they put to the test is what they put to the test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator

import pytest

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.scenario.pytest_plugin.markers import exercised, short_name
from conformance.scenario.pytest_plugin.worker import PAYLOAD

PROJECT = "conformance"


RANDOM = {"test_valid_image_comes_back", "test_random_stories", "test_retries"}
"""Scenarios that draw what they do, so that a short run need not come to all that they claim."""


class Claims:
    """A plugin of pytest that notes, of each scenario that ran, which rules it claims and which were observed in it."""

    def __init__(self) -> None:
        self.claimed: dict[str, set[str]] = defaultdict(set)
        self.observed: dict[str, set[str]] = defaultdict(set)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Reads what the scenario counted, all its parameters together."""
        report = yield
        payload = dict(report.user_properties).get(PAYLOAD)
        if call.when == "call" and report.passed and isinstance(payload, dict):
            scenario = short_name(item).partition("[")[0]
            self.claimed[scenario] |= exercised(item)
            tallies = payload["ledger"]["tallies"]
            self.observed[scenario] |= {rule for rule, row in tallies.items() if row["observations"]}
        return report


@pytest.mark.slow
def test_each_rule_is_observed_in_the_scenarios_that_claim_it() -> None:
    claims = Claims()
    with EmulatorProcess() as emulator:
        settings = Settings(
            url=emulator.url,
            project=PROJECT,
            second_project="another",
            sources=embedded_sources(PROJECT),
            workers=1,
        )
        results = judge(settings, plugins=[claims])
    observed = {row.id for row in results.rules if row.observations}
    assert len(observed) > 0.9 * len(catalogue())
    lacking = {
        scenario: sorted((claimed & observed) - claims.observed[scenario])
        for scenario, claimed in claims.claimed.items()
        if scenario not in RANDOM
    }
    assert {scenario: rules for scenario, rules in lacking.items() if rules} == {}
    by_chance = set[str]().union(*(claims.claimed[scenario] for scenario in RANDOM)) & observed
    assert by_chance - set[str]().union(*claims.observed.values()) == set()
