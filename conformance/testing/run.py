"""One run of the suite in a process of its own, and what is known once it has ended."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from conformance.client.ready import answers
from conformance.config.report_names import REPORTS
from conformance.reports.text import harmless
from conformance.verdicts.results import FILE_NAME, Results, read_results
from conformance.verdicts.verdict import Exit

JUDGED = (Exit.CONFORMANT, Exit.NOT_CONFORMANT)
FILE = "ended.json"


@dataclass(frozen=True)
class Run:
    """What is to be judged.

    Args:
        url: of the target.
        only: the rules; empty for what the settings say.
        out: the folder for the results.
        fail_fast: whether to stop at the first failure.
        wait: seconds that the target may still take to answer at all.
    """

    url: str
    only: tuple[str, ...]
    out: Path
    fail_fast: bool = False
    wait: float = 0.0

    @property
    def command(self) -> list[str]:
        """What judges it; what else is set is read from the file and the environment."""
        words = [sys.executable, "-P", "-m", "conformance", "run", "--url", self.url]
        return [*words, *(["--only", ",".join(self.only)] if self.only else []), *["--fail-fast"][: self.fail_fast]]


@dataclass(frozen=True)
class Ended:
    """How a run has ended.

    Attributes:
        status: its exit status.
        said: what it said of its end where nothing could be judged.
        out: the folder of its results.
    """

    status: int
    said: str
    out: str

    @classmethod
    def read(cls, folder: Path) -> Ended | None:
        """What was kept in a folder; None where nothing was."""
        path = folder / FILE
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    @property
    def untested(self) -> bool:
        """Whether nothing could be judged."""
        return self.status not in JUDGED or bool(self.said)

    @cached_property
    def results(self) -> Results:
        """What came out."""
        return read_results(Path(self.out) / FILE_NAME)

    @cached_property
    def summary(self) -> Sequence[str]:
        """The same in a few lines."""
        if self.untested:
            return (self.said,)
        total = self.results.summary
        report = Path(self.out) / REPORTS["html"]
        lines = [f"{total.headline}; {harmless(total.reason, lines=False)}"]
        return (*lines, f"report: {report}") if report.exists() else lines


def ended(run: Run, folder: Path) -> Ended:
    """Makes a run, unless it was made before.

    Args:
        run: what is to be judged.
        folder: where the processes that need it keep what came out.
    """
    with (folder / "lock").open("w") as lock:
        # It is given back when the file is closed, also by the death of the process.
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = Ended.read(folder)
        if known is None:
            known = _made(run)
            (folder / FILE).write_text(json.dumps(asdict(known)), encoding="utf-8")
        return known


def _made(run: Run) -> Ended:
    if run.wait and not answers(run.url, run.wait):
        return Ended(Exit.UNTESTABLE, f"the target does not answer at {run.url} after {run.wait:g} seconds.", "")
    results = run.out / FILE_NAME
    before = _written(results)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = subprocess.Popen(  # noqa: S603 - our own command
        run.command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate()
    except KeyboardInterrupt:
        # It was told as well: it deletes what it has made, which nobody should break off.
        process.communicate()
        raise
    judged = process.returncode in JUDGED and _written(results) != before
    last = harmless("".join(said.strip().splitlines()[-1:]) or f"it ended with status {process.returncode}")
    return Ended(process.returncode, "" if judged else last, str(run.out))


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
