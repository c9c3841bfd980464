"""`conformance diff`: what changed between two runs."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from conformance.commands.writing import check_file
from conformance.reports import difference
from conformance.verdicts.results import read_results
from conformance.verdicts.verdict import Exit


def compare_runs(old: Path, new: Path, markdown: Path | None, html: Path | None) -> int:
    """Shows what changed between two runs.

    Args:
        old: the results of the earlier run.
        new: those of the later one.
        markdown, html: files to write the changes to as well; None for none.

    Returns:
        The exit status: 1 where something got worse.

    Raises:
        UsageError: a file is no results.json, or cannot be written.
    """
    before, after = read_results(old), read_results(new)
    wanted = [
        (path, render)
        for option, path, render in (("--markdown", markdown, difference.markdown), ("--html", html, difference.html))
        if path is not None and check_file(path, option)
    ]
    found = difference.changes(before, after)
    difference.show(found, Console())
    for path, render in wanted:
        path.write_text(render(found, before, after), encoding="utf-8")
    return Exit.NOT_CONFORMANT if difference.worsened(found) else Exit.CONFORMANT
