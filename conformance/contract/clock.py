"""How far a target's clock may be off before a time of its own counts as wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from conformance.trace.exchange import Exchange

SKEW = timedelta(seconds=300)
"""Ordinary clocks differ by less; a time that is made up usually is further off."""


def _moments(exchange: Exchange) -> tuple[datetime, datetime]:
    """The earliest and latest instant at which a request can have been served, by our clock or by the server's Date."""
    earliest = datetime.fromtimestamp(exchange.sent, UTC)
    latest = datetime.fromtimestamp(exchange.received, UTC)
    date = exchange.response.headers.get("date", "") if exchange.response else ""
    try:
        served = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError):
        return earliest, latest
    served = served.replace(tzinfo=UTC) if served.tzinfo is None else served
    return min(earliest, served), max(latest, served)


def near(moment: datetime, exchange: Exchange) -> bool:
    """Whether a time may be the time of an exchange."""
    earliest, latest = _moments(exchange)
    return earliest - SKEW <= moment <= latest + SKEW


def not_before(moment: datetime, exchange: Exchange) -> bool:
    """Whether a time may lie at or after the sending of a request."""
    return moment >= _moments(exchange)[0] - SKEW
