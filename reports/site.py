"""A matrix of many targets over time, as a site of a few files: a page, reports, and a badge for each target."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from pathlib import PurePosixPath
from typing import Any

from markupsafe import Markup

from conformance.contract import catalogue
from conformance.contract.clients import CLIENTS, hurt
from conformance.contract.levels import Level
from conformance.reports import badge
from conformance.reports.assets import pages, part, policy, safe
from conformance.reports.columns import LINE_HEIGHT, LINE_WIDTH, Column, broken_alone
from conformance.reports.text import counted, harmless
from conformance.verdicts.snapshots import Snapshot
from conformance.verdicts.verdict import Verdict

PAGE = PurePosixPath("index.html")
REPORTS = PurePosixPath("reports")
BADGES = PurePosixPath("badges")


def report_of(found: Snapshot) -> PurePosixPath:
    """Where the report of a run stands in the site."""
    return REPORTS / f"{found.slug}-{found.stamp}.html"


def badges(columns: Sequence[Column]) -> dict[PurePosixPath, str]:
    """A picture, and an endpoint for shields.io, of each target.

    Args:
        columns: the targets.
    """
    files = {}
    for column in columns:
        summary = column.shown.summary
        files[BADGES / f"{column.shown.slug}.svg"] = badge.picture(summary)
        files[BADGES / f"{column.shown.slug}.json"] = badge.endpoint(summary)
    return files


def page(columns: Sequence[Column], reports: Set[PurePosixPath]) -> str:
    """The page: targets, and rules by targets.

    Args:
        columns: the targets.
        reports: the reports that are there to link to.
    """
    style, script = f"{part('report.css')}\n{part('site.css')}", part("site.js")
    rules = _rules(columns)
    areas: dict[str, list[str]] = {}
    for rule in rules:
        areas.setdefault(rule.partition(".")[0], []).append(rule)
    environment = pages()
    environment.filters["harmless"] = lambda text: harmless(text, lines=False)
    environment.globals.update(counted=counted, report_of=report_of)
    return environment.get_template("site.html.j2").render(
        columns=columns,
        alone=broken_alone(columns),
        areas=areas,
        rules=rules,
        attributes=_attributes(rules),
        reports=reports,
        verdicts=list(Verdict),
        levels=list(Level),
        clients=CLIENTS,
        badges=BADGES,
        width=LINE_WIDTH,
        height=LINE_HEIGHT,
        data=_data(columns, rules, reports),
        style=safe(style),
        script=safe(script),
        policy=policy(style, script),
    )


def _rules(columns: Sequence[Column]) -> list[str]:
    """All rules that a run of these knows: as the catalogue has them, then those that it has no more."""
    known = set[str]().union(*(column.shown.verdicts for column in columns))
    return [*(rule for rule in catalogue() if rule in known), *sorted(known - set(catalogue()))]


def _attributes(rules: Sequence[str]) -> dict[str, dict[str, str]]:
    """What each rule is filtered by, as attributes of its row; nothing for one that the catalogue has no more."""
    levels = {rule: level.value for level in reversed(Level) for rule in level.rules(catalogue())}
    return {
        rule: {
            "data-level": levels[rule],
            "data-basis": catalogue()[rule].basis,
            "data-needs": " ".join(client.id for client in hurt(rule)),
        }
        for rule in rules
        if rule in catalogue()
    }


def _data(columns: Sequence[Column], rules: Sequence[str], reports: Set[PurePosixPath]) -> Markup:
    """What the page shows of a rule once it is opened, as JSON that may stand in a page."""
    told: dict[str, dict[int, str]] = {}
    for place, column in enumerate(columns):
        for rule, text in column.shown.told.items():
            told.setdefault(rule, {})[place] = harmless(text, lines=False)
    data: dict[str, Any] = {
        "targets": [
            {
                "name": harmless(column.shown.target, lines=False),
                "slug": column.shown.slug,
                "report": str(path) if (path := report_of(column.shown)) in reports else "",
            }
            for column in columns
        ],
        "labels": {verdict.value: [verdict.symbol, verdict.label, verdict.colour] for verdict in Verdict},
        "statements": {rule: catalogue()[rule].statement for rule in rules if rule in catalogue()},
        "told": told,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped
