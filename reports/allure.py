"""Results in the form that Allure reads: one result for each rule."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from conformance.reports.text import harmless
from conformance.verdicts.results import Results, RuleResult

SEVERITIES = {"doc": "critical", "conv": "normal"}


def render(results: Results) -> dict[Path, str]:
    """The files of `allure-results`, each with its content.

    Args:
        results: of the run.
    """
    contents: dict[Path, str] = {}
    target, run = results.target, results.run
    start, stop = (_milliseconds(moment) for moment in (run.started, run.finished))
    for rule in results.rules:
        attachments = _attachments(rule, contents)
        result = {
            "uuid": _identifier(run.id, target.url, rule.id),
            "historyId": hashlib.md5(ascii((target.url, rule.id)).encode(), usedforsecurity=False).hexdigest(),
            "testCaseId": hashlib.md5(rule.id.encode(), usedforsecurity=False).hexdigest(),
            "fullName": rule.id,
            "name": rule.id,
            "description": rule.statement,
            "status": rule.verdict.under(strict=run.strict).allure,
            "statusDetails": {"message": _message(rule), "trace": _trace(rule)},
            "stage": "finished",
            "start": start,
            "stop": stop,
            "labels": [
                {"name": "suite", "value": rule.area},
                {"name": "severity", "value": SEVERITIES[rule.basis]},
                {"name": "framework", "value": "conformance"},
                {"name": "tag", "value": rule.verdict.value},
            ],
            "parameters": [],
            "links": [],
            "steps": [],
            "attachments": attachments,
        }
        contents[Path(f"{result['uuid']}-result.json")] = json.dumps(result, ensure_ascii=False)
    environment = {"target": target.url, "project": target.project, "profile": run.profile}
    contents[Path("environment.properties")] = "".join(
        f"{key}={harmless(str(value), lines=False)}\n" for key, value in environment.items()
    )
    return contents


def _message(rule: RuleResult) -> str:
    if rule.shown:
        return harmless(rule.shown.message)
    return harmless(f"{rule.verdict.label}: {rule.reason}" if rule.reason else rule.verdict.label)


def _trace(rule: RuleResult) -> str:
    return harmless(f"expected: {rule.shown.expected}\nobserved: {rule.shown.observed}") if rule.shown else ""


def _attachments(rule: RuleResult, contents: dict[Path, str]) -> list[dict[str, str]]:
    """Attaches the exchanges of a breach, once, and the scripts that reproduce it."""
    breach = rule.shown
    if breach is None:
        return []
    parts = (
        ("exchanges", "application/json", "json", breach.trace),
        ("reproduce.sh", "text/plain", "txt", breach.reproduce.shell),
        ("test_reproduce.py", "text/plain", "txt", breach.reproduce.pytest),
    )
    attached = []
    for name, kind, suffix, content in parts:
        if not content:
            continue
        source = f"{_identifier(rule.id, name, content)}-attachment.{suffix}"
        contents[Path(source)] = content
        attached.append({"name": name, "type": kind, "source": source})
    return attached


def _identifier(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, ascii(parts)))


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
