"""Recordings in pairs: ordinary traffic, and the same with one sentence of the contract broken."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from helpers.recorded import Recorded

Told = Callable[[Recorded], Recorded]
"""Tells a recording from its beginning on."""

Pair = tuple[str, str, Told, Told]
"""What it is about, the rule (or a glob of rules) that one of them breaks, ordinary traffic, and that one."""


def assert_no_breach(told: Told, folder: Path) -> None:
    """That a recording breaks no rule, and makes no error."""
    results = told(Recorded()).judged(folder)
    assert not {row.id: row.breaches for row in results.rules if row.verdict in ("failed", "deviates", "error")}
    assert results.summary.exit_status == 0


def assert_breach(rule: str, told: Told, folder: Path) -> None:
    """That a recording breaks a rule, or one of a glob of rules."""
    verdicts = told(Recorded()).judged(folder).verdicts
    found = {name for name, verdict in verdicts.items() if verdict in ("failed", "deviates")}
    assert any(fnmatchcase(name, rule) for name in found), found
