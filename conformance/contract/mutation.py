"""Requests that change an image, and what became of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal

from conformance.contract.operation import STATUS_ORDER, Operation, has_ended
from conformance.contract.order import after
from conformance.contract.request_view import RequestView
from conformance.contract.round_trip import changed_by
from conformance.contract.rule import is_error
from conformance.trace.exchange import MUTATIONS, Exchange

Outcome = Literal["refused", "failed", "succeeded", "running", "unknown"]


PRECONDITION_FAILED = 412

CHANCES = frozenset({429, 500, 502, 503, 504})
"""Statuses of operations that failed for what had nothing to do with the request."""

_OWN_REASON = re.compile("QUOTA|RATE_EXCEEDED|RATE_LIMIT|EXHAUSTED|STOCKOUT|INTERNAL_ERROR|BACKEND_ERROR|UNAVAILABLE")
"""What the codes of such errors say, where the status is that of something else, or is not there."""


_TOLD_BY_OPERATIONS = frozenset(
    {"operationType", "targetLink", "targetId", "progress", "insertTime", "startTime", "endTime", "user"}
)
"""Fields that tell an operation from an image."""


def answers_no_operation(exchange: Exchange) -> bool:
    """Whether a change is answered with success, but with no operation: nothing that it could be followed by.

    So it has to be taken as carried out. An insert is carried out when its image is there.

    Args:
        exchange: a request that may be one that changes an image.
    """
    changes = exchange.method in MUTATIONS and exchange.method != "images.insert"
    if not changes or not exchange.answered or exchange.mask.partial:
        return False
    answer = exchange.resource or {}
    called = answer.get("kind") == "compute#operation" or "/operations/" in str(answer.get("selfLink"))
    return not called and str(answer.get("status")) not in STATUS_ORDER and not _TOLD_BY_OPERATIONS.intersection(answer)


def failed_by_chance(operation: Mapping[str, Any]) -> bool:
    """Whether an operation failed for a reason that the server has for itself.

    Args:
        operation: as it was shown last.
    """
    error = operation.get("error")
    if not is_error(error):
        return False
    items = error.get("errors") if isinstance(error, dict) else None
    codes = [str(item.get("code")) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    number = operation.get("httpErrorStatusCode")
    told = (isinstance(number, int) and number in CHANCES) or any(map(_OWN_REASON.search, codes))
    return has_ended(operation) and told


@dataclass(eq=False)
class Mutation:
    """A request that changes an image (insert, delete, patch, setLabels, deprecate), and what became of it.

    `image` is the name (for an insert, the name in its body, whatever is behind its JSON; None where that is no
    text); `original` is the earlier request with the same requestId, of the same project and method, whose outcome
    the target has to remember; `arrival` shows the image of an insert, or what became of another change, whose
    operation was never seen to end; of a change that is answered no operation it is the very answer.
    """

    exchange: Exchange
    project: str
    image: str | None
    request_id: str | None
    original: Mutation | None = None
    operation: Operation | None = None
    arrival: Exchange | None = None

    @property
    def method(self) -> str:
        """The API method."""
        return self.exchange.method

    @cached_property
    def view(self) -> RequestView:
        """The request, part by part."""
        return RequestView(self.exchange)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; empty where the body is none."""
        return self.view.body

    @cached_property
    def changed(self) -> frozenset[str]:
        """The fields that it changes of an image that is there."""
        return frozenset(changed_by(self.exchange))

    @property
    def invalid(self) -> bool:
        """Whether the request should have been refused: what becomes of it is the matter of the rule that it breaks,
        alone."""
        intent = self.exchange.intent
        return (intent is not None and not intent.valid) or bool(self.view.broken_rules)

    @property
    def answer(self) -> dict[str, Any] | None:
        """The operation as this very request was answered."""
        return self.exchange.resource

    @property
    def outcome(self) -> Outcome:
        """What became of the request: refused at once, failed, succeeded, still running when last seen, or unknown."""
        if self.exchange.refused:
            return "unknown" if self.exchange.perhaps_done else "refused"
        if not self.exchange.answered or (self.operation is None and self.arrival is None):
            return "unknown"
        final = self.operation.final if self.operation else None
        if final is None:
            return "running" if self.arrival is None else "succeeded"
        if final.failed:
            return "failed"
        return "succeeded" if final.shows("error") else "unknown"

    @property
    def ended(self) -> Exchange | None:
        """What shows that it has ended: its operation DONE, or else the image that it made or changed."""
        final = self.operation.final if self.operation else None
        return final.exchange if final else self.arrival

    @property
    def end(self) -> Exchange:
        """What shows that it has ended, where something does.

        Raises:
            LookupError: nothing does; each of those that `History.created` lists has such an exchange.
        """
        if self.ended is None:
            raise LookupError("the request was never seen to end")
        return self.ended

    def over_before(self, exchange: Exchange) -> bool:
        """Whether it was carried out for certain, or refused, when another request was sent."""
        ended = self.exchange if self.exchange.rejected else self.ended
        return ended is not None and after(ended, exchange)

    @property
    def by_chance(self) -> bool:
        """Whether its operation failed for a reason that the server has for itself, such as a want of quota: that says
        nothing of the request."""
        final = self.operation.final if self.operation else None
        return final is not None and failed_by_chance(final.value)

    @property
    def missed(self) -> bool:
        """Whether its operation failed since the image was not there any more: so it ends for a delete that comes
        second."""
        final = self.operation.final if self.operation else None
        return final is not None and final.failed and final.value.get("httpErrorStatusCode") == 404

    @property
    def precondition_failed(self) -> bool:
        """Whether it was refused, at once or by its operation, since the image is another than its sender believed."""
        final = self.operation.final if self.operation else None
        late = final.value.get("httpErrorStatusCode") if final and final.failed else None
        return PRECONDITION_FAILED in (self.exchange.status, late)

    @property
    def same_bytes(self) -> bool:
        """For a replay: whether it is byte for byte the request that it replays."""
        first = self.original
        return (
            first is not None
            and first.exchange.request.body == self.exchange.request.body
            and first.exchange.request.query == self.exchange.request.query
        )

    @property
    def same_content(self) -> bool:
        """For a replay: whether body and parameters mean the same, whatever the order of keys and the case of
        requestId."""
        first = self.original
        if first is None or _parameters(first.exchange) != _parameters(self.exchange):
            return False
        return bool(first.exchange.request.json == self.exchange.request.json)


def overlapping(mutations: Sequence[Mutation]) -> list[Mutation]:
    """Those of some requests that were under way at the same time as another of them."""
    ordered = sorted((mutation.exchange for mutation in mutations), key=lambda exchange: exchange.number)
    ends = [exchange.received if exchange.response is not None else math.inf for exchange in ordered]
    latest = [-math.inf, *accumulate(ends, max)]
    earliest = [*accumulate((exchange.sent for exchange in reversed(ordered)), min, initial=math.inf)][-2::-1]
    found = {
        exchange.number
        for exchange, end, before, following in zip(ordered, ends, latest, earliest, strict=False)
        if before > exchange.sent or following < end
    }
    return [mutation for mutation in mutations if mutation.exchange.number in found]


def _parameters(exchange: Exchange) -> dict[str, list[str]]:
    return {name: values for name, values in exchange.request.query.items() if name != "requestId"}
