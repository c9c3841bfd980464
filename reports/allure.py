"""Results in the form that Allure reads: one result for each rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from conformance.verdicts.verdict import Verdict
from reports.text import harmless

SEVERITIES = {"doc": "critical", "conv": "normal"}


def render(results: Mapping[str, Any]) -> dict[Path, str]:
    """The files of `allure-results`, each with its content.

    Args:
        results: what results.json holds.
    """
    contents: dict[Path, str] = {}
    target, run = results["target"], results["run"]
    start, stop = (_milliseconds(run[key]) for key in ("started", "finished"))
    for rule in results["rules"]:
        attachments = _attachments(rule, contents)
        result = {
            "uuid": _identifier(run["id"], target["url"], rule["id"]),
            "historyId": hashlib.md5(ascii((target["url"], rule["id"])).encode(), usedforsecurity=False).hexdigest(),
            "testCaseId": hashlib.md5(rule["id"].encode(), usedforsecurity=False).hexdigest(),
            "fullName": rule["id"],
            "name": rule["id"],
            "description": rule["statement"],
            "status": Verdict(rule["verdict"]).under(strict=run["strict"]).allure,
            "statusDetails": {"message": _message(rule), "trace": _trace(rule)},
            "stage": "finished",
            "start": start,
            "stop": stop,
            "labels": [
                {"name": "suite", "value": rule["area"]},
                {"name": "severity", "value": SEVERITIES[rule["basis"]]},
                {"name": "framework", "value": "conformance"},
                {"name": "tag", "value": rule["verdict"]},
            ],
            "parameters": [],
            "links": [],
            "steps": [],
            "attachments": attachments,
        }
        contents[Path(f"{result['uuid']}-result.json")] = json.dumps(result, ensure_ascii=False)
    environment = {"target": target["url"], "project": target["project"], "profile": run["profile"]}
    contents[Path("environment.properties")] = "".join(
        f"{key}={harmless(str(value), lines=False)}\n" for key, value in environment.items()
    )
    return contents


def _shown(rule: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The breach that explains the verdict, if one does."""
    return rule["breaches"][0] if rule["breaches"] and Verdict(rule["verdict"]).broken else None


def _message(rule: Mapping[str, Any]) -> str:
    breach = _shown(rule)
    name = Verdict(rule["verdict"]).label
    return harmless(breach["message"] if breach else f"{name}: {rule['reason']}" if rule["reason"] else name)


def _trace(rule: Mapping[str, Any]) -> str:
    breach = _shown(rule)
    return harmless(f"expected: {breach['expected']}\nobserved: {breach['observed']}") if breach else ""


def _attachments(rule: Mapping[str, Any], contents: dict[Path, str]) -> list[dict[str, str]]:
    """Attaches the exchanges of a breach, once, and the scripts that reproduce it."""
    breach = _shown(rule)
    if breach is None:
        return []
    parts = (
        ("exchanges", "application/json", "json", json.dumps(breach["exchanges"], ensure_ascii=False, indent=1)),
        ("reproduce.sh", "text/plain", "txt", breach["reproduce"]["shell"]),
        ("test_reproduce.py", "text/plain", "txt", breach["reproduce"]["pytest"]),
    )
    attached = []
    for name, kind, suffix, content in parts:
        if not content:
            continue
        source = f"{_identifier(rule['id'], name, content)}-attachment.{suffix}"
        contents[Path(source)] = content
        attached.append({"name": name, "type": kind, "source": source})
    return attached


def _identifier(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, ascii(parts)))


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
