"""`pytest tests/api --alluredir DIR`: a result for each rule in the place of those that allure-pytest writes for
scenarios."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.reports import allure
from conformance.verdicts.results import Results

SCENARIOS = ".api."
"""Part of the full names of scenario tests, and of no other test."""


def replace_scenarios(results: Results, folder: Path) -> None:
    """Takes the results of scenario tests out of a folder of Allure's, and puts those of the rules in.

    Args:
        results: of the run.
        folder: where allure-pytest has written its results.

    Raises:
        OSError: the folder cannot be written to.
    """
    removed: set[str] = set()
    for path in folder.glob("*-result.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        if SCENARIOS in f".{result.get('fullName', '')}":
            removed.add(result["uuid"])
            _remove(path, result)
    for path in folder.glob("*-container.json"):
        container = json.loads(path.read_text(encoding="utf-8"))
        if removed.issuperset(container.get("children", [])):
            _remove(path, container)
    for name, content in allure.render(results).items():
        (folder / name).write_text(content, encoding="utf-8", errors="backslashreplace")


def _remove(path: Path, item: Mapping[str, Any]) -> None:
    """Removes the file of a result or container, and what it has attached."""
    parts = [item, *item.get("befores", []), *item.get("afters", []), *item.get("steps", [])]
    for attachment in (found for part in parts for found in part.get("attachments", [])):
        (path.parent / attachment["source"]).unlink(missing_ok=True)
    path.unlink()
