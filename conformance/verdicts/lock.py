"""What a target could do in an earlier run: what it no longer can makes rules not applicable, which must not look
like success."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.config.settings import FILE_MAXIMUM, Settings, UsageError
from conformance.contract import catalogue
from conformance.verdicts.results import Results, Summary
from conformance.verdicts.verdict import Exit, Outcome, Verdict
from conformance.verdicts.waivers import known, waived_rules

FILE_NAME = "capabilities.lock"

SHOWN_MAXIMUM = 5
"""Rules that are named of those that are put to the test no more."""

SEEN = frozenset({Verdict.PASSED, Verdict.FAILED, Verdict.DEVIATES, Verdict.WAIVED, Verdict.BLOCKED, Verdict.ERROR})
"""Verdicts of rules that the target gave occasion to try: one that is broken, or blocked, is no loss of this kind."""


class Lock(BaseModel):
    """What a target could do: its capabilities, and the rules that were put to the test."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capabilities: tuple[str, ...]
    exercised: tuple[str, ...]


def lock_file(settings: Settings) -> Path:
    """The file that a run compares with, which need not exist."""
    return Path(settings.lock or FILE_NAME)


def read_lock(settings: Settings) -> Lock | None:
    """What the target could do; None where no run has written it.

    Raises:
        UsageError: the file cannot be read, or is no such file.
    """
    path = lock_file(settings)
    if not path.exists() or settings.update_lock:
        return None
    try:
        with path.open("rb") as file:
            return Lock.model_validate_json(file.read(FILE_MAXIMUM))
    except OSError as error:
        raise UsageError(f"the lock {path} cannot be read: {error.strerror}.") from None
    except ValidationError:
        raise UsageError(f"the lock {path} is none that `conformance run --update-lock` has written.") from None


def write_lock(results: Results, path: Path) -> None:
    """Writes down what a target can do now.

    Raises:
        OSError: the file cannot be written.
    """
    exercised = sorted(rule.id for rule in results.rules if rule.verdict in SEEN)
    lock = {"capabilities": sorted(_capabilities(results)), "exercised": exercised}
    path.write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")


def held_to(lock: Lock, results: Results) -> Results:
    """The results of a run, which fails where the target can do less than it could; what is new is told.

    A loss is waived where waivers cover every rule that goes with it. A run that ended early, or that is a shard, is
    not compared.

    Args:
        lock: what the target could do.
        results: of the run.
    """
    if results.run.shard or results.run.ending.reason:
        return results
    waived = waived_rules(known(results.waivers), results.target.url)
    lost = list(_lost(lock, results, waived))
    now = _capabilities(results)
    new = sorted(now - set(lock.capabilities))
    told = [f"new since the lock was written: {', '.join(new)}; --update-lock takes it over"] if new else []
    changes: dict[str, object] = {"notes": (*results.notes, *lost, *told)}
    if lost and results.summary.exit_status is Exit.CONFORMANT:
        changes["summary"] = _failed(results.summary, lost)
    return results.model_copy(update=changes)


def _lost(lock: Lock, results: Results, waived: Collection[str]) -> Iterator[str]:
    """A sentence for each capability that is gone, and one for all other rules that are no longer put to the test."""
    rules = catalogue()
    verdicts = results.verdicts
    gone = {
        rule for rule in lock.exercised if verdicts.get(rule) in (Verdict.NOT_EXERCISED, Verdict.NOT_APPLICABLE)
    }.difference(waived)
    told: set[str] = set()
    for capability in sorted(set(lock.capabilities) - _capabilities(results)):
        hanging = {rule for rule in gone if rule in rules and capability in rules[rule].needs}
        told |= hanging
        reason = results.target.capabilities.get(capability)
        if hanging:
            yield (
                f"the target can no longer do {capability}, which it could when the lock was written: {_some(hanging)} "
                f"{'is' if len(hanging) == 1 else 'are'} not judged"
                + (f" ({reason})" if isinstance(reason, str) else "")
            )
    rest = gone - told
    if rest:
        verb = "is" if len(rest) == 1 else "are"
        yield f"{_some(rest)} {verb} no longer put to the test, as when the lock was written"


def _some(rules: Collection[str]) -> str:
    shown = sorted(rules)[:SHOWN_MAXIMUM]
    more = len(rules) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _capabilities(results: Results) -> set[str]:
    return {name for name, state in results.target.capabilities.items() if state is True}


def _failed(summary: Summary, lost: Collection[str]) -> Summary:
    reason = f"{'; '.join(lost)}; --update-lock accepts it"
    changes = {"verdict": Outcome.INCONCLUSIVE, "exit_status": Exit.NOT_CONFORMANT, "reason": reason}
    return summary.model_copy(update=changes)
