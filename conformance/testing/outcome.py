"""What a run has found out of one rule, as the outcome of a test."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from rich.console import Console

from conformance.contract import Rule
from conformance.contract.levels import Level
from conformance.reports.terminal import show_rule
from conformance.reports.text import harmless
from conformance.testing.run import Ended
from conformance.verdicts.judgement import Judgement
from conformance.verdicts.results import Results, RuleResult
from conformance.verdicts.standing import in_the_way
from conformance.verdicts.verdict import Exit, Verdict

WIDTH = 10_000
"""Columns of a text that nothing is to be broken in: a command stays one that can be pasted."""


def show(rule: Rule, run: Ended) -> None:
    """Ends the test of a rule as the run has ended for it.

    Args:
        rule: the rule.
        run: the run.
    """
    results = _results(run)
    row = next(row for row in results.rules if row.id == rule.id)
    if row.verdict is Verdict.PASSED:
        return
    if _fails(row, results):
        again = row.breaches[0].reproduce.command if row.breaches else ""
        pytest.fail(told([row]) + (f"\n  again: {harmless(again, lines=False)}" if again else ""), pytrace=False)
    reason = f"{row.verdict.label}: {harmless(row.told, lines=False)}"
    if row.verdict.broken:
        pytest.xfail(reason)
    pytest.skip(reason)


def show_verdict(run: Ended) -> None:
    """Ends the last test as the run has ended: waivers that are stale, and what a lock has found, fail no rule."""
    if _results(run).summary.exit_status is not Exit.CONFORMANT:
        pytest.fail("\n".join(run.summary), pytrace=False)


def told(rows: Iterable[RuleResult]) -> str:
    """Statement, expected and observed, and the request to paste, of each rule."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    for row in rows:
        show_rule(row, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip()


def _results(run: Ended) -> Results:
    if run.untested:
        pytest.fail(run.said, pytrace=False)
    return run.results


def _fails(row: RuleResult, results: Results) -> bool:
    """Whether a rule fails: one that is blocked does where no test shows why."""
    if row.verdict is Verdict.BLOCKED:
        cause = results.verdicts.get(row.cause)
        return cause is None or not cause.broken
    if results.run.level is not None and row.verdict.broken:
        judgements = {other.id: Judgement(other.verdict, other.reason, root=other.root) for other in results.rules}
        counting = in_the_way(Level(results.run.level), judgements, tried=False)
        return row.id in counting and row.verdict is not Verdict.WAIVED
    return row.verdict.under(strict=results.run.strict) in (Verdict.FAILED, Verdict.ERROR)
