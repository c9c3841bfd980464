"""JSON that others wrote, read item by item: neither how deep it is nested nor how long a text is costs much memory.

The library keeps the path of every open level, so that a small file with 100,000 of them would take all there is, and
every text as a whole, of which a packed file of 1 MB may hold one of 1 GB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from conformance.trace.json_text import DEPTH_MAXIMUM

Broken = ijson.JSONError
"""What is raised where a text is not JSON."""

VALUE_MAXIMUM = 64 * 2**20
"""Bytes that a single text may have: no recorder keeps a body as large."""

_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


def items(file: BinaryIO, key: str) -> Iterator[Any]:
    """The items of a list, named by the path of keys to it, one by one.

    Raises:
        Broken: the text is not JSON.
        RecursionError: it is nested too deep.
        ValueError: a text in it is too long.
    """
    yield from ijson.items(ijson.parse(_shallow(file)), f"{key}.item")


def keys(file: BinaryIO) -> Iterator[str]:
    """The keys of the object that a text is, as far as it is read; raises as `items` does."""
    for prefix, event, value in ijson.parse(_shallow(file)):
        if event == "map_key" and not prefix:
            yield value


class _Measured:
    """A file that is read no further than a value may reach.

    Attributes:
        since: the bytes that were read since the last piece of JSON was complete.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        """So many bytes more."""
        data = self._file.read(size)
        self.since += len(data)
        if self.since > VALUE_MAXIMUM:
            raise ValueError(f"a text in it is larger than {VALUE_MAXIMUM // 2**20} MiB")
        return data


def _shallow(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """The pieces of a text, until it is nested too deep."""
    depth, measured = 0, _Measured(file)
    for piece in ijson.basic_parse(measured, use_float=True):
        measured.since = 0
        step = _STEPS.get(piece[0])
        if step:
            depth += step
            if depth > DEPTH_MAXIMUM:
                raise RecursionError
        yield piece
