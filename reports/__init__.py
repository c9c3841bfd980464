"""Renderers over results.json; nothing here talks to a target.

Every text in the results may come from a hostile target: each renderer escapes all of it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.verdicts.verdict import Verdict
from reports import allure, badge, html, junit, markdown
from reports.terminal import summary

__all__ = ["summary", "write"]

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write(results: Mapping[str, Any], folder: Path) -> list[Path]:
    """Writes every report beside results.json.

    Args:
        results: what results.json holds.
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
    for rule in results["rules"]:
        if rule["breaches"] and Verdict(rule["verdict"]).broken and _SAFE_NAME.fullmatch(rule["id"]):
            breach = rule["breaches"][0]
            place = folder / "failures" / rule["id"]
            scripts = {"reproduce.sh": breach["reproduce"]["shell"], "test_reproduce.py": breach["reproduce"]["pytest"]}
            contents |= {place / name: script for name, script in scripts.items() if script}
            contents[place / "trace.json"] = json.dumps(breach["exchanges"], ensure_ascii=False, indent=1)
    for stale in ("allure-results", "failures"):
        shutil.rmtree(folder / stale, ignore_errors=True)
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", errors="backslashreplace")
    return list(contents)
