"""One process of a run: the target as its scenarios share it, judged by one ledger."""

from __future__ import annotations

import secrets
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.client import Api, Names, Target
from conformance.contract import Breach, Rule, catalogue, matching
from conformance.journal import Journal
from conformance.ledger import Ledger
from conformance.preflight import Findings, Untestable, look
from conformance.profiles import PROFILES
from conformance.race import Race
from conformance.scenario import Scenario
from conformance.settings import Settings
from conformance.trace import Trace
from conformance.traffic import SUFFIX, Traffic
from conformance.transport import TargetLost, Transport


@dataclass
class Ground:
    """What the controller of a run tells its workers: where the target is, and what the preflight found there.

    `focus` are the rules whose scenarios are run; empty for those of all rules that the settings select. `keeps_traffic` tells
    whether what is sent and answered is kept in the folder.
    """

    settings: Settings
    run_id: str
    url: str
    folder: Path
    focus: frozenset[str] = frozenset()
    keeps_traffic: bool = False
    findings: Findings = field(default_factory=Findings)

    def to_json(self) -> dict[str, Any]:
        """The form in which it travels to workers."""
        return {
            "settings": self.settings.to_json(),
            "run_id": self.run_id,
            "url": self.url,
            "folder": str(self.folder),
            "focus": sorted(self.focus),
            "keeps_traffic": self.keeps_traffic,
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
            frozenset(value["focus"]),
            value["keeps_traffic"],
            Findings(**value["findings"]),
        )


def selected_rules(settings: Settings) -> set[str]:
    """The rules that a run judges, after `--only` and `--skip`."""
    rules = set(catalogue())
    only = matching(settings.only, rules) if settings.only else rules
    return only - matching(settings.skip, rules)


class Process:
    """A process of a run: the controller, or a worker.

    Args:
        ground: what the run stands on.
        worker: a name for this process, part of the names of all that it creates.
    """

    def __init__(self, ground: Ground, worker: str) -> None:
        settings = ground.settings
        profile = PROFILES[settings.profile]
        self.ground = ground
        self.selected = selected_rules(settings)
        self.ledger = Ledger({name: rule for name, rule in catalogue().items() if name in self.selected})
        root = f"{ground.url}/compute/{settings.api_version}"
        transport = Transport(root, settings.request_headers(), settings.ca_bundle, settings.rate)
        self.target = Target(
            root=root,
            project=settings.project,
            second_project=settings.second_project,
            transport=transport,
            names=Names(ground.run_id, worker),
            journal=Journal(ground.folder / f"{worker}.journal"),
            profile=profile,
            deadline=settings.deadline or profile.deadline,
            race=Race(transport, profile.racers),
        )
        self._pool = ThreadPoolExecutor(profile.in_flight)
        path = ground.folder / f"{worker}{SUFFIX}"
        self._traffic = Traffic(path, worker, settings.secrets()) if ground.keeps_traffic else None
        self._settled: set[str] = set()

    def scenario(self, name: str) -> Scenario:
        """The means for a scenario test, by the id of the test."""
        findings = self.ground.findings
        return Scenario(
            self.target,
            self.judge,
            self._pool,
            self.ground.settings.sources,
            frozenset(findings.present),
            self._settled,
            self.ground.settings.seed,
            name,
        )

    def judge(self, trace: Trace, name: str) -> list[tuple[Rule, Breach]]:
        """Judges a trace and keeps it; `name` tells it from other traces of this process."""
        if self._traffic is not None:
            self._traffic.add(trace, name)
        return self.ledger.judge(trace, self.target.transport.cost.requests)

    def preflight(self) -> Findings:
        """Looks at the target before all scenarios; its exchanges are evidence like any other.

        Raises:
            Untestable: nothing can be said about this target.
        """
        apis: list[Api] = []

        def api() -> Api:
            if apis:
                self.judge(apis[-1].trace(), "preflight")
            apis.append(Api(self.target))
            return apis[-1]

        settings = self.ground.settings
        wanted = self.ground.focus or self.selected
        needed = {need for name in wanted for need in catalogue()[name].needs}
        try:
            return look(self.target, settings.sources, settings.capabilities, needed, api)
        finally:
            try:
                for used in apis:
                    used.tidy()
            except TargetLost as lost:
                raise Untestable(str(lost)) from None
            self.judge(apis[-1].trace(), "preflight")

    def drain(self) -> dict[str, Any]:
        """What this process has counted since the last call, as JSON."""
        cost = self.target.transport.drain()
        return {"ledger": self.ledger.drain(), "cost": {**vars(cost), "latencies": dict(cost.latencies)}}

    def stop(self) -> None:
        """Ends the scenarios that are under way, and all threads: from now on nothing more is made."""
        self.target.stopped = True
        self._pool.shutdown(cancel_futures=True)
        self.target.race.close()

    def close(self) -> None:
        """Ends the files of this process."""
        self.target.journal.close()
        if self._traffic is not None:
            self._traffic.close()


def new_ground(
    settings: Settings, url: str, focus: frozenset[str] = frozenset(), *, keeps_traffic: bool = False
) -> Ground:
    """The ground of a new run against the target at `url`."""
    folder = Path(tempfile.mkdtemp(prefix="conformance-"))
    return Ground(settings, secrets.token_hex(4), url, folder, focus, keeps_traffic)
