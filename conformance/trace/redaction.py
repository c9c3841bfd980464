"""Keeps secrets out of everything that is written or printed, also where a target repeats them in an encoding."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from conformance.trace.customer_keys import KEY_BYTES
from conformance.trace.formats import decoded

REDACTED = "REDACTED"
TELLING = re.compile(r"authorization|cookie|token|secret|api-?key|password", re.IGNORECASE)
"""The names of headers whose values are secret."""

_KEY = base64.b64encode(REDACTED.encode() * 4).decode()
_BASE64 = REDACTED * 3
_TEXT = f"{REDACTED}, and no base64"
"""What stands for a secret: as good or as bad a key as the secret was, so that what was redacted can still be
judged."""

_ESCAPED = {"/": r"\\*/", "+": r"(?:\+|\\u002[bB])", "=": r"(?:=|\\u003[dD])"}
"""The characters of base64 that JSON may write in two ways."""

ENCODED_MINIMUM = 6
"""Characters of a text that can be a secret in some encoding: none of the secrets is shorter."""

REMEMBERED_MAXIMUM = 1_000
"""Characters of a text that is kept with what it was replaced by: bodies may be large, and hardly come twice."""

LAYERS_MAXIMUM = 4
"""Encodings one within the other that are looked through."""

_UNICODE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_SLASH = re.compile(r"\\+/")


def redacted(value: Any, secrets: Iterable[str], hidden_headers: Iterable[str] = ()) -> Any:
    """A JSON value without secrets: without the given texts anywhere, and without the values of telling headers.

    A secret is also recognised in the escapes of JSON, URLs and HTML, in base64, in hexadecimal digits, in letters of
    another case and backwards; a key is not in the last two, which would make it another key.

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
    stand_ins.pop("", None)
    if not stand_ins:
        return None
    cores = sorted(stand_ins, key=len, reverse=True)
    # A key is in base64 already.
    others = [secret for secret in secrets if len(decoded(secret) or b"") != KEY_BYTES]
    encodings = sorted({text for secret in others for text in _encodings(secret)}, key=len, reverse=True)
    disguises = sorted({text for secret in others for text in _disguises(secret)}, key=len, reverse=True)
    disguised = re.compile("|".join(map(re.escape, disguises)) or "(?!)", re.IGNORECASE)
    shortest = min(map(len, cores))

    def clean(text: str) -> str:
        for core in cores:
            if core in text or "\\" in text:
                text = _plain(core).sub(stand_ins[core], text)
        for encoding in encodings:
            text = text.replace(encoding, REDACTED)
        if disguises and any(disguise in text.lower() for disguise in disguises):
            text = disguised.sub(REDACTED, text)
        decodings = list(_decodings(text))
        if not decodings:
            return text
        for core in cores:
            if any(core in decoding for decoding in decodings):
                text = _escaped(core).sub(REDACTED, text)
        # In encodings that are one within the other it cannot be cut out.
        hidden = (word in decoding for decoding in _decodings(text) for word in (*cores, *encodings))
        folded = (word in decoding.lower() for decoding in _decodings(text) for word in disguises)
        return REDACTED if any(hidden) or any(folded) else text

    return _remembering(clean, shortest)


def _remembering(clean: Replacement, shortest: int) -> Replacement:
    """The same replacement, which knows short texts that it has seen, and passes over those that are too short for a
    secret."""
    remembered = lru_cache(1024)(clean)

    def replace(text: str) -> str:
        if len(text) < shortest:
            return text
        return remembered(text) if len(text) <= REMEMBERED_MAXIMUM else clean(text)

    return replace


@lru_cache(256)
def _plain(core: str) -> re.Pattern[str]:
    """A secret as it is, in JSON too, with or without its padding."""
    return re.compile("".join(_ESCAPED.get(sign, re.escape(sign)) for sign in core) + f"{_ESCAPED['=']}*")


@lru_cache(256)
def _escaped(core: str) -> re.Pattern[str]:
    """A secret of which each character may be written as JSON, URLs and HTML can."""
    return re.compile("".join(map(_any_escape, core)))


def _decodings(text: str) -> Iterable[str]:
    """What a text says once the escapes of JSON, URLs and HTML are taken for what they stand for; none where it has
    none."""
    for _ in range(LAYERS_MAXIMUM):
        plain = _UNICODE.sub(lambda code: chr(int(code[1], 16)), text) if "\\" in text else text
        plain = _SLASH.sub("/", plain)
        plain = unquote(plain) if "%" in plain else plain
        plain = html.unescape(plain) if "&" in plain else plain
        if plain == text:
            return
        yield plain
        text = plain


def _any_escape(sign: str) -> str:
    """A pattern for a character as it is, and as JSON, URLs and HTML may write it."""
    code = ord(sign)
    octets = "".join(f"%(?:25)*{octet:02x}" for octet in sign.encode())
    return rf"(?:\\*{re.escape(sign)}|(?i:\\+u{code:04x}|{octets}|&(?:amp;)*#0*{code};|&(?:amp;)*#x0*{code:x};))"


def _encodings(secret: str) -> Iterable[str]:
    """What every text in base64 has in common that has a secret somewhere in it, and the secret in hexadecimal
    digits."""
    content = secret.encode()
    for before in range(3):
        code = base64.b64encode(bytes(before) + content).decode().rstrip("=")
        # The first and last characters tell of the neighbours as well.
        known = code[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
        if len(known) >= ENCODED_MINIMUM:
            yield from {known, known.translate(str.maketrans("+/", "-_"))}
    yield from (content.hex(), content.hex().upper())


def _disguises(secret: str) -> Iterable[str]:
    """A secret in lower case, forwards and backwards: a target may change its letters' case, or turn it round."""
    core = secret.rstrip("=").lower()
    yield from (core, core[::-1]) if core else ()


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
            TELLING.search(name) or name.lower() in hidden
        ):
            return {"name": name, "value": REDACTED}
        case dict():
            return {
                (replace(key) if replace and isinstance(key, str) else key): _redact_entry(key, part, replace, hidden)
                for key, part in value.items()
            }
        case list():
            return [_redact(part, replace, hidden) for part in value]
    return value


def _redact_entry(key: str, part: Any, replace: Replacement | None, hidden: frozenset[str]) -> Any:
    if key == "headers" and isinstance(part, dict):
        return {
            name: REDACTED if TELLING.search(name) or name.lower() in hidden else _redact(text, replace, hidden)
            for name, text in part.items()
        }
    return _redact(part, replace, hidden)
