"""Recordings in pairs: ordinary traffic, and the same with one sentence of the contract broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

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


def both_ways(pairs: Sequence[Pair]) -> tuple[Callable[[Told, Path], None], Callable[[str, Told, Path], None]]:
    """The two tests of a module of pairs: that no ordinary one is a breach, and that each other one is."""

    @pytest.mark.parametrize("told", [pytest.param(good, id=name) for name, _, good, _ in pairs])
    def test_ordinary_one_is_no_breach(told: Told, tmp_path: Path) -> None:
        assert_no_breach(told, tmp_path)

    @pytest.mark.parametrize(("rule", "told"), [pytest.param(rule, bad, id=name) for name, rule, _, bad in pairs])
    def test_other_one_is_a_breach(rule: str, told: Told, tmp_path: Path) -> None:
        assert_breach(rule, told, tmp_path)

    return test_ordinary_one_is_no_breach, test_other_one_is_a_breach
