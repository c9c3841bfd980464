"""What a matrix shows of each target."""

from __future__ import annotations

from typing import Any

from helpers.made import made

from conformance.reports.columns import LINE_HEIGHT, LINE_WIDTH, Column, broken_alone, columns
from conformance.verdicts.snapshots import Snapshot, snapshot
from conformance.verdicts.verdict import Verdict


def run(day: int, verdicts: dict[str, str] | None = None, name: str = "one", **changes: Any) -> Snapshot:
    """A run of a target on a day of January."""
    return snapshot(made(verdicts or {}, started=f"2026-01-{day:02d}T00:00:00+00:00", **changes), name)


def only(*runs: Snapshot) -> Column:
    (column,) = columns(runs)
    return column


def test_latest_whole_run_is_shown_and_a_partial_one_told() -> None:
    first, second, part = run(1), run(2), run(3, {"image.id": "failed"}, partial="shard 1/2")
    for runs in ([first, second, part], [part, second, first], [second, part, first, second]):
        column = only(*runs)
        assert column.shown == second
        assert column.previous == first
        assert column.partial == part


def test_partial_run_of_before_is_forgotten() -> None:
    column = only(run(1, partial="shard 1/2"), run(2))
    assert (column.shown.started.day, column.partial, column.previous) == (2, None, None)


def test_partial_run_is_shown_where_there_is_no_other() -> None:
    column = only(run(1, partial="shard 1/2"), run(2, partial="shard 2/2"))
    assert (column.shown.started.day, column.partial, column.previous) == (2, None, None)
    assert column.changes == {"worse": [], "better": [], "gone": []}


def test_changes_since_the_last_whole_run() -> None:
    before = {"image.id": "failed", "image.kind": "passed", "labels.set": "", "life.patch": "", "life.get": "failed"}
    after = {"image.id": "passed", "image.kind": "deviates", "labels.set": "failed", "operation.id": ""}
    column = only(run(1, before), run(2, {"image.kind": "failed"}, partial="shard 1/2"), run(3, after))
    assert sorted(column.changes["worse"]) == ["image.kind", "labels.set"]
    assert column.changes["better"] == ["image.id"]
    assert column.changes["gone"] == ["operation.id"]
    assert column.was("image.id") is Verdict.FAILED
    assert column.was("labels.set") is None
    assert column.was("image.name.unique") is None


def test_rules_that_were_left_out_have_not_changed() -> None:
    column = only(run(1, {"image.id": "left_out"}), run(2, {"image.id": "failed"}))
    assert column.changes["worse"] == []


def test_broken_only_here() -> None:
    found = columns(
        [
            run(1, {"image.id": "failed", "image.kind": "failed"}, "one"),
            run(1, {"image.id": "waived", "labels.set": "deviates", "life.get": "blocked"}, "two"),
            run(1, {"labels.set": "blocked"}, "three"),
        ]
    )
    assert [column.shown.target for column in found] == ["one", "three", "two"]
    assert broken_alone(found) == [["image.kind"], [], ["labels.set"]]
    assert broken_alone(found[:1]) == [[]]


def test_line_rises_with_the_score() -> None:
    column = only(run(1, {"image.id": "failed", "image.kind": "failed"}), run(2, {"image.id": "failed"}), run(11))
    places = column.line
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)
    assert places[1][0] - places[0][0] < places[2][0] - places[1][0]
    assert all(0 <= x <= LINE_WIDTH and 0 <= y <= LINE_HEIGHT for x, y in places)
    assert only(run(1)).line == []


def test_line_of_runs_at_one_moment_can_be_drawn() -> None:
    assert len(only(run(1, command="a"), run(1, command="b")).line) == 2
