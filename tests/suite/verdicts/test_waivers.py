"""Known failures: they don't gate as long as they last, and a waiver that has had its day does."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import conformance

from conformance.emulator.process import EmulatorProcess

FAULTS = ("image.kind/disk", "image.name.length/64-accepted")
ONLY = ("--only", "image.kind", "--only", "image.name.length", "--only", "image.id", "-n", "1", "--no-save-traffic")
LATER = datetime.now(UTC).date() + timedelta(30)
EARLIER = datetime.now(UTC).date() - timedelta(1)


def waiver(
    rule: str, *, target: str = "http://127.0.0.1:*", link: str = "https://issues/1", expires: Any = LATER
) -> str:
    """A waiver as it stands in the file."""
    return f'[[waiver]]\nrule = "{rule}"\ntarget = "{target}"\nreason = "known"\nlink = "{link}"\nexpires = {expires}\n'


def run(folder: Path, *waivers: str, arguments: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
    """Judges a broken emulator with waivers; answers exit status and results."""
    if waivers:
        (folder / "waivers.toml").write_text("\n".join(waivers), encoding="utf-8")
    with EmulatorProcess(faults=FAULTS) as emulator:
        done = conformance("run", "--url", emulator.url, *ONLY, *arguments, folder=folder)
    results: dict[str, Any] = json.loads((folder / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    return done.returncode, results


def verdict(results: dict[str, Any], rule: str) -> str:
    return str(next(row["verdict"] for row in results["rules"] if row["id"] == rule))


def test_waived_failures_do_not_gate_and_stay_in_the_report(tmp_path: Path) -> None:
    status, results = run(tmp_path, waiver("image.kind"), waiver("image.name.*"))
    assert status == 0
    assert verdict(results, "image.kind") == verdict(results, "image.name.length") == "waived"
    assert all(row["breaches"] for row in results["rules"] if row["verdict"] == "waived")
    assert [row["state"] for row in results["waivers"]] == ["in use", "in use"]


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (waiver("image.id"), "stale"),
        (waiver("image.id", expires=EARLIER), "expired"),
        (waiver("no-such-rule.*"), "matches no rule"),
    ],
)
def test_waiver_that_has_had_its_day_gates(tmp_path: Path, row: str, state: str) -> None:
    status, results = run(tmp_path, waiver("image.kind"), waiver("image.name.*"), row)
    assert status == 1
    assert results["waivers"][2]["state"] == state
    assert any(state.removeprefix("is ").split()[0] in note for note in results["notes"])


def test_expired_waiver_waives_nothing(tmp_path: Path) -> None:
    status, results = run(tmp_path, waiver("image.kind", expires=EARLIER), waiver("image.name.*"))
    assert status == 1
    assert verdict(results, "image.kind") == "failed"


def test_waiver_of_another_target_is_none(tmp_path: Path) -> None:
    other = waiver("image.*", target="https://elsewhere/*")
    status, results = run(tmp_path, other)
    assert status == 1
    assert verdict(results, "image.kind") == "failed"
    assert results["waivers"][0]["state"] == "unused"


def test_file_is_written(tmp_path: Path) -> None:
    other = waiver("image.*", target="https://elsewhere/*")
    status, results = run(tmp_path, waiver("image.id"), other, arguments=("--update-waivers",))
    assert status == 0
    assert {row["rule"] for row in results["waivers"]} == {"image.*", "image.kind", "image.name.length"}
    rules = tomllib.loads((tmp_path / "waivers.toml").read_text(encoding="utf-8"))["waiver"]
    assert [row["rule"] for row in rules] == [row["rule"] for row in results["waivers"]]
    assert rules[1]["expires"] > LATER


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[waiver]]\nrule = 'image.kind'\n", ["waiver 1", "target"]),
        (waiver("image.kind", link="issue 1"), ["link", "https://"]),
        (waiver("image.kind", expires='"soon"'), ["expires"]),
        (waiver("image.kind") + "why = 'x'\n", ["why"]),
        ("waivers = 1\n", ["[[waiver]]"]),
        ("[[waiver", ["TOML"]),
    ],
)
def test_file_with_a_mistake_gets_one_sentence(tmp_path: Path, content: str, words: list[str]) -> None:
    (tmp_path / "waivers.toml").write_text(content, encoding="utf-8")
    done = conformance("run", folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr
