"""`conformance tap`: what passes through it is judged in the end, however that comes."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.command_line import conformance

from conformance.commands.tap import tap_options
from conformance.config.settings import UsageError
from conformance.contract import client_catalogue
from conformance.emulator.process import EmulatorProcess

pytestmark = pytest.mark.slow

CLIENT = Path(__file__).parents[1] / "helpers" / "retrying_client.py"
TOKEN = "a-token-that-nobody-may-see"
SOURCE = "projects/debian-cloud/global/images/family/debian-12"


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with EmulatorProcess() as process:
        yield process.url


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "compliance-report" / "results.json").read_text(encoding="utf-8"))
    return found


def until(upstream: str, folder: Path, *options: str, images: int = 3) -> subprocess.CompletedProcess[str]:
    """A tap that is open while a client makes some images."""
    words = ["--until", sys.executable, str(CLIENT), str(images)]
    return conformance("tap", "--upstream", upstream, *options, *words, folder=folder, CLIENT_TOKEN=TOKEN)


@contextlib.contextmanager
def opened(upstream: str, folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A tap that is open until it is told to close, and where it listens."""
    command = [sys.executable, "-m", "conformance", "tap", "--upstream", upstream, *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[1]
        finally:
            process.kill()


def test_traffic_until_a_command_ends(emulator: str, tmp_path: Path) -> None:
    done = until(emulator, tmp_path)
    found = results(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (found["run"]["profile"], found["cost"]["images_created"]) == ("tap", 3)
    assert found["target"]["url"] == emulator.removeprefix("http://")
    assert found["summary"]["counts"]["passed"] > 50
    assert found["shown"]["transition"]["shown"]
    assert "images.insert" in found["shown"]["method"]["shown"]
    assert "ended with status 0" in done.stdout
    names = {path.name for path in (tmp_path / "compliance-report").iterdir()}
    assert {"report.html", "summary.md", "junit.xml", "badge.svg", "traffic.har"} <= names


def test_no_secret_in_any_output(emulator: str, tmp_path: Path) -> None:
    done = until(emulator, tmp_path, "--strict")
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 5
    assert not [text for text in (*texts, done.stdout, done.stderr) if TOKEN in text]


def test_breach_is_found_and_its_command_judges_it_again(tmp_path: Path) -> None:
    with EmulatorProcess(["operation.type.user/number"]) as broken:
        done = until(broken.url, tmp_path)
    rows = [row for row in results(tmp_path)["rules"] if row["verdict"] == "failed"]
    assert done.returncode == 1
    assert [row["id"] for row in rows] == ["operation.type.user"]
    words = rows[0]["breaches"][0]["reproduce"]["command"].split()
    assert conformance(*words[1:], folder=tmp_path).returncode == 1


def test_faults_of_the_tap_are_not_the_targets(emulator: str, tmp_path: Path) -> None:
    done = until(emulator, tmp_path, "--inject", "lost-response:0.2,503:0.2,delay:1ms", "--seed", "7", images=8)
    found = results(tmp_path)
    assert done.returncode == 0, done.stdout
    assert found["summary"]["counts"].get("deviates", 0) == 0
    assert any("that the tap answered itself" in note for note in found["notes"])
    assert found["cost"]["images_created"] == 8
    assert "--seed 7" in found["run"]["command"]
    again = conformance("check", "compliance-report/traffic.har", "--strict", folder=tmp_path)
    assert again.returncode == 0, again.stdout


def test_clients_are_judged_apart(emulator: str, tmp_path: Path) -> None:
    done = until(emulator, tmp_path, "--strict")
    found = json.loads((tmp_path / "compliance-report" / "client" / "results.json").read_text(encoding="utf-8"))
    rows = {row["id"]: row for row in found["rules"]}
    assert done.returncode == 0, done.stdout
    assert rows["client.nothing-left"]["verdict"] == "passed"
    assert set(rows) == set(client_catalogue())
    assert "client." not in "".join(row["id"] for row in results(tmp_path)["rules"])


def test_first_failure_closes_the_tap(tmp_path: Path) -> None:
    with EmulatorProcess(["operation.type.user/number"]) as broken:
        done = until(broken.url, tmp_path, "--fail-fast", images=100_000)
    assert done.returncode == 1
    assert "closed at the first failure" in done.stdout


@pytest.mark.parametrize(("least", "status"), [("method=0.1", 0), ("method=0.1,request=1", 1)])
def test_coverage_can_be_asked_for(emulator: str, tmp_path: Path, least: str, status: int) -> None:
    done = until(emulator, tmp_path, "--fail-on-coverage-below", least, images=1)
    assert done.returncode == status
    assert ("the traffic shows too little of the API" in done.stdout) == bool(status)


def test_command_that_fails_tells_its_status(emulator: str, tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['CONFORMANCE_URL']); sys.exit(5)"
    done = conformance("tap", "--upstream", emulator, "--until", sys.executable, "-c", code, folder=tmp_path)
    assert done.returncode == 3
    assert done.stdout.count("http://127.0.0.1:") == 2
    assert "nothing of this API passed through the tap" in done.stderr
    assert any("ended with status 5" in note for note in results(tmp_path)["notes"])


def test_target_that_is_not_there_cannot_be_tested(tmp_path: Path) -> None:
    code = "import os, urllib.request as r; r.urlopen(os.environ['CONFORMANCE_URL'] + '/compute/beta')"
    done = conformance(
        "tap", "--upstream", "http://127.0.0.1:9", "--until", sys.executable, "-c", code, folder=tmp_path
    )
    assert done.returncode == 3
    assert "http://127.0.0.1:9 does not answer: connection refused" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_in_mid_stream_still_writes_results(tmp_path: Path, number: signal.Signals) -> None:
    with EmulatorProcess(operation_seconds=60) as slow, opened(slow.url, tmp_path) as (process, url):
        root = f"{url}/compute/beta/projects/p/global"
        made = requests.post(f"{root}/images", json={"name": "one", "sourceImage": SOURCE}, timeout=10).json()

        def wait() -> None:
            with contextlib.suppress(requests.RequestException):
                requests.post(f"{root}/operations/{made['name']}/wait", timeout=30)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not requests.get(f"{root}/operations/{made['name']}", timeout=10).ok:
            continue
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        waiting.join()
    assert process.returncode == 0, errors
    assert results(tmp_path)["cost"]["requests"] >= 2
    assert (tmp_path / "compliance-report" / "report.html").exists()


def test_eight_clients_at_once_lose_nothing(emulator: str, tmp_path: Path) -> None:
    project, counts = f"p-{uuid.uuid4().hex[:8]}", [0] * 8

    def use(number: int, root: str) -> None:
        with requests.Session() as session:
            for turn in range(15):
                body = {"name": f"image-{number}-{turn}", "sourceImage": SOURCE}
                made = session.post(f"{root}/images", json=body, timeout=30).json()
                counts[number] += 2
                while session.get(f"{root}/operations/{made['name']}", timeout=30).json()["status"] != "DONE":
                    counts[number] += 1

    with opened(emulator, tmp_path) as (process, url):
        root = f"{url}/compute/beta/projects/{project}/global"
        threads = [threading.Thread(target=use, args=(number, root)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    found = results(tmp_path)["cost"]
    assert (found["requests"], found["images_created"]) == (sum(counts), 120)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"upstream": "ftp://h"}, "upstream is 'ftp://h' (set by --upstream); allowed is an http:// or https:// URL"),
        ({"listen": "8080"}, "listen is '8080' (set by --listen); allowed is an address and a port"),
        ({"inject": "lost:1"}, "inject is 'lost:1' (set by --inject); allowed is lost-response:SHARE"),
        ({"inject": "503:2"}, "shares from 0 to 1"),
        ({"inject": "503:0.6,500:0.6"}, "no more than 1 together"),
        ({"inject": "delay:5"}, "delay:200ms"),
        ({"least": ["fields=0.5"]}, "a kind of method, request, enum, status, transition"),
        ({"least": ["method=2"]}, "a share from 0 to 1"),
    ],
)
def test_wrong_options_get_one_sentence(changed: dict[str, Any], sentence: str) -> None:
    options = {"upstream": "http://h", "listen": "127.0.0.1:0", "command": (), "inject": "", "least": ()}
    with pytest.raises(UsageError, match="allowed is") as mistake:
        tap_options(**{**options, **changed})
    assert sentence in str(mistake.value)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--until"], "no command behind it"),
        (["pytest"], "stands behind --until"),
        (["--until", "no-such-command"], "'no-such-command' cannot be started"),
        (["--listen", "192.0.2.1:0"], "cannot listen at 192.0.2.1:0"),
    ],
)
def test_wrong_usage_ends_with_status_2(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = conformance("tap", "--upstream", "http://127.0.0.1:9", *words, folder=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_path_of_the_target_is_kept_but_for_the_version() -> None:
    found = tap_options("https://h:8443/emulator/compute/beta", "[::1]:0", ["a b"], "", ["method=0.5, request=1"])
    assert (found.upstream, found.path, found.listen) == ("https://h:8443", "/emulator", ("::1", 0))
    assert (found.command, found.least) == (("a", "b"), {"method": 0.5, "request": 1.0})
