"""The exchanges that have passed through the tap, on disk until they are judged: in a file without a name, for it
holds secrets."""

from __future__ import annotations

import os
import pickle
import struct
import tempfile
from collections.abc import Iterator

from conformance.client.tap.turn import Turn
from conformance.trace.exchange import NOT_RECORDED, Exchange, Request, Response
from conformance.trace.har import unpacked

_LENGTH = struct.Struct(">I")


class Log:
    """A log that one thread writes and another may read meanwhile.

    Args:
        root: the URL below which the target's requests go.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close
        self._end = 0

    def append(self, turn: Turn) -> None:
        """Keeps an exchange."""
        row = (
            turn.number,
            turn.verb,
            turn.target,
            turn.headers,
            bytes(turn.body),
            turn.status,
            turn.answer_headers,
            bytes(turn.answer),
            turn.truncated,
            turn.failure,
            turn.sent,
            turn.received,
            turn.fault.name,
        )
        content = pickle.dumps(row, pickle.HIGHEST_PROTOCOL)
        self._file.write(_LENGTH.pack(len(content)) + content)
        self._end += _LENGTH.size + len(content)

    @property
    def size(self) -> int:
        """Its bytes."""
        return self._end

    def read(self, start: int = 0) -> Iterator[tuple[Exchange, int]]:
        """The exchanges from a place on, each with the place of the next; in the order in which they ended."""
        descriptor, end = self._file.fileno(), self._end
        while start < end:
            (length,) = _LENGTH.unpack(os.pread(descriptor, _LENGTH.size, start))
            start += _LENGTH.size
            content = os.pread(descriptor, length, start)
            start += length
            yield self._exchange(*pickle.loads(content)), start  # noqa: S301 - our own file, without a name

    def close(self) -> None:
        """Removes the log."""
        self._file.close()

    def _exchange(  # noqa: PLR0913 - the columns of a row
        self,
        number: int,
        verb: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        status: int,
        answer_headers: list[tuple[str, str]],
        answer: bytes,
        truncated: bool,
        failure: str,
        sent: float,
        received: float,
        injected: str,
    ) -> Exchange:
        url = target if "://" in target.partition("?")[0] else f"{self._root}{target}"
        request = Request(verb, url, _joined(headers), body or None)
        response = None
        if status:
            named = _joined(answer_headers)
            decoded = unpacked(answer, named.get("content-encoding", ""))
            response = Response(status, named, decoded[0], truncated or decoded[1]) if decoded else None
        reason = "" if response else failure or NOT_RECORDED
        return Exchange(number, request, response, reason, sent, received, injected=injected)


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; those that stand there twice as one, as HTTP has it."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
