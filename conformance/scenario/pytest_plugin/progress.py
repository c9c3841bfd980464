"""What the terminal shows while a run goes on."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType

import pytest
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from conformance.verdicts.collector import Collector

CONTROLLER = "conformance-run"

LINE_SECONDS = 10.0
"""In a log, where no bar can be drawn, a line tells every so often how far the run is."""

WIDE = 80
"""Columns that it takes to show everything."""


@dataclass
class _State:
    """How far a run is: scenarios done of `total` (0 while that is unknown), and what they have shown."""

    done: int = 0
    total: int = 0
    rules: int = 0
    failed: int = 0
    requests: int = 0

    @property
    def brief(self) -> str:
        """What fits a narrow terminal."""
        scenarios = f"{self.done}/{self.total or '?'}"
        return f"{scenarios} · {self.failed} failed" if self.failed else scenarios

    @property
    def full(self) -> str:
        """The same in full."""
        failed = f"{self.failed} failed · " if self.failed else ""
        return f"{self.done}/{self.total or '?'} scenarios · {self.rules} rules · {failed}{self.requests:,} requests"


class Progress:
    """A live bar over the scenarios, and the failures as they are found; where there is no terminal, a line now and
    then.

    Args:
        console: where to show it.
    """

    def __init__(self, console: Console) -> None:
        self.collector: Collector | None = None
        self.failures: list[str] = []
        self._console = console
        self._state = _State()
        self._told: set[str] = set()
        self._began = 0.0
        self._ended = threading.Event()
        # FORCE_COLOR makes a pipe a terminal for rich: it wants colours, no bar drawn over and over.
        self._drawn = console.is_terminal and console.file.isatty()
        columns: list[ProgressColumn] = [TextColumn("{task.description}"), TimeElapsedColumn()]
        if console.width >= WIDE:
            columns.insert(1, BarColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=not self._drawn)
        self._task: TaskID = self._bar.add_task("preparing", total=None)

    def __enter__(self) -> Progress:
        self._began = time.monotonic()
        self._bar.start()
        if not self._drawn and not self._console.quiet:
            threading.Thread(target=self._write_lines, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._bar.stop()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Finds the collector that counts."""
        plugin = config.pluginmanager.get_plugin(CONTROLLER)
        self.collector = getattr(plugin, "collector", None)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes scenarios that cannot even be loaded, which is our own fault."""
        if report.failed:
            self.failures.append(str(report.longrepr))

    def pytest_internalerror(self, excrepr: object) -> None:
        """Notes what broke pytest itself, which is our own fault too."""
        self.failures.append(str(excrepr))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learns how many scenarios there are."""
        self._expect(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        """Learns how many scenarios there are, where workers collect them."""
        del node
        self._expect(len(ids))

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_configure_node(self, node: object) -> None:
        """Tells what is broken already, while the workers are started."""
        del node
        self._tell()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One step further with every scenario that has ended; tells what it has broken."""
        if report.when == "teardown":
            self._state.done += 1
            self._tell()

    def _tell(self) -> None:
        if self.collector is None:
            return
        failing = self.collector.failing
        self._state.rules, self._state.requests = self.collector.progress
        self._state.failed = len(failing)
        for rule in failing:
            if rule.id not in self._told:
                self._told.add(rule.id)
                self._console.print(Text(f"broken: {rule.id}: {rule.statement}", style="red"), soft_wrap=True)
        self._show()

    def explained(self, done: int, total: int) -> None:
        """After the scenarios: of so many breaches, so many have scripts that show them again."""
        self._bar.update(self._task, completed=done, total=total, description=f"writing scripts {done}/{total}")

    def _expect(self, total: int) -> None:
        if total:
            self._state.total = total
            self._show()

    def _show(self) -> None:
        state = self._state
        text = state.full if self._console.width >= WIDE else state.brief
        self._bar.update(self._task, completed=state.done, total=state.total or None, description=text)

    def _write_lines(self) -> None:
        """Tells, until the run ends, how far it is and how long it may still take."""
        while not self._ended.wait(LINE_SECONDS):
            state, seconds = self._state, time.monotonic() - self._began
            left = seconds * (state.total - state.done) / state.done if state.done else 0.0
            estimate = f" · about {left:.0f} s left" if left >= 1 else ""
            self._console.print(Text(f"{seconds:.0f} s: {state.full}{estimate}"), soft_wrap=True)
