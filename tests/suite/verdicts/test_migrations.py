"""Results of earlier suites stay readable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.config.settings import UsageError
from conformance.reports import writing
from conformance.verdicts.results import SCHEMA_VERSION, read_results
from conformance.verdicts.verdict import Verdict


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


def written(folder: Path, value: Any) -> Path:
    path = folder / "results.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_first_version_is_read_and_rendered(tmp_path: Path) -> None:
    results = read_results(written(tmp_path, first_file()))
    assert results.schema_version == SCHEMA_VERSION
    assert results.verdicts["image.kind"] is Verdict.FAILED
    assert (results.run.strict, results.run.require_complete, results.waivers) == (False, False, ())
    assert results.summary.headline == "non-conformant: 2 of 3 rules tested"
    assert (results.target.name, results.target.version) == ("", "")
    assert not writing.write(results, tmp_path)
    assert "kind is another" in (tmp_path / "report.html").read_text(encoding="utf-8")
    again = read_results(written(tmp_path, results.to_json()))
    assert again == results


@pytest.mark.parametrize(
    ("row", "deviations"),
    [
        ({"verdict": "failed", "breach_count": 2}, 0),
        ({"verdict": "deviates", "breach_count": 2}, 2),
        ({"verdict": "deviates", "breach_count": 2, "deviation_count": None}, 2),
        ({"verdict": "failed", "breach_count": 2, "deviation_count": 1}, 1),
    ],
)
def test_deviations_that_were_not_counted_are_told_by_the_verdict(
    tmp_path: Path, row: dict[str, Any], deviations: int
) -> None:
    value = first_file()
    value["rules"][0] |= row
    assert read_results(written(tmp_path, value)).rules[0].deviation_count == deviations


def test_shard_of_the_first_version_is_partial(tmp_path: Path) -> None:
    value = first_file()
    value["run"]["shard"] = "1/2"
    assert read_results(written(tmp_path, value)).summary.title == "non-conformant (partial)"


def test_what_later_files_of_the_version_hold_is_kept(tmp_path: Path) -> None:
    value = first_file()
    value["run"] |= {"strict": True}
    value["summary"]["coverage"] = {"tested": 7, "rules": 9, "partial": "the run was interrupted"}
    results = read_results(written(tmp_path, value))
    assert results.run.strict
    assert results.summary.extent == "7 of 9 rules tested"


@pytest.mark.parametrize("part", ["run", "rules", "summary", "target"])
@pytest.mark.parametrize("content", [None, [], [1], "text", 7])
def test_file_that_is_not_as_its_version_has_it_is_a_mistake(tmp_path: Path, part: str, content: Any) -> None:
    path = written(tmp_path, {**first_file(), part: content})
    if (part, content) == ("rules", []):
        assert read_results(path).rules == ()
        return
    with pytest.raises(UsageError, match=f"{part}.*breaks its JSON Schema"):
        read_results(path)
