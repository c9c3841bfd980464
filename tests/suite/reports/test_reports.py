"""Reports render what results.json holds, and trust none of it."""

from __future__ import annotations

import hashlib
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

from conformance.config.settings import Settings
from conformance.emulator.process import EmulatorProcess
from conformance.reports import badge, junit, markdown, schema, writing
from conformance.reports import html as page
from conformance.verdicts.collector import Collector
from conformance.verdicts.results import Coverage, Results, read_results, write_results
from conformance.verdicts.verdict import Exit, Outcome, Verdict

TOKEN = "token-that-must-not-be-seen"
KEY = re.compile(r"rawKey\W+(?!UkVEQUNURUR)[A-Za-z0-9+/]{43}=")


def test_all_files_are_written(broken: Results, tmp_path: Path) -> None:
    writing.write(broken, tmp_path)
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
    writing.write(hostile, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert "\x1b" not in page
    assert not re.findall(r"""src=|url\(|@import|<(?:link|img|iframe|object|base)\b""", page)
    abroad = set(re.findall(r"""<a href=["']?((?:https?:)?//[^"'/]*)""", page))
    assert abroad == {"https://cloud.google.com"}, "only the API reference is linked to"


def test_junit_has_one_case_for_each_rule(broken: Results, hostile: Results, tmp_path: Path) -> None:
    for number, results in enumerate((broken, hostile)):
        writing.write(results, tmp_path / str(number))
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
    writing.write(broken, tmp_path)
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
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(), (
        "python -m conformance.reports.schema makes it anew"
    )


def test_every_rule_stands_in_the_results_of_a_run_that_never_began() -> None:
    results = Collector(Settings()).results()
    assert results.summary.verdict == "inconclusive"
    assert {rule.verdict for rule in results.rules} == {"not_exercised"}


def test_allure_has_one_result_for_each_rule(broken: Results, tmp_path: Path) -> None:
    writing.write(broken, tmp_path)
    writing.write(broken, tmp_path)
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
    writing.write(broken, tmp_path)
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


def test_page_of_a_disaster_stays_small(disaster: Results) -> None:
    rendered = page.render(disaster)
    assert len(rendered.encode("utf-8", "backslashreplace")) < 1_000_000
    assert "5,000 breaches" in rendered
    assert 'class="aligned"' in rendered
    assert "The page is full" in rendered, "what is left out is said"
    assert "and 575 more" in rendered
    for rule in disaster.rules:
        assert f'id="{rule.id}"' in rendered


def test_digest_is_that_of_the_file(hostile: Results, tmp_path: Path) -> None:
    path = write_results(hostile, tmp_path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == hostile.digest
    assert hostile.digest in page.render(hostile)
    assert read_results(path).digest == hostile.digest


def test_rules_that_a_sentence_names_are_links(broken: Results) -> None:
    reason = "1 rule failed: image.kind; no rule is image.kind-of"
    held = broken.model_copy(update={"summary": broken.summary.model_copy(update={"reason": reason})})
    assert '1 rule failed: <a href="#image.kind">image.kind</a>; no rule is image.kind-of' in page.render(held)


def test_head_of_a_page_tells_a_reason_once(broken: Results) -> None:
    reason = "the target does not answer"
    summary = broken.summary
    partial = summary.coverage.model_copy(update={"partial": reason})
    told = summary.model_copy(update={"reason": reason, "coverage": partial})
    head, _, _ = page.render(broken.model_copy(update={"summary": told})).partition("</header>")
    assert head.count(f"{reason}</p>") == 1


def test_half_a_character_is_written_as_its_escape(hostile: Results, tmp_path: Path) -> None:
    path = write_results(hostile, tmp_path)
    assert read_results(path) == hostile


def test_page_draws_the_timeline_and_trusts_none_of_it(hostile: Results) -> None:
    text = page.render(hostile)
    assert text.count('<li class="impossible">') >= 1
    assert "fits nowhere" in text
    assert "<script>alert" not in text
