"""What every judgement ends with: the results and reports on disk, and the verdict on the terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from conformance.config.report_names import REPORTS
from conformance.config.settings import Settings, UsageError
from conformance.reports import code_hosts, markdown, writing
from conformance.reports.terminal import Terminal, summary
from conformance.reports.text import harmless
from conformance.verdicts.results import Results, write_results
from conformance.verdicts.verdict import Exit


def conclude(results: Results, settings: Settings, console: Console) -> int:
    """Writes the results and the reports that are wanted, and says what came out.

    Args:
        results: what came out.
        settings: where and what to write, and in which format to say it.
        console: where to print.

    Returns:
        The exit status.

    Raises:
        UsageError: the folder cannot be written to; what came out has been said all the same.
    """
    status, out = results.summary.exit_status, settings.out
    complaint = ""
    try:
        write_results(results, out)
        for mistake in writing.write(results, out, settings.wanted_reports):
            print(f"conformance: {harmless(mistake, lines=False)}", file=sys.stderr)
    except OSError as error:
        complaint = f"the results could not be written to '{out}' ({error.strerror}); name another folder with --out."
    if status is Exit.UNTESTABLE:
        print(f"conformance: {harmless(results.summary.reason, lines=False)}", file=sys.stderr)
    _say(results, settings, console)
    if complaint:
        raise UsageError(complaint)
    return status


def terminal(settings: Settings) -> Terminal:
    """Where to say what goes on: nowhere where what came out is for machines."""
    return Terminal(quiet=_format(settings) in ("json", "gitlab"))


def _format(settings: Settings) -> str:
    return settings.format or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text")


def _say(results: Results, settings: Settings, console: Console) -> None:
    """Says what came out; for machines nothing else is printed."""
    match _format(settings):
        case "json":
            print(json.dumps(results.to_json(), ensure_ascii=True, indent=1))
            return
        case "gitlab":
            print(code_hosts.gitlab(results), end="")
            return
        case "github":
            found = code_hosts.github(results)
            if found:
                print(found)
            _summarise(results)
    if results.summary.exit_status is Exit.UNTESTABLE:
        return
    summary(results, console)
    if "html" in settings.wanted_reports:
        console.print(Text(f"report: {settings.out / REPORTS['html']}", style="dim"), soft_wrap=True)


def _summarise(results: Results) -> None:
    """Adds the summary to the page of a step of a workflow, where there is one."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(markdown.render(results))
