"""JSON that others wrote, read item by item: how deep it is nested costs no memory.

The library keeps the path of every open level, so that a small file with 100,000 of them would take all there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from conformance.trace.json_text import DEPTH_MAXIMUM

Broken = ijson.JSONError
"""What is raised where a text is not JSON."""

_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


def items(file: BinaryIO, key: str) -> Iterator[Any]:
    """The items of a list, named by the path of keys to it, one by one.

    Raises:
        Broken: the text is not JSON.
        RecursionError: it is nested too deep.
    """
    yield from ijson.items(ijson.parse(_shallow(file)), f"{key}.item")


def keys(file: BinaryIO) -> Iterator[str]:
    """The keys of the object that a text is, as far as it is read; raises as `items` does."""
    for prefix, event, value in ijson.parse(_shallow(file)):
        if event == "map_key" and not prefix:
            yield value


def _shallow(file: BinaryIO) -> Iterator[tuple[str, Any]]:
    """The pieces of a text, until it is nested too deep."""
    depth = 0
    for piece in ijson.basic_parse(file, use_float=True):
        step = _STEPS.get(piece[0])
        if step:
            depth += step
            if depth > DEPTH_MAXIMUM:
                raise RecursionError
        yield piece
