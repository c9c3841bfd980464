"""The command that repeats a run, or what a run of one rule would be."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from conformance.config.option import DeclaredOption
from conformance.config.options import declared
from conformance.config.settings import Settings


def command_line(settings: Settings, command: str = "run", arguments: Sequence[str] = ()) -> str:
    """The command that does the same again, without the values of headers and tokens, which are secret.

    What stands in the configuration file is left to that file, which the command names.

    Args:
        settings: with which it was done.
        command: its name.
        arguments: what it was given beside options.
    """
    words = ["conformance", command, *arguments]
    for row in declared(command):
        value = getattr(settings, row.key)
        if _told(row, value, settings):
            words += _written(row, value)
    return shlex.join(words)


def of_rule(settings: Settings, rule: str, command: str = "run", arguments: Sequence[str] = ()) -> str:
    """The command that judges one rule as these settings do.

    Args:
        settings: of the run.
        rule: the id of the rule.
        command, arguments: as for command_line.
    """
    explicit = settings.explicit | {"only"}
    alone = {"only": (rule,), "skip": (), "shard": None, "update_waivers": False, "explicit": explicit}
    return command_line(settings.model_copy(update=alone), command, arguments)


def _told(row: DeclaredOption, value: Any, settings: Settings) -> bool:
    """Whether the command has to say what a setting is."""
    if row.key == "config":
        return value is not None
    if row.key == "seed":
        return value is not None  # it may have been drawn
    if row.key == "url" and settings.start is not None:
        return row.key in settings.explicit  # else it is a port that was free
    if row.key == "second_project" and settings.embedded:
        return row.key in settings.explicit  # the embedded emulator brings one
    if settings.config is not None:
        return row.key in settings.explicit and value not in (None, ())
    return bool(value != row.default)


def _written(row: DeclaredOption, value: Any) -> list[str]:
    on, _, off = row.flags[0].partition("/")
    if row.kind is bool:
        return [on if value else off] if value or off else []
    values = value if row.repeated else [value]
    if row.key == "header":
        values = [f"{item.partition(':')[0].strip()}: …" for item in values]
    return [word for item in values for word in (on, f"{item:g}" if isinstance(item, float) else str(item))]
