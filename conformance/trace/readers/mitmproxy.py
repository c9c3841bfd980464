"""Dumps of mitmproxy: flows one after the other, each a tnetstring.

The format is small and has been stable for years, so it is read here: mitmproxy itself forbids current versions of
libraries that this suite and its users need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from conformance.trace.readers.entry import Answer, Body, Entry, Sent, entry, moment, text_of

BEGINNING = re.compile(rb"\A\d{1,10}:\d{1,10}:\w+[;,]")
"""How a dump begins: the length of a flow, and the name of one of its members."""

DEPTH_MAXIMUM = 100
_DIGITS_MAXIMUM = 10
_PORTS = {"http": 80, "https": 443}


def read(file: BinaryIO) -> Iterator[Entry]:
    """The entries of a dump: its HTTP flows.

    Raises:
        ValueError: it is none, or was cut in the middle of a flow.
    """
    while (length := _length(file)) is not None:
        data = file.read(length + 1)
        if len(data) <= length:
            raise ValueError("it ends in the middle of a flow")
        flow = _value(memoryview(data)[:length], data[length : length + 1], 0)
        if isinstance(flow, Mapping) and isinstance(flow.get("request"), Mapping):
            yield _entry(flow)


def _length(file: BinaryIO) -> int | None:
    """The length that a tnetstring begins with; None at the end of the file."""
    digits = b""
    while (byte := file.read(1)) and byte != b":":
        digits += byte
        if not byte.isdigit() or len(digits) > _DIGITS_MAXIMUM:
            raise ValueError("it is no dump of mitmproxy")
    if not digits and not byte:
        return None
    if not byte or not digits:
        raise ValueError("it ends in the middle of a flow")
    return int(digits)


def _value(data: memoryview, kind: bytes, depth: int) -> Any:
    if depth > DEPTH_MAXIMUM:
        raise ValueError(f"it is nested deeper than {DEPTH_MAXIMUM} levels")
    match kind:
        case b",":
            return bytes(data)
        case b";":
            return bytes(data).decode("utf-8", errors="replace")
        case b"#":
            return int(bytes(data))
        case b"^":
            return float(bytes(data))
        case b"!":
            return bytes(data) == b"true"
        case b"~":
            return None
        case b"]":
            return list(_parts(data, depth + 1))
        case b"}":
            parts = _parts(data, depth + 1)
            return {text_of(key) or "": next(parts, None) for key in parts}
    raise ValueError("it is no dump of mitmproxy")


def _parts(data: memoryview, depth: int) -> Iterator[Any]:
    at = 0
    while at < len(data):
        digits = bytes(data[at : at + _DIGITS_MAXIMUM + 1]).partition(b":")[0]
        start = at + len(digits) + 1
        end = start + int(digits) if digits.isdigit() else len(data)
        if end >= len(data):
            raise ValueError("it is no dump of mitmproxy")
        yield _value(data[start:end], bytes(data[end : end + 1]), depth)
        at = end + 1


def _entry(flow: Mapping[str, Any]) -> Entry:
    request = flow["request"]
    response = flow.get("response")
    response = response if isinstance(response, Mapping) else {}
    error = flow.get("error")
    began, ended = request.get("timestamp_start"), response.get("timestamp_end")
    seconds = ended - began if isinstance(began, float | int) and isinstance(ended, float | int) else 0.0
    sent = Sent(
        text_of(request.get("method")) or "",
        _url(request),
        _headers(request.get("headers")),
        _body(request),
        moment(began),
        max(seconds, 0.0),
    )
    status = response.get("status_code", response.get("code", 0))
    told = (text_of(error.get("msg")) if isinstance(error, Mapping) else "") or ""
    # A client that hung up, and a flow that was killed, are no doing of the server.
    failure = told if "server" in told.lower() else ""
    answer = Answer(
        status if isinstance(status, int) else 0, _headers(response.get("headers")), _body(response), failure
    )
    return entry(sent, answer)


def _url(request: Mapping[str, Any]) -> str:
    scheme, host = text_of(request.get("scheme")) or "https", text_of(request.get("host")) or ""
    port, path = request.get("port"), text_of(request.get("path")) or "/"
    if ":" in host:
        host = f"[{host}]"
    place = host if port in (None, _PORTS.get(scheme)) else f"{host}:{port}"
    return f"{scheme}://{place}{path if path.startswith('/') else '/'}"


def _headers(pairs: Any) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, list) and len(pair) == 2:
            name, value = text_of(pair[0]) or "", text_of(pair[1]) or ""
            found[name] = f"{found[name]}, {value}" if name in found else value
    return tuple(found.items())


def _body(message: Mapping[str, Any]) -> Body:
    body = message.get("content", message.get("body"))
    return body if isinstance(body, str | bytes) else None
