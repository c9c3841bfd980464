"""What a client of `requests` or `httpx` exchanges, kept as it goes on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import requests
from requests.adapters import BaseAdapter

from conformance.trace.exchange import Exchange, Request, Response

UNANSWERED = "the client got no answer"


@dataclass
class Tape:
    """The exchanges of a client, in the order of sending; threads may share it."""

    _exchanges: dict[int, Exchange] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, request: Request) -> int:
        """Notes a request that goes out now; answers its number."""
        with self._lock:
            number = len(self._exchanges) + 1
            now = time.time()
            self._exchanges[number] = Exchange(number, request, None, UNANSWERED, now, now)
            return number

    def received(self, number: int, response: Response | None, failure: str = "") -> None:
        """Notes what came of a request, now."""
        with self._lock:
            began = self._exchanges[number]
            self._exchanges[number] = Exchange(number, began.request, response, failure, began.sent, time.time())

    def __iter__(self) -> Iterator[Exchange]:
        with self._lock:
            return iter(list(self._exchanges.values()))


_TAPES: WeakKeyDictionary[Any, Tape] = WeakKeyDictionary()


def record(client: Any) -> None:
    """Records from now on what a client exchanges; one that is recorded already goes on so.

    Raises:
        TypeError: it is no client of requests or httpx.
    """
    if not (isinstance(client, requests.Session) or hasattr(client, "event_hooks")):
        raise TypeError(f"a requests.Session, httpx.Client or httpx.AsyncClient is wanted, not {type(client).__name__}")
    if client in _TAPES:
        return
    tape = _TAPES[client] = Tape()
    if isinstance(client, requests.Session):
        for prefix, adapter in list(client.adapters.items()):
            client.mount(prefix, _Adapter(adapter, tape))
    else:
        _hook(client, tape)


def tape_of(client: Any) -> Tape | None:
    """What a client has exchanged since it is recorded; None where it is not."""
    try:
        return _TAPES.get(client)
    except TypeError:
        return None


class _Adapter(BaseAdapter):
    """An adapter of requests that keeps what another one sends, also what that gets no answer to."""

    def __init__(self, adapter: BaseAdapter, tape: Tape) -> None:
        super().__init__()
        self._adapter = adapter
        self._tape = tape

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        kept = body if isinstance(body, bytes) else None
        number = self._tape.sent(Request(request.method or "", request.url or "", dict(request.headers), kept))
        try:
            response = self._adapter.send(request, *args, **options)
            content = response.content
        except Exception as error:
            self._tape.received(number, None, type(error).__name__)
            raise
        self._tape.received(number, Response(response.status_code, _lower(response.headers), content))
        return response

    def close(self) -> None:
        self._adapter.close()


def _hook(client: Any, tape: Tape) -> None:
    """Has httpx tell of what it sends and receives."""
    numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def sent(request: Any) -> None:
        body = None
        # A body that is read while it is sent is not there yet.
        with contextlib.suppress(RuntimeError):
            body = request.content
        numbers[request] = tape.sent(Request(request.method, str(request.url), dict(request.headers), body or None))

    def received(response: Any) -> None:
        answer = Response(response.status_code, _lower(response.headers), response.content)
        tape.received(numbers[response.request], answer)

    def read(response: Any) -> None:
        response.read()
        received(response)

    async def sent_soon(request: Any) -> None:
        sent(request)

    async def read_soon(response: Any) -> None:
        await response.aread()
        received(response)

    own = (sent_soon, read_soon) if hasattr(client, "aclose") else (sent, read)
    hooks = client.event_hooks
    client.event_hooks = {
        kind: [*hooks.get(kind, ()), hook] for kind, hook in zip(("request", "response"), own, strict=True)
    }


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
