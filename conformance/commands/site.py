"""`conformance report --matrix`: many targets over time as a site, and the history that it is made from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.text import Text

from conformance.commands.writing import check_folder
from conformance.config.settings import UsageError
from conformance.reports import html, site
from conformance.reports.columns import Column, columns
from conformance.reports.text import counted, harmless
from conformance.verdicts.results import Results, read_results
from conformance.verdicts.snapshots import Snapshot, keep, kept, snapshot
from conformance.verdicts.verdict import Exit
from conformance.verdicts.whole_files import write_whole

_REPORT = re.compile(r"[a-z0-9_-]+-\d{8}T\d{6}Z-[0-9a-f]{8}\.html")
"""Names of reports, as a site has them: nothing else is removed from its folder."""


def publish(files: Sequence[str], history: Path | None, out: Path) -> int:
    """Writes the site, and adds what is given to the history.

    Args:
        files: of results, each as `FILE`, or as `NAME=FILE` where the target is to be called otherwise.
        history: the folder of the history; None for none.
        out: the folder of the site.

    Returns:
        The exit status.

    Raises:
        UsageError: a file holds something else, a folder cannot be written to, or there is nothing to show.
    """
    given = [_read(text) for text in files]
    if history is not None:
        check_folder(history, "--history")
    earlier = list(kept(history)) if history is not None else []
    found = columns([*earlier, *(run for run, _ in given)])
    if not found:
        raise UsageError("there is nothing to show: name files of results, or a --history that holds some.")
    check_folder(out)
    try:
        for run, _ in given if history is not None else ():
            keep(run, Path(history or ""))
        _write(found, {site.report_of(run): results for run, results in given}, out)
    except OSError as error:
        raise UsageError(f"'{error.filename}' could not be written ({error.strerror}).") from None
    _tell(found, out / site.PAGE, Console())
    return Exit.CONFORMANT


def _read(text: str) -> tuple[Snapshot, Results]:
    """A run, from the words that name its file."""
    name, sign, path = text.partition("=")
    if not sign or Path(text).exists():
        name, path = "", text
    results = read_results(Path(path))
    return snapshot(results, name), results


def _write(found: Sequence[Column], given: Mapping[PurePosixPath, Results], out: Path) -> None:
    """Writes the site, the page last: whatever it links to is there by then."""
    shown = [site.report_of(run) for column in found for run in (column.shown, column.partial) if run]
    files = {path: html.render(given[path]) for path in shown if path in given}
    reports = {path for path in shown if path in given or (out / path).is_file()}
    files |= site.badges(found)
    files[site.PAGE] = site.page(found, reports)
    for path, text in files.items():
        write_whole(out / path, text.encode("utf-8", "backslashreplace"))
    for old in (out / site.REPORTS).glob("*.html"):
        if _REPORT.fullmatch(old.name) and site.REPORTS / old.name not in reports:
            old.unlink(missing_ok=True)


def _tell(found: Sequence[Column], page: Path, console: Console) -> None:
    for column in found:
        run, changes = column.shown, column.changes
        moved = ", ".join(f"{len(changes[kind])} {kind}" for kind in ("worse", "better") if changes[kind])
        later = "a partial run came later" if column.partial else ""
        told = "; ".join(filter(None, [run.summary.headline, moved, later]))
        console.print(Text(harmless(f"{run.target} {run.version}".rstrip() + f": {told}", lines=False)), soft_wrap=True)
    console.print(Text(f"matrix of {counted(len(found), 'target')}: {page}", style="dim"), soft_wrap=True)
