"""SARIF 2.1.0, for code scanning: one result for each rule that is broken, with its smallest request."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from conformance.reports.text import harmless, shortened
from conformance.verdicts.results import Results, RuleResult

TEXT_MAXIMUM = 1000


def render(results: Results) -> str:
    """The results as a SARIF log.

    A target has no files; where a place must be named it is the method of the API, as a logical location, and the
    report.

    Args:
        results: of the run.
    """
    shown = [rule for rule in results.rules if rule.verdict.level != "none"]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "conformance",
                "semanticVersion": results.run.suite_version,
                "rules": [_descriptor(rule) for rule in shown],
            }
        },
        "invocations": [
            {
                "executionSuccessful": results.summary.exit_status in (0, 1),
                "exitCode": int(results.summary.exit_status),
                "commandLine": harmless(results.run.command, lines=False),
                "startTimeUtc": _utc(results.run.started),
                "endTimeUtc": _utc(results.run.finished),
            }
        ],
        "results": [_result(rule, number, strict=results.run.strict) for number, rule in enumerate(shown)],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _descriptor(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.statement},
        "help": {"text": f"{rule.reference}: {rule.grounds}" if rule.grounds else rule.reference},
        "properties": {"tags": [rule.area, rule.basis]},
    }


def _result(rule: RuleResult, number: int, *, strict: bool) -> dict[str, Any]:
    level = rule.verdict.under(strict=strict).level
    failing, breach = level != "note", rule.shown
    told = harmless(shortened(rule.told or rule.statement, TEXT_MAXIMUM))
    if breach:
        told += harmless(
            f"\nexpected: {shortened(breach.expected, TEXT_MAXIMUM)}\nobserved: "
            f"{shortened(breach.observed, TEXT_MAXIMUM)}"
        )
    method = next((f"{item.request.method} {item.request.url}" for item in breach.exchanges), "") if breach else ""
    return {
        "ruleId": rule.id,
        "ruleIndex": number,
        "level": level if failing else "none",
        "kind": "fail" if failing else "review",
        "message": {"text": told},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "report.html"}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": harmless(method or rule.id, lines=False)}],
            }
        ],
        "partialFingerprints": {"rule/v1": hashlib.sha256(rule.id.encode()).hexdigest()},
    }


def _utc(moment: str) -> str:
    return moment.replace("+00:00", "Z")
