"""A request as a command that can be pasted into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from conformance.verdicts.results import Request

OWN = frozenset({"host", "connection", "content-length", "accept-encoding", "transfer-encoding"})
"""Headers that a client writes by itself, or that change only how an answer travels."""


def curl(request: Request) -> str:
    """The request for curl, which after `-X HEAD` would wait for a body."""
    verb = ("--head",) if request.method == "HEAD" else ("-X", request.method)
    parts = ["curl", "-sSig", "--path-as-is", *verb, request.url]
    parts += [part for header in _headers(request) for part in ("-H", header)]
    parts += ["--data-raw", request.body] if request.body else []
    return shlex.join(parts)


def httpie(request: Request) -> str:
    """The request for HTTPie."""
    parts = ["http", "--ignore-stdin", request.method, request.url]
    parts += _headers(request)
    parts += ["--raw", request.body] if request.body else []
    return shlex.join(parts)


def pasted(request: Request, kind: Callable[[Request], str]) -> str:
    """The command of a kind; "" where a shell cannot have such text as an argument."""
    texts = (request.method, request.url, request.body, *request.headers, *request.headers.values())
    return "" if any(map(_unfit, texts)) else kind(request)


def _headers(request: Request) -> Iterator[str]:
    """The headers as both clients take them: `name;` sends an empty one, `name:` none where they have their own."""
    for name, value in request.headers.items():
        if name.lower() not in OWN:
            yield f"{name}: {value}" if value else f"{name};"
    if request.body and "content-type" not in map(str.lower, request.headers):
        yield "Content-Type:"


def _unfit(text: str) -> bool:
    return any(character in "\0\r" or "\ud800" <= character <= "\udfff" for character in text)
