"""What a run keeps of a breach is enough for its scripts, and holds no secret."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from helpers.story import Story, image, operation

from conformance.contract import catalogue
from conformance.contract.history import History
from conformance.trace.exchange import Trace
from conformance.verdicts.reproduction.kept import packed, unpacked

KEYS = tuple(base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (b"one", b"other"))
BAD_KEY = "no_base64-at-all"


def hashed(key: str) -> str:
    """What the API answers in place of a key."""
    return base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode()


def story(**changes: Any) -> Trace:
    """An image with a key of its own from one with another key, as it is shown afterwards."""
    told = Story().insert(
        operation("DONE"), imageEncryptionKey={"rawKey": KEYS[0]}, sourceImageEncryptionKey={"rawKey": KEYS[1]}
    )
    told.get(image(**changes))
    return replace(told.trace(), secrets=frozenset({*KEYS, BAD_KEY}))


def broken(rule: str, trace: Trace) -> list[str]:
    """What a rule says of a trace."""
    return [found.message for found in catalogue()[rule].judge(History(trace)) if found is not None]


def plain(text: str) -> str:
    """All that was packed."""
    return zlib.decompress(base64.b64decode(text)).decode()


def test_trace_comes_back_as_it_was() -> None:
    body = b'{"name": "\xff\xfe\\ud800"}'
    trace = Story().insert(operation("PENDING")).poll(operation("DONE")).trace()
    odd = replace(trace.exchanges[0], request=replace(trace.exchanges[0].request, body=body))
    lost = replace(trace.exchanges[1], response=None, failure="reset")
    trace = replace(trace, exchanges=(odd, lost))
    assert unpacked(packed(trace.record)) == trace


@pytest.mark.parametrize("spoiled", [False, True])
def test_keys_are_others_of_which_rules_find_the_same(spoiled: bool) -> None:
    mine, source = ({"sha256": hashed(key)} for key in KEYS)
    trace = story(imageEncryptionKey=source if spoiled else mine, sourceImageEncryptionKey=source)
    text = packed(trace.record)
    for secret in (*KEYS, *map(hashed, KEYS)):
        assert secret not in plain(text)
    again = unpacked(text)
    assert len(again.secrets) == len(KEYS)
    for rule in ("encryption.image.sha256", "encryption.never-echoed"):
        assert broken(rule, again) == broken(rule, trace)
    assert bool(broken("encryption.image.sha256", again)) is spoiled


def test_key_that_is_none_keeps_its_form() -> None:
    trace = replace(
        Story().insert({}, code=400, imageEncryptionKey={"rawKey": BAD_KEY}).trace(), secrets=frozenset({BAD_KEY})
    )
    text = packed(trace.record)
    assert BAD_KEY not in plain(text)
    assert unpacked(text).exchanges[0].request.json["imageEncryptionKey"]["rawKey"] == "kk_kkkk64-kk-kkk"


def test_texts_and_headers_of_the_user_are_left_out() -> None:
    trace = Story().insert(operation("DONE"), description="hunter2-hunter2").trace()
    sent = replace(trace.exchanges[0].request, headers={"Authorization": "Bearer abc", "X-Mine": "mine"})
    trace = replace(trace, exchanges=(replace(trace.exchanges[0], request=sent),))
    text = plain(packed(trace.record, {"hunter2-hunter2"}, {"X-Mine"}))
    assert "hunter2" not in text
    assert "Bearer" not in text
    assert "mine" not in text


NO_TRACES: tuple[Any, ...] = ([], {}, {"exchanges": [{}]}, {"exchanges": None})


@pytest.mark.parametrize(
    "text",
    ["", "?", "AAAA", *(base64.b64encode(zlib.compress(json.dumps(value).encode())).decode() for value in NO_TRACES)],
)
def test_what_is_no_trace_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="no trace"):
        unpacked(text)
