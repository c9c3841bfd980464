"""What a target could do and no longer can: no regression looks like success."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue
from conformance.verdicts.collector import Collector
from conformance.verdicts.lock import Lock, held_to, read_lock, write_lock
from conformance.verdicts.results import Ending, Results, WaiverResult
from conformance.verdicts.verdict import Exit, Outcome, Verdict

LATER = datetime.now(UTC).date() + timedelta(30)
PATCHED = sorted(rule.id for rule in catalogue().values() if "patch" in rule.needs)


def results(verdicts: dict[str, Verdict], **capabilities: Any) -> Results:
    """Results of a run that found the target conformant: all rules hold but these."""
    made = Collector(Settings()).results()
    rules = tuple(rule.model_copy(update={"verdict": verdicts.get(rule.id, Verdict.PASSED)}) for rule in made.rules)
    summary = made.summary.model_copy(update={"verdict": Outcome.CONFORMANT, "exit_status": Exit.CONFORMANT})
    target = made.target.model_copy(update={"capabilities": {"patch": True, "wait": True, **capabilities}})
    run = made.run.model_copy(update={"ending": Ending()})
    return made.model_copy(update={"rules": rules, "summary": summary, "target": target, "run": run})


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    path = tmp_path / "capabilities.lock"
    write_lock(results({}), path)
    found = read_lock(Settings(lock=str(path)))
    assert found is not None
    return found


def without_patch() -> Results:
    return results(dict.fromkeys(PATCHED, Verdict.NOT_APPLICABLE), patch="PATCH answers 404")


def test_target_that_can_do_the_same_is_left_in_peace(lock: Lock) -> None:
    same = results({})
    assert held_to(lock, same) == same


def test_lost_capability_fails_the_run_and_says_why(lock: Lock) -> None:
    found = held_to(lock, without_patch())
    assert (found.summary.exit_status, found.summary.verdict) == (Exit.NOT_CONFORMANT, Outcome.INCONCLUSIVE)
    assert "can no longer do patch" in found.summary.reason
    assert "(PATCH answers 404)" in found.summary.reason
    assert PATCHED[0] in found.summary.reason


def test_rule_that_is_no_longer_put_to_the_test_fails_the_run(lock: Lock) -> None:
    found = held_to(lock, results({"image.kind": Verdict.NOT_EXERCISED}))
    assert found.summary.exit_status == Exit.NOT_CONFORMANT
    assert "image.kind is no longer put to the test" in found.summary.reason


@pytest.mark.parametrize("verdict", [Verdict.LEFT_OUT, Verdict.FAILED, Verdict.BLOCKED, Verdict.DEVIATES])
def test_rule_that_was_left_out_or_is_broken_is_no_loss(lock: Lock, verdict: Verdict) -> None:
    assert held_to(lock, results({"image.kind": verdict})).summary.exit_status == Exit.CONFORMANT


@pytest.mark.parametrize(("rules", "status"), [(PATCHED, Exit.CONFORMANT), (PATCHED[:-1], Exit.NOT_CONFORMANT)])
def test_loss_is_waived_with_all_its_rules(lock: Lock, rules: list[str], status: Exit) -> None:
    waivers = tuple(
        WaiverResult(
            rule=rule, target="*", reason="later", link=None, expires=LATER, intermittent=False, state="unused"
        )
        for rule in rules
    )
    found = held_to(lock, without_patch().model_copy(update={"waivers": waivers}))
    assert found.summary.exit_status == status


def test_new_capability_is_told_and_fails_nothing(lock: Lock) -> None:
    found = held_to(lock, results({}, list=True))
    assert found.summary.exit_status == Exit.CONFORMANT
    assert any("new since the lock was written: list" in note for note in found.notes)


def test_run_that_ended_early_is_not_compared(lock: Lock) -> None:
    short = without_patch()
    short = short.model_copy(update={"run": short.run.model_copy(update={"ending": Ending(spent="all was spent")})})
    assert held_to(lock, short) == short


def test_file_that_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "it.lock").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"the lock .* is none that `conformance run --update-lock` has written"):
        read_lock(Settings(lock=str(tmp_path / "it.lock")))
