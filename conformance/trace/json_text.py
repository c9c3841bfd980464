"""JSON that others wrote: the one gate through which it becomes values, so that no later code has to be on its guard.

No value behind it can make anything raise that writes it, sends it or parses it again.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections.abc import Iterable
from typing import Any


class Absent(enum.Enum):
    """Stands for what is not there, also after a journey to another process."""

    NOT_JSON = "not JSON"


NOT_JSON = Absent.NOT_JSON
"""Stands for a body that is not JSON."""

DEPTH_MAXIMUM = 100
"""How deep JSON may be nested: what judges and writes it is recursive."""

DIGITS_MAXIMUM = 300
"""Digits of an integer: any larger one is no double."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of half a character, or of one half of a whole one."""


def parse_json(body: bytes | None) -> Any:
    """The value of a JSON text, or NOT_JSON; never raises, whatever a hostile target sends.

    A text that ordinary programs cannot read counts as none: not in UTF-8, nested too deep, or with a number too
    large for a double. Half a character (a lone surrogate) becomes the six characters of its escape.
    """
    if not body:
        return NOT_JSON
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_finite)
    except (ValueError, RecursionError):
        return NOT_JSON
    suspicious = text.count("[") + text.count("{") > DEPTH_MAXIMUM
    if suspicious and _depth(value) > DEPTH_MAXIMUM:
        return NOT_JSON
    return _in_whole_characters(value) if _SURROGATE.search(text) else value


def first_value(body: bytes) -> bytes | None:
    """The JSON text that a body begins with; None where it begins with none."""
    text = body.decode("utf-8", errors="replace").lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return text[:end].encode()


def in_whole_characters(text: str) -> str:
    """A text that can be encoded: half a character in it becomes the six characters of its escape in JSON."""
    return text if text.isascii() else text.encode("utf-8", errors="backslashreplace").decode()


def crowded(body: bytes, most: int) -> bool:
    """Whether a JSON text has more than so many values: judging takes time for each, and a text of 1 MB may have
    500,000."""
    if sum(map(body.count, (b",", b"[", b"{"))) < most:
        return False
    count, level = 0, [parse_json(body)]
    while level and count <= most:
        count += len(level)
        level = _inner(level)
    return count > most


def _in_whole_characters(value: Any) -> Any:
    match value:
        case str():
            return in_whole_characters(value)
        case list():
            return [_in_whole_characters(part) for part in value]
        case dict():
            return {in_whole_characters(key): _in_whole_characters(part) for key, part in value.items()}
    return value


def _depth(value: Any) -> int:
    """How deep lists and objects are nested, without recursion."""
    depth, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list)]:
        depth += 1
        level = _inner(level)
    return depth


def _inner(values: Iterable[Any]) -> list[Any]:
    """What stands directly in some values."""
    outer = (value for value in values if isinstance(value, dict | list))
    return [part for value in outer for part in (value.values() if isinstance(value, dict) else value)]


def _integer(text: str) -> int:
    if len(text) > DIGITS_MAXIMUM:
        raise ValueError("an integer is too large")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
