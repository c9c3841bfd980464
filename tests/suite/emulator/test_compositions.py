"""Compositions: many faults at once, each of which behaves as it does alone."""

from fnmatch import fnmatchcase

import pytest
import requests

from conformance.emulator.behaviour import Behaviour
from conformance.emulator.compositions import COMPOSITIONS, Composition
from conformance.emulator.faults import FAULTS
from conformance.emulator.faults.row import switched
from conformance.emulator.process import EmulatorProcess
from conformance.emulator.variants import VARIANTS


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda row: row.id)
def test_every_pattern_means_a_fault(composition: Composition) -> None:
    ids = [fault.id for fault in FAULTS]
    assert [glob for glob in composition.patterns if not any(fnmatchcase(name, glob) for name in ids)] == []
    assert set(composition.variants) <= {variant.id for variant in VARIANTS}
    assert len(composition.faults) >= 10


def test_switches_that_two_faults_turn_have_both_effects() -> None:
    behaviour = Behaviour()
    switched(conflicts=lambda age: age > 1, stale_labels_win=lambda age: age < 1, answer_delay=2.0)(behaviour)
    switched(conflicts=lambda age: age < 3, stale_labels_win=lambda age: age > 3, answer_delay=1.0)(behaviour)
    assert [behaviour.conflicts(age) for age in (0, 2, 4)] == [False, True, False]
    assert [behaviour.stale_labels_win(age) for age in (0, 2, 4)] == [True, False, True]
    assert behaviour.answer_delay == 2.0


@pytest.mark.parametrize("order", [1, -1])
def test_fault_whose_field_another_has_taken_does_nothing(order: int) -> None:
    """A missing and a mistyped targetLink: whichever comes first, the answer is one."""
    faults = ["operation.target-link/missing", "operation.target-link/other", "operation.id/number"][::order]
    with EmulatorProcess(faults=faults) as emulator:
        body = {"name": "one", "sourceImage": "global/images/base"}
        answer = requests.post(f"{emulator.url}/compute/beta/projects/p/global/images", json=body, timeout=5)
    assert answer.status_code == 200
    assert isinstance(answer.json()["id"], int)
    assert not answer.json().get("targetLink", "-other").endswith("one")


def test_store_that_keeps_twins_shows_both() -> None:
    with EmulatorProcess(faults=["image.name.unique/twins"], operation_seconds=0.0) as emulator:
        images = f"{emulator.url}/compute/beta/projects/p/global/images"
        for _ in range(2):
            requests.post(images, json={"name": "one", "sourceImage": "global/images/base"}, timeout=5)
        listed = [item for item in requests.get(images, timeout=5).json()["items"] if item["name"] == "one"]
        assert len({item["id"] for item in listed}) == 2
        requests.delete(f"{images}/one", timeout=5)
        assert requests.get(f"{images}/one", timeout=5).json()["id"] == listed[1]["id"]
