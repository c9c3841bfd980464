"""What the author of an implementation does all day: start it, judge it, mend it, judge it again."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest
from helpers.command_line import conformance
from rich.console import Console

from conformance.scenario.pytest_plugin.progress import Progress

pytestmark = pytest.mark.slow

SERVER = """
import subprocess, sys, time
faults = open("faults.txt").read().split()
command = [sys.executable, "-m", "conformance", "emulator", "--port", sys.argv[1]]
child = subprocess.Popen([*command, *(word for fault in faults for word in ("--fault", fault))])
open("children.txt", "a").write(f"{child.pid}\\n")
if "--die" in sys.argv:
    time.sleep(4)
    child.kill()
    print("out of \\x1b[31mmemory")
    sys.exit(9)
child.wait()
"""
START = f"{shlex.quote(sys.executable)} server.py {{port}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    (tmp_path / "faults.txt").write_text("image.kind/missing", encoding="utf-8")
    return tmp_path


def results_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    return found


def alive(folder: Path) -> list[int]:
    """The children of the started targets that still run."""
    found = []
    for pid in map(int, (folder / "children.txt").read_text(encoding="utf-8").split()):
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().split()[2] != "Z":
            found.append(pid)
    return found


def test_target_is_started_judged_and_stopped_with_its_children(folder: Path) -> None:
    done = conformance("run", "--start", START, "--only", "image.kind,image.id", folder=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "broken: image.kind: " in done.stdout
    assert not alive(folder)
    assert "listening http" in (folder / "compliance-report" / "target.log").read_text(encoding="utf-8")
    found = results_in(folder)
    assert found["run"]["command"] == shlex.join(
        ["conformance", "run", "--start", START, "--only", "image.kind", "--only", "image.id"]
    )
    again = conformance("run", "--start", START, "--last-failed", folder=folder)
    assert again.returncode == 1
    assert "1 failed, " in again.stdout
    assert " passed" not in again.stdout.splitlines()[-3]


def test_what_got_worse_comes_first_and_next_names_it(folder: Path) -> None:
    words = ("run", "--start", START, "--only", "image.kind,image.id")
    assert conformance(*words, folder=folder).returncode == 1
    (folder / "compliance-report" / "results.json").rename(folder / "old.json")
    (folder / "faults.txt").write_text("image.kind/missing image.id/number", encoding="utf-8")
    done = conformance(*words, "--since", "old.json", folder=folder)
    assert "worse since " in done.stdout
    assert done.stdout.index("✗ image.id") < done.stdout.index("✗ image.kind")
    assert results_in(folder)["since"]["worse"] == ["image.id"]
    told = conformance("next", "--json", folder=folder)
    task = json.loads(told.stdout)
    assert (told.returncode, task["rule"], task["left"]) == (1, "image.id", 1)
    assert task["request"].startswith("curl ")
    assert "image.id failed" in conformance("next", folder=folder).stdout
    (folder / "faults.txt").write_text("", encoding="utf-8")
    done = conformance(*words, "--since", "old.json", folder=folder)
    assert "better since " in done.stdout
    told = conformance("next", folder=folder)
    assert (told.returncode, told.stdout) == (0, "nothing to mend: no rule was seen broken\n")


def test_a_run_without_a_verdict_leaves_no_one_in_peace(tmp_path: Path) -> None:
    """That no rule was seen broken is no good news where nothing could be judged."""
    assert conformance("run", "--url", "http://127.0.0.1:1", folder=tmp_path).returncode == 3
    told = conformance("next", folder=tmp_path)
    assert told.returncode == 3
    assert told.stdout.startswith("nothing was judged: the target at http://127.0.0.1:1")
    page = (tmp_path / "compliance-report" / "report.html").read_text(encoding="utf-8")
    assert "Nothing was judged" in page
    assert "Nothing to mend" not in page


def test_target_that_dies_makes_no_verdict(folder: Path) -> None:
    done = conformance("run", "--start", f"{START} --die", folder=folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the target that --start began ended with status 9" in done.stderr
    assert "out of \\x1b[31mmemory" in done.stderr
    assert results_in(folder)["summary"]["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("command", "status", "sentence"),
    [
        ("no-such-command", 3, "start is 'no-such-command', which cannot be run: No such file or directory."),
        (f"{shlex.quote(sys.executable)} -c 'raise SystemExit(7)'", 3, "ended with status 7."),
        ("sleep 60", 3, "after 1 seconds (--ready-timeout)"),
        ("say 'so", 2, "which no shell would read"),
        (" ", 2, "start is empty"),
    ],
)
def test_target_that_does_not_start_is_told(tmp_path: Path, command: str, status: int, sentence: str) -> None:
    done = conformance("run", "--start", command, "--ready-timeout", "1", folder=tmp_path)
    assert done.returncode == status
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_rules_are_named_by_area_text_and_verdict(folder: Path) -> None:
    assert conformance("run", "--start", START, "--only", "image.kind", folder=folder).returncode == 1
    known = str(folder / "compliance-report" / "results.json")
    plan = conformance("run", "--dry-run", "--only", f"failed@{known}", "--skip", "labels", folder=folder)
    assert plan.returncode == 0, plan.stderr
    listed = conformance("rules", "~SHA256", "access", folder=folder).stdout.splitlines()
    assert any(line.startswith("access.") for line in listed)
    assert all(line.startswith("access.") or "sha256" in line.lower() for line in listed)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("failing@results.json", "asks for the verdict 'failing'; allowed are failed, error"),
        ("failed@nowhere.json", "nowhere.json cannot be read: No such file or directory."),
        ("~no rule says this", "no rule matches '~no rule says this' (set by --only"),
    ],
)
def test_word_that_names_no_rule_is_told(tmp_path: Path, word: str, sentence: str) -> None:
    done = conformance("run", "--only", word, folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert sentence in done.stderr


def test_watch_judges_again_after_a_change_and_says_what_is_mended(folder: Path) -> None:
    words = ["watch", "--start", START, "--only", "image.kind,image.id", "--folder", "faults.txt"]
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("CONFORMANCE_")},
    ) as watching:
        assert watching.stdout is not None
        first = _until(watching.stdout, "waiting for a change in faults.txt")
        assert "image.kind failed" in first
        time.sleep(1)  # it begins to watch
        (folder / "faults.txt").write_text("", encoding="utf-8")
        second = _until(watching.stdout, "waiting for a change in faults.txt")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 130
    assert "mended: image.kind" in second
    assert "2 passed" in second
    assert not alive(folder)


def _until(lines: IO[str], end: str) -> str:
    """The lines up to one that begins so."""
    text = ""
    for line in lines:
        text += line
        if line.startswith(end):
            return text
    raise AssertionError(text)


@pytest.mark.parametrize("width", [40, 120])
def test_log_is_told_how_far_a_run_is(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr("conformance.scenario.pytest_plugin.progress.LINE_SECONDS", 0.01)
    log = io.StringIO()
    with Progress(Console(file=log, width=width)):
        while "\n" not in log.getvalue():
            time.sleep(0.01)
    assert log.getvalue().splitlines()[0] == "0 s: 0/? scenarios · 0 rules · 0 requests"
