"""What can break off a run, from outside and from within: what is known is written, and what was made is deleted."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bad_target import BadTarget, Line, in_front_of, said
from helpers.command_line import conformance, names
from hypothesis import strategies

from conformance.commands.run import judge
from conformance.config import settings as configuration
from conformance.config.settings import Settings
from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.strategies import bodies
from conformance.verdicts.verdict import Verdict


@pytest.fixture
def emulator() -> Iterator[str]:
    with EmulatorProcess() as process:
        yield process.url


def started(url: str, folder: Path, *options: str) -> subprocess.Popen[str]:
    """A run in a folder that goes on for a while, as a group of processes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "conformance", "run", "--url", url, "--rate", "40", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(holds: Callable[[], object]) -> None:
    """Waits for something that is about to happen."""
    end = time.monotonic() + 60
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    assert holds()


def written(folder: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((folder / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    return results


def passed(folder: Path) -> int:
    """How many rules have passed, by the results on disk."""
    path = folder / "compliance-report" / "results.json"
    return int(written(folder)["summary"]["counts"]["passed"]) if path.is_file() else 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupt_from_the_terminal(emulator: str, tmp_path: Path, workers: str) -> None:
    """Ctrl-C reaches all processes of the group."""
    process = started(emulator, tmp_path, "-n", workers)
    until(lambda: names(emulator))
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.count("Ctrl-C again") == 1
    assert written(tmp_path)["summary"]["exit_status"] == 130
    assert (tmp_path / "compliance-report" / "report.html").is_file()
    assert not names(emulator)


def test_second_interrupt_stops_at_once(emulator: str, tmp_path: Path) -> None:
    with BadTarget(in_front_of(emulator, said(Line.silence, 1, 100))) as target:
        process = started(target.url, tmp_path, "-n", "1")
        until(lambda: len(target.asked) > 100)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Ctrl-C again" in first
    assert f"conformance sweep --url {target.url}" in rest
    assert written(tmp_path)["summary"]["verdict"] == "inconclusive"


def test_results_so_far_survive_a_kill(emulator: str, tmp_path: Path) -> None:
    process = started(emulator, tmp_path, "-n", "1")
    until(lambda: passed(tmp_path))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert written(tmp_path)["summary"]["exit_status"] == 130


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.slow
def test_killed_worker_is_an_error_of_the_suite(emulator: str, tmp_path: Path) -> None:
    process = started(emulator, tmp_path, "-n", "2")
    until(lambda: passed(tmp_path))
    worker = next(worker for child in children(process.pid) for worker in children(child))
    os.kill(worker, signal.SIGKILL)
    until(lambda: written(tmp_path)["summary"]["exit_status"] == 4)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=90)
    assert process.returncode == 4, output + errors
    assert "died during" in written(tmp_path)["summary"]["reason"]
    assert "Traceback" not in output + errors
    assert not names(emulator)


def test_nobody_reads_the_output(emulator: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "run", "--url", emulator, "--only", "transport.json", "-n", "1"]
    for redirected in ("| true", "> /dev/full", ">&-"):
        words = " ".join(f"'{word}'" for word in command)
        script = f"set -o pipefail; {words} {redirected}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_results_cannot_be_written_any_more(emulator: str, tmp_path: Path) -> None:
    process = started(emulator, tmp_path, "-n", "1", "--only", "transport.json")
    until(lambda: (tmp_path / "compliance-report").is_dir())
    folder = tmp_path / "compliance-report"
    until(lambda: (folder / "results.json").is_file())
    folder.rename(tmp_path / "moved")
    folder.write_text("in the way", encoding="utf-8")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "conformant" in output
    assert errors.splitlines()[-1].startswith("conformance: the results could not be written to 'compliance-report'")
    assert "Traceback" not in errors
    assert not names(emulator)


def test_rule_that_raises_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(history: object) -> Iterator[None]:
        raise RuntimeError(f"a mistake of ours in {history}")
        yield

    rules = {**catalogue(), "image.kind": dataclasses.replace(catalogue()["image.kind"], judge=raises)}
    monkeypatch.setattr("conformance.scenario.process.catalogue", lambda: rules)
    results = judge(Settings(workers=1), focus=("image.kind",))
    rows = {row.id: row for row in results.rules}
    assert results.summary.exit_status == 4
    assert rows["image.kind"].verdict == "error"
    assert "a mistake of ours" in rows["image.kind"].reason
    assert rows["image.description.round-trip"].verdict == "passed"


def test_strategy_that_fails_its_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    hopeless = strategies.integers().filter(lambda number: number < 0 < number)
    monkeypatch.setattr(bodies, "valid", lambda *given, **more: hopeless)
    results = judge(Settings(workers=1), focus=("image.kind",))
    errors = [row for row in results.rules if row.verdict == "error"]
    assert results.summary.exit_status == 4
    assert any("Unsatisfiable" in row.reason or "FailedHealthCheck" in row.reason for row in errors)
    assert results.summary.counts[Verdict.PASSED]


UNTRUSTED: tuple[tuple[str, bytes, str], ...] = (
    ("an integer without end", b"seed = " + b"9" * 5000, "not valid TOML"),
    ("more requests than can be counted", b"max_requests = 9999999999999999999999", "less than or equal to"),
    ("more images than can be counted", b"max_images = 9999999999999999999999", "less than or equal to"),
    ("lists without end", b"only = " + b"[" * 50_000, "not valid TOML"),
    ("no text", b'project = "\xff"', "not valid TOML"),
    ("too much", b"#" * (configuration.FILE_MAXIMUM + 1), "larger than 1 MB"),
    ("a path that is none", b'out = "a\\u0000b"', "cannot be written to"),
    ("escape codes", b'url = "\\u001b[2J"', "http://"),
    ("a host that is no name", 'url = "http://\u202e.example"'.encode(), "http://"),
    ("a header that is no ASCII", b'header = "Name: \\u20ac"', "Name: value"),
    ("tables for texts", b"out = {a = 1}", "out is"),
    ("numbers for tables", b"capabilities = 3", "capabilities is"),
    ("a number for a source", b"[sources]\nimage = 3", "sources is"),
)


@pytest.mark.parametrize(("content", "says"), [row[1:] for row in UNTRUSTED], ids=[row[0] for row in UNTRUSTED])
def test_untrusted_configuration(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "conformance.toml").write_bytes(content)
    done = conformance("run", folder=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("key", ["waivers", "since", "credentials", "ca_bundle"])
def test_file_that_is_not_there(key: str, tmp_path: Path) -> None:
    option = f"--{key.replace('_', '-')}"
    done = conformance("run", "--dry-run", option, "missing", folder=tmp_path)
    assert done.returncode == 2
    assert f"{option[2:]} is 'missing' (set by {option}); allowed is a file that exists" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_configuration_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = conformance("run", "--config", "pipe", folder=tmp_path)
    assert done.returncode == 2
    assert "no file" in done.stderr
