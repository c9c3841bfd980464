"""How a setting is given: one row for each, which stands with its field in the settings."""

from __future__ import annotations

import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

METAVARS = {int: "INTEGER", float: "FLOAT", str: "TEXT", Path: "FOLDER"}
"""What help shows in place of a value of each type."""


@dataclass(frozen=True)
class Option:
    """How a setting is given on the command line; its key in the file and its environment variable follow from its
    name.

    Args:
        help: what it does.
        commands: the commands that take it, beside `run`.
        flags: as it is written; () for its name with dashes.
        metavar: what help shows in place of its value; "" for what follows from its type.
        choices: all values that it may have; () for no such list.
        default: what holds without it; "" for the default of its field.
        pytest: whether pytest takes it too; it may not where pytest has one of its own for it.
    """

    help: str
    commands: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    metavar: str = ""
    choices: tuple[str, ...] = ()
    default: str = ""
    pytest: bool = True


@dataclass(frozen=True)
class DeclaredOption:
    """An option with what its field says of it: `kind` is the type of one value, `repeated` whether there may be
    several."""

    key: str
    kind: type
    repeated: bool
    default: Any
    option: Option

    @property
    def flags(self) -> tuple[str, ...]:
        """As it is written on the command line."""
        return self.option.flags or (f"--{self.key.replace('_', '-')}",)

    @property
    def metavar(self) -> str:
        """What help shows in place of its value."""
        if self.option.choices:
            return f"[{'|'.join(self.option.choices)}]"
        return self.option.metavar or METAVARS.get(self.kind, "TEXT")

    @property
    def help(self) -> str:
        """What it does, and what holds without it."""
        value = "" if self.default in (None, (), False) else "yes" if self.default is True else f"{self.default}"
        default = self.option.default or value
        again = "; repeat for more" if self.repeated else ""
        return f"{self.option.help}{again}.{f' (default: {default})' if default else ''}"


def value_type(annotation: Any) -> tuple[type, bool]:
    """The type of one value of a field, and whether the field holds several."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not type(None))
    repeated = get_origin(annotation) is tuple
    return (get_args(annotation)[0] if repeated else annotation), repeated
