"""Rounds: every change meets every other, and what is drawn depends on nothing but the seed."""

from __future__ import annotations

import itertools
from random import Random

from conformance.strategies.rounds import ACTIONS, DRILLS, Round, drawn

CHANGES = {"insert", "label", "deprecate", "delete"}


def meeting(played: Round) -> set[frozenset[str]]:
    """The changes that different clients make at one time."""
    actions = [{move.action for move in moves} & CHANGES for moves in played.together]
    return {frozenset(pair) for one, two in itertools.combinations(actions, 2) for pair in itertools.product(one, two)}


def test_what_meets_in_the_drills() -> None:
    met = set().union(*map(meeting, DRILLS))
    assert {
        frozenset(pair) for pair in (("label", "deprecate"), ("delete", "deprecate"), ("label",), ("insert",))
    } <= met


def test_drills_end_with_a_change_that_hides_nothing() -> None:
    assert all(played.afterwards for played in DRILLS)


def test_random_rounds_are_those_of_their_seed() -> None:
    assert drawn(Random(7), 5) == drawn(Random(7), 5) != drawn(Random(8), 5)
    actions = {move.action for played in drawn(Random(7), 50) for moves in played.together for move in moves}
    assert actions == set(ACTIONS)
