"""The pytest plugin in a process that runs scenarios: their means, and what they count, sent to the controller."""

from __future__ import annotations

import os
import signal
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator, Set
from typing import Any

import pytest

from conformance.client.transport import Stopped, TargetLost
from conformance.config.profiles import PROFILES, Profile
from conformance.config.settings import Settings
from conformance.contract import catalogue
from conformance.scenario.process import Ground, Process
from conformance.scenario.pytest_plugin.markers import exercised, superfluous
from conformance.scenario.pytest_plugin.selection import in_shard, weight

PAYLOAD = "conformance"

SPENT = pytest.StashKey[str]()
"""Why a scenario was not run, or not to its end: which budget is spent."""


NO_ERRORS = (pytest.skip.Exception, pytest.fail.Exception, pytest.exit.Exception, KeyboardInterrupt, Stopped)
"""How a scenario may end without an error of the suite."""


class ConformancePlugin(ABC):
    """What controller and workers have in common: they run scenarios, and hand on what was counted."""

    process: Process | None = None

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Leaves out the scenarios that are left once the run is to end."""
        reason = self.process.halted if self.process is not None and exercised(item) else ""
        if reason:
            item.stash[SPENT] = reason
            pytest.skip(reason)

    def stop(self) -> None:
        """Ends all scenarios that are under way."""
        if self.process is not None:
            self.process.stop()

    def ready(self) -> Process:
        """The process to run scenarios with."""
        raise LookupError("a worker was given no target")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leaves out the scenarios of which no rule is selected, or that are another shard's; puts the weightiest
        first."""
        selected, settings = self.selection(), self.settings
        left_out = {
            item
            for item in items
            if (rules := exercised(item)) and not (rules & selected and in_shard(rules, settings.shard))
        } | superfluous(items, sparing=self.profile.sparing)
        if left_out:
            items[:] = [item for item in items if item not in left_out]
            config.hook.pytest_deselected(items=list(left_out))
        first = frozenset(settings.first)
        items.sort(key=lambda item: (bool(exercised(item) & first), *weight(exercised(item))), reverse=True)

    @property
    @abstractmethod
    def profile(self) -> Profile:
        """What this run may spend."""

    @abstractmethod
    def selection(self) -> Set[str]:
        """The rules of which this run makes scenarios."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Attaches what a scenario counted to its report, which is how it reaches the controller from any worker."""
        outcome = yield
        rules = exercised(item)
        if not rules:
            return
        payload: dict[str, Any] = self.process.drain() if self.process is not None and call.when == "call" else {}
        if call.when == "call":
            payload["seconds"] = dict.fromkeys(sorted(rules), call.duration / len(rules))
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, TargetLost):
            payload["lost"] = str(error)
        elif SPENT in item.stash:
            payload["spent"] = item.stash[SPENT]
        elif error is not None and not isinstance(error, NO_ERRORS):
            text = "".join(traceback.format_exception(error, limit=-6))
            payload.setdefault("ledger", {"tallies": {}, "errors": {}})["errors"].update(dict.fromkeys(rules, text))
        if payload:
            outcome.get_result().user_properties.append((PAYLOAD, payload))  # type: ignore[attr-defined]


class Worker(ConformancePlugin):
    """The plugin in a worker of pytest-xdist."""

    def __init__(self, ground: Ground | None, name: str) -> None:
        super().__init__(ground.settings if ground else Settings())
        self.process = Process(ground, name, os.getppid()) if ground else None
        # Ctrl-C reaches all processes of a terminal. It is the controller that ends its workers; they only hurry.
        signal.signal(signal.SIGINT, self._hurry)

    def _hurry(self, number: int, frame: object) -> None:
        del number, frame
        if self.process is not None:
            self.process.target.transport.stop()

    def ready(self) -> Process:
        """The process of this worker."""
        return self.process or super().ready()

    @property
    def profile(self) -> Profile:
        """What this run may spend."""
        return self.process.ground.profile if self.process else PROFILES[self.settings.profile]

    def selection(self) -> Set[str]:
        """The rules of which this run makes scenarios."""
        return self.process.ground.focus or self.process.selected if self.process else frozenset(catalogue())

    def pytest_sessionfinish(self) -> None:
        """Ends the threads of this worker; the controller deletes what is left."""
        self.stop()
        if self.process is not None:
            self.process.close()
