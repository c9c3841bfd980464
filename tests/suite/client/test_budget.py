"""What a run may spend: its time, on machines that others use as well."""

from __future__ import annotations

import os
import time

import pytest

from conformance.client.budget import Budget, BudgetSpent, Limits, TimeOver, crowding

CORES = os.cpu_count() or 1


def overdue(seconds: float, *, told: bool) -> Budget:
    """A budget whose ten seconds were over some seconds ago."""
    return Budget(Limits(seconds=10.0, end=time.time() - seconds, told=told))


def busy(patch: pytest.MonkeyPatch, load: float) -> None:
    """Makes so many processes want a processor."""
    patch.setattr(os, "getloadavg", lambda: (load, load, load))


@pytest.mark.parametrize("load", [0.5, 4.0])
def test_time_is_over_on_a_machine_of_its_own(load: float, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(monkeypatch, load)
    assert crowding() == 1.0
    with pytest.raises(TimeOver, match="after 10 s"):
        overdue(1.0, told=False).request()


def test_a_machine_that_others_use_gives_a_run_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    busy(monkeypatch, 4.0 + 3 * CORES)
    assert crowding() == pytest.approx(3.0)
    overdue(19.0, told=False).request()
    with pytest.raises(TimeOver, match="after 30 s"):
        overdue(21.0, told=False).request()


def test_time_that_the_user_has_told_is_kept_on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    busy(monkeypatch, 4.0 + 3 * CORES)
    with pytest.raises(BudgetSpent, match="--max-time"):
        overdue(1.0, told=True).request()


def test_no_time_is_over_where_none_is_set() -> None:
    Budget(Limits()).request()
    overdue(-5.0, told=True).request()
