"""How requests reach a target: sessions, retries, limits on what is read, and what all of it cost.

A target may be hostile: redirects are not followed, bodies are cut, and no answer is trusted.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

from conformance import __version__
from conformance.budget import Budget, Limits
from conformance.credentials import Credentials, NoToken
from conformance.trace import Request, Response
from conformance.wire import CONNECT_SECONDS, Fate, lose

BODY_MAXIMUM = 16 * 2**20
"""Bytes of an answer that are read; the rest is left."""

REQUEST_SECONDS = 30.0
AUTHORIZATION = "Authorization"
UNAUTHORIZED = 401
RETRY_STATUSES = frozenset({429, 503})
RETRIES_MAXIMUM = 6
RETRY_SECONDS_MAXIMUM = 30.0
REVIVAL_SECONDS = 5.0
"""How long a target that stops answering may take to come back."""


class TargetLost(Exception):  # noqa: N818 - it is an event at the target, not an error of ours
    """The target no longer answers at all, so nothing more can be judged."""


@dataclass
class Cost:
    """What requests cost so far: counts, seconds spent waiting, and milliseconds of each answered request by method."""

    requests: int = 0
    retries: int = 0
    images: int = 0
    waiting: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Reply:
    """The answer to a request, or the reason why there is none, and when it was sent and received (epoch seconds)."""

    response: Response | None
    failure: str
    sent: float
    received: float
    retried: bool = False


class Pace:
    """Keeps requests to at most so many per second, over all threads of a process."""

    def __init__(self, per_second: float | None) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when the next request may be sent."""
        if not self._interval:
            return
        with self._lock:
            now = time.monotonic()
            due = max(now, self._next)
            self._next = due + self._interval
        time.sleep(due - now)


class _Adapter(HTTPAdapter):
    """Sends a question mark with nothing behind it, as client libraries do; requests would leave it out."""

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """What stands in the request line."""
        target = str(super().request_url(request, proxies))
        return f"{target}?" if (request.url or "").endswith("?") else target


class Transport:
    """Sends requests to one target.

    Args:
        root: the URL below which all requests go; used to see whether the target is alive.
        headers: sent with every request.
        ca_bundle: a file of certificates to trust, instead of the usual ones.
        rate: requests per second at most; None for no limit.
        credentials: say who the suite is; None where the headers do, or nobody asks.
        budget: what may be spent; None for no limit.
    """

    def __init__(  # noqa: PLR0913 - everything that can be said about how requests are sent
        self,
        root: str,
        headers: Mapping[str, str],
        ca_bundle: str | None = None,
        rate: float | None = None,
        credentials: Credentials | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.cost = Cost()
        self.budget = budget or Budget(Limits())
        self._credentials = credentials
        self._root = root
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"compute-images-conformance/{__version__}",
            **headers,
        }
        self._verify: bool | str = ca_bundle or True
        self._proxies = get_environ_proxies(root)
        self._pace = Pace(rate)
        self._local = threading.local()
        self._lock = threading.Lock()

    def send(self, request: Request, method: str, timeout: float = REQUEST_SECONDS, *, cleanup: bool = False) -> Reply:
        """Sends a request, again after 429 and 503 as the answer advises, and once more where a connection broke.

        Args:
            request: what to send; the target's own headers are added.
            method: the API method, for the count of costs.
            timeout: seconds until an answer has to be there.
            cleanup: whether it deletes what was made, which is paid for already.

        Raises:
            TargetLost: the target does not answer this request, nor any other.
            BudgetSpent: the request must not be sent any more.
        """
        broken = renewed = False
        for attempt in range(RETRIES_MAXIMUM + 1):
            self._pace.wait()
            reply = self._send_once(request, timeout, cleanup=cleanup)
            self._count(method, reply, again=attempt > 0)
            if reply.response is not None and reply.response.status in RETRY_STATUSES and attempt < RETRIES_MAXIMUM:
                self.sleep(retry_after(reply.response, attempt))
                continue
            if reply.response is not None and reply.response.status == UNAUTHORIZED and not renewed:
                renewed = True
                if self._renewed(request):
                    continue
            if reply.response is None and not broken and "timed out" not in reply.failure:
                broken = True
                self.local_session(renew=True)
                continue
            break
        if reply.response is None and not self._alive():
            raise TargetLost(f"the target at {self._root} does not answer: {reply.failure}")
        return Reply(reply.response, reply.failure, reply.sent, reply.received, retried=broken)

    def lose(self, request: Request, fate: Fate) -> Reply:
        """Sends a request on a connection of its own that is lost before its answer is known."""
        self._pace.wait()
        self._pay()
        sent = time.time()
        try:
            headers = {**self._headers, **self._authorization()}
            failure = lose(request, headers, fate, self._verify if isinstance(self._verify, str) else None)
        except (OSError, http.client.HTTPException) as error:
            failure = _reason(error)
        return Reply(None, failure, sent, time.time())

    def made_image(self) -> None:
        """Counts an image as a cost; it was paid for before."""
        with self._lock:
            self.cost.images += 1

    def drain(self) -> Cost:
        """What was spent since the last call."""
        with self._lock:
            spent, self.cost = self.cost, Cost()
        return spent

    @property
    def direct(self) -> bool:
        """Whether requests go to the target itself, and not through a proxy that would not hang up with us."""
        return not self._proxies

    def connect(self) -> None:
        """Opens the connection of this thread, if it is not open, by a request that asks for nothing."""
        if getattr(self._local, "session", None) is None:
            self._send_once(Request("GET", self._root), CONNECT_SECONDS)

    def sleep(self, seconds: float) -> None:
        """Waits, and counts the waiting as a cost."""
        with self._lock:
            self.cost.waiting += seconds
        time.sleep(seconds)

    def local_session(self, *, renew: bool = False) -> requests.Session:
        """The session of this thread; a new one, with new connections, if asked for."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None or renew:
            if session is not None:
                session.close()
            session = requests.Session()
            session.trust_env = False
            session.headers.clear()
            session.proxies = self._proxies
            session.verify = self._verify
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=1))
            self._local.session = session
        return session

    def _authorization(self) -> dict[str, str]:
        """The headers that say who the suite is.

        Raises:
            TargetLost: there is no access token to be had any more.
        """
        try:
            return self._credentials.headers() if self._credentials else {}
        except NoToken as error:
            raise TargetLost(f"the target at {self._root} cannot be tested: {error}") from None

    def _renewed(self, request: Request) -> bool:
        """Whether there is another token than the one that the target refused; not where the request brought its own."""
        try:
            return AUTHORIZATION not in request.headers and self._credentials is not None and self._credentials.renew()
        except NoToken as error:
            raise TargetLost(f"the target at {self._root} cannot be tested: {error}") from None

    def _pay(self, *, cleanup: bool = False) -> None:
        """Counts a request that is about to be sent.

        Raises:
            BudgetSpent: it must not be sent.
        """
        self.budget.request(cleanup=cleanup)
        with self._lock:
            self.cost.requests += 1

    def _send_once(self, request: Request, timeout: float, *, cleanup: bool = False) -> Reply:
        known = self._authorization()
        self._pay(cleanup=cleanup)
        sent = time.time()
        try:
            session = self.local_session()
            # What a request says for itself takes the place of the target's own; where it is empty, nothing does.
            headers = CaseInsensitiveDict({**self._headers, **known})
            headers.update(request.headers)
            for name in [name for name, value in headers.items() if not value]:
                del headers[name]
            prepared = session.prepare_request(
                requests.Request(request.verb, request.url, headers=headers, data=request.body)
            )
            prepared.url = request.url if request.url.endswith("?") else prepared.url
            with session.send(
                prepared, timeout=(CONNECT_SECONDS, timeout), allow_redirects=False, stream=True
            ) as answer:
                body, truncated = _read(answer, time.monotonic() + timeout)
                received = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(Response(answer.status_code, received, body, truncated), "", sent, time.time())
        except (requests.RequestException, OSError, ValueError) as error:
            return Reply(None, _reason(error), sent, time.time())

    def _count(self, method: str, reply: Reply, *, again: bool) -> None:
        with self._lock:
            self.cost.retries += again
            if reply.response is not None:
                self.cost.latencies[method].append(round((reply.received - reply.sent) * 1000, 2))

    def _alive(self) -> bool:
        """Whether the target answers anything at all, possibly after a short while."""
        probe = Request("GET", self._root)
        end = time.monotonic() + REVIVAL_SECONDS
        while True:
            self.local_session(renew=True)
            if self._send_once(probe, CONNECT_SECONDS).response is not None:
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.25)


def _read(answer: requests.Response, end: float) -> tuple[bytes, bool]:
    """The decoded body, up to the limits of size and time, and whether it was cut."""
    chunks: list[bytes] = []
    size = 0
    for chunk in answer.iter_content(64 * 1024):
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_MAXIMUM or time.monotonic() > end:
            return b"".join(chunks)[:BODY_MAXIMUM], True
    return b"".join(chunks), False


def _reason(error: Exception) -> str:
    """Why there is no answer, in a few words that are the same in every run."""
    if isinstance(error, requests.Timeout):
        return "timed out"
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


def retry_after(response: Response, attempt: int) -> float:
    """Seconds to wait before the next try: as the answer advises, else doubling from 0.1 s; 30 s at most."""
    advice = response.headers.get("retry-after", "").strip()
    if advice.isdecimal():
        return min(float(advice), RETRY_SECONDS_MAXIMUM)
    try:
        moment = parsedate_to_datetime(advice)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        seconds = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        seconds = 0.1 * 2**attempt
    return min(max(seconds, 0.0), RETRY_SECONDS_MAXIMUM)
