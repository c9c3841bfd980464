"""Broken rules for the pages of code hosts: annotations of GitHub's workflows, GitLab's report of code quality."""

from __future__ import annotations

import hashlib
import json

from conformance.reports.text import harmless, shortened
from conformance.verdicts.results import Results, RuleResult

ANNOTATIONS_MAXIMUM = 10
"""A step shows no more annotations of a level than that."""

TEXT_MAXIMUM = 500
SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def github(results: Results) -> str:
    """Workflow commands that annotate a run: one line for each broken rule, the gravest first.

    Args:
        results: of the run.
    """
    lines = []
    for level in ("error", "warning"):
        rules = [rule for rule in _broken(results) if _level(rule, results) == level]
        lines += [
            f"::{level} title={_property(f'{rule.id} {rule.verdict.label}')}::{_data(_sentence(rule))}"
            for rule in rules[:ANNOTATIONS_MAXIMUM]
        ]
    return "\n".join(lines)


def gitlab(results: Results) -> str:
    """The broken rules as GitLab's report of code quality.

    Args:
        results: of the run.
    """
    issues = [
        {
            "type": "issue",
            "check_name": rule.id,
            "description": harmless(f"{rule.id}: {_sentence(rule)}", lines=False),
            "fingerprint": hashlib.sha256(rule.id.encode()).hexdigest(),
            "severity": SEVERITIES[_level(rule, results)],
            "location": {"path": "report.html", "lines": {"begin": 1}},
        }
        for rule in _broken(results)
    ]
    return json.dumps(issues, ensure_ascii=False, indent=1) + "\n"


def _broken(results: Results) -> list[RuleResult]:
    return [rule for rule in results.rules if _level(rule, results) in ("error", "warning")]


def _level(rule: RuleResult, results: Results) -> str:
    return rule.verdict.under(strict=results.run.strict).level


def _sentence(rule: RuleResult) -> str:
    return shortened(f"{rule.statement} {rule.told}", TEXT_MAXIMUM)


def _data(text: str) -> str:
    """A text as the message of a workflow command, which it cannot leave."""
    return harmless(text, lines=False).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
