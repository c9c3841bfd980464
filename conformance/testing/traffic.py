"""The judgement of what tests have exchanged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.commands.check import check, judged
from conformance.commands.checking import checked
from conformance.config.loading import load_settings
from conformance.config.settings import Settings
from conformance.testing.outcome import told
from conformance.testing.recorder import Tape, tape_of
from conformance.trace.recording import Recording
from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Exit, Verdict

SHOWN = (Verdict.FAILED, Verdict.ERROR)


def assert_traffic_conforms(subject: Any, given: Mapping[str, Any]) -> None:
    """As `conformance.testing.assert_conforms`; `given` are the settings that the caller gave."""
    __tracebackhide__ = True
    settings = checked(load_settings(given))
    if isinstance(subject, Path):
        results = check(subject, settings)
    else:
        tape = tape_of(subject)
        if tape is None:
            raise TypeError(f"this {type(subject).__name__} is not recorded: call recorded(…) before its first request")
        results = _of_tape(tape, settings)
    if results.summary.exit_status is not Exit.CONFORMANT:
        broken = [row for row in results.rules if row.verdict.under(strict=settings.strict) in SHOWN]
        headline = f"{results.summary.headline}; {results.summary.reason}"
        raise AssertionError("\n".join(filter(None, (headline, told(broken)))))


def _of_tape(tape: Tape, settings: Settings) -> Results:
    with Recording() as recording:
        for exchange in tape:
            recording.add(exchange)
        return judged(recording, "what the client exchanged", settings)
