"""A server over real sockets that answers what a script says, down to the byte; and one that spoils the answers of
the emulator."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import BinaryIO
from urllib.parse import urlsplit

HOP_HEADERS = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})
"""Headers of the emulator that say nothing about the answer of a server in front of it."""


@dataclass(frozen=True)
class Asked:
    """A request as it came in; `number` counts those of all connections from 1 on."""

    number: int
    verb: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer that is correct HTTP, to be sent as it is or spoiled."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    def head(self, **more: str) -> bytes:
        """The answer's head; keywords add headers or change them."""
        headers = {**self.headers, "content-length": str(len(self.body))}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", errors="surrogatepass")

    def whole(self) -> bytes:
        """Head and body."""
        return self.head() + self.body


class Line:
    """The server's end of a connection, as scripts use it."""

    def __init__(self, wire: socket.socket, closing: threading.Event) -> None:
        self._wire = wire
        self._closing = closing

    def send(self, data: bytes) -> None:
        """Sends bytes."""
        self._wire.sendall(data)

    def pour(self, data: bytes, size: int) -> None:
        """Sends bytes again and again until there are `size` of them, or the client hangs up."""
        for _ in range(size // len(data)):
            self._wire.sendall(data)

    def drip(self, data: bytes) -> None:
        """Sends a byte a second, again and again, until the client hangs up."""
        for number in itertools.cycle(data):
            self._wire.sendall(bytes([number]))
            if self._closing.wait(1):
                return

    def silence(self) -> None:
        """Says nothing until the client hangs up."""
        with contextlib.suppress(TimeoutError):
            while not self._closing.is_set() and self._wire.recv(65536):
                pass

    def reset(self) -> None:
        """Resets the connection."""
        self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError

    def hang_up(self) -> None:
        """Closes the connection."""
        raise ConnectionAbortedError


Script = Callable[[Asked, Line], None]
Spoiler = Callable[[Asked, Answer, Line], None]


class BadTarget:
    """A server that does to every request what its script says, for as long as the context lasts.

    Args:
        script: answers a request.
        context: of TLS, for a server that speaks it.

    Attributes:
        url: where it listens.
        asked: all requests so far.
    """

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._script = script
        self._context = context
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> BadTarget:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.settimeout(60)
            secured = self._context.wrap_socket(wire, server_side=True) if self._context else wire
            with secured, secured.makefile("rb") as stream:
                line = Line(secured, self._closing)
                while asked := _read(stream, len(self.asked) + 1):
                    self.asked.append(asked)
                    self._script(asked, line)


def _read(stream: BinaryIO, number: int) -> Asked | None:
    """The next request; None where the client has hung up."""
    verb, _, rest = stream.readline().decode("latin-1").partition(" ")
    if not rest:
        return None
    headers = {}
    while text := stream.readline().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Asked(number, verb, rest.rpartition(" ")[0], headers, body)


def raw(data: bytes) -> Script:
    """Sends these bytes, whatever is asked, and hangs up."""

    def script(asked: Asked, line: Line) -> None:
        del asked
        line.send(data)
        line.hang_up()

    return script


def always(answer: Answer) -> Script:
    """Answers the same, whatever is asked."""
    return lambda asked, line: line.send(answer.whole())


def in_front_of(url: str, spoil: Spoiler) -> Script:
    """Hands each request on to a server, and its answer to `spoil`, which sends what becomes of it."""
    connections = threading.local()

    def script(asked: Asked, line: Line) -> None:
        if not hasattr(connections, "own"):
            connections.own = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection: http.client.HTTPConnection = connections.own
        connection.request(asked.verb, asked.target, asked.body or None, dict(asked.headers))
        answer = connection.getresponse()
        body = answer.read()
        headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in HOP_HEADERS}
        if headers.pop("content-encoding", "") == "gzip":
            body = zlib.decompress(body, wbits=31)
        spoil(asked, Answer(answer.status, body, headers), line)

    return script


def changed(change: Callable[[Asked, Answer], Answer | bytes | None], every: int = 1, after: int = 0) -> Spoiler:
    """Changes every so many-th answer after the first few; None for an answer leaves it as it is."""

    def spoil(asked: Asked, answer: Answer, line: Line) -> None:
        other = change(asked, answer) if asked.number > after and asked.number % every == 0 else None
        other = answer if other is None else other
        line.send(other if isinstance(other, bytes) else other.whole())

    return spoil


def said(line: Callable[[Line], None], every: int, after: int = 0) -> Spoiler:
    """Does something else on the connection in the place of every so many-th answer."""

    def spoil(asked: Asked, answer: Answer, wire: Line) -> None:
        if asked.number > after and asked.number % every == 0:
            line(wire)
        else:
            wire.send(answer.whole())

    return spoil


def texts(answer: Answer, *changes: tuple[bytes, bytes]) -> Answer:
    """An answer with parts of its body replaced."""
    body = answer.body
    for old, new in changes:
        body = body.replace(old, new)
    return replace(answer, body=body)


@contextlib.contextmanager
def dead_port() -> Iterator[str]:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"
