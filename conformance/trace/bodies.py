"""Bodies that a recorder has not kept: where it has kept none, an empty one tells nothing of who sent it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.trace.exchange import NOT_RECORDED, Exchange
from conformance.trace.har import BODIED
from conformance.trace.links import named

BARE = frozenset({204, 205, 304})
"""Statuses of answers that have no body."""


@dataclass
class Bodies:
    """Which bodies a file shows, as its exchanges come.

    Attributes:
        answer, request: whether an answer, or a request that has to have one, has its body.
        bare: whether an answer has none that tells something.
        hidden: whether the answer to a request without its body shows that there was one.
    """

    answer: bool = False
    request: bool = False
    bare: bool = False
    hidden: bool = False

    def see(self, exchange: Exchange) -> None:
        """Takes note of an exchange."""
        response = exchange.response
        if exchange.route is None or response is None:
            return
        self.answer = self.answer or bool(response.body)
        told = exchange.answered and exchange.status not in BARE and exchange.method != "globalOperations.delete"
        empty = not response.body and response.headers.get("content-length") != "0"
        self.bare = self.bare or (told and empty)
        if exchange.method in BODIED:
            self.request = self.request or bool(exchange.request.body)
            target = named((exchange.resource or {}).get("targetLink"))
            named_one = target is not None and target[1].startswith("global/images/")
            nameless = exchange.method == "images.insert" and response.body and not named_one
            self.hidden = self.hidden or (exchange.answered and not exchange.request.body and not nameless)

    @property
    def unanswered(self) -> bool:
        """Whether the recorder has kept no body of an answer."""
        return self.bare and not self.answer

    @property
    def unsent(self) -> bool:
        """Whether the recorder has kept no body of a request."""
        return self.hidden and not self.request

    def without(self, exchange: Exchange) -> Exchange:
        """The exchange, as if its answer were lost where a body is not known that there was."""
        lost = self.unanswered or (self.unsent and exchange.method in BODIED)
        return replace(exchange, response=None, failure=NOT_RECORDED) if lost and exchange.response else exchange

    def told(self) -> Iterator[str]:
        """What a reader should know of it."""
        if self.unanswered:
            yield "no answer has its body: nothing of the answers was judged"
        if self.unsent:
            yield "no request has its body: nothing of those that change images was judged"
