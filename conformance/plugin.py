"""The pytest plugin: options, the fixture of the scenarios, and verdicts collected across all workers.

The process that controls a run starts the emulator where no URL is given, looks at the target first, hands what it found to
the workers, merges what they counted, deletes what is left, and writes the results.
"""

from __future__ import annotations

import os
import shutil
import signal
import traceback
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Skipped

from conformance import har
from conformance.ahead import Ahead
from conformance.allure_results import replace_scenarios
from conformance.budget import BudgetSpent
from conformance.cleanup import delete_all
from conformance.contract import catalogue, matching
from conformance.emulator.process import TOKEN, VIEWER_TOKEN, EmulatorProcess
from conformance.loading import load_settings
from conformance.preflight import Findings, Untestable
from conformance.profiles import PROFILES, Profile
from conformance.pytest_options import add_options, given_options
from conformance.redaction import redacted
from conformance.results import Collector, Exit
from conformance.run import Ground, Process, new_ground
from conformance.scenario import Scenario
from conformance.selection import in_shard, weight
from conformance.settings import Settings, UsageError
from conformance.traffic import kept
from conformance.transport import Stopped, TargetLost
from conformance.waivers import read_waivers, waived_rules
from reports.text import harmless

EXERCISES = "exercises"
WITHOUT_INSERT = "without_insert"
SPARING = "sparing"
PAYLOAD = "conformance"

GUARD = {"auth": "token", "token": TOKEN, "forbidden_token": VIEWER_TOKEN}
"""What the embedded emulator asks for, so that the rules of access are put to the test as well."""

SCENARIOS_AT_A_TIME = 2
"""In each process: the one whose turn it is, and the next."""


class Unreached(Skipped):
    """A scenario was not run, or not to its end, since a budget is spent."""


NO_ERRORS = (pytest.skip.Exception, pytest.fail.Exception, pytest.exit.Exception, KeyboardInterrupt, Stopped)
"""How a scenario may end without an error of the suite."""

_PLUGIN = pytest.StashKey["ConformancePlugin"]()
_RULES = pytest.StashKey[frozenset[str]]()


class GivenSettings:
    """Settings that `conformance run` has already loaded, handed to the plugin by way of pytest's list of plugins.

    Args:
        settings: of the run.
        focus: the rules whose scenarios are run; empty for those of all rules that the settings select.
        traffic: the file to write the traffic to; None to keep none.
        profile: what the run may spend; None for what the settings say.
    """

    def __init__(
        self,
        settings: Settings,
        focus: frozenset[str] = frozenset(),
        traffic: Path | None = None,
        profile: Profile | None = None,
    ) -> None:
        self.settings = settings
        self.profile = profile or PROFILES[settings.profile]
        self.focus = focus
        self.traffic = traffic


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


def exercised(item: pytest.Item) -> frozenset[str]:
    """The rules that a scenario test says it puts to the test.

    Raises:
        pytest.UsageError: a glob of its markers matches no rule.
    """
    if _RULES not in item.stash:
        rules: set[str] = set()
        for marker in item.iter_markers(EXERCISES):
            for glob in marker.args:
                found = _of_catalogue(glob)
                if not found:
                    raise pytest.UsageError(f"{item.nodeid} exercises {glob}, which matches no rule")
                rules |= found
        item.stash[_RULES] = frozenset(rules)
    return item.stash[_RULES]


def superfluous(items: Sequence[pytest.Item], *, sparing: bool) -> set[pytest.Item]:
    """The scenarios that a run does without: those that do with few images what others do with many, or those others.

    Args:
        items: all scenarios.
        sparing: whether the run has to do with few images. Then it leaves out each scenario whose rules the sparing ones put
            to the test, all of them.
    """
    stand_ins = {item for item in items if item.get_closest_marker(SPARING)}
    if not sparing:
        return stand_ins
    covered = frozenset[str]().union(*map(exercised, stand_ins))
    return {item for item in items if item not in stand_ins and exercised(item) and exercised(item) <= covered}


@cache
def _of_catalogue(glob: str) -> frozenset[str]:
    return frozenset(matching([glob], catalogue()))


class ConformancePlugin(ABC):
    """What controller and workers have in common: they run scenarios, and hand on what was counted."""

    process: Process | None = None

    def __init__(self, settings: Settings, scenarios: int = SCENARIOS_AT_A_TIME) -> None:
        self.settings = settings
        self.ahead = Ahead(scenarios, self.prepare)
        self._upcoming: list[pytest.Item | None] = []

    def prepare(self, item: pytest.Item) -> Scenario | None:
        """The means of a scenario test; None where there is a reason to skip it."""
        process = self.ready()
        return None if _reason_to_skip(item, process.ground.findings) else process.scenario(_short(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        """Learns which test is next: a worker of pytest-xdist knows of no others."""
        self._upcoming = [item, nextitem]
        return (yield)

    def scenario(self, item: pytest.Item) -> Scenario:
        """The means of a scenario test whose turn it is; the next test is started too."""
        self.ahead.start(self._upcoming)
        return self.ahead.scenario(item) or self.ready().scenario(_short(item))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Waits for a scenario test that has been started; leaves any other to pytest."""
        return self.ahead.finish(pyfuncitem) or None

    def stop(self) -> None:
        """Ends all scenarios that are under way."""
        if self.process is not None:
            self.process.stop()
        self.ahead.close()

    def ready(self) -> Process:
        """The process to run scenarios with."""
        raise LookupError("a worker was given no target")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leaves out the scenarios of which no rule is selected, or that are another shard's; puts the weightiest first."""
        selected, settings = self.selection(), self.settings
        left_out = {
            item
            for item in items
            if (rules := exercised(item)) and not (rules & selected and in_shard(rules, settings.shard))
        } | superfluous(items, sparing=self.profile.sparing)
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=list(left_out))
        if settings.budgeted:
            items.sort(key=lambda item: weight(exercised(item)), reverse=True)

    @property
    @abstractmethod
    def profile(self) -> Profile:
        """What this run may spend."""

    @abstractmethod
    def selection(self) -> Set[str]:
        """The rules of which this run makes scenarios."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Attaches what a scenario counted to its report, which is how it reaches the controller from any worker."""
        outcome = yield
        rules = exercised(item)
        if not rules:
            return
        payload: dict[str, Any] = self.process.drain() if self.process is not None and call.when == "call" else {}
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, TargetLost):
            payload["lost"] = str(error)
        elif isinstance(error, Unreached):
            payload["spent"] = error.msg
        elif error is not None and not isinstance(error, NO_ERRORS):
            text = "".join(traceback.format_exception(error, limit=-6))
            payload.setdefault("ledger", {"tallies": {}, "errors": {}})["errors"].update(dict.fromkeys(rules, text))
        if payload:
            outcome.get_result().user_properties.append((PAYLOAD, payload))  # type: ignore[attr-defined]


class Worker(ConformancePlugin):
    """The plugin in a worker of pytest-xdist."""

    def __init__(self, ground: Ground | None, name: str) -> None:
        super().__init__(ground.settings if ground else Settings())
        self.process = Process(ground, name, os.getppid()) if ground else None
        # Ctrl-C reaches all processes of a terminal. It is the controller that ends its workers; they only hurry.
        signal.signal(signal.SIGINT, self._hurry)

    def _hurry(self, number: int, frame: object) -> None:
        del number, frame
        if self.process is not None:
            self.process.target.transport.stop()

    def ready(self) -> Process:
        """The process of this worker."""
        return self.process or super().ready()

    @property
    def profile(self) -> Profile:
        """What this run may spend."""
        return self.process.ground.profile if self.process else PROFILES[self.settings.profile]

    def selection(self) -> Set[str]:
        """The rules of which this run makes scenarios."""
        return self.process.ground.focus or self.process.selected if self.process else frozenset(catalogue())

    def pytest_sessionfinish(self) -> None:
        """Ends the threads of this worker; the controller deletes what is left."""
        self.stop()
        if self.process is not None:
            self.process.close()


class Controller(ConformancePlugin):
    """The plugin in the process that controls a run.

    It gets the target ready when the first scenario, or the first worker, needs it: tests of the suite itself need none.
    """

    def __init__(self, given: GivenSettings) -> None:
        # One at a time where the run is about one fault: the requests until it is noticed are counted then.
        super().__init__(given.settings, 1 if given.focus else SCENARIOS_AT_A_TIME)
        self._focus = given.focus
        self._traffic = given.traffic
        self._profile = given.profile
        self.collector = Collector(given.settings, read_waivers(given.settings))
        self._emulator: EmulatorProcess | None = None
        self._broken: Exception | None = None

    def ready(self) -> Process:
        """The process, after the preflight.

        Raises:
            pytest.exit.Exception: the target cannot be tested.
        """
        if self._broken is not None:
            raise self._broken
        if self.process is None:
            self.collector.begin()
            try:
                self._prepare()
            except Untestable as reason:
                self.collector.untestable = str(reason)
                pytest.exit(str(reason), returncode=Exit.UNTESTABLE)
            except Exception as error:
                self._broken = error
                raise
        assert self.process is not None
        return self.process

    def _prepare(self) -> None:
        """Starts the emulator where there is no other target, and looks at the target."""
        settings, url = self.settings, self.settings.url
        if url is None:
            self._emulator = EmulatorProcess(guarded=True)
            url = self._emulator.__enter__().url
            settings = settings.model_copy(update=dict(GUARD))
        ground = new_ground(
            settings,
            url,
            self._profile,
            focus=self._focus,
            keeps_traffic=self._traffic is not None,
            waived=waived_rules(self.collector.waivers, self.settings.url),
        )
        self.process = process = Process(ground, "main")
        try:
            ground.findings = process.preflight()
        finally:
            self.collector.take(process.drain())
        self.collector.findings = ground.findings

    @property
    def profile(self) -> Profile:
        """What this run may spend."""
        return self._profile

    def selection(self) -> Set[str]:
        """The rules of which this run makes scenarios."""
        return self._focus or self.collector.selected

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hands the target to a worker of pytest-xdist."""
        if any(_may_hold_scenarios(str(argument)) for argument in node.config.args):
            ground = self.ready().ground
            node.workerinput[PAYLOAD] = replace(ground, workers=node.workerinput["workercount"]).to_json()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes what a scenario counted out of its report, wherever it ran: other plugins would write it, secrets and all."""
        for name, payload in report.user_properties:
            if name == PAYLOAD and isinstance(payload, dict):
                self.collector.take(payload)
        report.user_properties[:] = [entry for entry in report.user_properties if entry[0] != PAYLOAD]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Deletes what the run has made, and concludes; all workers have ended by then."""
        yield
        self.stop()
        process, self.process = self.process, None
        try:
            if process is not None:
                self._finish(process)
        finally:
            if self._emulator is not None:
                self._emulator.__exit__(None, None, None)
        self.collector.interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED and not self.collector.lost
        allure_folder = session.config.getoption("allure_report_dir", None)
        if allure_folder and self.collector.begun:
            replace_scenarios(self.collector.results(scripts=True), Path(allure_folder))

    def _finish(self, process: Process) -> None:
        """Deletes what the run has made, and keeps its traffic."""
        folder = process.ground.folder
        try:
            self.collector.left = delete_all(process.target, folder, lost=bool(self.collector.lost))
            self.collector.take(process.drain())
            process.close()
            if self._traffic is not None:
                har.write(kept(folder), self._traffic)
        except OSError as error:
            self.collector.complaints.append(f"the traffic could not be written: {error.strerror}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Notes that a worker of pytest-xdist was killed: what it counted last is lost."""
        self.collector.died = f"a process of the run died during {crashitem.rpartition('::')[2]}"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Says what plain pytest would not: the verdict on the target."""
        if self.collector.begun:
            terminalreporter.section("conformance")
            terminalreporter.line(harmless(self.collector.results()["summary"]["reason"], lines=False))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Stops the run where the target is lost, or at the first failure if so asked."""
        if self.collector.lost:
            item.session.shouldstop = self.collector.lost
        elif self.settings.fail_fast and self.collector.failing:
            item.session.shouldstop = "stopped at the first failure (--fail-fast)"


def _may_hold_scenarios(argument: str) -> bool:
    """Whether an argument of pytest names scenarios, or a folder that may have some: otherwise no target is needed."""
    path = Path(argument.partition("::")[0])
    return path.is_dir() or "api" in path.parts


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """The means of a scenario test; what it breaks fails the test with one line for each rule."""
    plugin = request.config.stash[_PLUGIN]
    reason = _reason_to_skip(request.node, plugin.ready().ground.findings)
    if reason:
        pytest.skip(reason)
    return plugin.scenario(request.node)


def _reason_to_skip(item: pytest.Item, findings: Findings) -> str:
    """Why the target does not allow a scenario; "" where it does."""
    rules = exercised(item)
    absent = [[findings.absent[need] for need in catalogue()[name].needs if need in findings.absent] for name in rules]
    if rules and all(absent):
        return absent[0][0]
    return "" if item.get_closest_marker(WITHOUT_INSERT) else findings.broken


def _short(item: pytest.Item) -> str:
    """The name of a test without its file."""
    return item.nodeid.rpartition("::")[2]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """After a scenario has acted, its test fails if a rule was broken."""
    try:
        done = yield
    except BudgetSpent as spent:
        raise Unreached(str(spent)) from None
    acted = pyfuncitem.funcargs.get("scenario")
    if isinstance(acted, Scenario):
        ground = pyfuncitem.config.stash[_PLUGIN].ready().ground
        broken = {
            rule.id: breach
            for rule, breach in acted.breaches
            if (ground.settings.strict or (rule.basis == "doc" and not breach.deviation))
            and rule.id not in ground.waived
        }
        if broken:
            lines = [
                f"{name}: {breach.message}; expected {breach.expected}, observed {breach.observed}"
                for name, breach in broken.items()
            ]
            secrets = {*ground.settings.secrets(), *acted.target.secrets}
            pytest.fail(harmless(redacted("\n".join(lines), secrets)), pytrace=False)
    return done
