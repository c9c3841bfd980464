"""What was not judged, and why: rules by their reasons."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.verdicts.results import Results, RuleResult
from conformance.verdicts.verdict import Verdict

UNJUDGED = (Verdict.ERROR, Verdict.BLOCKED, Verdict.NOT_EXERCISED, Verdict.NOT_APPLICABLE, Verdict.LEFT_OUT)


@dataclass(frozen=True)
class Gap:
    """Rules that were not judged for the same reason."""

    verdict: Verdict
    reason: str
    rules: tuple[RuleResult, ...]


def gaps(results: Results) -> list[Gap]:
    """The rules that were not judged, by verdict and reason; the reason of most comes first.

    Args:
        results: of a run.
    """
    found: dict[tuple[Verdict, str], list[RuleResult]] = {}
    for rule in results.rules:
        if rule.verdict in UNJUDGED:
            found.setdefault((rule.verdict, _reason(rule)), []).append(rule)
    rows = [Gap(verdict, reason, tuple(rules)) for (verdict, reason), rules in found.items()]
    return sorted(rows, key=lambda gap: (UNJUDGED.index(gap.verdict), -len(gap.rules)))


def _reason(rule: RuleResult) -> str:
    """The reason in one line; a rule that is blocked by another has it in common with those that others block."""
    first = rule.reason.strip().partition("\n")[0]
    if rule.verdict is Verdict.BLOCKED and rule.cause and first.startswith(f"{rule.cause} "):
        first = f"another rule{first.removeprefix(rule.cause)}"
    return first or rule.verdict.label
