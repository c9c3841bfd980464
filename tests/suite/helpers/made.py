"""Results made by hand: each rule has the verdict that a test gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.config.settings import Settings
from conformance.verdicts.collector import Collector
from conformance.verdicts.results import Coverage, Results
from conformance.verdicts.verdict import Exit, Outcome, Verdict


def made(
    verdicts: Mapping[str, str],
    status: Exit = Exit.CONFORMANT,
    *,
    partial: str = "",
    target: Mapping[str, str] | None = None,
    **run: Any,
) -> Results:
    """Results in which the rules that are named have these verdicts, and all others hold.

    Args:
        verdicts: by the ids of rules; "" takes a rule out.
        status: the exit status.
        partial: what kept the run from trying all rules.
        target: what is said of the target.
        run: what is said of the run.
    """
    results = Collector(Settings(seed=0, url="http://127.0.0.1:1")).results()
    rules = tuple(
        rule.model_copy(
            update={
                "verdict": (verdict := Verdict(verdicts.get(rule.id, "passed"))),
                "reason": "" if verdict is Verdict.PASSED else f"<b>{rule.id}</b> is {verdict.label}",
            }
        )
        for rule in results.rules
        if verdicts.get(rule.id) != ""
    )
    outcome = Outcome.NON_CONFORMANT if status is Exit.NOT_CONFORMANT else Outcome.CONFORMANT
    coverage = Coverage(tested=sum(rule.verdict.tested for rule in rules), rules=len(rules), partial=partial)
    return results.model_copy(
        update={
            "rules": rules,
            "summary": results.summary.model_copy(
                update={"exit_status": status, "verdict": outcome, "coverage": coverage}
            ),
            "target": results.target.model_copy(update=dict(target or {})),
            "run": results.run.model_copy(update=run),
        }
    )
