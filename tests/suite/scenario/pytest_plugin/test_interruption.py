"""A run that is stopped deletes what it has made, also where it was stopped before pytest's session had begun."""

from __future__ import annotations

import pytest
from helpers.command_line import names

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess
from conformance.scenario.process import Process
from conformance.verdicts.verdict import Exit


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_stopped_during_the_first_look_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    made = set()

    def stop(process: Process) -> None:
        made.update(names(process.ground.url))
        raise KeyboardInterrupt

    monkeypatch.setattr(Process, "try_headlines", stop)
    # Its deletions take so long that what the first look has made is there still when the run is stopped.
    with EmulatorProcess(operation_seconds=1) as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=workers)
        results = judge(settings)
        assert made
        assert names(emulator.url) == set()
    assert results.summary.exit_status == Exit.INTERRUPTED
    assert not results.cost.images_left
