"""`conformance compare`: the same scenarios on two targets, and where they disagree."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console

from conformance.commands.run import SuiteError, judge
from conformance.commands.writing import check_folder
from conformance.config.settings import Settings
from conformance.reports import writing
from conformance.reports.comparison import disagreements, show
from conformance.verdicts.results import Results, write_results
from conformance.verdicts.verdict import Exit

FOLDERS = ("first", "second")
"""Where the reports of the two targets are, below the folder for the results."""


def run_comparison(settings: Sequence[Settings]) -> int:
    """Judges two targets in the same way, writes a report on each, and says where their verdicts differ.

    Args:
        settings: of the runs; they differ in their URL.

    Returns:
        The exit status: 0 where the targets agree, 1 where they do not, 3 or 4 where one of them could not be judged.

    Raises:
        UsageError: the folder for the results cannot be written to.
    """
    check_folder(settings[0].out)
    console = Console()
    judged: list[Results] = []
    for one, folder in zip(settings, FOLDERS, strict=True):
        try:
            results = judge(one, console=console, scripts=True)
        except SuiteError as error:
            print(f"conformance: the scenarios could not be run: {error}", file=sys.stderr)
            return Exit.SUITE_ERROR
        if results.summary.exit_status in (Exit.UNTESTABLE, Exit.SUITE_ERROR, Exit.INTERRUPTED):
            print(f"conformance: {one.url}: {results.summary.reason}", file=sys.stderr)
            return results.summary.exit_status
        write_results(results, one.out / folder)
        writing.write(results, one.out / folder)
        judged.append(results)
    found = disagreements(judged[0], judged[1])
    show(found, judged[0], judged[1], console)
    console.print(
        f"reports: {' and '.join(str(settings[0].out / folder) for folder in FOLDERS)}", style="dim", soft_wrap=True
    )
    return Exit.NOT_CONFORMANT if found else Exit.CONFORMANT
