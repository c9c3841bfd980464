"""What to mend first: broken rules by what they follow from, told once where many of a kind are broken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance.reports.text import counted
from conformance.verdicts.results import Results, RuleResult
from conformance.verdicts.verdict import Verdict

GROUP_MINIMUM = 3
"""So many broken rules of a kind are told as one."""

HANGING_MAXIMUM = 5
"""Rules that are named of those that hang on another."""

GROUPS: tuple[tuple[str, str], ...] = (
    ("transport.wrong-type.*", "values of the wrong JSON type are accepted"),
    ("image.type.*", "fields of images have other JSON types than documented"),
    ("operation.type.*", "fields of operations have other JSON types than documented"),
    ("image.output-only.*", "values for what only the server sets are taken over"),
    ("encryption.*.ra*", "customer keys that can be none are accepted"),
    ("encryption.*.rsa-*", "customer keys that can be none are accepted"),
    ("source.*.malformed", "sources that can be none are accepted"),
    ("source.*.unknown", "sources that are not there are accepted"),
    ("source.*.round-trip", "the source that was sent does not come back"),
    ("image.*.round-trip", "what was sent does not come back"),
    ("request-id.replay-*", "retries are not recognised"),
)
"""Kinds of rules, each with what is wrong where they are broken; the first glob that matches counts."""

COURSE = (
    *("life.insert", "transport.json", "transport.success-status", "transport.no-server-error", "operation.name"),
    *("operation.status*", "operation.reaches-done", "operation.success-means-ready", "operation.*", "life.get-*"),
    *("image.kind", "image.id", "image.status", "image.name.*", "request-id.*", "life.delete", "life.*", "source.*"),
    *("image.*", "transport.*", "labels.*", "deprecate.*", "family.*", "encryption.*", "access.*"),
)
"""Globs of rules in the order in which a client meets them: it inserts, polls, gets; keys come last."""


@dataclass(frozen=True)
class Step:
    """One thing to mend.

    Attributes:
        rules: the broken rules that it is about: one, or many of a kind.
        kind: what is wrong with all of them, in words; "" for one rule.
        following: the broken and blocked rules that probably follow from it.
    """

    rules: tuple[RuleResult, ...]
    kind: str = ""
    following: tuple[RuleResult, ...] = ()

    @property
    def first(self) -> RuleResult:
        """The rule whose breach is shown: the plainest."""
        return min(self.rules, key=_plainness)

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict on its rules."""
        return max((rule.verdict for rule in self.rules), key=lambda verdict: verdict.rank)

    @property
    def hanging(self) -> str:
        """Which rules hang on it, in words; "" for none."""
        names = ", ".join(rule.id for rule in self.following[:HANGING_MAXIMUM])
        more = len(self.following) - HANGING_MAXIMUM
        verb = "hangs" if len(self.following) == 1 else "hang"
        return (
            f"{counted(len(self.following), 'rule')} {verb} on it: {names}{f' and {more} more' if more > 0 else ''}"
            if self.following
            else ""
        )

    @property
    def title(self) -> str:
        """What is wrong, in one line."""
        return f"{len(self.rules)} rules: {self.kind}" if self.kind else f"{self.first.id}: {self.first.told}"


def steps(results: Results) -> list[Step]:
    """What to mend, in the order in which it is worth the while.

    First what got worse since an earlier run, if one was named; then what most other rules hang on, then what the API
    reference states, then what a client meets first.

    Args:
        results: of a run.
    """
    broken = [rule for rule in results.rules if rule.verdict in (Verdict.FAILED, Verdict.DEVIATES)]
    roots = [rule for rule in broken if rule.root in ("", rule.id)]
    own = {rule.id for rule in roots}
    rest = [rule for rule in results.rules if rule.id not in own and rule.root and rule.verdict is not Verdict.WAIVED]
    found = [
        Step(members, kind, tuple(rule for rule in rest if rule.root in {member.id for member in members}))
        for kind, members in _kinds(roots)
    ]
    told = {rule.id for step in found for rule in (*step.rules, *step.following)}
    found += [Step(members, kind) for kind, members in _kinds(rule for rule in broken if rule.id not in told)]
    worse = frozenset(results.since.worse if results.since else ())

    def order(step: Step) -> tuple[bool, int, int, int]:
        known = worse.isdisjoint(rule.id for rule in step.rules)
        return known, -len(step.following), -step.verdict.rank, _place(step.first.id)

    return sorted(found, key=order)


def _kinds(rules: Iterable[RuleResult]) -> list[tuple[str, tuple[RuleResult, ...]]]:
    """Rules of a kind together, where there are enough of them; others one by one."""
    kinds: dict[str, list[RuleResult]] = {}
    for rule in rules:
        kinds.setdefault(_kind(rule.id) or rule.id, []).append(rule)
    return [
        entry
        for kind, members in kinds.items()
        for entry in (
            [(kind, tuple(members))] if len(members) >= GROUP_MINIMUM else [("", (member,)) for member in members]
        )
    ]


def _kind(rule: str) -> str:
    return next((kind for glob, kind in GROUPS if fnmatchcase(rule, glob)), "")


def _place(rule: str) -> int:
    return next((place for place, glob in enumerate(COURSE) if fnmatchcase(rule, glob)), len(COURSE))


def _plainness(rule: RuleResult) -> tuple[int, int]:
    """How much there is to read of the breach of a rule."""
    breach = rule.shown
    exchanges = breach.exchanges if breach else ()
    return len(exchanges), sum(len(exchange.request.body) for exchange in exchanges)
