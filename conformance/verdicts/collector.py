"""From what was counted to results.json: verdicts, summary, exit status, and what the run cost."""

from __future__ import annotations

import enum
import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.config.command_line import command_line
from conformance.config.settings import Settings
from conformance.contract import Rule, catalogue, selected
from conformance.reproduction import reproduction
from conformance.trace.cost import Cost
from conformance.trace.redaction import redacted
from conformance.verdicts.findings import Findings
from conformance.verdicts.judgement import Judgement, judgements
from conformance.verdicts.ledger import Ledger, Tally
from conformance.verdicts.verdict import Verdict
from conformance.verdicts.waivers import COMPLAINTS, State, Waiver, state, updated, waive, waived_rules

SCHEMA_VERSION = 1

INSERT = "life.insert"
"""The rule that a target breaks where no image can be made."""


class Exit(enum.IntEnum):
    """The exit statuses of the command line."""

    CONFORMANT = 0
    NOT_CONFORMANT = 1
    USAGE = 2
    UNTESTABLE = 3
    SUITE_ERROR = 4
    INTERRUPTED = 130


class Collector:
    """Merges what the processes of a run counted, and concludes.

    Attributes:
        lost: why the target was lost in the middle of the run; "" where it was not.
        untestable: why nothing could be tested; "" where it could.
        left: the images that could not be deleted.
        interrupted: whether the user stopped the run.
        died: which process of the run was killed from outside; "" where none was.
        complaints: what else went wrong after the scenarios.
        spent: which budget was used up; "" where none was.
        hidden: texts that must not be seen.

    Args:
        settings: of the run.
        waivers: the failures that are known.
    """

    def __init__(self, settings: Settings, waivers: Sequence[Waiver] = ()) -> None:
        self.settings = settings
        self.waivers = waivers
        self.selected = selected(settings.only, settings.skip)
        self.findings = Findings()
        self.lost = ""
        self.untestable = ""
        self.left: list[str] = []
        self.interrupted = False
        self.died = ""
        self.complaints: list[str] = []
        self.spent = ""
        self.hidden = set(settings.secrets())
        self._ledger = Ledger(catalogue())
        self._cost = Cost()
        self._started: datetime | None = None

    @property
    def begun(self) -> bool:
        """Whether any scenario was about to run."""
        return self._started is not None

    @property
    def failing(self) -> bool:
        """Whether a rule has been broken already that fails the run."""
        waived = waived_rules(self.waivers, self.settings.url)
        return any(
            (tally.breaches > tally.deviations and catalogue()[rule].basis == "doc")
            or (tally.breaches and self.settings.strict)
            for rule, tally in self._ledger.tallies.items()
            if rule not in waived
        )

    @property
    def progress(self) -> tuple[int, int]:
        """How many rules have been put to the test, and how many requests were sent, so far."""
        return sum(1 for tally in self._ledger.tallies.values() if tally.observations), self._cost.requests

    def begin(self) -> None:
        """Notes when the run began."""
        self._started = datetime.now(UTC)

    def take(self, payload: Mapping[str, Any]) -> None:
        """Takes over what a process counted since it was last asked."""
        if "ledger" in payload:
            self._ledger.merge(payload["ledger"], self._cost.requests)
        if "cost" in payload:
            cost = payload["cost"]
            self._cost.requests += cost["requests"]
            self._cost.retries += cost["retries"]
            self._cost.images += cost["images"]
            self._cost.waiting += cost["waiting"]
            for method, values in cost["latencies"].items():
                self._cost.latencies[method].extend(values)
        self.hidden.update(payload.get("hidden", ()))
        self.lost = self.lost or payload.get("lost", "")
        self.spent = self.spent or payload.get("spent", "")

    def so_far(self) -> dict[str, Any]:
        """What the results would be if the run were interrupted now."""
        interrupted, self.interrupted = self.interrupted, True
        try:
            return self.results()
        finally:
            self.interrupted = interrupted

    def results(self, *, scripts: bool = False) -> dict[str, Any]:
        """Everything that is known, as it stands in results.json.

        Args:
            scripts: whether to write the scripts that reproduce breaches: working them out takes a while.
        """
        settings = self.settings
        finished = datetime.now(UTC)
        started = self._started or finished
        rules = catalogue()
        found = self._judgements()
        if settings.update_waivers and not (self.untestable or self.lost or self.died or self.interrupted):
            self.waivers = updated(self.waivers, found, self._failures(found), settings.url, whole=self._whole)
            found = waive(found, self.waivers, settings.url)
        states = [state(waiver, found, settings.url, whole=self._whole) for waiver in self.waivers]
        exit_status, verdict, reason = self._conclude(found, states)
        counts = Counter(judgement.verdict for judgement in found.values())
        results = {
            "schema_version": SCHEMA_VERSION,
            "run": {
                "id": started.strftime("%Y%m%dT%H%M%SZ"),
                "started": started.isoformat(timespec="milliseconds"),
                "finished": finished.isoformat(timespec="milliseconds"),
                "seconds": round((finished - started).total_seconds(), 3),
                "seed": settings.seed,
                "profile": settings.profile,
                "suite_version": __version__,
                "command": command_line(settings),
                "shard": settings.shard,
                "strict": settings.strict,
                "require_complete": settings.require_complete,
            },
            "target": {
                "url": settings.url or "embedded emulator",
                "project": settings.project,
                "api_version": settings.api_version,
                "capabilities": {**dict.fromkeys(self.findings.present, True), **self.findings.absent},
            },
            "summary": {
                "verdict": verdict,
                "exit_status": int(exit_status),
                "reason": reason,
                "counts": {each.value: counts[each] for each in Verdict},
            },
            "cost": {
                "requests": self._cost.requests,
                "retries": self._cost.retries,
                "images_created": self._cost.images,
                "images_left": self.left,
                "seconds_waiting": round(self._cost.waiting, 3),
            },
            "latency": {method: _latency(values) for method, values in sorted(self._cost.latencies.items())},
            "notes": self._notes(states),
            "waivers": [
                {**waiver.model_dump(mode="json"), "state": known}
                for waiver, known in zip(self.waivers, states, strict=True)
            ],
            "rules": [
                _row(rule, found[rule.id], self._ledger.tallies.get(rule.id, Tally()), settings, scripts=scripts)
                for rule in rules.values()
            ],
        }
        cleaned: dict[str, Any] = redacted(results, self.hidden, settings.request_headers())
        return cleaned

    def _judgements(self) -> dict[str, Judgement]:
        """The verdict on each rule."""
        rules = catalogue()
        found = judgements(
            rules,
            Ledger(rules) if self.untestable else self._ledger,
            self.findings.absent,
            set(rules) - self.selected,
            self.untestable
            or self.lost
            or self.findings.broken
            or self.died
            or ("the run was interrupted" if self.interrupted else "")
            or self.spent
            or (f"left to the other shards of {self.settings.shard}" if self.settings.shard else ""),
        )
        if self.findings.broken:
            found = _blame_the_insert(rules, found, self.findings.broken)
        return waive(found, self.waivers, self.settings.url)

    @property
    def _whole(self) -> bool:
        """Whether all scenarios had their turn."""
        return not (self.settings.shard or self.untestable or self.lost or self.died or self.interrupted or self.spent)

    def _failures(self, judgements: Mapping[str, Judgement]) -> dict[str, str]:
        """The rules that fail the run by themselves, each with what was seen."""
        return {
            rule: self._ledger.tallies[rule].examples[0]["message"]
            for rule, judgement in judgements.items()
            if judgement.verdict.under(strict=self.settings.strict) is Verdict.FAILED
        }

    def _notes(self, states: Sequence[State]) -> list[str]:
        """What a reader should know beside the verdicts."""
        complaints = [
            f"the waiver of {waiver.rule} at {waiver.target} {COMPLAINTS[known]}"
            for waiver, known in zip(self.waivers, states, strict=True)
            if known in COMPLAINTS
        ]
        left = (
            [f"{_count(self.left, 'image')} could not be deleted; `conformance sweep` tries again"] if self.left else []
        )
        return [*left, *self.complaints, *complaints, *([self.spent] if self.spent else [])]

    def _conclude(self, judgements: Mapping[str, Judgement], states: Sequence[State]) -> tuple[Exit, str, str]:
        """Exit status, verdict and one sentence: the one place where they are decided."""
        found = {verdict: [rule for rule, own in judgements.items() if own.verdict is verdict] for verdict in Verdict}
        gating = [*found[Verdict.FAILED], *(found[Verdict.DEVIATES] if self.settings.strict else [])]
        blocked = [rule for rule in found[Verdict.BLOCKED] if self._gates(rule, judgements)]
        if self.untestable:
            return Exit.UNTESTABLE, "inconclusive", self.untestable
        if self.died:
            return Exit.SUITE_ERROR, "inconclusive", f"{self.died}; what was known by then is written"
        if self.interrupted:
            return Exit.INTERRUPTED, "inconclusive", "the run was interrupted; what was known by then is written"
        broken = f"the suite itself failed in {_some(found[Verdict.ERROR])}" if found[Verdict.ERROR] else ""
        if gating:
            text = f"{_count(gating, 'rule')} failed: {_some(gating)}"
            return Exit.NOT_CONFORMANT, "non-conformant", f"{text}; {broken}" if broken else text
        if broken:
            return Exit.SUITE_ERROR, "inconclusive", broken
        if self.lost:
            return Exit.UNTESTABLE, "inconclusive", self.lost
        if blocked:
            return (
                Exit.NOT_CONFORMANT,
                "non-conformant",
                f"{_count(blocked, 'rule')} could not be judged: {judgements[blocked[0]].reason}",
            )
        if self.settings.require_complete and found[Verdict.NOT_EXERCISED] and not self.settings.shard:
            missing = found[Verdict.NOT_EXERCISED]
            return (
                Exit.NOT_CONFORMANT,
                "inconclusive",
                f"{_count(missing, 'rule')} never put to the test: {_some(missing)}",
            )
        if not found[Verdict.PASSED]:
            return Exit.UNTESTABLE, "inconclusive", "no rule was put to the test"
        deviations = (
            f"; {_count(found[Verdict.DEVIATES], 'rule')} deviated: {_some(found[Verdict.DEVIATES])}"
            if found[Verdict.DEVIATES]
            else ""
        )
        waived = (
            f"; {_count(found[Verdict.WAIVED], 'rule')} waived: {_some(found[Verdict.WAIVED])}"
            if found[Verdict.WAIVED]
            else ""
        )
        outdated = [waiver.rule for waiver, known in zip(self.waivers, states, strict=True) if known in COMPLAINTS]
        if outdated:
            text = f"no rule fails that is not waived{waived}; but {_count(outdated, 'waiver')} to be removed: {_some(outdated)}"
            return Exit.NOT_CONFORMANT, "conformant", text
        noun = "other rule" if waived else "rule"
        return (
            Exit.CONFORMANT,
            "conformant",
            f"all {_count(found[Verdict.PASSED], noun)} that were put to the test hold{deviations}{waived}",
        )

    def _gates(self, rule: str, judgements: Mapping[str, Judgement]) -> bool:
        """Whether a blocked rule fails the run: not where its cause is waived, nor where both merely deviate."""
        cause = judgements.get(judgements[rule].cause)
        tally = self._ledger.tallies.get(rule, Tally())
        deviates = catalogue()[rule].basis == "conv" or 0 < tally.breaches == tally.deviations
        if cause is None or cause.verdict is Verdict.WAIVED:
            return cause is None
        return self.settings.strict or not deviates or cause.verdict is not Verdict.DEVIATES


def _blame_the_insert(
    rules: Mapping[str, Rule], judgements: Mapping[str, Judgement], broken: str
) -> dict[str, Judgement]:
    """Where no image can be made, the rules that were never tried for it are blocked: one cause, one failure."""
    return {
        rule: Judgement(Verdict.BLOCKED, broken, cause=INSERT, root=INSERT)
        if rule in rules and judgement.verdict is Verdict.NOT_EXERCISED
        else judgement
        for rule, judgement in judgements.items()
    }


def _row(rule: Rule, judgement: Judgement, tally: Tally, settings: Settings, *, scripts: bool) -> dict[str, Any]:
    shown = judgement.verdict.broken or judgement.verdict is Verdict.BLOCKED
    return {
        "id": rule.id,
        "area": rule.area,
        "basis": rule.basis,
        "statement": rule.statement,
        "reference": rule.reference,
        "grounds": rule.grounds,
        "verdict": judgement.verdict.value,
        "reason": judgement.reason,
        "cause": judgement.cause,
        "root": judgement.root,
        "observations": tally.observations,
        "breach_count": tally.breaches,
        "first_breach_after_requests": tally.first,
        "breaches": [
            {
                "message": example["message"],
                "expected": example["expected"],
                "observed": example["observed"],
                "exchanges": example["exchanges"],
                "reproduce": reproduction(rule, example, settings, scripts=scripts and judgement.verdict.broken),
            }
            for example in (tally.examples if shown else [])
        ],
    }


def _latency(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        "max_ms": ordered[-1],
    }


def _count(items: list[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _some(rules: list[str], most: int = 3) -> str:
    more = f" and {len(rules) - most} more" if len(rules) > most else ""
    return ", ".join(rules[:most]) + more


def write_results(results: Mapping[str, Any], folder: Path) -> Path:
    """Writes results.json, whole or not at all.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    draft = path.with_suffix(".json.draft")
    # Half a character, as hostile answers have it, becomes the escape that JSON has for it.
    try:
        draft.write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8", errors="backslashreplace")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
