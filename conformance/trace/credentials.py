"""Credentials that requests carry: a target may repeat them in its answers, and nothing that is written may show
them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.trace.exchange import Exchange
from conformance.trace.formats import decoded
from conformance.trace.redaction import REDACTED, TELLING

PARAMETERS = ("key", "access_token", "oauth_token")
"""Query parameters that say who asks."""

CREDENTIAL_MINIMUM = 8
"""Characters of the shortest text that is taken for a credential: a shorter one may stand in an answer by chance."""

_WORD = re.compile(r"[^\s;,]+")


def credentials_of(exchange: Exchange) -> Iterator[str]:
    """The texts by which a request says who asks: of its headers and of its query."""
    found = [value for name in PARAMETERS for value in exchange.request.query.get(name, ())]
    for name, value in exchange.request.headers.items():
        if TELLING.search(name):
            found += _words(value)
    yield from (text for text in found if len(text) >= CREDENTIAL_MINIMUM and REDACTED not in text)


def _words(value: str) -> Iterator[str]:
    """The words of a header: without the name of a scheme or a cookie, and with what basic authentication encodes."""
    words = _WORD.findall(value)
    scheme = words[0].lower() if len(words) > 1 else ""
    for word in words[1:] if scheme in ("basic", "bearer") else words:
        name, equals, rest = word.partition("=")
        yield rest if equals and rest.strip("=") and name.isidentifier() else word
        if scheme == "basic":
            yield (decoded(word) or b"").decode(errors="ignore").partition(":")[2]
