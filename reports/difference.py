"""What changed between two runs: for the terminal, in Markdown, and as a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.verdicts.verdict import Verdict
from reports.assets import part, policy, safe
from reports.markdown import cell
from reports.text import counted, harmless

KINDS = {"worse": "bold red", "better": "green", "vanished": "yellow", "appeared": "cyan"}


@dataclass(frozen=True)
class Change:
    """How a rule changed: `kind` is worse, better, appeared or vanished; a verdict is "" where the rule is not in that run."""

    rule: str
    kind: str
    old: str
    new: str
    statement: str

    @property
    def story(self) -> str:
        """The two verdicts in words."""
        return f"{name(self.old)} → {name(self.new)}"


def name(verdict: str) -> str:
    """A verdict in words, with its sign; a dash for a rule that is not in a run."""
    return f"{Verdict(verdict).symbol} {Verdict(verdict).label}" if verdict else "–"


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The rules that changed, the worst first.

    Args:
        old: what results.json of the earlier run holds.
        new: the same of the later run.
    """
    before, after = ({rule["id"]: rule for rule in results["rules"]} for results in (old, new))
    found = []
    for rule in {**before, **after}:
        was, now = (rows[rule]["verdict"] if rule in rows else "" for rows in (before, after))
        kind = "appeared" if not was else "vanished" if not now else _trend(was, now)
        if kind:
            found.append(Change(rule, kind, was, now, (after if now else before)[rule]["statement"]))
    return sorted(found, key=lambda change: list(KINDS).index(change.kind))


def _trend(was: str, now: str) -> str:
    if Verdict.LEFT_OUT in (was, now):
        return ""
    step = Verdict(now).rank - Verdict(was).rank
    return "worse" if step > 0 else "better" if step < 0 else ""


def worsened(found: list[Change]) -> bool:
    """Whether something got worse: a rule did, or one that is new does not hold."""
    return any(
        change.kind == "worse" or (change.kind == "appeared" and Verdict(change.new).rank >= Verdict.DEVIATES.rank)
        for change in found
    )


def sentence(found: list[Change]) -> str:
    """The counts in one sentence."""
    counts = ", ".join(
        f"{counted(number, 'rule')} {kind}"
        for kind in KINDS
        if (number := sum(change.kind == kind for change in found))
    )
    return counts or "no rule changed its verdict"


def show(found: list[Change], console: Console) -> None:
    """Prints the changes as a table."""
    if found:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("change", "rule", "verdict"):
            table.add_column(title, overflow="fold")
        for change in found:
            table.add_row(Text(change.kind, style=KINDS[change.kind]), Text(change.rule), Text(change.story))
        console.print(table)
    console.print(sentence(found), markup=False, highlight=False)


def markdown(found: list[Change], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The changes in Markdown."""
    lines = [f"## Compute Engine images: {sentence(found)}", "", f"From {cell(_title(old))} to {cell(_title(new))}."]
    if found:
        lines += ["", "| change | rule | verdict | what holds |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {change.kind} | `{change.rule}` | {change.story} | {cell(change.statement)} |" for change in found
        ]
    return "\n".join(lines) + "\n"


def html(found: list[Change], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The changes as a self-contained page."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["harmless"] = harmless
    style = part("report.css")
    return environment.from_string(part("difference.html.j2")).render(
        changes=found,
        sentence=sentence(found),
        old=_title(old),
        new=_title(new),
        verdict_name=name,
        style=safe(style),
        policy=policy(style),
    )


def _title(results: Mapping[str, Any]) -> str:
    run, target = results["run"], results["target"]
    return f"{target['url']}, {run['started'][:16].replace('T', ' ')} UTC ({results['summary']['verdict']})"
