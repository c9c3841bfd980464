"""Time lines of a breach: what went on at the same time, and how an operation went.

A drawing is lanes with spans, whatever it tells of; what finds something to draw in a breach is a row of SOURCES.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conformance.verdicts.results import BarResult, BreachResult, ExchangeResult

LETTERS = string.ascii_uppercase
"""What clients are called whose requests came at one time."""

TONES = {"PENDING": "pending", "RUNNING": "running", "DONE": "done"}
LANES_MAXIMUM = 40
OVERLAP_MINIMUM = 0.002
"""Seconds that two requests overlap at least: times are known to the millisecond."""

SPAN_MINIMUM = 0.6
"""Percent of the width that a span takes at least, so that it is seen."""


@dataclass(frozen=True)
class Span:
    """Something that lasted.

    Args:
        start: seconds, in the time of its drawing.
        end: the same; what has no length is drawn as a tick.
        text: what it was; shown beneath a lane of several spans.
        tone: its colour: pending, running, done or strange for an operation; call; explained, open or impossible for
            a call in an order.
    """

    start: float
    end: float
    text: str
    tone: str = "call"


@dataclass(frozen=True)
class Lane:
    """What belongs together, one after the other."""

    name: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Timeline:
    """A drawing: lanes over one time, which begins with the first span."""

    title: str
    lanes: tuple[Lane, ...]

    @property
    def start(self) -> float:
        """When it begins."""
        return min(span.start for lane in self.lanes for span in lane.spans)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return max(span.end for lane in self.lanes for span in lane.spans) - self.start

    def left(self, span: Span) -> float:
        """Where a span begins, in percent of the width."""
        return min(round(100 * (span.start - self.start) / max(self.seconds, 1e-6), 2), 100 - SPAN_MINIMUM)

    def width(self, span: Span) -> float:
        """How wide a span is, in percent of the width."""
        return max(round(100 * (span.end - span.start) / max(self.seconds, 1e-6), 2), SPAN_MINIMUM)


def operations(breach: BreachResult) -> Iterator[Timeline]:
    """The operations of which a breach shows more than one state, as they were seen."""
    looks: dict[str, list[tuple[float, ExchangeResult, str]]] = {}
    for exchange in breach.exchanges:
        body, moments = _json(exchange), _moments(exchange)
        if moments and isinstance(body, dict) and body.get("kind") == "compute#operation":
            looks.setdefault(str(body.get("name")), []).append((moments[1], exchange, str(body.get("status"))[:20]))
    for name, seen in looks.items():
        if len(seen) > 1:
            last = seen[-1][0] + max(seen[-1][0] - seen[0][0], 0.001) * 0.15
            ends = [*(moment for moment, _, _ in seen[1:]), last]
            spans = (
                Span(moment, max(end, moment), f"{status} · {exchange.number}. {exchange.method}", _tone(status))
                for (moment, exchange, status), end in zip(seen, ends, strict=True)
            )
            yield Timeline("The operation as it was seen", (Lane(name, tuple(spans)),))


def orders(breach: BreachResult) -> Iterator[Timeline]:
    """The calls that no order explains, each by a client that was free: those of one moment are of different clients,
    at least."""
    busy: list[float] = []
    lanes = []
    for bar in sorted(breach.timeline, key=lambda bar: (bar.start_ms, bar.end_ms)):
        client = next((number for number, until in enumerate(busy) if until <= bar.start_ms), len(busy))
        busy[client : client + 1] = [bar.end_ms]
        span = Span(bar.start_ms / 1000, bar.end_ms / 1000, _place(bar), bar.role)
        lanes.append(Lane(f"{LETTERS[client % len(LETTERS)]} {bar.exchange}. {bar.text}", (span,)))
    if lanes:
        yield Timeline("Calls until their end was seen, and their places in the order that explains most", tuple(lanes))


def races(breach: BreachResult) -> Iterator[Timeline]:
    """The requests of a breach that were under way at the same time, unless their order is what is drawn."""
    exchanges = () if breach.timeline else breach.exchanges
    calls = [(moments, exchange) for exchange in exchanges if (moments := _moments(exchange))]
    together = [
        (start, end, exchange)
        for (start, end), exchange in calls
        if any(
            other is not exchange and min(done, end) - max(begun, start) > OVERLAP_MINIMUM
            for (begun, done), other in calls
        )
    ]
    if together:
        lanes = (
            Lane(f"{exchange.number}. {exchange.method} → {_answer(exchange)}", (Span(start, end, ""),))
            for start, end, exchange in sorted(together, key=lambda call: call[:2])[:LANES_MAXIMUM]
        )
        yield Timeline("Requests that were under way at the same time", tuple(lanes))


SOURCES: tuple[Callable[[BreachResult], Iterator[Timeline]], ...] = (orders, races, operations)
"""What finds something to draw in a breach, in the order of the drawings."""


def timelines(breach: BreachResult) -> Sequence[Timeline]:
    """All drawings of a breach."""
    return [drawing for source in SOURCES for drawing in source(breach)]


def _place(bar: BarResult) -> str:
    """Where a call stands in the order, in words."""
    if bar.role == "impossible":
        return "fits nowhere"
    return f"place {bar.place}" if bar.place else "later, or not at all"


def _tone(status: str) -> str:
    return TONES.get(status, "strange")


def _answer(exchange: ExchangeResult) -> str:
    return f"HTTP {exchange.response.status}" if exchange.response else "no answer"


def _moments(exchange: ExchangeResult) -> tuple[float, float] | None:
    """When an exchange began and ended; None where that is not known."""
    try:
        start = datetime.fromisoformat(exchange.started).timestamp()
    except (ValueError, OverflowError):
        return None
    return start, start + exchange.seconds


def _json(exchange: ExchangeResult) -> Any:
    try:
        return json.loads(exchange.response.body) if exchange.response else None
    except (ValueError, RecursionError):
        return None
