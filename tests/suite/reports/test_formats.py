"""The results in the forms that other tools read."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from helpers.command_line import conformance
from rich.console import Console

from conformance.commands.outcome import conclude
from conformance.config.report_names import REPORTS
from conformance.config.settings import Settings
from conformance.reports import code_hosts, ctrf, sarif, writing
from conformance.verdicts.collector import Collector
from conformance.verdicts.results import BreachResult, ExchangeResult, Reproduction, Request, Response, Results
from conformance.verdicts.verdict import Verdict

HOSTILE = "50%::error title=x::\r\nowned \x1b[31m\ud800"


@pytest.fixture(scope="module")
def results() -> Results:
    """A failure that came again twice of three times, and a deviation; the target's text is hostile."""
    exchange = ExchangeResult(
        number=1,
        method="images.get",
        started="2026-01-01T00:00:00.000+00:00",
        seconds=0.1,
        request=Request(method="GET", url="http://127.0.0.1:1/compute/beta/projects/p", headers={}, body=""),
        response=Response(status=200, headers={}, body="{}"),
        error="",
    )
    breach = BreachResult(
        message=HOSTILE,
        expected="compute#image",
        observed="null",
        exchanges=(exchange,),
        size=(1,),
        reproduce=Reproduction(shell="", pytest="", command=""),
    )
    changes: dict[str, dict[str, Any]] = {
        "image.kind": {"verdict": Verdict.FAILED, "breaches": (breach,), "broken_again": 2, "tried_again": 3},
        "life.list-once": {"verdict": Verdict.DEVIATES, "breaches": (breach,), "broken_again": 3, "tried_again": 3},
    }
    made = Collector(Settings()).results()
    rules = tuple(rule.model_copy(update=changes.get(rule.id, {})) for rule in made.rules)
    return made.model_copy(update={"rules": rules})


def test_ctrf_tells_each_rule_and_what_is_flaky(results: Results) -> None:
    found = json.loads(ctrf.render(results))["results"]
    tests = {test["name"]: test for test in found["tests"]}
    assert len(tests) == found["summary"]["tests"] == len(results.rules)
    assert tests["image.kind"]["status"] == "failed"
    assert (tests["image.kind"]["flaky"], tests["image.kind"]["retries"]) == (True, 3)
    assert [attempt["status"] for attempt in tests["image.kind"]["retryAttempts"]] == ["failed", "failed", "passed"]
    assert (tests["life.list-once"]["status"], tests["life.list-once"]["flaky"]) == ("skipped", False)
    assert found["summary"]["flaky"] == found["summary"]["failed"] == 1


def test_ctrf_keeps_the_schema_that_is_published(results: Results, tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is missing, with which the schema is fetched")
    done = subprocess.run([npm, "pack", "ctrf@0.3.0"], cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("npm cannot fetch the schema here")
    with tarfile.open(tmp_path / done.stdout.split()[-1]) as archive:
        file = archive.extractfile("package/dist/ctrf-schema-0.0.json")
        assert file is not None
        schema = json.load(file)
    jsonschema.Draft7Validator(schema).validate(json.loads(ctrf.render(results)))


def test_sarif_has_a_result_for_each_breach_with_its_request(results: Results) -> None:
    log = json.loads(sarif.render(results))
    (run,) = log["runs"]
    found = {item["ruleId"]: item for item in run["results"]}
    assert {rule: item["level"] for rule, item in found.items()} == {"image.kind": "error", "life.list-once": "warning"}
    assert all(run["tool"]["driver"]["rules"][item["ruleIndex"]]["id"] == rule for rule, item in found.items())
    (place,) = found["image.kind"]["locations"][0]["logicalLocations"]
    assert place["fullyQualifiedName"] == "GET http://127.0.0.1:1/compute/beta/projects/p"
    assert "\x1b" not in found["image.kind"]["message"]["text"]


def test_annotations_cannot_be_forged_by_a_target(results: Results) -> None:
    lines = code_hosts.github(results).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning"]
    assert all(line.count("::error title=x") <= 1 for line in lines)
    assert "50%25" in lines[0]


def test_code_quality_names_what_gitlab_wants(results: Results) -> None:
    issues = json.loads(code_hosts.gitlab(results))
    assert [(issue["check_name"], issue["severity"]) for issue in issues] == [
        ("image.kind", "major"),
        ("life.list-once", "minor"),
    ]
    for issue in issues:
        assert {"description", "fingerprint", "location"} <= set(issue)
        assert issue["location"]["path"]
        assert issue["location"]["lines"]["begin"] >= 1


@pytest.mark.parametrize("wanted", [(), ("junit",), ("html", "ctrf", "allure"), tuple(REPORTS)])
def test_reports_that_are_not_wanted_are_neither_written_nor_left(
    results: Results, tmp_path: Path, wanted: tuple[str, ...]
) -> None:
    writing.write(results, tmp_path)
    writing.write(results, tmp_path, wanted)
    made = {name for name in REPORTS if (tmp_path / REPORTS[name]).exists()}
    assert made == set(wanted) - {"traffic", "traffic.gz"}


@pytest.mark.parametrize(("format_", "first"), [("json", "{"), ("gitlab", "[")])
def test_formats_for_machines_print_nothing_else(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str], format_: str, first: str
) -> None:
    conclude(results, Settings(out=tmp_path, format=format_, reports=("none",)), Console(quiet=True))
    text = capsys.readouterr().out
    assert text[0] == first
    json.loads(text)


def test_workflow_of_github_is_annotated_without_being_asked(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    conclude(results, Settings(out=tmp_path, reports=("none",)), Console(quiet=True))
    assert "::error title=image.kind failed::" in capsys.readouterr().out
    assert "image.kind" in (tmp_path / "step.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--reports", "pdf"), "reports is 'pdf' (set by --reports); allowed is html, markdown,"),
        (("--format", "xml"), "format is 'xml' (set by --format); allowed is text, github"),
    ],
)
def test_report_or_format_that_there_is_not(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    done = conformance("run", *words, folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert sentence in done.stderr


def test_quick_run_writes_what_is_cheap(tmp_path: Path) -> None:
    done = conformance("run", "--only", "image.kind", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (tmp_path / "compliance-report").iterdir()}
    assert {"report.html", "junit.xml", "ctrf.json", "conformance.sarif"} <= made
    assert not made & {"traffic.har", "allure-results"}
    done = conformance("run", "--only", "image.kind", "--reports", "traffic.gz,junit", folder=tmp_path)
    made = {path.name for path in (tmp_path / "compliance-report").iterdir()}
    assert made >= {"results.json", "traffic.har.gz", "junit.xml"}
    assert "report.html" not in made
    with gzip.open(tmp_path / "compliance-report" / "traffic.har.gz", "rt", encoding="utf-8") as file:
        assert json.load(file)["log"]["entries"]
