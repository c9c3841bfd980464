"""The tables agree with each other: every rule is put to the test, and has a fault that it catches."""

import pytest

from conformance.contract import catalogue, matching
from conformance.emulator.faults import FAULTS
from conformance.emulator.variants import VARIANTS
from conformance.plugin import exercised
from conformance.runner import scenarios


class _Collected:
    def __init__(self) -> None:
        self.rules: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self.rules |= exercised(item)


def test_every_rule_is_put_to_the_test(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    collected = _Collected()
    folder = scenarios()
    arguments = [
        str(folder),
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        "--import-mode=importlib",
        "-c",
        "/dev/null",
    ]
    pytest.main(
        [*arguments, "--collect-only", "-q", "-p", "conformance.plugin", "-p", "no:cacheprovider"], plugins=[collected]
    )
    capsys.readouterr()
    assert set(catalogue()) - collected.rules == set()


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
