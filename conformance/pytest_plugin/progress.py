"""What the terminal shows while a run goes on."""

from __future__ import annotations

from types import TracebackType

import pytest
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from conformance.verdicts.collector import Collector

CONTROLLER = "conformance-run"


class Progress:
    """A live bar over the scenarios, with the rules put to the test and the requests sent so far.

    Args:
        console: where to show it; a console that is no terminal shows nothing.
    """

    def __init__(self, console: Console) -> None:
        self.collector: Collector | None = None
        self.failures: list[str] = []
        self._bar = Bar(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn(
                "{task.completed}/{task.total} scenarios · {task.fields[rules]} rules · {task.fields[requests]} requests"
            ),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            # FORCE_COLOR makes a pipe a terminal for rich: it wants colours, no bar drawn over and over.
            disable=not (console.is_terminal and console.file.isatty()),
        )
        self._task: TaskID = self._bar.add_task("preparing", total=None, rules=0, requests=0)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One step further with every scenario that has ended."""
        if report.when == "teardown" and self.collector is not None:
            rules, requests = self.collector.progress
            self._bar.update(self._task, advance=1, rules=rules, requests=requests)

    def explained(self, done: int, total: int) -> None:
        """After the scenarios: of so many breaches, so many have scripts that show them again."""
        self._bar.update(self._task, completed=done, total=total, description="writing scripts")

    def _expect(self, total: int) -> None:
        if total:
            self._bar.update(self._task, total=total, description="judging")
