"""A request for images.insert, before the run gives it its name and its requestId."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


class Fresh(enum.Enum):
    """Stands for a value that the run supplies when a request is sent, so that no example meets its own leftovers."""

    FRESH = "fresh"
    CAPITAL_FRESH = "fresh, in capitals"


FRESH = Fresh.FRESH
CAPITAL_FRESH = Fresh.CAPITAL_FRESH


@dataclass(frozen=True)
class FreshName:
    """Stands for a name that the run supplies and that ends as it is said here; so it can be told from other people's.

    Args:
        tail: how it ends.
        length: how many characters it has, letters before the tail making up for what is missing; 0 for as many as it
            takes.
        head: what stands before all else.
    """

    tail: str
    length: int = 0
    head: str = ""

    def after(self, start: str) -> str:
        """The name that begins with a text."""
        start = self.head + start
        return start + "x" * (self.length - len(start) - len(self.tail)) + self.tail


@dataclass(frozen=True)
class InsertRequest:
    """What to send.

    Args:
        body: the image without its name.
        name: the name; None sends none.
        request_id: the requestId; None sends none.
        request_id_version: the version of the UUID that a fresh requestId is; None for any.
        query: further query parameters.
        headers: further headers; an empty value leaves out one that is usually sent.
        rewrite: makes the bytes to send from the JSON of the whole body; None sends that JSON.
        note: what is special about this request, in a few words.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    name: str | Fresh | FreshName | None = FRESH
    request_id: str | Fresh | None = FRESH
    request_id_version: int | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    rewrite: Callable[[bytes], bytes] | None = None
    note: str = ""

    def replace(self, **changes: Any) -> InsertRequest:
        """The same request but for some of its parts."""
        return replace(self, **changes)
