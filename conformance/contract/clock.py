"""How far a target's clock may be off before a time of its own counts as wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite

from conformance.trace.exchange import Exchange
from conformance.trace.recorded_clock import served_at

SKEW = timedelta(seconds=300)
"""Ordinary clocks differ by less; a time that is made up usually is further off."""


ZONES = timedelta(days=1)
"""How far a recorder may be off that writes the time of another zone, where nothing tells the clock of its target."""

UNKNOWN = timedelta(seconds=2)
"""How far the clock of a target may be ahead of ours that does not say its time."""


def _served(exchange: Exchange) -> datetime | None:
    """When an answer was given, in whole seconds of the server's clock; None where it does not say."""
    seconds = served_at(exchange)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _moments(exchange: Exchange, ahead: float) -> tuple[datetime, datetime]:
    """The earliest and latest instant at which a request can have been served, by our clock or by the server's: its
    Date, or without one the seconds that it is known to be ahead."""
    earliest = datetime.fromtimestamp(exchange.sent, UTC)
    latest = datetime.fromtimestamp(exchange.received, UTC)
    served = _served(exchange) or earliest + timedelta(seconds=ahead if isfinite(ahead) else 0.0)
    return min(earliest, served), max(latest, served)


def between(moment: datetime, first: Exchange, last: Exchange, ahead: float = 0.0) -> bool:
    """Whether a time of the server's clock lies after the sending of one request, and before the answer of another.

    A Date is in whole seconds: where it leaves open how far the clocks differ, they are taken to differ as little as
    may be.

    Args:
        moment: what the server says.
        first: the earlier exchange.
        last: the later one; its Date tells how the clocks differ, unless the server has kept it from an answer before.
        ahead: by how many seconds the clock of the server is known to be ahead, at least.
    """
    sent, received = (datetime.fromtimestamp(seconds, UTC) for seconds in (last.sent, last.received))
    served = _served(last)
    least, most = (served - received, served + timedelta(seconds=1) - sent) if served else (UNKNOWN, UNKNOWN)
    by = max(min(timedelta(), most), least)
    by = max(by, timedelta(seconds=ahead)) if isfinite(ahead) else by
    return datetime.fromtimestamp(first.sent, UTC) + by <= moment <= received + max(by, most)


def near(moment: datetime, exchange: Exchange, ahead: float = 0.0) -> bool:
    """Whether a time may be the time of an exchange; the clock of the target may be known to be `ahead`, in
    seconds."""
    earliest, latest = _moments(exchange, ahead)
    return earliest - SKEW <= moment <= latest + SKEW


def not_after(moment: datetime, exchange: Exchange, ahead: float = 0.0) -> bool:
    """Whether a time may lie before the answer to a request."""
    known = _served(exchange) is not None or isfinite(ahead)
    return moment <= _moments(exchange, ahead)[1] + (SKEW if known else ZONES)


def not_before(moment: datetime, exchange: Exchange, ahead: float = 0.0) -> bool:
    """Whether a time may lie at or after the sending of a request."""
    return moment >= _moments(exchange, ahead)[0] - SKEW
