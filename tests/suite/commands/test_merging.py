"""Results read back: rendered again, shards merged, runs compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import conformance

from conformance.reports import difference
from conformance.verdicts.results import Results, read_results
from conformance.verdicts.verdict import Verdict


def written(path: Path, results: Results | dict[str, Any]) -> str:
    """Writes results to a file; answers its name."""
    value = results.to_json() if isinstance(results, Results) else results
    path.write_text(json.dumps(value), encoding="utf-8")
    return path.name


def shards(results: Results) -> list[dict[str, Any]]:
    """Two shards that together are a run: each has put every other rule to the test."""
    parts = []
    for number in (1, 2):
        part = results.to_json()
        part["run"]["shard"] = f"{number}/2"
        for place, row in enumerate(part["rules"]):
            if place % 2 != number - 1 and row["verdict"] != "not_applicable":
                row |= {"verdict": "not_exercised", "observations": 0, "breach_count": 0, "deviation_count": 0}
                row |= {"first_breach_after_requests": None, "breaches": []}
        parts.append(part)
    return parts


def test_results_are_rendered_again(broken: Results, tmp_path: Path) -> None:
    name = written(tmp_path / "results.json", broken)
    done = conformance("report", name, "--out", "again", folder=tmp_path)
    assert done.returncode == broken.summary.exit_status == 1
    assert read_results(tmp_path / "again" / "results.json") == broken
    assert (tmp_path / "again" / "failures" / "image.kind" / "reproduce.sh").is_file()


def test_shards_are_the_run_that_they_are_of(broken: Results, tmp_path: Path) -> None:
    names = [written(tmp_path / f"{number}.json", part) for number, part in enumerate(shards(broken))]
    done = conformance("report", *names, "--out", "merged", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    merged = read_results(tmp_path / "merged" / "results.json")
    for was, now in zip(broken.rules, merged.rules, strict=True):
        assert (now.id, now.verdict, now.observations) == (was.id, was.verdict, was.observations)
        assert now.breaches == was.breaches
    assert merged.summary == broken.summary
    assert merged.cost.requests == 2 * broken.cost.requests
    assert merged.run.shard is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([{}, {"run": {"shard": "1/2"}}], ["both shard 1/2"]),
        ([{}, {"run": {"seed": 7}}], ["run.seed", "7"]),
        ([{}, {"target": {"project": "other"}}], ["target.project", "other"]),
        ([{}, {"target": {"name": "other"}}], ["target.name", "other"]),
        ([{"run": {"shard": "1/3"}}, {"run": {"shard": "2/3"}}], ["3/3", "missing"]),
        ([{"run": {"shard": None}}, {}], ["whole run"]),
        ([{"schema_version": 3}, {}], ["schema_version 3", "1 to 2"]),
        ([{"summary": {"verdict": 1}}, {}], ["summary/verdict"]),
    ],
)
def test_what_does_not_belong_together_is_refused(
    broken: Results, tmp_path: Path, changes: list[dict[str, Any]], words: list[str]
) -> None:
    names = []
    for number, (part, change) in enumerate(zip(shards(broken), changes, strict=True)):
        for key, value in change.items():
            part[key] = {**part[key], **value} if isinstance(value, dict) else value
        names.append(written(tmp_path / f"{number}.json", part))
    done = conformance("report", *names, folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr


def changed(results: Results, verdicts: dict[str, str]) -> Results:
    """The results with other verdicts; "" takes a rule out."""
    rules = tuple(
        row.model_copy(update={"verdict": Verdict(verdicts.get(row.id, row.verdict))})
        for row in results.rules
        if verdicts.get(row.id) != ""
    )
    return results.model_copy(update={"rules": rules})


def test_difference_of_two_runs(conformant: Results, tmp_path: Path) -> None:
    old = changed(conformant, {"image.kind": "passed", "image.id": "failed", "operation.id": ""})
    new = changed(conformant, {"image.kind": "failed", "image.id": "passed", "operation.kind": ""})
    names = [written(tmp_path / "old.json", old), written(tmp_path / "new.json", new)]
    done = conformance("diff", *names, "--markdown", "changes.md", "--html", "changes.html", folder=tmp_path)
    assert done.returncode == 1
    found = {change.rule: change.kind for change in difference.changes(old, new)}
    assert found == {
        "image.kind": "worse",
        "image.id": "better",
        "operation.kind": "vanished",
        "operation.id": "appeared",
    }
    for text in (
        done.stdout,
        (tmp_path / "changes.md").read_text(encoding="utf-8"),
        (tmp_path / "changes.html").read_text(encoding="utf-8"),
    ):
        assert all(rule in text and kind in text for rule, kind in found.items())


def test_no_difference_is_no_worse(conformant: Results, tmp_path: Path) -> None:
    name = written(tmp_path / "results.json", conformant)
    done = conformance("diff", name, name, folder=tmp_path)
    assert done.returncode == 0
    assert "no rule changed its verdict" in done.stdout


def test_what_a_run_left_out_got_no_worse(conformant: Results) -> None:
    part = changed(conformant, {"image.id": "left_out"})
    assert not difference.changes(conformant, part)
    assert not difference.changes(part, conformant)


@pytest.mark.parametrize("partial", ["shard 1/2", "the budget of 100 requests is spent"])
def test_what_a_partial_run_did_not_come_to_got_no_worse(conformant: Results, partial: str) -> None:
    part = changed(conformant, {"image.id": "not_exercised"})
    assert [change.kind for change in difference.changes(conformant, part)] == ["worse"]
    coverage = part.summary.coverage.model_copy(update={"partial": partial})
    part = part.model_copy(update={"summary": part.summary.model_copy(update={"coverage": coverage})})
    assert not difference.changes(conformant, part)
    assert not difference.changes(part, conformant)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"schema_version": 1}', '{"schema_version": [1]}', '{"schema_version": 1, "rules": [1]}'],
)
def test_what_is_no_results_file_is_a_mistake(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content, encoding="utf-8")
    for command in (["report", "other.json"], ["diff", "other.json", "other.json"], ["report", "missing.json"]):
        done = conformance(*command, folder=tmp_path)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
