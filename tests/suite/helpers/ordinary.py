"""What tests of ordinary traffic have in common: how one is told, what stands in it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.recorded import PROJECT, Recorded, error

Told = Callable[[Recorded], Recorded]
"""Tells a recording from its beginning on."""

IMAGE = f"projects/{PROJECT}/global/images/image-1"

OLD, NEW = {"a": "1"}, {"b": "2"}

NOT_READY = error(400, "resourceNotReady", "The resource is not ready")

STALE = error(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")


def each(told: Recorded, **changes: Any) -> Recorded:
    """Changes every entry; None takes a field away."""
    told.entries = [
        {name: value for name, value in {**entry, **changes}.items() if value is not None} for entry in told.entries
    ]
    return told


def later(told: Recorded, seconds: float) -> Recorded:
    """The next exchange comes so much later."""
    told.now += seconds
    return told


def undated(told: Recorded) -> Recorded:
    """The answers lack their Date."""
    for entry in told.entries:
        entry["response"]["headers"] = [one for one in entry["response"]["headers"] if one["name"] != "Date"]
    return told


def check(told: Told, folder: Path) -> None:
    """Judges a recording: nothing in it is a breach.

    Args:
        told: tells the recording.
        folder: where it may be written to.
    """
    results = told(Recorded()).judged(folder)
    assert not {
        row.id: row.breaches or row.reason for row in results.rules if row.verdict in ("failed", "deviates", "error")
    }
    assert results.summary.exit_status == 0
