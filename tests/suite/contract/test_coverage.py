"""The tables agree with each other: every rule is put to the test, and has a fault that it catches."""

import re

import pytest

from conformance.commands.run import scenarios
from conformance.config.profiles import PROFILES
from conformance.contract import catalogue, matching
from conformance.emulator.faults import FAULTS
from conformance.emulator.variants import VARIANTS
from conformance.scenario.pytest_plugin.markers import SPARING, exercised


class _Collected:
    def __init__(self) -> None:
        self.rules: set[str] = set()
        self.tests: set[str] = set()
        self.sparing: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            name = item.name.partition("[")[0]
            self.rules |= exercised(item)
            self.tests.add(name)
            if item.get_closest_marker(SPARING):
                self.sparing.add(name)


def collected_by(profile: str, module: str = "") -> _Collected:
    """What a run of a profile collects of the scenarios."""
    collected = _Collected()
    folder = scenarios()
    arguments = [
        str(folder / module),
        f"--profile={profile}",
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        "--import-mode=importlib",
        "-c",
        "/dev/null",
    ]
    silent = [
        "--collect-only",
        "-p",
        "conformance.scenario.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
    ]
    pytest.main([*arguments, *silent], plugins=[collected])
    return collected


@pytest.fixture(autouse=True)
def no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_rule_is_put_to_the_test(profile: str) -> None:
    assert set(catalogue()) - collected_by(profile).rules == set()


def test_where_images_are_dear_scenarios_that_cover_many_rules_take_the_place_of_others() -> None:
    usual, dear = collected_by("quick"), collected_by("real")
    assert not usual.sparing
    assert dear.sparing
    assert "test_images_in_lists" in usual.tests - dear.tests
    assert "test_image_that_is_not_ready_is_no_source" in usual.tests & dear.tests


def test_what_nothing_takes_the_place_of_is_not_left_out() -> None:
    assert collected_by("real", "test_life.py").tests == collected_by("quick", "test_life.py").tests != set()


def test_every_rule_has_a_fault_that_it_catches() -> None:
    assert set(catalogue()) - {fault.rule for fault in FAULTS} == set()


def test_every_fault_breaks_a_rule_of_the_catalogue() -> None:
    assert {fault.rule for fault in FAULTS} <= set(catalogue())
    for fault in FAULTS:
        for glob in fault.also:
            assert matching([glob], catalogue()), f"{fault.id} names {glob}"


def test_ids_are_unique() -> None:
    names = [row.id for row in FAULTS] + [row.id for row in VARIANTS]
    assert len(names) == len(set(names))


def test_rules_stand_on_rules_of_the_catalogue() -> None:
    for rule in catalogue().values():
        assert set(rule.requires) <= set(catalogue()), rule.id
        assert rule.id not in rule.requires
        assert rule.statement.endswith(".")
        assert rule.reference


def test_every_rule_has_grounds_of_its_own_in_one_sentence() -> None:
    grounds = [rule.grounds for rule in catalogue().values()]
    assert len(set(grounds)) == len(grounds)
    for sentence in grounds:
        assert re.fullmatch(r"[A-Za-z][^\n]{38,}[^.]\.", sentence), sentence
        assert not re.search(r"[.!?] [A-Z]", sentence), sentence
