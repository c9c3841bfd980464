"""Where a recording comes from, as far as it can be told, and what makes one doubt that it is of the real service.

Recordings of mocks have been taken for real ones before. A doubt is a warning, and never a verdict.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from conformance.trace.exchange import MUTATIONS, Exchange
from conformance.trace.recorded_clock import served_at

REAL_HOST = re.compile(r"(?:.+\.)?googleapis\.com")

SERVERS = frozenset({"ESF", "GSE", "sffe"})
"""What the front ends of the real service call themselves."""

_OPERATION = re.compile(r"operation-\d{13}-[0-9a-f]{13}-[0-9a-f]{8}-[0-9a-f]{8}")
_PLAIN_NAME = re.compile(r"[a-z0-9-]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[78]:00")
_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
_TIMES = ("insertTime", "creationTimestamp")
_NUMBER = re.compile(r"[0-9]{1,20}")
_IDS = ("id", "targetId", "sourceDiskId", "sourceImageId", "sourceSnapshotId")

KEPT = 1000
"""So many values of a kind are looked at."""

HEADERS_LEAST = 3
"""An answer with fewer headers is one of a recorder that keeps a few."""

IN_A_ROW = 3
"""So many ids of which each is the next after the one before are no accident."""

GAP_MAXIMUM = 10
"""By how much ids differ that are counted."""


class Provenance:
    """What the exchanges of a recording tell of their origin; each is shown to `see`."""

    def __init__(self) -> None:
        self._hosts: Counter[str] = Counter()
        self._links: Counter[str] = Counter()
        self._servers: Counter[str] = Counter()
        self._headed = 0
        self._marked = 0
        self._operations: set[str] = set()
        self._ids: set[int] = set()
        self._times: set[str] = set()
        self._began: float = 0.0
        self._ended: float = 0.0

    def see(self, exchange: Exchange) -> None:
        """Takes note of an exchange of this API, as it was recorded."""
        self._hosts[urlsplit(exchange.request.url).hostname or ""] += 1
        moment = exchange.sent or served_at(exchange) or 0.0
        if moment:
            self._began = min(self._began or moment, moment)
            self._ended = max(self._ended, moment)
        if exchange.response is not None and exchange.response.headers:
            self._see_headers(exchange.response.headers)
        resource = exchange.resource or {}
        for shown in (resource, *exchange.items):
            self._see_resource(shown)
        operation = exchange.method in MUTATIONS or exchange.method.startswith("globalOperations.")
        name = resource.get("name")
        if operation and isinstance(name, str) and _PLAIN_NAME.fullmatch(name) and len(self._operations) < KEPT:
            self._operations.add(name)

    def _see_headers(self, headers: Mapping[str, str]) -> None:
        # Recorders that keep a few headers only tell nothing by those that are missing.
        if len(headers) < HEADERS_LEAST:
            return
        self._headed += 1
        self._marked += "server" in headers or any(name.startswith("x-") for name in headers)
        if headers.get("server"):
            self._servers[headers["server"]] += 1

    def _see_resource(self, resource: Mapping[str, Any]) -> None:
        for name in ("selfLink", "targetLink"):
            host = _host(resource.get(name))
            if host:
                self._links[host] += 1
        for name in _IDS:
            number = resource.get(name)
            if isinstance(number, str) and _NUMBER.fullmatch(number) and len(self._ids) < KEPT:
                self._ids.add(int(number))
        for name in _TIMES:
            value = resource.get(name)
            if isinstance(value, str) and _PLAIN_TIME.fullmatch(value) and len(self._times) < KEPT:
                self._times.add(value)

    def told(self, formats: Mapping[str, int]) -> str:
        """Where the recording comes from, in one line.

        Args:
            formats: how many files were read, by their format.
        """
        read = ", ".join(f"{count} × {name}" if count > 1 else name for name, count in formats.items())
        parts = (
            read,
            _most("from", self._hosts),
            _most("server", self._servers),
            _most("links to", self._links),
            _span(self._began, self._ended),
        )
        return " · ".join(filter(None, parts))

    def doubts(self) -> str:
        """Why a recording that says it is of the real service may be none; "" where nothing speaks against it."""
        claimed = [host for host in self._hosts if REAL_HOST.fullmatch(host)]
        found = list(self._doubts()) if claimed else []
        if not found:
            return ""
        return f"the recording says that it is of {claimed[0]}, but does not look like it: {'; '.join(found)}"

    def _doubts(self) -> Iterator[str]:
        odd = sorted(name for name in self._operations if not _OPERATION.fullmatch(name))
        if odd:
            yield f"operations have other names than the service gives, such as {odd[0]}"
        strange = [server for server in self._servers if server not in SERVERS]
        if strange:
            yield f"the server calls itself {strange[0]}"
        elif self._headed and not self._marked:
            yield "answers have neither a server nor an x-… header"
        links = [host for host in self._links if not REAL_HOST.fullmatch(host)]
        if links:
            yield f"links lead to {links[0]}"
        if self._in_a_row():
            yield "ids are numbers in a row"
        if self._times and not any(map(_TIME.fullmatch, self._times)) and len(self._times) > 1:
            yield f"times are not written as the service writes them: {min(self._times)}"

    def _in_a_row(self) -> bool:
        gaps = Counter(later - earlier for earlier, later in pairwise(sorted(self._ids)))
        return any(count >= IN_A_ROW - 1 and gap <= GAP_MAXIMUM for gap, count in gaps.items())


def _host(link: Any) -> str:
    if not isinstance(link, str) or "://" not in link:
        return ""
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


def _most(word: str, found: Counter[str]) -> str:
    names = ", ".join(name for name, _ in found.most_common(3) if name)
    return f"{word} {names}" if names else ""


def _span(began: float, ended: float) -> str:
    try:
        first, last = (datetime.fromtimestamp(moment, UTC) for moment in (began, ended))
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC" if began else ""
