"""`conformance check`: recorded traffic judged by every rule that recorded traffic can show to be broken."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.commands.outcome import conclude
from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue
from conformance.trace.recording import NotARecordingError, Recording
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.verdict import Verdict
from reports.terminal import Terminal


def run_check(path: Path, settings: Settings) -> int:
    """Judges a recording, writes the results, and says on the terminal what came out.

    Args:
        path: an HTTP archive.
        settings: which rules to judge by, and where to write to.

    Returns:
        The exit status.

    Raises:
        UsageError: the file cannot be read, or is no recording.
    """
    return conclude(check(path, settings), settings.out, Terminal())


def check(path: Path, settings: Settings) -> dict[str, Any]:
    """Judges a recording, and answers the results as they stand in results.json.

    Raises:
        UsageError: the file cannot be read, or is no recording.
    """
    collector = Collector(settings)
    collector.begin()
    ledger = Ledger({name: rule for name, rule in catalogue().items() if name in collector.selected})
    try:
        with Recording(path) as recording:
            for trace in recording.traces():
                ledger.judge(trace)
    except OSError as error:
        raise UsageError(f"the recording '{path}' cannot be read: {error.strerror or error}.") from None
    except NotARecordingError as error:
        raise UsageError(f"'{path}' is no recording: {error}.") from None
    collector.take({"ledger": ledger.drain(), "cost": vars(recording.cost)})
    if not len(recording):
        collector.untestable = f"nothing in '{path}' is of this API; {_skipped(recording)}"
    results = collector.results()
    return {**results, **_described(results, path, settings, recording)}


def _described(
    results: Mapping[str, Any], path: Path, settings: Settings, recording: Recording
) -> dict[str, dict[str, Any] | list[Any]]:
    """The parts of the results that a recording has in another form than a run."""
    words = ["conformance", "check", str(path)]
    project = recording.projects.most_common(1)
    rules = []
    for row in results["rules"]:
        reason = row["reason"]
        if row["verdict"] == Verdict.NOT_EXERCISED:
            passive = catalogue()[row["id"]].passive
            reason = "the recording does not show it" if passive else "only a live run can put it to the test"
        command = shlex.join([*words, "--only", row["id"]])
        breaches = [{**breach, "reproduce": {**breach["reproduce"], "command": command}} for breach in row["breaches"]]
        rules.append({**row, "reason": reason, "breaches": breaches})
    for option, globs in (("--only", settings.only), ("--skip", settings.skip)):
        words += [word for glob in globs for word in (option, glob)]
    return {
        "run": {**results["run"], "profile": "recording", "command": shlex.join(words)},
        "target": {
            **results["target"],
            "url": ", ".join(host for host, _ in recording.hosts.most_common(3)) or str(path),
            "project": project[0][0] if project else "",
        },
        "notes": [*results["notes"], *([_skipped(recording)] if recording.skipped else [])],
        "rules": rules,
    }


def _skipped(recording: Recording) -> str:
    """What of a recording was not judged."""
    skipped = recording.skipped
    parts = [f"{count} {reason}" for reason, count in skipped.most_common()]
    return f"entries left out: {', '.join(parts)}" if parts else "it has no entries"
