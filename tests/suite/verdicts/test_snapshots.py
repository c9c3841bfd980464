"""What a history keeps of runs, and how it is read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.made import made

from conformance.config.settings import UsageError
from conformance.verdicts.snapshots import DATES_MAXIMUM, TEXT_MAXIMUM, Snapshot, keep, kept, snapshot

HOSTILE = "../../<script>\x1b\ud800"


def taken(verdicts: dict[str, str] | None = None, name: str = "", **changes: Any) -> Snapshot:
    """A snapshot of results made by hand."""
    return snapshot(made(verdicts or {}, **changes), name)


@pytest.mark.parametrize(
    ("given", "target", "name"),
    [
        ("other", {"name": "own"}, "other"),
        ("", {"name": "own"}, "own"),
        ("", {"url": "http://127.0.0.1:8080"}, "127.0.0.1:8080"),
        ("", {"url": "the embedded emulator"}, "the embedded emulator"),
        ("", {"url": ""}, "unnamed"),
    ],
)
def test_target_is_called_as_its_user_says(given: str, target: dict[str, str], name: str) -> None:
    assert taken(name=given, target=target).target == name


@pytest.mark.parametrize(
    ("changes", "partial"),
    [
        ({}, ""),
        ({"partial": "shard 1/2"}, "shard 1/2"),
        ({"profile": "recording"}, "a recording"),
        ({"profile": "tap"}, "a recording"),
    ],
)
def test_what_did_not_try_all_rules_is_partial(changes: dict[str, Any], partial: str) -> None:
    found = taken(**changes).partial
    assert found.startswith(partial)
    assert bool(found) == bool(partial)


def test_score_counts_what_came_to_a_verdict() -> None:
    verdicts = {"image.id": "failed", "image.kind": "blocked", "labels.set": "not_exercised", "life.patch": "left_out"}
    found = taken(verdicts)
    assert found.judged == len(found.verdicts) - 2
    assert found.score == pytest.approx(100 * (found.judged - 2) / found.judged)
    assert taken(dict.fromkeys(found.verdicts, "not_exercised")).score == 0


def test_first_breach_is_kept_and_short() -> None:
    found = taken({"image.id": "failed", "labels.set": "not_exercised"})
    assert found.told == {"image.id": "<b>image.id</b> is failed"}
    results = made({"image.id": "failed"})
    long = tuple(rule.model_copy(update={"reason": "a\n" * 1000}) for rule in results.rules)
    told = snapshot(results.model_copy(update={"rules": long})).told["image.id"]
    assert len(told) == TEXT_MAXIMUM
    assert "\n" not in told


@pytest.mark.parametrize("name", ["emulator", "My Server", HOSTILE, "\u540d", "a" * 500, ".", "con/../x", "a_b"])
def test_history_is_read_as_it_was_kept(tmp_path: Path, name: str) -> None:
    found = taken({"image.id": "failed"}, name)
    keep(found, tmp_path / "history")
    keep(found, tmp_path / "history")
    (file,) = (path for path in (tmp_path / "history").rglob("*") if path.is_file())
    assert file.parent.parent == tmp_path / "history"
    assert file.stat().st_size < 40_000
    assert [again.model_dump() for again in kept(tmp_path / "history")] == [found.model_dump()]


def test_names_that_look_alike_are_targets_of_their_own() -> None:
    names = ("a b", "a-b", "A-B", "a_b", "a/b", "a.b")
    assert len({taken(name=name).slug.casefold() for name in names}) == len(names)


def test_runs_of_one_second_are_kept_apart(tmp_path: Path) -> None:
    for shard in ("1/2", "2/2"):
        keep(taken(shard=shard, partial=f"shard {shard}", started="2026-01-01T00:00:00+00:00"), tmp_path)
    assert len(list(kept(tmp_path))) == 2


def test_latest_are_read_of_a_long_history(tmp_path: Path) -> None:
    first = taken()
    for number in range(DATES_MAXIMUM + 2):
        (tmp_path / "a").mkdir(exist_ok=True)
        text = json.dumps(first.model_dump(mode="json"))
        (tmp_path / "a" / f"{number:04d}.json").write_text(text if number > 1 else "[]", encoding="utf-8")
    assert len(list(kept(tmp_path))) == DATES_MAXIMUM


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "the file itself"),
        ('{"schema_version": 2}', "schema_version"),
        ({"target": ""}, "target"),
        ({"started": "yesterday"}, "started"),
        ({"started": "2026-01-01T00:00:00"}, "started"),
        ({"started": "0001-01-01T00:00:00+14:00"}, "started"),
        ({"rules": {"good": []}}, "rules"),
        ({"key": "../../x"}, "key"),
    ],
)
def test_file_that_is_none_of_a_history_is_a_mistake(tmp_path: Path, content: Any, word: str) -> None:
    (tmp_path / "a").mkdir()
    text = content if isinstance(content, str) else json.dumps({**taken().model_dump(mode="json"), **content})
    (tmp_path / "a" / "1.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=word):
        list(kept(tmp_path))


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"profile": "client"}, "judged a client"), ({"started": "once"}, "no time"), ({"started": ""}, "no time")],
)
def test_run_that_has_no_place_in_a_matrix(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        taken(**changes)


@pytest.mark.parametrize("rule", ["", "<b>", 'a" onclick="', "a b", "a\x1b", "\ud800", "image.id\n"])
def test_what_can_be_no_rule_has_no_place_in_a_matrix(rule: str) -> None:
    results = made({})
    rules = (results.rules[0].model_copy(update={"id": rule}), *results.rules[1:])
    with pytest.raises(UsageError, match="names a rule that can be none"):
        snapshot(results.model_copy(update={"rules": rules}))
