"""The Common Test Report Format: one test for each rule, in a form that many tools read."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from conformance.reports.text import harmless
from conformance.verdicts.results import Results, RuleResult
from conformance.verdicts.verdict import Verdict

SPECIFICATION = "0.0.0"
STATUSES = ("passed", "failed", "skipped", "pending", "other")

_NAMESPACE = uuid.UUID("7a0f6f3e-0a3c-4f39-9b1d-4c1f0f6e2c55")
"""From which the ids of the tests are made: the same rule has the same id in every run."""


def render(results: Results) -> str:
    """The results as CTRF; a breach that is not seen again each time it is tried is flaky, and its tries are told.

    Args:
        results: of the run.
    """
    tests = [_test(rule, strict=results.run.strict) for rule in results.rules]
    counts = {status: sum(test["status"] == status for test in tests) for status in STATUSES}
    start, stop = (_milliseconds(text) for text in (results.run.started, results.run.finished))
    report = {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "timestamp": results.run.finished,
        "generatedBy": f"conformance {results.run.suite_version}",
        "results": {
            "tool": {"name": "conformance", "version": results.run.suite_version},
            "summary": {
                "tests": len(tests),
                **counts,
                "flaky": sum(test.get("flaky", False) for test in tests),
                "suites": len({rule.area for rule in results.rules}),
                "start": start,
                "stop": stop,
                "duration": stop - start,
                "extra": {
                    "verdict": results.summary.title,
                    "reason": results.summary.reason,
                    "exitStatus": int(results.summary.exit_status),
                },
            },
            "tests": tests,
            "environment": {"appName": results.target.url, "extra": {"project": results.target.project}},
        },
    }
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _test(rule: RuleResult, *, strict: bool) -> dict[str, Any]:
    verdict = rule.verdict.under(strict=strict)
    test: dict[str, Any] = {
        "id": str(uuid.uuid5(_NAMESPACE, rule.id)),
        "name": rule.id,
        "status": "failed" if verdict is Verdict.ERROR else verdict.allure,
        "duration": round(rule.seconds * 1000),
        "suite": [rule.area],
        "rawStatus": rule.verdict.value,
        "tags": [rule.basis],
        "extra": {"statement": rule.statement, "reference": rule.reference},
    }
    if rule.told:
        test["message"] = harmless(rule.told)
    if rule.shown:
        test["trace"] = harmless(f"expected: {rule.shown.expected}\nobserved: {rule.shown.observed}")
    if rule.verdict.broken and rule.tried_again:
        test |= {"retries": rule.tried_again, "flaky": rule.broken_again < rule.tried_again}
        outcomes = ["failed"] * rule.broken_again + ["passed"] * (rule.tried_again - rule.broken_again)
        test["retryAttempts"] = [{"attempt": number, "status": status} for number, status in enumerate(outcomes, 1)]
    return test


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
