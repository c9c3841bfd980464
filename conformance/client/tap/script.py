"""Scripted faults: what goes wrong for a client, request by request, so that equal clients meet equal faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from urllib.parse import urlsplit

from conformance.client.tap.faults import NO_FAULT, Fault
from conformance.trace.exchange import LOST, MUTATIONS, route

LOOKS = ("images.get", "globalOperations.get", "globalOperations.wait")

SCRIPTS: dict[str, tuple[tuple[str, ...], Fault]] = {
    "429": ((*MUTATIONS, *LOOKS), Fault(status=429)),
    "503": ((*MUTATIONS, *LOOKS), Fault(status=503)),
    LOST: (tuple(MUTATIONS), Fault(lost=True)),
}
"""Of each script, the methods whose first request it meets, and what becomes of that; of several scripts one after
the other."""


class Script:
    """What becomes of the requests of one client.

    Args:
        names: the scripts.
    """

    def __init__(self, names: Iterable[str]) -> None:
        wanted = set(names)
        rows = [row for name, row in SCRIPTS.items() if name in wanted]
        methods = {method for found, _ in rows for method in found}
        self._left = {method: deque(fault for found, fault in rows if method in found) for method in methods}

    def draw(self, verb: str, target: str) -> Fault:
        """What becomes of the next request."""
        called = route(verb, urlsplit(target).path)
        left = self._left.get(called.method) if called else None
        return left.popleft() if left else NO_FAULT
