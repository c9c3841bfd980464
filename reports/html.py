"""The report as one self-contained page."""

from __future__ import annotations

import difflib
import json
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from conformance.verdicts.results import BarResult, BreachResult, ExchangeResult, Results, RuleResult
from conformance.verdicts.verdict import Verdict
from reports.assets import part, policy, safe
from reports.mending import steps
from reports.text import counted, harmless, left_behind, shortened

BODY_MAXIMUM = 20_000
"""Characters of one body that are shown; the rest is in trace.json."""

VALUE_MAXIMUM = 4_000
DIFFERENCE_MAXIMUM = 1_000
"""Characters up to which two values are compared word by word."""

BREACHES_MAXIMUM = 3
"""Breaches of one rule that are shown; the others are counted."""

DETAIL_MAXIMUM = 800_000
"""Characters of exchanges and scripts in one page; the breaches beyond that are shown without, the gravest rules first."""

LETTERS = string.ascii_uppercase
"""What clients are called whose requests came at one time."""


def render(results: Results) -> str:
    """The page.

    Args:
        results: of the run.
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        harmless=harmless,
        left_behind=left_behind,
        text=_text,
        pretty=_pretty,
        path=_path,
        answer=_answer,
        milliseconds=lambda seconds: f"{seconds * 1000:.1f} ms",
    )
    environment.globals.update(counted=counted, marked=_marked, timelines=timelines, lanes=lanes)
    style, script = part("report.css"), part("report.js")
    page = environment.from_string(part("report.html.j2"))
    areas: dict[str, list[RuleResult]] = {}
    for rule in results.rules:
        areas.setdefault(rule.area, []).append(rule)
    slowest = max((entry.p95_ms for entry in results.latency.values()), default=1) or 1
    return page.render(
        results=results,
        areas=areas,
        steps=steps(results),
        verdicts=list(Verdict),
        slowest=slowest,
        breaches_maximum=BREACHES_MAXIMUM,
        detailed=_detailed(results.rules),
        style=safe(style),
        script=safe(script),
        policy=policy(style, script),
    )


def _detailed(rules: Sequence[RuleResult]) -> set[tuple[str, int]]:
    """Which breaches are shown with exchanges and scripts, by rule and place: first those of failed rules, one for each rule."""
    gravity = list(Verdict)
    places = sorted(
        (place, gravity.index(rule.verdict), number)
        for number, rule in enumerate(rules)
        for place in range(min(len(rule.breaches), BREACHES_MAXIMUM))
    )
    chosen: set[tuple[str, int]] = set()
    left = DETAIL_MAXIMUM
    for place, _, number in places:
        breach = rules[number].breaches[place]
        scripts = len(breach.reproduce.shell) + len(breach.reproduce.pytest)
        weight = sum(_weight(exchange) for exchange in breach.exchanges) + scripts
        if weight > left:
            continue
        left -= weight
        chosen.add((rules[number].id, place))
    return chosen


def _weight(exchange: ExchangeResult) -> int:
    """About how many characters of the page an exchange takes."""
    bodies = (min(2 * len(part.body), BODY_MAXIMUM) for part in (exchange.request, exchange.response) if part)
    return 1_500 + sum(bodies) + len(str(exchange.response.headers if exchange.response else {}))


def _text(value: str) -> Markup:
    """A text as the content of an element, where quotes need no escape: JSON is full of them."""
    return Markup(str(escape(value)).replace("&#34;", '"').replace("&#39;", "'"))  # noqa: S704 - escaped


def _pretty(body: str) -> str:
    """A body for reading: JSON indented, anything else as it is, both cut at a sensible length."""
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        text = body
    return shortened(harmless(text), BODY_MAXIMUM)


def _path(url: str) -> str:
    """A URL from the API version on."""
    return harmless(url.partition("/compute/")[2] or url, lines=False)


def _answer(exchange: ExchangeResult) -> str:
    response = exchange.response
    return f"HTTP {response.status}" if response else harmless(exchange.error or "no answer", lines=False)


def _marked(one: str, other: str) -> Markup:
    """The first of two texts, with the parts marked in which it differs from the second."""
    one, other = harmless(shortened(one, VALUE_MAXIMUM)), harmless(shortened(other, VALUE_MAXIMUM))
    if max(len(one), len(other)) > DIFFERENCE_MAXIMUM:
        return _text(one)
    parts = []
    words, others = (re.findall(r"\w+|\W", text) for text in (one, other))
    for tag, start, end, _, _ in difflib.SequenceMatcher(None, words, others, autojunk=False).get_opcodes():
        text = _text("".join(words[start:end]))
        parts.append(text if tag == "equal" or not text else Markup("<mark>{}</mark>").format(text))
    return Markup().join(parts)


@dataclass(frozen=True)
class State:
    """An operation as one answer showed it; `start` and `width` are percent of the time over which it was watched."""

    number: int
    method: str
    status: str
    start: float
    width: float


def timelines(breach: BreachResult) -> list[tuple[str, list[State]]]:
    """The operations of which a breach shows more than one state: the name of each, and its states in order."""
    seen: dict[str, list[tuple[float, ExchangeResult, str]]] = {}
    for exchange in breach.exchanges:
        body = _json(exchange)
        if isinstance(body, dict) and body.get("kind") == "compute#operation":
            moment = datetime.fromisoformat(exchange.started).timestamp() + exchange.seconds
            seen.setdefault(str(body.get("name")), []).append((moment, exchange, str(body.get("status"))[:20]))
    return [(name, _states(looks)) for name, looks in seen.items() if len(looks) > 1]


def _states(looks: Sequence[tuple[float, ExchangeResult, str]]) -> list[State]:
    begin, end = looks[0][0], looks[-1][0]
    span = max(end - begin, 0.001) * 1.15
    starts = [100 * max(moment - begin, 0) / span for moment, _, _ in looks] + [100.0]
    return [
        State(exchange.number, exchange.method, status, round(start, 2), round(max(after - start, 0), 2))
        for (_, exchange, status), start, after in zip(looks, starts, starts[1:], strict=False)
    ]


@dataclass(frozen=True)
class Lane:
    """A call on a timeline of several that overlap: `client` is a letter, `start` and `width` are percent of the whole time."""

    bar: BarResult
    client: str
    start: float
    width: float

    @property
    def told(self) -> str:
        """Where it stands in the order, in words."""
        if self.bar.role == "impossible":
            return "fits nowhere"
        return f"place {self.bar.place}" if self.bar.place else "later, or not at all"


def lanes(breach: BreachResult) -> list[Lane]:
    """The calls of a breach that overlapped, in the order of sending. Those of one moment are of different clients, at least."""
    bars = sorted(breach.timeline, key=lambda bar: (bar.start_ms, bar.end_ms))
    span = max((bar.end_ms for bar in bars), default=0) or 1
    busy: list[float] = []
    found = []
    for bar in bars:
        client = next((number for number, until in enumerate(busy) if until <= bar.start_ms), len(busy))
        busy[client : client + 1] = [bar.end_ms]
        start = 99 * bar.start_ms / span
        width = max(99 * (bar.end_ms - bar.start_ms) / span, 1)
        found.append(Lane(bar, LETTERS[client % len(LETTERS)], round(start, 2), round(width, 2)))
    return found


def _json(exchange: ExchangeResult) -> Any:
    try:
        return json.loads(exchange.response.body) if exchange.response else None
    except (ValueError, RecursionError):
        return None
