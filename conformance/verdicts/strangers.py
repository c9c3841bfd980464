"""Images that an answer shows and that no request of its trace knows of: others have made them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from conformance.trace.exchange import SUITE_NAME, Exchange, Trace


def said(trace: Trace) -> str:
    """All that the requests of a trace say but for their host, which is another one in each run."""
    return "\n".join(map(request_text, trace.exchanges))


def request_text(exchange: Exchange) -> str:
    """What a request says but for its host."""
    path = exchange.request.url.partition("/projects/")[2]
    return f"{path} {(exchange.request.body or b'').decode(errors='replace')}"


def shown(exchange: Exchange) -> list[dict[str, Any]]:
    """The images, and the operations on some, that an answer shows."""
    value = exchange.resource or {}
    alone = [part for part in (value, value.get("image")) if isinstance(part, dict)]
    return [part for part in (*alone, *exchange.items) if name_of(part)]


def name_of(part: dict[str, Any]) -> str:
    """The name of the image that something in an answer is, or is about; "" for none."""
    name = part.get("targetLink") or (part.get("name") if part.get("kind") != "compute#operation" else None)
    return unquote(name.rpartition("/")[2]) if isinstance(name, str) else ""


def is_strange(part: dict[str, Any], text: str) -> bool:
    """Whether it is an image that the suite has made, or about one, and a trace whose requests say this has not."""
    name = name_of(part)
    return SUITE_NAME.fullmatch(name) is not None and name not in text
