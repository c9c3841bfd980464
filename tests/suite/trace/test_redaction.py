"""A secret is found in whatever way a target writes it."""

import base64
import html
import json
import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.trace.formats import timestamp
from conformance.trace.redaction import redacted

TOKEN = "ya29/a+token=that-must-not_be.seen"
KEY = base64.b64encode(bytes(range(32))).decode()


def escaped(text: str) -> str:
    """Each character as its escape in JSON."""
    return "".join(f"\\u{ord(sign):04x}" for sign in text)


def in_percents(text: str) -> str:
    """Each character as its escape in URLs."""
    return "".join(f"%{ord(sign):02X}" for sign in text)


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "in JSON": lambda text: json.dumps(text).replace("/", "\\/"),
    "in escapes of JSON": escaped,
    "in JSON within JSON": lambda text: json.dumps(json.dumps({text: escaped(text).upper().replace("\\U", "\\u")})),
    "in a URL": lambda text: quote(text, safe=""),
    "in percents": in_percents,
    "in a URL within a URL": lambda text: quote(in_percents(text), safe=""),
    "in HTML": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "in HTML, in hexadecimal": lambda text: html.escape("".join(f"&#x{ord(sign):X};" for sign in text)),
    "in hexadecimal": lambda text: text.encode().hex(),
    "in base64 within a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "in percents within JSON": lambda text: escaped(in_percents(text)),
    "in capitals": str.upper,
    "in letters of the other case": str.swapcase,
    "backwards": lambda text: text[::-1],
    "backwards in a URL": lambda text: quote(text[::-1], safe=""),
}


def known_forms(text: str) -> set[str]:
    """A text as a reader would find it, after taking off two layers of encoding."""
    return {text, text.replace("\\/", "/")}


@pytest.mark.parametrize("way", WAYS)
def test_encoded_secret(way: str) -> None:
    text = WAYS[way](TOKEN)
    shown = redacted({"body": f"before {text} after", f"a key: {text}": 1}, [TOKEN, f"Bearer {TOKEN}", KEY])
    assert text not in json.dumps(shown)
    assert "REDACTED" in shown["body"]
    assert not known_forms(TOKEN) & set(shown["body"].split())


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_secret_somewhere_in_base64(before: bytes, after: bytes, encode: Callable[[bytes], bytes]) -> None:
    text = encode(before + TOKEN.encode() + after).decode()
    shown = redacted(text, [TOKEN]).replace("-", "+").replace("_", "/")
    whole = base64.b64encode(TOKEN.encode()).decode()
    assert "REDACTED" in shown
    assert not any(whole[start : start + 12] in shown for start in range(len(whole) - 12))


@pytest.mark.parametrize(
    "text", ["100 % sure", "a%2Fb", "\\u00e9 \\/ &amp; &#65;", "conformance-12345678-main-1", KEY[:-9]]
)
def test_other_text_stays(text: str) -> None:
    assert redacted(text, [TOKEN, KEY]) == text


def test_key_in_another_case_is_another_key() -> None:
    assert redacted(KEY.swapcase(), [KEY]) == KEY.swapcase()


def test_key_becomes_another_key() -> None:
    assert len(base64.b64decode(redacted(KEY, [KEY]))) == 32
    assert redacted(KEY.replace("=", "\\u003d"), [KEY]) == redacted(KEY, [KEY])


@pytest.mark.parametrize("read", [lambda text: redacted(text, [TOKEN]), timestamp], ids=["redacted", "timestamp"])
def test_large_text_is_not_kept(read: Callable[[str], object]) -> None:
    """Every text of a target may be as large as it is let in, and most come once."""
    for size, kept in ((50, True), (50_000, False)):
        text = "x" * size
        before = sys.getrefcount(text)
        read(text)
        assert (sys.getrefcount(text) > before) is kept
