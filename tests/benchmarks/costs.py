"""What the suite costs: `python tests/benchmarks/costs.py [README.md]` prints a table, and writes it into the README.

Processor time is compared, of the suite alone and within one run, for machines differ and are busy; the same requests
sent again by clients without anything of ours are the measure.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from conformance.emulator.process import EmulatorProcess

BEGIN, END = "<!-- written by tests/benchmarks/costs.py -->\n", "<!-- end of the costs -->\n"
PROJECT = ("--project", "conformance")
HEADLINE_FAULT = "request-id.replay-creates-nothing/second-image"
BROKEN = "broken: "
ENTRIES = 10
COPIES = 4


def as_installed() -> dict[str, str]:
    """The environment of commands whose modules are compiled already, as they are after the first run."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": f"{tempfile.gettempdir()}/conformance-compiled"}


@dataclass(frozen=True)
class Spent:
    """What a command took: seconds of processor time, of all its processes, and of the clock."""

    processor: float
    wall: float


def spent(*words: str) -> Spent:
    """Runs the command line and answers what it took, the emulator not counted where that is another process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "conformance", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=as_installed(),
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(processor, time.perf_counter() - began)


def run(folder: Path, *words: str) -> Spent:
    """Judges an emulator of its own."""
    with EmulatorProcess() as emulator:
        return spent("run", "--url", emulator.url, *PROJECT, "--out", str(folder), *words)


def first_breach() -> float:
    """Seconds from the start of a run until it tells of the first breach, where a headline rule is broken."""
    with EmulatorProcess(faults=[HEADLINE_FAULT]) as emulator, tempfile.TemporaryDirectory() as folder:
        words = ["run", "--url", emulator.url, *PROJECT, "--fail-fast", "--out", f"{folder}/out"]
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "conformance", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=as_installed(),
            text=True,
        ) as process:
            assert process.stdout is not None
            told = next((time.perf_counter() - began for line in process.stdout if BROKEN in line), float("nan"))
            process.stdout.read()
    return told


@dataclass(frozen=True)
class Sent:
    """A request of a run, to be sent again."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes


def sent(traffic: Path) -> list[Sent]:
    """The answered requests of a run, in their order."""
    entries = json.loads(traffic.read_text(encoding="utf-8"))["log"]["entries"]
    return [
        Sent(
            asked["method"],
            f"/compute/{asked['url'].partition('/compute/')[2]}",
            {header["name"]: header["value"] for header in asked["headers"]},
            asked.get("postData", {}).get("text", "").encode(),
        )
        for asked in (entry["request"] for entry in entries if entry["response"]["status"])
    ]


def by_requests(url: str, asked: list[Sent]) -> None:
    """Sends requests over one `requests.Session`."""
    with requests.Session() as session:
        session.trust_env = False
        for one in asked:
            session.request(one.verb, url + one.path, data=one.body, headers=one.headers, timeout=200)


def by_http_client(url: str, asked: list[Sent]) -> None:
    """Sends requests over one connection of the standard library, opened again where the server has closed it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=200)
    for one in asked:
        try:
            connection.request(one.verb, one.path, one.body, one.headers)
            connection.getresponse().read()
        except http.client.HTTPException:
            connection.close()
    connection.close()


def resent(asked: list[Sent], send: Callable[[str, list[Sent]], None]) -> float:
    """Processor seconds that the requests of a run take without the suite."""
    with EmulatorProcess() as emulator:
        began = time.process_time()
        send(emulator.url, asked)
        return time.process_time() - began


def recording(traffic: Path, path: Path, entries: int | None = None, copies: int = 1) -> int:
    """Writes the beginning of a run's traffic, some times over, each in a project of its own; answers the entries."""
    har: dict[str, Any] = json.loads(traffic.read_text(encoding="utf-8"))
    texts = [
        json.dumps({key: value for key, value in entry.items() if not key.startswith("_")})
        for entry in har["log"]["entries"]
    ]
    copied = [
        text.replace("projects/conformance/", f"projects/conformance-{number}/")
        for number in range(copies)
        for text in texts[:entries]
    ]
    path.write_text('{"log": {"version": "1.2", "entries": [' + ",\n".join(copied) + "]}}", encoding="utf-8")
    return len(copied)


def rows() -> Iterator[tuple[str, str]]:
    """What is measured, and the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder / "kept", "-n", "1", "--reports", "traffic")
        traffic = next((folder / "kept").glob("traffic.har*"))
        asked = sent(traffic)
        one, two = run(folder / "one", "-n", "1"), run(folder / "two", "-n", "2")
        bare, barest = resent(asked, by_requests), resent(asked, by_http_client)
        yield "profile quick, one worker, all in", f"{one.processor:.1f} s for {len(asked):,} requests"
        yield (
            "its requests alone by a bare `requests.Session`",
            f"{bare:.1f} s; the run is {one.processor / bare:.1f} ×",
        )
        yield "its requests alone by `http.client`", f"{barest:.1f} s; the run is {one.processor / barest:.1f} ×"
        yield (
            "with two workers",
            f"{two.processor / one.processor:.2f} × of one, in {two.wall / one.wall:.2f} × the time",
        )
        yield "first breach told, where a headline rule is broken", f"after {first_breach():.1f} s of the clock"
        for words in (("--help",), ("rules",), ("explain", "image.kind")):
            yield f"`conformance {' '.join(words)}`", f"{spent(*words).processor:.2f} s"
        recording(traffic, folder / "short.har", ENTRIES)
        short = spent("check", str(folder / "short.har"), "--out", str(folder / "short"))
        count = recording(traffic, folder / "long.har", copies=COPIES)
        long = spent("check", str(folder / "long.har"), "--out", str(folder / "long"))
        yield f"`conformance check` of {ENTRIES} entries", f"{short.processor:.2f} s"
        yield (
            f"`conformance check` of {count:,} entries",
            f"{count / (long.processor - short.processor):,.0f} entries/s",
        )


def table() -> str:
    """The table, with the machine and the date."""
    lines = ["| processor time | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows())]
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return "\n".join([*lines, "", f"Measured on {machine}, {datetime.now(UTC).date()}.", ""])


def main() -> None:
    """Measures, prints the table, and writes it into the page that is named."""
    told = table()
    print(told)
    if len(sys.argv) > 1:
        page = Path(sys.argv[1])
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        page.write_text(before + BEGIN + told + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
