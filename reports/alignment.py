"""Expected and observed beside each other: equal lines on one level, and what differs within a line marked."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from conformance.reports.text import harmless, shortened

VALUE_MAXIMUM = 4_000
LINE_MAXIMUM = 1_000
"""Characters up to which two lines are compared word by word."""

LINES_MAXIMUM = 300
"""Lines up to which two values are aligned."""

ONE_LINE = 60
"""Characters of JSON that need not be set out."""

CONTEXT = 2
"""Equal lines that are shown around a difference."""

LIKENESS = 0.6
"""So much of two lines is the same at least, from 0 to 1, where it helps to mark the rest."""

BRIEF_LINES, BRIEF_LINE = 3, 160
"""How much of two values is told in brief."""


@dataclass(frozen=True)
class Row:
    """One line of each value; None where a value has no line for it, and `equal` where both have the same.

    Attributes:
        passed_over: equal lines that are left out here; such a row shows none.
    """

    expected: Markup | None
    observed: Markup | None
    equal: bool = False
    passed_over: int = 0


def aligned(expected: str, observed: str) -> list[Row]:
    """Two values line by line; JSON of more than one line is set out the same way on both sides.

    Args:
        expected: what the contract wants.
        observed: what the target did.
    """
    left, right = _lines(expected, observed)
    if max(len(left), len(right)) > LINES_MAXIMUM:
        left, right = [line for line in left if line not in right], [line for line in right if line not in left]
        left, right = left[:LINES_MAXIMUM], right[:LINES_MAXIMUM]
    return list(_rows(left, right))


def brief(expected: str, observed: str) -> tuple[Markup, Markup]:
    """The first lines in which two values differ, shortened; the arguments are those of aligned."""
    left, right = ([shortened(line.strip(), BRIEF_LINE) for line in lines] for lines in _lines(expected, observed))
    rows = [row for row in _rows(left[:LINES_MAXIMUM], right[:LINES_MAXIMUM]) if not row.equal][:BRIEF_LINES]
    one = Markup("\n").join(row.expected for row in rows if row.expected)
    other = Markup("\n").join(row.observed for row in rows if row.observed)
    return one or text(shortened(harmless(expected), BRIEF_LINE)), other or text(
        shortened(harmless(observed), BRIEF_LINE)
    )


def _rows(left: list[str], right: list[str]) -> Iterator[Row]:
    for tag, i, j, k, m in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from _equal(left[i:j], first=i == 0, last=j == len(left))
            continue
        for place in range(max(j - i, m - k)):
            one = left[i + place] if i + place < j else None
            other = right[k + place] if k + place < m else None
            yield Row(_marked(one, other), _marked(other, one))


def _equal(lines: list[str], *, first: bool, last: bool) -> Iterator[Row]:
    """Equal lines; of many only those that are near a difference."""
    head, tail = (0 if first else CONTEXT), (0 if last else CONTEXT)
    if len(lines) <= head + tail + 1 or (first and last):
        yield from (Row(text(line), text(line), equal=True) for line in lines)
        return
    yield from (Row(text(line), text(line), equal=True) for line in lines[:head])
    yield Row(None, None, equal=True, passed_over=len(lines) - head - tail)
    yield from (Row(text(line), text(line), equal=True) for line in lines[len(lines) - tail :])


def _lines(*values: str) -> tuple[list[str], ...]:
    """Values as lines; where all are containers of JSON, and one is too long for a line, they are set out."""
    parsed = [_container(value) for value in values]
    if max(map(len, values)) > ONE_LINE and None not in parsed:
        values = tuple(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) for value in parsed)
    return tuple(shortened(harmless(value), VALUE_MAXIMUM).split("\n") for value in values)


def _container(value: str) -> Any:
    """The object or array that a text is in JSON; None for any other text."""
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict | list) else None


def _marked(line: str | None, other: str | None) -> Markup | None:
    """A line with the parts marked that the other one lacks."""
    if line is None:
        return None
    if other is None or max(len(line), len(other)) > LINE_MAXIMUM:
        return Markup("<mark>{}</mark>").format(text(line)) if line.strip() else text(line)
    words, others = (re.findall(r"\w+|\W", part) for part in (line, other))
    matcher = difflib.SequenceMatcher(None, words, others, autojunk=False)
    if matcher.ratio() < LIKENESS:
        return text(line)
    parts = []
    for tag, start, end, _, _ in matcher.get_opcodes():
        part = text("".join(words[start:end]))
        parts.append(part if tag == "equal" or not part else Markup("<mark>{}</mark>").format(part))
    return Markup().join(parts)


def text(value: str) -> Markup:
    """A text as the content of an element, where quotes need no escape: JSON is full of them."""
    return Markup(str(escape(value)).replace("&#34;", '"').replace("&#39;", "'"))  # noqa: S704 - escaped
