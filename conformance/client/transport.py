"""How requests reach a target: retries, patience and its end, and what all of it cost."""

from __future__ import annotations

import http.client
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from conformance import __version__
from conformance.client import deadlines as watch
from conformance.client.budget import Budget, Limits, TimeOver
from conformance.client.connection import BODY_MAXIMUM, LIST_MAXIMUM, TIMED_OUT, Connections, Reply, reason
from conformance.client.credentials import Credentials, NoToken
from conformance.client.lost_connections import CONNECT_SECONDS, lose
from conformance.trace.cost import Cost
from conformance.trace.exchange import Request, Response
from conformance.trace.fate import Fate

REQUEST_SECONDS = 30.0
AUTHORIZATION = "Authorization"
UNAUTHORIZED = 401
FORBIDDEN = 403
ACCESS_STATUSES = frozenset({UNAUTHORIZED, FORBIDDEN, 407})
"""How a target answers those that it does not know, or that may not do what they ask for."""

RETRY_STATUSES = frozenset({429, 503})
RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
"""Why a target answers 403 to those that it lets in: they ask too often."""

SERVER_ERRORS = frozenset({500, 502, 504})
"""What a server, or a proxy before it, answers by chance now and then."""

RETRIES_MAXIMUM = 6
SERVER_ERROR_RETRIES = 2
RETRY_SECONDS_MAXIMUM = 30.0
REFUSALS_MAXIMUM = 3
"""Requests of one method in a row that 429 and 503 may defeat: then the target is lost."""

REVIVAL_SECONDS = 8.0
"""How long a target that stops answering may take to come back."""

HALVINGS_MAXIMUM = 5
"""Every request that was waited for in vain halves the patience for those that follow, so many times at most."""


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """The run was stopped while a scenario was under way."""


class TargetLost(Exception):  # noqa: N818 - it is an event at the target, not an error of ours
    """The target no longer answers at all, so nothing more can be judged."""


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


class Transport:
    """Sends requests to one target.

    Args:
        root: the URL below which all requests go; used to see whether the target is alive.
        headers: sent with every request.
        ca_bundle: a file of certificates to trust, instead of the usual ones.
        rate: requests per second at most; None for no limit.
        credentials: say who the suite is; None where the headers do, or nobody asks.
        budget: what may be spent; None for no limit.
        patience: seconds that a request may take, with all its retries.

    Attributes:
        lost: why the target counts as lost; "" as long as it does not.
        aside: is told of each request that no scenario hears of: earlier tries, probes, and what cleans up.
    """

    def __init__(  # noqa: PLR0913 - everything that can be said about how requests are sent
        self,
        root: str,
        headers: Mapping[str, str],
        ca_bundle: str | None = None,
        rate: float | None = None,
        credentials: Credentials | None = None,
        budget: Budget | None = None,
        patience: float = REQUEST_SECONDS,
    ) -> None:
        self.cost = Cost()
        self.budget = budget or Budget(Limits())
        self.lost = ""
        self.aside: Callable[[Request, Reply], None] = lambda request, reply: None
        self._patience = patience
        self._timeouts = 0
        self._refusals: Counter[str] = Counter()
        self._unknown = 0
        self._allowed: Request | None = None
        self._stopped = threading.Event()
        self._credentials = credentials
        self._root = root
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"compute-images-conformance/{__version__}",
            **headers,
        }
        self._ca_bundle = ca_bundle
        self._connections = Connections(root, ca_bundle or True)
        self._pace = Pace(rate)
        self._lock = threading.Lock()

    def send(self, request: Request, method: str, timeout: float = REQUEST_SECONDS, *, cleanup: bool = False) -> Reply:
        """Sends a request, again after 429 and 503 as the answer advises, and once more where a connection broke.

        Other server errors come by chance now and then: after those it is sent again where that is safe.

        Args:
            request: what to send; the target's own headers are added.
            method: the API method, for the count of costs.
            timeout: seconds until an answer has to be there; less for a target that is often waited for in vain.
            cleanup: whether it deletes what was made, which is paid for already.

        Raises:
            TargetLost: the target does not answer this request, nor any other; or refuses it for want of quota, time
            and again. BudgetSpent: the request must not be sent any more. Stopped: the run is over.
        """
        broken = renewed = False
        begun: float | None = None  # when a try was sent that may have been carried out, though it was not answered so
        end = time.monotonic() + self._patience / 2 ** self._refusals[method]
        limit = LIST_MAXIMUM if method.endswith(".list") else BODY_MAXIMUM
        for attempt in range(RETRIES_MAXIMUM + 1):
            self.check()
            self._pace.wait()
            reply = self._send_once(request, timeout, limit, cleanup=cleanup)
            self._count(method, reply, again=attempt > 0)
            if begun is None and (reply.response is None or reply.response.status >= min(SERVER_ERRORS)):
                begun = reply.sent
            if reply.response is not None and (
                asks_for_patience(reply.response)
                or (
                    reply.response.status in SERVER_ERRORS
                    and attempt < SERVER_ERROR_RETRIES
                    and repeatable(request)
                    and not cleanup
                )
            ):
                left = end - time.monotonic()
                if attempt == RETRIES_MAXIMUM or left <= 0:
                    break
                self.aside(request, reply)
                self.sleep(min(retry_after(reply.response, attempt), left))
                continue
            if reply.response is not None and reply.response.status == UNAUTHORIZED and not renewed:
                renewed = True
                if self._renewed(request):
                    self.aside(request, reply)
                    continue
            if reply.response is None and not broken and reply.failure != TIMED_OUT:
                broken = True
                self.aside(request, reply)
                self._connections.renew()
                continue
            break
        if cleanup:
            self.aside(request, reply)
        if reply.response is None and not self.alive(REVIVAL_SECONDS):
            self.lost = f"the target at {self._root} does not answer: {reply.failure}"
        self._note_refusal(method, reply.response)
        self._note_access(request, reply.response)
        if self.lost and not cleanup:
            self.aside(request, reply)
        self.check()
        retried = attempt > 0 and begun is not None
        sent = reply.sent if begun is None or request.verb == "GET" else begun
        return Reply(reply.response, reply.failure, sent, reply.received, retried=retried)

    def lose(self, request: Request, fate: Fate) -> Reply:
        """Sends a request on a connection of its own that is lost before its answer is known.

        Raises:
            TargetLost: the target has been lost already.
            BudgetSpent: the request must not be sent any more.
            Stopped: the run is over.
        """
        self.check()
        self._pace.wait()
        self._pay()
        sent = time.time()
        try:
            with watch.within(self._patience):
                failure = lose(request, {**self._headers, **self._authorization()}, fate, self._ca_bundle)
        except (OSError, http.client.HTTPException) as error:
            failure = reason(error)
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
        return not self._connections.proxy

    def connect(self) -> None:
        """Opens the connection of this thread, if it is not open, by a request that asks for nothing."""
        if self._connections.kept and not self._connections.open:
            self._probe(Request("GET", self._root))

    def serves_side_by_side(self) -> bool:
        """Whether the target answers on one connection while another is open and idle: a server of one thread may
        not."""
        self.connect()
        probe = Request("GET", self._root)
        self._pay()
        reply = self._connections.send_beside(probe, {**self._headers, **self._authorization()}, CONNECT_SECONDS)
        self.aside(probe, reply)
        return reply.failure != TIMED_OUT

    def close_after_each(self) -> None:
        """From now on no connection stays open after an answer, so that there is one at a time."""
        self._connections.kept = False
        self._connections.renew()

    def disconnect(self) -> None:
        """Closes the connection of this thread; its next request opens another."""
        self._connections.renew()

    def sleep(self, seconds: float) -> None:
        """Waits, unless the run is stopped, and counts the waiting as a cost."""
        with self._lock:
            self.cost.waiting += seconds
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """From now on nothing is waited for and no request begins, until `resume`; those under way are finished."""
        self._stopped.set()

    def resume(self) -> None:
        """Requests are sent again."""
        self._stopped.clear()

    def regained(self) -> bool:
        """Whether a target that was lost answers again; if it does, requests are sent to it again."""
        probe = self._allowed or Request("GET", self._root)
        reply = self._probe(probe, cleanup=True)
        if reply.response is None or reply.response.status in RETRY_STATUSES | ACCESS_STATUSES:
            return False
        self.lost = ""
        return True

    def alive(self, within: float) -> bool:
        """Whether the target answers anything at all, now or within some seconds (at most as many as a request may
        take)."""
        probe = Request("GET", self._root)
        end = time.monotonic() + min(within, self._patience)
        while not self._stopped.is_set():
            self._connections.renew()
            if self._probe(probe).response is not None:
                return True
            if time.monotonic() >= end:
                return False
            self._stopped.wait(0.25)
        return True

    def check(self) -> None:
        """Looks whether anything may be sent.

        Raises:
            TargetLost: the target is lost.
            Stopped: the run is over.
        """
        if self._stopped.is_set():
            raise Stopped
        if self.lost:
            raise TargetLost(self.lost)

    def _note_refusal(self, method: str, response: Response | None) -> None:
        """Counts requests that were refused to the end for want of quota or service; a target that goes on so is
        lost."""
        if response is None:
            return
        refused = asks_for_patience(response)
        with self._lock:
            self._refusals[method] = self._refusals[method] + 1 if refused else 0
            if self._refusals[method] >= REFUSALS_MAXIMUM:
                self.lost = (
                    f"the target at {self._root} answers {method} with HTTP {response.status} however often it is tried"
                )

    def _note_access(self, request: Request, response: Response | None) -> None:
        """Notices when a target that has let the suite in no longer does: then nothing that it refuses says anything.

        What was once answered is asked again; where nothing was, a few refusals in a row are enough.
        """
        if response is None or AUTHORIZATION in request.headers:
            return
        if response.status not in ACCESS_STATUSES or asks_for_patience(response):
            self._unknown = 0
            if self._allowed is None and request.verb == "GET":
                self._allowed = request
            return
        status = response.status
        self._unknown += 1
        if self._allowed is not None:
            again = self._probe(self._allowed).response
            shut = again is not None and again.status in ACCESS_STATUSES
        else:
            shut = self._unknown >= REFUSALS_MAXIMUM
        if shut:
            self.lost = (
                f"the target at {self._root} no longer grants access: "
                f"it answers HTTP {status} to what it answered before"
            )

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
        """Whether there is another token than the one that the target refused; not where the request brought its
        own."""
        try:
            return AUTHORIZATION not in request.headers and self._credentials is not None and self._credentials.renew()
        except NoToken as error:
            raise TargetLost(f"the target at {self._root} cannot be tested: {error}") from None

    def _pay(self, *, cleanup: bool = False) -> None:
        """Counts a request that is about to be sent.

        Raises:
            BudgetSpent: it must not be sent.
            TargetLost: the run takes too long.
        """
        try:
            self.budget.request(cleanup=cleanup)
        except TimeOver as over:
            self.lost = f"the target at {self._root} is too slow, or keeps the suite busy: {over}"
            raise TargetLost(self.lost) from None
        with self._lock:
            self.cost.requests += 1

    def _probe(self, request: Request, *, cleanup: bool = False) -> Reply:
        """Sends a request of which nobody wants to know more than whether it is answered, and how."""
        reply = self._send_once(request, CONNECT_SECONDS, cleanup=cleanup)
        self.aside(request, reply)
        return reply

    def _send_once(
        self, request: Request, timeout: float, limit: int = BODY_MAXIMUM, *, cleanup: bool = False
    ) -> Reply:
        known = self._authorization()
        self._pay(cleanup=cleanup)
        timeout = min(timeout, self._patience) / 2 ** min(self._timeouts, HALVINGS_MAXIMUM)
        reply = self._connections.send(request, {**self._headers, **known}, timeout, limit)
        self._timeouts += reply.failure == TIMED_OUT
        return reply

    def _count(self, method: str, reply: Reply, *, again: bool) -> None:
        with self._lock:
            self.cost.retries += again
            if reply.response is not None:
                self.cost.latencies[method].append(round((reply.received - reply.sent) * 1000, 2))


def asks_for_patience(response: Response) -> bool:
    """Whether an answer asks the client to come back later: 429, 503, or 403 for a rate that was too high."""
    if response.status != FORBIDDEN:
        return response.status in RETRY_STATUSES
    body = response.json if isinstance(response.json, dict) else {}
    error = body.get("error")
    items = error.get("errors") if isinstance(error, dict) else None
    reasons = {item.get("reason") for item in items if isinstance(item, dict)} if isinstance(items, list) else set()
    return bool(reasons & RATE_REASONS)


def repeatable(request: Request) -> bool:
    """Whether a request can be sent again without being carried out twice."""
    waits = request.verb == "POST" and "/operations/" in request.path and request.path.endswith("/wait")
    return request.verb == "GET" or waits or bool(request.query.get("requestId"))


def retry_after(response: Response, attempt: int) -> float:
    """Seconds to wait before the next try: as the answer advises, else doubling from 0.1 s.

    A time that nobody could wait for, of more than 30 s, is no advice.
    """
    advice = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(advice) if advice.isdecimal() else _seconds_until(parsedate_to_datetime(advice))
    except (ValueError, TypeError, OverflowError):
        seconds = math.inf
    return max(seconds, 0.0) if seconds <= RETRY_SECONDS_MAXIMUM else 0.1 * 2**attempt


def _seconds_until(moment: datetime) -> float:
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - datetime.now(UTC)).total_seconds()
