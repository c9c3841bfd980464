"""Results that earlier suites have written, brought to the version of today when they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.verdicts.verdict import Verdict

_TESTED = frozenset(verdict.value for verdict in Verdict if verdict.tested)


def migrated(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What results.json holds, as the suite of today would have written it.

    What is not as its version has it stays as it is: the model says what is wrong.

    Args:
        value: what the file holds.
    """
    while isinstance(version := value.get("schema_version"), int) and version in _STEPS:
        value = {**_STEPS[version](value), "schema_version": version + 1}
    return value


def _from_1(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Version 1 has grown while it was in use: its first files know neither waivers nor a strict run, do not tell how
    many rules were put to the test, and have counted no deviations."""
    rules = value.get("rules")
    found = dict(value)
    found.setdefault("waivers", [])
    _complete(found, "run", {"strict": False, "require_complete": False})
    if isinstance(rules, list) and all(isinstance(row, dict) for row in rules):
        _complete(found, "summary", {"coverage": _coverage(rules, value.get("run"))})
        found["rules"] = [{**row, "deviation_count": _deviations(row)} for row in rules]
    return found


def _complete(value: dict[str, Any], key: str, missing: Mapping[str, Any]) -> None:
    """Adds to a part what it lacks."""
    part = value.get(key)
    if isinstance(part, dict):
        value[key] = {**missing, **part}


def _coverage(rules: list[dict[str, Any]], run: Any) -> dict[str, Any]:
    shard = run.get("shard") if isinstance(run, dict) else None
    return {
        "tested": sum(str(row.get("verdict")) in _TESTED for row in rules),
        "rules": len(rules),
        "partial": f"shard {shard}" if shard else "",
    }


def _deviations(row: Mapping[str, Any]) -> Any:
    """How many breaches deviate: what was counted; else all of them, or none, as the verdict tells."""
    if row.get("deviation_count") is not None:
        return row["deviation_count"]
    return row.get("breach_count") if row.get("verdict") == Verdict.DEVIATES else 0


_STEPS: dict[int, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {1: _from_1}
"""What brings each version to the next one."""
