"""The statement that others sign: it names what it is about, and says no more than the run has shown."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import jsonschema
import pytest
from helpers.command_line import conformance
from helpers.made import made

from conformance.config.report_names import REPORTS, usual
from conformance.reports import attestation, writing
from conformance.verdicts.results import Results, write_results
from conformance.verdicts.verdict import Exit, Verdict

NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
SHA256 = {
    "type": "object",
    "properties": {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
    "required": ["sha256"],
}
SCHEMA = {
    "type": "object",
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "digest": SHA256},
                "required": ["name", "digest"],
            },
        },
        "predicateType": {"const": "https://in-toto.io/attestation/test-result/v0.1"},
        "predicate": {
            "type": "object",
            "properties": {
                "result": {"enum": ["PASSED", "WARNED", "FAILED"]},
                "configuration": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "anyOf": [{"required": [key]} for key in ("uri", "digest", "content")],
                        "properties": {"digest": SHA256, "annotations": {"type": "object"}},
                    },
                },
                "url": {"type": "string"},
                "passedTests": NAMES,
                "warnedTests": NAMES,
                "failedTests": NAMES,
            },
            "required": ["result", "configuration"],
            "additionalProperties": False,
        },
    },
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
}
"""The fields of a Statement, and of the predicate test-result, as their specifications name them."""


@pytest.mark.parametrize(
    ("results", "result", "warned", "failed"),
    [
        (made({}), "PASSED", [], []),
        (made({"image.id": "not_exercised", "image.kind": "not_applicable"}), "PASSED", [], []),
        (made({"image.id": "deviates", "image.kind": "waived"}), "WARNED", ["image.kind", "image.id"], []),
        (made({"image.id": "left_out"}, partial="1 of 9 rules left out"), "WARNED", [], []),
        (made({"image.id": "failed"}, Exit.NOT_CONFORMANT), "FAILED", [], ["image.id"]),
        (made({"image.id": "deviates"}, Exit.NOT_CONFORMANT, strict=True), "FAILED", [], ["image.id"]),
        (made({"image.id": "failed"}, level="core"), "WARNED", [], ["image.id"]),
        (made({"image.id": "error"}, Exit.SUITE_ERROR), "FAILED", [], ["image.id"]),
        (made({}, Exit.UNTESTABLE), "FAILED", [], []),
        (made({}, Exit.INTERRUPTED, partial="the run was interrupted"), "FAILED", [], []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_result_and_lists(results: Results, result: str, warned: list[str], failed: list[str]) -> None:
    statement = json.loads(attestation.render(results, {"results.json": b"{}"}))
    jsonschema.Draft202012Validator(SCHEMA).validate(statement)
    predicate = statement["predicate"]
    assert predicate["result"] == result
    assert sorted(predicate["warnedTests"]) == sorted(warned)
    assert predicate["failedTests"] == failed
    assert predicate["passedTests"] == [rule.id for rule in results.rules if rule.verdict is Verdict.PASSED]


def test_configuration_says_how_the_run_was_called() -> None:
    results = made({}, command="conformance run --level core \ud800", level="core")
    statement = json.loads(attestation.render(results, {"results.json": b"{}"}))
    (found,) = statement["predicate"]["configuration"]
    assert base64.b64decode(found["content"]).startswith(b"conformance run --level core")
    assert (found["annotations"]["level"], found["annotations"]["seed"]) == ("core", 0)
    assert found["annotations"]["target"]["project"] == "conformance"


def test_subjects_are_the_files_as_they_are_written(tmp_path: Path) -> None:
    results = made({"image.id": "failed"}, Exit.NOT_CONFORMANT, command="\ud800")
    write_results(results, tmp_path)
    assert not writing.write(results, tmp_path, ("html", "junit", "allure", "attestation"))
    statement = json.loads((tmp_path / "attestation.json").read_text(encoding="utf-8"))
    digests = {row["name"]: row["digest"]["sha256"] for row in statement["subject"]}
    assert digests == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("results.json", "report.html", "junit.xml")
    }


def test_it_is_written_where_it_is_asked_for_alone(tmp_path: Path) -> None:
    assert not {"attestation", "traffic.gz"} & {*usual("quick"), *usual("ci")}
    assert set(usual("ci")) == set(REPORTS) - {"attestation", "traffic.gz"}
    write_results(made({}), tmp_path)
    done = conformance("report", "results.json", "--out", "again", "--reports", "attestation", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "again").iterdir()} == {"results.json", "attestation.json"}
    done = conformance("report", "results.json", "--out", "again", folder=tmp_path)
    assert "attestation.json" not in {path.name for path in (tmp_path / "again").iterdir()}
    done = conformance("report", "results.json", "--pdf", "--reports", "junit", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "add html" in done.stderr
