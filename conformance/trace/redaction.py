"""Keeps secrets out of everything that is written or printed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from conformance.trace.customer_keys import KEY_BYTES
from conformance.trace.formats import decoded

REDACTED = "REDACTED"
_HEADERS = re.compile(r"authorization|cookie|token|secret|api-?key|password", re.IGNORECASE)

_KEY = base64.b64encode(REDACTED.encode() * 4).decode()
_BASE64 = REDACTED * 3
_TEXT = f"{REDACTED}, and no base64"
"""What stands for a secret: as good or as bad a key as the secret was, so that what was redacted can still be judged."""

_ESCAPED = {"/": r"\\?/", "+": r"(?:\+|\\u002[bB])", "=": r"(?:=|\\u003[dD])"}
"""The characters of base64 that JSON may write in two ways."""


def redacted(value: Any, secrets: Iterable[str], hidden_headers: Iterable[str] = ()) -> Any:
    """A JSON value without secrets: without the given texts anywhere, and without the values of telling headers.

    Args:
        value: any JSON value.
        secrets: texts that must not be seen; each is replaced by a stand-in that is a key of the same kind.
        hidden_headers: names of further headers whose values are secret.
    """
    return _redact(value, _replacement(frozenset(secrets)), frozenset(name.lower() for name in hidden_headers))


Replacement = Callable[[str], str]


@lru_cache(64)
def _replacement(secrets: frozenset[str]) -> Replacement | None:
    """Replaces secrets in a text, the longest first, with or without their padding; None where there are none."""
    stand_ins: dict[str, str] = {}
    for secret in secrets:
        stand_ins |= _stand_ins(secret)
    texts = sorted((text for text in stand_ins if text), key=len, reverse=True)
    if not texts:
        return None
    pattern = re.compile(
        "|".join("".join(_ESCAPED.get(sign, re.escape(sign)) for sign in text) + f"{_ESCAPED['=']}*" for text in texts)
    )

    def replace(found: re.Match[str]) -> str:
        plain = re.sub(r"\\u00([23][bBdD])", lambda code: chr(int(code[1], 16)), found[0]).replace("\\/", "/")
        return stand_ins.get(plain.rstrip("="), REDACTED)

    return lambda text: pattern.sub(replace, text)


def _stand_ins(secret: str) -> dict[str, str]:
    """What to write in place of a secret, and in place of the hash of a key; both without their padding."""
    core = secret.rstrip("=")
    content = decoded(secret)
    if content is None:
        return {core: _TEXT}
    if len(content) != KEY_BYTES:
        return {core: _BASE64}
    return {core: _KEY, _hashed(content).rstrip("="): _hashed(REDACTED.encode() * 4)}


def _hashed(key: bytes) -> str:
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def _redact(value: Any, replace: Replacement | None, hidden: frozenset[str]) -> Any:
    match value:
        case str():
            return replace(value) if replace else value
        case {"name": str() as name, "value": str()} if len(value) == 2 and (
            _HEADERS.search(name) or name.lower() in hidden
        ):
            return {"name": name, "value": REDACTED}
        case dict():
            return {key: _redact_entry(key, part, replace, hidden) for key, part in value.items()}
        case list():
            return [_redact(part, replace, hidden) for part in value]
    return value


def _redact_entry(key: str, part: Any, replace: Replacement | None, hidden: frozenset[str]) -> Any:
    if key == "headers" and isinstance(part, dict):
        return {
            name: REDACTED if _HEADERS.search(name) or name.lower() in hidden else _redact(text, replace, hidden)
            for name, text in part.items()
        }
    return _redact(part, replace, hidden)
