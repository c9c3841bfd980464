"""Paths, verbs and parameters: what is none, what is written otherwise, and what is left of an answer."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import Story, image, operation, refusal

from conformance.emulator.partial import selected
from conformance.trace.exchange import Intent


def told(path: str, status: int, answer: Any, rule: str, *, valid: bool = True) -> tuple[bool, bool]:
    """Whether a rule holds, and whether it is broken, where an image is asked for in some way."""
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    story.say("GET", path, None, status, answer, Intent(valid, (rule,)))
    return rule in story.kept(), rule in story.broken()


@pytest.mark.parametrize(
    ("status", "answer", "kept"),
    [
        (404, refusal(404, "notFound"), True),
        (405, refusal(405, "httpMethodNotAllowed"), True),
        (404, "Not Found", False),
        (400, refusal(400, "invalid"), False),
        (200, {}, False),
    ],
)
def test_path_that_there_is_not(status: int, answer: Any, kept: bool) -> None:
    assert told("imagez", status, answer, "transport.unknown-path", valid=False) == (kept, not kept)


@pytest.mark.parametrize(
    ("status", "answer", "kept"),
    [(200, image(), True), (404, refusal(404, "notFound"), False), (200, image(name="two"), False)],
)
def test_name_in_percent_encoding(status: int, answer: Any, kept: bool) -> None:
    assert told("images/%6Fne", status, answer, "transport.percent-encoding") == (kept, not kept)


def test_name_in_percent_encoding_is_its_own_matter() -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    intent = Intent(True, ("transport.percent-encoding",))
    story.say("GET", "images/%6Fne", None, 404, refusal(404, "notFound"), intent)
    assert story.broken() == {"transport.percent-encoding"}


@pytest.mark.parametrize(
    ("path", "answer", "kept"),
    [
        ("images/one?fields=id,name", {"id": "2001", "name": "one"}, True),
        ("images/one?fields=id,name", image(), False),
        ("images/one?fields=id,name", {"id": "2001"}, False),
        ("images/one?fields=id,labels/colour", {"id": "2001"}, True),
        ("images?fields=items(id)", {"items": [{"id": "2001"}]}, True),
        ("images?fields=items(id)", {"items": [{"id": "2001", "name": "one"}]}, False),
        ("images?fields=items/id", {"kind": "compute#imageList", "items": []}, False),
    ],
)
def test_fields_that_are_asked_for(path: str, answer: Any, kept: bool) -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).get(image()).say("GET", path, None, 200, answer)
    assert ("transport.fields-mask" in story.kept(), "transport.fields-mask" in story.broken()) == (kept, not kept)


@pytest.mark.parametrize(("name", "kept"), [("operation-1", False), ("operation-2", True)])
def test_empty_request_id(name: str, kept: bool) -> None:
    story = Story()
    for image_name, answer in (("one", operation(clientOperationId=None)), ("two", operation(name=name))):
        body = {"name": image_name, "sourceImage": "projects/p/global/images/base"}
        story.say("POST", "images?requestId=", body, 200, answer)
    assert ("request-id.empty" in story.kept(), "request-id.empty" in story.broken()) == (kept, not kept)


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("", {"a": {"b": 1, "c": 2}, "d": [{"e": 3, "f": 4}]}),
        ("a", {"a": {"b": 1, "c": 2}}),
        ("a/b,d(e)", {"a": {"b": 1}, "d": [{"e": 3}]}),
        ("d(e,f),a(c)", {"a": {"c": 2}, "d": [{"e": 3, "f": 4}]}),
        ("*", {"a": {"b": 1, "c": 2}, "d": [{"e": 3, "f": 4}]}),
        ("z", {}),
    ],
)
def test_emulator_answers_in_part(expression: str, left: dict[str, Any]) -> None:
    assert selected({"a": {"b": 1, "c": 2}, "d": [{"e": 3, "f": 4}]}, expression) == left
