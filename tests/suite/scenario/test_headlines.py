"""What matters most is tried before all scenarios, so that a breach is told at once."""

from __future__ import annotations

import shutil

import pytest

from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess
from conformance.scenario.process import Process, new_ground


def tried(faults: list[str], profile: str = "quick", only: tuple[str, ...] = ()) -> tuple[set[str], int]:
    """The rules that are broken before any scenario, and how many requests it took beside the preflight's."""
    with EmulatorProcess(faults=faults) as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), profile=profile, only=only)
        ground = new_ground(settings, emulator.url, PROFILES[profile])
        process = Process(ground, "main")
        try:
            ground.findings = process.preflight()
            process.drain()
            process.try_headlines()
            counted = process.drain()
        finally:
            process.stop()
            process.close()
            shutil.rmtree(ground.folder)
    tallies = counted["ledger"]["tallies"]
    return {rule for rule, tally in tallies.items() if tally["breaches"]}, counted["cost"]["requests"]


@pytest.mark.parametrize(
    "fault",
    [
        "request-id.replay-creates-nothing/second-image",
        "image.name.unique/overwrites",
        "image.output-only.id/taken-over",
        "life.delete/image-stays",
    ],
)
def test_headline_rule_is_broken_before_the_first_scenario(fault: str) -> None:
    broken, _ = tried([fault])
    assert fault.partition("/")[0] in broken


def test_correct_target_breaks_nothing_in_few_requests() -> None:
    broken, requests = tried([])
    assert broken == set()
    assert 12 <= requests <= 60


@pytest.mark.parametrize(("profile", "only"), [("real", ()), ("quick", ("image.name.*",))])
def test_nothing_is_sent_where_requests_are_dear_or_few_rules_wanted(profile: str, only: tuple[str, ...]) -> None:
    assert tried([], profile, only) == (set(), 0)
