"""Connections to a target, one for each thread: limited in time and size, since a target may be hostile.

Redirects are not followed, so that credentials go nowhere else; bodies are cut, and no answer is trusted.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut
from urllib3.util import parse_url

from conformance.client import deadlines as watch
from conformance.client.lost_connections import CONNECT_SECONDS
from conformance.trace.exchange import Request, Response
from conformance.trace.json_text import crowded

BODY_MAXIMUM = 2**20
LIST_MAXIMUM = 4 * 2**20
"""Bytes of an answer that are read, and of the answer to a list, which has 500 images at most; of a larger one the
rest is left."""

CUT_MAXIMUM = 64 * 2**10
"""Bytes that are kept of an answer that was not read to its end."""

BYTES_PER_VALUE = 50
"""Of a limit in bytes, for each value in a JSON text: one with more values counts as too large as well."""

HEADER_MAXIMUM = 8 * 2**10
"""Characters that are kept of a header's value."""

TIMED_OUT = "timed out"

SWITCHING, SUCCESS = 101, 200
"""The statuses between which answers are interim ones, such as 103 (Early Hints)."""

INTERIM_MAXIMUM = 100
"""So many of them may come before an answer."""


@dataclass(frozen=True)
class Reply:
    """The answer to a request, or the reason why there is none, and when it was sent and received (epoch seconds)."""

    response: Response | None
    failure: str
    sent: float
    received: float
    retried: bool = False


class _Final(http.client.HTTPResponse):
    """An answer, without the interim ones that a server may send before it: the library passes over 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(INTERIM_MAXIMUM):
            told: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not SWITCHING < told[1] < SUCCESS:
                return told
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("too many interim answers")


class _Watched(http.client.HTTPConnection):
    """A connection that lets its time limit know where it is waiting."""

    response_class = _Final

    def getresponse(self) -> Any:
        watch.on(self.sock)
        return super().getresponse()


class _Connection(_Watched, HTTPConnection):
    pass


class _SecureConnection(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Connections:
    """Sends requests, each once, on a connection that its thread keeps open.

    Args:
        root: the URL below which all requests go.
        verify: whether certificates are checked, or a file of those to trust.

    Attributes:
        kept: whether connections stay open for the next request.
    """

    def __init__(self, root: str, verify: bool | str) -> None:
        self.kept = True
        self.proxy = _proxy(root)
        self._root = parse_url(root)
        self._verify = verify
        self._local = threading.local()

    @property
    def open(self) -> bool:
        """Whether this thread has a connection already."""
        return getattr(self._local, "pool", None) is not None

    def renew(self) -> None:
        """Closes the connection of this thread; the next request opens another."""
        if self.open:
            self._local.pool.close()
            self._local.pool = None

    def send(self, request: Request, headers: Mapping[str, str], timeout: float, limit: int = BODY_MAXIMUM) -> Reply:
        """Sends a request once; whatever happens, there is a reply.

        Args:
            request: what to send; what it says for itself takes the place of the target's own headers.
            headers: the target's own.
            timeout: seconds until the whole answer has to be there.
            limit: bytes of the answer's body that are read.
        """
        with watch.within(timeout) as term:
            reply = self._exchange(request, headers, timeout, limit)
        if not self.kept:
            self.renew()
        # What is left of an answer that was cut off in time is none.
        return Reply(None, TIMED_OUT, reply.sent, reply.received) if term.over else reply

    def send_beside(self, request: Request, headers: Mapping[str, str], timeout: float) -> Reply:
        """Sends a request on a connection of its own, while that of this thread stays open and idle; the arguments are
        those of `send`."""
        idle, self._local.pool = getattr(self._local, "pool", None), None
        try:
            return self.send(request, headers, timeout)
        finally:
            self.renew()
            self._local.pool = idle

    def _pool(self) -> HTTPConnectionPool:
        if not self.open:
            self._local.pool = self._proxied() if self.proxy else self._direct()
        found: HTTPConnectionPool = self._local.pool
        return found

    def _direct(self) -> HTTPConnectionPool:
        host, port = self._root.host or "", self._root.port
        if self._root.scheme == "https":
            return _SecurePool(host, port, maxsize=1, **self._trust())
        return _Pool(host, port, maxsize=1)

    def _proxied(self) -> HTTPConnectionPool:
        """The connection to a proxy, as requests makes it: with a password for it, or as SOCKS."""
        from requests.adapters import HTTPAdapter  # noqa: PLC0415 - only for those behind a proxy

        manager = HTTPAdapter(pool_maxsize=1).proxy_manager_for(self.proxy, **self._trust())
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        found: HTTPConnectionPool = manager.connection_from_url(self._root.url)
        return found

    def _trust(self) -> dict[str, Any]:
        """Whose certificates are trusted: those that requests trusts, or the user's own."""
        from requests.utils import DEFAULT_CA_BUNDLE_PATH as USUAL  # noqa: PLC0415 - only for TLS

        return {"cert_reqs": "CERT_REQUIRED", "ca_certs": self._verify if isinstance(self._verify, str) else USUAL}

    def _exchange(self, request: Request, headers: Mapping[str, str], timeout: float, limit: int) -> Reply:
        sent = time.time()
        try:
            chunked = "Transfer-Encoding" in request.headers
            answer = self._pool().urlopen(
                request.verb,
                self._line(request),
                # The library sends in chunks what it cannot know the length of.
                body=iter([request.body or b""]) if chunked else request.body,
                headers=_headers(request, headers),
                timeout=Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                chunked=chunked,
            )
            try:
                body, truncated = _read(answer, limit)
            except BaseException:
                answer.close()
                raise
            if truncated:
                answer.close()
            else:
                answer.release_conn()
            if crowded(body, limit // BYTES_PER_VALUE):
                body, truncated = body[:CUT_MAXIMUM], True
            received = {name.lower(): value[:HEADER_MAXIMUM] for name, value in answer.headers.itermerged()}
            return Reply(Response(answer.status, received, body, truncated), "", sent, time.time())
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            return Reply(None, reason(error), sent, time.time())

    def _line(self, request: Request) -> str:
        """What stands in the request line: for a proxy that passes on what it can read, the whole URL."""
        if self.proxy and self._root.scheme == "http":
            return request.url
        rest = request.url.partition("://")[2]
        slash = rest.find("/")
        return rest[slash:] if slash >= 0 else "/"


def _proxy(root: str) -> str:
    """The proxy that the environment names for a target, by the rules that requests follows; "" for none."""
    if not getproxies():
        return ""
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415 - as above

    found = select_proxy(root, get_environ_proxies(root)) or ""
    return found if "://" in found or not found else f"http://{found}"


def _headers(request: Request, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of the target, with those of a request in their place; where a value is empty, nothing is said."""
    named = {name.lower(): (name, value) for given in (headers, request.headers) for name, value in given.items()}
    if request.body is None and request.verb not in {"GET", "HEAD"}:
        named.setdefault("content-length", ("Content-Length", "0"))
    return {name: value for name, value in named.values() if value}


def _read(answer: BaseHTTPResponse, limit: int) -> tuple[bytes, bool]:
    """The decoded body, and whether it is larger than the limit and only its beginning."""
    chunks: list[bytes] = []
    size = 0
    for chunk in answer.stream(64 * 1024, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            return chunks[0][:CUT_MAXIMUM], True
    return b"".join(chunks), False


def reason(error: Exception) -> str:
    """Why there is no answer, in a few words that are the same in every run."""
    # The library counts a connection that was refused among those that were waited for in vain.
    if isinstance(error, TimedOut | TimeoutError) and not isinstance(error, NewConnectionError):
        return TIMED_OUT
    if isinstance(error, SSLError):
        return "TLS failed: the certificate is not trusted, or this is no TLS server"
    if isinstance(error, ValueError):
        return f"no usable answer: {type(error).__name__}"
    text = str(error)
    for sign in (
        "Connection refused",
        "Connection reset",
        "Name or service not known",
        "No route to host",
        "closed connection",
    ):
        if sign.lower() in text.lower():
            return sign.lower()
    return f"the connection broke ({type(error).__name__})"
