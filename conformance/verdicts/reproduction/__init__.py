"""How a reader can see a breach again: as a shell script, as a pytest file, and by the command that judges just this
rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from conformance.config.command_line import of_rule
from conformance.config.settings import Settings
from conformance.contract import Breach, Rule
from conformance.contract.history import History
from conformance.trace.exchange import Trace
from conformance.verdicts.reproduction.plan import plan
from conformance.verdicts.reproduction.scripts import pytest_file, shell_script

SCRIPT_MAXIMUM = 256 * 2**10
"""Characters of a script: a longer one nobody reads."""


def reproduction(
    rule: Rule, example: Mapping[str, Any], settings: Settings, *, scripts: bool = True, end: float = math.inf
) -> dict[str, str]:
    """The ways to reproduce a breach.

    The scripts are "" where none are wanted, the whole trace is not kept, it holds what no script can, or the time is
    over.

    Args:
        rule: the rule that was broken.
        example: the breach as the ledger keeps it.
        settings: of the run that found it.
        scripts: whether the scripts are wanted.
        end: when to give them up, by the monotonic clock.
    """
    command = of_rule(settings, rule.id)
    if not scripts or "trace" not in example:
        return {"shell": "", "pytest": "", "command": command}
    trace = Trace.from_record(example["trace"])
    told = Breach(example["message"], example["expected"], example["observed"], ())
    alike = (
        breach
        for breach in rule.judge(History(trace))
        if breach is not None and breach.message == told.message and _shown(breach) == example["numbers"]
    )
    try:
        # The example is without secrets; the breach itself, which has them, is found again by judging its trace.
        steps = plan(rule, next(alike), trace, end)
        shell, pytest = shell_script(rule, told, steps), pytest_file(rule, told, steps)
    except Exception:
        # Whatever a target has answered to make it fail, it costs no more than this script.
        shell = pytest = ""
    fit = max(len(shell), len(pytest)) <= SCRIPT_MAXIMUM
    return {"shell": shell if fit else "", "pytest": pytest if fit else "", "command": command}


def _shown(breach: Breach) -> list[int]:
    return sorted({exchange.number for exchange in breach.exchanges})
