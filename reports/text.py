"""Text for reports: hostile characters made harmless, cut to length, numbers with their nouns."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.verdicts.results import Cost

_UNFIT = frozenset({"Cc", "Cs"})
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def harmless(text: str, *, lines: bool = True) -> str:
    """A text without control characters, halves of characters and changes of direction; line ends stay if `lines`
    says so."""
    kept = "\n\t" if lines else ""
    shown = (
        character if character in kept or unicodedata.category(character) not in _UNFIT else f"\\x{ord(character):02x}"
        for character in text
    )
    return _DIRECTIONS.sub("�", "".join(shown))


def shortened(text: str, most: int) -> str:
    """A text of so many characters at most; what was left out is counted."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def counted(number: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def left_behind(cost: Cost) -> str:
    """How many images are left, and of how many the target does not say: `0 left`, `2 left, 1 unknown`."""
    unknown = len(cost.images_unknown)
    return f"{len(cost.images_left)} left" + (f", {unknown} unknown" if unknown else "")
