"""The pytest plugin: options, markers, the fixture of the scenarios, and the part that this process has in the run."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from conformance.client.budget import BudgetSpent
from conformance.config.loading import load_settings
from conformance.config.settings import UsageError
from conformance.reports.text import harmless
from conformance.scenario.process import Ground
from conformance.scenario.pytest_plugin.controller import Controller, GivenSettings
from conformance.scenario.pytest_plugin.markers import EXERCISES, SPARING, WITHOUT_INSERT, reason_to_skip, short_name
from conformance.scenario.pytest_plugin.options import add_options, given_options
from conformance.scenario.pytest_plugin.worker import PAYLOAD, SPENT, ConformancePlugin, Worker
from conformance.scenario.scenario import Scenario
from conformance.trace.redaction import redacted

_PLUGIN = pytest.StashKey[ConformancePlugin]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of `conformance run`, under the same names."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the markers and, with the settings at hand, the plugin proper."""
    config.addinivalue_line("markers", f"{EXERCISES}(*globs): the rules that a scenario puts to the test")
    config.addinivalue_line("markers", f"{WITHOUT_INSERT}: a scenario that needs no insert to succeed")
    config.addinivalue_line("markers", f"{SPARING}: a scenario that does with few images what others do with many")
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        ground = Ground.from_json(worker[PAYLOAD]) if PAYLOAD in worker else None
        plugin: ConformancePlugin = Worker(ground, worker["workerid"])
    else:
        given = config.pluginmanager.get_plugin(GivenSettings.__name__)
        try:
            plugin = Controller(
                given if isinstance(given, GivenSettings) else GivenSettings(load_settings(given_options(config)))
            )
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
    config.stash[_PLUGIN] = plugin
    config.pluginmanager.register(plugin, "conformance-run")


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """The means of a scenario test; what it breaks fails the test with one line for each rule."""
    process = request.config.stash[_PLUGIN].ready()
    reason = reason_to_skip(request.node, process.ground.findings)
    if reason:
        pytest.skip(reason)
    return process.scenario(short_name(request.node))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """After a scenario has acted, its test fails if a rule was broken."""
    try:
        done = yield
    except BudgetSpent as spent:
        pyfuncitem.stash[SPENT] = str(spent)
        pytest.skip(str(spent))
    acted = pyfuncitem.funcargs.get("scenario")
    if isinstance(acted, Scenario):
        ground = pyfuncitem.config.stash[_PLUGIN].ready().ground
        broken = {
            rule.id: breach
            for rule, breach in acted.breaches
            if (ground.settings.strict or (rule.basis == "doc" and not breach.deviation))
            and rule.id not in ground.waived
            and (ground.settings.intermittent_fails or not acted.intermittent(rule.id))
        }
        if broken:
            lines = [
                f"{name}: {breach.message}; expected {breach.expected}, observed {breach.observed}"
                for name, breach in broken.items()
            ]
            secrets = {*ground.settings.secrets(), *acted.target.secrets}
            pytest.fail(harmless(redacted("\n".join(lines), secrets)), pytrace=False)
    return done
