"""Which level of conformance a target has reached, and which rules stand between it and the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.contract import catalogue
from conformance.contract.clients import CLIENTS, EVERY_CLIENT, Client, needed
from conformance.contract.levels import UNLESS_MET, Level
from conformance.verdicts.judgement import Judgement
from conformance.verdicts.verdict import Verdict

UNSEEN = frozenset({Verdict.NOT_EXERCISED, Verdict.LEFT_OUT})
"""Verdicts of rules that were not put to the test."""

HARMFUL = frozenset({Verdict.FAILED, Verdict.DEVIATES, Verdict.BLOCKED, Verdict.WAIVED})
"""Verdicts of rules that a client which needs them cannot rely on."""


@dataclass(frozen=True)
class Standing:
    """Where a target stands.

    Attributes:
        reached: the highest level that it has reached; None for none.
        following: the next level; None where there is none above.
        in_the_way: the rules that stand between, those first that no other breach explains.
    """

    reached: Level | None
    following: Level | None
    in_the_way: tuple[str, ...]


def standing(judgements: Mapping[str, Judgement]) -> Standing:
    """Where a target stands, after a run that tried all rules.

    Args:
        judgements: the verdict on each rule.
    """
    reached: Level | None = None
    for level in Level:
        missing = in_the_way(level, judgements)
        if missing:
            return Standing(reached, level, missing)
        reached = level
    return Standing(reached, None, ())


def in_the_way(level: Level, judgements: Mapping[str, Judgement], *, tried: bool = True) -> tuple[str, ...]:
    """The rules that keep a target from a level, those first that no other breach explains.

    What every client needs has to be seen to hold, if the target ever does what it is about; elsewhere a rule that
    nothing could put to the test is not in the way.

    Args:
        level: the level.
        judgements: the verdict on each rule.
        tried: whether the run tried all rules; else those that it left out are not in the way either.
    """
    held = {Verdict.PASSED}
    if level is not Level.CORE or not tried:
        held |= UNSEEN
    if level is Level.STANDARD:
        held |= {Verdict.NOT_APPLICABLE}
    unmet = {rule for rule in UNLESS_MET if judgements[rule].verdict is Verdict.NOT_EXERCISED}
    found = [rule for rule in level.rules(catalogue()) - unmet if judgements[rule].verdict not in held]
    order = list(catalogue())
    return tuple(sorted(found, key=lambda rule: (judgements[rule].root not in ("", rule), order.index(rule))))


def clients_served(judgements: Mapping[str, Judgement]) -> list[tuple[Client, tuple[str, ...]]]:
    """What the verdicts mean for each client: the rules in its way, none where it works.

    Only clients are told all whose rules had their turn, and that something is known about: a rule is broken, or what
    every client needs was seen to hold.

    Args:
        judgements: the verdict on each rule.
    """
    if any(rule not in judgements for rule in catalogue()):
        return []
    found = []
    for client in CLIENTS:
        own = {rule: judgements[rule].verdict for rule in catalogue() if rule in needed(client.id)}
        broken = tuple(rule for rule, verdict in own.items() if verdict in HARMFUL)
        seen = all(own[rule] in (Verdict.PASSED, *HARMFUL) for rule in EVERY_CLIENT)
        if Verdict.LEFT_OUT not in own.values() and (broken or seen):
            found.append((client, broken))
    return found
