"""Many targets side by side: what of each of them a matrix shows, and how it got there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from conformance.reports.difference import trend
from conformance.verdicts.snapshots import Snapshot
from conformance.verdicts.verdict import Verdict

LINE_WIDTH, LINE_HEIGHT, LINE_MARGIN = 240, 44, 4
"""Of the line that a score has drawn."""

LINE_RANGE = 3.0
"""Of a hundred: what the height of a line stands for at least, so that a rule more or less is no cliff."""


@dataclass(frozen=True)
class Column:
    """A target.

    Attributes:
        shown: the run that is shown: the latest whole one, or where there is none the latest.
        whole: all whole runs, the earliest first.
        partial: a partial run that is later than the one that is shown; None for none.
    """

    shown: Snapshot
    whole: tuple[Snapshot, ...]
    partial: Snapshot | None

    @property
    def previous(self) -> Snapshot | None:
        """The whole run before the one that is shown."""
        return self.whole[-2] if len(self.whole) > 1 else None

    @cached_property
    def changes(self) -> dict[str, list[str]]:
        """The rules that got worse, got better or went since the previous run; those that are new and hold are no
        change."""
        found: dict[str, list[str]] = {"worse": [], "better": [], "gone": []}
        if self.previous is None:
            return found
        before, after = self.previous.verdicts, self.shown.verdicts
        for rule, now in after.items():
            kind = trend(_known(before.get(rule)), _known(now))
            if rule not in before and now.rank >= Verdict.DEVIATES.rank:
                kind = "worse"
            if kind:
                found[kind].append(rule)
        found["gone"] = [rule for rule in before if rule not in after]
        return found

    def was(self, rule: str) -> Verdict | None:
        """The verdict in the previous run on a rule that has changed since then; None for any other."""
        changed = self.previous and any(rule in self.changes[kind] for kind in ("worse", "better"))
        return self.previous.verdicts.get(rule) if self.previous and changed else None

    @cached_property
    def line(self) -> list[tuple[float, float]]:
        """The score over time, as points of a drawing; none for a single run."""
        if len(self.whole) < 2:
            return []
        first, last = (found.started.timestamp() for found in (self.whole[0], self.whole[-1]))
        scores = [found.score for found in self.whole]
        top = max(scores)
        height = max(LINE_RANGE, top - min(scores))
        width, room = LINE_WIDTH - 2 * LINE_MARGIN, LINE_HEIGHT - 2 * LINE_MARGIN
        return [
            (
                round(LINE_MARGIN + width * (found.started.timestamp() - first) / ((last - first) or 1), 1),
                round(LINE_MARGIN + room * (top - found.score) / height, 1),
            )
            for found in self.whole
        ]


def _known(verdict: Verdict | None) -> Verdict | None:
    return None if verdict is Verdict.LEFT_OUT else verdict


def columns(snapshots: Iterable[Snapshot]) -> list[Column]:
    """The targets, by their names; a partial run stands in no whole one's place.

    Args:
        snapshots: of any targets, in any order; one that is there twice counts once.
    """
    targets: dict[str, dict[str, Snapshot]] = {}
    for found in snapshots:
        targets.setdefault(found.target, {})[found.stamp] = found
    made = []
    for name in sorted(targets, key=lambda name: (name.casefold(), name)):
        runs = [targets[name][stamp] for stamp in sorted(targets[name])]
        whole = tuple(found for found in runs if not found.partial)
        shown = whole[-1] if whole else runs[-1]
        later = runs[-1] if runs[-1] is not shown else None
        made.append(Column(shown, whole, later))
    return made


def broken_alone(found: Sequence[Column]) -> list[list[str]]:
    """For each target the rules that are broken there, and nowhere else; none where there is nothing else."""
    broken = [{rule for rule, verdict in column.shown.verdicts.items() if verdict.broken} for column in found]
    return [
        sorted(own.difference(*(other for other in broken if other is not own))) if len(broken) > 1 else []
        for own in broken
    ]
