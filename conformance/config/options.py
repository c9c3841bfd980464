"""The options that a command takes, from the table that the settings are."""

from __future__ import annotations

from functools import cache

from conformance.config.option import DeclaredOption, Option, value_type
from conformance.config.settings import Settings

NOT_IN_FILE = frozenset({"config", "explicit", "first"})
FILE_KEYS = tuple(key for key in Settings.model_fields if key not in NOT_IN_FILE)
"""What may stand in the configuration file."""

VARIABLES = tuple(key for key in FILE_KEYS if key not in ("sources", "capabilities"))
"""What may be set by an environment variable."""


@cache
def declared(command: str = "run") -> tuple[DeclaredOption, ...]:
    """The options of a command, in the order of the table.

    Args:
        command: its name.
    """
    found = []
    for key, field in Settings.model_fields.items():
        option = next((item for item in field.metadata if isinstance(item, Option)), None)
        if option is not None and command in ("run", "watch", *option.commands):
            kind, repeated = value_type(field.annotation)
            found.append(DeclaredOption(key, kind, repeated, field.default, option))
    return tuple(found)


def flag(key: str) -> str:
    """How a setting is written on the command line."""
    return next((row.flags[0].partition("/")[0] for row in declared() if row.key == key), f"--{key.replace('_', '-')}")
