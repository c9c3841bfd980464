"""One exchange on its way through the tap: what is read of the bytes that pass, for the record alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httptools

from conformance.client.tap.faults import NO_FAULT, Fault

BODY_MAXIMUM = 4 * 2**20
"""Bytes of a body that are kept; what passes through is not limited."""

Header = tuple[str, str]


@dataclass(slots=True, eq=False)
class Turn:
    """A request and what is known of its answer so far; `sent` and `received` are seconds since the epoch.

    `read` tells that the request has been seen to its end, `left` that the client hung up while the answer was due, and
    `failure` why there is no answer.
    """

    number: int
    sent: float
    verb: str = ""
    target: str = ""
    headers: list[Header] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    has_head: bool = False
    read: bool = False
    left: bool = False
    fault: Fault = NO_FAULT
    status: int = 0
    answer_headers: list[Header] = field(default_factory=list)
    answer: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    too_large: bool = False
    received: float = 0.0
    failure: str = ""

    def says(self, name: str, value: str) -> bool:
        """Whether a header of the request has a value, in any case."""
        return any(key.lower() == name and text.strip().lower() == value for key, text in self.headers)


class RequestReader:
    """Reads the requests of one connection as their bytes pass.

    Args:
        begun: makes the turn of a request that begins.
        ended: is told of each request that has been read to its end.
    """

    def __init__(self, begun: Callable[[], Turn], ended: Callable[[Turn], None]) -> None:
        self._begun = begun
        self._ended = ended
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self.turn: Turn | None = None

    def feed(self, data: bytes) -> None:
        """Reads on.

        Raises:
            httptools.HttpParserError: this is no HTTP/1.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # The client would like to speak another protocol; until the target agrees it goes on with this one.
            self._parser = httptools.HttpRequestParser(self)
            rest = data[upgrade.args[0] :]
            if rest:
                self.feed(rest)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self.turn = self._begun()
        self._target = b""

    def on_url(self, target: bytes) -> None:
        """A part of what stands in the request line."""
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        assert self.turn is not None
        self.turn.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The end of the head."""
        turn = self.turn
        assert turn is not None
        turn.verb = self._parser.get_method().decode("latin-1")
        turn.target = self._target.decode("latin-1")
        turn.has_head = True

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        assert self.turn is not None
        self.turn.too_large = not _keep(self.turn.body, part)

    def on_message_complete(self) -> None:
        """The end of a request."""
        turn, self.turn = self.turn, None
        assert turn is not None
        turn.read = True
        self._ended(turn)


class AnswerReader:
    """Reads the answers of one connection as their bytes pass.

    Args:
        due: the turn whose answer is next; None where none is.
        ended: is told of each answer that has been read to its end.
    """

    def __init__(self, due: Callable[[], Turn | None], ended: Callable[[Turn], None]) -> None:
        self._due = due
        self._ended = ended
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[Header] = []
        self._interim = False
        self._bodiless = False
        self._to_the_end = False

    def feed(self, data: bytes) -> bool:
        """Reads on; answers whether the connection speaks another protocol from now on.

        Raises:
            httptools.HttpParserError: this is no HTTP/1.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return True
        if self._bodiless:
            # The answer to HEAD has the headers of a body, and none: the parser would wait for it.
            self._finish()
            self._parser = httptools.HttpResponseParser(self)
        return False

    def end(self) -> None:
        """The target has closed the connection: the end of an answer that does not say how long it is."""
        if self._to_the_end:
            self._finish()

    def on_message_begin(self) -> None:
        """The first byte of an answer."""
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The end of the head."""
        status, turn = self._parser.get_status_code(), self._due()
        self._interim = status < 200
        if turn is None or self._interim:
            return
        turn.status, turn.answer_headers = status, self._headers
        self._bodiless = turn.verb == "HEAD"
        framed = {"content-length", "transfer-encoding"}.intersection(name for name, _ in self._headers)
        self._to_the_end = not (framed or self._bodiless or status in (204, 304))

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        turn = self._due()
        if turn is not None:
            turn.truncated = not _keep(turn.answer, part)

    def on_message_complete(self) -> None:
        """The end of an answer, or of an interim one such as 100 (Continue)."""
        if not (self._interim or self._bodiless):
            self._finish()

    def _finish(self) -> None:
        self._bodiless = self._to_the_end = False
        turn = self._due()
        if turn is not None:
            self._ended(turn)


def _keep(body: bytearray, part: bytes) -> bool:
    """Appends as much of a part as is kept of a body; answers whether that is all of it."""
    room = BODY_MAXIMUM - len(body)
    body += part[:room]
    return len(part) <= room
