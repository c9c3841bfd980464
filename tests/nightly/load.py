"""Correct servers, judged by a suite that gets a tenth of one processor: what it is slow at must be no alarm.

python tests/nightly/load.py [RUNS]
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.emulator.process import EmulatorProcess
from conformance.emulator.variants import VARIANTS

RUNS = 20
NEIGHBOURS = 9
"""Processes that do nothing but keep the processor busy."""

RUN_SECONDS = 3600.0
PACES = (0.02, 0.3, 1.5)
"""How long the operations of the servers take, in seconds."""

PLAIN = ("",)
"""Every second server is the plain emulator."""


@contextmanager
def crowded() -> Iterator[None]:
    """Keeps this process, and those that it starts, on one processor, together with busy neighbours."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(NEIGHBOURS)]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
        os.sched_setaffinity(0, allowed)


def alarms(variant: str, pace: float, seed: int) -> list[str]:
    """The rules that a run blames on a correct server, each with what came of trying it again.

    Args:
        variant: the freedom that the server takes; "" for none.
        pace: how long its operations take, in seconds.
        seed: of the random examples.
    """
    excused = next((set(row.deviates) for row in VARIANTS if row.id == variant), set())
    with (
        EmulatorProcess(variants=[variant] if variant else [], operation_seconds=pace) as emulator,
        crowded(),
        tempfile.TemporaryDirectory() as folder,
    ):
        command = [
            sys.executable,
            "-m",
            "conformance",
            "run",
            "--url",
            emulator.url,
            "--seed",
            str(seed),
            "--out",
            folder,
        ]
        done = subprocess.run(
            [*command, "--reports", "none"], stdout=subprocess.DEVNULL, timeout=RUN_SECONDS, check=False
        )
        results = json.loads((Path(folder) / "results.json").read_text(encoding="utf-8"))
    blamed = [
        f"{row['id']} {row['verdict']} {row['confirmation']}"
        for row in results["rules"]
        if row["verdict"] in ("failed", "error", "blocked")
        or (row["verdict"] == "deviates" and row["id"] not in excused)
    ]
    return blamed or ([results["summary"]["reason"]] if done.returncode else [])


def main(runs: int) -> int:
    """Runs so many times, and answers how many runs blamed a server."""
    servers = itertools.cycle(name for row in VARIANTS for name in (*PLAIN, row.id))
    wrong = 0
    for number, (variant, pace) in enumerate(
        itertools.islice(zip(servers, itertools.cycle(PACES), strict=False), runs), 1
    ):
        found = alarms(variant, pace, number)
        wrong += bool(found)
        print(f"{number} of {runs}: {variant or 'plain'}, {pace} s: {', '.join(found) or 'no alarm'}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
