"""Partial answers: which fields of an answer a client asked for, by the standard parameter `fields`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TOKENS = re.compile(r"[(),/]|[^(),/\s]+")
ANY = "*"


@dataclass(frozen=True)
class FieldMask:
    """The fields that an answer was asked for, each with what was asked for of it.

    Without any field named, everything was asked for.
    """

    fields: Mapping[str, FieldMask] = field(default_factory=dict)

    @property
    def partial(self) -> bool:
        """Whether something may be missing from the answer because it was not asked for."""
        return bool(self.fields) and ANY not in self.fields

    def covers(self, name: str) -> bool:
        """Whether a field was asked for with all that is in it."""
        return not self.partial or (name in self.fields and not self.fields[name].partial)

    def within(self, name: str) -> FieldMask:
        """What was asked for of a field."""
        return self.fields.get(name) or self.fields.get(ANY) or FieldMask()


EVERYTHING = FieldMask()
"""The mask of an answer that was not limited to some fields."""


def field_mask(selector: str) -> FieldMask:
    """The mask behind a selector such as `kind,items(name,labels/env)`; what cannot be read asks for everything.

    Args:
        selector: the value of the parameter `fields`.
    """
    tokens = iter(_TOKENS.findall(selector))
    try:
        return _selection(tokens, closing="")
    except (ValueError, RecursionError):
        return FieldMask()


def _selection(tokens: Iterator[str], closing: str) -> FieldMask:
    """Reads fields separated by commas, up to a closing parenthesis or the end."""
    fields: dict[str, FieldMask] = {}
    path: list[str] = []
    inner = FieldMask()
    for part in tokens:
        if part == "(":
            inner = _selection(tokens, ")")
        elif part in (",", ")"):
            _add(fields, path, inner)
            path, inner = [], FieldMask()
            if part == ")":
                if not closing:
                    raise ValueError("a parenthesis is closed that was not opened")
                return FieldMask(fields)
        elif part != "/":
            path.append(part)
    if closing:
        raise ValueError("a parenthesis is not closed")
    _add(fields, path, inner)
    return FieldMask(fields)


def _add(fields: dict[str, FieldMask], path: list[str], inner: FieldMask) -> None:
    """Adds what was asked for at a path, beside what was asked for of its first field before."""
    if not path:
        return
    head, *rest = path
    deeper: dict[str, FieldMask] = {}
    _add(deeper, rest, inner)
    wanted = FieldMask(deeper) if rest else inner
    before = fields.get(head)
    fields[head] = FieldMask({**before.fields, **wanted.fields}) if before and before.partial else before or wanted
