"""Requests that come again with their requestId: on hand-written traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, change, image, operation, refusal

Step = Callable[[Story], Story]

OTHER = REQUEST_ID.replace("1", "2")
OWN = operation(id="1002", name="operation-2", targetId="2002")
"""An operation that is another than that of the first insert, and of another image."""


def made() -> Story:
    """The image `one`, made and seen."""
    return Story().insert(operation("PENDING")).poll(operation()).get(image())


def anew(answer: dict[str, Any], code: int = 200, **body: Any) -> Step:
    """The insert again, with another body but for those fields that are given."""
    return lambda story: story.insert(answer, code=code, **({"description": "other"} | body))


@pytest.mark.parametrize(
    ("replay", "verdict"),
    [
        (anew(operation()), "kept"),
        (anew(refusal(400, "invalid"), 400), "kept"),
        (anew(OWN), "broken"),
        (anew(OWN | {"targetId": "2001"}), "kept"),
        (anew({name: value for name, value in OWN.items() if name != "targetId"}), "deviates"),
        (anew(OWN | {"error": {"errors": [{"code": "X"}]}, "httpErrorStatusCode": 400}), "kept"),
        (anew({}, 503), "silent"),
        (anew(OWN, description=None), "silent"),
        (lambda story: anew(OWN)(anew({}, 503)(story)), "broken"),
        (lambda story: anew(OWN)(story.change("delete")), "silent"),
        (lambda story: anew(operation())(story).get(image(description="other")), "broken"),
        (lambda story: anew(operation())(story).change("patch", {}).get(image(description="other")), "kept"),
        (lambda story: anew(operation(), name="two")(story).get(image(name="two"), name="two"), "broken"),
        (
            lambda story: anew(operation(), name="two")(story).get(refusal(404, "notFound"), status=404, name="two"),
            "kept",
        ),
    ],
)
def test_another_body_under_a_used_request_id(replay: Step, verdict: str) -> None:
    assert replay(made()).verdict("request-id.replay-other-body") == verdict


@pytest.mark.parametrize(("seen", "verdict"), [(image(), "kept"), (image(description="other"), "broken")])
def test_another_body_where_no_operation_tells_its_image(seen: dict[str, Any], verdict: str) -> None:
    def silent(answer: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in answer.items() if name != "targetId"}

    story = Story().insert(silent(operation("PENDING"))).poll(silent(operation())).get(image())
    assert anew(silent(OWN))(story).get(seen).verdict("request-id.replay-other-body") == verdict


@pytest.mark.parametrize(
    ("replay", "verdict"),
    [
        (lambda story: story.insert(operation("RUNNING")), "kept"),
        (lambda story: story.insert(operation()), "kept"),
        (lambda story: story.insert(OWN).poll(operation("RUNNING")), "broken"),
        (lambda story: story.insert(OWN).poll(operation()), "silent"),
        (lambda story: story.insert(OWN | {"targetId": "2001"}).poll(operation("RUNNING")), "deviates"),
        (lambda story: story.insert(refusal(409, "alreadyExists"), code=409).poll(operation("RUNNING")), "broken"),
        (lambda story: story.insert(refusal(409, "alreadyExists"), code=409), "silent"),
        (lambda story: story.insert({}, code=503), "silent"),
        (lambda story: story.poll(operation()).insert(OWN), "silent"),
        (lambda story: story.insert(OWN, description="other"), "silent"),
        (lambda story: story.insert(OWN, request_id=OTHER), "silent"),
    ],
)
def test_replay_while_the_operation_is_under_way(replay: Step, verdict: str) -> None:
    """One that is not recognised may have come when the operation was DONE, unless it is seen under way afterwards."""
    story = Story().insert(operation("PENDING")).poll(operation("RUNNING"))
    assert replay(story).verdict("request-id.replay-while-running") == verdict


ANSWERS: list[tuple[int, dict[str, Any], str]] = [
    (200, operation(), "kept"),
    (200, OWN, "broken"),
    (200, OWN | {"targetId": "2001"}, "deviates"),
    (409, refusal(409, "alreadyExists"), "broken"),
    (503, {}, "silent"),
]
"""What a replay that is written otherwise may be answered."""


@pytest.mark.parametrize(("code", "answer", "verdict"), ANSWERS)
def test_replay_with_its_keys_in_another_order(code: int, answer: dict[str, Any], verdict: str) -> None:
    rule = "request-id.replay-key-order"
    body = {"sourceImage": "projects/p/global/images/base", "name": "one"}
    assert made().say("POST", f"images?requestId={REQUEST_ID}", body, code, answer).verdict(rule) == verdict
    assert made().say("POST", f"images?requestId={OTHER}", body, code, answer).verdict(rule) == "silent"
    assert made().insert(answer, code=code).verdict(rule) == "silent"
    deleted = made().change("delete").say("POST", f"images?requestId={REQUEST_ID}", body, code, answer)
    assert deleted.verdict(rule) == "silent"


@pytest.mark.parametrize(("code", "answer", "verdict"), ANSWERS)
def test_replay_with_its_request_id_in_capitals(code: int, answer: dict[str, Any], verdict: str) -> None:
    rule, capitals = "request-id.case", REQUEST_ID.upper()
    assert made().insert(answer, code=code, request_id=capitals).verdict(rule) == verdict
    assert made().insert(answer, code=code).verdict(rule) == "silent"
    assert made().insert(answer, code=code, request_id=capitals, description="other").verdict(rule) == "silent"
    assert made().change("delete").insert(answer, code=code, request_id=capitals).verdict(rule) == "silent"


def deleted(story: Story, answer: dict[str, Any], code: int = 200, request_id: str = OTHER, name: str = "one") -> Story:
    """A delete with a requestId."""
    return story.say("DELETE", f"images/{name}?requestId={request_id}", None, code, answer)


DELETE = change("delete", 1, clientOperationId=None)
"""The operation of a delete."""


@pytest.mark.parametrize(
    ("again", "verdict"),
    [
        (lambda story: deleted(story, DELETE), "kept"),
        (lambda story: deleted(story, change("delete", 2, targetId="2002")), "broken"),
        (lambda story: deleted(story, change("delete", 2)), "deviates"),
        (lambda story: deleted(story, refusal(404, "notFound"), 404), "broken"),
        (lambda story: deleted(story, {}, 503), "silent"),
        (lambda story: deleted(story, refusal(404, "notFound"), 404, request_id=REQUEST_ID), "silent"),
        (lambda story: deleted(story, refusal(404, "notFound"), 404, name="two"), "silent"),
    ],
)
def test_delete_that_comes_again(again: Step, verdict: str) -> None:
    assert again(deleted(made(), DELETE)).verdict("request-id.delete-replay") == verdict


def described(story: Story, text: str, request_id: str, **answer: Any) -> Story:
    """A PATCH of the description."""
    path, body = f"images/one?requestId={request_id}", {"description": text}
    return story.say("PATCH", path, body, 200, change("patch", 1, **answer))


@pytest.mark.parametrize(
    ("shown", "between", "verdict"),
    [("second", True, "kept"), ("first", True, "broken"), ("first", False, "silent")],
)
def test_change_that_comes_again(shown: str, between: bool, verdict: str) -> None:
    story = described(made(), "first", OTHER)
    again = OTHER if between else OTHER.replace("2", "3")
    story = described(story, "second", OTHER.replace("2", "4"), id="3002", name="operation-c2")
    story = described(story.get(image(description="second")), "first", again).get(image(description=shown))
    assert story.verdict("request-id.change-replay") == verdict


@pytest.mark.parametrize(
    ("answer", "code", "request_id", "verdict"),
    [
        (operation(), 200, REQUEST_ID, "broken"),
        (operation(), 200, REQUEST_ID.upper(), "broken"),
        (DELETE, 200, REQUEST_ID, "kept"),
        (refusal(400, "invalid"), 400, REQUEST_ID, "kept"),
        ({}, 503, REQUEST_ID, "silent"),
        (DELETE, 200, OTHER, "silent"),
    ],
)
def test_delete_with_the_request_id_of_an_insert(
    answer: dict[str, Any], code: int, request_id: str, verdict: str
) -> None:
    assert deleted(made(), answer, code, request_id).verdict("request-id.scoped-to-method") == verdict


RED = image(labels={"colour": "red"}, labelFingerprint="BBBBBBBBBBE=")


def relabelled() -> Story:
    """The image `one`, made, seen, and labelled anew."""
    return made().change("setLabels", {"labels": {"colour": "red"}, "labelFingerprint": image()["labelFingerprint"]})


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (relabelled().get(RED).insert(operation()).get(RED), "kept"),
        (relabelled().get(RED).pause(2).insert(operation()).get(image()), "broken"),
        (relabelled().get(RED).pause(2).insert(operation()).insert(operation()).get(image()), "broken"),
        (made().insert(operation()).get(image(description="again")), "broken"),
        (made().insert(operation()).get(image(status="PENDING", archiveSizeBytes="9")), "kept"),
        (made().insert(operation()).change("patch", {"description": "x"}).get(image(description="x")), "kept"),
        (Story().insert(operation("PENDING")).get(image(diskSizeGb=None)).insert(operation()).get(image()), "kept"),
    ],
)
def test_replay_changes_nothing_of_the_image(story: Story, verdict: str) -> None:
    assert story.verdict("request-id.replay-creates-nothing") == verdict


@pytest.mark.parametrize(
    ("target", "verdict"), [("2001", "kept"), ("2002", "broken"), ("1001", "silent"), ("0", "silent")]
)
def test_image_that_no_look_has_shown_before_a_replay(target: str, verdict: str) -> None:
    """Its operation tells which it is; one that names itself as its target, or 0, tells nothing."""
    story = Story().insert(operation("PENDING", targetId=target)).poll(operation(targetId=target))
    story.insert(operation(targetId=target)).get(image())
    assert story.verdict("request-id.replay-creates-nothing") == verdict


@pytest.mark.parametrize("seen_between", [True, False])
def test_image_seen_late_after_its_deletion_is_not_the_one_that_a_later_insert_made(seen_between: bool) -> None:
    old = image(status="DELETING")
    second = operation("PENDING", id="1002", name="operation-2", targetId="2002", clientOperationId=OTHER)
    story = made().change("delete").insert(second, request_id=OTHER)
    story = story.get(old) if seen_between else story
    story = story.insert(second, request_id=OTHER).get(old)
    done = second | {"status": "DONE", "progress": 100, "endTime": "2026-01-01T00:00:01.000Z"}
    story = story.say("GET", "operations/operation-2", None, 200, done).get(image(id="2002"))
    assert "request-id.replay-creates-nothing" not in story.broken()
    assert story.get(image(id="2003")).verdict("request-id.replay-creates-nothing") == "broken"
