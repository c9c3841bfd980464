"""Results of earlier suites stay readable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.first_version import first_file

from conformance.config.settings import UsageError
from conformance.reports import writing
from conformance.verdicts import results as results_model
from conformance.verdicts.results import SCHEMA_VERSION, read_results
from conformance.verdicts.verdict import Verdict


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


@pytest.mark.parametrize("id", ["../../image", "\x1b[2J", "image.kind\n", ""])
def test_rule_is_named_as_rules_are(tmp_path: Path, id: str) -> None:
    value = first_file()
    value["rules"][0]["id"] = id
    with pytest.raises(UsageError, match="rules/0/id breaks its JSON Schema"):
        read_results(written(tmp_path, value))


def test_file_without_end_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as /dev/zero: what is read of it has a limit."""
    path = written(tmp_path, first_file())
    monkeypatch.setattr(results_model, "FILE_MAXIMUM", path.stat().st_size - 1)
    with pytest.raises(UsageError, match="larger than"):
        read_results(path)
