"""Which of two requests came first, as far as their order has a meaning."""

from __future__ import annotations

from conformance.trace.exchange import Exchange


def after(earlier: Exchange, later: Exchange) -> bool:
    """Whether a request was sent when the answer of another was already there: only then has their order a meaning.

    A request without an answer may still be carried out at any later time.
    """
    answered = earlier.response is not None
    return answered and earlier is not later and later.sent >= earlier.received and later.number > earlier.number
