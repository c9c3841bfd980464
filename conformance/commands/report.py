"""`conformance report`: results rendered again, those of shards merged into the run that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from conformance.commands.writing import check_folder
from conformance.config.report_names import REPORTS, usual
from conformance.config.settings import Settings, UsageError
from conformance.reports import writing
from conformance.reports.pdf import browser, print_page
from conformance.reports.terminal import summary
from conformance.verdicts.merging import merged
from conformance.verdicts.results import read_results, write_results


def report_on(paths: Sequence[Path], out: Path, settings: Settings, *, pdf: bool = False) -> int:
    """Renders results again, merged where they are of several shards.

    Args:
        paths: files with the results of a run, or of its shards.
        out: the folder for the reports.
        settings: which reports.
        pdf: whether to print the page into a file as well.

    Returns:
        The exit status of the run.

    Raises:
        UsageError: a file is no results.json, the files are not the shards of one run, the folder cannot be written
            to, or there is nothing to print, or no browser to print with.
    """
    wanted = settings.wanted_reports if settings.reports else usual("ci")
    if pdf and "html" not in wanted:
        raise UsageError("--pdf prints report.html, which is not among the reports of --reports; add html.")
    printer = browser() if pdf else ""
    parts = {path: read_results(path) for path in paths}
    check_folder(out)
    results = merged(parts) if len(paths) > 1 else next(iter(parts.values()))
    write_results(results, out)
    writing.write(results, out, wanted)
    console = Console()
    summary(results, console)
    page = out / REPORTS["html"]
    if "html" in wanted:
        console.print(f"[dim]report: {page}[/dim]", soft_wrap=True)
    if pdf:
        print_page(page, page.with_suffix(".pdf"), printer)
        console.print(f"[dim]to print or hand on: {page.with_suffix('.pdf')}[/dim]", soft_wrap=True)
    return results.summary.exit_status
