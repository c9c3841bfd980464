"""Reports render what results.json holds, and trust none of it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

import reports
from conformance.emulator.process import EmulatorProcess
from conformance.results import Collector
from conformance.runner import judge
from conformance.settings import Settings

HOSTILE = "<script>alert('pwned')</script>\x1b[31m]]>&\u202e"
TOKEN = "token-that-must-not-be-seen"


@pytest.fixture(scope="module")
def broken() -> dict[str, Any]:
    """The results of a run against a broken emulator, with a credential that the run was given."""
    with EmulatorProcess(faults=["image.kind/disk", "encryption.never-echoed/in-image"]) as emulator:
        settings = Settings(url=emulator.url, header=(f"Authorization: Bearer {TOKEN}",), workers=1)
        return judge(settings, focus=("image.kind", "encryption.never-echoed"))


def hostile(results: dict[str, Any]) -> dict[str, Any]:
    """The results as a hostile target would have them."""
    changed: dict[str, Any] = json.loads(json.dumps(results))
    changed["target"]["project"] = HOSTILE
    changed["summary"]["reason"] = HOSTILE
    for rule in changed["rules"]:
        for breach in rule["breaches"]:
            breach["message"] = breach["observed"] = HOSTILE
            for exchange in breach["exchanges"]:
                if exchange["response"]:
                    exchange["response"]["body"] = HOSTILE
    return changed


def test_all_files_are_written(broken: dict[str, Any], tmp_path: Path) -> None:
    reports.write(broken, tmp_path)
    for name in ("report.html", "summary.md", "junit.xml", "badge.svg", "failures/image.kind/reproduce.sh"):
        assert (tmp_path / name).stat().st_size > 100, name


def test_page_is_self_contained_and_escapes(broken: dict[str, Any], tmp_path: Path) -> None:
    reports.write(hostile(broken), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert "\x1b" not in page
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)


def test_junit_has_one_case_for_each_rule(broken: dict[str, Any], tmp_path: Path) -> None:
    for number, results in enumerate((broken, hostile(broken))):
        reports.write(results, tmp_path / str(number))
        root = ElementTree.parse(tmp_path / str(number) / "junit.xml").getroot()
        cases = {case.get("name"): case for case in root.iter("testcase")}
        assert set(cases) == {rule["id"] for rule in broken["rules"]}
        failed = {name for name, case in cases.items() if case.find("failure") is not None}
        assert failed == {rule["id"] for rule in broken["rules"] if rule["verdict"] == "failed"}


def test_no_credential_is_in_any_file(broken: dict[str, Any], tmp_path: Path) -> None:
    reports.write(broken, tmp_path)
    (tmp_path / "results.json").write_text(json.dumps(broken), encoding="utf-8")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert TOKEN not in text, path.name
            assert '"rawKey": "SW1h' not in text, path.name


def test_results_keep_their_schema(broken: dict[str, Any]) -> None:
    schema = json.loads((Path(reports.__file__).parent / "results.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for results in (broken, Collector(Settings()).results()):
        validator.validate(results)


def test_every_rule_stands_in_the_results_of_a_run_that_never_began() -> None:
    results = Collector(Settings()).results()
    assert results["summary"]["verdict"] == "inconclusive"
    assert {rule["verdict"] for rule in results["rules"]} == {"not_exercised"}
