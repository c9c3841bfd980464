"""Requests and answers for reading, with those fields marked that a breach is about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from conformance.reports.alignment import text
from conformance.reports.text import harmless, shortened
from conformance.verdicts.results import BreachResult, ExchangeResult, RuleResult

BODY_MAXIMUM = 20_000
"""Characters of one body that are shown; the rest is in trace.json."""

VALUE_MINIMUM = 4
"""Characters that a value has at least to be known again: `0` and `no` stand everywhere."""

_MEMBER = re.compile(r'( *)(?:("(?:[^"\\]|\\.)*"): )?(.*?),?')


@dataclass(frozen=True)
class Matter:
    """What a breach is about.

    Attributes:
        path: the field that the rule is about, as the names that lead to it; () for none.
        values: in what the expected and the observed differ, as far as it can be known again.
    """

    path: tuple[str, ...]
    values: frozenset[str]

    def holds(self, path: tuple[str, ...], value: str) -> bool:
        """Whether it is about a field with this value."""
        return (bool(self.path) and path[-len(self.path) :] == self.path) or value in self.values

    def body(self, body: str) -> Markup:
        """A body, JSON set out, with the lines marked that matter; anything else as it is."""
        try:
            pretty = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            return text(shortened(harmless(body), BODY_MAXIMUM))
        return Markup("\n").join(self._lines(shortened(harmless(pretty), BODY_MAXIMUM)))

    def url(self, url: str) -> Markup:
        """A URL from the API version on, with the parameters marked that matter."""
        shown = harmless(url.partition("/compute/")[2] or url, lines=False)
        pieces = re.split(r"([?&])", shown)
        return Markup().join(_mark(piece) if self._parameter(piece) else text(piece) for piece in pieces)

    def answer(self, exchange: ExchangeResult) -> Markup:
        """The status that was answered, or why there is none."""
        response = exchange.response
        shown = f"HTTP {response.status}" if response else harmless(exchange.error or "no answer", lines=False)
        return _mark(shown) if shown in self.values else text(shown)

    def _parameter(self, piece: str) -> bool:
        name, equals, value = piece.partition("=")
        return bool(equals) and self.holds((name,), value)

    def _lines(self, pretty: str) -> Iterator[Markup]:
        names: dict[int, str] = {}
        for line in pretty.split("\n"):
            found = _MEMBER.fullmatch(line)
            if found is None:
                yield text(line)
                continue
            depth = len(found[1])
            names = {place: name for place, name in names.items() if place < depth}
            names |= {depth: found[2][1:-1]} if found[2] else {}
            value = found[3].removeprefix('"').removesuffix('"')
            marked = (found[2] or value not in "{}[]") and self.holds(tuple(names.values()) if found[2] else (), value)
            yield text(found[1]) + _mark(line[depth:]) if marked else text(line)


def matter(rule: RuleResult, breach: BreachResult) -> Matter:
    """What a breach of a rule is about.

    Args:
        rule: names its field, as the reference's `Fields > rawDisk.source`.
        breach: tells what was expected and observed.
    """
    _, _, field = rule.reference.partition(" > ")
    expected, observed = (frozenset(_values(side)) for side in (breach.expected, breach.observed))
    return Matter(tuple(filter(None, field.replace("[]", "").split("."))), expected ^ observed)


def _values(told: str) -> Iterator[str]:
    """The texts, numbers and statuses in what was expected or observed, as they stand on the page."""
    yield from re.findall(r"HTTP \d{3}", told)
    try:
        waiting: list[Any] = [json.loads(told)]
    except (ValueError, RecursionError):
        waiting = [told]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif not isinstance(value, bool | None):
            shown = json.dumps(value, ensure_ascii=False).removeprefix('"').removesuffix('"')
            yield from [shown] if len(shown) >= VALUE_MINIMUM else []


def _mark(piece: str) -> Markup:
    return Markup("<mark>{}</mark>").format(text(piece))
