"""The reverse proxy: each connection of a client has one to the target, and every byte passes on as it came.

Bytes are read beside, for the record; nothing waits for that, and what cannot be read passes all the same. Two things
are changed: `Host` names a target that has a name, for it may serve several; and faults are made where they are asked
for.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import os
import re
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import httptools

from conformance.client.tap.faults import NO_FAULT, Fates, Faults, answer_of
from conformance.client.tap.turn import AnswerReader, RequestReader, Turn
from conformance.trace.exchange import ABANDONED, INCOMPLETE, NOT_RECORDED

HEAD_MAXIMUM = 256 * 2**10
"""Bytes of a request's head that are held back until it is whole."""

UNREADABLE = "connections that speak something else than HTTP/1, which passed unread"
TOO_LARGE = "whose request is larger than what is kept of it"
CLOSED = "closed connection"

_ERRNO = re.compile(r"\[Errno (\d+)\]")
_HOST = re.compile(rb"(\r\nhost:[ \t]*)[^\r\n]*", re.IGNORECASE)


class Tap:
    """A proxy in front of a target.

    Args:
        upstream: the root URL of the target: scheme, host and port.
        keep: is given each exchange that has ended.
        faults: what is to go wrong.
        trust: certificates to trust where the target speaks TLS; None for the usual ones.

    Attributes:
        skipped: what has passed and is not kept, by the reason.
        unreachable: why the target could not be reached the last time; "" where it could.
        refused: how many connections to the target could not be made.
    """

    def __init__(
        self, upstream: str, keep: Callable[[Turn], None], faults: Fates | None = None, trust: str | None = None
    ) -> None:
        parts = urlsplit(upstream)
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.tls = ssl.create_default_context(cafile=trust) if parts.scheme == "https" else None
        self.name = b"" if _is_address(self.host) else self.host.encode("idna")
        if self.name and parts.port:
            self.name += b":%d" % parts.port
        self.faults = faults or Faults()
        self.skipped: Counter[str] = Counter()
        self.unreachable = ""
        self.refused = 0
        self._keep = keep
        self._numbers = itertools.count(1)
        self._pending: dict[int, Turn] = {}
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listens; answers where.

        Raises:
            OSError: nobody can listen there.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), host, port, backlog=512)
        address = self._server.sockets[0].getsockname()
        return address[0], address[1]

    def stop(self) -> None:
        """Listens no more, and keeps what is under way as far as it has come."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.give_up(NOT_RECORDED)

    @property
    def quiet_since(self) -> float:
        """When the oldest request was sent that is under way: what has ended by then can have seen nothing of those
        that are."""
        return min((turn.sent for turn in tuple(self._pending.values())), default=time.time())

    @property
    def under_way(self) -> int:
        """How many requests are."""
        return len(self._pending)

    def begin(self) -> Turn:
        """A turn for a request that has just begun."""
        turn = Turn(next(self._numbers), time.time())
        self._pending[turn.number] = turn
        return turn

    def end(self, turn: Turn) -> None:
        """Keeps an exchange that has come to its end."""
        if turn.number not in self._pending:
            return
        turn.received = turn.received or time.time()
        if not turn.read:
            turn.status, turn.failure = 0, INCOMPLETE
        if turn.too_large:
            self.skipped[TOO_LARGE] += 1
        elif turn.has_head:
            self._keep(turn)
        # Whoever looks meanwhile finds it here or there.
        del self._pending[turn.number]

    def enter(self, client: _Client) -> None:
        """Knows a client that has come."""
        self._clients.add(client)

    def leave(self, client: _Client) -> None:
        """Forgets a client that has gone."""
        self._clients.discard(client)


class _Side(asyncio.Protocol):
    """One end of the proxy: what it does not take fast enough is not read from the other one."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Passes bytes on."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        """Closes this end once all that was written has gone."""
        if self.transport is not None:
            self.transport.close()


class _Client(_Side):
    """The end to which a client talks."""

    def __init__(self, tap: Tap) -> None:
        super().__init__()
        self._tap = tap
        self._target = _Target(tap, self)
        self.other = self._target
        self.due: deque[Turn] = deque()
        self.blind = False
        self._reader = RequestReader(self._begun, self._read)
        self._new: list[Turn] = []
        self._head = b""
        self._waiting: list[bytes] | None = []
        self._connecting: asyncio.Task[None] | None = None
        self._ended = False
        self._refused = ""

    # What the client does

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tap.enter(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        self._read_on(data)
        self._give_up_refused()

    def _read_on(self, data: bytes) -> None:
        if self.blind:
            self._pass_on(data)
            return
        under_way, self._new = self._reader.turn, []
        at_head = under_way is None or not under_way.has_head
        try:
            self._reader.feed(data)
        except httptools.HttpParserError:
            self._pass_on(self._head + data)
            self._head = b""
            self.look_away()
            return
        turn = under_way or (self._new[0] if self._new else None)
        if turn is None:
            self._head += data  # empty lines before a request
        elif at_head:
            self._with_head(self._head + data, turn)
        elif not turn.fault.status:
            self._pass_on(data)
        elif self._new:
            # What came in one piece with the end of a request that the tap answers cannot be told from it.
            for unsent in self._new:
                unsent.has_head = False
            self.give_up(NOT_RECORDED)

    def eof_received(self) -> bool:
        self._ended = True
        for turn in self.due:
            turn.left = True
        self._give_up_refused()
        if not (self.due or self._target.holds_back):
            self.close()
        elif not self._target.say_end():
            self._target.close()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._tap.leave(self)
        if self._connecting is not None:
            self._connecting.cancel()
        self._settle(ABANDONED)
        self._target.close()

    # What becomes of it

    def _begun(self) -> Turn:
        turn = self._tap.begin()
        self._new.append(turn)
        self.due.append(turn)
        return turn

    def _read(self, turn: Turn) -> None:
        """A request has been read to its end: where the tap answers it, that is now."""
        if turn.fault.status:
            self._answer(turn)
        elif turn not in self.due:
            self._tap.end(turn)  # its answer was there first

    def _with_head(self, data: bytes, turn: Turn) -> None:
        """Bytes that begin with a head, or with more of one: once it is whole it is known what becomes of the
        request."""
        if not turn.has_head and len(data) < HEAD_MAXIMUM:
            self._head = data
            return
        self._head = b""
        alone = len(self._new) < 2 and len(self.due) < 2
        turn.fault = self._tap.faults.draw(turn.verb, turn.target) if alone else NO_FAULT
        if not turn.fault.status:
            self._pass_on(self._addressed(data))
        elif turn.read or turn.says("expect", "100-continue"):
            self._answer(turn)

    def _addressed(self, data: bytes) -> bytes:
        """The same bytes, with a `Host` that names the target."""
        if not self._tap.name:
            return data
        head, gap, rest = data.partition(b"\r\n\r\n")
        return _HOST.sub(rb"\g<1>" + self._tap.name, head, count=1) + gap + rest

    def _answer(self, turn: Turn) -> None:
        """Answers in the target's place; a client that waits with its body does not send it any more."""
        if turn not in self.due:
            return
        self.due.remove(turn)
        unread = not turn.read or self._reader.turn is not None
        headers, body, wire = answer_of(turn.fault, turn.verb, close=unread)
        turn.status, turn.answer_headers, turn.read = turn.fault.status, headers, True
        turn.answer += body
        self._tap.end(turn)
        self.write(wire)
        if unread:
            self.close()

    def _pass_on(self, data: bytes) -> None:
        if self._waiting is None:
            self._target.write(data)
            return
        self._waiting.append(data)
        if self.transport is not None:
            self.transport.pause_reading()

    async def _connect(self) -> None:
        tap = self._tap
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self._target, tap.host, tap.port, ssl=tap.tls, server_hostname=tap.host if tap.tls else None
            )
        except OSError as error:
            tap.refused += 1
            tap.unreachable = _reason(error)
            self._refused = tap.unreachable
            self._give_up_refused()
            return
        tap.unreachable = ""
        waiting, self._waiting = self._waiting or [], None
        for data in waiting:
            self._target.write(data)
        if self._ended:
            self._target.say_end()
        if self.transport is not None:
            self.transport.resume_reading()

    def _give_up_refused(self) -> None:
        """Ends a connection to a target that is not there, once it is known what was asked of it."""
        if self._refused and (self.blind or self._ended or any(turn.has_head for turn in self.due)):
            self.give_up(self._refused)

    def look_away(self) -> None:
        """From now on bytes pass unread."""
        if not self.blind:
            self.blind = True
            self._tap.skipped[UNREADABLE] += 1
            if self._reader.turn is not None:
                self._reader.turn.has_head = False  # how it goes on is not known
            self._settle(NOT_RECORDED)

    def give_up(self, reason: str) -> None:
        """Ends the connection on both sides; what is under way has no answer for this reason."""
        self._settle(reason)
        self.close()
        self._target.close()

    def _settle(self, reason: str) -> None:
        """Nothing more will be known of the turns that are under way."""
        while self.due:
            turn = self.due.popleft()
            turn.status, turn.failure = 0, ABANDONED if turn.left else reason
            self._tap.end(turn)
        if self._reader.turn is not None:
            self._tap.end(self._reader.turn)


class _Target(_Side):
    """The end that talks to the target."""

    def __init__(self, tap: Tap, client: _Client) -> None:
        super().__init__()
        self._tap = tap
        self._client = client
        self.other = client
        self._reader = AnswerReader(lambda: client.due[0] if client.due else None, self._read)
        self._late: list[bytes] | None = None
        self._late_since: Turn | None = None
        self._lost = False

    def data_received(self, data: bytes) -> None:
        client = self._client
        if client.blind:
            client.write(data)
            return
        turn = client.due[0] if client.due else None
        fault = turn.fault if turn else NO_FAULT
        try:
            other_protocol = self._reader.feed(data)
        except httptools.HttpParserError:
            other_protocol = True
        if self._lost or fault.lost:
            self._close_if_lost()
            return
        if fault.delay and turn is not self._late_since:
            self._late_since, self._late = turn, []
            asyncio.get_running_loop().call_later(fault.delay, self._pass_on_late)
        if self._late is not None:
            self._late.append(data)
            if self.transport is not None:
                self.transport.pause_reading()
        else:
            client.write(data)
        if other_protocol:
            client.look_away()

    @property
    def holds_back(self) -> bool:
        """Whether a part of an answer is still to be passed on."""
        return self._late is not None

    def connection_lost(self, error: Exception | None) -> None:
        self._reader.end()
        due = self._client.due
        half = bool(due and due[0].status)
        if self._late is not None:
            self._pass_on_late()
        self._client.give_up("the connection broke" if half or error else CLOSED)

    def say_end(self) -> bool:
        """Tells the target that the client sends no more; answers whether that could be told."""
        if self.transport is None or self.transport.is_closing():
            return self.transport is None
        if self.transport.can_write_eof():
            self.transport.write_eof()
            return True
        return False

    def _read(self, turn: Turn) -> None:
        """An answer has been read to its end."""
        self._client.due.popleft()
        turn.received = time.time()
        self._lost = self._lost or turn.fault.lost
        if turn.read:
            self._tap.end(turn)

    def _close_if_lost(self) -> None:
        if self._lost:
            self._client.give_up(NOT_RECORDED)

    def _pass_on_late(self) -> None:
        late, self._late = self._late or [], None
        for data in late:
            self._client.write(data)
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()


def _is_address(host: str) -> bool:
    """Whether a host has no name of its own: it is an address, or this machine."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _reason(error: OSError) -> str:
    """Why a target cannot be reached, in a few words."""
    if isinstance(error, ssl.SSLError):
        return "TLS failed: the certificate is not trusted, or this is no TLS server"
    # Where a name has several addresses, only the text tells the number of the error.
    found = _ERRNO.search(str(error))
    known = found and not isinstance(error, socket.gaierror)
    return (os.strerror(int(found[1])) if found and known else error.strerror or str(error)).lower()
