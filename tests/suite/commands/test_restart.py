"""A target that is killed and started again: what it has lost is found, and what it may do is left in peace."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from helpers.command_line import conformance

from conformance.commands.durability import judge_durability
from conformance.commands.started_target import StartedTarget
from conformance.config.settings import Settings
from conformance.contract import durability_catalogue
from conformance.verdicts.verdict import Verdict

pytestmark = pytest.mark.slow

FORGETFUL = Path(__file__).parents[1] / "helpers" / "forgetful_target.py"
HABITS = (
    (
        "durability.images",
        "DELETE FROM images WHERE rowid = (SELECT rowid FROM images ORDER BY rowid DESC LIMIT 1 OFFSET 1)",
    ),
    (
        "durability.operations",
        "UPDATE operations SET value = json_set(value, '$.fields.targetId', '7') "
        "WHERE rowid = (SELECT rowid FROM operations ORDER BY rowid DESC LIMIT 1 OFFSET 1)",
    ),
    ("durability.request-ids", "DELETE FROM requests"),
    (
        "durability.running-operations",
        "UPDATE operations SET value = json_set(value, '$.done_at', 1e12) "
        "WHERE rowid = (SELECT max(rowid) FROM operations)",
    ),
)
"""What a target does to its state: the image that is made last is under way when it is killed, that before is done."""

FAIR = (
    "",
    # What was running is given up, and says so.
    "UPDATE operations SET value = json_set(value, '$.error', json_array(500, 'ABORTED', 'It was broken off.')) "
    "WHERE rowid = (SELECT max(rowid) FROM operations); "
    "DELETE FROM images WHERE rowid = (SELECT max(rowid) FROM images)",
)


def broken(statement: str, folder: Path) -> set[str]:
    """The rules that a target breaks which does so much to its state before it starts again."""
    command = shlex.join([sys.executable, str(FORGETFUL), "{port}", str(folder / "state.db"), statement])
    settings = Settings(start=command, out=folder, deadline=3, reports=("none",))
    with StartedTarget(command, None, 30, folder) as target:
        results = judge_durability(settings, target)
    assert {row.verdict for row in results.rules} <= {Verdict.PASSED, Verdict.DEVIATES}, results.summary.reason
    assert not results.cost.images_left
    return {row.id for row in results.rules if row.verdict is Verdict.DEVIATES}


@pytest.mark.parametrize(("rule", "statement"), HABITS)
def test_what_is_lost_is_found_by_its_rule_alone(rule: str, statement: str, tmp_path: Path) -> None:
    assert broken(statement, tmp_path) == {rule}


@pytest.mark.parametrize("statement", FAIR)
def test_what_is_kept_is_left_in_peace(statement: str, tmp_path: Path) -> None:
    assert not broken(statement, tmp_path)


def test_every_rule_has_a_habit_that_breaks_it() -> None:
    assert {rule for rule, _ in HABITS} == durability_catalogue().keys()


@pytest.mark.parametrize(
    ("options", "state", "status"), [((), False, 0), (("--strict",), False, 1), (("--strict",), True, 0)]
)
def test_run_tells_it_apart(options: tuple[str, ...], state: bool, status: int, tmp_path: Path) -> None:
    kept = ["--state", "state.db"] if state else []
    start = shlex.join([sys.executable, "-m", "conformance", "emulator", "--port", "{port}", *kept])
    words = ("run", "--start", start, "--restart-between", "--only", "image.kind", "--reports", "html", *options)
    done = conformance(*words, folder=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    assert ("after a restart: 4 rules held" if state else "after a restart: 4 of 4 rules broken") in done.stdout
    out = tmp_path / "compliance-report"
    own = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert not [row for row in own["rules"] if row["area"] == "durability"]
    assert own["summary"]["exit_status"] == 0
    apart = json.loads((out / "durability" / "results.json").read_text(encoding="utf-8"))
    assert {row["id"] for row in apart["rules"]} == durability_catalogue().keys()
    assert (out / "durability" / "report.html").exists()


def test_target_that_does_not_come_back_is_no_conformant_one(tmp_path: Path) -> None:
    start = (
        f"sh -c 'test ! -e started && touch started && exec {sys.executable} -m conformance emulator --port {{port}}'"
    )
    done = conformance("run", "--start", start, "--restart-between", "--only", "image.kind", folder=tmp_path)
    assert done.returncode == 3
    assert "after a restart: the target that --start began ended with status 1" in done.stdout


def test_without_a_start_there_is_no_restart(tmp_path: Path) -> None:
    done = conformance("run", "--restart-between", folder=tmp_path)
    assert done.returncode == 2
    assert "restart-between needs --start" in done.stderr
