"""A breach is tried again before it is a verdict: what is seen again is confirmed, what is not is intermittent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from helpers.bad_target import Answer, Asked, BadTarget, changed, in_front_of
from helpers.story import ROOT
from hypothesis import given
from hypothesis import strategies as st

from conformance.commands.run import judge
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess
from conformance.scenario.confirmations import CASES_MAXIMUM, Confirmations, Outcome
from conformance.scenario.scenario import fixed_names
from conformance.trace.exchange import Exchange, Request, Response, Trace
from conformance.verdicts.ledger import Tally
from conformance.verdicts.results import Results, RuleResult
from conformance.verdicts.verdict import Exit, Verdict

PREFLIGHT = 60
"""More requests than a run sends before its scenarios."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with EmulatorProcess() as process:
        yield process.url


def spoiled(times: int) -> Callable[[Asked, Answer], Answer | None]:
    """Takes an image's kind for a disk's, so many times."""
    left = [times]

    def change(asked: Asked, answer: Answer) -> Answer | None:
        if not left[0] or asked.verb != "GET" or b'"compute#image"' not in answer.body:
            return None
        left[0] -= 1
        return replace(answer, body=answer.body.replace(b'"compute#image"', b'"compute#disk"'))

    return change


def judged(emulator: str, times: int, **more: object) -> Results:
    """What a run says of a target that spoils some answers."""
    with BadTarget(in_front_of(emulator, changed(spoiled(times), after=PREFLIGHT))) as target:
        given = {
            "url": target.url,
            "only": ("image.kind", "image.id"),
            "workers": 1,
            "sources": embedded_sources("conformance"),
        }
        return judge(Settings.model_validate({**given, **more}))


def row(results: Results) -> RuleResult:
    return next(rule for rule in results.rules if rule.id == "image.kind")


def test_breach_that_is_seen_again_is_confirmed(emulator: str) -> None:
    results = judged(emulator, 10**6)
    assert (row(results).confirmation, row(results).verdict) == ("confirmed 3/3", Verdict.FAILED)
    assert results.summary.exit_status is Exit.NOT_CONFORMANT


def test_breach_that_is_not_seen_again_is_intermittent_and_reported(emulator: str) -> None:
    results = judged(emulator, 1)
    assert (row(results).confirmation, row(results).verdict) == ("intermittent 0/3", Verdict.DEVIATES)
    assert row(results).shown is not None
    assert "intermittent 0/3" in row(results).reason
    assert results.summary.exit_status is Exit.CONFORMANT


def test_what_an_earlier_try_has_left_is_no_sign_that_the_rule_holds() -> None:
    """Its name is taken for good: no path may have it, so nobody can delete it by name, or see that it is there."""
    with EmulatorProcess(faults=("image.name.length/64-out-of-reach",)) as process:
        only = Settings(
            url=process.url, only=("image.name.length",), workers=1, sources=embedded_sources("conformance")
        )
        own = next(rule for rule in judge(only).rules if rule.id == "image.name.length")
    assert (own.verdict, own.confirmation) == (Verdict.FAILED, "unconfirmed")


@pytest.mark.parametrize("name", ["", None, 7])
def test_name_that_is_none_is_left_as_well(name: object) -> None:
    """Nobody can ask for it, and a target that took it has it from then on."""
    request = Request("POST", f"{ROOT}/images", {}, json.dumps({"name": name}).encode())
    made, taken = Exchange(1, request, Response(200)), Exchange(2, request, Response(409))
    assert fixed_names(Trace((taken,)), "conformance") == (frozenset(), True)
    assert fixed_names(Trace((made, taken)), "conformance") == (frozenset(), False)


def test_request_id_that_is_used_up_is_no_sign_that_the_rule_holds() -> None:
    """The zero UUID is taken once, and is then a conflict for ever."""
    seen: list[bool] = []

    def change(asked: Asked, answer: Answer) -> Answer | None:
        if asked.verb != "POST" or str(UUID(int=0)) not in asked.target:
            return None
        seen.append(True)
        return None if len(seen) == 1 else replace(answer, status=409, body=b'{"error": {"code": 409, "message": "x"}}')

    with (
        EmulatorProcess(faults=("request-id.zero-refused/unchecked",)) as process,
        BadTarget(in_front_of(process.url, changed(change))) as target,
    ):
        only = Settings(
            url=target.url, only=("request-id.zero-refused",), workers=1, sources=embedded_sources("conformance")
        )
        own = next(rule for rule in judge(only).rules if rule.id == "request-id.zero-refused")
    assert (own.verdict, own.confirmation) == (Verdict.FAILED, "unconfirmed")


@pytest.mark.parametrize("setting", [{"intermittent": "fail"}, {"profile": "ci"}])
def test_intermittent_breach_fails_where_that_is_asked_for(emulator: str, setting: dict[str, str]) -> None:
    results = judged(emulator, 1, **setting)
    assert (row(results).confirmation, row(results).verdict) == ("intermittent 0/3", Verdict.FAILED)
    assert results.summary.exit_status is Exit.NOT_CONFORMANT


@pytest.mark.parametrize(("times", "verdict"), [(1, Verdict.WAIVED), (10**6, Verdict.FAILED)])
def test_waiver_for_what_is_broken_at_times_only(emulator: str, tmp_path: Path, times: int, verdict: Verdict) -> None:
    waiver = {
        "rule": '"image.kind"',
        "target": '"*"',
        "reason": '"known"',
        "link": '"https://issues/1"',
        "expires": str(datetime.now(UTC).date() + timedelta(30)),
        "intermittent": "true",
    }
    path = tmp_path / "waivers.toml"
    path.write_text("[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in waiver.items()), encoding="utf-8")
    results = judged(emulator, times, waivers=str(path), intermittent="fail")
    assert row(results).verdict is verdict


def test_real_tries_once_and_a_correct_target_costs_nothing_more(emulator: str) -> None:
    assert PROFILES["real"].confirmations == 1
    one, two = (
        judge(
            Settings(url=emulator, only=("image.kind",), workers=1, sources=embedded_sources("conformance")),
            profile=replace(PROFILES["quick"], confirmations=tries),
        )
        for tries in (3, 0)
    )
    assert one.cost.images_created == two.cost.images_created


def outcome(number: int, *rules: str, severely: bool = True) -> Outcome[int]:
    return Outcome(number, dict.fromkeys(rules, severely), (0, 0, number, 0))


def test_smallest_case_of_each_rule_is_tried_again() -> None:
    tried = Confirmations(3, lambda *told: None)
    seen = [outcome(9, "a", "b", "c"), outcome(2, "a"), outcome(4, "b"), outcome(1)]
    assert {one.case: rules for one, rules in tried.chosen(seen)} == {2: {"a": True}, 4: {"b": True}, 9: {"c": True}}


def test_deviation_does_not_confirm_a_failure() -> None:
    counted: list[tuple[str, int, int]] = []
    tried = Confirmations(3, lambda *told: counted.append(told))
    ((_, rules),) = tried.chosen([outcome(1, "a", severely=False), outcome(2, "a")])
    tried.conclude(rules, [outcome(1, "a", severely=False)] * 3)
    assert counted == [("a", 0, 3)]
    assert tried.intermittent("a")


def test_trying_again_has_its_bounds() -> None:
    tried = Confirmations(3, lambda *told: None)
    many = [outcome(5, f"rule {number}") for number in range(50)]
    assert len(tried.chosen(many)) == CASES_MAXIMUM
    assert not tried.chosen([outcome(100, "dear")])
    tried.note([outcome(1000)])
    assert tried.chosen([outcome(100, "dear")])


def test_what_was_cut_off_is_no_try() -> None:
    counted: list[tuple[str, int, int]] = []
    tried = Confirmations(3, lambda *told: counted.append(told))
    tried.conclude({"a": True}, [outcome(1, "a"), replace(outcome(1), cut=True)])
    tried.conclude({"b": True}, [replace(outcome(1), cut=True)])
    assert counted == [("a", 1, 1)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)).filter(lambda pair: pair[0] <= pair[1])), st.randoms())
def test_tallies_agree_in_any_order(tries: list[tuple[int, int]], random: Random) -> None:
    shuffled = list(tries)
    random.shuffle(shuffled)
    found = []
    for order in (tries, shuffled):
        whole = Tally(breaches=1)
        for again, count in order:
            whole.add(Tally(again=again, tries=count))
        found.append(whole.confirmation)
    assert found[0] == found[1]
    assert (found[0] == "unconfirmed") == (not tries)
