"""A summary in Markdown, for the page of a CI job."""

from __future__ import annotations

from conformance.reports.mending import steps
from conformance.reports.text import counted, harmless, left_behind, shortened
from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Verdict

ROWS_MAXIMUM = 100
STEPS_MAXIMUM = 10
_ESCAPES = str.maketrans({character: f"&#{ord(character)};" for character in "&<>\\`*_[]|#~"})

SHOWN = (Verdict.FAILED, Verdict.ERROR, Verdict.BLOCKED, Verdict.DEVIATES, Verdict.WAIVED)


def render(results: Results) -> str:
    """The results as Markdown.

    Args:
        results: of the run.
    """
    total, run, target, cost = results.summary, results.run, results.target, results.cost
    seed = "" if run.seed is None else f"seed {run.seed}, "
    lines = [
        f"## Compute Engine images: {cell(total.headline)}",
        "",
        cell(total.reason),
        "",
        *([cell(total.standing.words), ""] if total.standing else []),
        *([cell(total.served), ""] if total.clients else []),
        f"Target {cell(target.url)}, project {cell(target.project)}, API version {cell(target.api_version)}; "
        f"profile {cell(run.profile)}, {seed}{run.seconds:.1f} s, "
        f"{counted(cost.requests, 'request')}, {counted(cost.images_created, 'image')} created, "
        f"{left_behind(cost)}.",
        "",
        "| verdict | rules |",
        "| --- | ---: |",
        *(f"| {verdict.symbol} {verdict.label} | {total.counts.get(verdict, 0)} |" for verdict in Verdict),
    ]
    if results.since and results.since.worse:
        lines += [
            "",
            f"Worse since {cell(results.since.run)}: {', '.join(f'`{rule}`' for rule in results.since.worse)}",
        ]
    mend = steps(results)
    if len(mend) > 1:
        lines += ["", "### Mend first", ""]
        lines += [
            f"{number}. {cell(shortened(step.title, 300))}{f' ({cell(step.hanging)})' if step.following else ''}"
            for number, step in enumerate(mend[:STEPS_MAXIMUM], 1)
        ]
    rows = [rule for verdict in SHOWN for rule in results.rules if rule.verdict is verdict]
    if rows:
        lines += ["", "| rule | verdict | what holds | why |", "| --- | --- | --- | --- |"]
        for rule in rows[:ROWS_MAXIMUM]:
            statement, why = cell(rule.statement), cell(shortened(rule.told, 300))
            lines.append(f"| `{rule.id}` | {rule.verdict.label}{cell(rule.confirmed)} | {statement} | {why} |")
        if len(rows) > ROWS_MAXIMUM:
            lines += ["", f"… and {len(rows) - ROWS_MAXIMUM} more."]
    return "\n".join(lines) + "\n"


def cell(text: object) -> str:
    """A text that Markdown takes for nothing but text, on one line."""
    return harmless(str(text), lines=False).translate(_ESCAPES)
