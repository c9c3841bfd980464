"""The clock of a recorder: it may note no times, and may be set back in the middle of a recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

from conformance.trace.exchange import Exchange
from conformance.trace.formats import timestamp

SET_BACK_SECONDS = 2.0
"""A clock that goes back by less cannot be told from the order in which a recorder notes what overlaps."""

TURN_SECONDS = 1e-6
"""Between exchanges of one time, which come one after the other: too little to be a pause."""

TIMES = ("insertTime", "startTime", "endTime", "creationTimestamp")


@dataclass
class _Noted:
    """The exchange noted last: when it was sent, by the clock put right, the Date of its answer, and the time that it
    was noted with."""

    sent: float
    served: float | None
    noted: float


class RecordedClock:
    """Gives the exchanges of a recording, one after the other as they stand in it, times that agree with their
    order."""

    def __init__(self) -> None:
        self._last: _Noted | None = None
        self._latest = 0.0
        self._behind = 0.0

    def put_right(self, exchange: Exchange) -> Exchange:
        """The exchange at its time.

        One without a time of its own, or with that of the one before it, comes after those before it, and not before
        the times that its answer tells, unless the Date of its answer is earlier: then the recording is in another
        order than that of sending. Where the recorder's clock goes back while that of the server goes on, it was set
        back. Without a Date in the answers, times that go back mean that the recording is in another order.
        """
        served = served_at(exchange)
        took = exchange.received - exchange.sent if exchange.sent else 0.0
        sent = exchange.sent + self._behind if exchange.sent else self._untold(served, exchange)
        last = self._last
        went_back = last is not None and sent + took < last.sent - SET_BACK_SECONDS
        if last and went_back and served and last.served and served > last.served:
            self._behind += last.sent + served - last.served - sent
            sent = last.sent + served - last.served
        alike = last is not None and not took and exchange.sent == last.noted
        if alike and sent <= self._latest < sent + SET_BACK_SECONDS:
            sent = self._latest + TURN_SECONDS
        self._last = _Noted(sent, served, exchange.sent)
        self._latest = max(self._latest, sent + took)
        return replace(exchange, sent=sent, received=sent + took)

    def _untold(self, served: float | None, exchange: Exchange) -> float:
        """When an exchange was sent that has no time: after those before it, unless its Date shows that it stands
        elsewhere."""
        if served is not None and served < self._latest - SET_BACK_SECONDS:
            return served
        return max(self._latest, served or _told(exchange))


def served_at(exchange: Exchange) -> float | None:
    """When an answer was given by the server's clock, in whole seconds since the epoch; None where it has no Date."""
    return _epoch(exchange.response.headers.get("date", "")) if exchange.response else None


@lru_cache(64)
def _epoch(date: str) -> float | None:
    """What a Date means: many answers have the same one. One at the end of all time is none: nothing can be added to
    it."""
    try:
        served = parsedate_to_datetime(date)
        served = served.astimezone(UTC) if served.tzinfo else served.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return served.timestamp() if MINYEAR < served.year < MAXYEAR else None


def _told(exchange: Exchange) -> float:
    """The latest time of the server that an answer tells of, in seconds since the epoch; 0 without any."""
    moments = [timestamp((exchange.resource or {}).get(name)) for name in TIMES]
    return max((moment.timestamp() for moment in moments if moment), default=0.0)
