"""A target that is far away: tokens that expire, certificates of its own, budgets, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.command_line import conformance, names
from helpers.remote import Remote, remote_target, service_account

from conformance.config.sources import embedded_sources
from conformance.emulator.process import LIMITED, TOKEN, EmulatorProcess

pytestmark = pytest.mark.nightly


SECRET = "secret-token"
NEVER_SHOWN = ("operation.type.creationTimestamp", "operation.type.operationGroupId")
"""Rules about fields that no answer of the emulator has."""

SOURCES = """
[sources]
image = "projects/conformance/global/images/base"
"""


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    (tmp_path / "conformance.toml").write_text(SOURCES, encoding="utf-8")
    with remote_target(tmp_path) as remote:
        yield remote


def results_in(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    return value


def verdicts(folder: Path) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in results_in(folder)["rules"]}


def judged(remote: Remote, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    trust = ("--url", remote.url, "--ca-bundle", str(remote.certificates))
    return conformance("run", *trust, *arguments, folder=folder, **environment)


@pytest.mark.parametrize("auth", ["service-account", "adc"])
def test_token_that_expires_is_renewed_and_never_shown(remote: Remote, auth: str, tmp_path: Path) -> None:
    expiring = threading.Timer(0.5, remote.forget_tokens)
    with service_account(tmp_path, remote) as key:
        expiring.start()
        named = ("--credentials", str(key)) if auth == "service-account" else ()
        options = ("--auth", auth, *named, "--only", "image.output-only.*", "--only", "access.*")
        here = {"GOOGLE_APPLICATION_CREDENTIALS": str(key)} if auth == "adc" else {}
        done = judged(remote, tmp_path, *options, "-n", "2", "--profile", "ci", **here)
        expiring.join()
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(tmp_path)["access.bad-token"] == "passed"
    written = [path.read_bytes() for path in (tmp_path / "compliance-report").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in content for content in written)
    assert SECRET not in done.stdout + done.stderr


def test_token_in_a_file_is_read_again(remote: Remote, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}-one\n", encoding="ascii")
    remote.tokens.add(f"{SECRET}-one")

    def rotate() -> None:
        file.write_text(f"{SECRET}-two\n", encoding="ascii")
        remote.tokens.add(f"{SECRET}-two")
        remote.tokens.discard(f"{SECRET}-one")

    rotating = threading.Timer(0.5, rotate)
    rotating.start()
    done = judged(remote, tmp_path, "--auth", "token", "--credentials", str(file), "--only", "image.*", "-n", "1")
    rotating.join()
    assert done.returncode == 0, done.stdout + done.stderr


def test_target_that_refuses_the_token_is_not_blamed(remote: Remote, tmp_path: Path) -> None:
    done = judged(remote, tmp_path, "--auth", "token", CONFORMANCE_TOKEN=SECRET)
    assert done.returncode == 3
    assert "HTTP 401" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--auth", "password"], {}, ["password", "service-account"]),
        (["--auth", "token"], {}, ["CONFORMANCE_TOKEN", "--credentials"]),
        (["--auth", "service-account"], {}, ["--credentials"]),
        (["--auth", "service-account", "--credentials", "conformance.toml"], {}, ["conformance.toml", "no key"]),
        (["--auth", "token"], {"CONFORMANCE_TOKEN": f"{SECRET} blank"}, ["CONFORMANCE_TOKEN"]),
    ],
)
def test_credentials_with_a_mistake(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], words: list[str]
) -> None:
    (tmp_path / "conformance.toml").write_text(SOURCES, encoding="utf-8")
    done = conformance("run", *arguments, folder=tmp_path, **environment)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize(("limit", "most"), [("--max-requests", 150), ("--max-images", 9)])
def test_budget_is_never_exceeded(tmp_path: Path, limit: str, most: int) -> None:
    (tmp_path / "conformance.toml").write_text(SOURCES, encoding="utf-8")
    with remote_target(tmp_path, busy=(20, 50)) as remote:
        remote.tokens.add(SECRET)
        done = judged(remote, tmp_path, "--auth", "token", limit, str(most), "-n", "2", CONFORMANCE_TOKEN=SECRET)
    found = results_in(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (sum(remote.seen.values()) if limit == "--max-requests" else remote.images) <= most
    assert found["cost"]["requests"] == sum(remote.seen.values())
    assert found["cost"]["images_left"] == []
    reasons = {row["reason"] for row in found["rules"] if row["verdict"] == "not_exercised"}
    assert any(limit in reason for reason in reasons)
    passed = {rule for rule, verdict in verdicts(tmp_path).items() if verdict == "passed"}
    assert any(rule.startswith("request-id.") for rule in passed)


def test_time_that_is_over_ends_the_run_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "conformance.toml").write_text(SOURCES, encoding="utf-8")
    with remote_target(tmp_path, operation_seconds=1.0) as remote:
        remote.tokens.add(SECRET)
        done = judged(remote, tmp_path, "--auth", "token", "--max-time", "15", "-n", "2", CONFORMANCE_TOKEN=SECRET)
    found = results_in(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found["cost"]["images_left"] == []
    assert (
        {"passed", "not_exercised"} <= set(verdicts(tmp_path).values()) <= {"passed", "not_exercised", "not_applicable"}
    )
    assert any("--max-time" in row["reason"] for row in found["rules"] if row["verdict"] == "not_exercised")


def test_profile_real_spends_little_and_leaves_no_rule_out(tmp_path: Path) -> None:
    sources = embedded_sources("conformance")
    named = ("image", "disk", "attached_disk", "snapshot", "raw_disk", "raw_disk_sha1")
    kinds = {kind: getattr(sources, kind) for kind in named}
    lines = [
        'second_project = "conformance-second"',
        "[sources]",
        *(f'{kind} = "{url}"' for kind, url in kinds.items()),
    ]
    (tmp_path / "conformance.toml").write_text("\n".join(lines), encoding="utf-8")
    with remote_target(tmp_path, seconds=0.1, busy=(20, 50), operation_seconds=1.5) as remote:
        remote.tokens.add(SECRET)
        options = ("--auth", "token", "--profile", "real", "-n", "8")
        done = judged(remote, tmp_path, *options, CONFORMANCE_TOKEN=SECRET)
    found = results_in(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found["cost"]["requests"] == sum(remote.seen.values())
    assert found["cost"]["requests"] - found["cost"]["retries"] <= 500
    assert found["cost"]["images_created"] <= 30
    assert found["cost"]["images_left"] == []
    left = {rule: verdict for rule, verdict in verdicts(tmp_path).items() if verdict != "passed"}
    assert left == {
        **dict.fromkeys(NEVER_SHOWN, "not_exercised"),
        **{f"access.{name}": "not_applicable" for name in ("forbidden", "scopes", "labels", "source")},
    }


def test_plan_sends_nothing_to_the_target(remote: Remote, tmp_path: Path) -> None:
    done = judged(remote, tmp_path, "--dry-run", "--only", "request-id.*", "--rate", "5")
    assert done.returncode == 0, done.stderr
    assert not remote.seen
    assert "images.insert" in done.stdout
    assert "no disk is configured" in done.stdout or "left out of this run" in done.stdout
    assert not (tmp_path / "compliance-report").exists()


def test_sweep_deletes_what_a_killed_run_left_and_nothing_else(tmp_path: Path) -> None:
    with EmulatorProcess(operation_seconds=0.2) as emulator:
        images = f"{emulator.url}/compute/beta/projects/conformance/global/images"
        foreign = {"conformance-image", "conformance-0123abcd-mine"}
        for name in foreign:
            body = {"name": name, "sourceImage": "projects/conformance/global/images/base"}
            assert requests.post(images, json=body, timeout=10).ok
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance", "run", "--url", emulator.url, "-n", "2", "--out", str(tmp_path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not names(emulator.url) - foreign:
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shown = conformance("sweep", "--url", emulator.url, folder=tmp_path)
        assert shown.returncode == 0
        assert "left behind; --yes deletes them" in shown.stdout
        assert names(emulator.url) - foreign
        young = conformance("sweep", "--url", emulator.url, "--yes", "--older-than", "3600", folder=tmp_path)
        assert young.stdout.strip() == "0 left behind"
        done = conformance("sweep", "--url", emulator.url, "--yes", folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert names(emulator.url) == foreign


def test_sweep_needs_a_target_that_answers(tmp_path: Path) -> None:
    assert conformance("sweep", folder=tmp_path).returncode == 2
    assert conformance("sweep", "--url", "http://127.0.0.1:1", folder=tmp_path).returncode == 3


def test_rules_of_access_need_tokens_of_both_kinds(tmp_path: Path) -> None:
    tokens = {"CONFORMANCE_TOKEN": TOKEN, **{f"CONFORMANCE_{name.upper()}": token for name, token in LIMITED.items()}}
    with EmulatorProcess(guarded=True) as emulator:
        options = ("--url", emulator.url, "--auth", "token", "--only", "access.*")
        (tmp_path / "conformance.toml").write_text(SOURCES, encoding="utf-8")
        done = conformance("run", *options, folder=tmp_path, **tokens)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {verdict for rule, verdict in verdicts(tmp_path).items() if rule.startswith("access.")} == {"passed"}
