"""What every reader makes of an exchange: an entry as an HTTP archive has it, so that all recordings are judged
alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

Entry = dict[str, Any]
"""An entry of an HTTP archive; a body may be bytes."""

Body = str | bytes | None
"""The body of a message; None where the recorder did not keep it."""

BODILESS = frozenset({204, 304})
"""Statuses of answers that have no body."""


@dataclass(frozen=True)
class Answer:
    """An answer as it was recorded: `status` 0 stands for none at all, for the reason `failure`."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = None
    failure: str = ""


@dataclass(frozen=True)
class Sent:
    """A request as it was recorded; `started` is a text in RFC 3339 ("" where the recorder noted no time)."""

    verb: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = None
    started: str = ""
    seconds: float = field(default=0.0)


def entry(sent: Sent, answer: Answer) -> Entry:
    """The entry of an exchange.

    An empty body of a message that has one as a rule counts as lost, unless the message itself says that it is empty:
    many recorders leave bodies out.
    """
    request: Entry = {"method": sent.verb, "url": sent.url, "headers": _pairs(sent.headers), "bodySize": 0}
    if sent.body:
        request["postData"] = {"text": sent.body}
    elif not _says_empty(sent.headers):
        request["bodySize"] = -1
    content: Entry = {"size": 0}
    if answer.body:
        content["text"] = answer.body
    elif answer.status not in BODILESS and not _says_empty(answer.headers):
        content["size"] = -1
    response = {
        "status": answer.status,
        "statusText": answer.failure,
        "headers": _pairs(answer.headers),
        "content": content,
    }
    made: Entry = {"request": request, "response": response, "time": sent.seconds * 1000}
    if sent.started:
        made["startedDateTime"] = sent.started
    return made


def _says_empty(headers: Iterable[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-length" and value.strip() == "0" for name, value in headers)


def _pairs(headers: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def headers_of(value: Any) -> tuple[tuple[str, str], ...]:
    """Headers that a cassette keeps as an object of texts, or of lists of texts."""
    if not isinstance(value, Mapping):
        return ()
    found = []
    for name, held in value.items():
        values = held if isinstance(held, list) else [held]
        texts = [text for text in map(text_of, values) if text is not None]
        if isinstance(name, str) and texts:
            found.append((name, ", ".join(texts)))
    return tuple(found)


def text_of(value: Any) -> str | None:
    """A text that may be kept as bytes; None for anything else."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else None


def moment(value: Any) -> str:
    """A time in RFC 3339, from that format, from that of the Date header, or in seconds since the epoch; "" for what
    is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC).isoformat()
        except (ValueError, OverflowError, OSError):
            return ""
    if not isinstance(value, str):
        return ""
    try:
        return parsedate_to_datetime(value).astimezone(UTC).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return value
