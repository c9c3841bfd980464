"""Merges what the processes of a run counted, and turns it into the run's results."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from conformance import __version__
from conformance.config.command_line import command_line
from conformance.config.settings import Settings
from conformance.contract import Rule, catalogue, selected
from conformance.trace.cost import Cost
from conformance.trace.redaction import redacted
from conformance.verdicts.bounds import body_maximum, cut
from conformance.verdicts.conclusion import conclude, count
from conformance.verdicts.findings import Findings
from conformance.verdicts.judgement import Judgement, gates, judgements
from conformance.verdicts.ledger import Ledger, Tally
from conformance.verdicts.reproduction import reproduction
from conformance.verdicts.results import SCHEMA_VERSION, Coverage, Ending, Results, WaiverState
from conformance.verdicts.standing import clients_served, standing
from conformance.verdicts.verdict import Verdict
from conformance.verdicts.waivers import COMPLAINTS, EMBEDDED, Waiver, state, updated, waive, waived_rules

RESULTS_SHARE = 0.1
"""Of the room for all results, what the exchanges in results.json may take: reports repeat them."""

SCRIPTS_SHARE = 0.2
"""Of the time of a run so far, what working out the scripts may take."""

SCRIPTS_SECONDS = 5.0
"""What it may take in any case: a run of one rule is over soon."""

SCRIPT_SECONDS = 10.0
"""What the scripts of one rule may take."""

TRACES_SHARE = 0.1
"""Of the room for all results, what the traces may take that are kept for scripts to be made later."""

INSERT = "life.insert"
"""The rule that a target breaks where no image can be made."""


class Collector:
    """Merges what the processes of a run counted, and concludes.

    Attributes:
        lost: why the target was lost in the middle of the run; "" where it was not.
        crashed: how the target has ended that the suite had started; "" where it has not.
        untestable: why nothing could be tested; "" where it could.
        left: the images that could not be deleted.
        unknown: the images of which the target does not say whether they are there.
        made: answers the images that were made and not deleted yet, while the run is under way.
        interrupted: whether the user stopped the run.
        died: which process of the run was killed from outside; "" where none was.
        complaints: what else went wrong after the scenarios.
        spent: which budget was used up, or that the run was to stop at the first failure; "" where all had their turn.
        hidden: texts that must not be seen.
        target: the URL by which waivers know the target; None for the embedded emulator.

    Args:
        settings: of the run.
        waivers: the failures that are known.
        rules: the rules to judge by, chosen or not; None for the catalogue.
        excerpt: whether traffic is judged that others made: a rule that is not broken in it may be so elsewhere, so
            it makes no waiver stale.
    """

    def __init__(
        self,
        settings: Settings,
        waivers: Sequence[Waiver] = (),
        rules: Mapping[str, Rule] | None = None,
        *,
        excerpt: bool = False,
    ) -> None:
        self.settings = settings
        self.target = settings.url
        self._excerpt = excerpt
        self.waivers = waivers
        self.rules = catalogue() if rules is None else rules
        self.selected = selected(settings.only, settings.skip, settings.clients, self.rules)
        self.findings = Findings()
        self.lost = ""
        self.crashed = ""
        self.untestable = ""
        self.left: list[str] = []
        self.unknown: list[str] = []
        self.made: Callable[[], list[str]] = list
        self.interrupted = False
        self.died = ""
        self.complaints: list[str] = []
        self.spent = ""
        self.hidden = set(settings.secrets())
        self._ledger = Ledger(self.rules)
        self._cost = Cost()
        self._seconds: Counter[str] = Counter()
        self._started: datetime | None = None

    @property
    def begun(self) -> bool:
        """Whether any scenario was about to run."""
        return self._started is not None

    @property
    def failing(self) -> list[Rule]:
        """The rules that have been broken already and fail the run."""
        waived = waived_rules(self.waivers, self.target)
        at_times = waived_rules(self.waivers, self.target, intermittent=True)
        return [
            self.rules[rule]
            for rule, tally in self._ledger.tallies.items()
            if rule not in (at_times if tally.intermittent else waived)
            and (self.settings.intermittent_fails or not tally.intermittent)
            and (
                (tally.breaches > tally.deviations and gates(self.rules[rule], self.settings.require))
                or (tally.breaches and self.settings.strict)
            )
        ]

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
            self._cost.add(Cost(**payload["cost"]))
        self._seconds.update(payload.get("seconds", {}))
        self.hidden.update(payload.get("hidden", ()))
        self.lost = self.lost or payload.get("lost", "")
        self.spent = self.spent or payload.get("spent", "")

    @property
    def ending(self) -> Ending:
        """Why the run ended before its time."""
        return Ending(
            untestable=self.untestable,
            lost=self.lost,
            crashed=self.crashed,
            died=self.died,
            interrupted=self.interrupted,
            spent=self.spent,
        )

    def so_far(self) -> Results:
        """What the results would be if the run were interrupted now."""
        interrupted, self.interrupted = self.interrupted, True
        try:
            return self.results()
        finally:
            self.interrupted = interrupted

    def results(self, *, scripts: bool = False, told: Callable[[int, int], None] = lambda done, total: None) -> Results:
        """Everything that is known.

        Args:
            scripts: whether to write the scripts that reproduce breaches, as far as a fifth of the time of the run
                goes; traces are kept for the others.
            told: is told how many of how many breaches have been worked out.
        """
        settings, ending = self.settings, self.ending
        started = self._started or datetime.now(UTC)
        found = self._judgements()
        made = self._scripts(found, (datetime.now(UTC) - started).total_seconds(), told) if scripts else {}
        finished = datetime.now(UTC)
        most = body_maximum(
            (example["exchanges"] for tally in self._ledger.tallies.values() for example in tally.examples),
            int(settings.max_output * 2**20 * RESULTS_SHARE),
        )
        if settings.update_waivers and not (self.untestable or self.lost or self.died or self.interrupted):
            self.waivers = updated(self.waivers, found, self._failures(found), self.target, whole=self._whole)
            found = waive(found, self.waivers, self.target)
        whole = self._whole and not self._excerpt
        states = [state(waiver, found, self.target, whole=whole) for waiver in self.waivers]
        conclusion = conclude(
            found,
            self._ledger.tallies,
            ending,
            [waiver.rule for waiver, known in zip(self.waivers, states, strict=True) if known in COMPLAINTS],
            strict=settings.strict,
            # What one shard has not tried another one may have.
            complete=settings.require_complete and not settings.shard,
            level=settings.level,
            whole=self._whole,
        )
        counts = Counter(judgement.verdict for judgement in found.values())
        return Results.model_validate(
            {
                "schema_version": SCHEMA_VERSION,
                "run": {
                    "id": started.strftime("%Y%m%dT%H%M%SZ"),
                    "started": started.isoformat(timespec="milliseconds"),
                    "finished": finished.isoformat(timespec="milliseconds"),
                    "seconds": round((finished - started).total_seconds(), 3),
                    "seed": settings.seed,
                    "profile": settings.profile,
                    "suite_version": __version__,
                    "command": self._clean(command_line(settings)),
                    "shard": settings.shard,
                    "strict": settings.strict,
                    "require_complete": settings.require_complete,
                    "level": settings.level,
                    "require": settings.require,
                    "intermittent": "fail" if settings.intermittent_fails else "report",
                    "ending": self._clean(ending.model_dump()),
                    "complaints": self._clean(self.complaints),
                },
                "target": {
                    "url": self._clean(settings.url) if settings.url else EMBEDDED,
                    "project": self._clean(settings.project),
                    "api_version": settings.api_version,
                    "capabilities": {**dict.fromkeys(self.findings.present, True), **self._clean(self.findings.absent)},
                    "broken": self._clean(self.findings.broken),
                    "name": self._clean(settings.target_name),
                    "version": self._clean(settings.target_version),
                },
                "summary": {
                    "verdict": conclusion.verdict,
                    "exit_status": conclusion.exit_status,
                    "reason": self._clean(conclusion.reason),
                    "counts": {verdict: counts[verdict] for verdict in Verdict},
                    "standing": self._standing(found),
                    "clients": [
                        {"id": client.id, "title": client.title, "in_the_way": rules}
                        for client, rules in clients_served(found)
                    ],
                    "coverage": Coverage(
                        tested=sum(counts[verdict] for verdict in Verdict if verdict.tested),
                        rules=len(found),
                        partial=self._clean(self._partial()),
                    ),
                },
                "cost": {
                    "requests": self._cost.requests,
                    "retries": self._cost.retries,
                    "images_created": self._cost.images,
                    "images_left": self._clean(self.left),
                    "images_unknown": self._clean(sorted({*self.unknown, *self.made()})),
                    "seconds_waiting": round(self._cost.waiting, 3),
                },
                "answers": dict(sorted(self._ledger.answers.items())),
                "latency": {method: _latency(values) for method, values in sorted(self._cost.latencies.items())},
                "notes": self._clean(self._notes(states)),
                "waivers": [
                    {**self._clean(waiver.model_dump(mode="json")), "state": known}
                    for waiver, known in zip(self.waivers, states, strict=True)
                ],
                "rules": [self._row(rule, found[rule.id], made.get(rule.id), most) for rule in self.rules.values()],
            }
        )

    def _standing(self, found: Mapping[str, Judgement]) -> dict[str, Any] | None:
        """The level that the target has reached; None where that cannot be told."""
        if self._partial() or not catalogue().keys() <= found.keys():
            return None
        reached = standing(found)
        return {
            "reached": reached.reached or "",
            "following": reached.following or "",
            "in_the_way": reached.in_the_way,
        }

    def _clean(self, value: Any) -> Any:
        """A JSON value without secrets."""
        return redacted(value, self.hidden, self.settings.request_headers())

    def _judgements(self) -> dict[str, Judgement]:
        """The verdict on each rule."""
        rules = self.rules
        found = judgements(
            rules,
            Ledger(rules) if self.untestable else self._ledger,
            self.findings.absent,
            set(rules) - self.selected,
            self.untestable
            or self.lost
            or self.findings.broken
            or self.ending.reason
            or (f"left to the other shards of {self.settings.shard}" if self.settings.shard else ""),
            self.settings.require,
            intermittent_fails=self.settings.intermittent_fails,
        )
        if self.findings.broken:
            found = _blame_the_insert(found, self.findings.broken)
        return waive(found, self.waivers, self.target)

    @property
    def _whole(self) -> bool:
        """Whether all scenarios had their turn."""
        return not (self.settings.shard or self.ending.reason)

    def _partial(self) -> str:
        """What kept the run from trying all rules; "" where nothing did."""
        left_out = len(self.rules) - len(self.selected)
        reasons = (
            f"{left_out} of {len(self.rules)} rules left out" if left_out else "",
            f"shard {self.settings.shard}" if self.settings.shard else "",
            self.ending.reason,
        )
        return "; ".join(filter(None, reasons))

    def _failures(self, judgements: Mapping[str, Judgement]) -> dict[str, str]:
        """The rules that fail the run by themselves, each with what was seen."""
        return {
            rule: self._ledger.tallies[rule].examples[0]["message"]
            for rule, judgement in judgements.items()
            if judgement.verdict.under(strict=self.settings.strict) is Verdict.FAILED
        }

    def _notes(self, states: Sequence[WaiverState]) -> list[str]:
        """What a reader should know beside the verdicts."""
        outdated = [
            f"the waiver of {waiver.rule} at {waiver.target} {COMPLAINTS[known]}"
            for waiver, known in zip(self.waivers, states, strict=True)
            if known in COMPLAINTS
        ]
        left = (
            [f"{count(self.left, 'image')} could not be deleted; `conformance sweep` tries again"] if self.left else []
        )
        if self.unknown:
            verb = "is" if len(self.unknown) == 1 else "are"
            left.append(f"the target does not say whether {count(self.unknown, 'image')} of the run {verb} left")
        remarks = [self.findings.remark] if self.findings.remark else []
        return [*remarks, *left, *self.complaints, *outdated, *([self.spent] if self.spent and not self.lost else [])]

    def _scripts(
        self, found: Mapping[str, Judgement], seconds: float, told: Callable[[int, int], None]
    ) -> dict[str, dict[str, str]]:
        """The ways to see the breach of each broken rule again: gravest rules first, of these those that follow from no
        other, and then the plainest examples.

        Args:
            found: the verdicts.
            seconds: how long the run has taken so far.
            told: is told how far it is.
        """
        end = time.monotonic() + max(seconds * SCRIPTS_SHARE, SCRIPTS_SECONDS)
        room = int(self.settings.max_output * 2**20 * TRACES_SHARE)
        broken = [rule for rule in self.rules.values() if found[rule.id].verdict.broken]
        # What was tried again and never seen again hangs on luck: a script would prove nothing.
        broken = [rule for rule in broken if self._example_to_repeat(rule)]
        broken.sort(
            key=lambda rule: (
                found[rule.id].verdict is not Verdict.FAILED,
                found[rule.id].root != rule.id,
                self._example(rule)["size"],
            )
        )
        made = {}
        for number, rule in enumerate(broken):
            told(number, len(broken))
            example = self._example(rule)
            if not example.get("reproduce"):
                one = min(end, time.monotonic() + SCRIPT_SECONDS)
                ways = reproduction(rule, example, self.settings, end=one, hidden=self.hidden)
                room -= len(ways.get("trace", ""))
                made[rule.id] = ways if room >= 0 else {**ways, "trace": ""}
        return made

    def _example_to_repeat(self, rule: Rule) -> bool:
        """Whether there is a breach of a rule that may be seen again."""
        tally = self._ledger.tallies[rule.id]
        return bool(tally.examples) and not (tally.tries and not tally.again)

    def _example(self, rule: Rule) -> dict[str, Any]:
        return self._ledger.tallies[rule.id].examples[0]

    def _row(self, rule: Rule, judgement: Judgement, made: dict[str, str] | None, most: int) -> dict[str, Any]:
        """What the results say of a rule."""
        tally = self._ledger.tallies.get(rule.id, Tally())
        shown = judgement.verdict.broken or judgement.verdict is Verdict.BLOCKED
        return {
            "id": rule.id,
            "area": rule.area,
            "basis": rule.basis,
            "statement": rule.statement,
            "reference": rule.reference,
            "grounds": rule.grounds,
            "verdict": judgement.verdict,
            "reason": self._clean(judgement.reason),
            "cause": judgement.cause,
            "root": judgement.root,
            "seconds": round(self._seconds[rule.id], 3),
            "observations": tally.observations,
            "breach_count": tally.breaches,
            "deviation_count": tally.deviations,
            "confirmation": tally.confirmation,
            "broken_again": tally.again,
            "tried_again": tally.tries,
            "beside": dict(sorted(tally.beside.items())),
            "first_breach_after_requests": tally.first,
            "breaches": [
                self._breach(rule, example, None if number else made, most)
                for number, example in enumerate(tally.examples if shown else [])
            ],
        }

    def _breach(self, rule: Rule, example: Mapping[str, Any], made: dict[str, str] | None, most: int) -> dict[str, Any]:
        """A breach as it stands in the results; one that was read from those of a shard knows already how to see it
        again."""
        made = example.get("reproduce") or made or reproduction(rule, example, self.settings, scripts=False)
        kept = {key: cut(example[key], most) for key in ("message", "expected", "observed", "exchanges", "timeline")}
        cleaned: dict[str, Any] = self._clean({**kept, "size": example["size"], "reproduce": made})
        return cleaned


def _blame_the_insert(judgements: Mapping[str, Judgement], broken: str) -> dict[str, Judgement]:
    """Where no image can be made, the rules that were never tried for it are blocked: one cause, one failure."""
    return {
        rule: Judgement(Verdict.BLOCKED, broken, cause=INSERT, root=INSERT)
        if judgement.verdict is Verdict.NOT_EXERCISED
        else judgement
        for rule, judgement in judgements.items()
    }


def _latency(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        "max_ms": ordered[-1],
    }
