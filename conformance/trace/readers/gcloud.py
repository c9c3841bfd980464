"""What `gcloud --log-http` prints: each request and answer between lines of its own, and anything else around them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from conformance.trace.readers.entry import Answer, Body, Entry, Sent, entry

START = "==== request start ===="

_TOOK = re.compile(r"total round trip time \(request\+response\): ([\d.]+) secs")
_STATUS = re.compile(r"status: (\d{3})\b")
_REDACTED = re.compile(r"Body redacted\b|\[?<?redacted>?\]?$", re.IGNORECASE)


@dataclass
class _Noted:
    """What was read of an exchange so far; `section` is which part the lines are of."""

    section: str = "request"
    fields: dict[str, str] = field(default_factory=dict)
    headers: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"request": [], "response": []})
    bodies: dict[str, list[str]] = field(default_factory=lambda: {"request": [], "response": []})
    status: int = 0
    seconds: float = 0.0
    ended: bool = False


def read(file: BinaryIO) -> Iterator[Entry]:
    """The entries of an output; requests without an answer are followed by the next request, or by nothing."""
    noted: _Noted | None = None
    part, inside = "request", ""
    for raw in file:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        marker = line.strip().strip("=-").strip()
        if line.strip() == START:
            if noted is not None:
                yield _entry(noted)
            noted, part, inside = _Noted(), "request", ""
        elif noted is None:
            continue
        elif line.strip() == "---- response start ----":
            part = "response"
        elif marker in ("headers start", "body start") and line[:1] in "=-":
            inside = marker.partition(" ")[0]
        elif marker == f"{inside} end" and line[:1] in "=-":
            inside = ""
        elif inside == "headers":
            noted.headers[part] += _header(line)
        elif inside == "body":
            noted.bodies[part].append(line)
        elif line.strip() == "---- response end ----":
            yield _entry(noted)
            noted = None
        else:
            _note(noted, line)
    if noted is not None:
        yield _entry(noted)


def _note(noted: _Noted, line: str) -> None:
    """A line outside of headers and bodies."""
    status, took = _STATUS.match(line), _TOOK.match(line)
    if status:
        noted.status = int(status[1])
    elif took:
        noted.seconds = float(took[1])
    else:
        name, found, value = line.partition(": ")
        if found and name in ("uri", "method"):
            noted.fields.setdefault(name, value.strip())


def _header(line: str) -> list[tuple[str, str]]:
    """A header, which newer versions write as Python writes bytes."""
    found = re.match(r"(b'(?:[^'\\]|\\.)*'|b\"(?:[^\"\\]|\\.)*\"|[^:\s]+):\s?(.*)", line)
    return [(_text(found[1]), _text(found[2]))] if found else []


def _text(written: str) -> str:
    if not re.match(r"b['\"]", written):
        return written
    try:
        value = ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError):
        return written
    return value.decode(errors="replace") if isinstance(value, bytes) else written


def _entry(noted: _Noted) -> Entry:
    fields = noted.fields
    sent_headers = tuple(noted.headers["request"])
    sent = Sent(
        fields.get("method", ""), fields.get("uri", ""), sent_headers, _body(noted, "request"), "", noted.seconds
    )
    return entry(sent, Answer(noted.status, tuple(noted.headers["response"]), _body(noted, "response")))


def _body(noted: _Noted, part: str) -> Body:
    text = "\n".join(noted.bodies[part]).strip()
    if _REDACTED.match(text):
        return None
    return _text(text).encode() if text.startswith(("b'", 'b"')) else text
