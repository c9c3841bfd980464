"""A badge with the verdict."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from conformance.verdicts.results import Results, Summary

COLOURS = {"green": "#1a7f37", "red": "#c62828", "amber": "#8a6d00", "grey": "#6b7280"}
"""The colours of verdicts as a badge has them."""

LABEL = "images.insert"
CHARACTER = 7.2
PADDING = 12


def render(results: Results) -> str:
    """The verdict as a small SVG picture.

    Args:
        results: of the run.
    """
    return picture(results.summary)


def message(summary: Summary) -> str:
    """What a badge says: the verdict, on how many rules it rests, and the level."""
    text = f"{summary.title} · {summary.extent}" if summary.coverage.rules else summary.title
    return text + (f" · {summary.standing.reached}" if summary.standing and summary.standing.reached else "")


def endpoint(summary: Summary) -> str:
    """The same for the endpoint badge of shields.io."""
    colour = COLOURS[summary.colour].removeprefix("#")
    fields = {"schemaVersion": 1, "label": LABEL, "message": message(summary), "color": colour}
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"


def picture(summary: Summary) -> str:
    """The same as a small SVG picture."""
    text = message(summary)
    left, right = (round(len(part) * CHARACTER + PADDING) for part in (LABEL, text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{escape(LABEL)}: {escape(text)}"><title>{escape(LABEL)}: {escape(text)}</title>'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[summary.colour]}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{escape(LABEL)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(text)}</text></g></svg>\n'
    )
