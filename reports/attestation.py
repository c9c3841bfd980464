"""An in-toto statement of the test result, about results.json and the reports beside it; whoever wants it signed signs
it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from conformance.verdicts.results import Results, Run, Target
from conformance.verdicts.verdict import Exit, Verdict

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"

LISTS = {
    "passedTests": (Verdict.PASSED,),
    "warnedTests": (Verdict.DEVIATES, Verdict.WAIVED),
    "failedTests": (Verdict.FAILED, Verdict.ERROR),
}
"""Which verdicts stand in which list; a rule that came to none stands nowhere."""

SETTINGS = {"id", "started", "profile", "seed", "strict", "require_complete", "level", "require", "intermittent"}
"""What of a run belongs to its configuration, beside its command."""


def render(results: Results, files: Mapping[str, bytes]) -> str:
    """The statement.

    Args:
        results: of the run.
        files: what it is about, by their names.
    """
    rules = {key: _rules(results, verdicts) for key, verdicts in LISTS.items()}
    statement = {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
            for name, content in sorted(files.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "result": _result(results, flawless=not (rules["warnedTests"] or rules["failedTests"])),
            "configuration": [_configuration(results.run, results.target)],
            **rules,
        },
    }
    return json.dumps(statement, indent=1) + "\n"


def _rules(results: Results, verdicts: tuple[Verdict, ...]) -> list[str]:
    strict = results.run.strict
    return [rule.id for rule in results.rules if rule.verdict.under(strict=strict) in verdicts]


def _result(results: Results, *, flawless: bool) -> str:
    """What the run gates on: a part of the rules that holds, or a level beyond which one fails, is no flawless pass."""
    if results.summary.exit_status is not Exit.CONFORMANT:
        return "FAILED"
    return "PASSED" if flawless and not results.summary.coverage.partial else "WARNED"


def _configuration(run: Run, target: Target) -> dict[str, Any]:
    """How the run was called, as in-toto describes a resource."""
    command = run.command.encode("utf-8", "backslashreplace")
    told = run.model_dump(mode="json", include=SETTINGS)
    asked = target.model_dump(mode="json", include={"url", "project", "api_version", "name", "version"})
    return {
        "name": f"conformance {run.suite_version}",
        "mediaType": "text/plain",
        "content": base64.b64encode(command).decode(),
        "digest": {"sha256": hashlib.sha256(command).hexdigest()},
        "annotations": {**told, "target": asked},
    }
