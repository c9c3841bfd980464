"""`conformance report`: results rendered again, those of shards merged into the run that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

import reports
from conformance.commands.writing import check_folder
from conformance.verdicts.merging import merged
from conformance.verdicts.results import read_results, write_results


def report_on(paths: Sequence[Path], out: Path) -> int:
    """Renders results again, merged where they are of several shards.

    Args:
        paths: files with the results of a run, or of its shards.
        out: the folder for the reports.

    Returns:
        The exit status of the run.

    Raises:
        UsageError: a file is no results.json, the files are not the shards of one run, or the folder cannot be written to.
    """
    parts = {path: read_results(path) for path in paths}
    check_folder(out)
    results = merged(parts) if len(paths) > 1 else next(iter(parts.values()))
    write_results(results, out)
    reports.write(results, out)
    console = Console()
    reports.summary(results, console)
    console.print(f"[dim]report: {out / 'report.html'}[/dim]", soft_wrap=True)
    return results.summary.exit_status
