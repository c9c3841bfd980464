"""The report as one self-contained page."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from reports.assets import part, policy, safe
from reports.text import VERDICTS, counted, harmless, shortened

BODY_MAXIMUM = 20_000
"""Characters of one body that are shown; the rest is in trace.json."""

VALUE_MAXIMUM = 4_000
DIFFERENCE_MAXIMUM = 1_000
"""Characters up to which two values are compared letter by letter."""


def render(results: Mapping[str, Any]) -> str:
    """The page.

    Args:
        results: what results.json holds.
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        harmless=harmless,
        pretty=_pretty,
        path=_path,
        answer=_answer,
        milliseconds=lambda seconds: f"{seconds * 1000:.1f} ms",
    )
    environment.globals.update(counted=counted, marked=_marked)
    style, script = part("report.css"), part("report.js")
    page = environment.from_string(part("report.html.j2"))
    areas: dict[str, list[Any]] = {}
    for rule in results["rules"]:
        areas.setdefault(rule["area"], []).append(rule)
    slowest = max((entry["p95_ms"] for entry in results["latency"].values()), default=1) or 1
    return page.render(
        results=results,
        areas=areas,
        verdicts=VERDICTS,
        slowest=slowest,
        timelines={rule["id"]: _timeline(rule) for rule in results["rules"] if rule["breaches"]},
        style=safe(style),
        script=safe(script),
        policy=policy(style, script),
    )


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


def _answer(exchange: Mapping[str, Any]) -> str:
    response = exchange["response"]
    return f"HTTP {response['status']}" if response else harmless(exchange["error"] or "no answer", lines=False)


def _marked(one: str, other: str) -> Markup:
    """The first of two texts, with the parts marked in which it differs from the second."""
    one, other = harmless(shortened(one, VALUE_MAXIMUM)), harmless(shortened(other, VALUE_MAXIMUM))
    if max(len(one), len(other)) > DIFFERENCE_MAXIMUM:
        return escape(one)
    parts = []
    for tag, start, end, _, _ in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        text = escape(one[start:end])
        parts.append(text if tag == "equal" or not text else Markup("<mark>{}</mark>").format(text))
    return Markup().join(parts)


def _timeline(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The states of operations in a rule's first breach, in order, for a line of dots; empty for fewer than two."""
    states = []
    for exchange in rule["breaches"][0]["exchanges"]:
        response = exchange["response"]
        try:
            body = json.loads(response["body"]) if response else None
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and body.get("kind") == "compute#operation":
            states.append(
                {"number": exchange["number"], "method": exchange["method"], "status": str(body.get("status"))[:20]}
            )
    return states if len(states) > 1 else []
