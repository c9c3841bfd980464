"""What every judgement ends with: the results and reports on disk, and the verdict on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

import reports
from conformance.results import Exit, write_results


def conclude(results: Mapping[str, Any], out: Path, console: Console) -> int:
    """Writes the results and all reports, and says what came out.

    Args:
        results: what results.json is to hold.
        out: the folder for them.
        console: where to print.

    Returns:
        The exit status.

    Raises:
        OSError: the folder cannot be written to.
    """
    status = int(results["summary"]["exit_status"])
    write_results(results, out)
    reports.write(results, out)
    if status == Exit.UNTESTABLE:
        print(f"conformance: {results['summary']['reason']}", file=sys.stderr)
        return status
    reports.summary(results, console)
    console.print(f"[dim]report: {out / 'report.html'}[/dim]", soft_wrap=True)
    return status
