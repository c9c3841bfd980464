"""Results so far, on disk while a run is under way: whatever ends it, they are there."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from conformance.verdicts.collector import Collector
from conformance.verdicts.results import write_results

PAUSE_SECONDS = 1.0
SHARE = 0.02
"""How much of the time of a run may go into writing what is known."""


class Checkpoint:
    """A plugin of pytest that writes results.json as if the run had been interrupted: at its start and as scenarios
    end.

    Args:
        folder: where to write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0.0
        self.collector: Collector | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Replaces the results of an earlier run."""
        plugin = session.config.pluginmanager.get_plugin("conformance-run")
        self.collector = getattr(plugin, "collector", None)
        self._write()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Writes what is known now, unless it has just been written."""
        if report.when == "teardown" and time.monotonic() >= self._next:
            self._write()

    def _write(self) -> None:
        if self.collector is None:
            return
        began = time.monotonic()
        # What cannot be written now cannot be written at the end either, and is said then.
        with contextlib.suppress(OSError):
            write_results(self.collector.so_far(), self._folder)
        ended = time.monotonic()
        self._next = ended + max(PAUSE_SECONDS, (ended - began) / SHARE)
