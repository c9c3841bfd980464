"""Scenarios that start before their turn, so that one acts while another waits for its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from conformance.scenario.scenario import Scenario

FIXTURE = "scenario"


class Ahead:
    """Runs scenario tests in threads of their own, in the order of pytest but several at a time.

    Args:
        size: how many act at a time, the one whose turn it is among them.
        prepare: makes the means of a scenario test; None for a test that is to be skipped.
    """

    def __init__(self, size: int, prepare: Callable[[pytest.Function], Scenario | None]) -> None:
        self._size = size
        self._prepare = prepare
        self._pool = ThreadPoolExecutor(size)
        self._started: dict[str, tuple[Scenario, Future[Any]]] = {}

    def start(self, items: Iterable[pytest.Item | None]) -> None:
        """Starts the first of these tests, as many as may act at a time; those that use other fixtures wait for their turn."""
        for item in list(items)[: self._size]:
            if not isinstance(item, pytest.Function) or item.nodeid in self._started:
                continue
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            arguments = {name: parameters[name] for name in item.fixturenames if name in parameters}
            if set(item.fixturenames) - set(arguments) - {"request"} != {FIXTURE}:
                continue
            scenario = self._prepare(item)
            if scenario is not None:
                self._started[item.nodeid] = (scenario, self._pool.submit(item.obj, scenario=scenario, **arguments))

    def scenario(self, item: pytest.Item) -> Scenario | None:
        """The means of a test that has been started; None where it has not."""
        started = self._started.get(item.nodeid)
        return started[0] if started else None

    def finish(self, item: pytest.Item) -> bool:
        """Waits for a test that has been started; answers whether it had been. What it raised is raised here."""
        started = self._started.pop(item.nodeid, None)
        if started is None:
            return False
        started[1].result()
        return True

    def close(self) -> None:
        """Waits for the tests that have been started; others don't start any more."""
        self._pool.shutdown(cancel_futures=True)
