"""Connections that break, on purpose and at the client's end, so that it works against any target, with TLS or
without."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
from collections.abc import Mapping
from urllib.parse import urlsplit

from conformance.client import deadlines as watch
from conformance.trace.exchange import ABANDONED, INCOMPLETE, Request
from conformance.trace.fate import Fate

CONNECT_SECONDS = 5.0
PATIENCE_SECONDS = 0.02
"""How long a client that times out waits for an answer."""

HALF_MAXIMUM = 64 * 2**10
"""Bytes that are read of a body of which a client reads half."""


def lose(request: Request, headers: Mapping[str, str], fate: Fate, ca_bundle: str | None) -> str:
    """Sends a request on a connection of its own, and loses the connection.

    Args:
        request: what to send.
        headers: the target's own headers, sent beside those of the request.
        fate: when the connection is lost.
        ca_bundle: a file of certificates to trust; None for the usual ones.

    Returns:
        Why the request has no answer.

    Raises:
        OSError, http.client.HTTPException: the target could not even be reached.
    """
    parts = urlsplit(request.url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca_bundle)
        connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    with contextlib.closing(connection):
        connection.connect()
        assert connection.sock is not None
        watch.on(connection.sock)
        body = request.body or b""
        sent = body[: len(body) // 2] if fate is Fate.HALF_SENT else body
        connection.putrequest(
            request.verb, f"{parts.path}{'?' if parts.query else ''}{parts.query}", skip_accept_encoding=True
        )
        for name, value in {**headers, **request.headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders(sent)
        _hang_up(connection, connection.sock, fate)
    return INCOMPLETE if fate is Fate.HALF_SENT else ABANDONED


def _hang_up(connection: http.client.HTTPConnection, wire: socket.socket, fate: Fate) -> None:
    """Waits, or reads as much of the answer as the client of this fate does."""
    # What the target does meanwhile, even if it hangs up first, makes no difference to a client that is gone.
    with contextlib.suppress(OSError, http.client.HTTPException):
        match fate:
            case Fate.TIMED_OUT:
                wire.settimeout(PATIENCE_SECONDS)
                wire.recv(1)
            case Fate.RESET:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case Fate.HALF_STATUS:
                wire.recv(len("HTTP/1"))
            case Fate.HALF_BODY:
                answer = connection.getresponse()
                answer.read(min(max((answer.length or 2) // 2, 1), HALF_MAXIMUM))
