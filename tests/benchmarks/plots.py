"""Figures as a page: a table, and lines drawn as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, MARGIN = 420, 240, 46

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2933}"
    "td{padding:.2rem 1rem .2rem 0}td+td{text-align:right;font-variant-numeric:tabular-nums}"
    "svg{max-width:100%;margin:1rem 1rem 0 0}text{font-size:11px;fill:#52606d}"
)


@dataclass(frozen=True)
class Series:
    """What was measured at several sizes.

    Args:
        title: what the line shows.
        across, up: what the axes count.
        points: size and measure, by rising size.
    """

    title: str
    across: str
    up: str
    points: Sequence[tuple[float, float]]


def page(figures: Sequence[tuple[str, str]], series: Sequence[Series]) -> str:
    """A self-contained HTML page of figures and lines."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in figures)
    plots = "".join(_plot(one) for one in series)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Speed</title><style>{STYLE}</style>'
        f"<h1>Speed of the conformance suite</h1><table>{rows}</table>{plots}</html>\n"
    )


def _plot(series: Series) -> str:
    widest = max(x for x, _ in series.points) or 1
    highest = max(y for _, y in series.points) or 1
    spots = [
        (MARGIN + x / widest * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - y / highest * (HEIGHT - 2 * MARGIN))
        for x, y in series.points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#2563eb"/>'
        f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{value:g}</text>'
        f'<text x="{x:.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{size:g}</text>'
        for (x, y), (size, value) in zip(spots, series.points, strict=True)
    )
    frame = f"M{MARGIN},{MARGIN} V{HEIGHT - MARGIN} H{WIDTH - MARGIN}"
    return (
        f'<svg role="img" aria-label="{escape(series.title)}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}">'
        f'<text x="{MARGIN}" y="18" font-weight="bold">{escape(series.title)}</text>'
        f'<path d="{frame}" fill="none" stroke="#9aa5b1"/>'
        f'<polyline points="{line}" fill="none" stroke="#2563eb"/>{marks}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(series.across)}</text>'
        f'<text x="8" y="{MARGIN - 10}">{escape(series.up)}</text></svg>'
    )
