"""What changed between two runs: for the terminal, in Markdown, and as a page."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.reports.assets import pages, part, policy, safe
from conformance.reports.markdown import cell
from conformance.reports.text import counted, harmless
from conformance.verdicts.results import Results, Since
from conformance.verdicts.verdict import Verdict

KINDS = {"worse": "bold red", "better": "green", "vanished": "yellow", "appeared": "cyan"}


@dataclass(frozen=True)
class Change:
    """How a rule changed: `kind` is worse, better, appeared or vanished; a verdict is "" where the rule is not in
    that run."""

    rule: str
    kind: str
    old: Verdict | None
    new: Verdict | None
    statement: str

    @property
    def story(self) -> str:
        """The two verdicts in words."""
        return f"{name(self.old)} → {name(self.new)}"


def name(verdict: Verdict | None) -> str:
    """A verdict in words, with its sign; a dash for a rule that is not in a run."""
    return f"{verdict.symbol} {verdict.label}" if verdict else "–"


def changes(old: Results, new: Results) -> list[Change]:
    """The rules that changed, the worst first.

    Args:
        old: the results of the earlier run.
        new: those of the later run.
    """
    before, after = ({rule.id: rule for rule in results.rules} for results in (old, new))
    found = []
    for rule in {**before, **after}:
        was, now = (rows[rule].verdict if rule in rows else None for rows in (before, after))
        kind = "appeared" if not was else "vanished" if not now else trend(_known(was, old), _known(now, new))
        if kind:
            found.append(Change(rule, kind, was, now, (after if now else before)[rule].statement))
    return sorted(found, key=lambda change: list(KINDS).index(change.kind))


def _known(verdict: Verdict, results: Results) -> Verdict | None:
    """A verdict; None for one that says nothing, since the rule was left out or the run did not come to it."""
    untried = verdict is Verdict.NOT_EXERCISED and results.summary.coverage.partial
    return None if untried or verdict is Verdict.LEFT_OUT else verdict


def trend(was: Verdict | None, now: Verdict | None) -> str:
    """Whether a rule got worse or better, in one word; "" where it did neither, or that is not known."""
    if was is None or now is None or was.rank == now.rank:
        return ""
    return "worse" if now.rank > was.rank else "better"


def since(old: Results, new: Results) -> Since:
    """What got worse, and what got better.

    Args:
        old: the results of the earlier run.
        new: those of the later run.
    """
    found = changes(old, new)
    worse = [change.rule for change in found if change.kind == "worse" or (change.kind == "appeared" and _bad(change))]
    return Since(run=old.run.id, worse=tuple(worse), better=tuple(row.rule for row in found if row.kind == "better"))


def _bad(change: Change) -> bool:
    return change.new is not None and change.new.rank >= Verdict.DEVIATES.rank


def worsened(found: list[Change]) -> bool:
    """Whether something got worse: a rule did, or one that is new does not hold."""
    return any(change.kind == "worse" or (change.kind == "appeared" and _bad(change)) for change in found)


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


def markdown(found: list[Change], old: Results, new: Results) -> str:
    """The changes in Markdown."""
    lines = [f"## Compute Engine images: {sentence(found)}", "", f"From {cell(_title(old))} to {cell(_title(new))}."]
    if found:
        lines += ["", "| change | rule | verdict | what holds |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {change.kind} | `{change.rule}` | {change.story} | {cell(change.statement)} |" for change in found
        ]
    return "\n".join(lines) + "\n"


def html(found: list[Change], old: Results, new: Results) -> str:
    """The changes as a self-contained page."""
    environment = pages()
    environment.filters["harmless"] = harmless
    style = part("report.css")
    return environment.get_template("difference.html.j2").render(
        changes=found,
        sentence=sentence(found),
        old=_title(old),
        new=_title(new),
        verdict_name=name,
        style=safe(style),
        policy=policy(style),
    )


def _title(results: Results) -> str:
    started = results.run.started[:16].replace("T", " ")
    return f"{results.target.url}, {started} UTC ({results.summary.headline})"
