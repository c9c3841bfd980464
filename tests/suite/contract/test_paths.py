"""Paths, verbs and parameters: what is none, what is written otherwise, and what is left of an answer."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import Story, image, operation, refusal

from conformance.contract import catalogue
from conformance.emulator.partial import selected
from conformance.trace.exchange import Exchange, Intent, Request
from conformance.verdicts.ledger import Ledger


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


@pytest.mark.parametrize("verb", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    ("status", "answer", "kept"),
    [(200, image(), True), (404, refusal(404, "notFound"), False), (200, image(status="DELETING"), False)],
)
def test_verb_that_deletes_nothing(verb: str, status: int, answer: Any, kept: bool) -> None:
    rule = "transport.safe-verbs"
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    story.say(verb, "images/one", None, 200, {}, Intent(False, (rule,))).get(answer, status=status)
    assert (rule in story.kept(), rule in story.broken()) == (kept, not kept)


def test_verb_is_not_blamed_for_what_another_has_done() -> None:
    rule, gone = "transport.safe-verbs", refusal(404, "notFound")
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    for verb in ("HEAD", "OPTIONS"):
        story.say(verb, "images/one", None, 200, {}, Intent(False, (rule,))).get(gone, status=404)
    assert [broken.id for broken, _ in Ledger({rule: catalogue()[rule]}).judge(story.trace())] == [rule]


def test_deletion_by_a_safe_verb_may_take_a_moment() -> None:
    rule, gone = "transport.safe-verbs", refusal(404, "notFound")
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    story.say("HEAD", "images/one", None, 200, {}, Intent(False, (rule,))).get(image())
    assert story.verdict(rule) == "kept"
    assert story.get(gone, status=404).verdict(rule) == "broken"


def test_image_that_is_being_deleted_was_there() -> None:
    story = Story().insert(operation("PENDING")).poll(operation())
    going = image(status="DELETING")
    assert "operation.success-means-ready" not in story.get(image()).get(going).broken()
    assert "operation.success-means-ready" in Story().insert(operation("PENDING")).poll(operation()).get(going).broken()


def test_verb_that_deletes_nothing_says_nothing_of_an_image_that_was_never_seen() -> None:
    story = Story().insert(operation("PENDING")).poll(operation())
    story.say("HEAD", "images/one", None, 200, {}, Intent(False, ("transport.safe-verbs",)))
    story.get(refusal(404, "notFound"), status=404)
    assert "transport.safe-verbs" not in story.kept() | story.broken()


@pytest.mark.parametrize(("wanted", "method"), [("DELETE", "GET"), ("get", "images.get"), ("", "images.get")])
def test_request_that_asks_for_another_verb_is_no_method(wanted: str, method: str) -> None:
    url = "http://server/compute/beta/projects/p/global/images/one"
    assert Exchange(1, Request("GET", url, {"X-HTTP-Method-Override": wanted})).method == method


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
