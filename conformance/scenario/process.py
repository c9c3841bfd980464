"""One process of a run: the target as its scenarios share it, judged by one ledger."""

from __future__ import annotations

import secrets
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance.client.api import Api
from conformance.client.budget import Budget, BudgetSpent, Limits
from conformance.client.cleanup import Census, census
from conformance.client.connection import Reply
from conformance.client.credentials import credentials_for
from conformance.client.journal import Journal
from conformance.client.names import Names
from conformance.client.race import Race
from conformance.client.target import Target
from conformance.client.transport import TargetLost, Transport
from conformance.config.profiles import Profile
from conformance.config.settings import Settings
from conformance.config.sources import Sources
from conformance.contract import Breach, Rule, catalogue, selected
from conformance.scenario.confirmations import Confirmations
from conformance.scenario.examples import open_examples
from conformance.scenario.headlines import HEADLINES, try_headlines
from conformance.scenario.memory import give_back_large_blocks
from conformance.scenario.obstacles import Untestable
from conformance.scenario.preflight import look
from conformance.scenario.scenario import Scenario
from conformance.trace.exchange import Exchange, Request, Trace
from conformance.trace.har import ASIDE
from conformance.trace.traffic import SUFFIX, Traffic
from conformance.verdicts.findings import Findings
from conformance.verdicts.ledger import Ledger

SLACK = 3.0
"""Times as long as all requests would take one after another, while in truth many are under way at once."""

FEW_RULES = 20
"""Where no more are wanted, what breaks one is looked for with few requests, rather than in little time."""

TRAFFIC_SHARE = 0.6
"""Of the room for all results, what the traffic may take."""

WHOLE_SHARE = 8.0
"""The same where the traffic is what the run is for: it lies on the disk until its cases are picked out."""

PREFLIGHT = "preflight"
"""What the looks at a target before all scenarios are called."""

_HALT = "halt"
"""The file of a run's folder that says why it is to end."""


@dataclass
class Ground:
    """What the controller of a run tells its workers: where the target is, and what the preflight found there.

    `profile` is how hard it tries. `focus` are the rules whose scenarios are run; empty for those of all rules that
    the settings select. `keeps_traffic` tells whether what is sent and answered is kept in the folder, and
    `traffic_share` how much of the room for the results it may take. `waived` are the rules that may fail; `limits`
    is what may be spent; `workers` is how many processes share the rate.
    """

    settings: Settings
    run_id: str
    url: str
    folder: Path
    profile: Profile
    focus: frozenset[str] = frozenset()
    keeps_traffic: bool = False
    traffic_share: float = TRAFFIC_SHARE
    waived: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    workers: int = 1
    findings: Findings = field(default_factory=Findings)

    def to_json(self) -> dict[str, Any]:
        """The form in which it travels to workers."""
        return {
            "settings": self.settings.to_json(),
            "run_id": self.run_id,
            "url": self.url,
            "folder": str(self.folder),
            "profile": asdict(self.profile),
            "focus": sorted(self.focus),
            "keeps_traffic": self.keeps_traffic,
            "traffic_share": self.traffic_share,
            "waived": sorted(self.waived),
            "limits": asdict(self.limits),
            "workers": self.workers,
            "findings": vars(self.findings),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Ground:
        """The inverse of to_json."""
        return cls(
            Settings.from_json(value["settings"]),
            value["run_id"],
            value["url"],
            Path(value["folder"]),
            Profile(**value["profile"]),
            frozenset(value["focus"]),
            value["keeps_traffic"],
            value["traffic_share"],
            frozenset(value["waived"]),
            Limits(**value["limits"]),
            value["workers"],
            Findings(**value["findings"]),
        )


class Process:
    """A process of a run: the controller, or a worker.

    Args:
        ground: what the run stands on.
        worker: a name for this process, part of the names of all that it creates.
        parent: the process without which this one is to do nothing more; None for none.

    Raises:
        NoToken: there are no credentials to be had.
    """

    def __init__(self, ground: Ground, worker: str, parent: int | None = None) -> None:
        give_back_large_blocks()
        settings = ground.settings
        profile = ground.profile
        self.ground = ground
        self.before: dict[str, Census] = {}
        self.selected = selected(settings.only, settings.skip, settings.clients)
        credentials = credentials_for(settings.auth, settings.credentials, settings.token)
        self.hidden = credentials.seen if credentials else set()
        self.hidden.update(settings.secrets())
        rules = {name: rule for name, rule in catalogue().items() if name in self.selected}
        self.ledger = Ledger(rules, self.hidden)
        root = f"{ground.url}/compute/{settings.api_version}"
        deadline = settings.deadline or profile.deadline
        transport = Transport(
            root,
            settings.request_headers(),
            settings.ca_bundle,
            settings.rate / ground.workers if settings.rate else None,
            credentials,
            Budget(ground.limits, ground.folder / "budget"),
            deadline,
        )
        self.target = Target(
            root=root,
            project=settings.project,
            second_project=settings.second_project,
            transport=transport,
            names=Names(ground.run_id, worker, ground.findings.shapes),
            journal=Journal(ground.folder / f"{worker}.journal"),
            profile=profile,
            deadline=deadline,
            race=Race(transport, profile.racers),
            authorised=settings.authorised,
            limited_tokens=settings.limited_tokens,
            secrets=set(settings.sources.keys),
            parent=parent,
        )
        self._note(ground.findings)
        self._pool = ThreadPoolExecutor(profile.in_flight)
        path = ground.folder / f"{worker}{SUFFIX}"
        room = settings.max_output * 2**20 * ground.traffic_share / (ground.workers + 1)
        self._traffic = Traffic(path, worker, self.hidden, room) if ground.keeps_traffic else None
        transport.aside = self._keep_aside
        self._examples = open_examples(settings)
        # A failure that is known needs no smallest example.
        self._settled = set(ground.waived)
        self._confirmations = Confirmations(profile.confirmations, self.ledger.confirm)

    def scenario(self, name: str) -> Scenario:
        """The means for a scenario test, by the id of the test."""
        findings = self.ground.findings
        return Scenario(
            self.target,
            self.judge,
            self._pool,
            self._sources(),
            frozenset(findings.present),
            self._settled,
            self._confirmations,
            self.ground.settings.seed,
            name,
            self._examples,
            frozenset(findings.refused),
            cautious=self._narrow,
        )

    @property
    def _narrow(self) -> bool:
        """Whether few rules are wanted."""
        return len(self.ground.focus or self.selected) <= FEW_RULES

    def _sources(self) -> Sources:
        """What images are made from: what is configured, or what the preflight has found instead."""
        configured, found = self.ground.settings.sources, self.ground.findings.sources
        return replace(configured, image=found["image"], raw_disk=found["raw_disk"]) if found else configured

    def judge(self, trace: Trace, name: str, case: int = 0) -> list[tuple[Rule, Breach]]:
        """Judges a trace and keeps it.

        Args:
            trace: what was exchanged.
            name: of the scenario.
            case: the number of its case; 0 for what is acted out again.
        """
        if self._traffic is not None:
            self._traffic.add(trace, name, case)
        return self.ledger.judge(trace, self.target.transport.cost.requests)

    def _keep_aside(self, request: Request, reply: Reply) -> None:
        """Keeps the traffic that is nobody's story: it is not judged, and a recording of it is no whole story
        either."""
        if self._traffic is not None:
            exchange = Exchange(1, request, reply.response, reply.failure, reply.sent, reply.received)
            self._traffic.add(Trace((exchange,), frozenset(self.target.secrets)), ASIDE)

    def preflight(self) -> Findings:
        """Looks at the target before all scenarios; its exchanges are evidence like any other.

        Raises:
            Untestable: nothing can be said about this target.
        """
        apis: list[Api] = []

        def api() -> Api:
            if apis:
                self.judge(apis[-1].trace(), PREFLIGHT, len(apis))
            apis.append(Api(self.target))
            return apis[-1]

        settings = self.ground.settings
        # A sparing scenario serves so many rules that all it can do may matter for those that are wanted.
        wanted = catalogue() if self.ground.profile.sparing else self.ground.focus or self.selected
        needed = {need for name in wanted for need in catalogue()[name].needs}
        try:
            began, before = time.monotonic(), self.target.transport.cost.requests
            findings = look(self.target, settings.sources, settings.capabilities, needed, api)
            self._note(findings)
            findings.stop = findings.stop or ("" if settings.allow_leftovers else findings.stays)
            self._limit_time((time.monotonic() - began) / max(self.target.transport.cost.requests - before, 1))
            self._note_others()
            return findings
        finally:
            try:
                for used in apis:
                    used.tidy()
            except TargetLost as lost:
                raise Untestable(str(lost)) from None
            self.judge(apis[-1].trace(), PREFLIGHT, len(apis))

    def try_headlines(self) -> None:
        """Tries what matters most, so that the first breaches are known before other processes have even started;
        not where requests are dear, or few rules are wanted.

        Raises:
            Untestable: the target is lost.
        """
        if self.ground.profile.sparing or self._narrow:
            return
        try:
            try_headlines(self.scenario(HEADLINES))
        except BudgetSpent:
            return  # the first scenario tells
        except TargetLost as lost:
            raise Untestable(str(lost)) from None

    def _note(self, findings: Findings) -> None:
        """Waits for operations from now on where looks at them are dear, and the target offers to; takes no field that
        changes by itself for what tells images apart; and keeps no connection open that others wait for."""
        self.target.waits = self.ground.profile.sparing and "wait" in findings.present
        self.target.restless = frozenset(findings.restless)
        self.target.nameless = findings.nameless
        if findings.single:
            self.target.transport.close_after_each()

    def _limit_time(self, pace: float) -> None:
        """Gives the run, unless it is told how long it may take, some times as long as a correct target would let it
        take.

        Args:
            pace: seconds that a request took so far, one after another.
        """
        limits, profile = self.ground.limits, self.ground.profile
        if limits.seconds is None:
            seconds = max(profile.seconds, SLACK * profile.usual_requests * pace)
            self.ground.limits = replace(limits, seconds=seconds, end=time.time() + seconds, told=False)
            self.target.transport.budget.limits = self.ground.limits

    def _note_others(self) -> None:
        """Notes which images are not the run's own, where the list shows its own at all."""
        prefix = self.target.names.prefix
        try:
            for project in filter(None, (self.target.project, self.target.second_project)):
                shown = census(self.target, project)
                if shown is None or not shown.complete:
                    continue
                others = frozenset(image for image in shown.images if not image[0].startswith(prefix))
                if self.before or len(others) < len(shown.images):
                    self.before[project] = Census(others, complete=True)
        except BudgetSpent:
            return
        except TargetLost as lost:
            raise Untestable(str(lost)) from None

    def halt(self, reason: str) -> None:
        """Tells all processes of the run to begin no more scenarios."""
        (self.ground.folder / _HALT).write_text(reason, encoding="utf-8")

    @property
    def halted(self) -> str:
        """Why no more scenarios are to begin; "" where they are."""
        try:
            return (self.ground.folder / _HALT).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def drain(self) -> dict[str, Any]:
        """What this process has counted since the last call, as JSON."""
        cost = self.target.transport.drain()
        return {
            "ledger": self.ledger.drain(),
            "cost": {**vars(cost), "latencies": {method: list(values) for method, values in cost.latencies.items()}},
            "hidden": sorted(self.hidden),
        }

    def stop(self) -> None:
        """Ends the scenarios that are under way, and all threads: from now on nothing more is made."""
        self.target.transport.stop()
        self._pool.shutdown(cancel_futures=True)
        self.target.race.close()
        self.target.transport.resume()

    def close(self) -> None:
        """Ends the files of this process."""
        self.target.journal.close()
        self.target.transport.budget.close()
        if self._traffic is not None:
            self._traffic.close()


def new_ground(  # noqa: PLR0913 - everything that processes are told
    settings: Settings,
    url: str,
    profile: Profile,
    *,
    focus: frozenset[str] = frozenset(),
    keeps_traffic: bool = False,
    traffic_share: float = TRAFFIC_SHARE,
    waived: frozenset[str] = frozenset(),
) -> Ground:
    """The ground of a new run against the target at `url`, whose time begins now."""
    folder = Path(tempfile.mkdtemp(prefix="conformance-"))
    end = time.time() + settings.max_time if settings.max_time else None
    limits = Limits(
        settings.max_requests or profile.max_requests, settings.max_images or profile.max_images, settings.max_time, end
    )
    return Ground(
        settings, secrets.token_hex(4), url, folder, profile, focus, keeps_traffic, traffic_share, waived, limits
    )
