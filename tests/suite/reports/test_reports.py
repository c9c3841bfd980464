"""Reports render what results.json holds, and trust none of it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

import reports
from conformance.config.settings import Settings
from conformance.emulator.process import EmulatorProcess
from conformance.verdicts.collector import Collector
from conformance.verdicts.results import (
    BarResult,
    BreachResult,
    Coverage,
    ExchangeResult,
    Reproduction,
    Request,
    Response,
    Results,
    read_results,
    write_results,
)
from conformance.verdicts.verdict import Exit, Outcome, Verdict
from reports import badge, junit, markdown, schema
from reports import html as page

TOKEN = "token-that-must-not-be-seen"
KEY = re.compile(r"rawKey\W+(?!UkVEQUNURUR)[A-Za-z0-9+/]{43}=")


def test_all_files_are_written(broken: Results, tmp_path: Path) -> None:
    reports.write(broken, tmp_path)
    failure = "failures/image.kind"
    for name in (
        "report.html",
        "summary.md",
        "junit.xml",
        "badge.svg",
        f"{failure}/reproduce.sh",
        f"{failure}/test_reproduce.py",
        f"{failure}/trace.json",
    ):
        assert (tmp_path / name).stat().st_size > 100, name


def test_page_is_self_contained_and_escapes(hostile: Results, tmp_path: Path) -> None:
    reports.write(hostile, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert "\x1b" not in page
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)


def test_junit_has_one_case_for_each_rule(broken: Results, hostile: Results, tmp_path: Path) -> None:
    for number, results in enumerate((broken, hostile)):
        reports.write(results, tmp_path / str(number))
        root = ElementTree.parse(tmp_path / str(number) / "junit.xml").getroot()
        cases = {case.get("name"): case for case in root.iter("testcase")}
        assert set(cases) == {rule.id for rule in broken.rules}
        failed = {name for name, case in cases.items() if case.find("failure") is not None}
        assert failed == {rule.id for rule in broken.rules if rule.verdict == "failed"}


def test_junit_has_times_and_skips_what_is_blocked(broken: Results) -> None:
    blocked = {"verdict": Verdict.BLOCKED, "seconds": 0.5, "breaches": ()}
    rules = tuple(rule.model_copy(update=blocked if rule.area == "labels" else {}) for rule in broken.rules)
    root = ElementTree.fromstring(junit.render(broken.model_copy(update={"rules": rules})))
    (suite,) = (suite for suite in root if suite.get("name") == "labels")
    assert suite.get("skipped") == suite.get("tests")
    assert suite.get("failures") == "0"
    assert float(str(suite.get("time"))) == pytest.approx(0.5 * len(suite))
    assert sum(float(str(suite.get("time"))) for suite in root) == pytest.approx(float(str(root.get("time"))), abs=0.01)


def test_every_report_tells_how_much_was_tested(broken: Results) -> None:
    coverage = Coverage(tested=1, rules=373, partial="372 of 373 rules left out")
    held = {"verdict": Outcome.CONFORMANT, "exit_status": Exit.CONFORMANT, "coverage": coverage}
    part = broken.model_copy(update={"summary": broken.summary.model_copy(update=held)})
    assert part.summary.headline == "conformant (partial): 1 of 373 rules tested"
    for text in (badge.render(part), markdown.render(part), page.render(part)):
        assert "1 of 373 rules tested" in text
        assert "(partial)" in text
    assert '<header class="grey">' in page.render(part), "one rule is no green page"
    whole = coverage.model_copy(update={"tested": 370, "partial": ""})
    full = part.model_copy(update={"summary": part.summary.model_copy(update={"coverage": whole})})
    assert '<header class="green">' in page.render(full)


def test_no_credential_is_in_any_file(broken: Results, tmp_path: Path) -> None:
    reports.write(broken, tmp_path)
    (tmp_path / "results.json").write_text(json.dumps(broken.to_json()), encoding="utf-8")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert TOKEN not in text, path.name
            assert not KEY.search(text), path.name


def test_results_keep_their_schema(broken: Results, hostile: Results) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schema.PATH.read_text(encoding="utf-8")))
    for results in (broken, hostile, Collector(Settings()).results()):
        validator.validate(results.to_json())


def test_schema_is_that_of_the_model() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(), "python -m reports.schema makes it anew"


def test_every_rule_stands_in_the_results_of_a_run_that_never_began() -> None:
    results = Collector(Settings()).results()
    assert results.summary.verdict == "inconclusive"
    assert {rule.verdict for rule in results.rules} == {"not_exercised"}


def test_allure_has_one_result_for_each_rule(broken: Results, tmp_path: Path) -> None:
    reports.write(broken, tmp_path)
    reports.write(broken, tmp_path)
    found = {
        result["name"]: result
        for path in (tmp_path / "allure-results").glob("*-result.json")
        for result in [json.loads(path.read_text(encoding="utf-8"))]
    }
    assert set(found) == {rule.id for rule in broken.rules}
    assert found["image.kind"]["status"] == "failed"
    attached = {name for result in found.values() for part in result["attachments"] for name in [part["source"]]}
    assert attached == {path.name for path in (tmp_path / "allure-results").glob("*-attachment.*")}
    assert {name for name, result in found.items() if result["attachments"]} == {
        rule.id for rule in broken.rules if rule.verdict in ("failed", "deviates")
    }


def test_allure_report_holds_the_same_counts(broken: Results, tmp_path: Path) -> None:
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("npm is missing, with which Allure is run")
    reports.write(broken, tmp_path)
    made = subprocess.run(
        [npx, "--yes", "allure@3", "generate", str(tmp_path / "allure-results"), "--output", str(tmp_path / "allure")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "npm error" in made.stderr:
        pytest.skip("npm cannot fetch Allure here")
    assert made.returncode == 0, made.stderr
    counts = json.loads((tmp_path / "allure" / "summary.json").read_text(encoding="utf-8"))["stats"]
    expected = Counter(rule.verdict.allure for rule in broken.rules)
    assert {status: counts.get(status, 0) for status in expected} == dict(expected)


def test_allure_through_pytest_has_a_result_for_each_rule(broken: Results, tmp_path: Path) -> None:
    tests = Path(__file__).parents[2] / "api" / "test_operations.py"
    with EmulatorProcess(faults=["operation.kind/image"]) as emulator:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                str(tests),
                "--url",
                emulator.url,
                "--only",
                "operation.*",
                "--alluredir",
                str(tmp_path / "allure"),
                "-n",
                "2",
                "-p",
                "no:cacheprovider",
            ],
            cwd=tests.parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1, done.stdout
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "allure").glob("*-result.json")]
    assert {result["name"] for result in found} == {rule.id for rule in broken.rules}
    assert len(found) == len(broken.rules)
    failed = {result["name"]: len(result["attachments"]) for result in found if result["status"] == "failed"}
    assert failed["operation.kind"] == 3
    assert len(list((tmp_path / "allure").glob("*-attachment.*"))) == sum(
        len(result["attachments"]) for result in found
    )


def test_page_of_thousands_of_breaches_stays_small(broken: Results) -> None:
    breach = next(rule for rule in broken.rules if rule.verdict == "failed").breaches[0]
    breach = breach.model_copy(update={"exchanges": breach.exchanges * 10})
    disaster = {"verdict": Verdict.FAILED, "breach_count": 5_000, "breaches": (breach,) * 14}
    results = broken.model_copy(update={"rules": tuple(rule.model_copy(update=disaster) for rule in broken.rules)})
    rendered = page.render(results)
    assert len(rendered.encode()) <= 5 * 2**20
    assert rendered.count("<article") <= 3 * len(results.rules)
    assert "5,000 breaches" in rendered
    assert 'data-script="py"' in rendered


def test_half_a_character_is_written_as_its_escape(hostile: Results, tmp_path: Path) -> None:
    path = write_results(hostile, tmp_path)
    assert read_results(path) == hostile


def test_time_line_shows_each_operation_in_order() -> None:
    request = Request(method="GET", url="", headers={}, body="")
    exchanges = tuple(
        ExchangeResult(
            number=number,
            method="globalOperations.get",
            request=request,
            response=Response(
                status=200,
                headers={},
                body=json.dumps({"kind": "compute#operation", "name": name, "status": status}),
            ),
            error=None,
            started=f"2026-01-01T00:00:0{number}+00:00",
            seconds=0.5,
        )
        for number, (name, status) in enumerate(
            [("one", "PENDING"), ("two", "DONE"), ("one", "RUNNING"), ("one", "DONE")]
        )
    )
    shown = Reproduction(shell="", command="")
    breach = BreachResult(message="", expected="", observed="", exchanges=exchanges, reproduce=shown)
    ((name, states),) = page.timelines(breach)
    assert name == "one"
    assert [(state.number, state.status) for state in states] == [(0, "PENDING"), (2, "RUNNING"), (3, "DONE")]
    assert [state.start for state in states] == sorted(state.start for state in states)
    assert all(state.width > 0 for state in states)


def test_timeline_of_calls_at_one_time() -> None:
    bars = [
        BarResult(exchange=1, text="insert", start_ms=0, end_ms=40, role="explained", place=1),
        BarResult(exchange=2, text="setLabels", start_ms=50, end_ms=90, role="explained", place=3),
        BarResult(exchange=3, text="deprecate", start_ms=60, end_ms=100, role="open"),
        BarResult(exchange=4, text="get", start_ms=100, end_ms=100, role="impossible"),
    ]
    shown = Reproduction(shell="", command="")
    breach = BreachResult(
        message="", expected="", observed="", exchanges=(), reproduce=shown, timeline=tuple(reversed(bars))
    )
    lanes = page.lanes(breach)
    assert [lane.bar for lane in lanes] == bars
    assert [lane.client for lane in lanes] == ["A", "A", "B", "A"]
    assert [lane.told for lane in lanes] == ["place 1", "place 3", "later, or not at all", "fits nowhere"]
    assert all(lane.width > 0 and lane.start + lane.width <= 100 for lane in lanes)


def test_page_draws_the_timeline_and_trusts_none_of_it(hostile: Results) -> None:
    text = page.render(hostile)
    assert text.count('<li class="impossible">') >= 1
    assert "fits nowhere" in text
    assert "<script>alert" not in text
