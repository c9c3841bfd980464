"""The trace of a breach as results.json keeps it, so that its scripts can be made later: short, and without secrets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from conformance.trace.exchange import Trace
from conformance.trace.formats import decoded
from conformance.trace.redaction import redacted

PLAIN_MAXIMUM = 16 * 2**20
"""Characters of a trace that are unpacked: more no run has kept."""


def packed(record: Mapping[str, Any], hidden: Iterable[str] = (), hidden_headers: Iterable[str] = ()) -> str:
    """A trace in a few printable characters.

    Each key is another one of its size, and its hash the hash of that, so that rules find the same in it.

    Args:
        record: the trace, as Trace.record has it.
        hidden: texts that must not be seen, beside the keys.
        hidden_headers: names of headers whose values are secret, beside those that tell.
    """
    exchanges = [_with_bodies(row, _text) for row in record["exchanges"]]
    plain = json.dumps(exchanges)
    keys = {
        secret: _other(secret, number)
        for number, secret in enumerate(sorted(record["secrets"], key=len, reverse=True))
        if secret in plain
    }
    for secret, other in keys.items():
        plain = plain.replace(secret, other).replace(_hashed(secret), _hashed(other))
    clean = redacted(json.loads(plain), {*record["secrets"], *hidden}, hidden_headers)
    kept = {**record, "exchanges": clean, "secrets": list(keys.values())}
    return base64.b64encode(zlib.compress(json.dumps(kept).encode(), 9)).decode()


def unpacked(text: str) -> Trace:
    """The trace that was packed.

    Raises:
        ValueError: the text is none.
    """
    try:
        plain = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), PLAIN_MAXIMUM)
        record = json.loads(plain)
        return Trace.from_record({**record, "exchanges": [_with_bodies(row, _bytes) for row in record["exchanges"]]})
    except (ValueError, zlib.error, LookupError, TypeError, AttributeError):
        raise ValueError("no trace that a run has kept") from None


def _other(secret: str, number: int) -> str:
    """Another key of the same size; one that is no proper base64 keeps its form, and loses its letters."""
    content = decoded(secret) or b""
    if base64.b64encode(content).decode() != secret:
        return re.sub("[A-Za-z]", "k", secret)
    return base64.b64encode(hashlib.shake_256(b"key %d" % number).digest(len(content))).decode()


def _hashed(key: str) -> str:
    return base64.b64encode(hashlib.sha256(decoded(key) or b"").digest()).decode()


def _with_bodies(row: Mapping[str, Any], turned: Callable[[Any], Any]) -> dict[str, Any]:
    """An exchange with its two bodies turned from bytes into text, or back."""
    sides = {side: row[side] and {**row[side], "body": turned(row[side]["body"])} for side in ("request", "response")}
    return {**row, **sides}


def _text(body: bytes | None) -> str | None:
    return None if body is None else body.decode("utf-8", "surrogateescape")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")
