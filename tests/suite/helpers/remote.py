"""A target as it is far away: behind TLS, slow, at times too busy, and asking for tokens that expire."""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.types import ASGIApp, Receive, Scope, Send

from conformance.emulator.app import create_app
from conformance.emulator.behaviour import Behaviour


@dataclass
class Remote:
    """A target, with what it has seen.

    Args:
        certificates: of the authority that vouches for it.
        seconds: how long each request takes.
        busy: of how many requests one is answered 429 (with Retry-After), and of how many one is answered 503; 0 for
            none.
    """

    certificates: Path
    seconds: float = 0.0
    busy: tuple[int, int] = (0, 0)
    behaviour: Behaviour = field(default_factory=Behaviour)
    url: str = ""
    tokens: set[str] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)
    images: int = 0

    def forget_tokens(self) -> None:
        """Lets all tokens that were given out expire."""
        self.tokens.clear()


class _Far:
    """Makes an application slow and busy, and counts what reaches it."""

    def __init__(self, app: ASGIApp, remote: Remote) -> None:
        self._app = app
        self._remote = remote
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        remote, number = self._remote, next(self._numbers)
        remote.seen[scope["method"]] += 1
        remote.behaviour.tokens = frozenset(remote.tokens) or frozenset({"nobody has one"})
        await asyncio.sleep(remote.seconds)
        for every, status in zip(remote.busy, (429, 503), strict=True):
            if every and number % every == 0:
                await _refuse(send, status)
                return
        await self._app(scope, receive, send)


async def _refuse(send: Send, status: int) -> None:
    body = json.dumps({"error": {"code": status, "message": "Later.", "errors": []}}).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def remote_target(
    folder: Path, *, seconds: float = 0.0, busy: tuple[int, int] = (0, 0), operation_seconds: float = 0.02
) -> Iterator[Remote]:
    """Serves a target at a loopback address.

    Args:
        folder: for its certificates.
        seconds, busy: as for Remote.
        operation_seconds: how long an operation takes.
    """
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificates = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(certificates))
    remote = Remote(certificates, seconds, busy, Behaviour(seconds=operation_seconds))

    def count(fields: dict[str, Any], body: dict[str, Any]) -> None:
        del fields, body
        remote.images += 1

    remote.behaviour.on_store.append(count)
    config = uvicorn.Config(_Far(create_app(remote.behaviour), remote), port=0, log_level="critical", lifespan="off")
    config.load()
    config.ssl = context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    remote.url = f"https://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield remote
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def service_account(folder: Path, remote: Remote) -> Iterator[Path]:
    """A server of tokens for a target, and the key file of a service account that gets them there."""

    class Tokens(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            token = f"secret-token-{len(remote.tokens)}-{time.monotonic_ns()}"
            remote.tokens.add(token)
            body = json.dumps({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "service-account.json"
    account = {
        "type": "service_account",
        "client_email": "suite@project.example",
        "private_key": key.decode(),
        "token_uri": f"http://127.0.0.1:{server.server_port}/token",
    }
    file.write_text(json.dumps(account), encoding="utf-8")
    try:
        yield file
    finally:
        server.shutdown()
        server.server_close()
