"""The report as one self-contained page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from jinja2 import Environment
from markupsafe import Markup

from conformance.reports.alignment import aligned, brief, text
from conformance.reports.assets import pages, part, policy, safe
from conformance.reports.marking import BODY_MAXIMUM, matter
from conformance.reports.mending import steps
from conformance.reports.pasted import curl, httpie, pasted
from conformance.reports.reference import page_of
from conformance.reports.text import counted, harmless, left_behind, shortened
from conformance.reports.timeline import timelines
from conformance.reports.unjudged import gaps
from conformance.verdicts.results import BreachResult, Request, Results, RuleResult
from conformance.verdicts.verdict import Verdict

PAGE_MAXIMUM = 950_000
"""Bytes of one page; evidence beyond that is left out, that of the gravest rules last."""

EXCHANGE_MINIMUM = 400
"""Bytes of an exchange without its bodies, at least."""

BREACHES_MAXIMUM = 3
"""Breaches of one rule that are shown; the others are counted."""

Piece = tuple[str, str, int]
"""Evidence that is shown or left out: `breach` or `scripts`, the rule, and which of its breaches."""


def render(results: Results) -> str:
    """The page.

    Args:
        results: of the run.
    """
    environment = _environment({rule.id for rule in results.rules})
    style, script = part("report.css"), part("report.js")
    page = environment.get_template("report.html.j2")
    areas: dict[str, list[RuleResult]] = {}
    for rule in results.rules:
        areas.setdefault(rule.area, []).append(rule)

    given = {
        "results": results,
        "digest": results.digest,
        "areas": areas,
        "steps": steps(results),
        "gaps": gaps(results),
        "verdicts": list(Verdict),
        "slowest": max((entry.p95_ms for entry in results.latency.values()), default=1) or 1,
        "breaches_maximum": BREACHES_MAXIMUM,
        "style": safe(style),
        "script": safe(script),
        "policy": policy(style, script),
    }
    evidence: dict[Piece, Markup] = {}
    bare = page.render(given, evidence=evidence)
    left = PAGE_MAXIMUM - _bytes(bare)
    template = environment.get_template("evidence.html.j2")
    for piece, rule, breach in _pieces(results):
        if _least(piece, breach) > left:
            continue
        content = template.render(kind=piece[0], breach=breach, about=matter(rule, breach))
        if (weight := _bytes(content)) <= left:
            evidence[piece] = Markup(content)  # noqa: S704 - rendered with escapes
            left -= weight
    return page.render(given, evidence=evidence) if evidence else bare


def _pieces(results: Results) -> Iterator[tuple[Piece, RuleResult, BreachResult]]:
    """All evidence: first breaches, the scripts for these, then the other breaches; each time the gravest rules
    first."""
    rules = sorted(results.rules, key=lambda rule: list(Verdict).index(rule.verdict))
    turns = [("breach", 0), ("scripts", 0), *(("breach", place) for place in range(1, BREACHES_MAXIMUM))]
    for kind, place in turns:
        for rule in rules:
            for breach in rule.breaches[place : place + 1]:
                yield (kind, rule.id, place), rule, breach


def _least(piece: Piece, breach: BreachResult) -> int:
    """Bytes that evidence takes at least, or nearly, so that what finds no room is not made."""
    if piece[0] == "scripts":
        return len(breach.reproduce.shell) + len(breach.reproduce.pytest)
    sides = (side for exchange in breach.exchanges for side in (exchange.request, exchange.response) if side)
    return EXCHANGE_MINIMUM * len(breach.exchanges) + sum(min(len(side.body), BODY_MAXIMUM) for side in sides)


def _bytes(content: str) -> int:
    return len(content.encode("utf-8", "backslashreplace"))


def _environment(rules: set[str]) -> Environment:
    environment = pages()
    environment.filters.update(
        harmless=harmless,
        left_behind=left_behind,
        linked=lambda value: _linked(value, rules),
        milliseconds=lambda seconds: f"{seconds * 1000:.1f} ms",
        short=lambda value, most: shortened(harmless(value), most),
        text=text,
    )
    environment.globals.update(
        aligned=aligned,
        brief=brief,
        command=_command,
        counted=counted,
        page_of=page_of,
        timelines=timelines,
    )
    return environment


def _command(request: Request, client: str) -> str:
    clients: dict[str, Callable[[Request], str]] = {"curl": curl, "HTTPie": httpie}
    return pasted(request, clients[client])


def _linked(value: str, rules: set[str]) -> Markup:
    """A text in which each rule is a link to its place on the page."""
    pieces = re.split(r"([a-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+)", harmless(value))
    link = Markup('<a href="#{0}">{0}</a>')
    return Markup().join(link.format(piece) if piece in rules else text(piece) for piece in pieces)
