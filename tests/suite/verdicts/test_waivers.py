"""Known failures: they don't gate as long as they last, and a waiver that is to be removed does."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from helpers.command_line import conformance
from helpers.recorded import Recorded, image

from conformance.emulator.process import EmulatorProcess

FAULTS = ("image.kind/disk", "image.name.length/64-accepted")
ONLY = (
    "--only",
    "image.kind",
    "--only",
    "image.name.length",
    "--only",
    "image.id",
    "-n",
    "1",
)
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
    ],
)
def test_waiver_that_is_to_be_removed_fails_the_run_in_every_report(tmp_path: Path, row: str, state: str) -> None:
    status, results = run(tmp_path, waiver("image.kind"), waiver("image.name.*"), row)
    assert status == 1
    assert results["waivers"][2]["state"] == state
    assert any(state.removeprefix("is ").split()[0] in note for note in results["notes"])
    assert results["summary"]["verdict"] == "inconclusive"
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for path in (tmp_path / "compliance-report").iterdir()
        if path.is_file()
    }
    assert "inconclusive" in texts["badge.svg"]
    assert "1 waiver to be removed" in texts["summary.md"]
    assert '<header class="amber">' in texts["report.html"]
    failures = ElementTree.fromstring(texts["junit.xml"]).findall(".//failure")
    assert ["to be removed" in str(failure.get("message")) for failure in failures] == [True]


def test_waiver_of_no_rule_is_found_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "waivers.toml").write_text(waiver("image.kindd"), encoding="utf-8")
    done = conformance("run", folder=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in ("waiver 1", "image.kindd", "image.kind"))
    assert not (tmp_path / "compliance-report").exists()


def test_waiver_needs_neither_target_nor_link(tmp_path: Path) -> None:
    row = f'[[waiver]]\nrule = "image.{{rule}}"\nreason = "known"\nexpires = {LATER}\n'
    status, results = run(tmp_path, row.format(rule="kind"), row.format(rule="name.*"))
    assert status == 0
    assert verdict(results, "image.kind") == "waived"


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
    assert not any("127.0.0.1" in row.get("target", "") for row in rules), "the port is another one tomorrow"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[[waiver]]\nrule = 'image.kind'\n", ["waiver 1", "reason"]),
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


# Recordings


@pytest.mark.parametrize(
    ("rows", "expected", "state"),
    [
        ((waiver("image.kind", target="https://compute.googleapis.com*"),), (0, "waived"), "in use"),
        ((waiver("image.kind", target="http://127.0.0.1:*"),), (1, "failed"), "unused"),
        ((waiver("image.kind", target="*", expires=EARLIER),), (1, "failed"), "expired"),
        # That a recording does not show a breach is no proof that the target is mended.
        ((waiver("image.kind", target="*"), waiver("image.id*", target="*")), (0, "waived"), "in use"),
    ],
)
def test_waivers_of_a_recording(rows: tuple[str, ...], expected: tuple[int, str], state: str, tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text("\n".join(rows), encoding="utf-8")
    path = Recorded().made().get(image(kind="compute#disk")).written(tmp_path)
    done = conformance("check", str(path), "--waivers", "known.toml", folder=tmp_path)
    results = json.loads((tmp_path / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    assert (done.returncode, verdict(results, "image.kind")) == expected, done.stdout
    assert results["waivers"][0]["state"] == state


def test_waivers_are_about_targets_not_clients(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(waiver("image.kind"), encoding="utf-8")
    path = Recorded().made().written(tmp_path)
    done = conformance("check", str(path), "--client", "--waivers", "known.toml", folder=tmp_path)
    assert done.returncode == 2
    assert "waivers is 'known.toml', but waivers are about targets" in done.stderr
