"""Two whole runs on the embedded emulator send the same requests in the same cases, and put the same rules to the test.

python tests/nightly/equal_runs.py
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "suite"))

from helpers.sent import sent

from conformance.commands.run import judge
from conformance.config.loading import load_settings

REQUESTS_MAXIMUM = 20


def main() -> int:
    """Compares a run with one worker and one with two; answers how many scenarios or rules differ."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{workers}.har" for workers in (1, 2)]
        runs = [
            judge(load_settings({"workers": str(workers)}, environment={}, directory=Path(folder)), traffic=path)
            for workers, path in enumerate(paths, 1)
        ]
        one, two = (sent(path) for path in paths)
    first, second = ({rule.id for rule in results.rules if rule.observations} for results in runs)
    differing = [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]
    nothing: Counter[tuple[str, ...]] = Counter()
    for name in differing:
        print(f"{name} differs:")
        cases = one.get(name, nothing), two.get(name, nothing)
        for run, only_here in enumerate((cases[0] - cases[1], cases[1] - cases[0]), 1):
            for requests in only_here:
                print(*(f"  run {run}: {request}" for request in requests[:REQUESTS_MAXIMUM]), sep="\n")
    for rule in sorted(first ^ second):
        print(f"{rule} was put to the test in one run only")
    return len(differing) + len(first ^ second)


if __name__ == "__main__":
    sys.exit(bool(main()))
