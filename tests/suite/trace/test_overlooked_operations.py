"""Recordings with a breach that is easily overlooked: in operations, waits and replays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.overlooked import LABELLED, NEW, OTHER, Row, noticed
from helpers.pairs import Told, assert_breach
from helpers.recorded import (
    EXISTS,
    NO_LABELS,
    NOT_FOUND,
    PROJECT,
    REQUEST_ID,
    UNAVAILABLE,
    Recorded,
    at,
    image,
    operation,
)

WAITS: tuple[Row, ...] = (
    (
        "a wait that goes back",
        lambda t: t.insert().wait(t.ended()).wait(operation(status="RUNNING", insertTime=at(1.3), startTime=at(1.3))),
        "operation.status-monotonic",
    ),
    (
        "a wait that changes what is DONE",
        lambda t: t.insert().wait(t.ended()).wait(t.ended()),
        "operation.done-is-final",
    ),
    (
        "a wait that changes the insertTime",
        lambda t: (
            t.insert()
            .wait(operation(status="RUNNING", insertTime=at(1.3), startTime=at(1.3)))
            .wait({**t.ended(), "insertTime": at(1.2)})
        ),
        "operation.identity-immutable",
    ),
    ("a wait that changes the id", lambda t: t.insert().wait({**t.ended(), "id": "9"}), "operation.identity-immutable"),
    (
        "progress that falls in a wait",
        lambda t: (
            t.insert()
            .poll(operation(status="RUNNING", progress=50, insertTime=at(1.3), startTime=at(1.3)))
            .wait(operation(status="RUNNING", progress=20, insertTime=at(1.3), startTime=at(1.3)))
        ),
        "operation.progress",
    ),
    (
        "progress that falls after a replay",
        lambda t: (
            t.insert(request_id=REQUEST_ID)
            .say("POST", f"global/images?requestId={REQUEST_ID}", {"name": "image-1", "sourceDisk": "x"}, None, 503)
            .insert(
                request_id=REQUEST_ID,
                answer=operation(
                    status="RUNNING", progress=80, insertTime=at(1.3), startTime=at(1.3), clientOperationId=REQUEST_ID
                ),
            )
            .poll(
                operation(
                    status="RUNNING", progress=30, insertTime=at(1.3), startTime=at(1.3), clientOperationId=REQUEST_ID
                )
            )
        ),
        "operation.progress",
    ),
    (
        "a status that goes back in a part",
        lambda t: t.insert().done().poll({"status": "RUNNING"}, query="?fields=status"),
        "operation.status-monotonic",
    ),
    (
        "an operation that is never found",
        lambda t: t.insert().poll(NOT_FOUND, 404).poll(NOT_FOUND, 404, wait=30),
        "operation.name",
    ),
)

REPLAYS: tuple[Row, ...] = (
    (
        "another operation",
        lambda t: (
            t.insert(request_id=REQUEST_ID)
            .insert(
                request_id=REQUEST_ID,
                answer={
                    **OTHER,
                    "targetId": operation()["targetId"],
                    "targetLink": operation()["targetLink"],
                    "insertTime": at(1.3),
                    "startTime": at(1.3),
                    "status": "RUNNING",
                    "progress": 0,
                    "clientOperationId": REQUEST_ID,
                },
            )
            .done()
        ),
        "request-id.*",
    ),
    (
        "a conflict",
        lambda t: (
            t.insert(request_id=REQUEST_ID).done().get(image()).insert(request_id=REQUEST_ID, answer=EXISTS, code=409)
        ),
        "request-id.*",
    ),
    (
        "a conflict while it is running",
        lambda t: t.insert(request_id=REQUEST_ID).insert(request_id=REQUEST_ID, answer=EXISTS, code=409).done(),
        "request-id.*",
    ),
    (
        "a conflict after a lost answer",
        lambda t: (
            t.insert(request_id=REQUEST_ID, code=0)
            .insert(request_id=REQUEST_ID, answer=EXISTS, code=409)
            .get(image(creationTimestamp=at(2.4)))
        ),
        "request-id.replay-after-lost-response",
    ),
    (
        "a conflict after 503",
        lambda t: (
            t.insert(request_id=REQUEST_ID, code=503, answer=UNAVAILABLE)
            .insert(request_id=REQUEST_ID, answer=EXISTS, code=409)
            .get(image(creationTimestamp=at(2.4)))
        ),
        "request-id.replay-after-lost-response",
    ),
    (
        "a conflict after 502 as a page",
        lambda t: (
            t.insert(request_id=REQUEST_ID, code=502, answer="<html>")
            .insert(request_id=REQUEST_ID, answer=EXISTS, code=409)
            .list(image(creationTimestamp=at(2.4)))
        ),
        "request-id.replay-after-lost-response",
    ),
    (
        "another image",
        lambda t: (
            t.insert(request_id=REQUEST_ID)
            .done()
            .get(image())
            .insert(
                request_id=REQUEST_ID,
                answer={
                    **OTHER,
                    "insertTime": at(6),
                    "startTime": at(6),
                    "clientOperationId": REQUEST_ID,
                    "endTime": at(6.2),
                },
            )
            .get(image(id=OTHER["targetId"]))
        ),
        "request-id.*",
    ),
    (
        "an operation of another image, DONE",
        lambda t: (
            t.insert(request_id=REQUEST_ID)
            .done()
            .insert(
                request_id=REQUEST_ID,
                answer={
                    **operation(),
                    "targetId": "9",
                    "insertTime": at(1.3),
                    "startTime": at(1.3),
                    "endTime": at(2.5),
                    "clientOperationId": REQUEST_ID,
                },
            )
        ),
        "request-id.*",
    ),
)


def remade(shown: dict[str, Any] | None, **changes: Any) -> Told:
    """An image that is deleted and made again, under operation 3 of which something is changed."""

    def tell(t: Recorded) -> Recorded:
        t.made().delete().deleted().get(NOT_FOUND, 404)
        began = {"insertTime": at(t.now + 1.3), "startTime": at(t.now + 1.3)}
        born = image(3, name="image-1", creationTimestamp=at(t.now + 1.4), selfLink=image()["selfLink"])
        told = {**operation(3, targetLink=operation()["targetLink"]), **began, **changes}
        t.insert(answer={**told, "status": "RUNNING", "progress": 0})
        return t.poll({**told, "endTime": at(t.now + 1)}).get({**born, **(shown or {})})

    return tell


def failed_then_made(t: Recorded) -> Recorded:
    """An insert that fails, whose image is READY all the same, before it is deleted and made again."""
    t.insert().done(**FAILURE).get(image()).delete().deleted().get(NOT_FOUND, 404)
    return t.begin_again().insert()


def changed(verb: str, **changes: Any) -> Told:
    """An image that shows other labels after a request whose operation, DONE at once, is changed in something."""

    def tell(t: Recorded) -> Recorded:
        times = dict.fromkeys(("insertTime", "startTime", "endTime"), at(t.now + 6.3))
        told = operation(9, "DONE", 1, **{"operationType": verb, **times, **changes})
        return t.made().act(verb, {"labels": NEW, "labelFingerprint": NO_LABELS}, answer=told).get(LABELLED)

    return tell


def answered_later(second: dict[str, Any], shown: dict[str, Any] | None = None) -> Told:
    """An insert that a 503 answers, and that is sent again twice: the second answer differs from the first in
    something."""

    def tell(t: Recorded) -> Recorded:
        own = {"clientOperationId": REQUEST_ID, "insertTime": at(1.3), "startTime": at(1.3)}
        t.insert(request_id=REQUEST_ID, answer=UNAVAILABLE, code=503)
        for changes in ({}, second):
            t.insert(request_id=REQUEST_ID, answer=operation(status="RUNNING", **{**own, **changes}))
        return t.done().get(shown or image())

    return tell


FAILURE: dict[str, Any] = {
    "error": {"errors": [{"code": "INTERNAL_ERROR", "message": "It broke."}]},
    "httpErrorStatusCode": 500,
    "httpErrorMessage": "INTERNAL SERVER ERROR",
}

OPERATIONS: tuple[Row, ...] = (
    (
        "another operation at the second replay after a lost answer",
        answered_later({"id": OTHER["id"], "name": OTHER["name"], "selfLink": OTHER["selfLink"]}),
        "request-id.replay-same-operation",
    ),
    (
        "another image at the second replay after a lost answer",
        answered_later({**{name: OTHER[name] for name in ("id", "name", "selfLink")}, "targetId": OTHER["targetId"]}),
        "request-id.replay-same-operation",
    ),
    (
        "another description after replays of a lost answer",
        answered_later({}, image(description="nobody gave it")),
        "image.description.round-trip",
    ),
    ("no target of a change", changed("setLabels", targetId=None), "operation.target-id"),
    ("a change that has failed, and is carried out", changed("setLabels", **FAILURE), "life.model"),
    ("the target of the image that had the name before", remade(None, targetId=image()["id"]), "operation.target-id"),
    ("no id of an image that is made again", remade({"id": None}), "image.id"),
    ("a failure that has made an image, and a second try", failed_then_made, "operation.failure-means-none"),
    (
        "the target of another",
        lambda t: t.insert().done(targetLink=operation(2)["targetLink"]),
        "operation.target-link",
    ),
    (
        "the target of another project",
        lambda t: t.insert().replaced(f"projects/{PROJECT}/global/images", "projects/other/global/images"),
        "operation.target-link",
    ),
    ("another targetId", lambda t: t.insert().done(targetId="1").get(image()), "operation.target-id"),
    (
        "an error without a status",
        lambda t: t.insert().done(error={"errors": [{"code": "X", "message": "x"}]}),
        "operation.error-only-when-failed",
    ),
    (
        "an error in part",
        lambda t: t.insert().poll(
            {"status": "RUNNING", "error": {"errors": [{"message": "x"}]}}, query="?fields=status,error"
        ),
        "operation.*",
    ),
    (
        "another name under a numeric id",
        lambda t: t.insert().say("GET", f"global/operations/{operation()['id']}", None, {**t.ended(), "name": "other"}),
        "operation.*",
    ),
)

test_breach_is_noticed = noticed(WAITS, REPLAYS, OPERATIONS)


@pytest.mark.parametrize("field", ["time", "startedDateTime"])
def test_breach_is_noticed_in_entries_that_lack_a_time(field: str, tmp_path: Path) -> None:
    def tell(told: Recorded) -> Recorded:
        told.insert(request_id=REQUEST_ID).done(targetId="1").get(image())
        for entry in told.entries:
            del entry[field]
        return told

    assert_breach("operation.target-id", tell, tmp_path)
