"""`conformance reproduce`: the scripts that show the breach of one rule again, made once somebody wants them."""

from __future__ import annotations

import time
from pathlib import Path

from conformance.config.report_names import REPORTS
from conformance.config.settings import UsageError
from conformance.contract import Breach, catalogue, near
from conformance.verdicts.reproduction import scripts_of
from conformance.verdicts.reproduction.kept import unpacked
from conformance.verdicts.results import FILE_NAME, BreachResult, RuleResult, read_results
from conformance.verdicts.verdict import Exit

SECONDS_MAXIMUM = 120.0
"""How long it may take to find out what of the answers makes a breach."""

NAMES = ("reproduce.sh", "test_reproduce.py")


def reproduce(rule: str, folder: Path) -> int:
    """Writes the scripts for one rule into the folder of its run, and says where they are.

    Args:
        rule: its id.
        folder: what the run has written.

    Returns:
        The exit status.

    Raises:
        UsageError: there is no such run, rule or breach, no script can show it, or nothing can be written there.
    """
    row = _row(rule, folder)
    place = folder / REPORTS["scripts"] / rule
    made = _scripts(row, _breach(row, folder))
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, script in zip(NAMES, made, strict=True):
            (place / name).write_bytes(script.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"'{place}' cannot be written to ({error.strerror}), where the scripts belong.") from None
    print(f"URL=… sh {place / NAMES[0]}\nURL=… pytest {place / NAMES[1]}")
    return Exit.CONFORMANT


def _row(rule: str, folder: Path) -> RuleResult:
    """What the run says of a rule."""
    if rule not in catalogue():
        raise UsageError(f"there is no rule '{rule}'{near(rule)}.")
    results = folder / FILE_NAME
    found = next((row for row in read_results(results).rules if row.id == rule), None)
    if found is None:
        raise UsageError(f"'{results}' says nothing of {rule}; an earlier version of the suite has written it.")
    return found


def _breach(row: RuleResult, folder: Path) -> BreachResult:
    if row.shown is None:
        results = folder / FILE_NAME
        raise UsageError(f"{row.id} was not seen broken, '{results}' says {row.verdict.label}: nothing to reproduce.")
    return row.shown


def _scripts(row: RuleResult, breach: BreachResult) -> tuple[str, str]:
    """The shell script and the pytest file: those that the run has made, or else new ones."""
    ways = breach.reproduce
    if ways.shell:
        return ways.shell, ways.pytest
    if not ways.trace:
        raise UsageError(f"the run kept nothing to make a script for {row.id} of; `{ways.command}` judges it again.")
    told = Breach(breach.message, breach.expected, breach.observed, ())
    numbers = [exchange.number for exchange in breach.exchanges]
    try:
        made = scripts_of(catalogue()[row.id], told, numbers, unpacked(ways.trace), time.monotonic() + SECONDS_MAXIMUM)
    except Exception:
        # As in a run, whatever a target has answered to make it fail costs no more than this script.
        made = ("", "")
    if not all(made):
        raise UsageError(f"no script can show the breach of {row.id}; `{ways.command}` judges it again.")
    return made
