"""Scenarios are tests like any other to pytest: what its users know of fixtures, output, `-x` and `--pdb` holds for
them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.emulator.process import EmulatorProcess

SCENARIOS = """
import pathlib, pytest
from conformance.contract.plain_bodies import minimal

@pytest.fixture
def description(tmp_path):
    print("fixture of", tmp_path.name)
    return " with blanks "

@pytest.mark.exercises("image.name.length")
def test_one_that_holds(scenario):
    print("output of the first")
    scenario.once(lambda api: api.create(minimal(scenario.sources)))

@pytest.mark.exercises("image.description.round-trip")
def test_one_that_is_broken(scenario, description):
    print("output of the second")
    scenario.once(lambda api: api.create({**minimal(scenario.sources), "description": description}))

@pytest.mark.exercises("image.id")
def test_one_after_it(scenario):
    pathlib.Path("reached").touch()
    scenario.once(lambda api: api.create(minimal(scenario.sources)))

@pytest.mark.exercises("life.list-once")
def test_one_that_goes_wrong(scenario):
    clue = "the clue"
    scenario.each([1, 2], lambda api, number: number / 0)
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with EmulatorProcess(faults=["image.description.round-trip/trimmed"]) as emulator:
        yield emulator.url


def run(folder: Path, url: str, *options: str, answers: str = "") -> str:
    """What pytest says of the scenarios above."""
    (folder / "test_scenarios.py").write_text(SCENARIOS, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conformance.scenario.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "--url",
        url,
    ]
    done = subprocess.run(
        [*command, *options, "test_scenarios.py"],
        cwd=folder,
        input=answers,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout


def test_a_second_fixture_and_captured_output(tmp_path: Path, url: str) -> None:
    said = run(tmp_path, url, "-k", "holds or broken")
    assert "1 failed, 1 passed" in said
    assert "image.description.round-trip: " in said
    assert "fixture of test_one_that_is_broken0" in said
    assert "output of the second" in said
    assert "output of the first" not in said


def test_nothing_is_run_after_the_first_failure(tmp_path: Path, url: str) -> None:
    said = run(tmp_path, url, "-x")
    assert "1 failed, 1 passed" in said
    assert not (tmp_path / "reached").exists()


def test_the_debugger_is_where_it_went_wrong(tmp_path: Path, url: str) -> None:
    said = run(tmp_path, url, "-k", "goes_wrong", "--pdb", answers="p number\nup\nq\n")
    assert "ZeroDivisionError" in said
    assert "(Pdb) 1" in said
