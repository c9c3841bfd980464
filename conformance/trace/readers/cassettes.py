"""Cassettes of VCR.py, of Ruby's VCR and of betamax, and of go-vcr from its first version to its fourth.

All keep a list of interactions, in YAML or JSON; they differ in the names and forms of what an interaction has.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from conformance.trace.readers import json_items
from conformance.trace.readers.entry import Answer, Body, Entry, Sent, entry, headers_of, moment, text_of

LISTS = ("interactions", "http_interactions", "Interactions")
"""What the list of interactions is called: by VCR.py and go-vcr, by betamax and Ruby's VCR, by go-vcr in JSON."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|μs|ns)")
_ERROR = re.compile(r'\s*\{\s*"error":\s*\{[^{}]*?"code":\s*([45]\d\d)\b')
"""The beginning of an error that names its status first."""

HTTP_OK = 200

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}


def read_json(file: BinaryIO) -> Iterator[Entry]:
    """The entries of a cassette in JSON.

    Raises:
        ValueError: the text is not JSON.
    """
    for name in LISTS:
        item = None
        file.seek(0)
        for item in json_items.items(file, name):
            yield _entry(item)
        if item is not None:
            return


def read_yaml(file: BinaryIO) -> Iterator[Entry]:
    """The entries of a cassette in YAML.

    Raises:
        ValueError: the text is not YAML.
    """
    from conformance.trace.readers.yaml_items import items  # noqa: PLC0415 - few recordings are YAML

    for item in items(file, LISTS):
        yield _entry(item)


def _entry(item: Any) -> Entry:
    request, response = (_lowered(_lowered(item).get(part)) for part in ("request", "response"))
    sent = Sent(
        text_of(request.get("method")) or "GET",
        text_of(request.get("uri")) or text_of(request.get("url")) or "",
        headers_of(request.get("headers")),
        _body(request.get("body")),
        moment(_lowered(item).get("recorded_at")),
        _seconds(response.get("duration")),
    )
    body = _body(response.get("body", response.get("content")))
    return entry(sent, Answer(_status(response, body), headers_of(response.get("headers")), body))


def _lowered(value: Any) -> Mapping[str, Any]:
    """An object with the names of its members in lower case: Go writes them as they stand in its structs, unless told
    otherwise."""
    return {str(name).lower(): held for name, held in value.items()} if isinstance(value, Mapping) else {}


def _status(response: Mapping[str, Any], body: Body) -> int:
    """The status: a number, an object with its code, or beside its text.

    A cassette that was made up, or has lost the statuses, has 200 without a text everywhere: there an error tells its
    own.
    """
    status = response.get("status")
    bare = isinstance(status, Mapping) and not status.get("message")
    told = (
        status.get("code") if isinstance(status, Mapping) else response.get("code", response.get("status_code", status))
    )
    found = re.match(r"\d{3}\b", str(told))
    code = int(found[0]) if found else 0
    error = _ERROR.match(text_of(body) or "") if bare and code == HTTP_OK else None
    return int(error[1]) if error else code


def _body(value: Any) -> Body:
    """A body: a text, bytes, or an object that has it as `string`, or in base64."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, str | bytes) else None
    packed = text_of(value.get("base64_string"))
    if packed is None:
        return _body(value.get("string"))
    try:
        return base64.b64decode(packed)
    except (binascii.Error, ValueError):
        return None


def _seconds(duration: Any) -> float:
    """How long an answer took: as Go writes it, such as 1m2.5s, or in nanoseconds."""
    if isinstance(duration, int | float):
        return float(duration) / 1e9
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text_of(duration) or ""))
