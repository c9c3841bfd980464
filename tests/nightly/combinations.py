"""Tries what takes hours: correct servers, each with some freedoms of the contract at once, over many seeds.

Run `python tests/nightly/combinations.py` from the root of the repository; every alarm is printed as it comes, and
the figures at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance.commands.proof import Proof, prove, servers
from conformance.emulator.variants import VARIANTS


def main() -> int:
    """The number of servers that were blamed for a freedom, 1 at most: it is the exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--combinations", type=int, default=10, help="random combinations of variants for each seed")
    options.add_argument("--seeds", type=int, default=20, help="how many seeds: each also tries every variant alone")
    options.add_argument("--first-seed", type=int, default=1)
    options.add_argument(
        "--alone", action=argparse.BooleanOptionalAction, default=True, help="try variants alone as well"
    )
    options.add_argument("--profile", default="quick")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("--only", nargs="*", default=[], help="variants to try, instead of all")
    given = options.parse_args()
    chosen = set(given.only) or {variant.id for variant in VARIANTS}
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    wanted = [
        server
        for server in servers(lambda name: name in chosen, seeds, given.combinations)
        if given.alone or len(server.variants) > 1
    ]

    def told(proof: Proof) -> None:
        if not proof.holds:
            print(
                f"ALARM {proof.server.id}: {proof.error or ', '.join(proof.needless) or proof.exit_status}", flush=True
            )

    found = prove(wanted, given.profile, given.jobs, told)
    print(
        f"{len(found.wrong)} alarms on {len(wanted)} correct servers, "
        f"{sum(len(one.server.variants) > 1 for one in found.proofs)} "
        f"of them combinations; {sum(one.requests for one in found.proofs):,} requests"
    )
    return min(len(found.wrong), 1)


if __name__ == "__main__":
    sys.exit(main())
