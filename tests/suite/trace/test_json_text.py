"""Whatever others write, the values that come of it can be written, sent and parsed again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.trace.json_text import NOT_JSON, crowded, parse_json

ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(ANY_JSON | st.binary())
def test_values_survive_a_journey(value: object) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    known = parse_json(body)
    if known is not NOT_JSON:
        assert json.loads(json.dumps(known, ensure_ascii=False).encode()) == known


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'{"a\\ud800": ["\\udc00x"]}', {"a\\ud800": ["\\udc00x"]}),
        (b'"\\\\ud800"', "\\ud800"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": ' + b"9" * 300 + b"}", {"a": int("9" * 300)}),
        (b"[" * 100 + b"]" * 100, json.loads("[" * 100 + "]" * 100)),
    ],
)
def test_what_is_json(body: bytes, value: object) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32"),
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": ' + b"9" * 301 + b"}",
        b"1e999",
        b"NaN",
        b"-Infinity",
        b"[" * 101 + b"]" * 101,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_what_is_none(body: bytes) -> None:
    assert parse_json(body) is NOT_JSON


@pytest.mark.parametrize(
    ("body", "too_many"),
    [
        (b"[" + b"1," * 9 + b"1]", False),
        (b"[" + b"1," * 10 + b"1]", True),
        (b'"' + b"," * 100 + b'"', False),
        (b"no json" + b"," * 100, False),
        (b'{"a": [' + b"{}," * 20 + b"{}]}", True),
    ],
)
def test_texts_with_many_values(body: bytes, too_many: bool) -> None:
    assert crowded(body, 11) is too_many
