"""Levels of conformance: what a target has reached, what stands in the way of more, and a run that gates on one."""

from __future__ import annotations

import pytest

from conformance.contract import catalogue
from conformance.contract.levels import CORE, UNLESS_MET, Level
from conformance.verdicts.conclusion import conclude
from conformance.verdicts.judgement import Judgement
from conformance.verdicts.results import Ending, Standing
from conformance.verdicts.standing import in_the_way, standing
from conformance.verdicts.verdict import Exit, Verdict

DOCUMENTED = next(
    name for name, rule in catalogue().items() if rule.basis == "doc" and not rule.needs and name not in CORE
)
OPTIONAL = next(name for name, rule in catalogue().items() if rule.basis == "doc" and rule.needs)
CONVENTION = next(name for name, rule in catalogue().items() if rule.basis == "conv" and name not in CORE)


def judged(**changes: Verdict) -> dict[str, Judgement]:
    """All rules hold but these."""
    verdicts = {name.replace("__", "."): verdict for name, verdict in changes.items()}
    return {name: Judgement(verdicts.get(name, Verdict.PASSED)) for name in catalogue()}


def changed(rule: str, verdict: Verdict) -> dict[str, Judgement]:
    return judged() | {rule: Judgement(verdict)}


def test_core_names_rules_that_there_are() -> None:
    assert set(catalogue()) >= CORE >= UNLESS_MET


def test_levels_nest() -> None:
    core, standard, full = (level.rules(catalogue()) for level in Level)
    assert core < standard < full == set(catalogue())


@pytest.mark.parametrize(
    ("rule", "verdict", "reached"),
    [
        ("life.insert", Verdict.FAILED, None),
        ("life.insert", Verdict.NOT_EXERCISED, None),
        ("operation.self-link", Verdict.DEVIATES, None),
        ("operation.error-shape", Verdict.NOT_EXERCISED, Level.FULL),
        ("operation.error-shape", Verdict.FAILED, None),
        ("request-id.replay-while-running", Verdict.NOT_EXERCISED, Level.FULL),
        ("request-id.replay-while-running", Verdict.BLOCKED, None),
        (DOCUMENTED, Verdict.FAILED, Level.CORE),
        (DOCUMENTED, Verdict.BLOCKED, Level.CORE),
        (DOCUMENTED, Verdict.WAIVED, Level.CORE),
        (DOCUMENTED, Verdict.NOT_EXERCISED, Level.FULL),
        (OPTIONAL, Verdict.FAILED, Level.STANDARD),
        (OPTIONAL, Verdict.NOT_APPLICABLE, Level.STANDARD),
        (CONVENTION, Verdict.DEVIATES, Level.STANDARD),
    ],
)
def test_level_is_reached_where_its_rules_hold(rule: str, verdict: Verdict, reached: Level | None) -> None:
    found = standing(changed(rule, verdict))
    assert found.reached == reached
    assert found.in_the_way == (() if reached is Level.FULL else (rule,))


def test_rules_that_nothing_else_explains_come_first() -> None:
    found = judged(life__insert=Verdict.FAILED)
    found["request-id.absent"] = Judgement(Verdict.FAILED, root="life.insert")
    found["transport.json"] = Judgement(Verdict.FAILED, root="transport.json")
    assert in_the_way(Level.CORE, found)[-1] == "request-id.absent"


def test_rules_that_were_left_out_are_in_the_way_of_core_only_after_a_whole_run() -> None:
    found = changed("life.delete", Verdict.LEFT_OUT)
    assert in_the_way(Level.CORE, found) == ("life.delete",)
    assert in_the_way(Level.CORE, found, tried=False) == ()


@pytest.mark.parametrize(
    ("rule", "verdict", "level", "status"),
    [
        (DOCUMENTED, Verdict.FAILED, "core", Exit.CONFORMANT),
        (DOCUMENTED, Verdict.FAILED, "standard", Exit.NOT_CONFORMANT),
        ("life.insert", Verdict.FAILED, "core", Exit.NOT_CONFORMANT),
        ("life.insert", Verdict.WAIVED, "core", Exit.CONFORMANT),
        ("life.insert", Verdict.ERROR, "core", Exit.SUITE_ERROR),
        (DOCUMENTED, Verdict.ERROR, "core", Exit.CONFORMANT),
        (CONVENTION, Verdict.DEVIATES, "standard", Exit.CONFORMANT),
        (CONVENTION, Verdict.DEVIATES, "full", Exit.NOT_CONFORMANT),
    ],
)
def test_run_gates_on_a_level(rule: str, verdict: Verdict, level: str, status: Exit) -> None:
    found = conclude(changed(rule, verdict), {}, Ending(), [], strict=False, complete=False, level=level)
    assert found.exit_status == status
    assert f"level {level}" in found.reason or status is Exit.SUITE_ERROR


def test_standing_in_words() -> None:
    assert Standing(reached="full").words == "level full"
    assert Standing(following="core", in_the_way=("a.b",)).words == "no level reached; in the way of core is a.b"
    many = Standing(reached="core", following="standard", in_the_way=("a", "b", "c", "d"))
    assert many.words == "level core; in the way of standard are a, b, c and 1 more"


def test_run_whose_only_rule_deviates_has_put_it_to_the_test() -> None:
    left_out = {name: Judgement(Verdict.LEFT_OUT) for name in catalogue()}
    found = conclude(
        left_out | {CONVENTION: Judgement(Verdict.DEVIATES)}, {}, Ending(), [], strict=False, complete=False
    )
    assert (found.exit_status, found.reason) == (
        Exit.CONFORMANT,
        f"all other rules that were put to the test hold; 1 rule deviated: {CONVENTION}",
    )
    assert conclude(left_out, {}, Ending(), [], strict=False, complete=False).exit_status == Exit.UNTESTABLE


def test_lost_target_has_reached_no_level() -> None:
    lost = Ending(lost="it does not answer")
    found = conclude(judged(), {}, lost, [], strict=False, complete=False, level="core", whole=False)
    assert (found.exit_status, found.reason) == (Exit.UNTESTABLE, "it does not answer")


def test_what_explains_the_most_others_is_named_first() -> None:
    found = changed("transport.json", Verdict.FAILED)
    for rule in ("request-id.absent", "request-id.distinct"):
        found[rule] = Judgement(Verdict.FAILED, root="life.insert")
    found["life.insert"] = Judgement(Verdict.FAILED, root="life.insert")
    told = conclude(found, {}, Ending(), [], strict=False, complete=False).reason
    assert told.startswith("4 rules failed: life.insert, transport.json, request-id.")
