"""Recordings of correct servers, each with some freedoms of the contract at once: nothing in them is a breach.

They are judged as a proxy would have made them, without what the suite alone knows of its requests: whole, and in
parts that are cut at both ends and lack some of the looks. Run `python tests/nightly/recordings.py` from the root of
the repository; every alarm is printed as it comes, and the figures at the end. What few looks of a moment show in a
part may be a deviation: it is told apart.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance.commands.check import check
from conformance.commands.proof import PROJECT, Server, servers
from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract import matching
from conformance.emulator.process import EmulatorProcess
from conformance.trace.har import OWN
from conformance.verdicts.verdict import Verdict

SHORTEST, LONGEST = 30, 500
LEFT_OUT = (0.0, 0.1, 0.3, 0.6)
"""How many of the looks a part may lack."""

Entries = list[dict[str, Any]]


def recorded(server: Server, profile: str, folder: Path) -> Entries:
    """What a run against a server exchanges, as another recorder than the suite would have written it."""
    path = folder / "traffic.har"
    with EmulatorProcess(variants=server.variants) as emulator:
        settings = Settings(
            url=emulator.url,
            project=server.project,
            second_project=f"{PROJECT}-second",
            sources=embedded_sources(PROJECT),
            profile=profile,
            seed=server.seed,
            workers=1,
        )
        judge(settings, traffic=path)
    entries: Entries = json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]
    for entry in entries:
        del entry[OWN]
    return sorted(entries, key=lambda entry: str(entry["startedDateTime"]))


def parts(entries: Entries, number: int, chance: random.Random) -> Iterator[Entries]:
    """The whole recording, and so many parts of it."""
    yield entries
    for _ in range(number):
        start, share = chance.randrange(len(entries)), chance.choice(LEFT_OUT)
        part = entries[start : start + chance.randrange(SHORTEST, LONGEST)]
        yield [entry for entry in part if entry["request"]["method"] != "GET" or chance.random() >= share]


def blamed(entries: Entries, also: Sequence[str], folder: Path) -> dict[str, Verdict]:
    """The rules that a recording is said to break, but for the conventions that its server departs from."""
    path = folder / "part.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}}), encoding="utf-8")
    wrong = (Verdict.FAILED, Verdict.DEVIATES, Verdict.ERROR)
    found = {rule: verdict for rule, verdict in check(path, Settings()).verdicts.items() if verdict in wrong}
    excused = matching(also, [rule for rule, verdict in found.items() if verdict is Verdict.DEVIATES])
    return {rule: verdict for rule, verdict in found.items() if rule not in excused}


def main() -> int:
    """The number of recordings in which a rule failed, 1 at most: it is the exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--combinations", type=int, default=5, help="random combinations of variants for each seed")
    options.add_argument("--seeds", type=int, default=4)
    options.add_argument("--first-seed", type=int, default=1)
    options.add_argument("--parts", type=int, default=40, help="parts of each recording")
    options.add_argument("--profile", default="real")
    given = options.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    wanted = [server for server in servers(lambda name: "/" not in name, seeds, given.combinations) if server.seed]
    judged, wrong = 0, 0
    for server in (server for server in wanted if len(server.variants) > 1):
        with tempfile.TemporaryDirectory() as folder:
            entries = recorded(server, given.profile, Path(folder))
            for number, part in enumerate(parts(entries, given.parts, random.Random(server.seed))):
                found = blamed(part, server.also, Path(folder)) if part else {}
                judged += 1
                wrong += any(verdict is not Verdict.DEVIATES for verdict in found.values())
                if found:
                    told = ", ".join(f"{rule} {verdict}" for rule, verdict in found.items())
                    print(f"ALARM {server.id}, {'whole' if number == 0 else f'part {number}'}: {told}", flush=True)
    print(f"a rule failed in {wrong} of {judged} recordings of correct servers")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
