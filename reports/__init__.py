"""Renderers over the results of a run; nothing here talks to a target.

Every text in the results may come from a hostile target: each renderer escapes all of it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from conformance.verdicts.results import Results
from reports import allure, badge, html, junit, markdown
from reports.terminal import summary

__all__ = ["summary", "write"]

RENDERERS: dict[str, Callable[[Results], str | dict[Path, str]]] = {
    "report.html": html.render,
    "summary.md": markdown.render,
    "junit.xml": junit.render,
    "badge.svg": badge.render,
    "allure-results": allure.render,
}
"""What makes each report: a text, or a folder of texts by their names."""

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write(results: Results, folder: Path) -> list[str]:
    """Writes every report beside results.json.

    Args:
        results: of the run.
        folder: where to write.

    Returns:
        The files that could not be made, each with the reason: one that fails costs itself alone.

    Raises:
        OSError: the folder cannot be written to.
    """
    contents: dict[Path, str] = {}
    complaints = []
    for name, render in RENDERERS.items():
        try:
            made = render(results)
        except Exception as error:
            complaints.append(f"{name} could not be made: {type(error).__name__}: {error}")
            continue
        contents |= (
            {folder / name / part: text for part, text in made.items()}
            if isinstance(made, dict)
            else {folder / name: made}
        )
    for rule in results.rules:
        if rule.shown and _SAFE_NAME.fullmatch(rule.id):
            place = folder / "failures" / rule.id
            scripts = {"reproduce.sh": rule.shown.reproduce.shell, "test_reproduce.py": rule.shown.reproduce.pytest}
            contents |= {place / name: script for name, script in scripts.items() if script}
            contents[place / "trace.json"] = rule.shown.trace
    for stale in ("allure-results", "failures"):
        shutil.rmtree(folder / stale, ignore_errors=True)
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", errors="backslashreplace")
    return complaints
