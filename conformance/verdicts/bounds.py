"""Results stay within bounds, however much a target has said: its longest texts are cut first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

MAXIMA = (64 * 2**10, 16 * 2**10, 4 * 2**10, 2**10, 256)
"""Characters to which texts are cut, as few as it takes."""


def body_maximum(parts: Iterable[Any], most: int) -> int:
    """To how many characters the texts of some JSON values have to be cut for all of them to be no longer than
    `most`."""
    sizes = [len(text) for part in parts for text in _texts(part)]
    return next((maximum for maximum in MAXIMA if sum(min(size, maximum) for size in sizes) <= most), MAXIMA[-1])


def cut(value: Any, most: int) -> Any:
    """A JSON value whose texts have so many characters at most; what was left out is counted."""
    match value:
        case str():
            return value if len(value) <= most else f"{value[:most]}… ({len(value) - most:,} more characters)"
        case list():
            return [cut(part, most) for part in value]
        case dict():
            return {key: cut(part, most) for key, part in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for part in value:
                yield from _texts(part)
        case dict():
            for part in value.values():
                yield from _texts(part)
