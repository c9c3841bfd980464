"""What every judgement ends with: the results and reports on disk, and the verdict on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

import reports
from conformance.config.settings import UsageError
from conformance.verdicts.results import Results, write_results
from conformance.verdicts.verdict import Exit
from reports.text import harmless


def conclude(results: Results, out: Path, console: Console) -> int:
    """Writes the results and all reports, and says what came out.

    Args:
        results: what came out.
        out: the folder for them.
        console: where to print.

    Returns:
        The exit status.

    Raises:
        UsageError: the folder cannot be written to; what came out has been said all the same.
    """
    status = results.summary.exit_status
    complaint = ""
    try:
        write_results(results, out)
        for mistake in reports.write(results, out):
            print(f"conformance: {harmless(mistake, lines=False)}", file=sys.stderr)
    except OSError as error:
        complaint = f"the results could not be written to '{out}' ({error.strerror}); name another folder with --out."
    if status is Exit.UNTESTABLE:
        print(f"conformance: {harmless(results.summary.reason, lines=False)}", file=sys.stderr)
    else:
        reports.summary(results, console)
    if complaint:
        raise UsageError(complaint)
    if status is not Exit.UNTESTABLE:
        console.print(Text(f"report: {out / 'report.html'}", style="dim"), soft_wrap=True)
    return status
