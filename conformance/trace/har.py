"""Exchanges as entries of an HTTP Archive (HAR 1.2), the format that browsers and proxies record traffic in.

What the suite alone knows of a request stands in a field of its own, as the format allows: recordings of others lack
it.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qsl, urlsplit

from conformance import __version__
from conformance.trace.exchange import NOT_RECORDED, Exchange, Intent, Request, Response, Trace
from conformance.trace.formats import timestamp
from conformance.trace.json_text import NOT_JSON, parse_json

OWN = "_conformance"
"""The field of an entry that only the suite's own recordings have."""

ASIDE = "aside"
"""What the trace of a request is called of which no scenario heard: an earlier try, a probe, or what cleans up."""

BODY_MAXIMUM = 16 * 2**20
"""Bytes of a compressed body that are unpacked; a larger one is cut."""


BODIED = frozenset({"images.insert", "images.patch", "images.setLabels", "images.deprecate"})
"""The API methods whose requests have a body."""

CUT_MARK = re.compile(
    rb"(?:\.{3}|\xe2\x80\xa6|[\[(<][^\])>\"]{0,40}(?:truncated|cut off|more)[^\])>\"]{0,40}[\])>])\s*\Z", re.IGNORECASE
)
"""What recorders write in the place of the rest of a body that was too long for them."""

PLAIN = frozenset({"", "identity"})
"""Content encodings that change nothing."""

SECONDS_MAXIMUM = 86_400.0
"""That a request may have taken: nobody waits for longer, and a time has to come of it."""


class UnreadableError(ValueError):
    """An entry lacks what is needed to judge it; the text says what.

    Attributes:
        exchange: the exchange as if its answer were lost; None where not even the request is known.
    """

    def __init__(self, reason: str, exchange: Exchange | None = None) -> None:
        super().__init__(reason)
        self.exchange = exchange


def entries(
    trace: Trace, name: str, *, bodies: bool = True, case: tuple[str, int] | None = None
) -> Iterator[dict[str, Any]]:
    """The entries of a trace, in the order of sending.

    Args:
        trace: what was exchanged.
        name: tells the entries of this trace from those of others.
        bodies: whether the bodies are wanted; without them an entry has their sizes only.
        case: the scenario and the number of its case that this trace is; None where it is none.
    """
    drawn = {"scenario": case[0], "case": case[1], "of": len(trace.exchanges)} if case else {}
    for exchange in trace.exchanges:
        intent = exchange.intent
        own = {
            "trace": name,
            **drawn,
            "deadline": trace.deadline,
            "number": exchange.number,
            "retried": exchange.retried,
            "intent": {"valid": intent.valid, "rules": list(intent.rules)} if intent else None,
        }
        yield {**entry_of(exchange, bodies=bodies), OWN: own}


def entry_of(exchange: Exchange, *, bodies: bool = True) -> dict[str, Any]:
    """The entry of an exchange by itself, as any recorder would write it but for the faults of a tap.

    Args:
        exchange: what was exchanged.
        bodies: whether the bodies are wanted; without them an entry has their sizes only.
    """
    milliseconds = round((exchange.received - exchange.sent) * 1000, 3)
    entry: dict[str, Any] = {
        "startedDateTime": datetime.fromtimestamp(exchange.sent, UTC).isoformat(timespec="microseconds"),
        "time": milliseconds,
        "request": _request(exchange.request),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }
    if not bodies:
        for part in (entry["request"].get("postData", {}), entry["response"]["content"]):
            part.pop("text", None)
    return {**entry, OWN: {"injected": exchange.injected}} if exchange.injected else entry


def bodiless(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the suite's own was kept without its bodies, for want of room."""
    data, content = (
        _object(_object(entry.get("request")).get("postData")),
        _object(_object(entry.get("response")).get("content")),
    )
    return (bool(data) and "text" not in data) or (bool(content) and "text" not in content)


def _request(request: Request) -> dict[str, Any]:
    described: dict[str, Any] = {
        "method": request.verb,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(request.headers.items()),
        "queryString": _pairs(parse_qsl(urlsplit(request.url).query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(request.body or b""),
    }
    if request.body is not None:
        described["postData"] = {"mimeType": request.headers.get("Content-Type", ""), **_text(request.body)}
    return described


def _response(exchange: Exchange) -> dict[str, Any]:
    response = exchange.response or Response(0)
    return {
        "status": response.status,
        "statusText": exchange.failure,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(response.headers.items()),
        "content": {
            "size": len(response.body),
            "mimeType": response.headers.get("content-type", ""),
            **_text(response.body),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _pairs(items: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in items]


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}


def write(lines: Iterable[str], path: Path) -> None:
    """Writes an archive of entries, each the JSON text of one line.

    Raises:
        OSError: the file cannot be written.
    """
    creator = json.dumps({"name": "conformance", "version": __version__})
    with _opened(path) as file:
        file.write(f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": [')
        for number, line in enumerate(lines):
            file.write(f"{',' if number else ''}\n{line.rstrip()}")
        file.write("\n]}}\n")


def _opened(path: Path) -> TextIO:
    """A file to write to, which is compressed where its name says so."""
    if path.suffix == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", compresslevel=3)
    return path.open("w", encoding="utf-8")


def exchange_of(entry: Mapping[str, Any], number: int) -> Exchange:
    """The exchange behind an entry of an archive, as number `number` of its trace; without a time it is sent at 0.

    Raises:
        UnreadableError: it is no entry, or the recording lacks the body of the request.
    """
    request, response = _object(entry.get("request")), _object(entry.get("response"))
    verb, url = request.get("method"), request.get("url")
    if not isinstance(verb, str) or not isinstance(url, str):
        raise UnreadableError("without the method or the URL of the request")
    if not _is_url(url):
        raise UnreadableError("whose URL is none")
    own = _object(entry.get(OWN))
    intent = _object(own.get("intent"))
    rules = intent.get("rules")
    sent = _started(entry.get("startedDateTime"))
    seconds = entry.get("time")
    received = (
        sent + min(max(float(seconds) / 1000, 0.0), SECONDS_MAXIMUM) if isinstance(seconds, int | float) else sent
    )
    headers = _headers(request)
    lost = Exchange(number, Request(verb.upper(), url, headers), None, NOT_RECORDED, sent, received)
    body = _sent_body(request)
    if body is None and _had_body(request, lost.method):
        raise UnreadableError("without the body of the request", lost)
    answer, failure = _answer(response, cached=bool(entry.get("_fromCache")))
    return Exchange(
        number,
        Request(verb.upper(), url, headers, body),
        answer,
        failure,
        sent,
        received,
        own.get("retried") is True,
        Intent(intent.get("valid") is True, tuple(map(str, rules))) if isinstance(rules, list) else None,
        injected=str(own.get("injected") or ""),
    )


def _started(text: Any) -> float:
    """When a request was sent, in seconds since the epoch; 0 where the entry does not say it, or says the end of all
    time."""
    moment = timestamp(text) or timestamp(f"{text}Z")
    return moment.timestamp() if moment and MINYEAR < moment.year < MAXYEAR else 0.0


def _answer(response: Mapping[str, Any], *, cached: bool) -> tuple[Response | None, str]:
    """The answer of an entry, or why it has none; browsers may leave out the body of one that they had `cached`."""
    status = response.get("status")
    reason = response.get("statusText")
    if not isinstance(status, int) or isinstance(status, bool) or status <= 0:
        return None, reason if isinstance(reason, str) and reason else NOT_RECORDED
    content = _object(response.get("content"))
    text, size = content.get("text"), content.get("size", 0)
    if not isinstance(text, str | bytes) and (size != 0 or cached):
        return None, NOT_RECORDED
    if not text and isinstance(size, int) and size > 0:
        return None, NOT_RECORDED
    headers = {name.lower(): value for name, value in _headers(response).items()}
    if isinstance(content.get("mimeType"), str) and content["mimeType"]:
        headers.setdefault("content-type", content["mimeType"])
    decoded = unpacked(_bytes(content), headers.get("content-encoding", ""))
    if decoded is None or _cut_by_recorder(content, decoded[0]):
        return None, NOT_RECORDED
    return Response(status, headers, *decoded), ""


def _cut_by_recorder(content: Mapping[str, Any], body: bytes) -> bool:
    """Whether a recorder has kept the beginning of a JSON body alone: it was longer, or a mark stands for the rest."""
    if body.lstrip()[:1] not in (b"{", b"[") or parse_json(body) is not NOT_JSON:
        return False
    size = content.get("size")
    return (isinstance(size, int) and size > len(body)) or CUT_MARK.search(body) is not None


def _is_url(url: str) -> bool:
    """Whether a text can be taken apart as a URL."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


def _had_body(request: Mapping[str, Any], method: str) -> bool:
    """Whether a request whose body the recording does not show had one: as it says itself, or as requests of its kind
    have."""
    data = _object(request.get("postData"))
    if isinstance(data.get("text"), str | bytes):
        return True
    size = request.get("bodySize")
    return isinstance(size, int) and (size > 0 if method not in BODIED else size != 0)


def _sent_body(request: Mapping[str, Any]) -> bytes | None:
    data = _object(request.get("postData"))
    if not isinstance(data.get("text"), str | bytes):
        return None
    encoding = next((value for name, value in _headers(request).items() if name.lower() == "content-encoding"), "")
    decoded = unpacked(_bytes(data), encoding)
    if decoded is None or _cut_by_recorder({"size": request.get("bodySize")}, decoded[0]):
        return None
    return decoded[0]


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a request or an answer, without those that HTTP/2 makes of the request line."""
    found = {}
    headers = message.get("headers")
    for header in headers if isinstance(headers, list) else ():
        name, value = _object(header).get("name"), _object(header).get("value")
        if isinstance(name, str) and isinstance(value, str) and not name.startswith(":"):
            found[name] = value
    return found


def _bytes(content: Mapping[str, Any]) -> bytes:
    text = content.get("text")
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        return b""
    if str(content.get("encoding")).lower() == "base64":
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            return text.encode(errors="replace")
    return text.encode(errors="surrogatepass")


def unpacked(body: bytes, encoding: str) -> tuple[bytes, bool] | None:
    """A body that was recorded as it came over the wire, decoded, and whether it was cut; most recorders decode it.

    None stands for a body in an encoding that is not read.
    """
    known = encoding.strip().lower()
    if known in PLAIN or body.lstrip()[:1] in (b"", b"{", b"["):
        return body, False
    if known in ("gzip", "x-gzip") and body.startswith(b"\x1f\x8b"):
        return _inflated(body, 31)
    if known == "deflate" and not _is_text(body):
        return _inflated(body, 15 if body[:1] == b"\x78" else -15)
    # What a recorder took for text is lost; an error page of a proxy is none.
    return (body, False) if _is_text(body) and known in ("gzip", "x-gzip", "deflate") else None


def _inflated(body: bytes, window: int) -> tuple[bytes, bool]:
    unpacker = zlib.decompressobj(wbits=window)
    try:
        content = unpacker.decompress(body, BODY_MAXIMUM)
    except zlib.error:
        return body, True
    return content, bool(unpacker.unconsumed_tail) or not unpacker.eof


def _is_text(body: bytes) -> bool:
    try:
        return "\ufffd" not in body.decode()
    except UnicodeDecodeError:
        return False


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
