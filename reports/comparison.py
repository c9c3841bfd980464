"""Where two targets disagree, rule by rule, on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.reports.difference import name
from conformance.reports.text import counted, harmless
from conformance.verdicts.results import Results, RuleResult

TEXT_MAXIMUM = 100

Pair = tuple[RuleResult, RuleResult]


def disagreements(first: Results, second: Results) -> list[Pair]:
    """The rules that have another verdict on the second target, each as its rows of both results."""
    rows = {row.id: row for row in second.rules}
    return [(row, rows[row.id]) for row in first.rules if row.id in rows and rows[row.id].verdict != row.verdict]


def show(found: list[Pair], first: Results, second: Results, console: Console) -> None:
    """Prints the rules on which two targets disagree, with what was observed where one of them breaks the rule."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    titles = ["rule", *(harmless(results.target.url, lines=False) for results in (first, second)), "observed"]
    for title in titles:
        table.add_column(Text(title), overflow="fold")
    for pair in found:
        seen = next((row.breaches[0].observed for row in pair if row.breaches), "")
        table.add_row(
            Text(pair[0].id),
            *(Text(name(row.verdict)) for row in pair),
            Text(harmless(seen, lines=False)[:TEXT_MAXIMUM]),
        )
    if found:
        console.print(table)
    total = len(first.rules)
    console.print(f"the targets disagree on {counted(len(found), 'rule')} of {total}" if found else "the targets agree")
