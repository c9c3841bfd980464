"""The command line as a user meets it: its sentences, its exit statuses, and what it leaves behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import conformance, names

from conformance.contract import catalogue
from conformance.emulator.faults import FAULTS
from conformance.emulator.process import EmulatorProcess
from conformance.verdicts.results import Results, read_results, write_results
from conformance.verdicts.verdict import Verdict


@pytest.fixture
def emulator() -> Iterator[str]:
    with EmulatorProcess() as process:
        yield process.url


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--project", ""], {}, ["project", "--project"]),
        (["--profile", "nonsense"], {}, ["nonsense", "quick", "--profile"]),
        (["--url", "ftp://x"], {}, ["ftp://x", "http"]),
        (["--only", "no-such-rule"], {}, ["no-such-rule"]),
        (["--require", "no-such-field"], {}, ["no-such-field", "--require", "licenses"]),
        (["--header", "nonsense"], {}, ["Name: value"]),
        ([], {"CONFORMANCE_PROFILE": "nonsense"}, ["nonsense", "CONFORMANCE_PROFILE"]),
        ([], {"CONFORMANCE_PROFIL": "quick"}, ["CONFORMANCE_PROFIL", "CONFORMANCE_PROFILE"]),
        (["--no-such-option"], {}, ["--no-such-option"]),
    ],
)
def test_mistake_gets_one_sentence(
    arguments: list[str], environment: dict[str, str], words: list[str], tmp_path: Path
) -> None:
    done = conformance("run", *arguments, folder=tmp_path, **environment)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words)


def test_unknown_key_in_the_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "conformance.toml").write_text('projct = "p"\n', encoding="utf-8")
    done = conformance("run", folder=tmp_path)
    assert done.returncode == 2
    assert "projct" in done.stderr
    assert "project" in done.stderr


def test_target_that_is_down(tmp_path: Path) -> None:
    done = conformance("run", "--url", "http://127.0.0.1:1", folder=tmp_path)
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    results = json.loads((tmp_path / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    assert results["summary"]["verdict"] == "inconclusive"
    assert not results["summary"]["counts"]["failed"]


class _Empty(BaseHTTPRequestHandler):
    """Answers 200 and `{}` to everything."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


def test_server_that_is_not_this_api(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = conformance("run", "--url", f"http://127.0.0.1:{server.server_port}", folder=tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 3
    assert "not the Compute Engine API" in done.stderr


def test_run_against_a_url(emulator: str, tmp_path: Path) -> None:
    done = conformance("run", "--url", emulator, "--only", "request-id.*", "-n", "2", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    verdicts = {row["id"]: row["verdict"] for row in results["rules"]}
    assert verdicts["request-id.replay-after-done"] == "passed"
    assert verdicts["image.kind"] == "left_out"
    assert names(emulator) == set()


def test_nothing_is_left_after_an_interruption(emulator: str, tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "conformance",
                "run",
                "--url",
                emulator,
                "-n",
                "2",
                "--out",
                str(tmp_path / number.name),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        _wait_for_images(emulator)
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert (tmp_path / number.name / "results.json").is_file()
        assert names(emulator) == set()


def _wait_for_images(url: str) -> None:
    end = time.monotonic() + 60
    while not names(url) and time.monotonic() < end:
        time.sleep(0.02)
    assert names(url)


def test_broken_server_is_told_by_rule(tmp_path: Path) -> None:
    with EmulatorProcess(faults=["operation.status-monotonic/done-then-running"]) as emulator:
        done = conformance("run", "--url", emulator.url, "--only", "operation.status-monotonic", folder=tmp_path)
    assert done.returncode == 1
    assert "operation.status-monotonic" in done.stdout
    assert (tmp_path / "compliance-report" / "failures" / "operation.status-monotonic" / "reproduce.sh").is_file()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_run_that_stops_at_the_first_failure_is_a_failed_one(workers: str, tmp_path: Path) -> None:
    with EmulatorProcess(faults=["operation.kind/image"]) as emulator:
        done = conformance("run", "--url", emulator.url, "--fail-fast", "-n", workers, folder=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    results = read_results(tmp_path / "compliance-report" / "results.json")
    assert results.summary.verdict == "non-conformant"
    assert "--fail-fast" in results.summary.coverage.partial
    assert results.summary.counts[Verdict.NOT_EXERCISED] > 50


def test_rules_and_explain(tmp_path: Path) -> None:
    listed = conformance("rules", "request-id.*", "--json", folder=tmp_path)
    assert {row["area"] for row in json.loads(listed.stdout)} == {"request-id"}
    explained = conformance("explain", "request-id.zero-refused", folder=tmp_path)
    assert "basis      doc" in explained.stdout
    assert f"grounds    {catalogue()['request-id.zero-refused'].grounds}" in explained.stdout
    assert "request-id.zero-refused/unchecked" in explained.stdout
    mistaken = conformance("explain", "request-id.zero", folder=tmp_path)
    assert mistaken.returncode == 2
    assert "request-id.zero-refused" in mistaken.stderr


@pytest.mark.slow
def test_two_targets_are_compared(tmp_path: Path) -> None:
    options = ["--only", "image.name.length,image.kind", "--out", str(tmp_path / "out")]
    with EmulatorProcess() as good, EmulatorProcess(faults=["image.name.length/64-accepted"]) as broken:
        alike = conformance("compare", good.url, good.url, *options, folder=tmp_path)
        apart = conformance("compare", good.url, broken.url, *options, folder=tmp_path)
    assert alike.returncode == 0, alike.stderr
    assert "the targets agree" in alike.stdout
    assert apart.returncode == 1, apart.stderr
    assert "image.name.length" in apart.stdout
    assert "disagree on 1 rule" in apart.stdout
    assert (tmp_path / "out" / "second" / "report.html").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["check", "recorded.har"],
        ["record", "--url", "http://127.0.0.1:1"],
        ["compare", "http://127.0.0.1:1", "http://127.0.0.1:2"],
        ["report", "results.json"],
        ["prove", "image.kind/disk"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_command_that_writes_looks_first_whether_it_can(
    arguments: list[str], tmp_path: Path, conformant: Results
) -> None:
    write_results(conformant, tmp_path)
    (tmp_path / "file").touch()
    done = conformance(*arguments, "--out", "file", folder=tmp_path)
    assert done.returncode == 2, done.stderr
    sentence = "conformance: out is 'file', which cannot be written to (File exists); name another folder with --out."
    assert done.stderr.strip().splitlines() == [sentence]


def test_without_a_command_the_usage_is_shown(tmp_path: Path) -> None:
    done = conformance(folder=tmp_path)
    assert done.returncode == 2
    assert "\\x" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) > 10


def test_example_of_the_emulator_names_a_fault(tmp_path: Path) -> None:
    shown = conformance("emulator", "--help", folder=tmp_path, COLUMNS="200").stdout
    (fault,) = re.findall(r"--fault (\S+/\S+)", shown)
    assert fault in {row.id for row in FAULTS}
