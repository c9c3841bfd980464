"""What scenario tests say of themselves by their markers: the rules that they exercise, and what they need."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from conformance.contract import catalogue, matching
from conformance.verdicts.findings import Findings

EXERCISES = "exercises"
WITHOUT_INSERT = "without_insert"
SPARING = "sparing"

_RULES = pytest.StashKey[frozenset[str]]()


def exercised(item: pytest.Item) -> frozenset[str]:
    """The rules that a scenario test says it puts to the test.

    Raises:
        pytest.UsageError: a glob of its markers matches no rule.
    """
    if _RULES not in item.stash:
        rules: set[str] = set()
        for marker in item.iter_markers(EXERCISES):
            for glob in marker.args:
                found = _of_catalogue(glob)
                if not found:
                    raise pytest.UsageError(f"{item.nodeid} exercises {glob}, which matches no rule")
                rules |= found
        item.stash[_RULES] = frozenset(rules)
    return item.stash[_RULES]


def superfluous(items: Sequence[pytest.Item], *, sparing: bool) -> set[pytest.Item]:
    """The scenarios that a run does without: those that do with few images what others do with many, or those others.

    Args:
        items: all scenarios.
        sparing: whether the run has to do with few images. Then it leaves out each scenario whose rules the sparing
            ones put to the test, all of them.
    """
    stand_ins = {item for item in items if item.get_closest_marker(SPARING)}
    if not sparing:
        return stand_ins
    covered = frozenset[str]().union(*map(exercised, stand_ins))
    return {item for item in items if item not in stand_ins and exercised(item) and exercised(item) <= covered}


@cache
def _of_catalogue(glob: str) -> frozenset[str]:
    return frozenset(matching([glob], catalogue()))


def reason_to_skip(item: pytest.Item, findings: Findings) -> str:
    """Why the target does not allow a scenario; "" where it does."""
    rules = exercised(item)
    absent = [[findings.absent[need] for need in catalogue()[name].needs if need in findings.absent] for name in rules]
    if rules and all(absent):
        return absent[0][0]
    return "" if item.get_closest_marker(WITHOUT_INSERT) else findings.broken


def short_name(item: pytest.Item) -> str:
    """The name of a test without its file."""
    return item.nodeid.rpartition("::")[2]
