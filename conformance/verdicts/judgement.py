"""What was counted, turned into one verdict for each rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.contract import Rule
from conformance.verdicts.ledger import Ledger, Tally
from conformance.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Judgement:
    """The verdict on one rule.

    Attributes:
        verdict: the verdict.
        reason: why, in words, where the verdict does not say it all.
        cause: the rule that blocks this one, or the capability of the target that it needs and lacks; "" where there is none.
        root: the broken rule that explains this verdict: the rule itself, or the one at the end of the chain of causes; "" where
            nothing is broken.
    """

    verdict: Verdict
    reason: str = ""
    cause: str = ""
    root: str = ""


def judgements(
    rules: Mapping[str, Rule],
    ledger: Ledger,
    absent: Mapping[str, str],
    deselected: Iterable[str] = (),
    unreached: str = "",
) -> dict[str, Judgement]:
    """The verdict on every rule of the catalogue.

    Args:
        rules: the catalogue.
        ledger: what was counted.
        absent: the capabilities that the target lacks, each with the reason.
        deselected: rules that the user left out of this run.
        unreached: why the run ended before all scenarios had their turn; "" where it did not.
    """
    left_out = set(deselected)
    own = {rule.id: _own(rule, ledger, absent, left_out, unreached) for rule in rules.values()}
    return {rule.id: _blocked(rule, own, rules) or own[rule.id] for rule in rules.values()}


def _own(rule: Rule, ledger: Ledger, absent: Mapping[str, str], deselected: set[str], unreached: str) -> Judgement:
    """The verdict on a rule as if it stood alone."""
    tally = ledger.tallies.get(rule.id, Tally())
    seen = tally.observations > 0
    missing = [need for need in rule.needs if need in absent and not (seen and need.startswith("source."))]
    if rule.id in deselected:
        return Judgement(Verdict.LEFT_OUT, "left out of this run")
    if rule.id in ledger.errors and not tally.breaches:
        return Judgement(Verdict.ERROR, ledger.errors[rule.id])
    if missing:
        return Judgement(Verdict.NOT_APPLICABLE, absent[missing[0]], cause=missing[0])
    if tally.breaches:
        gated = rule.basis == "doc" and tally.breaches > tally.deviations
        return Judgement(Verdict.FAILED if gated else Verdict.DEVIATES, root=rule.id)
    if tally.observations:
        return Judgement(Verdict.PASSED)
    return Judgement(Verdict.NOT_EXERCISED, unreached or "no scenario of this run put the rule to the test")


def _blocked(rule: Rule, own: Mapping[str, Judgement], rules: Mapping[str, Rule]) -> Judgement | None:
    """A rule that fails, or was never tried, because one failed that it stands on, is blocked by that one."""
    if own[rule.id].verdict not in (Verdict.FAILED, Verdict.DEVIATES, Verdict.NOT_EXERCISED):
        return None
    cause = _failed_prerequisite(rule, own, rules, set())
    if not cause:
        return None
    return Judgement(Verdict.BLOCKED, f"{cause} {own[cause].verdict}", cause=cause, root=_root(cause, own, rules))


def _root(broken: str, own: Mapping[str, Judgement], rules: Mapping[str, Rule]) -> str:
    """The broken rule at the end of a chain of broken ones, each of which stands on the next."""
    seen = {broken}
    while deeper := _failed_prerequisite(rules[broken], own, rules, seen):
        broken = deeper
    return broken


def _failed_prerequisite(rule: Rule, own: Mapping[str, Judgement], rules: Mapping[str, Rule], seen: set[str]) -> str:
    for name in rule.requires:
        if name in seen or name not in rules:
            continue
        seen.add(name)
        if own[name].verdict in (Verdict.FAILED, Verdict.DEVIATES):
            return name
        deeper = _failed_prerequisite(rules[name], own, rules, seen)
        if deeper:
            return deeper
    return ""
