"""What a recorder has blotted out of answers: it says nothing, and agrees with whatever else is told.

Placeholders that stand for something, such as `${imageId}`, are another matter: where the requests have them as well,
they are as good as what they stand for.
"""

from __future__ import annotations

import re
from typing import Any

BLOT = "\ue000"
"""What stands in an answer for a text that was blotted out: no server answers it by itself."""

_WORD = "redacted|hidden|removed|filtered|masked|scrubbed|sanitized|anonymized|censored|omitted|obfuscated"
_BLOTTED = re.compile(
    rf"[<\[({{*_]+[^<>\[\](){{}}]{{0,40}}?(?i:{_WORD})[^<>\[\](){{}}]{{0,40}}[>\])}}*_]+"
    rf"|(?i:redacted)|{_WORD.upper()}|\*{{3,}}|[xX]{{4,}}|█+"
)
_SOMEBODY = re.compile(r"(?i)(?<![a-z])redacted(?![a-z])|\*{3,}|^(?:<.+>|\[.+\]|\{\{.+\}\}|\$\{.+\}|x{3,}(?:@.*)?)?$")
"""What stands for a text that names somebody; an empty text does, too."""

SUSPECT = rf'"[<\[({{*_]*[^"]{{0,40}}(?i:{_WORD})|█|"[xX]{{3}}|"user":\s*""'.encode()
"""A pattern for texts in which something may be blotted out."""

SUSPECT_HINTS = (*_WORD.encode().split(b"|"), "█".encode(), b'"xxx')
"""In lower case, one of these stands in each text that the pattern is found in, unless nobody is the user."""


def blots_out(text: str, name: str = "") -> bool:
    """Whether a text is plainly one that a recorder has put in the place of another.

    Args:
        text: the whole text.
        name: the field whose value it is.
    """
    return bool(_BLOTTED.fullmatch(text) or (name == "user" and _SOMEBODY.search(text)))


def blotted_out(value: Any) -> bool:
    """Whether a value, as it is judged, was blotted out."""
    return isinstance(value, str) and value == BLOT


def holds_blot(value: Any) -> bool:
    """Whether something in a value was blotted out."""
    if isinstance(value, dict):
        return BLOT in value or any(map(holds_blot, value.values()))
    return any(map(holds_blot, value)) if isinstance(value, list) else blotted_out(value)


def without_empty(value: Any) -> Any:
    """A value whose empty texts count as blotted out, where something in it was: that recorder may have done both."""
    return _emptied(value) if holds_blot(value) else value


def _emptied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _emptied(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_emptied(part) for part in value]
    return BLOT if value == "" else value


def filled(value: Any, other: Any) -> Any:
    """A value with what another one tells in the place of what was blotted out."""
    if blotted_out(value):
        return other
    if isinstance(value, dict):
        told = other if isinstance(other, dict) else {}
        return told if BLOT in value else {key: filled(part, told.get(key)) for key, part in value.items()}
    if isinstance(value, list) and holds_blot(value):
        return other if isinstance(other, list) else []
    return value
