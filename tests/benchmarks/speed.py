"""How fast the suite is: `python tests/benchmarks/speed.py [PAGE.html]` prints figures, and draws lines on a page.

What is compared is measured within one run, for machines differ: how time and memory grow with rules, examples, images
and recordings. What a run costs beside its requests is measured by `costs.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import requests
from hypothesis import HealthCheck, Phase, given, settings

from conformance.commands.check import check
from conformance.commands.run import judge
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract import catalogue, matching
from conformance.contract.insert_request import InsertRequest
from conformance.emulator.process import EmulatorProcess
from conformance.strategies import bodies
from conformance.trace.exchange import Exchange, Request, Response
from conformance.trace.har import entry_of, write

sys.path.insert(0, str(Path(__file__).parent))
from costs import recording
from plots import Series, page

PROJECT = "conformance"
BODIES = 2_000
INSERTS = 3_000
EXAMPLES = (0, 3, 15, 60)
PARTS = (("image.*",), ("image.*", "operation.*"), ("image.*", "operation.*", "transport.*"), ("*",))
IMAGES = (0, 5_000, 10_000, 20_000)
COPIES = (1, 2, 4, 8)
LIVES = (50, 100, 200, 400)


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def generate() -> None:
    """Generates full valid bodies."""

    @settings(
        max_examples=BODIES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(bodies.valid(embedded_sources(PROJECT), looked_up=True))
    def draw(request: InsertRequest) -> None:
        json.dumps(dict(request.body))

    draw()


def insert(url: str, first: int, count: int) -> None:
    """Inserts images, one after the other, over one connection."""
    session = requests.Session()
    session.trust_env = False
    for number in range(first, first + count):
        body = {"name": f"speed-{number}", "sourceImage": "global/images/base"}
        session.post(f"{url}/compute/beta/projects/speed/global/images", json=body, timeout=10).raise_for_status()


def run(traffic: Path | None = None, *, examples: int | None = None, only: tuple[str, ...] = ()) -> tuple[float, int]:
    """Judges an emulator with one worker; answers the seconds that it took, and the requests."""
    usual = PROFILES["quick"]
    PROFILES["quick"] = usual if examples is None else replace(usual, examples=examples)
    try:
        with EmulatorProcess() as emulator:
            chosen = Settings(url=emulator.url, sources=embedded_sources(PROJECT), workers=1, only=only)
            results = judge(chosen, traffic=traffic)
    finally:
        PROFILES["quick"] = usual
    return results.run.seconds, results.cost.requests


def emulator_memory() -> Iterator[tuple[float, float]]:
    """Images that the emulator holds, and its memory in MB."""
    with EmulatorProcess() as emulator:
        held = 0
        for images in IMAGES:
            insert(emulator.url, held, images - held)
            held = images
            status = Path(f"/proc/{emulator.pid}/status").read_text(encoding="ascii")
            yield images, int(status.partition("VmRSS:")[2].split()[0]) // 1024


def checks(traffic: Path, folder: Path) -> Iterator[tuple[float, float]]:
    """Exchanges of a recording, and how many of them are judged a second."""
    for copies in COPIES:
        path = folder / "copies.har"
        count = recording(traffic, path, copies=copies)
        yield count, round(count / seconds(partial(check, path, Settings())))


def remade(url: str, times: int) -> Iterator[str]:
    """The entries of a recording in which an image is made, looked at and deleted, again and again."""
    number = 0
    with requests.Session() as session:
        session.trust_env = False

        def entry(verb: str, path: str, body: object = None) -> str:
            nonlocal number
            number += 1
            sent = Request(verb, f"{url}/compute/beta/projects/speed/global/{path}", {}, json.dumps(body).encode())
            asked = time.time()
            answer = session.request(verb, sent.url, data=sent.body if body else None, timeout=10)
            response = Response(answer.status_code, dict(answer.headers), answer.content)
            return json.dumps(entry_of(Exchange(number, sent, response, "", asked, time.time())))

        for _ in range(times):
            yield entry("POST", "images", {"name": "speed", "sourceImage": "global/images/base"})
            yield entry("GET", "images/speed")
            yield entry("DELETE", "images/speed")


def lives(folder: Path) -> Iterator[tuple[float, float]]:
    """How often a recording makes and deletes one image, and the seconds that its judgement takes."""
    for times in LIVES:
        path = folder / "lives.har"
        with EmulatorProcess(operation_seconds=0) as emulator:
            write(remade(emulator.url, times), path)
        yield times, round(seconds(partial(check, path, Settings())), 2)


def peak(arguments: list[str]) -> int:
    """The most memory that a command took, in MB."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    """Measures, prints the figures, and writes the page if one is named."""
    figures = [("bodies generated", f"{BODIES / seconds(generate):.0f} /s")]
    with EmulatorProcess() as emulator:
        rate = INSERTS / seconds(lambda: insert(emulator.url, 0, INSERTS))
    figures.append(("inserts that the emulator answers to one client", f"{rate:.0f} /s"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        traffic = folder / "traffic.har"
        wall, sent = run(traffic)
        figures.append(("a run, profile quick, one worker", f"{wall:.1f} s for {sent} requests"))
        command = [sys.executable, "-m", "conformance", "run", "-n", "1", "--out", str(folder / "out")]
        figures.append(("memory of a run at most", f"{peak(command)} MB"))
        series = [
            Series(
                "Time of a run by the rules that it judges",
                "rules",
                "seconds",
                [(len(matching(part, catalogue())), run(only=part)[0]) for part in PARTS],
            ),
            Series(
                "Time of a run by the random examples of each strategy",
                "examples",
                "seconds",
                [(examples, run(examples=examples)[0]) for examples in EXAMPLES],
            ),
            Series("Memory of the emulator by the images that it holds", "images", "MB", list(emulator_memory())),
            Series(
                "Speed of check by the size of the recording", "exchanges", "exchanges/s", list(checks(traffic, folder))
            ),
            Series("Time of check by how often one image is made anew", "lives", "seconds", list(lives(folder))),
        ]
    for title, value in figures:
        print(f"{title:<52} {value}")
    for one in series:
        print(f"{one.title}: {', '.join(f'{size:g}: {value:g}' for size, value in one.points)}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(page(figures, series), encoding="utf-8")


if __name__ == "__main__":
    main()
