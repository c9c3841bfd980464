"""A badge with the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

COLOURS = {"conformant": "#1a7f37", "non-conformant": "#c62828", "inconclusive": "#8a6d00"}
LABEL = "images.insert"
CHARACTER = 7.2
PADDING = 12


def render(results: Mapping[str, Any]) -> str:
    """The verdict as a small SVG picture.

    Args:
        results: what results.json holds.
    """
    verdict = results["summary"]["verdict"]
    counts = results["summary"]["counts"]
    text = f"{verdict} · {counts['passed']} rules" if verdict == "conformant" else verdict
    left, right = (round(len(part) * CHARACTER + PADDING) for part in (LABEL, text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{escape(LABEL)}: {escape(text)}"><title>{escape(LABEL)}: {escape(text)}</title>'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS.get(verdict, "#555")}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{escape(LABEL)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(text)}</text></g></svg>\n'
    )
