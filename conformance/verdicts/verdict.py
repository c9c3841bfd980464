"""The verdicts on rules and on whole targets, one row for each, which every report reads; and the exit statuses."""

from __future__ import annotations

import enum
from typing import Any


class Verdict(enum.StrEnum):
    """What a run says of one rule, the gravest first.

    Attributes:
        symbol: one character that stands for it.
        label: its name in words.
        colour: of its symbol: red, violet, amber, grey or green.
        rank: how bad it is, 0 for a rule that holds; what ranks alike is neither better nor worse.
        tested: whether the rule was put to the test, by itself and to its end.
        junit: the element of JUnit XML that says so; "" for a case without one.
        allure: Allure's status.
        level: the level of an annotation: error, warning, note or none.
    """

    symbol: str
    label: str
    colour: str
    rank: int
    tested: bool
    junit: str
    allure: str
    level: str

    # id, symbol, label, colour, rank, tested, JUnit, Allure, level
    FAILED = "failed", "✗", "failed", "red", 5, True, "failure", "failed", "error"
    ERROR = "error", "!", "error in the suite", "violet", 6, False, "error", "broken", "error"
    BLOCKED = "blocked", "⊘", "blocked", "amber", 4, False, "skipped", "skipped", "note"
    DEVIATES = "deviates", "≈", "deviates", "amber", 3, True, "skipped", "skipped", "warning"
    WAIVED = "waived", "w", "waived", "grey", 2, True, "skipped", "skipped", "note"
    NOT_EXERCISED = "not_exercised", "○", "not exercised", "grey", 1, False, "skipped", "skipped", "none"
    NOT_APPLICABLE = "not_applicable", "–", "not applicable", "grey", 1, False, "skipped", "skipped", "none"
    LEFT_OUT = "left_out", "·", "left out", "grey", 1, False, "skipped", "skipped", "none"
    PASSED = "passed", "✓", "passed", "green", 0, True, "", "passed", "none"

    def __new__(cls, value: str, *row: Any) -> Verdict:
        """A member from its row."""
        member = str.__new__(cls, value)
        member._value_ = value
        (
            member.symbol,
            member.label,
            member.colour,
            member.rank,
            member.tested,
            member.junit,
            member.allure,
            member.level,
        ) = row
        return member

    @property
    def broken(self) -> bool:
        """Whether the rule itself was seen broken, and nothing else explains it: its plainest breach tells why."""
        return self in (Verdict.FAILED, Verdict.DEVIATES, Verdict.WAIVED)

    def under(self, *, strict: bool) -> Verdict:
        """The verdict as a run counts it: under a strict one a deviation is a failure."""
        return Verdict.FAILED if strict and self is Verdict.DEVIATES else self


class Outcome(enum.StrEnum):
    """What a run says of its target as a whole.

    Attributes:
        colour: red, amber or green.
    """

    colour: str

    CONFORMANT = "conformant", "green"
    NON_CONFORMANT = "non-conformant", "red"
    INCONCLUSIVE = "inconclusive", "amber"

    def __new__(cls, value: str, colour: str = "") -> Outcome:
        """A member from its row."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.colour = colour
        return member


class Exit(enum.IntEnum):
    """The exit statuses of the command line."""

    CONFORMANT = 0
    NOT_CONFORMANT = 1
    USAGE = 2
    UNTESTABLE = 3
    SUITE_ERROR = 4
    INTERRUPTED = 130
