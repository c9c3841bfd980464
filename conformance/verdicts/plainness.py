"""How plain a breach is to look at: of all that show a rule broken, the plainest is shown."""

from __future__ import annotations

import re
import zlib
from functools import cached_property
from typing import Any

from conformance.contract import Breach
from conformance.trace.exchange import SUITE_NAME, Exchange, Trace
from conformance.trace.json_text import NOT_JSON
from conformance.verdicts.strangers import name_of, request_text, said, shown

_HOSTILE = re.compile(rb"[^\n\t\x20-\x7e]|\\[ux]|%(?:[01]|[89A-Fa-f])[0-9A-Fa-f]")
"""What is not plain text, also in the escapes of JSON and URLs."""

_FRESH = re.compile(rf"{SUITE_NAME.pattern}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}", re.IGNORECASE)
"""Names and requestIds, which are others in each run."""


class Plainness:
    """How plain the breaches are that a trace shows.

    Args:
        trace: the trace.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def of(self, breach: Breach) -> tuple[int, ...]:
        """The rank of a breach, the plainest first; the same in each run that sends the same.

        First comes what is more than a deviation. Then it counts whether images are seen that others have made or that
        cannot be deleted, and how many dozens of kB are sent: what a script can hardly repeat; whether the requests
        that show the breach are invalid or hostile, and whether any other is; how much there is to read, all exchanges
        and fields taken together. The last numbers merely settle which it is of several that are equally plain.
        """
        elsewhere, dozens, *_ = self._trace.size()
        strange = sum(self._is_strange(exchange) for exchange in breach.exchanges)
        odd = max(map(_oddness, breach.exchanges), default=0)
        return (int(breach.deviation), elsewhere + strange, dozens, odd, *self._reading)

    @cached_property
    def _reading(self) -> tuple[int, ...]:
        """What of the rank is the same for all breaches of the trace."""
        exchanges = self._trace.exchanges
        fields = sum(_fields(exchange.request.json) for exchange in exchanges)
        sent = "\n".join(f"{exchange.request.verb} {request_text(exchange)}" for exchange in exchanges)
        text = _FRESH.sub("fresh", sent).encode("utf-8", "surrogatepass")
        return max(map(_oddness, exchanges), default=0), len(exchanges) + fields, len(text), zlib.crc32(text)

    @cached_property
    def _said(self) -> str:
        """All that the requests say, where the images are named that they make."""
        return said(self._trace)

    def _is_strange(self, exchange: Exchange) -> bool:
        """Whether an answer shows images, or operations on some, none of which a request of the trace knows of."""
        names = list(map(name_of, shown(exchange)))
        return bool(names) and not any(name in self._said for name in names)


def _fields(value: Any) -> int:
    """How many values there are to read in a JSON value, itself included; what is no JSON is one."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_fields, parts))


def _oddness(exchange: Exchange) -> int:
    """How odd a request is: that it is invalid counts more than that it holds hostile text, or none of
    JSON."""
    request, intent = exchange.request, exchange.intent
    invalid = intent is not None and not intent.valid
    said = request.url.encode(errors="replace") + (request.body or b"")
    hostile = _HOSTILE.search(said) is not None or (bool(request.body) and request.json is NOT_JSON)
    return 2 * invalid + hostile
