"""The verdict on the terminal."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.text import Text

from conformance.reports.mending import Step, steps
from conformance.reports.pasted import curl, pasted
from conformance.reports.text import counted, harmless, left_behind, shortened
from conformance.verdicts.results import ExchangeResult, Results, RuleResult, Since
from conformance.verdicts.verdict import Verdict

COLOURS = {"red": "red", "violet": "magenta", "amber": "yellow", "grey": "dim", "green": "green"}
"""What a terminal calls the colours of verdicts."""

STEPS_MAXIMUM = 20
BLOCKED_MAXIMUM = 5
CHANGED_MAXIMUM = 10
LEFT_SHOWN = 20
TEXT_MAXIMUM = 300
PASTED_MAXIMUM = 2000
"""Characters of a command that is worth pasting."""


class Terminal(Console):
    """The standard output, which may be gone or full: then nothing more is shown, and the exit status tells the
    verdict."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Prints, as far as that is possible."""
        try:
            super().print(*objects, **options)
        except OSError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Turns what is still to be printed away, in the interpreter's own buffer too."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def summary(results: Results, console: Console) -> None:
    """Prints the verdict, what failed with its plainest example, and what the run cost.

    Args:
        results: of the run.
        console: where to print.
    """
    for rule in results.rules:
        if rule.verdict is Verdict.ERROR:
            show_rule(rule, console)
    if results.since:
        _changed(results.since, console)
    _mend(steps(results), console)
    _blocked([rule for rule in results.rules if rule.verdict is Verdict.BLOCKED], console)
    run, target, cost, total = results.run, results.target, results.cost, results.summary
    for note in results.notes:
        console.print(Text(harmless(note), style="yellow"), soft_wrap=True)
    for name in cost.images_left[:LEFT_SHOWN]:
        console.print(Text(f"left behind: {harmless(name, lines=False)}", style="yellow"), soft_wrap=True)
    console.print(
        Text.assemble((total.headline, f"bold {COLOURS[total.colour]}"), f"; {harmless(total.reason, lines=False)}"),
        soft_wrap=True,
    )
    counts = ", ".join(f"{total.counts[verdict]} {verdict.label}" for verdict in Verdict if total.counts.get(verdict))
    console.print(Text(counts), soft_wrap=True)
    if total.standing:
        console.print(Text(total.standing.words), soft_wrap=True)
    if total.clients:
        console.print(Text(total.served), soft_wrap=True)
    if target.origin:
        console.print(Text(harmless(target.origin, lines=False), style="dim"), soft_wrap=True)
    seed = "" if run.seed is None else f", seed {run.seed}"
    console.print(
        Text(
            f"{harmless(target.url, lines=False)} · profile {run.profile}{seed} · {run.seconds:.1f} s · "
            f"{counted(cost.requests, 'request')} · {counted(cost.images_created, 'image')} created, "
            f"{left_behind(cost)}"
        ),
        style="dim",
        soft_wrap=True,
    )


def _changed(since: Since, console: Console) -> None:
    """What changed since an earlier run."""
    for title, colour, rules in (("worse", "red", since.worse), ("better", "green", since.better)):
        if rules:
            more = f" and {len(rules) - CHANGED_MAXIMUM} more" if len(rules) > CHANGED_MAXIMUM else ""
            text = f"{title} since {harmless(since.run, lines=False)}: {', '.join(rules[:CHANGED_MAXIMUM])}{more}"
            console.print(Text(text, style=f"bold {colour}"), soft_wrap=True)


def _mend(found: list[Step], console: Console) -> None:
    """What to mend, that first on which most hangs; of many rules of a kind the plainest breach."""
    if len(found) > 1:
        console.print(Text("Mend first", style="bold"))
    for step in found[:STEPS_MAXIMUM]:
        if step.kind:
            console.print(Text(step.title, style=f"bold {COLOURS[step.verdict.colour]}"), soft_wrap=True)
        show_rule(step.first, console)
        if step.following:
            console.print(Text(f"  {step.hanging}", style="dim"), soft_wrap=True)
    if len(found) > STEPS_MAXIMUM:
        console.print(Text(f"  … and {len(found) - STEPS_MAXIMUM} more; see the report", style="dim"))


def _blocked(rules: list[RuleResult], console: Console) -> None:
    """The rules that could not be seen, by what blocks them."""
    reasons: dict[str, list[RuleResult]] = {}
    for rule in rules:
        reasons.setdefault(rule.reason, []).append(rule)
    colour = COLOURS[Verdict.BLOCKED.colour]
    for reason, blocked in reasons.items():
        names = ", ".join(rule.id for rule in blocked[:BLOCKED_MAXIMUM])
        more = f" and {len(blocked) - BLOCKED_MAXIMUM} more" if len(blocked) > BLOCKED_MAXIMUM else ""
        title = f"{Verdict.BLOCKED.symbol} {counted(len(blocked), 'rule')} {Verdict.BLOCKED.label}: {names}{more}"
        console.print(Text(title, style=f"bold {colour}"), soft_wrap=True)
        console.print(Text(f"  {shortened(harmless(reason), 2000)}", style="dim"), soft_wrap=True)


def show_rule(rule: RuleResult, console: Console) -> None:
    """Prints what is said of one rule: verdict, statement, expected and observed, and the request to paste.

    Args:
        rule: the rule.
        console: where to print.
    """
    verdict = rule.verdict
    style = f"bold {COLOURS[verdict.colour]}"
    console.print(Text.assemble((f"{verdict.symbol} {rule.id} {verdict.label}", style), rule.confirmed), soft_wrap=True)
    console.print(Text(f"  {rule.statement}"), soft_wrap=True)
    if rule.reason:
        console.print(Text(f"  {shortened(harmless(rule.reason), 2000)}"), style="dim", soft_wrap=True)
    breach = rule.shown
    if breach is None:
        return
    console.print(Text(f"  {harmless(breach.message, lines=False)}"), soft_wrap=True)
    for title, text in (("expected", breach.expected), ("observed", breach.observed)):
        console.print(Text(f"    {title} {shortened(harmless(text, lines=False), TEXT_MAXIMUM)}"), soft_wrap=True)
    for exchange in breach.exchanges:
        console.print(Text(f"    {_line(exchange)}"), style="dim", soft_wrap=True)
    request = next((pasted(exchange.request, curl) for exchange in breach.exchanges), "")
    if request and len(request) <= PASTED_MAXIMUM:
        console.print(Text(f"    {harmless(request, lines=False)}"), soft_wrap=True)


def _line(exchange: ExchangeResult) -> str:
    """One exchange on one line."""
    request, response = exchange.request, exchange.response
    path = request.url.partition("/projects/")[2]
    answer = f"HTTP {response.status}" if response else exchange.error
    body = f" {shortened(harmless(request.body, lines=False), TEXT_MAXIMUM)}" if request.body else ""
    return f"{request.method} …/{harmless(path, lines=False)}{body} → {answer}"
