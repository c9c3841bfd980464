"""Shards and weights: each scenario in one shard, the same one everywhere, and the weightiest first."""

import json
from pathlib import Path

import pytest
from helpers.command_line import conformance
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.scenario.pytest_plugin.selection import in_shard, weight


@given(st.sets(st.sampled_from(sorted(catalogue())), min_size=1, max_size=5), st.integers(1, 9))
def test_each_scenario_is_in_one_shard(rules: set[str], count: int) -> None:
    assert sum(in_shard(rules, f"{number}/{count}") for number in range(1, count + 1)) == 1
    assert in_shard(rules, None)


def test_shards_are_the_same_everywhere() -> None:
    assert in_shard({"image.kind"}, "1/4")
    assert in_shard({"request-id.absent", "request-id.distinct"}, "1/4")


def test_what_does_the_most_harm_weighs_the_most() -> None:
    assert weight({"request-id.replay-after-done"}) > weight({"request-id.case"})
    assert weight({"image.kind", "request-id.case"}) > weight({"image.kind", "image.id"})
    assert weight({"image.kind", "image.id"}) > weight({"image.kind"}) > weight({"transport.json"})


@pytest.mark.slow
def test_merged_shards_are_a_whole_run(tmp_path: Path) -> None:
    with EmulatorProcess(faults=["image.kind/disk", "image.name.length/64-accepted"]) as emulator:
        options = (
            "--url",
            emulator.url,
            "--only",
            "image.kind",
            "--only",
            "image.name.*",
            "--require-complete",
            "-n",
            "1",
        )
        statuses = [
            conformance("run", *options, "--shard", f"{number}/3", "--out", str(number), folder=tmp_path).returncode
            for number in (1, 2, 3)
        ]
        whole = conformance("run", *options, "--out", "whole", folder=tmp_path)
    files = [f"{number}/results.json" for number in (1, 2, 3)]
    merged = conformance("report", *files, "--out", "merged", folder=tmp_path)
    assert merged.returncode == whole.returncode == max(statuses) == 1
    one, two = (
        json.loads((tmp_path / name / "results.json").read_text(encoding="utf-8")) for name in ("whole", "merged")
    )
    assert [(row["id"], row["verdict"]) for row in one["rules"]] == [
        (row["id"], row["verdict"]) for row in two["rules"]
    ]
