"""The pytest plugin in the process that controls a run.

It starts the emulator where no URL is given, looks at the target first, hands what it found to the workers, merges
what they counted, deletes what is left, and concludes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from conformance.client.cleanup import delete_all, still_made
from conformance.config.profiles import PROFILES, Profile
from conformance.config.settings import Settings
from conformance.emulator.process import LIMITED, TOKEN, EmulatorProcess
from conformance.reports.text import harmless
from conformance.scenario.obstacles import Untestable
from conformance.scenario.process import TRAFFIC_SHARE, Process, new_ground
from conformance.scenario.pytest_plugin.allure_results import replace_scenarios
from conformance.scenario.pytest_plugin.worker import PAYLOAD, ConformancePlugin
from conformance.trace import har
from conformance.trace.traffic import kept, left_out
from conformance.verdicts.collector import Collector
from conformance.verdicts.verdict import Exit
from conformance.verdicts.waivers import read_waivers, waived_rules

GUARD = {"auth": "token", "token": TOKEN, **LIMITED}
"""What the embedded emulator asks for, so that the rules of access are put to the test as well."""


class GivenSettings:
    """Settings that `conformance run` has already loaded, handed to the plugin by way of pytest's list of plugins.

    Args:
        settings: of the run.
        focus: the rules whose scenarios are run; empty for those of all rules that the settings select.
        traffic: the file to write the traffic to; None to keep none.
        profile: what the run may spend; None for what the settings say.
        traffic_share: how much of the room for the results the traffic may take.
    """

    def __init__(
        self,
        settings: Settings,
        focus: frozenset[str] = frozenset(),
        traffic: Path | None = None,
        profile: Profile | None = None,
        traffic_share: float = TRAFFIC_SHARE,
    ) -> None:
        self.settings = settings
        self.profile = profile or PROFILES[settings.profile]
        self.focus = focus
        self.traffic = traffic
        self.traffic_share = traffic_share


class Controller(ConformancePlugin):
    """The plugin in the process that controls a run.

    It gets the target ready when the first scenario, or the first worker, needs it: tests of the suite itself need
    none.
    """

    def __init__(self, given: GivenSettings) -> None:
        super().__init__(given.settings)
        self._focus = given.focus
        self._traffic = given.traffic
        self._traffic_share = given.traffic_share
        self._profile = given.profile
        self.collector = Collector(given.settings, read_waivers(given.settings))
        self._emulator: EmulatorProcess | None = None
        self._broken: tuple[Exception, TracebackType | None] | None = None
        self._ended = False

    def ready(self) -> Process:
        """The process, after the preflight.

        Raises:
            pytest.exit.Exception: the target cannot be tested.
        """
        if self._broken is not None:
            error, place = self._broken
            raise error.with_traceback(place)  # or it would grow with each scenario
        if self.process is None:
            self.collector.begin()
            try:
                self._prepare()
            except Untestable as reason:
                self.collector.untestable = str(reason)
                pytest.exit(str(reason), returncode=Exit.UNTESTABLE)
            except Exception as error:
                self._broken = error, error.__traceback__
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
            traffic_share=self._traffic_share,
            waived=waived_rules(self.collector.waivers, self.settings.url),
        )
        self.process = process = Process(ground, "main")
        try:
            ground.findings = process.preflight()
        finally:
            self.collector.take(process.drain())
        self.collector.findings = ground.findings
        self.collector.made = lambda: still_made(ground.folder)
        if ground.findings.stop:
            self.collector.lost = ground.findings.stop
            pytest.exit(ground.findings.stop, returncode=Exit.UNTESTABLE)
        try:
            process.try_headlines()
        finally:
            self.collector.take(process.drain())

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
        """Takes what a scenario counted out of its report, wherever it ran: other plugins would write it, secrets and
        all."""
        for name, payload in report.user_properties:
            if name == PAYLOAD and isinstance(payload, dict):
                self.collector.take(payload)
                self._halt()
        report.user_properties[:] = [entry for entry in report.user_properties if entry[0] != PAYLOAD]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Deletes what the run has made, and concludes; all workers have ended by then."""
        yield
        interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
        self._end(interrupted)
        allure_folder = session.config.getoption("allure_report_dir", None)
        if allure_folder and self.collector.begun:
            replace_scenarios(self.collector.results(scripts=True), Path(allure_folder))

    def pytest_unconfigure(self) -> None:
        """Deletes what the run has made where pytest ends without a session: stopped while the target was looked at."""
        self._end(interrupted=True)

    def _end(self, interrupted: bool) -> None:
        """Ends the run, the first time that it is called."""
        if self._ended:
            return
        self._ended = True
        self.stop()
        process, self.process = self.process, None
        try:
            if process is not None:
                self._finish(process)
        finally:
            if self._emulator is not None:
                self._emulator.__exit__(None, None, None)
        self.collector.interrupted = interrupted and not self.collector.lost

    def _finish(self, process: Process) -> None:
        """Deletes what the run has made, and keeps its traffic."""
        folder = process.ground.folder
        try:
            lost = bool(self.collector.lost) and not process.ground.findings.stop
            left = delete_all(process.target, folder, process.before, lost=lost)
            self.collector.left, self.collector.unknown = left.there, left.unknown
            self.collector.made = list
            self.collector.take(process.drain())
            process.close()
            if self._traffic is not None:
                har.write(kept(folder), self._traffic)
                lacking = left_out(folder)
                if lacking:
                    self.collector.complaints.append(
                        f"traffic.har lacks {lacking} requests; --max-output gives more room"
                    )
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
            summary = self.collector.results().summary
            terminalreporter.line(harmless(f"{summary.headline}; {summary.reason}", lines=False))

    def _halt(self) -> None:
        """Ends the run where the target is lost, or at the first failure if so asked."""
        if self.process is None:
            return
        if self.collector.lost:
            self.process.halt(self.collector.lost)
        elif self.settings.fail_fast and self.collector.failing:
            self.process.halt("the run stopped at the first failure (--fail-fast)")


def _may_hold_scenarios(argument: str) -> bool:
    """Whether an argument of pytest names scenarios, or a folder that may have some: otherwise no target is needed."""
    path = Path(argument.partition("::")[0])
    return path.is_dir() or "api" in path.parts
