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

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

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


@dataclass(frozen=True)
class Reply:
    """The answer to a request, or the reason why there is none, and when it was sent and received (epoch seconds)."""

    response: Response | None
    failure: str
    sent: float
    received: float
    retried: bool = False


class _Watched(http.client.HTTPConnection):
    """A connection that lets its time limit know where it is waiting."""

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


class _Adapter(HTTPAdapter):
    """Watches its connections; sends a question mark with nothing behind it, as client libraries do: requests would
    leave it out."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Makes the connections."""
        super().init_poolmanager(*arguments, **options)
        _watched(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> PoolManager:
        """Makes the connections to a proxy."""
        return _watched(super().proxy_manager_for(*arguments, **options))

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """What stands in the request line."""
        target = str(super().request_url(request, proxies))
        return f"{target}?" if (request.url or "").endswith("?") else target


class Connections:
    """Sends requests, each once, on a connection that its thread keeps open.

    Args:
        root: the URL below which all requests go.
        verify: whether certificates are checked, or a file of those to trust.
    """

    def __init__(self, root: str, verify: bool | str) -> None:
        self.proxies = get_environ_proxies(root)
        self._verify = verify
        self._local = threading.local()

    @property
    def open(self) -> bool:
        """Whether this thread has a connection already."""
        return getattr(self._local, "session", None) is not None

    def renew(self) -> None:
        """Closes the connection of this thread; the next request opens another."""
        if self.open:
            self._local.session.close()
            self._local.session = None

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
        # What is left of an answer that was cut off in time is none.
        return Reply(None, TIMED_OUT, reply.sent, reply.received) if term.over else reply

    def _session(self) -> requests.Session:
        if not self.open:
            session = requests.Session()
            session.trust_env = False
            session.headers.clear()
            session.proxies = self.proxies
            session.verify = self._verify
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=1))
            self._local.session = session
        found: requests.Session = self._local.session
        return found

    def _exchange(self, request: Request, headers: Mapping[str, str], timeout: float, limit: int) -> Reply:
        sent = time.time()
        try:
            session = self._session()
            sent_headers = CaseInsensitiveDict(headers)
            sent_headers.update(request.headers)
            # Where a request says nothing, nothing is said.
            for name in [name for name, value in sent_headers.items() if not value]:
                del sent_headers[name]
            prepared = session.prepare_request(
                requests.Request(request.verb, request.url, headers=sent_headers, data=_content(request))
            )
            # Else a lone question mark would be lost, and what is percent-encoded without need.
            prepared.url = request.url if request.url.endswith("?") or "%" in request.url else prepared.url
            with session.send(
                prepared, timeout=(min(CONNECT_SECONDS, timeout), timeout), allow_redirects=False, stream=True
            ) as answer:
                body, truncated = _read(answer, limit)
                if crowded(body, limit // BYTES_PER_VALUE):
                    body, truncated = body[:CUT_MAXIMUM], True
                received = {name.lower(): value[:HEADER_MAXIMUM] for name, value in answer.headers.items()}
                return Reply(Response(answer.status_code, received, body, truncated), "", sent, time.time())
        except (requests.RequestException, OSError, ValueError) as error:
            return Reply(None, reason(error), sent, time.time())


def _watched(manager: PoolManager) -> PoolManager:
    """A manager whose connections let their time limits know where they are waiting."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager


def _content(request: Request) -> Any:
    """The body as it is handed to the library, which sends in chunks what it cannot know the length of."""
    return iter([request.body or b""]) if "Transfer-Encoding" in request.headers else request.body


def _read(answer: requests.Response, limit: int) -> tuple[bytes, bool]:
    """The decoded body, and whether it is larger than the limit and only its beginning."""
    chunks: list[bytes] = []
    size = 0
    for chunk in answer.iter_content(64 * 1024):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            return chunks[0][:CUT_MAXIMUM], True
    return b"".join(chunks), False


def reason(error: Exception) -> str:
    """Why there is no answer, in a few words that are the same in every run."""
    if isinstance(error, requests.Timeout):
        return TIMED_OUT
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS failed: the certificate is not trusted, or this is no TLS server"
    if isinstance(error, requests.exceptions.InvalidURL | ValueError):
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
