"""Lays the cases of two runs side by side: rule by rule who keeps it, and field by field where the answers differ."""

from __future__ import annotations

import enum
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.contract import Breach, Rule, catalogue
from conformance.trace.exchange import Trace
from conformance.verdicts.golden.folder import Golden, Key
from conformance.verdicts.golden.steps import STATUS, Step, steps
from conformance.verdicts.judgement import judgements
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Verdict

DIFFERENCES_KEPT = 100
"""Differences that are kept of a rule."""

_WORD = re.compile(r"[a-z0-9]+")

ABSENT = ""
"""Stands for the value of a field that one of the two does not answer."""


class Relation(enum.StrEnum):
    """How two targets stand to a rule, and to each other in it; the gravest first."""

    TARGET_WRONG = "differ and the recording conforms"
    RECORDING_WRONG = "differ and the target conforms"
    BOTH_BREAK = "agree and break the rule"
    BOTH_CONFORM = "agree and conform"


@dataclass(frozen=True)
class Difference:
    """A field that two answers to the same request differ in; "" for a value that one of them lacks."""

    scenario: str
    case: int
    asked: str
    path: str
    recorded: Any
    target: Any


@dataclass
class Standing:
    """What the comparison says of one rule.

    Attributes:
        rule: the rule.
        relation: of the two; the gravest of all cases.
        cases: how many cases there are of each relation.
        waived: whether a waiver covers its breach at the target.
        at_times: whether the target breaks it at times only, which does not gate.
        message, expected, observed: what the breach is, where it is broken.
        differences: where the answers differ that show the breach, each kind of them once.
    """

    rule: Rule
    relation: Relation
    cases: Counter[Relation]
    waived: bool = False
    at_times: bool = False
    message: str = ""
    expected: str = ""
    observed: str = ""
    differences: list[Difference] = field(default_factory=list)

    @property
    def gates(self) -> bool:
        """Whether it fails the comparison."""
        return self.relation is Relation.TARGET_WRONG and not self.waived and not self.at_times


@dataclass
class Comparison:
    """All that the comparison says.

    Attributes:
        standings: of the rules that both have put to the test.
        free: the differences that no rule minds, each with how often there is one like it.
        untried: the rules that only the recording puts to the test, each with why the target does not.
        unmatched: the rules that the target breaks where the recording has no such case: nothing tells who is right.
        compared: how many cases were laid side by side.
        only_recorded, only_target: how many cases there are of the one alone.
        notes: what a reader should know of the golden.
    """

    standings: list[Standing]
    free: list[tuple[Difference, int]]
    untried: dict[str, str]
    unmatched: list[str]
    compared: int
    only_recorded: int
    only_target: int
    notes: list[str] = field(default_factory=list)

    def of(self, relation: Relation) -> list[Standing]:
        """The rules of a relation."""
        return [standing for standing in self.standings if standing.relation is relation]

    @property
    def gating(self) -> list[Standing]:
        """The rules that fail the comparison."""
        return [standing for standing in self.standings if standing.gates]


@dataclass
class Side:
    """One of the two: its cases, what the rules say of each, and its verdicts.

    Attributes:
        golden: what it was asked and has answered.
        steps: of each case.
        broken: by case the breaches of each rule that it put to the test; none for a rule that holds.
        verdicts: on each rule, with why.
        at_times: the rules that are broken at times only.
    """

    golden: Golden
    steps: dict[Key, list[Step]]
    broken: dict[Key, dict[str, list[Breach]]]
    verdicts: Mapping[str, tuple[Verdict, str]]
    at_times: frozenset[str] = frozenset()


def side(golden: Golden, rules: Mapping[str, Rule], results: Results | None = None) -> Side:
    """Judges one of the two.

    Args:
        golden: what it was asked and has answered.
        rules: to judge by.
        results: of the run, where it is at hand: it has tried again what it saw broken. Else the verdicts follow from
            the cases.
    """
    whole = Ledger(rules)
    broken: dict[Key, dict[str, list[Breach]]] = {}
    for key, trace in golden.cases.items():
        broken[key] = _judged(trace, rules, whole)
    at_times: frozenset[str] = frozenset()
    if results is not None:
        verdicts = {row.id: (row.verdict, row.reason) for row in results.rules}
        fails = results.run.intermittent == "fail"
        at_times = frozenset(
            row.id for row in results.rules if row.confirmation.startswith("intermittent") and not fails
        )
    else:
        absent = {name: why for name, why in golden.about.capabilities.items() if isinstance(why, str)}
        found = judgements(rules, whole, absent)
        verdicts = {name: (judgement.verdict, judgement.reason) for name, judgement in found.items()}
    told = {key: list(steps(trace, golden.about.projects)) for key, trace in golden.cases.items()}
    return Side(golden, told, broken, verdicts, at_times)


def _judged(trace: Trace, rules: Mapping[str, Rule], whole: Ledger) -> dict[str, list[Breach]]:
    """What the rules say of one case: the breaches of each that it put to the test; `whole` counts all cases."""
    ledger = Ledger(rules)
    breaches = ledger.judge(trace)
    found: dict[str, list[Breach]] = {rule: [] for rule in ledger.tallies}
    for rule, breach in breaches:
        found[rule.id].append(breach)
    whole.merge(ledger.drain())
    return found


def compare(recorded: Side, target: Side, waived: Iterable[str] = ()) -> Comparison:
    """Compares two runs of the same scenarios.

    Args:
        recorded: the one that is taken for what should be.
        target: the one that is judged by it.
        waived: the rules that the target may break.
    """
    pairs = _paired(recorded, target)
    differences = {pair: _differences(recorded, target, pair) for pair in pairs}
    known = set(waived)
    standings = [
        standing
        for rule in catalogue().values()
        if (standing := _standing(rule, recorded, target, pairs, differences, known)) is not None
    ]
    minded = {id(difference) for standing in standings for difference in standing.differences}
    for standing in standings:
        alike = {(item.asked, item.path): item for item in reversed(standing.differences)}
        standing.differences = list(reversed(alike.values()))[:DIFFERENCES_KEPT]
    rest = [item for found in differences.values() for item, _, _ in found if id(item) not in minded]
    return Comparison(
        standings,
        _gathered(rest),
        _untried(recorded, target, standings),
        _unmatched(target, standings),
        len(pairs),
        len(recorded.golden.cases) - len(pairs),
        len(target.golden.cases) - len(pairs),
    )


Pair = tuple[Key, Key]
Found = list[tuple[Difference, tuple[int, ...], tuple[int, ...]]]
"""Differences, each with the numbers of the exchanges that show it, recorded and at the target."""


def _paired(recorded: Side, target: Side) -> list[Pair]:
    """The cases that are the same: of one scenario, and beginning with the same request.

    Of several that begin alike the first is the first. So a case that one of the two draws alone puts no other one out.
    """
    others = {begin: key for key, begin in _beginnings(target).items()}
    return [(key, others[begin]) for key, begin in _beginnings(recorded).items() if begin in others]


def _beginnings(of: Side) -> dict[Key, tuple[str, str, int]]:
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[Key, tuple[str, str, int]] = {}
    for key, told in of.steps.items():
        begin = (key[0], told[0].label if told else "")
        counts[begin] += 1
        found[key] = (*begin, counts[begin])
    return found


def _differences(recorded: Side, target: Side, pair: Pair) -> Found:
    """Where the answers of a case differ, among the requests that both were sent."""
    other: dict[tuple[str, int], Step] = dict(_numbered(target.steps[pair[1]]))
    found: Found = []
    for key, one in _numbered(recorded.steps[pair[0]]):
        two = other.get(key)
        if two is None:
            continue
        for path in _paths(one, two):
            (was, shown), (now, seen) = (step.fields.get(path, (ABSENT, ABSENT)) for step in (one, two))
            if was != now and not (ABSENT in (was, now) and _by_chance(one, two, path)):
                difference = Difference(*pair[0], key[0], path, shown, seen)
                found.append((difference, one.numbers, two.numbers))
    return found


def _by_chance(one: Step, two: Step, path: str) -> bool:
    """Whether one of two answers may lack a field: it comes late, or is of an image that the other's list has not."""
    item = path[: path.find("]") + 1] if path.startswith("items[") else ""
    listed = [any(other.startswith(item) for other in step.fields) for step in (one, two)]
    return one.final is not two.final or not all(listed)


def _paths(one: Step, two: Step) -> list[str]:
    """What of two answers is laid side by side: all fields, but where the statuses differ these say it all."""
    if one.fields[STATUS] != two.fields[STATUS]:
        return [STATUS]
    return sorted(one.fields.keys() | two.fields.keys())


def _numbered(told: Iterable[Step]) -> Iterable[tuple[tuple[str, int], Step]]:
    counts: Counter[str] = Counter()
    for step in told:
        counts[step.label] += 1
        yield (step.label, counts[step.label]), step


def _standing(  # noqa: PLR0913 - all that is known of the two
    rule: Rule,
    recorded: Side,
    target: Side,
    pairs: Iterable[Pair],
    differences: Mapping[Pair, Found],
    waived: set[str],
) -> Standing | None:
    """How the two stand to a rule; None where not both have put it to the test."""
    cases: Counter[Relation] = Counter()
    first: dict[Relation, list[Pair]] = defaultdict(list)
    for pair in pairs:
        one, two = recorded.broken[pair[0]].get(rule.id), target.broken[pair[1]].get(rule.id)
        relation = None if one is None or two is None else _relation(rule.id, one, two, recorded, target)
        if relation is not None:
            cases[relation] += 1
            first[relation].append(pair)
    if not cases:
        return None
    worst = next(relation for relation in Relation if cases[relation])
    standing = Standing(rule, worst, cases, rule.id in waived, rule.id in target.at_times)
    if worst is Relation.BOTH_CONFORM:
        return standing
    of_target = worst is not Relation.RECORDING_WRONG
    broken = [
        (target.broken[pair[1]] if of_target else recorded.broken[pair[0]], differences[pair]) for pair in first[worst]
    ]
    breach = min((breaches[rule.id][0] for breaches, _ in broken), key=lambda item: len(item.exchanges))
    standing.message, standing.expected, standing.observed = breach.message, breach.expected, breach.observed
    for breaches, found in broken:
        numbers = {exchange.number for breach in breaches[rule.id] for exchange in breach.exchanges}
        standing.differences += _telling(
            [item for item, was, now in found if numbers & set(now if of_target else was)], rule, breaches[rule.id]
        )
    return standing


def _telling(differences: list[Difference], rule: Rule, breaches: Iterable[Breach]) -> list[Difference]:
    """Those of the differences in the answers of a breach that it names; where there are none, in their statuses."""
    text = " ".join(
        (rule.id.replace("-", ""), *(f"{item.message} {item.expected} {item.observed}" for item in breaches))
    )
    words = set(_WORD.findall(text.lower()))
    fields = [item for item in differences if item.path != STATUS]
    named = [item for item in fields if words & set(_WORD.findall(item.path.lower()))]
    return named or [item for item in differences if item.path == STATUS]


def _relation(rule: str, one: list[Breach], two: list[Breach], recorded: Side, target: Side) -> Relation | None:
    """The relation of a case; None where a breach is another rule's, so that the case says nothing of this one."""
    if (one and not recorded.verdicts[rule][0].broken) or (two and not target.verdicts[rule][0].broken):
        return None
    if two:
        return Relation.BOTH_BREAK if one else Relation.TARGET_WRONG
    return Relation.RECORDING_WRONG if one else Relation.BOTH_CONFORM


def _gathered(differences: Iterable[Difference]) -> list[tuple[Difference, int]]:
    """Differences of a kind together, the most frequent first: of the same field in the answer to the same method."""
    alike: dict[tuple[str, str, str, str], list[Difference]] = defaultdict(list)
    for item in differences:
        verb = item.asked.split(" ", 1)[0]
        alike[verb, item.path, _brief(item.recorded), _brief(item.target)].append(item)
    return [(group[0], len(group)) for group in sorted(alike.values(), key=len, reverse=True)]


def _brief(value: Any) -> str:
    return "something" if isinstance(value, str) and value else repr(value)


def _unmatched(target: Side, standings: Iterable[Standing]) -> list[str]:
    """The rules that the target breaks, and in no case that could be compared."""
    seen = {item.rule.id for item in standings if item.cases[Relation.TARGET_WRONG] or item.cases[Relation.BOTH_BREAK]}
    return [rule for rule, (verdict, _) in target.verdicts.items() if verdict.broken and rule not in seen]


def _untried(recorded: Side, target: Side, standings: Iterable[Standing]) -> dict[str, str]:
    """The rules that the recording puts to the test, and the target does not, each with why."""
    known = {standing.rule.id for standing in standings}
    tested = {rule for found in recorded.broken.values() for rule in found}
    return {
        rule: target.verdicts[rule][1] or target.verdicts[rule][0].label
        for rule in catalogue()
        if rule in tested - known and not target.verdicts[rule][0].tested
    }
