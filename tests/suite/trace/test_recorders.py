"""Recordings in every format that is read: each clean one is green, and a breach is told by its own rule."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.recorded import (
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    PROJECT,
    REQUEST_ID,
    UNAVAILABLE,
    Recorded,
    image,
    operation,
)
from helpers.recorders import RECORDERS
from helpers.stories import SPOILED, broken, judged, story

from conformance.commands.check import check
from conformance.config.settings import Settings, UsageError
from conformance.trace.readers import json_items
from conformance.verdicts.results import Results


@pytest.mark.parametrize("recorder", RECORDERS)
def test_clean_story_is_green_in_every_format(recorder: str, tmp_path: Path) -> None:
    results = judged(RECORDERS[recorder](story().entries), tmp_path)
    assert broken(results) == set()
    assert results.summary.coverage.tested > 70
    assert results.cost.requests == len(story().entries)


@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize("rule", SPOILED)
def test_spoiled_story_is_caught_in_every_format(rule: str, recorder: str, tmp_path: Path) -> None:
    assert rule in broken(judged(RECORDERS[recorder](SPOILED[rule].entries), tmp_path))


def test_other_files_are_told_what_is_read(tmp_path: Path) -> None:
    for text in (b"", b"hello", b"{}", b"[]", b'{"a": 1', b"\x00\x01\x02", b"a: 1\n", b"5:hello,"):
        with pytest.raises(UsageError, match="is no recording") as told:
            judged(text, tmp_path)
        assert "\n" not in str(told.value)
    with pytest.raises(UsageError, match=r"HAR.*VCR.py.*go-vcr.*k8s-config-connector.*gcloud.*mitmproxy"):
        judged(b"hello", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        RECORDERS["har"](story().entries)[:-40],
        RECORDERS["har_gz"](story().entries)[:-40],
        RECORDERS["vcrpy_json"](story().entries)[:-40],
        RECORDERS["mitmproxy"](story().entries)[:-40],
        b"interactions:\n- request: {method: GET\n",
        b"interactions:\n- request: " + b"[" * 500 + b"]" * 500,
        b'{"log": {"entries": [' + b"[" * 5000 + b"]" * 5000 + b"]}}",
        b'{"a": ' + b'{"a": ' * 5000 + b"1" + b"}" * 5000 + b', "log": {"entries": []}}',
        b'{"interactions": [' + b"[" * 5000 + b"]" * 5000 + b"]}",
    ],
    ids=["har", "gz", "json", "mitmproxy", "yaml", "deep", "deep har", "deep beginning", "deep json"],
)
def test_broken_file_gets_one_sentence(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no recording") as told:
        judged(text, tmp_path)
    assert "\n" not in str(told.value)
    assert "Traceback" not in str(told.value)


@pytest.mark.parametrize("filler", [b'"' + b"a" * 2**20 + b'"', b" " * 2**20 + b"1"], ids=["text", "spaces"])
def test_text_without_end_is_not_read(filler: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_items, "VALUE_MAXIMUM", 2**19)
    for text in (b'{"log": {"a": ' + filler + b', "entries": []}}', b'{"a": ' + filler + b', "log": {"entries": []}}'):
        with pytest.raises(UsageError, match="a value in it is larger than"):
            judged(gzip.compress(text), tmp_path)


def test_pipe_is_no_recording(tmp_path: Path) -> None:
    """It would be waited for without end where nobody writes to it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        check(tmp_path / "pipe", Settings())


def test_yaml_makes_no_objects_and_does_not_grow(tmp_path: Path) -> None:
    marker = tmp_path / "made"
    laughs = "\n".join(f"    x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 40))
    text = f"""interactions:
- request:
    method: GET
    uri: !!python/unicode https://compute.googleapis.com/compute/v1/projects/demo/global/images/i
    body: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{marker}']]
    headers: {{}}
    x0: &x0 lol
{laughs}
  response:
    status: {{code: 404, message: Not Found}}
    headers: {{x: *x39}}
    body: {{string: '{json.dumps(NOT_FOUND)}'}}
version: 1
"""
    results = judged(text.encode(), tmp_path)
    assert results.cost.requests == 1
    assert broken(results) == set()
    assert not marker.exists()


def test_folder_is_read_in_order_and_stories_of_files_without_times_are_their_own(tmp_path: Path) -> None:
    """Two tests that made an image of one name at different times; the second file has another id for it."""
    folder = tmp_path / "cassettes"
    first = Recorded().made().entries
    second = Recorded().made().replaced("5000000000000000001", "5000000000000000009").entries
    judged(RECORDERS["vcrpy_yaml"](first), folder, "a/one.yaml")
    judged(RECORDERS["vcrpy_json"](second), folder, "b/two.json")
    (folder / "README.md").write_text("what this is", encoding="utf-8")
    (folder / ".hidden").write_text("no recording", encoding="utf-8")
    results = check(folder, Settings())
    assert broken(results) == set()
    assert results.cost.requests == len(first) + len(second)
    assert "files of the folder that are no recordings: 1" in results.notes


def test_archives_of_a_folder_are_one_story(tmp_path: Path) -> None:
    entries = SPOILED["request-id.replay-after-done"].entries
    for number, part in enumerate((entries[:3], entries[3:])):
        judged(RECORDERS["har"](part), tmp_path / "parts", f"{number}.har")
    assert "request-id.replay-after-done" in broken(check(tmp_path / "parts", Settings()))


def test_folder_without_recordings_is_told_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    with pytest.raises(UsageError, match="none of its files is one; what is read is an HTTP archive"):
        check(tmp_path, Settings())


def _lose(part: str, change: Callable[[dict[str, Any]], None], folder: Path) -> Results:
    """A cassette of VCR.py that lacks something in the request or the response of each interaction."""
    cassette = json.loads(RECORDERS["vcrpy_json"](story().entries))
    for interaction in cassette["interactions"]:
        change(interaction[part])
    return judged(json.dumps(cassette).encode(), folder)


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        ("request", {"body": ""}),
        ("request", {"body": None, "headers": {}}),
        ("request", {"headers": None}),
        ("response", {"headers": {}}),
        ("response", {"headers": None}),
        ("response", {"body": {}}),
        ("response", {"body": {"string": ""}}),
        ("response", {"body": None, "headers": {}}),
        ("response", {"status": {}}),
        ("response", {"body": {"string": "�"}, "headers": {"Content-Encoding": ["br"]}}),
    ],
)
def test_what_a_recorder_loses_is_no_breach(part: str, lost: dict[str, Any], tmp_path: Path) -> None:
    assert broken(_lose(part, lambda message: message.update(lost), tmp_path)) == set()


@pytest.mark.parametrize(
    "content", [None, {}, {"size": 0}, {"size": 9, "text": ""}, {"size": 0, "text": ""}, {"size": 9}]
)
@pytest.mark.parametrize("size", [None, 0, -1])
def test_archive_without_bodies_is_no_breach(content: Any, size: int | None, tmp_path: Path) -> None:
    told = Recorded().insert(request_id=REQUEST_ID, answer=UNAVAILABLE, code=503).insert(request_id=REQUEST_ID).done()
    told.poll({**UNAVAILABLE, "name": "operation-1"}, 503).done().get(image())
    for entry in told.entries:
        entry["response"]["content"] = content
        entry["request"].pop("postData", None)
        entry["request"]["bodySize"] = size
    assert broken(told.judged(tmp_path)) == set()


def test_archive_without_bodies_of_requests_is_no_breach(tmp_path: Path) -> None:
    told = (
        Recorded().made().labelled({"a": "1"}, NO_LABELS).get(image(labels={"a": "1"}, labelFingerprint="aB3dE6gH9jK="))
    )
    for entry in told.entries:
        entry["request"].pop("postData", None)
        entry["request"]["bodySize"] = 0
    results = told.judged(tmp_path)
    assert broken(results) == set()
    assert "no request has its body: nothing of those that change images was judged" in results.notes


def test_insert_without_a_body_is_judged_where_its_answer_names_no_image(tmp_path: Path) -> None:
    link = f"{LINKS}/v1/projects/{PROJECT}/global/images/"
    told = Recorded().insert(answer=operation(1, "DONE", targetLink=link))
    told.entries[0]["request"].pop("postData")
    told.entries[0]["request"]["bodySize"] = 0
    assert "transport.empty-body" in broken(told.judged(tmp_path))


def test_empty_answer_that_says_so_is_one(tmp_path: Path) -> None:
    empty = {"body": {"string": ""}, "headers": {"Content-Length": ["0"]}}
    assert "transport.json" in broken(_lose("response", lambda message: message.update(empty), tmp_path))
