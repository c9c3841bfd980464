"""HTTP archives (HAR 1.2), entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from conformance.trace.readers import json_items
from conformance.trace.readers.entry import Entry


def read(file: BinaryIO) -> Iterator[Entry]:
    """The entries of an archive.

    Raises:
        ValueError: the text is not JSON.
    """
    for value in json_items.items(file, "log.entries"):
        yield value if isinstance(value, dict) else {}
