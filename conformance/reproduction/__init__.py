"""How a reader can see a breach again: as a shell script, as a pytest file, and by the command that judges just this rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract import Breach, Rule
from conformance.reproduction.plan import plan
from conformance.reproduction.scripts import pytest_file, shell_script
from conformance.settings import Settings, command_line
from conformance.trace import Trace


def reproduction(rule: Rule, example: Mapping[str, Any], settings: Settings, *, scripts: bool = True) -> dict[str, str]:
    """The ways to reproduce a breach; the scripts are "" where none are wanted, or the whole trace is not kept.

    Args:
        rule: the rule that was broken.
        example: the breach as the ledger keeps it.
        settings: of the run that found it.
        scripts: whether the scripts are wanted.
    """
    command = command_line(settings.model_copy(update={"only": (rule.id,), "skip": ()}))
    if not scripts or "trace" not in example:
        return {"shell": "", "pytest": "", "command": command}
    trace = Trace.from_record(example["trace"])
    shown = tuple(exchange for exchange in trace.exchanges if exchange.number in example["numbers"])
    breach = Breach(example["message"], example["expected"], example["observed"], shown)
    steps = plan(rule, breach, trace)
    return {"shell": shell_script(rule, breach, steps), "pytest": pytest_file(rule, breach, steps), "command": command}
