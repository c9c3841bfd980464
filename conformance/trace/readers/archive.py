"""HTTP archives (HAR 1.2), entry by entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import ijson

from conformance.trace.readers.entry import Entry


def read(file: BinaryIO) -> Iterator[Entry]:
    """The entries of an archive.

    Raises:
        ValueError: the text is not JSON.
    """
    for value in ijson.items(file, "log.entries.item", use_float=True):
        yield value if isinstance(value, dict) else {}
