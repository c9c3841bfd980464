"""Counts what the rules say of each trace."""

from __future__ import annotations

import heapq
import threading
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.contract import Breach, Rule
from conformance.contract.evidence import unjudged
from conformance.contract.history import History
from conformance.contract.rule import Index
from conformance.trace.exchange import Trace
from conformance.trace.losses import ALONE
from conformance.trace.redaction import redacted
from conformance.verdicts.plainness import Plainness

EXAMPLES_KEPT = 3
"""Breaches of one rule that are kept in full: the plainest."""

RECORD_MAXIMUM = 2 * 2**20
"""Bytes of answers up to which a breach can be reproduced by a script: whole traces travel between processes for it."""


def is_confirmed(again: int, tries: int) -> bool:
    """Whether a breach was seen again more often than not; one that was not is intermittent.

    Args:
        again: how often it was.
        tries: how often it was tried.
    """
    return 2 * again > tries


@dataclass
class Tally:
    """What was found about one rule: how often it was looked at and breached, and the plainest breaches in full.

    `examples` are in the form in which they stand in results.json, each with its rank by plainness; `first` is how many
    requests had been sent when the first breach was seen, None without one. `beside` counts the breaches by the rules
    that the same answer showed broken as well, of those that this one stands on or yields to, and by those that led to
    it: their ids with blanks between. `again` and `tries` are how often the rule was broken again when a breach of it
    was tried again, and how often that was.
    """

    observations: int = 0
    breaches: int = 0
    deviations: int = 0
    first: int | None = None
    examples: list[dict[str, Any]] = field(default_factory=list)
    beside: dict[str, int] = field(default_factory=dict)
    again: int = 0
    tries: int = 0

    @property
    def never_held(self) -> bool:
        """Whether the rule was put to the test, and broken each time."""
        return self.observations == self.breaches > 0

    @property
    def intermittent(self) -> bool:
        """Whether the rule was broken, and held when that was tried again."""
        return self.breaches > 0 and self.tries > 0 and not is_confirmed(self.again, self.tries)

    @property
    def confirmation(self) -> str:
        """What came of trying a breach again, as reports have it; "" where the rule was not broken."""
        if not self.breaches:
            return ""
        if not self.tries:
            return "unconfirmed"
        return f"{'intermittent' if self.intermittent else 'confirmed'} {self.again}/{self.tries}"

    def confirm(self, again: int, tries: int) -> None:
        """Notes that a breach was tried again; of several that were, the one counts that was seen again most
        reliably."""
        if tries and (not self.tries or (again * self.tries, tries) > (self.again * tries, self.tries)):
            self.again, self.tries = again, tries

    def shared(self, rule: str) -> int:
        """How many breaches an answer showed that breaks another rule as well."""
        return sum(count for rules, count in self.beside.items() if rule in rules.split())

    def add(self, other: Tally) -> None:
        """Takes over what another process found."""
        self.observations += other.observations
        self.breaches += other.breaches
        self.deviations += other.deviations
        self.first = min((first for first in (self.first, other.first) if first is not None), default=None)
        for rules, count in other.beside.items():
            self.beside[rules] = self.beside.get(rules, 0) + count
        self.confirm(other.again, other.tries)
        self.keep(other.examples)

    def keep(self, examples: Iterable[dict[str, Any]]) -> None:
        """Keeps the plainest of the examples known so far, and no two that say the same."""
        plainest: dict[str, dict[str, Any]] = {}
        for example in sorted([*self.examples, *examples], key=lambda item: (item["size"], item["message"])):
            plainest.setdefault(example["message"], example)
        self.examples = list(plainest.values())[:EXAMPLES_KEPT]
        for example in self.examples[1:]:
            example.pop("trace", None)


class Ledger:
    """Judges traces by a set of rules, and keeps the count.

    Args:
        rules: the rules to judge by; others are not looked at.
        hidden: texts that must not be seen, beside the keys of a trace; may grow.

    Attributes:
        forgone: by kind of loss the rules that would have been judged, had the recorder not lost it.
    """

    def __init__(self, rules: Mapping[str, Rule], hidden: Set[str] = frozenset()) -> None:
        self._rules = rules
        self._places = {rule: place for place, rule in enumerate(rules)}
        self._always = frozenset(rule.id for rule in rules.values() if rule.index is None)
        self._indexed: dict[Index, set[str]] = defaultdict(set)
        for rule in rules.values():
            if rule.index is not None:
                self._indexed[rule.index].add(rule.id)
        self._hidden = hidden
        self._lock = threading.Lock()
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.errors: dict[str, str] = {}
        self.answers: Counter[str] = Counter()
        self.forgone: dict[str, set[str]] = defaultdict(set)

    def judge(self, trace: Trace, spent: int = 0) -> list[tuple[Rule, Breach]]:
        """Judges a trace by every rule, and answers the breaches in the order of the catalogue.

        Args:
            trace: what was exchanged.
            spent: how many requests this process has sent so far.

        A rule that raises is our own fault: it is noted as an error, and the other rules go on.
        """
        with self._lock:
            if trace.lost & ALONE:
                return self._judge_alone(trace)
            return self._judge(History(trace), spent)

    def _judge_alone(self, trace: Trace) -> list[tuple[Rule, Breach]]:
        """Judges each answer by itself of a trace that does not tell how they belong together."""
        traces = [replace(trace, exchanges=(exchange,)) for exchange in trace.exchanges]
        found = [breach for one in traces for breach in self._judge(History(one), 0)]
        other = Ledger(self._rules, self._hidden)
        other._judge(History(replace(trace, lost=frozenset())), 0)
        self.forgone[min(trace.lost & ALONE)] |= other.tallies.keys() - self.tallies.keys()
        return found

    def _judge(self, history: History, spent: int) -> list[tuple[Rule, Breach]]:
        found: list[tuple[Rule, Breach]] = []
        plainness = Plainness(history.trace)
        self.answers.update(f"{exchange.method} {exchange.status}" for exchange in history.exchanges)
        forgone = unjudged(history.trace.lost)
        for id in sorted(self._concerned(history), key=self._places.__getitem__):
            rule = self._rules[id]
            if history.trace.recorded and not rule.passive:
                continue
            try:
                findings = list(rule.judge(history))
            except Exception:
                self.errors.setdefault(rule.id, traceback.format_exc(limit=-4))
                continue
            if findings and rule.id in forgone:
                self.forgone[forgone[rule.id]].add(rule.id)
            elif findings:
                breaches = [finding for finding in findings if finding is not None]
                self._count(rule, history.trace, plainness, spent, len(findings), breaches)
                found.extend((rule, breach) for breach in breaches)
        self._note_beside(found)
        return found

    def _concerned(self, history: History) -> set[str]:
        """The rules that a history has to do with: all that have no index, and of those that have one all where it
        raises, which they will as well."""
        found = set(self._always)
        for index, rules in self._indexed.items():
            try:
                found |= rules.intersection(index(history))
            except Exception:
                found |= rules
        return found

    def _note_beside(self, found: list[tuple[Rule, Breach]]) -> None:
        """Counts which breaches an answer showed that breaks other rules as well, of those that they may follow
        from, or of which the history shows that they led to it."""
        broken: dict[int, set[str]] = defaultdict(set)
        for rule, breach in found:
            broken[_shown_by(breach)].add(rule.id)
        for rule, breach in found:
            sources = {*rule.requires, *rule.yields_to}
            others = (broken[_shown_by(breach)] & sources) | set(breach.follows)
            if sources or others:
                beside = self.tallies[rule.id].beside
                key = " ".join(sorted(others))
                beside[key] = beside.get(key, 0) + 1

    def _count(  # noqa: PLR0913 - all that is counted
        self, rule: Rule, trace: Trace, plainness: Plainness, spent: int, observations: int, breaches: list[Breach]
    ) -> None:
        tally = self.tallies[rule.id]
        tally.observations += observations
        if not breaches:
            return
        tally.breaches += len(breaches)
        tally.first = spent if tally.first is None else tally.first
        tally.deviations += sum(breach.deviation for breach in breaches)
        ranked = [(list(plainness.of(breach)), breach.message, breach) for breach in breaches]
        if len(tally.examples) == EXAMPLES_KEPT:
            last = (tally.examples[-1]["size"], tally.examples[-1]["message"])
            ranked = [entry for entry in ranked if entry[:2] < last]
        hidden = trace.secrets | self._hidden
        plainest = heapq.nsmallest(EXAMPLES_KEPT, ranked, key=lambda entry: entry[:2])
        tally.keep([_example(breach, size, trace, hidden) for size, _, breach in plainest])

    def confirm(self, rule: str, again: int, tries: int) -> None:
        """Counts that a breach of a rule was tried again, and how often it was seen again."""
        with self._lock:
            self.tallies[rule].confirm(again, tries)

    def drain(self) -> dict[str, Any]:
        """What was counted since the last call, as JSON, for the process that merges."""
        with self._lock:
            tallies, self.tallies = self.tallies, defaultdict(Tally)
            errors, self.errors = self.errors, {}
            answers, self.answers = self.answers, Counter()
        tallied = {rule: vars(tally) for rule, tally in tallies.items()}
        return {"tallies": tallied, "errors": errors, "answers": dict(answers)}

    def merge(self, drained: Mapping[str, Any], spent: int = 0) -> None:
        """Takes over what another process counted, `spent` requests after the start of the run."""
        for rule, row in drained["tallies"].items():
            tally = Tally(**row)
            tally.first = None if tally.first is None else tally.first + spent
            self.tallies[rule].add(tally)
        for rule, error in drained["errors"].items():
            self.errors.setdefault(rule, error)
        self.answers.update(drained.get("answers", {}))


def _shown_by(breach: Breach) -> int:
    """The number of the exchange that shows a breach: the last of those that belong to it."""
    return breach.exchanges[-1].number if breach.exchanges else 0


def _example(breach: Breach, size: list[int], trace: Trace, secrets: Set[str]) -> dict[str, Any]:
    exchanges = {exchange.number: exchange for exchange in breach.exchanges}
    return {
        "message": breach.message,
        "expected": redacted(breach.expected, secrets),
        "observed": redacted(breach.observed, secrets),
        "exchanges": redacted([exchange.to_json() for _, exchange in sorted(exchanges.items())], secrets),
        "timeline": redacted(_timeline(breach), secrets),
        "numbers": sorted(exchanges),
        "size": size,
        **({"trace": trace.record} if _answered(trace) <= RECORD_MAXIMUM else {}),
    }


def _timeline(breach: Breach) -> list[dict[str, Any]]:
    """Its timeline in milliseconds from the first request on."""
    begin = min((bar.start for bar in breach.timeline), default=0.0)
    return [
        {
            "exchange": bar.exchange,
            "text": bar.text,
            "start_ms": round((bar.start - begin) * 1000, 1),
            "end_ms": round((bar.end - begin) * 1000, 1),
            "role": bar.role,
            "place": bar.place,
        }
        for bar in breach.timeline
    ]


def _answered(trace: Trace) -> int:
    """Bytes of all answers."""
    return sum(len(exchange.response.body) for exchange in trace.exchanges if exchange.response)
