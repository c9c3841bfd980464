"""The reports that are wanted, written beside results.json."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from conformance.config.report_names import REPORTS, usual
from conformance.reports import allure, attestation, badge, code_hosts, ctrf, html, junit, markdown, sarif
from conformance.verdicts.results import FILE_NAME, Results

RENDERERS: dict[str, Callable[[Results], str | dict[Path, str]]] = {
    "html": html.render,
    "markdown": markdown.render,
    "junit": junit.render,
    "badge": badge.render,
    "ctrf": ctrf.render,
    "sarif": sarif.render,
    "gitlab": code_hosts.gitlab,
    "allure": allure.render,
}
"""What makes each report: a text, or a folder of texts by their names."""

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def write(results: Results, folder: Path, wanted: Collection[str] = usual("ci")) -> list[str]:
    """Writes reports beside results.json; those that an earlier run has left are removed.

    Args:
        results: of the run.
        folder: where to write.
        wanted: the reports, by name.

    Returns:
        The files that could not be made, each with the reason: one that fails costs itself alone.

    Raises:
        OSError: the folder cannot be written to.
    """
    contents: dict[Path, str] = {}
    complaints = []
    for name, render in RENDERERS.items():
        if name not in wanted:
            continue
        place = folder / REPORTS[name]
        try:
            made = render(results)
        except Exception as error:
            complaints.append(f"{REPORTS[name]} could not be made: {type(error).__name__}: {error}")
            continue
        contents |= {place / part: text for part, text in made.items()} if isinstance(made, dict) else {place: made}
    if "scripts" in wanted:
        contents |= _scripts(results, folder / REPORTS["scripts"])
    files = {path: content.encode("utf-8", "backslashreplace") for path, content in contents.items()}
    if "attestation" in wanted:
        beside = {path.name: content for path, content in files.items() if path.parent == folder}
        statement = attestation.render(results, {FILE_NAME: results.encoded(), **beside})
        files[folder / REPORTS["attestation"]] = statement.encode()
    for name in (*RENDERERS, "scripts", "attestation"):
        _remove(folder / REPORTS[name])
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return complaints


def _scripts(results: Results, folder: Path) -> dict[Path, str]:
    """What shows each breach again, in a folder for each broken rule."""
    contents: dict[Path, str] = {}
    for rule in results.rules:
        if rule.shown and _SAFE_NAME.fullmatch(rule.id):
            place = folder / rule.id
            scripts = {"reproduce.sh": rule.shown.reproduce.shell, "test_reproduce.py": rule.shown.reproduce.pytest}
            contents |= {place / name: script for name, script in scripts.items() if script}
            contents[place / "trace.json"] = rule.shown.trace
    return contents


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)
