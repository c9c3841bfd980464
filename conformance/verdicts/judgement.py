"""What was counted, turned into one verdict for each rule."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from conformance.contract import Rule
from conformance.verdicts.ledger import Ledger, Tally
from conformance.verdicts.unseen import is_about_images_seen, lacking, refused_always
from conformance.verdicts.verdict import Verdict

BROKEN = (Verdict.FAILED, Verdict.DEVIATES)

ENDS = "operation.reaches-done"
"""The rule that operations end."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one rule.

    Attributes:
        verdict: the verdict.
        reason: why, in words, where the verdict does not say it all.
        cause: the rule that blocks this one, the capability of the target that it needs and lacks, or the rule that a
            field is accepted without which it cannot be put to the test; "" where there is none.
        root: the broken rule that explains this verdict: the rule itself, or the one at the end of the chain of
            causes; "" where nothing is broken.
        intermittent: whether the rule is broken at times only, as far as it was tried again.
    """

    verdict: Verdict
    reason: str = ""
    cause: str = ""
    root: str = ""
    intermittent: bool = False


def judgements(  # noqa: PLR0913 - all that verdicts rest on
    rules: Mapping[str, Rule],
    ledger: Ledger,
    absent: Mapping[str, str],
    deselected: Iterable[str] = (),
    unreached: str = "",
    required: Iterable[str] = (),
    *,
    intermittent_fails: bool = True,
) -> dict[str, Judgement]:
    """The verdict on every rule of the catalogue.

    Args:
        rules: the catalogue.
        ledger: what was counted.
        absent: the capabilities that the target lacks, each with the reason.
        deselected: rules that the user left out of this run.
        unreached: why the run ended before all scenarios had their turn; "" where it did not.
        required: fields of an insert that have to be accepted, whatever they name.
        intermittent_fails: whether a breach fails a rule that held when it was tried again; else it is a deviation.
    """
    bench = _Bench(rules, ledger, absent, set(deselected), unreached, frozenset(required), intermittent_fails)
    return bench.judgements()


def gates(rule: Rule, required: Container[str]) -> bool:
    """Whether a breach of a rule fails a run: it is documented, or says that a field is accepted that has to be."""
    return rule.basis == "doc" or rule.accepts in required


class _Bench:
    """All that bears on the verdicts of one run; the arguments are those of `judgements`."""

    def __init__(  # noqa: PLR0913 - the same as for judgements
        self,
        rules: Mapping[str, Rule],
        ledger: Ledger,
        absent: Mapping[str, str],
        deselected: set[str],
        unreached: str,
        required: frozenset[str],
        intermittent_fails: bool,
    ) -> None:
        self._rules = rules
        self._ledger = ledger
        self._absent = absent
        self._deselected = deselected
        self._unreached = unreached
        self._required = required
        self._intermittent_fails = intermittent_fails
        self._alone = {rule.id: self._own(rule) for rule in rules.values()}

    def judgements(self) -> dict[str, Judgement]:
        """The verdict on every rule."""
        found = {rule.id: self._blocked(rule) or self._alone[rule.id] for rule in self._rules.values()}
        return {
            rule: replace(own, root=self._root(rule, found))
            if own.verdict in BROKEN or self._broken(own.cause)
            else own
            for rule, own in found.items()
        }

    def _tally(self, rule: str) -> Tally:
        return self._ledger.tallies.get(rule, Tally())

    def _broken(self, rule: str) -> bool:
        return rule in self._alone and self._alone[rule].verdict in BROKEN

    def _own(self, rule: Rule) -> Judgement:
        """The verdict on a rule as if it stood alone."""
        tally = self._tally(rule.id)
        seen = tally.observations > 0
        missing = [need for need in rule.needs if need in self._absent and not (seen and need.startswith("source."))]
        if rule.id in self._deselected:
            return Judgement(Verdict.LEFT_OUT, "left out of this run")
        if rule.id in self._ledger.errors and not tally.breaches:
            return Judgement(Verdict.ERROR, self._ledger.errors[rule.id])
        if missing:
            return Judgement(Verdict.NOT_APPLICABLE, self._absent[missing[0]], cause=missing[0])
        if tally.breaches:
            gated = gates(rule, self._required) and tally.breaches > tally.deviations
            failed = gated and (self._intermittent_fails or not tally.intermittent)
            return Judgement(
                Verdict.FAILED if failed else Verdict.DEVIATES,
                f"{tally.confirmation}: broken once, and not each time it was tried again"
                if tally.intermittent
                else "",
                intermittent=tally.intermittent,
            )
        if tally.observations:
            return Judgement(Verdict.PASSED)
        return Judgement(Verdict.NOT_EXERCISED, self._unreached or lacking(rule, self._ledger.answers))

    # What blocks a rule

    def _blocked(self, rule: Rule) -> Judgement | None:
        """The judgement on a rule of which nothing can be said, for another is broken; None where something can."""
        own = self._alone[rule.id].verdict
        if own is Verdict.NOT_EXERCISED:
            refused = self._refused(rule)
            if refused:
                return refused
            if not is_about_images_seen(rule) and refused_always(rule, self._ledger.answers):
                return None  # its own method fails, whatever else is broken
            cause = self._broken_prerequisite(rule, set()) or self._endless()
            return _judged_by(cause, "is broken, and without it this rule cannot be seen") if cause else None
        if own is Verdict.PASSED and self._broken(rule.witness) and self._tally(rule.witness).never_held:
            return _judged_by(rule.witness, "never held, so that this rule holds proves nothing")
        if own in BROKEN:
            cause = self._more_precise(rule)
            if cause:
                return _judged_by(cause, "is broken, and explains all that this rule shows")
            cause = self._deviation(rule) if own is Verdict.FAILED else ""
            return _judged_by(cause, "never held, which is a mere deviation; this rule stands on it") if cause else None
        return None

    def _refused(self, rule: Rule) -> Judgement | None:
        """The judgement on a rule that only a field could put to the test which the target refuses; None for any
        other."""
        refusals = [
            name for name in rule.requires if name in self._rules and self._rules[name].accepts and self._broken(name)
        ]
        told = [
            f"{self._rules[name].accepts} is answered {self._tally(name).examples[0]['observed']}" for name in refusals
        ]
        return Judgement(Verdict.NOT_EXERCISED, f"refused: {'; '.join(told)}", cause=refusals[0]) if refusals else None

    def _broken_prerequisite(self, rule: Rule, seen: set[str]) -> str:
        """The nearest broken one of the rules that a rule stands on, and that those stand on; "" where all hold.

        What deviates at times, and holds at others, keeps nothing from being seen.
        """
        for name in rule.requires:
            if name in seen or name not in self._rules or self._rules[name].accepts:
                continue
            seen.add(name)
            at_times = self._alone[name].verdict is Verdict.DEVIATES and not self._tally(name).never_held
            broken = self._broken(name) and not at_times
            deeper = name if broken else self._broken_prerequisite(self._rules[name], seen)
            if deeper:
                return deeper
        return ""

    def _endless(self) -> str:
        """The rule that operations end, where it is broken and no insert was seen to end: without images there is
        nothing to be seen of them; "" elsewhere."""
        insert = self._alone.get("life.insert")
        unseen = insert is not None and insert.verdict is Verdict.NOT_EXERCISED
        return ENDS if unseen and self._broken(ENDS) else ""

    def _more_precise(self, rule: Rule) -> str:
        """The rule to which all breaches of a rule belong; "" where one of them is its own.

        One that never held takes those that no answer shows to be its own as well, but no failure where it merely
        deviates: what the answers show comes first.
        """
        tally = self._tally(rule.id)
        broken = [name for name in rule.yields_to if self._broken(name)]
        able = [name for name in broken if not self._lesser(name, rule.id)]
        if any(self._tally(name).never_held for name in able):
            return max(able, key=lambda name: (tally.shared(name), self._tally(name).never_held))
        wider = {name for name in broken if self._tally(name).breaches > tally.shared(name)}
        if not wider or any(count and not wider.intersection(key.split()) for key, count in tally.beside.items()):
            return ""
        return max(sorted(wider), key=tally.shared)

    def _lesser(self, name: str, rule: str) -> bool:
        """Whether a rule merely deviates that is to explain the failure of another, of whose breaches it shows none."""
        deviates = self._alone[name].verdict is Verdict.DEVIATES
        return deviates and self._alone[rule].verdict is Verdict.FAILED and not self._tally(rule).shared(name)

    def _deviation(self, rule: Rule) -> str:
        """The rule that a rule stands on and that is a deviation each time; "" where there is none.

        What follows from a mere deviation does not fail the run.
        """
        return next(
            (
                name
                for name in rule.requires
                if name in self._alone
                and not self._rules[name].accepts
                and self._alone[name].verdict is Verdict.DEVIATES
                and self._tally(name).never_held
            ),
            "",
        )

    # What explains a breach

    def _root(self, rule: str, found: Mapping[str, Judgement]) -> str:
        """The broken rule at the end of the chain that leads from a rule that is broken or blocked."""
        seen = [rule]
        while seen[-1] in self._rules:
            own = found[seen[-1]]
            following = own.cause if own.verdict is Verdict.BLOCKED else self._explanation(self._rules[seen[-1]])
            if not following or following in seen:
                break
            seen.append(following)
        return seen[-1]

    def _explanation(self, rule: Rule) -> str:
        """The broken rule that a broken rule probably follows from: one that it stands on and that never held, or one
        that most of the answers break as well which show its breaches, or that led to them; "" where it stands for
        itself.
        """
        tally = self._tally(rule.id)
        led = {name for rules in tally.beside for name in rules.split()} - {*rule.requires, *rule.yields_to, rule.id}
        for name in (*rule.requires, *sorted(led & self._rules.keys())):
            never_held = name in rule.requires and self._tally(name).never_held
            likely = self._broken(name) and (never_held or 2 * tally.shared(name) > tally.breaches)
            if likely and not (
                self._alone[rule.id].verdict is Verdict.FAILED and self._alone[name].verdict is Verdict.DEVIATES
            ):
                return name
        return ""


def _judged_by(cause: str, why: str) -> Judgement:
    return Judgement(Verdict.BLOCKED, f"{cause} {why}", cause=cause)
