"""What the tests of client libraries share: an emulator behind a recorder, whose traffic every rule judges."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.trace.exchange import Exchange, Request, Response, Trace
from conformance.verdicts.ledger import Ledger

_OF_ONE_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding"})


class Recorder(ThreadingHTTPServer):
    """Passes requests on to a server byte by byte, and remembers every exchange.

    Args:
        server: the URL of the server.

    Attributes:
        url: where the recorder answers.
    """

    daemon_threads = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._netloc = urlsplit(server).netloc
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._numbers = itertools.count(1)
        self._exchanges: list[Exchange] = []

    def exchange(self, request: Request, target: str) -> Response:
        """The server's answer to a request."""
        number, sent = next(self._numbers), time.time()
        with closing(HTTPConnection(self._netloc)) as connection:
            connection.putrequest(request.verb, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(request.body)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            response = Response(answer.status, headers, answer.read())
        self._exchanges.append(Exchange(number, request, response, "", sent, time.time()))
        return response

    def trace(self) -> Trace:
        """What was exchanged so far."""
        return Trace(tuple(sorted(self._exchanges, key=lambda exchange: exchange.number)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Recorder

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))) or None
        request = Request(self.command, f"{self.server.url}{self.path}", dict(self.headers), body)
        response = self.server.exchange(request, self.path)
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            if name not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - the names that http.server looks for


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The URL of an emulator."""
    with EmulatorProcess() as process:
        yield process.url


@pytest.fixture
def server(emulator: str) -> Iterator[str]:
    """The URL of an emulator, all of whose traffic keeps every rule."""
    with Recorder(emulator) as recorder:
        threading.Thread(target=recorder.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield recorder.url
        recorder.shutdown()
        ledger, trace = Ledger(catalogue()), recorder.trace()
        breaches = [(rule.id, breach.message) for rule, breach in ledger.judge(trace)]
    assert not ledger.errors
    assert not breaches


@pytest.fixture
def project() -> str:
    """A project that no other test uses."""
    return f"clients-{uuid.uuid4().hex[:8]}"
