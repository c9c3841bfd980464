"""`conformance check`: recorded traffic judged by every rule that recorded traffic can show to be broken."""

from __future__ import annotations

from pathlib import Path

from conformance.commands.outcome import conclude
from conformance.commands.writing import check_folder
from conformance.config.command_line import command_line, of_rule
from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue
from conformance.trace.recording import NotARecordingError, Recording
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.results import Results, RuleResult
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
        UsageError: the file cannot be read, is no recording, or the folder for the results cannot be written to.
    """
    check_folder(settings.out)
    return conclude(check(path, settings), settings.out, Terminal())


def check(path: Path, settings: Settings) -> Results:
    """Judges a recording, and answers the results.

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
    return _described(collector.results(), path, settings, recording)


def _described(results: Results, path: Path, settings: Settings, recording: Recording) -> Results:
    """The results, with what a recording has in another form than a run."""
    command = command_line(settings, "check", [str(path)])
    project = recording.projects.most_common(1)
    target = {
        "url": ", ".join(host for host, _ in recording.hosts.most_common(3)) or str(path),
        "project": project[0][0] if project else "",
    }
    return results.model_copy(
        update={
            "run": results.run.model_copy(update={"profile": "recording", "command": command}),
            "target": results.target.model_copy(update=target),
            "notes": (*results.notes, *([_skipped(recording)] if recording.skipped else [])),
            "rules": tuple(_row(row, of_rule(settings, row.id, "check", [str(path)])) for row in results.rules),
        }
    )


def _row(row: RuleResult, command: str) -> RuleResult:
    """What is said of a rule, with the command that judges it again."""
    reason = row.reason
    if row.verdict is Verdict.NOT_EXERCISED:
        passive = catalogue()[row.id].passive
        reason = "the recording does not show it" if passive else "only a live run can put it to the test"
    breaches = tuple(
        breach.model_copy(update={"reproduce": breach.reproduce.model_copy(update={"command": command})})
        for breach in row.breaches
    )
    return row.model_copy(update={"reason": reason, "confirmation": "", "breaches": breaches})


def _skipped(recording: Recording) -> str:
    """What of a recording was not judged."""
    skipped = recording.skipped
    parts = [f"{count} {reason}" for reason, count in skipped.most_common()]
    return f"entries left out: {', '.join(parts)}" if parts else "it has no entries"
