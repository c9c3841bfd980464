"""`conformance next`: the one thing to mend whose mending helps most."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from conformance.reports.mending import Step, steps
from conformance.reports.pasted import curl, pasted
from conformance.reports.text import harmless
from conformance.verdicts.results import Summary, read_results
from conformance.verdicts.verdict import Exit, Outcome


def show_next(path: Path, *, as_json: bool) -> int:
    """Shows what to mend next, for a person or for a program that works a list off.

    Args:
        path: the results of a run.
        as_json: whether to print JSON.

    Returns:
        The exit status: 1 where something is to be mended, 3 where the run came to no verdict.

    Raises:
        UsageError: the file is no results.json.
    """
    results = read_results(path)
    found = steps(results)
    task = _task(found[0], len(found) - 1) if found else {}
    if as_json:
        print(json.dumps(task, ensure_ascii=True, indent=1))
    else:
        _show(task, results.summary, Console())
    if task:
        return Exit.NOT_CONFORMANT
    return Exit.UNTESTABLE if results.summary.verdict is Outcome.INCONCLUSIVE else Exit.CONFORMANT


def _task(step: Step, left: int) -> dict[str, Any]:
    """What is known of a thing to mend; `unblocks` are the rules that hang on it, `left` is how many things remain."""
    rule = step.first
    breach = rule.shown
    return {
        "rule": rule.id,
        "alike": [other.id for other in step.rules if other is not rule],
        "unblocks": [other.id for other in step.following],
        "verdict": rule.verdict.value,
        "statement": rule.statement,
        "reference": rule.reference,
        "grounds": rule.grounds,
        "message": harmless(rule.told),
        "expected": harmless(breach.expected) if breach else "",
        "observed": harmless(breach.observed) if breach else "",
        "request": next((pasted(exchange.request, curl) for exchange in breach.exchanges), "") if breach else "",
        "prove": breach.reproduce.command if breach else "",
        "left": left,
    }


def _show(task: dict[str, Any], summary: Summary, console: Console) -> None:
    if not task and summary.verdict is Outcome.INCONCLUSIVE:
        console.print(Text(f"nothing was judged: {harmless(summary.reason, lines=False)}"), soft_wrap=True)
        return
    if not task:
        console.print("nothing to mend: no rule was seen broken")
        return
    more = f", and {len(task['alike'])} more of its kind" if task["alike"] else ""
    console.print(Text(f"{task['rule']} {task['verdict']}{more}", style="bold"), soft_wrap=True)
    rows = (
        ("", task["statement"]),
        ("reference", task["reference"]),
        ("seen", task["message"]),
        ("expected", task["expected"]),
        ("observed", task["observed"]),
        ("request", task["request"]),
        ("prove it", task["prove"]),
    )
    for title, text in rows:
        if text:
            console.print(Text(f"  {title:<10}{harmless(text, lines=False)}" if title else f"  {text}"), soft_wrap=True)
    if task["unblocks"]:
        console.print(Text(f"  {len(task['unblocks'])} rules hang on it", style="dim"))
    if task["left"]:
        console.print(Text(f"  {task['left']} more to mend after it", style="dim"))
