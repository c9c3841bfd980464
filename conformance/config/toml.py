"""TOML files that users write by hand, and that may come from anybody."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from conformance.config.settings import FILE_MAXIMUM, UsageError


def read_table(path: Path, kind: str) -> dict[str, Any]:
    """The table in a file.

    Args:
        path: the file.
        kind: what it is called in a complaint.

    Raises:
        UsageError: it is no file, too large, or not valid TOML.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"the {kind} {path} is no file.")
    with path.open("rb") as file:
        content = file.read(FILE_MAXIMUM + 1)
    if len(content) > FILE_MAXIMUM:
        raise UsageError(f"the {kind} {path} is larger than 1 MB.")
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the {kind} {path} is not valid TOML: {error}.") from None
