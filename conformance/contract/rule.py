"""What a rule is, and what a breach is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from conformance.contract.history import History
    from conformance.contract.request_view import RequestView
    from conformance.trace.exchange import Exchange

Basis = Literal["doc", "conv"]


SHOWN = "operation.success-means-ready"
"""The rule that shows that images are seen at all: where it never held, that an image is not there proves nothing."""

SHOWN_MAXIMUM = 10_000
"""Characters of what was expected or observed."""


Role = Literal["explained", "open", "impossible"]
"""What a call is in a story that cannot be: in order, one that may have come later or not at all, or the one that
fits nowhere."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One call of a story in which several overlap, as a timeline shows it.

    Args:
        exchange: the number of its request.
        text: what was asked, and what was answered.
        start, end: seconds since the epoch: when it was sent, and when its end was seen.
        role: what it is in the story.
        place: its place in the order that explains the longest part of the story, from 1 on; None where it has none.
    """

    exchange: int
    text: str
    start: float
    end: float
    role: Role
    place: int | None = None


@dataclass(frozen=True)
class Breach:
    """One breach of a rule: what was expected, what was observed, and the exchanges that show it.

    `deviation` marks a breach of a mere convention within a rule whose other parts the API reference states;
    `timeline` shows calls that overlapped, where it is their order that is wrong; `follows` are the rules of which the
    history shows that their breach led to this one.
    """

    message: str
    expected: str
    observed: str
    exchanges: tuple[Exchange, ...]
    deviation: bool = False
    timeline: tuple[Bar, ...] = ()
    follows: tuple[str, ...] = ()


Finding = Breach | None
"""What a rule says of one thing that it looked at: a breach, or None where the rule holds."""

Judge = Callable[["History"], Iterable[Finding]]

Index = Callable[["History"], Collection[str]]
"""Tells the rules that a history has to do with, by their ids, of those that are indexed so."""

Broken = Callable[["RequestView"], bool]
"""Tells that a request breaks a rule by what it says."""


@dataclass(frozen=True)
class Rule:
    """One rule of the contract.

    Args:
        id: the stable name that users gate on and waive.
        basis: `doc` where the API reference states the rule, `conv` where only the real service or Google's
            conventions do.
        statement: the rule in plain words.
        reference: where in the API reference it stands.
        grounds: one sentence of our own words that says why that place, or for `conv` which evidence, carries the rule.
        judge: looks at a history and yields a finding for each thing that the rule applies to.
        requires: rules that this one stands on: where one of them fails, this one may not be seen at all, and a
            breach of it may follow from that one.
        yields_to: rules that say better what is wrong: where one of them never held, a breach of this one is that
            one's, and so is a breach that an answer shows which breaks that one as well, if that one is broken
            elsewhere, too.
        needs: capabilities of the target without which the rule does not apply.
        passive: whether recorded traffic can show it; otherwise only a scenario that knows what it does can.
        broken: tells that a request breaks the rule by what it says; None where no request alone can.
        methods: the API methods whose requests it recognises so.
        witness: the rule that shows that what this one expects not to be there would be seen, or what it expects to be
            refused would else be accepted: where that rule never held, keeping this one proves nothing.
        accepts: the field of an insert that the rule says is accepted; "" for every other rule.
        index: tells whether a history has to do with the rule, so that it need not be asked of every one; None where
            it has to be.
    """

    id: str
    basis: Basis
    statement: str
    reference: str
    grounds: str
    judge: Judge
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    passive: bool = True
    broken: Broken | None = None
    methods: tuple[str, ...] = ()
    witness: str = ""
    yields_to: tuple[str, ...] = ()
    accepts: str = ""
    index: Index | None = None

    @property
    def area(self) -> str:
        """The part of the contract that the rule belongs to: the first part of its id."""
        return self.id.partition(".")[0]


class Rules:
    """The rules of one module, in the order in which they stand there."""

    def __init__(self) -> None:
        self._rows: list[Rule] = []

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rows)

    def add(self, rule: Rule) -> None:
        """Appends a rule."""
        self._rows.append(rule)

    def rule(  # noqa: PLR0913 - a rule is a row of this many columns
        self,
        id: str,
        basis: Basis,
        statement: str,
        reference: str,
        grounds: str,
        *,
        requires: tuple[str, ...] = (),
        needs: tuple[str, ...] = (),
        passive: bool = True,
        witness: str = "",
        yields_to: tuple[str, ...] = (),
    ) -> Callable[[Judge], Judge]:
        """Appends a rule whose judge is the decorated function; the arguments are those of Rule."""

        def decorate(judge: Judge) -> Judge:
            self.add(
                Rule(
                    id,
                    basis,
                    statement,
                    reference,
                    grounds,
                    judge,
                    requires,
                    needs,
                    passive,
                    witness=witness,
                    yields_to=yields_to,
                )
            )
            return judge

        return decorate


def matching(globs: Iterable[str], rules: Iterable[str]) -> set[str]:
    """The rule ids that at least one of the globs matches."""
    plain, pattern = _told_apart(tuple(globs))
    return {rule for rule in rules if rule in plain or pattern.match(rule)}


@cache
def _told_apart(globs: tuple[str, ...]) -> tuple[frozenset[str], re.Pattern[str]]:
    """The globs that are ids, and one expression for all others, which takes longer to make; of none it is one that
    nothing matches."""
    others = [glob for glob in globs if set(glob) & set("*?[")]
    return frozenset(globs) - frozenset(others), re.compile("|".join(map(translate, others)) or "(?!)")


def expect(  # noqa: PLR0913 - all that is said of a breach
    holds: bool,
    message: str,
    *at: Exchange,
    expected: Any = "",
    observed: Any = "",
    deviation: bool = False,
    follows: tuple[str, ...] = (),
) -> Finding:
    """A finding: None where the rule holds, else a breach that shows `expected` beside `observed` (any JSON value)."""
    if holds:
        return None
    return Breach(message, shown(expected), shown(observed), at, deviation, follows=follows)


def shown(value: Any) -> str:
    """A value as a reader of the report wants to see it: text as it is, anything else as JSON; no more than can be
    read."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return (
        text
        if len(text) <= SHOWN_MAXIMUM
        else f"{text[:SHOWN_MAXIMUM]}… ({len(text) - SHOWN_MAXIMUM:,} more characters)"
    )


def is_set(value: Any) -> bool:
    """Whether a field holds anything: an absent field, null, "", [] and {} are the same nothing."""
    return bool(value) or (value is not None and value not in ("", [], {}))


def is_error(value: Any) -> bool:
    """Whether the error of an operation tells of any: one in which nothing is set is none."""
    if isinstance(value, dict | list):
        return any(is_error(part) for part in (value.values() if isinstance(value, dict) else value))
    return is_set(value)
