"""Recordings with a breach that is easily overlooked: siblings of other kinds."""

from __future__ import annotations

import json
from typing import Any

from helpers.overlooked import IMAGE, LABELLED, NEW, OLD, Row, copied, noticed, then
from helpers.recorded import (
    FINGERPRINTS,
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    REQUEST_ID,
    Recorded,
    at,
    error,
    image,
    operation,
)

MADE_BY_THE_FIRST = at(2.4)
OTHER_REQUEST = "5b0f0e1c-8472-4e0e-b97a-b98573f145aa"
FAILED: dict[str, Any] = {
    "error": {"errors": [{"code": "RESOURCE_ALREADY_EXISTS", "message": "x"}]},
    "httpErrorStatusCode": 409,
    "httpErrorMessage": "CONFLICT",
}


def changed(verb: str, target: str = "9") -> dict[str, Any]:
    """The operation, DONE at once, of a change of image 1 that tells of another target."""
    moments = {"insertTime": at(5.8), "startTime": at(5.8), "endTime": at(5.85)}
    return operation(8, target=1, operationType=verb, targetId=target, **moments)


SIBLINGS: tuple[Row, ...] = (
    (
        "the operation of another request",
        lambda t: (
            t.insert(request_id=REQUEST_ID)
            .insert(
                2,
                request_id=OTHER_REQUEST,
                answer=operation(status="RUNNING", insertTime=at(1.3), startTime=at(1.3), clientOperationId=REQUEST_ID),
            )
            .done()
        ),
        "request-id.distinct",
    ),
    (
        "a lost answer, and an operation that conflicts",
        lambda t: (
            t.insert(request_id=REQUEST_ID, code=0)
            .insert(
                request_id=REQUEST_ID,
                answer=operation(
                    insertTime=at(2.9), startTime=at(2.9), endTime=at(3), clientOperationId=REQUEST_ID, **FAILED
                ),
            )
            .get(image(creationTimestamp=MADE_BY_THE_FIRST))
        ),
        "request-id.replay-after-lost-response",
    ),
    (
        "another target of setLabels",
        lambda t: t.made().labelled(NEW, NO_LABELS, answer=changed("setLabels")).get(LABELLED),
        "operation.target-id",
    ),
    (
        "another target of deprecate",
        lambda t: t.made().act("deprecate", {"state": "DEPRECATED"}, answer=changed("setDeprecation")),
        "operation.target-id",
    ),
    ("another target of a delete", lambda t: t.made().delete(answer=changed("delete")), "operation.target-id"),
    (
        "a failed insert whose image is READY in a list",
        lambda t: t.insert().done(**{**FAILED, "httpErrorStatusCode": 400, "httpErrorMessage": "X"}).list(image()),
        "operation.failure-means-none",
    ),
    ("created tomorrow", lambda t: t.made(1, image(creationTimestamp=at(86_400))), "image.creation-timestamp"),
    ("created tomorrow, in a list", lambda t: t.list(image(creationTimestamp=at(86_400))), "image.creation-timestamp"),
    (
        "a list that lacks an image",
        lambda t: t.made().get(image(), wait=90).list(query="?filter=name%3Dimage-1").get(image()),
        "life.list-once",
    ),
    (
        "an image that is gone for a while",
        lambda t: t.made().get(NOT_FOUND, 404, wait=90).get(image(), wait=90),
        "life.get-after-done",
    ),
    (
        "a fingerprint that is taken twice",
        lambda t: (
            t.made()
            .labelled(NEW, NO_LABELS)
            .labelled(OLD, NO_LABELS)
            .get(image(labels=OLD, labelFingerprint=FINGERPRINTS[1]), wait=30)
        ),
        "labels.fingerprint-required",
    ),
    (
        "a list of images without the label",
        lambda t: t.list(image(), query="?filter=labels.a%3D1"),
        "life.list-filter-forms",
    ),
    (
        "an image of another family, and nothing else",
        lambda t: t.say("GET", "global/images/family/f", None, image(family="g")),
        "family.latest",
    ),
    (
        "a family's image that is deprecated",
        lambda t: t.say("GET", "global/images/family/f", None, image(family="f", deprecated={"state": "OBSOLETE"})),
        "family.deprecated-skipped",
    ),
    (
        "a list of another kind, and nothing else",
        lambda t: t.say("GET", "global/images", None, {"kind": "compute#list"}),
        "life.list-kind",
    ),
    (
        "a source that another project's list shows",
        then(
            lambda t: t.say(
                "GET",
                "/compute/v1/projects/other/global/images",
                None,
                {
                    "kind": "compute#imageList",
                    "items": [image(selfLink=f"{LINKS}/v1/projects/other/global/images/base", name="base", id="77")],
                },
            ),
            copied(
                "sourceImage", "projects/other/global/images/base", f"{LINKS}/v1/projects/other/global/images/base", "9"
            ),
        ),
        "source.image.id",
    ),
    (
        "a source that its family shows, by name",
        then(
            lambda t: t.say(
                "GET",
                "/compute/v1/projects/other/global/images/family/f",
                None,
                image(selfLink=f"{LINKS}/v1/projects/other/global/images/base", name="base", id="77", family="f"),
            ),
            copied(
                "sourceImage", "projects/other/global/images/base", f"{LINKS}/v1/projects/other/global/images/base", "9"
            ),
        ),
        "source.image.id",
    ),
    (
        "a delete without an operation",
        lambda t: t.made().say("DELETE", "global/images/image-1", None, None, 204),
        "transport.json",
    ),
)

ODD_IDS = ("1111111111111111111", "1234567890123456789")

ONCE: tuple[Row, ...] = (
    *((f"id {odd}, later", lambda t, odd=odd: t.made().get(image(id=odd)), "image.id") for odd in ODD_IDS),
    *((f"id {odd}, first", lambda t, odd=odd: t.made(1, image(id=odd)).get(image()), "image.id") for odd in ODD_IDS),
    *(
        (f"targetId {odd}", lambda t, odd=odd: t.insert().done(targetId=odd).get(image()), "operation.target-id")
        for odd in ODD_IDS
    ),
    *(
        (
            f"source {odd}",
            then(lambda t: t.made(), copied("sourceImage", "global/images/image-1", image()["selfLink"], odd)),
            "source.image.id",
        )
        for odd in ODD_IDS
    ),
    ("another user", lambda t: t.insert().done(user="other@example.com"), "operation.identity-immutable"),
    (
        "a token that leads to itself",
        lambda t: t.list(image(7), query="?maxResults=1", nextPageToken="a").list(
            image(8), query="?maxResults=1&pageToken=a", nextPageToken="a"
        ),
        "life.list-once",
    ),
    ("400 as notFound", lambda t: t.made().get(error(400, "notFound"), 400, name="image-9"), "transport.error-reason"),
    (
        "RUNNING in a list, long after it was DONE",
        lambda t: (
            t.insert()
            .done()
            .get(image(), wait=70)
            .say(
                "GET",
                "global/operations",
                None,
                {
                    "kind": "compute#operationList",
                    "items": [operation(1, "RUNNING", insertTime=at(1.3), startTime=at(1.3))],
                },
            )
        ),
        "operation.status-monotonic",
    ),
    (
        "a limited patch that sets nothing",
        lambda t: (
            t.made()
            .say(
                "PATCH",
                "global/images/image-1?paths=description",
                {"description": "new", "family": "f"},
                operation(9, "DONE", 1, operationType="patch", insertTime=at(6), startTime=at(6), endTime=at(6.1)),
            )
            .get(image())
            .get(image())
        ),
        "life.patch",
    ),
    (
        "a refused setLabels that is valid",
        lambda t: t.made().labelled(NEW, NO_LABELS, status=400, answer=error(400, "invalid")).get(image()),
        "labels.set",
    ),
)

ELSEWHERE: tuple[Row, ...] = (
    ("a list in the place of labels", lambda t: t.made(1, image(labels=[])), "image.type.labels"),
    ("a list in the place of an error", lambda t: t.insert().done(error=[]), "operation.type.error"),
    ("an object in the place of a list", lambda t: t.made().list(image(licenses={})), "image.type.licenses"),
    ("another source type in a list", lambda t: t.made().list(image(sourceType="QCOW2")), "image.source-type"),
    (
        "a family without the image that is in it",
        lambda t: (
            t.made(1, image(family="f"), family="f")
            .say("GET", "global/images/family/f", None, NOT_FOUND, 404, wait=5)
            .get(image(family="f"))
        ),
        "family.latest",
    ),
    (
        "labels that change with a fingerprint that was shown before",
        lambda t: (
            t.made(1, image(labels=OLD, labelFingerprint=FINGERPRINTS[1]), labels=OLD)
            .labelled(NEW, FINGERPRINTS[1])
            .get(LABELLED)
            .get(image(labels=OLD, labelFingerprint=FINGERPRINTS[1]), wait=5)
        ),
        "labels.set",
    ),
    (
        "a description that changes at a later look",
        lambda t: t.made(1, image(description="d"), description="d").get(image(description="e")),
        "image.description.round-trip",
    ),
    (
        "a deleted image's name with its time of creation, soon",
        lambda t: t.made().delete().deleted().get(NOT_FOUND, 404).get(image(id="77")),
        "life.delete",
    ),
    (
        "404 of setLabels, of an image that is there",
        lambda t: t.made().labelled(NEW, NO_LABELS, status=404, answer=NOT_FOUND).get(image()),
        "labels.set",
    ),
    (
        "a body that the target cut off",
        lambda t: t.made().get(json.dumps(image())[:-9]),
        "transport.json",
    ),
)

BY_ID = f"global/images/{image()['id']}"
FROM_IMAGE: dict[str, Any] = {
    "sourceDisk": None,
    "sourceDiskId": None,
    "sourceImage": image()["selfLink"],
    "sourceImageId": image()["id"],
}
BY_NAME: dict[str, Any] = {"sourceDisk": None, "sourceImage": IMAGE}


def deprecated(told: Recorded, state: str) -> Recorded:
    """Image 1 in a state that a look shows."""
    return told.made().act("deprecate", {"state": state}).get(image(deprecated={"state": state}))


def once_by_id(told: Recorded, verb: str) -> Recorded:
    """Image 1 changed by its numeric id, DONE at once."""
    moment = at(told.made().now + 1.3)
    done = operation(9, "DONE", 1, operationType=verb, insertTime=moment, startTime=moment, endTime=moment)
    if verb == "delete":
        return told.say("DELETE", BY_ID, None, done)
    return told.say("POST", f"{BY_ID}/{verb}", {"labels": NEW, "labelFingerprint": NO_LABELS}, done)


FURTHER: tuple[Row, ...] = (
    ("a size that shrinks", lambda t: t.made(1, image(), diskSizeGb="50"), "image.disk-size-gb.round-trip"),
    (
        "a size that is raised though its source is smaller",
        lambda t: t.made().made(2, image(2, diskSizeGb="20", **FROM_IMAGE), **BY_NAME, diskSizeGb="15"),
        "image.disk-size-gb.round-trip",
    ),
    (
        "a stale fingerprint that conflicts",
        lambda t: (
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(LABELLED)
            .labelled(OLD, NO_LABELS, status=409, answer=error(409, "conflict"))
            .get(LABELLED)
        ),
        "labels.fingerprint-required",
    ),
    (
        "labels set by id, and not to be seen by name",
        lambda t: once_by_id(t, "setLabels").get(image(), wait=3).get(image(), wait=3),
        "labels.set",
    ),
    ("deleted by id, and there by name", lambda t: once_by_id(t, "delete").get(image(), wait=5), "life.delete"),
    *(
        (
            f"an image that is {state} as a source",
            lambda t, state=state: deprecated(t, state).insert(2, **BY_NAME).done(2),
            "deprecate.use-obsolete",
        )
        for state in ("OBSOLETE", "DELETED")
    ),
    (
        "an image that is DEPRECATED, refused for that",
        lambda t: deprecated(t, "DEPRECATED").insert(
            2, **BY_NAME, code=400, answer=error(400, "invalid", "is DEPRECATED")
        ),
        "deprecate.use-obsolete",
    ),
    ("an image under another name", lambda t: t.made().get(image(), name="image-9"), "life.get-exact"),
    (
        "more of an operation than was asked for",
        lambda t: t.insert().poll(t.ended(), query="?fields=status"),
        "transport.fields-mask",
    ),
)

test_breach_is_noticed = noticed(SIBLINGS, ONCE, ELSEWHERE, FURTHER)
