"""Renderers over the results of a run; nothing here talks to a target.

Every text in the results may come from a hostile target: each renderer escapes all of it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from conformance.verdicts.results import Results
from reports import allure, badge, html, junit, markdown
from reports.terminal import summary

__all__ = ["summary", "write"]

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write(results: Results, folder: Path) -> list[Path]:
    """Writes every report beside results.json.

    Args:
        results: of the run.
        folder: where to write.

    Returns:
        The files written.

    Raises:
        OSError: the folder cannot be written to.
    """
    contents = {
        folder / "report.html": html.render(results),
        folder / "summary.md": markdown.render(results),
        folder / "junit.xml": junit.render(results),
        folder / "badge.svg": badge.render(results),
    }
    contents |= {folder / "allure-results" / name: content for name, content in allure.render(results).items()}
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
    return list(contents)
