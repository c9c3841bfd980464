"""JSON that others wrote, read item by item: neither how deep it is nested nor how long a text is costs much memory.

The library keeps the path of every open level, so that a small file with 100,000 of them would take all there is, and
every text as a whole, of which a packed file of 1 MB may hold one of 1 GB. So the bytes are looked at before it sees
them; that is much faster than to look at each piece that it makes of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, BinaryIO

import ijson

from conformance.trace.json_text import DEPTH_MAXIMUM

Broken = ijson.JSONError
"""What is raised where a text is not JSON."""

VALUE_MAXIMUM = 64 * 2**20
"""Bytes that a single value may have, and what stands before it: no recorder keeps a body as large."""

_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_QUOTE = b'"'
_ESCAPE = b"\\"
_PLAIN = bytes(set(range(256)) - _STEPS.keys() - {ord(_QUOTE)})
"""All bytes that neither open nor close anything."""


def items(file: BinaryIO, key: str) -> Iterator[Any]:
    """The items of a list, named by the path of keys to it, one by one.

    Raises:
        Broken: the text is not JSON.
        RecursionError: it is nested too deep.
        ValueError: a value in it is too long.
    """
    guarded = _Guarded(file)
    for item in ijson.items(guarded, f"{key}.item", use_float=True):
        guarded.since = 0
        yield item


def keys(file: BinaryIO) -> Iterator[str]:
    """The keys of the object that a text is, as far as it is read; raises as `items` does."""
    guarded = _Guarded(file)
    for prefix, event, value in ijson.parse(guarded, use_float=True):
        guarded.since = 0
        if event == "map_key" and not prefix:
            yield value


class _Guarded:
    """A JSON file that is read no further than a value may reach, nor than it may be nested.

    Attributes:
        since: the bytes that were read since the last value was complete.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._depth = 0
        self._quoted = False
        self._escape = b""
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        """So many bytes more."""
        data = self._file.read(size)
        self.since += len(data)
        if self.since > VALUE_MAXIMUM:
            raise ValueError(f"a value in it is larger than {VALUE_MAXIMUM // 2**20} MiB")
        self._descend(data)
        return data

    def _descend(self, data: bytes) -> None:
        """Follows how deep the text is nested: by the brackets outside of its quoted texts."""
        text = self._escape + data
        self._escape = _ESCAPE * ((len(text) - len(text.rstrip(_ESCAPE))) % 2)  # what it escapes is still to come
        text = text.removesuffix(self._escape)
        parts = text.replace(_ESCAPE * 2, b"").replace(_ESCAPE + _QUOTE, b"").translate(None, _PLAIN).split(_QUOTE)
        brackets = b"".join(parts[self._quoted :: 2])
        self._quoted ^= len(parts) % 2 == 0
        for depth in accumulate(map(_STEPS.__getitem__, brackets), initial=self._depth):
            if depth > DEPTH_MAXIMUM:
                raise RecursionError
            self._depth = depth
