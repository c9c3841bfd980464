"""A tap in this process, and a target that says byte for byte what it is told to."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.client.tap.faults import Faults
from conformance.client.tap.log import Log
from conformance.client.tap.proxy import Tap
from conformance.trace.exchange import Exchange

SECONDS = 10.0
"""How long a test waits for what has to come."""


@dataclass
class Tapped:
    """A tap that is open; `exchanges` are known once it is closed."""

    tap: Tap
    port: int
    exchanges: list[Exchange]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """A connection of a client."""
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)

    def say(self, *parts: bytes) -> bytes:
        """What a client hears that says this, and then no more; from the first byte to the last."""
        with self.connect() as wire:
            for part in parts:
                wire.sendall(part)
            wire.shutdown(socket.SHUT_WR)
            return all_of(wire)


@contextmanager
def tapped(upstream: str, faults: str = "", seed: int = 0, trust: str | None = None) -> Iterator[Tapped]:
    """A tap in front of a target, with a loop of its own; the context ends once all is kept."""
    log, loop = Log(upstream), asyncio.new_event_loop()
    tap = Tap(upstream, log.append, Faults(faults, seed), trust)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    _, port = asyncio.run_coroutine_threadsafe(tap.start("127.0.0.1", 0), loop).result(SECONDS)
    found = Tapped(tap, port, [])
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(_stop(tap), loop).result(SECONDS)
        found.exchanges += [exchange for exchange, _ in log.read()]
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()
        log.close()


async def _stop(tap: Tap) -> None:
    tap.stop()
    await asyncio.sleep(0)


class Wire:
    """A target that hears bytes, and answers them.

    Args:
        answer: is given each new piece of what was heard on a connection, and that connection.

    Attributes:
        url: where it listens.
        heard: the bytes of each connection.
    """

    def __init__(self, answer: Callable[[bytes, socket.socket], object]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.heard: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.heard.append(b"")
            threading.Thread(target=self._serve, args=(connection, len(self.heard) - 1), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection:
            while True:
                try:
                    data = connection.recv(2**20)
                    self.heard[number] += data
                    if not data or self._answer(data, connection) is CLOSE:
                        return
                except OSError:
                    return


CLOSE = object()
"""What an answer returns that ends the connection."""


def always(text: bytes) -> Callable[[bytes, socket.socket], object]:
    """Answers the same to whatever comes."""
    return lambda data, connection: connection.sendall(text)


def all_of(wire: socket.socket) -> bytes:
    """What comes until the other end closes."""
    found = b""
    while piece := wire.recv(2**20):
        found += piece
    return found


def heard(wire: socket.socket, size: int) -> bytes:
    """The next bytes, so many of them."""
    found = b""
    while len(found) < size and (piece := wire.recv(size - len(found))):
        found += piece
    return found
