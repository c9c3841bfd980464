"""`conformance record`: a run whose cases are kept, with what the target answered."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from conformance.commands.run import SuiteError, judge, left_undone
from conformance.commands.writing import check_folder
from conformance.config.settings import Settings
from conformance.reports.terminal import Terminal
from conformance.reports.text import counted, harmless
from conformance.scenario.process import WHOLE_SHARE
from conformance.scenario.pytest_plugin.interruption import Interruption
from conformance.verdicts.golden.folder import About, about, check_place, write
from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Exit

UNFINISHED = (Exit.UNTESTABLE, Exit.SUITE_ERROR, Exit.INTERRUPTED)
"""How a run ends that tells too little of its target to be kept or compared."""


def run_record(settings: Settings, folder: Path) -> int:
    """Runs the scenarios against a target, and keeps their cases with what it answered.

    Args:
        settings: of the run.
        folder: where the golden is to be; an earlier one is replaced once the run has come to its end.

    Returns:
        The exit status: 0 where the golden is written, whatever the rules say of it.

    Raises:
        UsageError: the folder cannot be written to, or holds something else.
    """
    check_place(folder)
    check_folder(folder)
    console = Terminal()
    with Interruption(lambda: left_undone(settings, "nothing is recorded")) as interruption:
        try:
            results, written = recorded(settings, folder, console, plugins=[interruption])
        except SuiteError as error:
            print(f"conformance: the scenarios could not be run: {error}", file=sys.stderr)
            return Exit.SUITE_ERROR
    summary = results.summary
    for note in results.notes:
        console.print(Text(harmless(note), style="yellow"), soft_wrap=True)
    if written is None:
        reason = results.run.ending.reason or summary.reason
        print(f"conformance: nothing is recorded: {harmless(reason, lines=False)}", file=sys.stderr)
        return summary.exit_status
    console.print(Text(harmless(f"{summary.headline}; {summary.reason}", lines=False)), soft_wrap=True)
    if written.left_out:
        lacking = f"{counted(written.left_out, 'case')} not recorded for want of room; --max-output gives more"
        console.print(Text(lacking, style="yellow"), soft_wrap=True)
    cases = counted(sum(written.cases.values()), "case")
    console.print(Text(f"recorded: {cases} of {counted(len(written.cases), 'scenario')} in {folder}"), soft_wrap=True)
    return Exit.CONFORMANT


def recorded(
    settings: Settings,
    folder: Path,
    console: Console,
    *,
    scripts: bool = False,
    plugins: Iterable[object] = (),
) -> tuple[Results, About | None]:
    """The results of a run, and what is said of the golden that was made of it; None where it tells too little.

    Args:
        settings: of the run.
        folder: where the golden is to be.
        console: where to show how far the run is.
        scripts: whether to write the scripts that reproduce breaches.
        plugins: further plugins of pytest.

    Raises:
        SuiteError: the scenarios could not be run.
    """
    with tempfile.TemporaryDirectory(prefix="conformance-") as place:
        traffic = Path(place) / "traffic.har"
        results = judge(
            settings,
            console=console,
            traffic=traffic,
            scripts=scripts,
            traffic_share=WHOLE_SHARE,
            plugins=plugins,
        )
        if results.summary.exit_status in UNFINISHED or not traffic.is_file():
            return results, None
        return results, write(traffic, about(results, settings), folder)
