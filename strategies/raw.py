"""Bodies that are no JSON object, and bodies that put a parser to the test."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.config.sources import Sources
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal

DEPTH = 10_000
LONG_TEXT = 2**20


@dataclass(frozen=True)
class RawRequest:
    """Bodies for one rule, each a function of a valid body as text."""

    rule: str
    bodies: tuple[tuple[str, Callable[[bytes], bytes]], ...]
    headers: tuple[tuple[str, str], ...] = ()

    def cases(self, sources: Sources) -> Sequence[InsertRequest]:
        """The requests to send."""
        body = minimal(sources)
        return [InsertRequest(body, rewrite=rewrite, note=note, headers=self.headers) for note, rewrite in self.bodies]


def _with(valid: bytes, more: bytes) -> bytes:
    """A valid body with one more member."""
    return valid[:-1] + b", " + more + b"}"


RAW: tuple[RawRequest, ...] = (
    RawRequest(
        "transport.malformed-json",
        (
            ("cut off", lambda valid: valid[:-1]),
            ("cut off in a text", lambda valid: valid[:12]),
            ("trailing comma", lambda valid: valid[:-1] + b",}"),
            ("trailing comma in a list", lambda valid: _with(valid, b'"licenses": ["a",]')),
            ("overlong UTF-8", lambda valid: _with(valid, b'"description": "\xc0\xaf"')),
            ("bad UTF-8", lambda valid: _with(valid, b'"description": "\xff\xfe"')),
            ("bare NaN", lambda valid: _with(valid, b'"diskSizeGb": NaN')),
            ("text after the end", lambda valid: valid + b" and more"),
            ("no JSON at all", lambda _: b"name=image"),
        ),
    ),
    RawRequest(
        "transport.body-not-object",
        (
            ("array", lambda valid: b"[" + valid + b"]"),
            ("string", lambda _: b'"text"'),
            ("number", lambda _: b"7"),
            ("null", lambda _: b"null"),
            ("true", lambda _: b"true"),
        ),
    ),
    RawRequest("transport.empty-body", (("empty", lambda _: b""),)),
    RawRequest(
        "transport.no-server-error",
        (
            ("a name twice", lambda valid: _with(valid, b'"name": "Conformance-Again"')),
            ("a number of 1,000 digits", lambda valid: _with(valid, b'"diskSizeGb": ' + b"9" * 1000)),
            ("a text of 1 MB", lambda valid: _with(valid, b'"description": "' + b"a" * LONG_TEXT + b'"')),
            ("half a character", lambda valid: _with(valid, b'"description": "\\ud800"')),
            ("the character NUL", lambda valid: _with(valid, b'"description": "\\u0000"')),
            ("null in a list", lambda valid: _with(valid, b'"licenses": [null], "guestOsFeatures": [null]')),
            ("a feature of no type", lambda valid: _with(valid, b'"guestOsFeatures": [{}]')),
            ("a label of null", lambda valid: _with(valid, b'"labels": {"colour": null}')),
            ("a number with a huge exponent", lambda valid: _with(valid, b'"diskSizeGb": 1e400')),
            ("a byte order mark", lambda valid: b"\xef\xbb\xbf" + valid),
            ("UTF-16", lambda valid: valid.decode().encode("utf-16")),
            ("nested 100 deep", lambda valid: _with(valid, b'"conformance": ' + b"[" * 100 + b"]" * 100)),
            ("nested 1,000 deep", lambda valid: _with(valid, b'"conformance": ' + b"[" * 1000 + b"]" * 1000)),
            ("a list of 10,000", lambda valid: _with(valid, b'"licenses": [' + b'"a",' * 9999 + b'"a"]')),
            # The last ones are not for a target where each request is dear: no client sends such a body.
            ("deeply nested", lambda valid: _with(valid, b'"conformance": ' + b"[" * DEPTH + b"]" * DEPTH)),
        ),
    ),
    RawRequest(
        "transport.no-server-error",
        (("the wrong content type", lambda _: b"name=conformance"),),
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    ),
    RawRequest(
        "transport.no-server-error",
        (("no content type", lambda valid: valid),),
        headers=(("Content-Type", ""),),
    ),
    RawRequest(
        "transport.no-server-error",
        (("compressed", gzip.compress),),
        headers=(("Content-Encoding", "gzip"),),
    ),
)
