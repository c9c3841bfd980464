"""HTTP logs as k8s-config-connector keeps them: requests and answers as text, with a line of three dashes between
exchanges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from conformance.trace.readers.entry import Answer, Entry, Sent, entry

REQUEST_LINE = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (https?://\S+)(?: HTTP/[\d.]+)?")
_STATUS_LINE = re.compile(r"(?:HTTP/[\d.]+ )?([1-5]\d\d)(?: [A-Z][\w' -]*)?")
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*)")


def read(file: BinaryIO) -> Iterator[Entry]:
    """The entries of a log. An exchange begins with the line of its request; comments before it are passed over."""
    lines: list[str] = []
    for raw in file:
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        if REQUEST_LINE.fullmatch(line) and _separated(lines):
            yield from _entry(lines)
            lines = []
        lines.append(line)
    yield from _entry(lines)


def _separated(lines: list[str]) -> bool:
    """Whether an exchange may begin here: at the start, or behind a line of dashes; a body may look like a request."""
    last = next((line for line in reversed(lines) if line.strip() and not line.startswith("#")), "---")
    return last == "---"


def _entry(lines: list[str]) -> Iterator[Entry]:
    while lines and (not lines[-1].strip() or lines[-1] == "---" or lines[-1].startswith("#")):
        lines = lines[:-1]
    found = REQUEST_LINE.fullmatch(lines[0]) if lines else None
    if found is None:
        return
    sent_headers, rest = _headers(lines[1:])
    at = next((at for at, line in enumerate(rest) if _STATUS_LINE.fullmatch(line) and _blank_before(rest, at)), None)
    body = "\n".join(rest if at is None else rest[:at]).strip()
    sent = Sent(found[1], found[2], sent_headers, body)
    if at is None:
        yield entry(sent, Answer(0))
        return
    status = _STATUS_LINE.fullmatch(rest[at])
    assert status is not None
    headers, answered = _headers(rest[at + 1 :])
    yield entry(sent, Answer(int(status[1]), headers, "\n".join(answered).strip()))


def _blank_before(lines: list[str], at: int) -> bool:
    return at == 0 or not lines[at - 1].strip()


def _headers(lines: list[str]) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """The headers that some lines begin with, and the lines behind the blank one that ends them."""
    found: list[tuple[str, str]] = []
    for at, line in enumerate(lines):
        header = _HEADER.fullmatch(line)
        if header is None:
            return tuple(found), lines[at + (not line.strip()) :]
        found.append((header[1], header[2]))
    return tuple(found), []
