"""From the verdicts on rules to the one on the target: the one place where exit status, verdict and sentence are
decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from conformance.contract import catalogue
from conformance.contract.levels import Level
from conformance.verdicts.judgement import Judgement
from conformance.verdicts.ledger import Tally
from conformance.verdicts.results import Ending
from conformance.verdicts.standing import in_the_way
from conformance.verdicts.verdict import Exit, Outcome, Verdict


@dataclass(frozen=True)
class Conclusion:
    """What a run comes to: its exit status, the verdict on the target, and one sentence."""

    exit_status: Exit
    verdict: Outcome
    reason: str


def conclude(  # noqa: PLR0913 - all that an exit status depends on
    judgements: Mapping[str, Judgement],
    tallies: Mapping[str, Tally],
    ending: Ending,
    outdated: Sequence[str],
    *,
    strict: bool,
    complete: bool,
    level: str | None = None,
    whole: bool = True,
) -> Conclusion:
    """Concludes a run.

    Args:
        judgements: the verdict on each rule.
        tallies: what was counted of each rule.
        ending: why the run ended before its time.
        outdated: the rules of waivers that are to be removed.
        strict: whether deviations fail the run too.
        complete: whether rules that were never put to the test fail the run too.
        level: the level of which alone the rules fail the run; None where all do.
        whole: whether all rules that were to be tried had their turn.
    """
    rules = {verdict: [rule for rule, own in judgements.items() if own.verdict is verdict] for verdict in Verdict}
    failed = _first_things_first(
        [rule for rule, own in judgements.items() if own.verdict.under(strict=strict) is Verdict.FAILED], judgements
    )
    blocked = [rule for rule in rules[Verdict.BLOCKED] if _gates(rule, judgements, tallies, strict=strict)]
    broken_off = _broken_off(ending, failed)
    if broken_off is not None:
        return broken_off
    if level is not None:
        return _at_level(Level(level), judgements, ending.lost, whole=whole)
    mistake = f"the suite itself failed in {some(rules[Verdict.ERROR])}" if rules[Verdict.ERROR] else ""
    if failed:
        text = "; ".join(
            filter(None, [f"{count(failed, 'rule')} failed: {some(failed)}", mistake, *_refusals(judgements)])
        )
        return Conclusion(Exit.NOT_CONFORMANT, Outcome.NON_CONFORMANT, text)
    if mistake:
        return Conclusion(Exit.SUITE_ERROR, Outcome.INCONCLUSIVE, mistake)
    if ending.lost:
        return Conclusion(Exit.UNTESTABLE, Outcome.INCONCLUSIVE, ending.lost)
    if blocked:
        text = f"{count(blocked, 'rule')} could not be judged: {judgements[blocked[0]].reason}"
        return Conclusion(Exit.NOT_CONFORMANT, Outcome.NON_CONFORMANT, text)
    if complete and rules[Verdict.NOT_EXERCISED]:
        missing = rules[Verdict.NOT_EXERCISED]
        text = f"{count(missing, 'rule')} never put to the test: {some(missing)}"
        return Conclusion(Exit.NOT_CONFORMANT, Outcome.INCONCLUSIVE, text)
    if not any(own.verdict.tested for own in judgements.values()):
        return Conclusion(Exit.UNTESTABLE, Outcome.INCONCLUSIVE, "no rule was put to the test")
    exceptions = [
        f"{count(found, 'rule')} {word}: {some(found)}"
        for word, found in (("deviated", rules[Verdict.DEVIATES]), ("waived", rules[Verdict.WAIVED]))
        if found
    ]
    if outdated:
        exceptions.append(f"but {count(outdated, 'waiver')} to be removed: {some(outdated)}")
        text = "; ".join(["no rule fails that is not waived", *exceptions])
        return Conclusion(Exit.NOT_CONFORMANT, Outcome.INCONCLUSIVE, text)
    other = "other " if exceptions else ""
    text = "; ".join([f"all {other}rules that were put to the test hold", *exceptions, *_refusals(judgements)])
    return Conclusion(Exit.CONFORMANT, Outcome.CONFORMANT, text)


def _first_things_first(rules: list[str], judgements: Mapping[str, Judgement]) -> list[str]:
    """Rules in the order in which it is worth the while to mend them: first those that explain the most others."""
    explained = Counter(own.root for own in judgements.values())
    return sorted(rules, key=lambda rule: -explained[rule])


def _broken_off(ending: Ending, failed: Sequence[str]) -> Conclusion | None:
    """Concludes a run that came to no verdict; None for one that did."""
    if ending.crashed:
        known = f"; {count(failed, 'rule')} had failed by then: {some(failed)}" if failed else ""
        return Conclusion(Exit.UNTESTABLE, Outcome.INCONCLUSIVE, f"{ending.crashed}{known}")
    if ending.untestable:
        return Conclusion(Exit.UNTESTABLE, Outcome.INCONCLUSIVE, ending.untestable)
    if ending.died:
        return Conclusion(Exit.SUITE_ERROR, Outcome.INCONCLUSIVE, f"{ending.died}; what was known by then is written")
    if ending.interrupted:
        text = "the run was interrupted; what was known by then is written"
        return Conclusion(Exit.INTERRUPTED, Outcome.INCONCLUSIVE, text)
    return None


def _at_level(level: Level, judgements: Mapping[str, Judgement], lost: str, *, whole: bool) -> Conclusion:
    """Concludes a run that fails only where a target has not reached a level."""
    errors = [rule for rule in level.rules(catalogue()) if judgements[rule].verdict is Verdict.ERROR]
    if errors:
        return Conclusion(Exit.SUITE_ERROR, Outcome.INCONCLUSIVE, f"the suite itself failed in {some(errors)}")
    waived = {rule for rule, own in judgements.items() if own.verdict is Verdict.WAIVED}
    missing = [rule for rule in in_the_way(level, judgements, tried=whole) if rule not in waived]
    if missing:
        text = f"level {level} is not reached: {count(missing, 'rule')} in the way: {some(missing)}"
        return Conclusion(Exit.NOT_CONFORMANT, Outcome.NON_CONFORMANT, text)
    if lost:
        return Conclusion(Exit.UNTESTABLE, Outcome.INCONCLUSIVE, lost)
    reached = "is reached" if whole else "is not in doubt as far as this run goes"
    others = [rule for rule, own in judgements.items() if own.verdict in (Verdict.FAILED, Verdict.DEVIATES)]
    beyond = f"; {count(others, 'rule')} beyond it {'does' if len(others) == 1 else 'do'} not hold" if others else ""
    return Conclusion(Exit.CONFORMANT, Outcome.CONFORMANT, f"level {level} {reached}{beyond}")


def _refusals(judgements: Mapping[str, Judgement]) -> list[str]:
    """How many rules could not be put to the test for what the target refuses, and which fields that are."""
    causes = [
        catalogue()[judgement.cause].accepts
        for judgement in judgements.values()
        if judgement.verdict is Verdict.NOT_EXERCISED and judgement.cause in catalogue()
    ]
    fields = ", ".join(dict.fromkeys(filter(None, causes)))
    return (
        [f"{count(causes, 'rule')} could not be put to the test, since the target refuses {fields}"] if fields else []
    )


def _gates(rule: str, judgements: Mapping[str, Judgement], tallies: Mapping[str, Tally], *, strict: bool) -> bool:
    """Whether a blocked rule fails the run: not where its cause is waived, nor where all that is broken deviates."""
    cause = judgements.get(judgements[rule].cause)
    if cause is None or cause.verdict is Verdict.WAIVED:
        return cause is None
    tally = tallies.get(rule, Tally())
    deviates = catalogue()[rule].basis == "conv" or tally.breaches == tally.deviations
    return strict or not deviates or cause.verdict is not Verdict.DEVIATES


def count(items: Collection[str], noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def some(rules: Sequence[str], most: int = 3) -> str:
    """The first of these rules, and how many more there are."""
    more = f" and {len(rules) - most} more" if len(rules) > most else ""
    return ", ".join(rules[:most]) + more
