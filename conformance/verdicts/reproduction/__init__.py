"""How a reader can see a breach again: as a shell script, as a pytest file, and by the command that judges just this
rule."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from conformance.config.command_line import of_rule
from conformance.config.settings import Settings
from conformance.contract import Breach, Rule
from conformance.contract.history import History
from conformance.trace.exchange import Trace
from conformance.verdicts.reproduction.kept import packed
from conformance.verdicts.reproduction.plan import plan
from conformance.verdicts.reproduction.scripts import pytest_file, shell_script

SCRIPT_MAXIMUM = 256 * 2**10
"""Characters of a script: a longer one nobody reads."""


def reproduction(  # noqa: PLR0913 - all that is known of a breach
    rule: Rule,
    example: Mapping[str, Any],
    settings: Settings,
    *,
    scripts: bool = True,
    end: float = math.inf,
    hidden: Collection[str] = (),
) -> dict[str, str]:
    """The ways to reproduce a breach.

    The scripts are "" where none are wanted, the whole trace is not known, it holds what no script can, or the time is
    over: then the trace is kept, for later.

    Args:
        rule: the rule that was broken.
        example: the breach as the ledger keeps it.
        settings: of the run that found it.
        scripts: whether the scripts are wanted.
        end: when to give them up, by the monotonic clock.
        hidden: texts that must not be seen, beside the keys of the trace.
    """
    told = Breach(example["message"], example["expected"], example["observed"], ())
    made = {"shell": "", "pytest": "", "command": of_rule(settings, rule.id)}
    if not scripts or "trace" not in example:
        return made
    try:
        trace = Trace.from_record(example["trace"])
        shell, pytest = scripts_of(rule, told, example["numbers"], trace, end)
    except TimeoutError:
        return {**made, "trace": packed(example["trace"], hidden, settings.request_headers())}
    except Exception:
        # Whatever a target has answered to make it fail, it costs no more than this script.
        return made
    return {**made, "shell": shell, "pytest": pytest}


def scripts_of(
    rule: Rule, told: Breach, numbers: Sequence[int], trace: Trace, end: float = math.inf
) -> tuple[str, str]:
    """The shell script and the pytest file for a breach; "" where they are too long.

    Args:
        rule: the rule that was broken.
        told: what is to be said of the breach. It is without secrets; the breach itself, which has them, is found
            again by judging its trace.
        numbers: of the exchanges that show it.
        trace: the trace that it was found in.
        end: when to give up, by the monotonic clock.

    Raises:
        TimeoutError: it takes too long.
        StopIteration: the rule does not find this breach in the trace.
    """
    if time.monotonic() >= end:
        raise TimeoutError
    alike = (
        breach
        for breach in rule.judge(History(trace))
        if breach is not None and breach.message == told.message and _shown(breach) == list(numbers)
    )
    steps = plan(rule, next(alike), trace, end)
    shell, pytest = shell_script(rule, told, steps), pytest_file(rule, told, steps)
    return (shell, pytest) if max(len(shell), len(pytest)) <= SCRIPT_MAXIMUM else ("", "")


def _shown(breach: Breach) -> list[int]:
    return sorted({exchange.number for exchange in breach.exchanges})
