"""A gate does not depend on the day: two runs send the same requests, whatever machine and however many workers they
have."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.sent import sent

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.verdicts.results import Results

ONLY = (
    "request-id.*",
    "image.labels.*",
    "image.family.*",
    "image.description.*",
    "life.isolation",
    "life.concurrent-*",
    "labels.concurrent",
    "source.image.not-ready",
)


def exercised(results: Results) -> set[str]:
    """The rules that a run put to the test."""
    return {rule.id for rule in results.rules if rule.observations}


@pytest.mark.slow
def test_two_runs_send_the_same_requests_and_put_the_same_rules_to_the_test(tmp_path: Path) -> None:
    paths = [tmp_path / f"{workers}.har" for workers in (1, 2)]
    first, second = (
        judge(Settings(profile="ci", only=ONLY, workers=workers, second_project="other"), traffic=path)
        for workers, path in enumerate(paths, 1)
    )
    one, two = (sent(path) for path in paths)
    assert len(one) > 20
    assert {name: (cases - two[name], two[name] - cases) for name, cases in one.items() if cases != two[name]} == {}
    assert one.keys() == two.keys()
    assert exercised(first) == exercised(second) >= {"source.image.not-ready", "request-id.replay-while-running"}
