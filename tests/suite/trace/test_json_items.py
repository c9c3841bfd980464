"""JSON that others wrote is read item by item, and no deeper than it may be nested."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.trace.json_text import DEPTH_MAXIMUM
from conformance.trace.readers import json_items

ENVELOPE = 2
"""The levels around an item of `{"items": […]}`."""

texts = st.text(alphabet='[]{}"\\ab,:é', max_size=12)
values = st.recursive(texts | st.integers(0, 9), lambda inner: st.lists(inner) | st.dictionaries(texts, inner))


class Trickle(io.BytesIO):
    """A file that gives so many bytes at a time."""

    def __init__(self, text: str, size: int) -> None:
        super().__init__(text.encode())
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, or as many as were asked for."""
        return super().read(min(self._size, self._size if size is None or size < 0 else size))


def nested(depth: int, around: str = "") -> str:
    return f'{{"items": [{around}{"[" * depth}{"]" * depth}]}}'


@given(st.lists(values, max_size=3), st.integers(1, 9))
@example(['\\"[', '"' * 3, "\\" * 3], 1)
def test_items_are_read_wherever_a_piece_of_the_file_ends(items: list[Any], size: int) -> None:
    for escaped in (True, False):
        text = json.dumps({"items": items}, ensure_ascii=escaped)
        assert list(json_items.items(Trickle(text, size), "items")) == items


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("around", ["", '"]]]", ', r'"\"]]]\\", ', r'{"]\\\"": "}"}, '])
def test_depth_is_that_of_brackets_outside_of_texts(size: int, around: str) -> None:
    allowed = DEPTH_MAXIMUM - ENVELOPE
    assert len(list(json_items.items(Trickle(nested(allowed, around), size), "items"))) == (2 if around else 1)
    with pytest.raises(RecursionError):
        list(json_items.items(Trickle(nested(allowed + 1, around), size), "items"))


def test_brackets_in_texts_nest_nothing() -> None:
    text = json.dumps({"items": ["[" * 500, '"' + "{" * 500, "\\"]})
    assert len(list(json_items.items(io.BytesIO(text.encode()), "items"))) == 3
