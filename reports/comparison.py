"""Where two targets disagree, rule by rule and field by field: on the terminal, and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.reports.difference import name
from conformance.reports.text import counted, harmless, shortened
from conformance.verdicts.golden.comparison import Comparison, Difference, Relation, Standing
from conformance.verdicts.results import Results, RuleResult

TEXT_MAXIMUM = 100
DIFFERENCES_SHOWN = 3
NAMES_SHOWN = 5
FREE_SHOWN = 10
"""Kinds of differences that no rule minds, and of rules of one sort, that are shown."""

COMPARISON_VERSION = 1
"""Of what is written for machines."""

Pair = tuple[RuleResult, RuleResult]

COLOURS = {Relation.TARGET_WRONG: "red", Relation.RECORDING_WRONG: "yellow", Relation.BOTH_BREAK: "yellow"}
MEANINGS = {
    Relation.TARGET_WRONG: "the second is wrong",
    Relation.RECORDING_WRONG: "the first is wrong",
    Relation.BOTH_BREAK: "the rule may be wrong",
}


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


def show_comparison(comparison: Comparison, titles: Sequence[str], console: Console) -> None:
    """Prints where two runs of the same scenarios differ.

    Args:
        comparison: of the two.
        titles: what the two are called.
        console: where to print.
    """
    for relation, colour in COLOURS.items():
        for standing in comparison.of(relation):
            _standing(standing, colour, console)
    if comparison.free:
        _line(console, "differences that no rule minds:", "bold")
        for difference, count in comparison.free[:FREE_SHOWN]:
            _line(console, f"  {_told(difference)} ({counted(count, 'time')})")
        if len(comparison.free) > FREE_SHOWN:
            _line(console, f"  … and {len(comparison.free) - FREE_SHOWN} more; see comparison.json", "dim")
    for title, names in (
        ("put to the test by the first alone", list(comparison.untried)),
        ("broken by the second where the first has no such case", comparison.unmatched),
    ):
        if names:
            more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
            _line(console, f"{title}: {', '.join(names[:NAMES_SHOWN])}{more}", "yellow")
    for note in (*comparison.notes, *_alone(comparison)):
        _line(console, note, "yellow")
    agreed = counted(len(comparison.of(Relation.BOTH_CONFORM)), "rule")
    _line(
        console,
        f"{titles[1]} beside {titles[0]}: {counted(comparison.compared, 'case')}; {agreed} "
        + "; ".join([Relation.BOTH_CONFORM.value, *(_counted(comparison, relation) for relation in COLOURS)]),
        "bold",
    )


def _counted(comparison: Comparison, relation: Relation) -> str:
    found = comparison.of(relation)
    spared = sum(not standing.gates for standing in found) if relation is Relation.TARGET_WRONG else 0
    return f"{len(found)} {relation}" + (f" ({spared} of them waived or intermittent)" if spared else "")


def _alone(comparison: Comparison) -> list[str]:
    """What is said of cases that only one of the two has."""
    sides = (("first", comparison.only_recorded), ("second", comparison.only_target))
    return [f"{counted(count, 'case')} of the {side} alone: not compared" for side, count in sides if count]


def _standing(standing: Standing, colour: str, console: Console) -> None:
    relation = standing.relation
    spared = ", waived" if standing.waived else ", intermittent" if standing.at_times else ""
    total = counted(standing.cases.total(), "case")
    _line(
        console,
        f"{standing.rule.id}: {relation}: {MEANINGS[relation]} ({standing.cases[relation]} of {total}{spared})",
        f"bold {'dim' if spared else colour}",
    )
    expected, observed = (shortened(text, TEXT_MAXIMUM) for text in (standing.expected, standing.observed))
    _line(console, f"  {standing.message}; expected {expected}, observed {observed}")
    for difference in standing.differences[:DIFFERENCES_SHOWN]:
        _line(console, f"  {_told(difference)}")
    more = len(standing.differences) - DIFFERENCES_SHOWN
    if more > 0:
        _line(console, f"  … and {more} more; see comparison.json", "dim")


def _told(difference: Difference) -> str:
    """A difference in a line."""
    recorded, target = (_value(value) for value in (difference.recorded, difference.target))
    return f"{shortened(difference.asked, TEXT_MAXIMUM)}: {difference.path} {recorded} → {target}"


def _value(value: Any) -> str:
    return "nothing" if value == "" else shortened(json.dumps(value, ensure_ascii=False), TEXT_MAXIMUM)


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(harmless(text, lines=False), style=style), soft_wrap=True)


def as_json(comparison: Comparison, titles: Sequence[str]) -> dict[str, Any]:
    """The comparison for machines: what comparison.json holds.

    Args:
        comparison: of the two.
        titles: what the two are called.
    """
    return {
        "schema_version": COMPARISON_VERSION,
        "first": titles[0],
        "second": titles[1],
        "cases": {
            "compared": comparison.compared,
            "of_the_first_alone": comparison.only_recorded,
            "of_the_second_alone": comparison.only_target,
        },
        "notes": comparison.notes,
        "rules": [
            {
                "id": standing.rule.id,
                "basis": standing.rule.basis,
                "relation": standing.relation,
                "gates": standing.gates,
                "waived": standing.waived,
                "intermittent": standing.at_times,
                "cases": {relation: standing.cases[relation] for relation in Relation if standing.cases[relation]},
                "message": standing.message,
                "expected": standing.expected,
                "observed": standing.observed,
                "differences": [asdict(difference) for difference in standing.differences],
            }
            for standing in comparison.standings
        ],
        "put_to_the_test_by_the_first_alone": comparison.untried,
        "broken_where_the_first_has_no_such_case": comparison.unmatched,
        "no_rule_minds": [{**asdict(difference), "times": count} for difference, count in comparison.free],
    }
