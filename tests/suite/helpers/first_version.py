"""results.json as the first suite wrote it that had a schema of it."""

from __future__ import annotations

from typing import Any


def first_file() -> dict[str, Any]:
    """Results as the first suite wrote them that had a schema of them: neither waivers nor coverage, no strict runs."""
    verdicts = {"image.kind": "failed", "image.id": "passed", "labels.limits": "not_exercised"}
    rules: list[dict[str, Any]] = [
        {
            "id": rule,
            "area": rule.partition(".")[0],
            "basis": "doc",
            "statement": "It holds.",
            "reference": "Fields > kind",
            "verdict": verdict,
            "reason": "",
            "observations": 3,
            "breach_count": 0,
            "first_breach_after_requests": None,
            "breaches": [],
        }
        for rule, verdict in verdicts.items()
    ]
    breach = {
        "message": "kind is another",
        "expected": "compute#image",
        "observed": "compute#disk",
        "exchanges": [],
        "reproduce": {"shell": "", "command": "conformance run --only image.kind"},
    }
    rules[0] |= {"breach_count": 2, "first_breach_after_requests": 5, "breaches": [breach]}
    return {
        "schema_version": 1,
        "run": {
            "id": "20260102T030405Z",
            "started": "2026-01-02T03:04:05.678+00:00",
            "finished": "2026-01-02T03:05:05.678+00:00",
            "seconds": 60.0,
            "seed": None,
            "profile": "quick",
            "suite_version": "0.0.1",
            "command": "conformance run",
            "shard": None,
        },
        "target": {"url": "http://127.0.0.1:1", "project": "p", "api_version": "beta", "capabilities": {"list": True}},
        "summary": {
            "verdict": "non-conformant",
            "exit_status": 1,
            "reason": "1 rule failed: image.kind",
            "counts": {"failed": 1, "passed": 1, "not_exercised": 1},
        },
        "cost": {"requests": 9, "retries": 0, "images_created": 1, "images_left": [], "seconds_waiting": 0.5},
        "latency": {},
        "notes": [],
        "rules": rules,
    }
