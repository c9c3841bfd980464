"""Requests in other ones, whose answers cannot be judged: those of a batch, or for another verb by a header; what they
may have changed is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from urllib.parse import urlsplit

from conformance.trace.exchange import MUTATIONS, NOT_RECORDED, OVERRIDE, Exchange, Request

_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+)(?: HTTP/[\d.]+)?")


def is_batch(exchange: Exchange) -> bool:
    """Whether a request carries others in its body."""
    kind = next((value for name, value in exchange.request.headers.items() if name.lower() == "content-type"), "")
    path = exchange.request.path.lstrip("/")
    return path.partition("/")[0] == "batch" or kind.strip().lower().startswith("multipart/mixed")


def overriding(exchange: Exchange) -> Exchange:
    """The request by the verb that a header of it asks for, as if its answer was lost: a server may heed it or not."""
    request = exchange.request
    headers = {name: text for name, text in request.headers.items() if name.lower() != OVERRIDE}
    meant = replace(request, verb=request.wanted_verb, headers=headers)
    return replace(exchange, request=meant, response=None, failure=NOT_RECORDED)


def changes_in(exchange: Exchange) -> Iterator[Exchange]:
    """The requests of a batch that change images, as if their answers were lost."""
    base = urlsplit(exchange.request.url)
    for part in _parts(exchange.request):
        head, _, body = part.replace("\r\n", "\n").lstrip("\n").partition("\n\n")
        found = _REQUEST_LINE.match(head)
        if found is None:
            continue
        url = found[2] if "://" in found[2] else f"{base.scheme}://{base.netloc}{found[2]}"
        request = Request(found[1], url, {}, body.strip().encode() or None)
        change = replace(exchange, request=request, response=None, failure=NOT_RECORDED)
        if change.method in MUTATIONS:
            yield change


def _parts(request: Request) -> Iterator[str]:
    """The texts of a multipart body; the boundary is taken from the body where the header does not tell it."""
    body = request.body or b""
    boundary = body.lstrip().split(b"\n", 1)[0].strip()[2:]
    message = message_from_bytes(b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n' + body)
    for part in message.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            yield content.decode(errors="replace") if isinstance(content, bytes) else ""
