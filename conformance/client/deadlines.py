"""Time limits on whole requests: a server that sends a byte now and then would otherwise hold its client for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

STEP_SECONDS = 0.1
"""How late a limit may be noticed."""

_thread = threading.local()


class Term:
    """The time that a request may take; once it is `over`, its connection is hung up.

    Args:
        end: when it is over, by the monotonic clock.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self.over = False
        self.wire: socket.socket | None = None

    def hang_up(self) -> None:
        """Ends the reading of the thread that waits for the answer."""
        self.over = True
        if self.wire is not None:
            with contextlib.suppress(OSError):
                # A TLS socket would first forget its keys, in the middle of the other thread's reading.
                socket.socket.shutdown(self.wire, socket.SHUT_RDWR)


class _Watch:
    """Looks at all terms of this process from a thread of its own, which is there once it is needed."""

    def __init__(self) -> None:
        self._terms: set[Term] = set()
        self._lock = threading.Lock()
        self._running = False

    def add(self, term: Term) -> None:
        with self._lock:
            self._terms.add(term)
            if not self._running:
                self._running = True
                threading.Thread(target=self._look, name="watch", daemon=True).start()

    def remove(self, term: Term) -> None:
        with self._lock:
            self._terms.discard(term)

    def _look(self) -> None:
        while True:
            time.sleep(STEP_SECONDS)
            now = time.monotonic()
            with self._lock:
                overdue = [term for term in self._terms if now >= term.end]
                for term in overdue:
                    term.hang_up()


_watch = _Watch()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[Term]:
    """Limits the request that this thread sends in the context; the connection says by `on` where it goes."""
    term = Term(time.monotonic() + seconds)
    _thread.term = term
    _watch.add(term)
    try:
        yield term
    finally:
        _watch.remove(term)
        _thread.term = None


def on(wire: socket.socket | None) -> None:
    """Says on which socket this thread waits for an answer."""
    term: Term | None = getattr(_thread, "term", None)
    if term is not None:
        term.wire = wire
