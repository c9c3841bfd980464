"""`conformance check`: recorded traffic judged by every rule that recorded traffic can show to be broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from types import MappingProxyType

from conformance.commands.outcome import conclude, terminal
from conformance.commands.writing import check_folder
from conformance.config.command_line import command_line, of_rule
from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue, client_catalogue
from conformance.reports.text import counted
from conformance.trace.losses import ABOUT, LOSSES
from conformance.trace.readers import NotARecordingError
from conformance.trace.recording import Recording
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.results import ClientResult, Results, RuleResult
from conformance.verdicts.verdict import Verdict
from conformance.verdicts.waivers import read_waivers


def run_check(path: Path, settings: Settings, *, client: bool = False) -> int:
    """Judges a recording, writes the results, and says on the terminal what came out.

    Args:
        path: a recording, or a folder of recordings.
        settings: which rules to judge by, and where to write to.
        client: whether the clients are judged that sent the requests, and not their target.

    Returns:
        The exit status.

    Raises:
        UsageError: the file cannot be read, is no recording, or the folder for the results cannot be written to.
    """
    check_folder(settings.out)
    return conclude(check(path, settings, client=client), settings, terminal(settings))


def check(path: Path, settings: Settings, *, client: bool = False) -> Results:
    """Judges a recording, and answers the results; the arguments are those of `run_check`.

    Raises:
        UsageError: the file cannot be read, or is no recording.
    """
    if client and settings.waivers:
        raise UsageError(f"waivers is '{settings.waivers}', but waivers are about targets: leave --client or it out.")
    try:
        with Recording(path, _project(settings)) as recording:
            return judged(recording, str(path), settings, client=client)
    except OSError as error:
        raise UsageError(f"the recording '{path}' cannot be read: {error.strerror or error}.") from None
    except NotARecordingError as error:
        raise UsageError(f"'{path}' is no recording: {error}.") from None


def judged(recording: Recording, place: str, settings: Settings, *, client: bool = False) -> Results:
    """The results of a recording.

    Args:
        recording: what was exchanged.
        place: where it is.
        settings, client: as for `run_check`.
    """
    judged_by = client_catalogue() if client else catalogue()
    collector = Collector(settings, () if client else read_waivers(settings), judged_by, excerpt=True)
    collector.begin()
    forgone = judge(recording, collector)
    if not len(recording):
        collector.untestable = f"nothing in '{place}' is of this API; {skipped(recording)}"
    words = [place, *(["--client"] if client else [])]
    command = command_line(settings, "check", words)
    results = described(collector.results(), recording, "recording", command, forgone)
    lacking = {rule: LOSSES[loss] for loss, rules in forgone.items() for rule in rules}
    rules = tuple(
        with_command(row, of_rule(settings, row.id, "check", words), lacking.get(row.id, "")) for row in results.rules
    )
    target = results.target.model_copy(update={"url": results.target.url or place})
    return results.model_copy(update={"rules": rules, "target": target})


def judge(recording: Recording, collector: Collector) -> Mapping[str, Set[str]]:
    """Judges what a recording shows, and lets the collector take it.

    Args:
        recording: what was exchanged.
        collector: knows the rules to judge by.

    Returns:
        By kind of loss the rules that were not judged for it.
    """
    rules = {name: rule for name, rule in collector.rules.items() if name in collector.selected}
    ledger = Ledger(rules, recording.credentials)
    of_clients = collector.rules is client_catalogue()
    for trace in recording.traces():
        ledger.judge(trace if of_clients else trace.of_target)
    collector.take(
        {"ledger": ledger.drain(), "cost": vars(recording.cost), "hidden": recording.credentials},
    )
    collector.target = next((root for root, _ in recording.roots.most_common(1)), "")
    return ledger.forgone


def described(
    results: Results,
    recording: Recording,
    profile: str,
    command: str,
    forgone: Mapping[str, Set[str]] = MappingProxyType({}),
) -> Results:
    """The results, with what recorded traffic has in another form than a run.

    Args:
        results: what came out.
        recording: what was exchanged.
        profile: how it was recorded.
        command: what repeats the judgement.
        forgone: by kind of loss the rules that were not judged for it.
    """
    project = recording.projects.most_common(1)
    target = {
        "url": ", ".join(root.partition("://")[2] for root, _ in recording.roots.most_common(3)),
        "project": project[0][0] if project else "",
        "origin": recording.provenance.told(recording.formats) if recording.formats else "",
    }
    told = [skipped(recording)] if recording.skipped else []
    told += [*recording.remarks, *_losses(results, forgone), *filter(None, [recording.provenance.doubts()])]
    return results.model_copy(
        update={
            "run": results.run.model_copy(update={"profile": profile, "command": command}),
            "target": results.target.model_copy(update=target),
            "summary": results.summary.model_copy(update={"standing": None, "clients": _hindered(results)}),
            "notes": (*results.notes, *told),
        }
    )


def _hindered(results: Results) -> tuple[ClientResult, ...]:
    """The clients with a rule in the way: that one works no recording of others' traffic can tell."""
    return tuple(client for client in results.summary.clients if client.in_the_way)


def _losses(results: Results, forgone: Mapping[str, Set[str]]) -> Iterator[str]:
    """What the recorder has lost, and how many rules it kept from being judged."""
    verdicts = results.verdicts
    for loss, told in LOSSES.items():
        rules = [rule for rule in forgone.get(loss, ()) if verdicts[rule] is Verdict.NOT_EXERCISED]
        if rules:
            verb = "was" if len(rules) == 1 else "were"
            yield f"{told}: {counted(len(rules), 'rule')} {ABOUT[loss]} {verb} not judged"


def _project(settings: Settings) -> str:
    """The project that placeholders stand for; "" where the user did not say it."""
    return settings.project if "project" in settings.explicit else ""


def with_command(row: RuleResult, command: str, lacking: str = "") -> RuleResult:
    """What is said of a rule after a recording, with the command that judges it again, and what the recorder has lost
    of it."""
    reason = row.reason
    if row.verdict is Verdict.NOT_EXERCISED:
        passive = (catalogue().get(row.id) or client_catalogue()[row.id]).passive
        reason = lacking or ("the recording does not show it" if passive else "only a live run can put it to the test")
    return repeated_by(row.model_copy(update={"reason": reason, "confirmation": ""}), command)


def repeated_by(row: RuleResult, command: str) -> RuleResult:
    """What is said of a rule, with the command that judges it again."""
    breaches = tuple(
        breach.model_copy(update={"reproduce": breach.reproduce.model_copy(update={"command": command})})
        for breach in row.breaches
    )
    return row.model_copy(update={"breaches": breaches})


def skipped(recording: Recording) -> str:
    """What of a recording was not judged."""
    parts = [f"{count} {reason}" for reason, count in recording.skipped.most_common()]
    return f"entries left out: {', '.join(parts)}" if parts else "it has no entries"
