"""Identities that differ in as little as one place: a store that keys by a prefix, a hash or a folded text takes them
for one."""

from __future__ import annotations

import re
from typing import Any

HEXADECIMAL = "0123456789abcdef"
VERSION, VARIANT = 14, 19
PLACES = (0, 7, 9, 15, 20, 24, 35)
"""The first and last digit of a UUID, and one of each group between them."""

COUNTED = re.compile(r"[-_.]*(?<![0-9a-f])[0-9]+$")
"""The end of a name that is counted: with one digit less it is the name of another thing."""


def near_request_ids(request_id: str) -> tuple[str, ...]:
    """Valid UUIDs that differ from one of version 4 in one digit, or in the order of two."""
    changed = [_with(request_id, place, HEXADECIMAL) for place in PLACES]
    changed += [_with(request_id, VERSION, "12345"), _with(request_id, VARIANT, "89ab")]
    swapped = next(
        (
            request_id[:place] + request_id[place + 1] + request_id[place] + request_id[place + 2 :]
            for place in range(24, 35)
            if request_id[place] != request_id[place + 1]
        ),
        None,
    )
    return (*changed, swapped) if swapped else tuple(changed)


def near_names(name: str) -> tuple[str, ...]:
    """Valid names that differ from one that ends with a dash and a letter: in its last character, by its dash, by its
    end."""
    return (_with(name, len(name) - 1, "ab"), name[:-2] + name[-1], name[:-2])


def absent_names(name: str) -> tuple[str, ...]:
    """Names that nothing has where something has this one: less at the end, another character there, other case.

    Less is one character, with the dash before it, or the whole number of a name that is counted.
    """
    shorter = COUNTED.sub("", name) if COUNTED.search(name) else name[:-1].rstrip("-")
    return (shorter, _with(name, len(name) - 1, "xyz"), name.upper())


def absent_ids(identifier: str) -> tuple[str, ...]:
    """Decimal ids that are unlikely to be anything's: another digit at the end, one less, one more."""
    return (_with(identifier, len(identifier) - 1, "0123456789"), identifier[:-1], f"{identifier}0")


def stale_fingerprints(current: object) -> tuple[dict[str, Any], ...]:
    """Parts of a body that hold no fingerprint, or another than the current one: be it by the case of its letters, or
    zeros, which a server may have for none."""
    texts = ["AAAAAAAAAAE=", "AAAAAAAAAAA=", ""]
    if isinstance(current, str):
        texts.append(current.swapcase())
    return ({}, *({"labelFingerprint": text} for text in texts if text != current))


def _with(text: str, place: int, alphabet: str) -> str:
    """The text with the character at a place replaced by the one that follows it in an alphabet."""
    following = alphabet[(alphabet.find(text[place]) + 1) % len(alphabet)]
    return text[:place] + following + text[place + 1 :]
