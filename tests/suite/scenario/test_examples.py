"""Examples that fail are kept: the next run tries them first, on whatever machine it is."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest
from helpers.command_line import conformance
from hypothesis import strategies as st

from conformance.client.api import Api
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract.insert_request import FreshName, InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.emulator.process import EmulatorProcess
from conformance.scenario.process import Process, new_ground

SMALLEST = 1000
"""Numbers from here on make a name that is too long."""


def tried(url: str, database: Path, seed: int) -> list[int]:
    """The numbers that a run tries on a server that accepts names which are too long, in order."""
    sources = embedded_sources("conformance")
    settings = Settings(url=url, sources=sources, profile="thorough", examples=str(database), seed=seed, workers=1)
    ground = new_ground(settings, url, PROFILES["thorough"])
    process, numbers = Process(ground, "main"), list[int]()

    def act(api: Api, number: int) -> None:
        numbers.append(number)
        api.create(InsertRequest(minimal(sources), name=FreshName("-z", 64 if number >= SMALLEST else 63)))

    try:
        process.scenario("test_numbers").examples(st.integers(0, 2**30), act)
    finally:
        process.stop()
        process.close()
        shutil.rmtree(ground.folder)
    return numbers


def test_example_that_failed_comes_first_in_the_next_run(tmp_path: Path) -> None:
    with EmulatorProcess(faults=["image.name.length/64-accepted"]) as emulator:
        first, second, other = (
            tried(emulator.url, tmp_path / folder, seed) for folder, seed in (("kept", 1), ("kept", 2), ("fresh", 2))
        )
    assert first[-1] != first[0]
    assert SMALLEST in first
    assert second[0] == SMALLEST
    assert other[0] != SMALLEST


@pytest.mark.skipif(importlib.util.find_spec("redis") is not None, reason="the client of Redis is installed")
def test_redis_without_its_client_is_a_mistake(tmp_path: Path) -> None:
    done = conformance("run", "--examples", "redis://127.0.0.1:1", folder=tmp_path)
    assert done.returncode == 2
    assert "[redis]" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
