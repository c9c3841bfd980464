"""How fast the suite is, as figures to compare within one run: `python tests/benchmarks/speed.py`.

Prints how many bodies a second are generated, how many inserts a second the emulator answers, and which share of a run's
wall time its requests alone would take.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import requests
from hypothesis import HealthCheck, Phase, given, settings

from conformance.emulator.process import EmulatorProcess
from conformance.runner import judge
from conformance.settings import Settings
from conformance.sources import embedded_sources
from strategies import bodies
from strategies.insert import InsertRequest

BODIES = 2_000
INSERTS = 3_000


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
    @given(bodies.valid(embedded_sources("conformance"), looked_up=True))
    def draw(request: InsertRequest) -> None:
        json.dumps(dict(request.body))

    draw()


def insert(url: str) -> None:
    """Inserts images, one after the other, over one connection."""
    session = requests.Session()
    session.trust_env = False
    for number in range(INSERTS):
        body = {"name": f"speed-{number}", "sourceImage": "global/images/base"}
        session.post(f"{url}/compute/beta/projects/speed/global/images", json=body, timeout=10).raise_for_status()


def main() -> None:
    """Measures, and prints the figures."""
    print(f"bodies generated      {BODIES / seconds(generate):8.0f} /s")
    with EmulatorProcess() as emulator:
        each = seconds(lambda: insert(emulator.url)) / INSERTS
        print(f"inserts, one client   {1 / each:8.0f} /s")
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1)
        results = judge(settings)
    requests_sent, wall = results["cost"]["requests"], results["run"]["seconds"]
    print(f"run, quick, -n 1      {wall:8.1f} s for {requests_sent} requests")
    print(f"requests alone        {requests_sent * each / wall:8.2f} of the wall time")


if __name__ == "__main__":
    main()
