"""The options of `conformance run` as options of pytest."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.config.options import declared

OPTIONS = tuple(row for row in declared() if row.option.pytest)
"""Those that pytest has none of its own for."""


def add_options(parser: pytest.Parser) -> None:
    """Adds the options.

    Args:
        parser: of pytest's command line.
    """
    group = parser.getgroup("conformance", "conformance of an implementation of Compute Engine images")
    for row in OPTIONS:
        repeated: dict[str, Any] = {"action": "append"} if row.repeated else {}
        text = row.help.replace("%", "%%")
        group.addoption(*row.flags, dest=_key(row.key), default=None, metavar=row.metavar, help=text, **repeated)


def given_options(config: pytest.Config) -> dict[str, Any]:
    """The options that the user gave, by the name of the setting.

    Args:
        config: of pytest.
    """
    given = {row.key: config.getoption(_key(row.key)) for row in OPTIONS}
    return {key: value for key, value in given.items() if value is not None}


def _key(name: str) -> str:
    return f"conformance_{name}"
