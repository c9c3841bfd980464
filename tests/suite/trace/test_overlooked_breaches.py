"""Recordings with a breach that is easily overlooked: each is noticed, by the rule that it breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from helpers.recorded import (
    EXISTS,
    FINGERPRINTS,
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    NUMBER,
    PROJECT,
    REQUEST_ID,
    UNAVAILABLE,
    Recorded,
    at,
    error,
    image,
    operation,
)

Told = Callable[[Recorded], Recorded]
"""Tells a recording from its beginning on."""

Row = tuple[str, Told, str]
"""What is wrong, the recording, and the rule (or a glob of rules) that it breaks."""

IMAGE = f"projects/{PROJECT}/global/images/image-1"
OLD, NEW = {"a": "1"}, {"b": "2"}
OTHER = operation(7)
LABELLED = image(labels=NEW, labelFingerprint=FINGERPRINTS[0])


def copied(field: str, sent: str, came: str, identifier: str | None) -> Told:
    """Image 2 made from a source that is named in one form and comes back in another."""
    source: dict[str, Any] = {"sourceDisk": None, "sourceDiskId": None, field: came, f"{field}Id": identifier}
    return lambda t: t.made(2, image(2, **source), **{"sourceDisk": None, field: sent})


def then(*steps: Told) -> Told:
    """One step after the other."""

    def tell(told: Recorded) -> Recorded:
        for step in steps:
            told = step(told)
        return told

    return tell


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

LABELS: tuple[Row, ...] = (
    (
        "neither old nor new",
        lambda t: (
            t.made().labelled(NEW, NO_LABELS).get(image(labels={"c": "3"}, labelFingerprint=FINGERPRINTS[0]), wait=0.3)
        ),
        "labels.set",
    ),
    (
        "neither, and then the new",
        lambda t: (
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(image(labels={"c": "3"}, labelFingerprint=FINGERPRINTS[0]), wait=0.3)
            .get(LABELLED)
        ),
        "labels.set",
    ),
    (
        "old for good",
        lambda t: t.made().labelled(NEW, NO_LABELS).get(image(), wait=3).get(image(), wait=3),
        "labels.set",
    ),
    ("old, seen once, late", lambda t: t.made().labelled(NEW, NO_LABELS).get(image(), wait=5), "labels.set"),
    ("a part of the new", lambda t: t.made().labelled({**OLD, **NEW}, NO_LABELS).get(LABELLED), "labels.set"),
    (
        "seen in a list alone",
        lambda t: (
            t.list(image()).labelled(NEW, NO_LABELS).list(image(labels={"c": "3"}, labelFingerprint=FINGERPRINTS[0]))
        ),
        "labels.set",
    ),
    (
        "asked for alone",
        lambda t: t.made().labelled(NEW, NO_LABELS).get({"labels": {"c": "3"}}, query="?fields=labels"),
        "labels.set",
    ),
    (
        "the client's own goog-",
        lambda t: t.made().labelled({"goog-x": "1"}, NO_LABELS).get(image(labelFingerprint=FINGERPRINTS[0]), wait=5),
        "labels.set",
    ),
    (
        "the client's own goog-, kept",
        lambda t: (
            t.made(1, image(labels={"goog-x": "1"}, labelFingerprint=FINGERPRINTS[0]), labels={"goog-x": "1"})
            .labelled({}, FINGERPRINTS[0])
            .get(image(labels={"goog-x": "1"}, labelFingerprint=FINGERPRINTS[1]), wait=5)
        ),
        "labels.set",
    ),
    ("dropped at the insert", lambda t: t.made(labels={"goog-x": "1"}), "image.labels.round-trip"),
    (
        "dropped at the insert, asked for alone",
        lambda t: t.insert(labels=OLD).done().get({"name": "image-1"}, query="?fields=name,labels"),
        "image.labels.round-trip",
    ),
    (
        "a stale fingerprint that works",
        lambda t: t.made().labelled(NEW, FINGERPRINTS[2]).get(LABELLED),
        "labels.fingerprint-required",
    ),
    (
        "no fingerprint, and yet it works",
        lambda t: t.made().labelled(NEW, None).get(LABELLED),
        "labels.fingerprint-required",
    ),
    (
        "the fingerprint before the last",
        lambda t: (
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(LABELLED)
            .labelled(OLD, NO_LABELS)
            .get(image(labels=OLD, labelFingerprint=FINGERPRINTS[1]))
        ),
        "labels.fingerprint-required",
    ),
    (
        "a stale fingerprint in a list",
        lambda t: t.list(image()).labelled(NEW, FINGERPRINTS[2]).list(LABELLED),
        "labels.fingerprint-required",
    ),
    (
        "a stale fingerprint of a patch",
        lambda t: t.made().act("patch", {"labels": NEW, "labelFingerprint": FINGERPRINTS[2]}).get(LABELLED),
        "labels.fingerprint-required",
    ),
    (
        "a stale fingerprint, refused for another reason",
        lambda t: t.made().labelled(NEW, FINGERPRINTS[2], status=412, answer=error(412, "required")).get(image()),
        "labels.fingerprint-required",
    ),
    (
        "a refusal that works",
        lambda t: (
            t.made().labelled(NEW, FINGERPRINTS[2], status=412, answer=error(412, "conditionNotMet")).get(LABELLED)
        ),
        "labels.*",
    ),
    (
        "a fingerprint that stays",
        lambda t: t.made().labelled(NEW, NO_LABELS).get(image(labels=NEW)),
        "labels.fingerprint-changes",
    ),
    (
        "a fingerprint that stays, in lists",
        lambda t: t.list(image()).labelled(NEW, NO_LABELS).list(image(labels=NEW)),
        "labels.fingerprint-changes",
    ),
    (
        "a fingerprint that stays, in lists of others",
        lambda t: t.list(image()).list(image(labels=NEW)),
        "labels.fingerprint-changes",
    ),
    (
        "a fingerprint that stays after a patch",
        lambda t: t.made().act("patch", {"labels": NEW, "labelFingerprint": NO_LABELS}).get(image(labels=NEW)),
        "labels.fingerprint-changes",
    ),
    (
        "a fingerprint that changes by itself",
        lambda t: t.made().get(image(labelFingerprint=FINGERPRINTS[0])),
        "labels.fingerprint-changes",
    ),
)

IMAGES: tuple[Row, ...] = (
    ("READY, then PENDING", lambda t: t.made().get(image(status="PENDING")), "image.status"),
    ("READY, then PENDING, in a list", lambda t: t.made().list(image(status="PENDING")), "image.status"),
    (
        "READY, then PENDING, in lists of others",
        lambda t: t.list(image(7)).list(image(7, status="PENDING")),
        "image.status",
    ),
    (
        "READY, then PENDING, asked for alone",
        lambda t: t.made().get({"status": "PENDING"}, query="?fields=status"),
        "image.status",
    ),
    ("READY, then FAILED, sent READY", lambda t: t.made(status="READY").get(image(status="FAILED")), "image.status"),
    (
        "another kind, though sent right",
        lambda t: t.made(1, image(kind="compute#disk"), kind="compute#image"),
        "image.kind",
    ),
    ("another id", lambda t: t.made().get(image(id="9")), "image.id"),
    ("another id in lists of others", lambda t: t.list(image(7)).list(image(7, id="9")), "image.id"),
    ("another id, asked for alone", lambda t: t.made().get({"id": "9"}, query="?fields=id"), "image.id"),
    (
        "the id of a deleted image of the name",
        lambda t: t.made().delete().deleted().made(2, image(2, id=image()["id"])),
        "image.id",
    ),
    ("another time of creation", lambda t: t.made().get(image(creationTimestamp=at(9))), "image.creation-timestamp"),
    ("the link of another", lambda t: t.made(1, image(selfLink=image(2)["selfLink"])), "image.self-link"),
    (
        "the link of another project",
        lambda t: t.made(1, image(selfLink=f"{LINKS}/v1/projects/other/global/images/image-1")),
        "image.self-link",
    ),
    ("never there", lambda t: t.insert().done().get(NOT_FOUND, 404), "operation.success-means-ready"),
    (
        "never there, asked for twice",
        lambda t: t.insert().done().get(NOT_FOUND, 404).get(NOT_FOUND, 404),
        "operation.success-means-ready",
    ),
    ("still there after a delete", lambda t: t.made().delete().deleted().get(image()), "life.delete"),
    ("in each list after a delete", lambda t: t.made().delete().deleted().list(image()).list(image()), "life.delete"),
    (
        "in a list for too long after a delete",
        lambda t: t.made().delete().deleted().get(NOT_FOUND, 404, wait=90).list(image()).list(image(2)),
        "life.delete",
    ),
    (
        "still there after a delete, among other answers",
        lambda t: t.made().delete().deleted().get(UNAVAILABLE, 503).get(image()),
        "life.delete",
    ),
    (
        "a name that a delete does not free",
        lambda t: t.made().delete().deleted().get(NOT_FOUND, 404).insert(answer=EXISTS, code=409),
        "life.delete",
    ),
    ("twice in a list", lambda t: t.made().list(image(), image()), "life.list-once"),
    (
        "twice in a list, deleted later",
        lambda t: t.made().list(image(), image()).delete().deleted().get(NOT_FOUND, 404),
        "life.list-once",
    ),
    ("twice in a list, of others", lambda t: t.list(image(7), image(7)), "life.list-once"),
    (
        "twice in two pages",
        lambda t: t.list(image(7), query="?maxResults=1", nextPageToken="a").list(
            image(7), query="?maxResults=1&pageToken=a"
        ),
        "life.list-once",
    ),
    (
        "others in a filtered list",
        lambda t: t.made().list(image(), image(2), query="?filter=name%3Dimage-1"),
        "life.list-filter",
    ),
    (
        "a field that a patch does not set",
        lambda t: t.made().act("patch", {"description": "new"}).get(image()),
        "life.patch",
    ),
    (
        "a field that a patch changes besides",
        lambda t: t.made().act("patch", {"description": "new"}).get(image(description="new", family="f")),
        "life.*",
    ),
    (
        "a state that deprecate does not set",
        lambda t: t.made().act("deprecate", {"state": "DEPRECATED"}).get(image()).get(image()),
        "deprecate.state",
    ),
    (
        "another replacement",
        lambda t: (
            t.made()
            .act("deprecate", {"state": "DEPRECATED", "replacement": "global/images/image-2"})
            .get(image(deprecated={"state": "DEPRECATED", "replacement": image(3)["selfLink"]}))
        ),
        "deprecate.round-trip",
    ),
    (
        "another licence",
        lambda t: t.made(
            1,
            image(licenses=[f"{LINKS}/v1/projects/{PROJECT}/global/licenses/other"]),
            licenses=["global/licenses/mine"],
        ),
        "image.licenses.round-trip",
    ),
    (
        "the licence of another project",
        lambda t: t.made(
            1, image(licenses=[f"{LINKS}/v1/projects/other/global/licenses/mine"]), licenses=["global/licenses/mine"]
        ),
        "image.licenses.round-trip",
    ),
)

TAKEN_OVER: tuple[Row, ...] = (
    *(
        (
            f"a made-up {field}",
            lambda t, field=field, value=value: t.made(1, image(**{field: value}), **{field: value}),
            f"image.output-only.{field}",
        )
        for field, value in (
            ("id", "1"),
            ("kind", "compute#disk"),
            ("creationTimestamp", at(-90_000)),
            ("selfLink", image(2)["selfLink"]),
            ("status", "PENDING"),
            ("labelFingerprint", "AAAAAAAAAAA="),
        )
    ),
    (
        "the id of a describe",
        lambda t: t.get(image()).made(
            2, image(2, id=image()["id"]), **{name: value for name, value in image().items() if name != "name"}
        ),
        "image.output-only.id",
    ),
    (
        "a made-up sourceImageId",
        then(
            lambda t: t.get(image()),
            lambda t: t.made(
                2,
                image(2, sourceDisk=None, sourceDiskId=None, sourceImage=f"{LINKS}/v1/{IMAGE}", sourceImageId="9"),
                sourceDisk=None,
                sourceImage=IMAGE,
                sourceImageId="9",
            ),
        ),
        "image.output-only.sourceImageId",
    ),
)

SOURCES: tuple[Row, ...] = (
    *(
        (
            f"an image as {sent}",
            then(lambda t: t.made(), copied("sourceImage", sent, f"{LINKS}/v1/{IMAGE}", "9")),
            "source.image.id",
        )
        for sent in (
            IMAGE,
            "global/images/image-1",
            f"{LINKS}/beta/{IMAGE}",
            f"projects/{NUMBER}/global/images/image-1",
            f"//compute.googleapis.com/{IMAGE}",
        )
    ),
    (
        "an image shown by a list",
        then(lambda t: t.list(image()), copied("sourceImage", IMAGE, f"{LINKS}/v1/{IMAGE}", "9")),
        "source.image.id",
    ),
    (
        "an image of another project",
        then(
            lambda t: t.say(
                "GET",
                "/compute/v1/projects/other/global/images/base",
                None,
                image(selfLink=f"{LINKS}/v1/projects/other/global/images/base", name="base", id="77"),
            ),
            copied(
                "sourceImage", "projects/other/global/images/base", f"{LINKS}/v1/projects/other/global/images/base", "9"
            ),
        ),
        "source.image.id",
    ),
    (
        "an image by its family",
        then(
            lambda t: t.say(
                "GET",
                "/compute/v1/projects/other/global/images/family/f",
                None,
                image(selfLink=f"{LINKS}/v1/projects/other/global/images/base", name="base", id="77", family="f"),
            ),
            copied(
                "sourceImage",
                "projects/other/global/images/family/f",
                f"{LINKS}/v1/projects/other/global/images/base",
                "9",
            ),
        ),
        "source.image.id",
    ),
    ("an image by its id", copied("sourceImage", "global/images/77", f"{LINKS}/v1/{IMAGE}", "9"), "source.image.id"),
    (
        "a disk",
        then(
            lambda t: t.say("GET", "zones/us-central1-a/disks/d1", None, {"kind": "compute#disk", "id": "77"}),
            copied("sourceDisk", "zones/us-central1-a/disks/d1", image()["sourceDisk"], "9"),
        ),
        "source.disk.id",
    ),
    (
        "a regional disk",
        then(
            lambda t: t.say("GET", "regions/us-central1/disks/d1", None, {"kind": "compute#disk", "id": "77"}),
            copied(
                "sourceDisk",
                "regions/us-central1/disks/d1",
                f"{LINKS}/v1/projects/{PROJECT}/regions/us-central1/disks/d1",
                "9",
            ),
        ),
        "source.disk.id",
    ),
    (
        "a snapshot",
        then(
            lambda t: t.say("GET", "global/snapshots/s1", None, {"kind": "compute#snapshot", "id": "77"}),
            copied("sourceSnapshot", "global/snapshots/s1", f"{LINKS}/v1/projects/{PROJECT}/global/snapshots/s1", "9"),
        ),
        "source.snapshot.id",
    ),
    ("the image itself", copied("sourceImage", IMAGE, f"{LINKS}/v1/{IMAGE}", image(2)["id"]), "source.image.id"),
    (
        "of another kind",
        copied("sourceSnapshot", "global/snapshots/s1", f"{LINKS}/v1/projects/{PROJECT}/global/snapshots/s1", None),
        "source.snapshot.id",
    ),
    (
        "another image",
        copied("sourceImage", IMAGE, f"{LINKS}/v1/projects/{PROJECT}/global/images/image-3", "77"),
        "source.image.round-trip",
    ),
    (
        "an image of another project comes back",
        copied("sourceImage", IMAGE, f"{LINKS}/v1/projects/other/global/images/image-1", "77"),
        "source.image.round-trip",
    ),
)

OPERATIONS: tuple[Row, ...] = (
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


SECOND_ROUND: tuple[Row, ...] = (
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

ROWS = (
    ("second round", SECOND_ROUND),
    ("elsewhere", ELSEWHERE),
    ("once", ONCE),
    ("siblings", SIBLINGS),
    ("waits", WAITS),
    ("replays", REPLAYS),
    ("labels", LABELS),
    ("images", IMAGES),
    ("taken over", TAKEN_OVER),
    ("sources", SOURCES),
    ("operations", OPERATIONS),
)
CASES = [pytest.param(told, rule, id=f"{kind}: {name}") for kind, rows in ROWS for name, told, rule in rows]


def broken(told: Recorded, folder: Path) -> set[str]:
    """The rules that a recording breaks."""
    return {rule for rule, verdict in told.judged(folder).verdicts.items() if verdict in ("failed", "deviates")}


@pytest.mark.parametrize(("told", "rule"), CASES)
def test_breach_is_noticed(told: Told, rule: str, tmp_path: Path) -> None:
    found = broken(told(Recorded()), tmp_path)
    assert any(fnmatchcase(name, rule) for name in found), found


@pytest.mark.parametrize("field", ["time", "startedDateTime"])
def test_breach_is_noticed_in_entries_that_lack_a_time(field: str, tmp_path: Path) -> None:
    told = Recorded().insert(request_id=REQUEST_ID).done(targetId="1").get(image())
    for entry in told.entries:
        del entry[field]
    assert "operation.target-id" in broken(told, tmp_path)
