"""Every rule as a test of pytest: one run judges those that were chosen, and each test tells what came out of its own.

The run is a process of its own, so that it meets no other plugin, no captured output, and no settings of theirs. Of the
workers of pytest-xdist the first one that needs it makes it, for all.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.commands.checking import checked
from conformance.config.loading import load_settings
from conformance.config.settings import UsageError
from conformance.contract import Rule, catalogue, selected
from conformance.testing.outcome import show, show_verdict
from conformance.testing.plugin import URL
from conformance.testing.run import Ended, Run, ended

PLACE = "conformance"
"""The node below which the rules are, and the marker that they have."""

VERDICT = "verdict"
"""The test behind all rules: what the run comes to."""

FOLDER = "conformance_folder"

NAME = "conformance-rules"
"""Of the plugin."""

_RULE = pytest.StashKey[str]()


def register(config: pytest.Config) -> None:
    """Makes every rule a test.

    Args:
        config: of pytest.

    Raises:
        pytest.UsageError: something is set to what it cannot be.
    """
    config.pluginmanager.register(RuleTests(config), NAME)
    config.pluginmanager.register(sys.modules[__name__], f"{NAME}-fixtures")


@pytest.fixture(scope="session")
def conformance_run(pytestconfig: pytest.Config, conformance_target: str) -> Ended:
    """How the run has ended."""
    rules = pytestconfig.pluginmanager.get_plugin(NAME)
    assert isinstance(rules, RuleTests)
    return rules.run(conformance_target)


class RuleTests:
    """The part of the plugin that is there once rules are asked for.

    Args:
        config: of pytest.

    Raises:
        pytest.UsageError: something is set to what it cannot be.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._url: str | None = config.getoption(URL)
        try:
            self._settings = checked(load_settings({"url": self._url} if self._url else {}))
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        config.addinivalue_line("markers", f"{PLACE}: a rule for the target that --conformance-url names")
        # What the command line chooses by their ids is no path to look for.
        self._named = {word.partition("::")[2] for word in config.args if word.startswith(f"{PLACE}::")}
        config.args[:] = [word for word in config.args if not word.startswith(f"{PLACE}::")]
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._owner = worker is None
        self._folder = Path(worker[FOLDER]) if worker else Path(tempfile.mkdtemp(prefix="conformance-"))
        self._fail_fast = config.getoption("maxfail") == 1
        self._chosen: list[str] = []
        self._told = False

    # Collecting

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Adds the rules to what the session collects, in the first of its folders: what its conftest.py has, they
        have too."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            named = next(iter(report.result), collector)
            folder = named if isinstance(named, pytest.Directory) else named.parent or collector
            rules = _Rules.from_parent(folder, path=collector.config.rootpath / PLACE)
            rules.rules = self._of_run
            report.result.append(rules)
        return report

    @pytest.hookimpl(tryfirst=True, specname="pytest_make_collect_report")
    def collect_rules(self, collector: pytest.Collector) -> pytest.CollectReport | None:
        """Collects the rules; --lf would leave them out, for they stand in no file."""
        if not isinstance(collector, _Rules):
            return None
        return pytest.CollectReport(collector.nodeid, "passed", None, list(collector.collect()))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learns which rules are left, once -k, -m, --lf and others have chosen."""
        self._chosen = [item.stash[_RULE] for item in session.items if item.stash.get(_RULE, "")]

    def _of_run(self) -> dict[str, tuple[str, Callable[[Ended], None]]]:
        """The tests by their names, each with what it states and what it does."""
        among = selected(self._settings.only, self._settings.skip)
        rules = {name: rule for name, rule in catalogue().items() if name in among}
        tests = {name: (rule.statement, self._shown(rule)) for name, rule in rules.items()}
        tests[VERDICT] = ("The run as a whole ends with exit status 0.", show_verdict)
        return {name: test for name, test in tests.items() if not self._named or name in self._named}

    def _shown(self, rule: Rule) -> Callable[[Ended], None]:
        return lambda run: show(rule, run)

    # Running

    def run(self, url: str) -> Ended:
        """How the run at a target has ended, which is made now unless it has been."""
        only = () if len(self._chosen) >= len(catalogue()) else tuple(self._chosen)
        wait = 0.0 if self._url else self._settings.ready_timeout
        run = Run(url, only, self._settings.out, fail_fast=self._fail_fast, wait=wait)
        return ended(run, self._folder)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Where nothing could be judged, one test says so: the others need not repeat it."""
        run = getattr(item, "funcargs", {}).get("conformance_run")
        if isinstance(run, Ended) and run.untested:
            if self._told:
                pytest.skip("no rule could be judged")
            self._told = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tells a worker of pytest-xdist where what came out is kept."""
        node.workerinput[FOLDER] = str(self._folder)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says what the run comes to."""
        run = Ended.read(self._folder)
        if run is not None:
            terminalreporter.section("conformance")
            for line in run.summary:
                terminalreporter.line(line)

    def pytest_unconfigure(self) -> None:
        """Removes what the workers shared."""
        if self._owner:
            shutil.rmtree(self._folder, ignore_errors=True)


class _Rules(pytest.Module):
    """The collector of the rules. It is a module without a file, for fixtures may have the scope of one."""

    obj = None
    rules: Callable[[], dict[str, tuple[str, Callable[[Ended], None]]]]

    def collect(self) -> Iterator[pytest.Item]:
        self.add_marker(PLACE)
        for name, (statement, act) in self.rules().items():
            item = _RuleTest.from_parent(self, name=name, callobj=_test(statement, act))
            item.stash[_RULE] = "" if name == VERDICT else name
            yield item


class _RuleTest(pytest.Function):
    """The test of a rule."""

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """It stands in no file."""
        return self.path, None, self.name


def _test(statement: str, act: Callable[[Ended], None]) -> Callable[[Ended], None]:
    def test(conformance_run: Ended) -> None:
        __tracebackhide__ = True
        act(conformance_run)

    test.__doc__ = statement
    return test
