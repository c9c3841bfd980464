"""Recordings of what ordinary clients and the real service do every day: nothing in them is a breach."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from helpers.recorded import (
    DISK,
    EXISTS,
    FINGERPRINTS,
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    NUMBER,
    PROJECT,
    RATE,
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

IMAGE = f"projects/{PROJECT}/global/images/image-1"
OLD, NEW = {"a": "1"}, {"b": "2"}
NOT_READY = error(400, "resourceNotReady", "The resource is not ready")
STALE = error(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")
GONE: dict[str, Any] = {
    "error": {"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "The resource was not found"}]},
    "httpErrorStatusCode": 404,
    "httpErrorMessage": "NOT FOUND",
}
COPY = {name: value for name, value in image().items() if name not in ("name", "id", "selfLink", "creationTimestamp")}
BASE = image(
    2,
    name="debian-12-v1",
    family="debian-12",
    selfLink=f"{LINKS}/v1/projects/debian-cloud/global/images/debian-12-v1",
    sourceDisk=None,
    sourceDiskId=None,
    rawDisk={"source": "", "containerType": "TAR"},
)
QUERY = f"?requestId={REQUEST_ID}"
UNDER_WAY = operation(8, "RUNNING", 1, operationType="setLabels", insertTime=at(5.8), startTime=at(5.8))

PARTIAL: tuple[tuple[str, Told], ...] = (
    ("an image's status alone", lambda t: t.made().get({"status": "READY"}, query="?fields=status")),
    ("some fields of an image", lambda t: t.made().get({"name": "image-1", "labels": {}}, query="?fields=name,labels")),
    ("an image by its id", lambda t: t.made().get({"status": "READY"}, name=image()["id"], query="?fields=status")),
    ("a part of a label map", lambda t: t.made().get({"labels": {"a": "1"}}, query="?fields=labels/a")),
    (
        "an operation's status",
        lambda t: t.insert().poll({"status": "RUNNING"}, query="?fields=status").done().get(image()),
    ),
    ("DONE by a mask alone", lambda t: t.insert().poll({"status": "DONE"}, query="?fields=status").get(image())),
    (
        "an error that was not asked for",
        lambda t: t.insert().poll({"status": "DONE"}, query="?fields=status").get(NOT_FOUND, 404),
    ),
    (
        "the answer of an insert",
        lambda t: t.insert(query="?fields=name", answer={"name": "operation-1"}).done().get(image()),
    ),
    (
        "the answer of a wait",
        lambda t: t.insert().say("POST", "global/operations/operation-1/wait?fields=status", None, {"status": "DONE"}),
    ),
    (
        "the answer of setLabels",
        lambda t: (
            t.made()
            .say(
                "POST",
                "global/images/image-1/setLabels?fields=name,status",
                {"labels": NEW, "labelFingerprint": NO_LABELS},
                {"name": "operation-9", "status": "DONE"},
            )
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "a list",
        lambda t: t.made().say(
            "GET", "global/images?fields=items(name,family)", None, {"items": [{"name": "image-1"}]}
        ),
    ),
    (
        "a list's token",
        lambda t: t.made().say("GET", "global/images?fields=nextPageToken&maxResults=1", None, {"nextPageToken": "x"}),
    ),
    (
        "a list of operations",
        lambda t: t.made().say(
            "GET", "global/operations?fields=items/name", None, {"items": [{"name": "operation-1"}]}
        ),
    ),
    (
        "a family",
        lambda t: t.made(1, image(family="f"), family="f").say(
            "GET", "global/images/family/f?fields=selfLink", None, {"selfLink": image()["selfLink"]}
        ),
    ),
    (
        "a replay",
        lambda t: (
            t.insert(request_id=REQUEST_ID)
            .say(
                "POST",
                f"global/images{QUERY}&fields=status",
                {"name": "image-1", "sourceDisk": image()["sourceDisk"]},
                {"status": "RUNNING"},
            )
            .done()
        ),
    ),
)

OTHER_FORMS: tuple[tuple[str, Told], ...] = (
    ("alt=proto", lambda t: t.made().get("\x01\x02", query="?alt=proto")),
    ("alt=media", lambda t: t.made().get("text", query="?alt=media")),
    (
        "alt=proto of an insert",
        lambda t: t.insert(query="?alt=proto", answer="\x01").get(image()).insert(answer=EXISTS, code=409),
    ),
    ("a callback", lambda t: t.made().get('f({"name": "image-1"})', query="?callback=f")),
    (
        "the second form of errors",
        lambda t: t.made().get({"error": {"code": 404, "message": "x"}}, 404, name="x", query="?%24.xgafv=2"),
    ),
    ("the first form of errors", lambda t: t.made().get(NOT_FOUND, 404, name="image-9", query="?%24.xgafv=1")),
    ("not modified", lambda t: t.made().get(None, 304).list(image()).say("GET", "global/images", None, None, 304)),
    ("an operation not modified", lambda t: t.insert().poll({"name": "operation-1"}, 304).done().get(image())),
)

PASSING: tuple[tuple[str, Told], ...] = (
    *(
        (
            f"{status} of a get",
            lambda t, status=status: t.made().get(error(status, "backendError"), status).get(image()),
        )
        for status in (500, 502, 503, 504)
    ),
    ("502 as a page", lambda t: t.made().get("<html>", 502).get(image())),
    ("503 of a poll", lambda t: t.insert().poll(UNAVAILABLE, 503).done().get(image())),
    ("503 of a list", lambda t: t.made().say("GET", "global/images", None, UNAVAILABLE, 503).list(image())),
    ("504 of a wait, then a get", lambda t: t.insert().wait(error(504, "timeout"), 504).done().get(image())),
    ("503 of an insert, then done", lambda t: t.insert(answer=UNAVAILABLE, code=503).insert().done().get(image())),
    (
        "503 of an insert that was carried out",
        lambda t: (
            t.insert(answer=UNAVAILABLE, code=503).insert(answer=EXISTS, code=409).get(image(creationTimestamp=at(2)))
        ),
    ),
    (
        "502 of a delete, then 404",
        lambda t: t.made().delete(answer="<html>", status=502).delete(answer=NOT_FOUND, status=404).get(NOT_FOUND, 404),
    ),
    (
        "503 of setLabels, then 412",
        lambda t: (
            t.made()
            .labelled(NEW, NO_LABELS, status=503, answer=UNAVAILABLE)
            .labelled(NEW, NO_LABELS, status=412, answer=STALE)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "503 of setLabels, then done",
        lambda t: (
            t.made()
            .labelled(NEW, NO_LABELS, status=503, answer=UNAVAILABLE)
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    ("rate limit of a get", lambda t: t.made().get(RATE, 403).get(image())),
    ("rate limit of a poll", lambda t: t.insert().poll(RATE, 403).done().get(image())),
    ("rate limit of an insert", lambda t: t.insert(answer=RATE, code=403).insert().done().get(image())),
    (
        "rate limit of an insert with requestId",
        lambda t: (
            t.insert(request_id=REQUEST_ID, answer=RATE, code=403).insert(request_id=REQUEST_ID).done().get(image())
        ),
    ),
    (
        "too many requests",
        lambda t: t.insert(answer=error(429, "rateLimitExceeded"), code=429).insert().done().get(image()),
    ),
    ("quota of an insert", lambda t: t.insert(answer=error(403, "quotaExceeded"), code=403).get(NOT_FOUND, 404)),
    ("rate limit after a delete", lambda t: t.made().delete().deleted().get(RATE, 403).get(NOT_FOUND, 404)),
    ("503 after a delete", lambda t: t.made().delete().deleted().get(UNAVAILABLE, 503).get(NOT_FOUND, 404)),
    (
        "429 after a delete",
        lambda t: t.made().delete().deleted().get(error(429, "rateLimitExceeded"), 429).get(NOT_FOUND, 404),
    ),
    (
        "rate limit of a delete",
        lambda t: t.made().delete(answer=RATE, status=403).get(image()).delete().deleted().get(NOT_FOUND, 404),
    ),
    (
        "rate limit of setLabels",
        lambda t: (
            t.made()
            .labelled(NEW, NO_LABELS, status=403, answer=RATE)
            .get(image())
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    ("a lost answer of an insert", lambda t: t.insert(code=0).insert(answer=EXISTS, code=409).get(image())),
    ("a lost answer of a delete", lambda t: t.made().delete(status=0).delete(answer=NOT_FOUND, status=404)),
    (
        "a name that was taken before a lost answer",
        lambda t: (
            t.insert(request_id=REQUEST_ID, code=0)
            .insert(request_id=REQUEST_ID, answer=EXISTS, code=409)
            .get(image(creationTimestamp=at(-3600)))
        ),
    ),
    (
        "a lost insert that had not arrived",
        lambda t: (
            t.insert(request_id=REQUEST_ID, code=0)
            .insert(request_id=REQUEST_ID)
            .done()
            .get(image(creationTimestamp=at(4)))
        ),
    ),
    (
        "a lost insert that had",
        lambda t: t.insert(request_id=REQUEST_ID, code=0).insert(request_id=REQUEST_ID).done().get(image()),
    ),
)


def with_the_date_before(recorded: Recorded) -> Recorded:
    """The last answer has a Date that its server has kept from the second before."""
    response = recorded.entries[-1]["response"]
    moment = parsedate_to_datetime(response["headers"][1]["value"]) - timedelta(seconds=1)
    date = {"name": "Date", "value": format_datetime(moment, usegmt=True)}
    return recorded.change(response={**response, "headers": [response["headers"][0], date]})


LATE: tuple[tuple[str, Told], ...] = (
    ("in a list just after a delete", lambda t: t.made().delete().deleted().list(image()).list(image(2))),
    (
        "old labels after a stale fingerprint",
        lambda t: (
            t.made(labels=OLD, shown=image(labels=OLD, labelFingerprint=FINGERPRINTS[0]))
            .labelled(NEW, FINGERPRINTS[0])
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[1]), wait=0.1)
            .say("POST", f"/compute/v1/{IMAGE}/setLabels", {"labels": {}}, STALE, 412, wait=0.1, seconds=0.1)
            .get(image(labels=OLD, labelFingerprint=FINGERPRINTS[0]), wait=0.1)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[1]), wait=0.1)
        ),
    ),
    (
        "labels without a fingerprint, by an operation whose end is not shown",
        lambda t: t.made().labelled(NEW, None, answer=UNDER_WAY),
    ),
    (
        "the name of a deleted image",
        lambda t: (
            t.made()
            .delete()
            .deleted()
            .say("POST", "global/images", {"name": "image-1", "sourceDisk": DISK}, EXISTS, 409, wait=0.2)
        ),
    ),
    (
        "a corrected insert with the requestId of a refused one, where times are cut to seconds",
        lambda t: (
            t.made(3)
            .insert(request_id=REQUEST_ID, answer=error(400, "invalid"), code=400, family="-")
            .say("GET", "zones", wait=0.2)
            .insert(
                request_id=REQUEST_ID,
                answer=operation(insertTime=at(7), startTime=at(7), endTime=at(8), clientOperationId=REQUEST_ID),
            )
            .get(NOT_FOUND, 404, wait=0.1)
            .get(image(creationTimestamp=at(7)))
        ),
    ),
    (
        "a replay of an insert from before, which is turned away first",
        lambda t: (
            t.made(3)
            .insert(2, request_id=REQUEST_ID, answer=RATE, code=403)
            .insert(
                2,
                request_id=REQUEST_ID,
                answer=operation(insertTime=at(-60), startTime=at(-60), endTime=at(-59), clientOperationId=REQUEST_ID),
            )
        ),
    ),
    (
        "a conflict after 504 with an image that was there before, by a Date that is kept",
        lambda t: with_the_date_before(
            t.made(2)
            .insert(request_id=REQUEST_ID, code=504, answer="<html>")
            .get(UNAVAILABLE, 503, wait=1.9)
            .insert(request_id=REQUEST_ID, answer=EXISTS, code=409)
        ).get(image(creationTimestamp=at(5.4))),
    ),
    ("an operation", lambda t: t.insert().poll(NOT_FOUND, 404, wait=0.2).done().get(image())),
    (
        "an operation, twice",
        lambda t: t.insert().poll(NOT_FOUND, 404, wait=0.2).poll(NOT_FOUND, 404).done().get(image()),
    ),
    ("an image", lambda t: t.insert().done().get(NOT_FOUND, 404, wait=0.2).get(image())),
    (
        "labels",
        lambda t: (
            t.made(labels=OLD, shown=image(labels=OLD, labelFingerprint=FINGERPRINTS[0]))
            .labelled(NEW, FINGERPRINTS[0])
            .get(image(labels=OLD, labelFingerprint=FINGERPRINTS[0]), wait=3)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "labels, where it is not known what they were",
        lambda t: (
            t.labelled(NEW, NO_LABELS)
            .get(image(labels=OLD, labelFingerprint=FINGERPRINTS[0]))
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "labels in a list",
        lambda t: (
            t.list(image())
            .labelled(NEW, NO_LABELS)
            .list(image())
            .list(image(labels=NEW, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "a patch",
        lambda t: t.made().act("patch", {"description": "new"}).get(image(), wait=0.2).get(image(description="new")),
    ),
    (
        "a deprecation",
        lambda t: (
            t.made()
            .act("deprecate", {"state": "DEPRECATED"})
            .get(image(), wait=0.2)
            .get(image(deprecated={"state": "DEPRECATED"}))
            .get(image(deprecated={"state": "DEPRECATED"}))
        ),
    ),
    (
        "labels while setLabels is RUNNING",
        lambda t: (
            t.made()
            .labelled(
                NEW,
                NO_LABELS,
                answer=operation(8, "RUNNING", 1, operationType="setLabels", insertTime=at(7), startTime=at(7)),
            )
            .get(image())
            .poll(operation(8, "DONE", 1, operationType="setLabels", insertTime=at(7), startTime=at(7), endTime=at(9)))
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
)

SOURCES = (
    ("sourceImage", "global/images/base"),
    ("sourceDisk", "zones/us-central1-a/disks/d1"),
    ("sourceDisk", "regions/us-central1/disks/d1"),
    ("sourceSnapshot", "global/snapshots/s1"),
)
FORMS = (
    "{path}",
    "/{path}",
    "projects/demo/{path}",
    "projects/123456789012/{path}",
    "/projects/demo/{path}",
    "compute/v1/projects/demo/{path}",
    "//compute.googleapis.com/projects/demo/{path}",
    "https://compute.googleapis.com/compute/beta/projects/demo/{path}",
    "https://compute.mtls.googleapis.com/compute/alpha/projects/123456789012/{path}/",
    "https://www.googleapis.com/compute/v1//projects/demo/{path}",
)


def from_source(field: str, sent: str, path: str) -> Told:
    """An image made from a source that is named in one form and comes back in another."""
    source: dict[str, Any] = {
        "sourceDisk": None,
        "sourceDiskId": None,
        field: f"{LINKS}/v1/projects/{PROJECT}/{path}",
        f"{field}Id": "77",
    }
    return lambda t: t.made(1, image(**source), **{"sourceDisk": None, field: sent})


SAME_RESOURCE: tuple[tuple[str, Told], ...] = tuple(
    (f"{field} {form.format(path=path)}", from_source(field, form.format(path=path), path))
    for field, path in SOURCES
    for form in FORMS
)

PROJECTS: tuple[tuple[str, Told], ...] = (
    (
        "the number in the path",
        lambda t: numbered(t).made().get(image(), name=image()["id"]).delete().deleted().get(NOT_FOUND, 404),
    ),
    (
        "the number in the links",
        lambda t: t.made(shown=image(selfLink=f"{LINKS}/v1/projects/{NUMBER}/global/images/image-1")),
    ),
    ("id and number in turn", lambda t: numbered(t.made()).delete().deleted().get(NOT_FOUND, 404)),
    ("deleted by number, looked at by id", lambda t: named(numbered(t.made()).delete().deleted()).get(NOT_FOUND, 404)),
    (
        "relabelled by number, looked at by id",
        lambda t: (
            named(numbered(t.made()).labelled(NEW, NO_LABELS))
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .labelled(OLD, FINGERPRINTS[0])
            .get(image(labels=OLD, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "licences by number",
        lambda t: t.made(
            licenses=[f"projects/{NUMBER}/global/licenses/l"],
            shown=image(licenses=[f"{LINKS}/v1/projects/{PROJECT}/global/licenses/l"]),
        ),
    ),
    (
        "a relative licence",
        lambda t: t.made(
            licenses=["global/licenses/l"], shown=image(licenses=[f"{LINKS}/v1/projects/{PROJECT}/global/licenses/l"])
        ),
    ),
    (
        "a family by number",
        lambda t: t.made(
            sourceDisk=None,
            sourceImage=f"projects/{NUMBER}/global/images/family/f",
            shown=image(
                sourceDisk=None,
                sourceDiskId=None,
                sourceImage=f"{LINKS}/v1/projects/{PROJECT}/global/images/f-1",
                sourceImageId="77",
            ),
        ),
    ),
    (
        "a replacement by number",
        lambda t: (
            t.made()
            .act("deprecate", {"state": "DEPRECATED", "replacement": f"projects/{NUMBER}/global/images/image-2"})
            .get(
                image(
                    deprecated={
                        "state": "DEPRECATED",
                        "replacement": f"{LINKS}/v1/projects/{PROJECT}/global/images/image-2",
                    }
                )
            )
        ),
    ),
    (
        "a relative replacement",
        lambda t: (
            t.made()
            .act("deprecate", {"state": "DEPRECATED", "replacement": "global/images/image-2"})
            .get(
                image(
                    deprecated={
                        "state": "DEPRECATED",
                        "replacement": f"{LINKS}/v1/projects/{PROJECT}/global/images/image-2",
                    }
                )
            )
        ),
    ),
    ("links of another version", lambda t: t.made(shown=image(selfLink=f"{LINKS}/beta/{IMAGE}"))),
    ("two versions in turn", lambda t: versioned(t.made(), "beta").get(image(selfLink=f"{LINKS}/beta/{IMAGE}"))),
    ("two hosts in turn", lambda t: at_host(t.made(), "https://www.googleapis.com").get(image())),
)

SENT_BACK: tuple[tuple[str, Told], ...] = (
    *(
        (f"{field} as it would be", lambda t, field=field: t.made(**{field: image()[field]}))
        for field in ("kind", "status", "labelFingerprint", "selfLink", "sourceDiskId")
    ),
    ("a copy of a describe", lambda t: t.get(image()).made(2, image(2), **COPY)),
    (
        "a copy of a describe that is not recorded",
        lambda t: t.made(
            2,
            image(2, labels=OLD, labelFingerprint=FINGERPRINTS[0]),
            **{**COPY, "labels": OLD, "labelFingerprint": FINGERPRINTS[0]},
        ),
    ),
    (
        "the true id of the source",
        lambda t: t.get(image()).made(
            2,
            image(
                2, sourceDisk=None, sourceDiskId=None, sourceImage=f"{LINKS}/v1/{IMAGE}", sourceImageId=image()["id"]
            ),
            sourceDisk=None,
            sourceImage=IMAGE,
            sourceImageId=image()["id"],
        ),
    ),
    ("false", lambda t: t.made(satisfiesPzs=False, shown=image(satisfiesPzs=False))),
    (
        "other values, which are ignored",
        lambda t: t.made(
            id="1",
            status="PENDING",
            kind="x",
            selfLink="x",
            creationTimestamp=at(-9000),
            labelFingerprint="AAAAAAAAAAA=",
            sourceDiskId="1",
        ),
    ),
    (
        "a patch with all of a describe",
        lambda t: t.made().act("patch", {**image(), "description": "new"}).get(image(description="new")),
    ),
    (
        "a patch with the fingerprint",
        lambda t: (
            t.made()
            .act("patch", {"labels": NEW, "labelFingerprint": NO_LABELS, "family": "f"})
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0], family="f"))
        ),
    ),
    (
        "a patch that adds a label",
        lambda t: (
            t.made(labels=OLD, shown=image(labels=OLD, labelFingerprint=FINGERPRINTS[0]))
            .act("patch", {"labels": NEW, "labelFingerprint": FINGERPRINTS[0]})
            .get(image(labels={**OLD, **NEW}, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "a patch that clears",
        lambda t: (
            t.made(description="old", shown=image(description="old")).act("patch", {"description": None}).get(image())
        ),
    ),
    (
        "a patch with a stale fingerprint",
        lambda t: (
            t.made()
            .act("patch", {"labels": NEW, "labelFingerprint": FINGERPRINTS[2]}, status=412, answer=STALE)
            .get(image())
        ),
    ),
)

SERVICE_LABELS: tuple[tuple[str, Told], ...] = (
    (
        "the client's own",
        lambda t: (
            t.made(labels={"goog-x": "1"}, shown=image(labels={"goog-x": "1"}, labelFingerprint=FINGERPRINTS[0]))
            .labelled({"goog-x": "1", "a": "1"}, FINGERPRINTS[0])
            .get(image(labels={"goog-x": "1", "a": "1"}, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "the client's own, taken away",
        lambda t: (
            t.made(labels={"goog-x": "1"}, shown=image(labels={"goog-x": "1"}, labelFingerprint=FINGERPRINTS[0]))
            .labelled({}, FINGERPRINTS[0])
            .get(image())
        ),
    ),
    (
        "the service's own",
        lambda t: (
            t.made(shown=image(labels={"goog-x": "1"}, labelFingerprint=FINGERPRINTS[0]))
            .labelled(NEW, FINGERPRINTS[0])
            .get(image(labels={"goog-x": "1", **NEW}, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "the service's own, sent back",
        lambda t: (
            t.made(shown=image(labels={"goog-x": "1"}, labelFingerprint=FINGERPRINTS[0]))
            .labelled({"goog-x": "1", **NEW}, FINGERPRINTS[0])
            .get(image(labels={"goog-x": "1", **NEW}, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "the service's own, appearing",
        lambda t: t.made().get(image(labels={"goog-x": "1"}, labelFingerprint=FINGERPRINTS[0])),
    ),
)

OPERATIONS: tuple[tuple[str, Told], ...] = (
    (
        "by numeric id",
        lambda t: (
            t.insert()
            .say(
                "GET",
                f"global/operations/{operation()['id']}",
                None,
                t.ended(),
            )
            .get(image())
        ),
    ),
    (
        "waited for by numeric id",
        lambda t: t.insert().wait(t.ended(), name=operation()["id"]).get(image()),
    ),
    (
        "links by id",
        lambda t: (
            t.made()
            .replaced("operations/operation-1", f"operations/{operation()['id']}")
            .replaced("images/image-1", f"images/{image()['id']}")
        ),
    ),
    (
        "deleted",
        lambda t: t.made().say("DELETE", "global/operations/operation-1", None, None, 204).poll(NOT_FOUND, 404),
    ),
    (
        "deleted by id",
        lambda t: (
            t.made().say("DELETE", f"global/operations/{operation()['id']}", None, None, 204).poll(NOT_FOUND, 404)
        ),
    ),
    (
        "deleted, answered 200",
        lambda t: t.made().say("DELETE", "global/operations/operation-1", None, "", 200).poll(NOT_FOUND, 404),
    ),
    (
        "of others in a list",
        lambda t: t.made().say(
            "GET",
            "global/operations",
            None,
            {
                "kind": "compute#operationList",
                "items": [{**operation(7), "operationType": "compute.networks.insert", "zone": "x"}],
            },
        ),
    ),
    ("a delete that found nothing", lambda t: t.made().delete().deleted(**GONE).get(NOT_FOUND, 404)),
    (
        "two deletes at once",
        lambda t: (
            t.made()
            .delete()
            .say(
                "DELETE",
                "global/images/image-1",
                None,
                operation(
                    99, "RUNNING", 1, operationType="delete", insertTime=at(t.now + 1.2), startTime=at(t.now + 1.2)
                ),
            )
            .deleted()
            .get(NOT_FOUND, 404)
        ),
    ),
    (
        "an insert that failed, its image FAILED",
        lambda t: (
            t.insert()
            .get(image(status="PENDING"))
            .done(
                error={"errors": [{"code": "INTERNAL_ERROR", "message": "x"}]},
                httpErrorStatusCode=500,
                httpErrorMessage="INTERNAL",
            )
            .get(image(status="FAILED"))
        ),
    ),
    (
        "an insert that failed, its image removed in a while",
        lambda t: (
            t.insert()
            .get(image(status="PENDING"))
            .done(
                error={"errors": [{"code": "INTERNAL_ERROR", "message": "x"}]},
                httpErrorStatusCode=500,
                httpErrorMessage="INTERNAL",
            )
            .get(image(status="PENDING"))
            .get(NOT_FOUND, 404)
        ),
    ),
    ("a source that is not ready", lambda t: t.insert(answer=NOT_READY, code=400).insert().done().get(image())),
    (
        "a name that is free a while after the delete",
        lambda t: (
            t.made().delete().insert(answer=EXISTS, code=409).deleted().insert(2).done(2).get(image(2), name="image-2")
        ),
    ),
)

LISTS: tuple[tuple[str, Told], ...] = (
    (
        "pages",
        lambda t: (
            t.made()
            .made(2)
            .list(image(), query="?maxResults=1", nextPageToken="a")
            .list(image(2), query="?maxResults=1&pageToken=a")
        ),
    ),
    ("one page of many", lambda t: t.made().made(2).list(image(2), query="?maxResults=1", nextPageToken="a")),
    ("a filter", lambda t: t.made().list(image(), query="?filter=name%3Dimage-1")),
    ("a filter on labels", lambda t: t.made().list(query="?filter=labels.a%3D1")),
    ("a warning", lambda t: t.made().list(image(), warning={"code": "UNREACHABLE", "message": "x"})),
    (
        "no items",
        lambda t: t.made().delete().deleted().say("GET", "global/images", None, {"kind": "compute#imageList"}),
    ),
    (
        "of others, changed by others",
        lambda t: t.list(image(7), image(8)).list(
            image(7, id="9", creationTimestamp=at(99)), image(8, status="DELETING")
        ),
    ),
    (
        "of others, relabelled by others",
        lambda t: t.list(image(7)).list(image(7, labels=NEW, labelFingerprint=FINGERPRINTS[0])),
    ),
    ("twice", lambda t: t.made().list(image()).list(image())),
)

RECORDERS: tuple[tuple[str, Told], ...] = (
    ("without durations", lambda t: each(t.made().made(2).delete().deleted().get(NOT_FOUND, 404), time=None)),
    ("with durations of 0", lambda t: each(t.made().delete().deleted().get(NOT_FOUND, 404), time=0)),
    (
        "without times",
        lambda t: each(t.made().made(2).delete().deleted().get(NOT_FOUND, 404), time=None, startedDateTime=None),
    ),
    (
        "out of order",
        lambda t: shuffled(
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
            .get(NOT_FOUND, 404)
        ),
    ),
    (
        "with a clock set back",
        lambda t: set_back(
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
            .get(NOT_FOUND, 404),
            6,
            8,
        ),
    ),
    (
        "with a clock set forward",
        lambda t: set_back(
            t.made().insert(2, request_id=REQUEST_ID).done(2).get(image(2), name="image-2"),
            3,
            -4000,
        ),
    ),
    (
        "begun in the middle",
        lambda t: begun(
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
            .get(NOT_FOUND, 404),
            2,
        ),
    ),
    (
        "that begin with a replay",
        lambda t: begun(
            t.insert(request_id=REQUEST_ID).done().get(image()).insert(request_id=REQUEST_ID).get(image()),
            3,
        ),
    ),
    (
        "beside other APIs",
        lambda t: (
            t.made()
            .say("GET", "zones/us-central1-a/instances", None, {})
            .say("GET", "/storage/v1/b/x", None, {})
            .say("GET", "global/images/image-1/getIamPolicy", None, {"etag": "A"})
        ),
    ),
)

RAW_KEY: dict[str, Any] = {"imageEncryptionKey": {"sha256": "esTuF7d4eatX4cnc4JsiEiaI+Rff78JgPhA/v1zxX9E="}}

BY_ID: tuple[tuple[str, Told], ...] = (
    ("a source image", from_source("sourceImage", "global/images/77", "global/images/base")),
    ("a source disk", from_source("sourceDisk", "zones/us-central1-a/disks/77", "zones/us-central1-a/disks/d1")),
    (
        "a source snapshot",
        from_source("sourceSnapshot", f"projects/{NUMBER}/global/snapshots/77", "global/snapshots/s"),
    ),
    (
        "a replacement",
        lambda t: (
            t.made()
            .act("deprecate", {"state": "DEPRECATED", "replacement": f"global/images/{image(2)['id']}"})
            .get(image(deprecated={"state": "DEPRECATED", "replacement": image(2)["selfLink"]}))
        ),
    ),
    (
        "a licence",
        lambda t: t.made(
            licenses=["projects/debian-cloud/global/licenses/77"],
            shown=image(licenses=[f"{LINKS}/v1/projects/debian-cloud/global/licenses/debian-12"]),
        ),
    ),
)

SPARSE: tuple[tuple[str, Told], ...] = (
    ("an image without the labels asked for", lambda t: t.made().get({}, query="?fields=labels")),
    ("an image without the state asked for", lambda t: t.made().get({}, query="?fields=deprecated(state)")),
    (
        "the message of an error alone",
        lambda t: t.insert().poll(
            {"status": "DONE", "error": {"errors": [{"message": "x"}]}}, query="?fields=status,error(errors(message))"
        ),
    ),
    (
        "fields that do not exist",
        lambda t: t.made().get(error(400, "invalidParameter"), 400, query="?fields=zzz").get(image()),
    ),
    ("a list without items, and nothing else", lambda t: t.list()),
    *(
        (f"a page answered {status}", lambda t, status=status: t.made().get("<html>", status).get(image()))
        for status in (307, 407, 408)
    ),
    *(
        (
            f"a key recorded as {mark}",
            lambda t, mark=mark: t.made(shown=image(**RAW_KEY), imageEncryptionKey={"rawKey": mark}),
        )
        for mark in ("REDACTED", "***", "<RAW_KEY>", "XXXXXXXX")
    ),
    ("a service whose clock is ahead", lambda t: undated(ahead(t, 3600))),
    ("a service whose clock is behind", lambda t: undated(ahead(t, -3600))),
    ("answers that a browser had cached", lambda t: cached(t.made().get(image()))),
    ("bodies in base64", lambda t: in_base64(t.made().get(image()))),
)

CHANGES: tuple[tuple[str, Told], ...] = (
    (
        "setLabels that the service failed to carry out",
        lambda t: (
            t.made()
            .labelled(
                NEW,
                NO_LABELS,
                answer=operation(
                    9,
                    target=1,
                    operationType="setLabels",
                    insertTime=at(6),
                    startTime=at(6),
                    endTime=at(6),
                    error={"errors": [{"code": "INTERNAL_ERROR", "message": "x"}]},
                    httpErrorStatusCode=500,
                    httpErrorMessage="INTERNAL SERVER ERROR",
                ),
            )
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    ("no labels set twice", lambda t: t.made().labelled({}, NO_LABELS).labelled({}, NO_LABELS).get(image())),
    (
        "the labels there are, and then others",
        lambda t: (
            t.made(labels=OLD, shown=image(labels=OLD, labelFingerprint=FINGERPRINTS[0]))
            .labelled(OLD, FINGERPRINTS[0])
            .labelled(NEW, FINGERPRINTS[0])
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "a list that lacks an image which is gone",
        lambda t: t.made().get(image(), wait=90).list().get(NOT_FOUND, 404),
    ),
    (
        "a list that cannot reach everything",
        lambda t: t.made().get(image(), wait=90).list(warning={"code": "UNREACHABLE", "message": "x"}).get(image()),
    ),
    (
        "a family's image that is deprecated elsewhere",
        lambda t: t.say(
            "GET",
            "global/images/family/f",
            None,
            image(
                family="f",
                deprecated={"state": "DEPRECATED", "stateOverride": {"defaultRolloutTime": "2027-01-01T00:00:00Z"}},
            ),
        ),
    ),
    (
        "an insert that met another client's image",
        lambda t: (
            t.insert()
            .done(
                error={"errors": [{"code": "RESOURCE_ALREADY_EXISTS", "message": "x"}]},
                httpErrorStatusCode=409,
                httpErrorMessage="CONFLICT",
            )
            .list(image(creationTimestamp=at(-60)))
            .get(image(creationTimestamp=at(-60)))
        ),
    ),
    (
        "a list that was recorded without times, after others had made images",
        lambda t: undated(
            each(t.made().list(image(), image(7, creationTimestamp=at(9000))), time=None, startedDateTime=None)
        ),
    ),
    (
        "an insert that failed, and another client's image",
        lambda t: (
            t.insert()
            .done(
                error={"errors": [{"code": "INTERNAL_ERROR", "message": "x"}]},
                httpErrorStatusCode=500,
                httpErrorMessage="INTERNAL SERVER ERROR",
            )
            .list(image(id="77", creationTimestamp=at(5)))
        ),
    ),
    (
        "deleted, after another client has made it anew",
        lambda t: later(t.made(), 900).delete(
            answer=operation(
                91,
                target=1,
                operationType="delete",
                targetId="77",
                insertTime=at(906),
                startTime=at(906),
                endTime=at(906),
            )
        ),
    ),
)

BATCH = "--b\r\nContent-Type: application/http\r\n\r\n{} HTTP/1.1\r\n\r\n{}\r\n--b--"
BATCHES: tuple[tuple[str, Told], ...] = (
    (
        "an insert",
        lambda t: t.say(
            "POST",
            "/batch/compute/v1",
            BATCH.format("POST /compute/v1/projects/demo/global/images?alt=json", '{"name": "image-1"}'),
            "--c--",
        ).get(image()),
    ),
    (
        "a delete",
        lambda t: (
            t.made()
            .say(
                "POST",
                "/batch/compute/v1",
                BATCH.format("DELETE /compute/v1/projects/demo/global/images/image-1", ""),
                "--c--",
            )
            .get(NOT_FOUND, 404)
        ),
    ),
    (
        "labels",
        lambda t: (
            t.made()
            .say(
                "POST",
                "/batch",
                BATCH.format("POST /compute/v1/projects/demo/global/images/image-1/setLabels", "{}"),
                "--c--",
            )
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
)


def numbered(told: Recorded) -> Recorded:
    """From now on the path has the project's number."""
    told.project = NUMBER
    return told


def named(told: Recorded) -> Recorded:
    """From now on the path has the project's id."""
    told.project = PROJECT
    return told


def versioned(told: Recorded, version: str) -> Recorded:
    """From now on another version of the API is called."""
    told.version = version
    return told


def at_host(told: Recorded, service: str) -> Recorded:
    """From now on another host is called."""
    told.service = service
    return told


def each(told: Recorded, **changes: Any) -> Recorded:
    """Changes every entry; None takes a field away."""
    told.entries = [
        {name: value for name, value in {**entry, **changes}.items() if value is not None} for entry in told.entries
    ]
    return told


def shuffled(told: Recorded) -> Recorded:
    """The entries the other way round."""
    told.entries.reverse()
    return told


def set_back(told: Recorded, entries: int, seconds: float) -> Recorded:
    """The recorder's clock goes back after so many entries."""
    for number, entry in enumerate(told.entries):
        if number >= entries:
            moment = datetime.fromisoformat(entry["startedDateTime"])
            entry["startedDateTime"] = (moment - timedelta(seconds=seconds)).isoformat()
    return told


def later(told: Recorded, seconds: float) -> Recorded:
    """The next exchange comes so much later."""
    told.now += seconds
    return told


def ahead(told: Recorded, seconds: float) -> Recorded:
    """An image made by a service whose clock is ahead."""
    began: dict[str, Any] = {"insertTime": at(seconds + 1.3), "startTime": at(seconds + 1.3)}
    told.insert(answer=operation(status="RUNNING", **began)).poll(operation(**began, endTime=at(seconds + 2)))
    return told.get(image(creationTimestamp=at(seconds + 1.5)))


def undated(told: Recorded) -> Recorded:
    """The answers lack their Date."""
    for entry in told.entries:
        entry["response"]["headers"] = [one for one in entry["response"]["headers"] if one["name"] != "Date"]
    return told


def cached(told: Recorded) -> Recorded:
    """The last answer was in the cache of a browser, which recorded no body of it."""
    told.entries[-1]["_fromCache"] = "disk"
    told.entries[-1]["response"]["content"] = {"size": 0, "mimeType": "application/json"}
    return told


def in_base64(told: Recorded) -> Recorded:
    """The bodies of answers stand in base64, as a recorder in capitals says."""
    for entry in told.entries:
        content = entry["response"]["content"]
        content.update(text=b64encode(content["text"].encode()).decode(), encoding="BASE64")
    return told


def begun(told: Recorded, entries: int) -> Recorded:
    """The first entries are missing."""
    told.entries = told.entries[entries:]
    return told


OTHERS: tuple[tuple[str, Told], ...] = (
    (
        "labels changed by another client",
        lambda t: (
            t.made()
            .labelled(OLD, NO_LABELS, status=412, answer=STALE)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .labelled({**OLD, **NEW}, FINGERPRINTS[0])
            .get(image(labels={**OLD, **NEW}, labelFingerprint=FINGERPRINTS[1]))
        ),
    ),
    (
        "labels before the image is ready",
        lambda t: (
            t.insert()
            .get(image(status="PENDING"))
            .labelled(NEW, NO_LABELS, status=400, answer=NOT_READY)
            .done()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "a delete before the image is ready",
        lambda t: t.insert().delete(status=400, answer=NOT_READY).done().delete().deleted().get(NOT_FOUND, 404),
    ),
    ("a name that another client has", lambda t: t.get(NOT_FOUND, 404).insert(answer=EXISTS, code=409).get(image())),
    ("credentials that had expired", lambda t: t.insert(answer=error(401, "authError"), code=401).made()),
    (
        "a stale fingerprint, and then the right one",
        lambda t: (
            t.made()
            .labelled(NEW, FINGERPRINTS[2], status=412, answer=STALE)
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "labels that the operation finds stale",
        lambda t: (
            t.made()
            .labelled(
                NEW,
                FINGERPRINTS[2],
                answer=operation(
                    9,
                    target=1,
                    operationType="setLabels",
                    insertTime=at(7),
                    startTime=at(7),
                    endTime=at(7),
                    error={"errors": [{"code": "CONDITION_NOT_MET", "message": "x"}]},
                    httpErrorStatusCode=412,
                    httpErrorMessage="PRECONDITION FAILED",
                ),
            )
            .get(image())
        ),
    ),
)

CLIENTS: tuple[tuple[str, Told], ...] = (
    (
        "gcloud",
        lambda t: (
            t.insert(query="?alt=json", sourceType="RAW", guestOsFeatures=[])
            .wait(t.ended())
            .get(image(), query="?alt=json")
            .get(image(), query="?alt=json")
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "Node",
        lambda t: (
            t.insert(labels={})
            .say("POST", "global/operations/operation-1/wait", '""', t.ended())
            .get(image(), query="?")
        ),
    ),
    ("Libcloud", lambda t: t.insert(description=None, family=None).done().list(image(), query="?maxResults=500")),
    (
        "Terraform",
        lambda t: (
            t.insert(query="?alt=json&prettyPrint=false", labels={"goog-terraform-provisioned": "true"})
            .poll(t.ended(), query="?alt=json&prettyPrint=false")
            .get(image(labels={"goog-terraform-provisioned": "true"}, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
        ),
    ),
    (
        "Packer, which looks for the image first",
        lambda t: (
            t.say("GET", "global/images/image-1", None, NOT_FOUND, 404)
            .insert(licenses=["global/licenses/l"], storageLocations=["us"])
            .done()
            .get(image(licenses=[f"{LINKS}/v1/projects/{PROJECT}/global/licenses/l"]))
        ),
    ),
    (
        "a copy of another project's latest",
        lambda t: (
            t.say("GET", "/compute/v1/projects/debian-cloud/global/images/family/debian-12", None, BASE)
            .insert(sourceDisk=None, sourceImage=BASE["selfLink"])
            .done()
            .get(image(sourceDisk=None, sourceDiskId=None, sourceImage=BASE["selfLink"], sourceImageId=BASE["id"]))
        ),
    ),
)


def failed_change(verb: str, body: dict[str, Any], code: int = 400) -> Told:
    """A change of an image whose operation fails, so that the image stays as it was."""

    def tell(told: Recorded) -> Recorded:
        moment = at(told.now + 6.3)
        ended = operation(
            9,
            "DONE",
            1,
            operationType=verb,
            insertTime=moment,
            startTime=moment,
            endTime=moment,
            error={"errors": [{"code": "INVALID_USAGE", "message": "It is refused."}]},
            httpErrorStatusCode=code,
            httpErrorMessage="BAD REQUEST",
        )
        return told.made().act(verb, body, answer=ended).get(image())

    return tell


FAILED_CHANGES: tuple[tuple[str, Told], ...] = (
    ("setLabels", failed_change("setLabels", {"labels": NEW, "labelFingerprint": NO_LABELS})),
    ("deprecate", failed_change("deprecate", {"state": "DEPRECATED"})),
    ("patch", failed_change("patch", {"description": "new"})),
)

BLOTTED_OUT: tuple[tuple[str, Told], ...] = (
    *(
        (f"the user, once, as {mark}", lambda t, mark=mark: t.insert().done(user=mark).get(image()))
        for mark in (
            *("REDACTED", "[REDACTED]", "redacted@example.com", "***", "****@example.com", "<user>", "XXXX"),
            *("xxx@xxx.com", "[REMOVED]", "{{user}}", "${user}"),
        )
    ),
    ("an id of an operation, once", lambda t: t.insert().done(id="REDACTED").get(image())),
    ("the id of its image, once", lambda t: t.insert().done(targetId="[ID]").get(image())),
    ("a time, once", lambda t: t.insert().done(insertTime="REDACTED").get(image())),
    (
        "each id by a number of its own",
        lambda t: (
            t.insert(
                answer=operation(
                    1,
                    "RUNNING",
                    id="1111111111111111111",
                    targetId="2222222222222222222",
                    insertTime=at(1.3),
                    startTime=at(1.3),
                )
            )
            .done(id="1111111111111111111", targetId="2222222222222222222")
            .get(image(id="3333333333333333333"))
        ),
    ),
    (
        "all ids by one number",
        lambda t: (
            t.insert(
                answer=operation(1, "RUNNING", targetId="1234567890123456789", insertTime=at(1.3), startTime=at(1.3))
            )
            .done(targetId="1234567890123456789")
            .get(image(id="1234567890123456789", sourceDiskId="1234567890123456789"))
            .get(image(id="1234567890123456789", sourceDiskId="1234567890123456789"))
        ),
    ),
)


def cut_down(fields: str, rest: Any) -> Told:
    """A refusal of which `fields` has left this."""
    return lambda t: t.made().get(rest, 404, name="image-9", query=f"?fields={fields}")


CUT_DOWN: tuple[tuple[str, Told], ...] = tuple(
    (fields, cut_down(fields, rest))
    for fields, rest in (
        ("status", {}),
        ("name", None),
        ("error", {"error": {"code": 404, "message": "x"}}),
        ("error/message", {"error": {"message": "x"}}),
        ("error(code)", {"error": {"code": 404}}),
        ("error/errors/reason", {"error": {"errors": [{"reason": "notFound"}]}}),
    )
)


def patched(query: str, body: dict[str, Any], before: dict[str, Any], shown: dict[str, Any]) -> Told:
    """A PATCH that is limited to some fields."""

    def tell(told: Recorded) -> Recorded:
        told.made(1, image(**before), **before)
        moment = at(told.now + 1.3)
        done = operation(9, "DONE", 1, operationType="patch", insertTime=moment, startTime=moment, endTime=moment)
        return told.say("PATCH", f"global/images/image-1{query}", body, done).get(image(**shown)).get(image(**shown))

    return tell


LIMITED: tuple[tuple[str, Told], ...] = tuple(
    (query, patched(query, body, before, shown))
    for query, body, before, shown in (
        ("?paths=description", {"description": "new", "family": "f"}, {}, {"description": "new"}),
        ("?updateMask=description", {"description": "new", "family": "f"}, {}, {"description": "new"}),
        ("?paths=description&paths=labels.a", {"description": "new", "family": "f"}, {}, {"description": "new"}),
        ("?updateMask=family,licenses", {"description": "new", "family": "f"}, {}, {"family": "f"}),
        ("?paths=locked", {"description": "new"}, {"description": "old"}, {"description": "old"}),
        ("?paths=description,family", {"family": "f"}, {"description": "old"}, {"family": "f"}),
    )
)


def let_in(expression: str) -> Told:
    """A list that holds an image, by a filter."""
    return lambda t: t.made().list(image(), query=f"?filter={quote(expression)}")


OTHER_CASES: tuple[tuple[str, Told], ...] = tuple(
    (expression, let_in(expression))
    for expression in ("status eq ready", "status = ready", "status != ready", "name eq IMAGE-1", "(sourceType eq raw)")
)


def tried_again(told: Recorded) -> Recorded:
    """An insert that fails, and is sent again with its requestId: it is begun anew."""
    error = {"errors": [{"code": "INTERNAL_ERROR", "message": "Internal error."}]}
    told.insert(request_id=REQUEST_ID).done(error=error, httpErrorStatusCode=500, httpErrorMessage="INTERNAL")
    moment, again = at(told.now + 1.3), image(7)["id"]
    times = {"insertTime": moment, "startTime": moment, "clientOperationId": REQUEST_ID, "targetId": again}
    told.insert(request_id=REQUEST_ID, answer=operation(7, "RUNNING", 1, **times))
    told.poll(operation(7, "DONE", 1, **times, endTime=at(told.now + 1)))
    return told.get(image(id=again, creationTimestamp=moment))


DEPRECATED: dict[str, Any] = {"deprecated": {"state": "DEPRECATED"}}
RELABELLED: dict[str, Any] = {"labels": NEW, "labelFingerprint": FINGERPRINTS[0]}
OTHERS_LABELS: dict[str, Any] = {"labels": OLD, "labelFingerprint": FINGERPRINTS[1]}
NEWBORN = image(id="77", creationTimestamp=at(3000))


def an_hour(told: Recorded) -> Recorded:
    """An hour in which nothing is recorded."""
    return later(told, 3600)


BYSTANDERS: tuple[tuple[str, Told], ...] = (
    ("sets labels", lambda t: t.made(labels=NEW, shown=image(**RELABELLED)).get(image(**OTHERS_LABELS))),
    (
        "sets labels after the recorded client",
        lambda t: t.made().labelled(NEW, NO_LABELS).get(image(**RELABELLED)).get(image(**OTHERS_LABELS)),
    ),
    (
        "patches",
        lambda t: an_hour(t.made(description="d", family="f", shown=image(description="d", family="f"))).get(
            image(description="e", family="g")
        ),
    ),
    (
        "deprecates before labels are set",
        lambda t: (
            an_hour(t.made()).get(image(**DEPRECATED)).labelled(NEW, NO_LABELS).get(image(**RELABELLED, **DEPRECATED))
        ),
    ),
    (
        "deprecates, which nobody looks at before labels are set",
        lambda t: an_hour(t.made()).labelled(NEW, NO_LABELS).get(image(**RELABELLED, **DEPRECATED)),
    ),
    (
        "deprecates after labels are set",
        lambda t: an_hour(t.made().labelled(NEW, NO_LABELS)).get(image(**RELABELLED, **DEPRECATED)),
    ),
    (
        "takes a deprecation back",
        lambda t: an_hour(t.made().act("deprecate", {"state": "DEPRECATED"}).get(image(**DEPRECATED))).get(image()),
    ),
    (
        "patches what was patched",
        lambda t: an_hour(t.made().act("patch", {"description": "d"}).get(image(description="d"))).get(
            image(description="e")
        ),
    ),
    (
        "sets labels, whose fingerprint the recorded client knows from elsewhere",
        lambda t: an_hour(t.made()).labelled(NEW, FINGERPRINTS[1]).get(image(**RELABELLED)),
    ),
    (
        "deletes before labels are set",
        lambda t: an_hour(t.made()).labelled(NEW, NO_LABELS, status=404, answer=NOT_FOUND).get(NOT_FOUND, 404),
    ),
    (
        "makes an image under a deleted one's name",
        lambda t: an_hour(t.made().delete().deleted().get(NOT_FOUND, 404)).get(NEWBORN),
    ),
    (
        "makes an image under a deleted one's name, which is taken then",
        lambda t: an_hour(t.made().delete().deleted()).insert(answer=EXISTS, code=409).get(NEWBORN),
    ),
    ("makes an image anew", lambda t: an_hour(t.made()).get(NEWBORN)),
    (
        "deletes after labels are set",
        lambda t: an_hour(t.made().labelled(NEW, NO_LABELS).get(image(**RELABELLED))).get(NOT_FOUND, 404),
    ),
    ("deletes before anybody looks", lambda t: an_hour(t.insert().done()).get(NOT_FOUND, 404)),
    (
        "deletes, so that the name is free",
        lambda t: an_hour(t.made()).insert(
            answer=operation(7, target=1, targetId="77", insertTime=at(3607), startTime=at(3607), endTime=at(3607))
        ),
    ),
    (
        "may have made an image under a deleted one's name",
        lambda t: an_hour(t.made().delete().deleted()).insert(answer=EXISTS, code=409),
    ),
)


def without_its_body(told: Recorded) -> Recorded:
    """A delete at the same time as a change of labels, and an insert of the name whose body the recorder has lost."""
    told.made().labelled(NEW, NO_LABELS).now -= 1.4
    told.delete().deleted().insert(answer=operation(7, "RUNNING", 1, targetId="77", insertTime=at(9), startTime=at(9)))
    told.entries[-1]["request"].update(bodySize=-1)
    del told.entries[-1]["request"]["postData"]
    return told.get(image(id="77", creationTimestamp=at(9.2))).get(image(id="77", creationTimestamp=at(9.2)))


def overtaken(told: Recorded) -> Recorded:
    """A PATCH whose operation takes longer than that of a later one, whose value it replaces."""
    told.made()
    began = at(told.now + 1.3)
    running = operation(8, "RUNNING", 1, operationType="patch", insertTime=began, startTime=began)
    told.act("patch", {"description": "first"}, answer=running).act("patch", {"description": "second"})
    told.poll({**running, "status": "DONE", "progress": 100, "endTime": at(told.now + 1)})
    return told.get(image(description="first"))


def instead(verb: str) -> Callable[[Recorded], Recorded]:
    """A POST that a header makes another request of."""

    def tell(told: Recorded) -> Recorded:
        moment = at(told.now + 1.3)
        done = operation(9, "DONE", 1, operationType=verb, insertTime=moment, startTime=moment, endTime=moment)
        header = {"X-HTTP-Method-Override": verb}
        body = {"description": "new"} if verb == "PATCH" else None
        return told.say("POST", "global/images/image-1", body, done, headers=header)

    return tell


OVERRIDDEN: tuple[tuple[str, Told], ...] = (
    (
        "GET",
        lambda t: t.made().say(
            "POST", "global/images/image-1", None, image(), headers={"X-HTTP-Method-Override": "GET"}
        ),
    ),
    (
        "GET of a list",
        lambda t: t.made().say(
            "POST", "global/images", "maxResults=1", {"items": [image()]}, headers={"x-http-method-override": "GET"}
        ),
    ),
    ("PATCH", lambda t: instead("PATCH")(t.made()).get(image(description="new"))),
    ("DELETE", lambda t: instead("DELETE")(t.made()).get(NOT_FOUND, 404).insert(2).done(2)),
)


def cut(told: Recorded, mark: str = "", length: int = 500) -> Recorded:
    """A recorder keeps the beginning of a body alone; without a mark its size tells that there was more."""
    for entry in told.entries:
        content = entry["response"]["content"]
        whole = content["text"]
        if len(whole) > length:
            content.update({"text": whole[:length] + mark} | ({} if mark else {"size": len(whole)}))
    return told


CUT: tuple[tuple[str, Told], ...] = (
    *(
        (mark or "without a mark", lambda t, mark=mark: cut(t.get(image()).made(2), mark))
        for mark in ("", "...", "…", "... [truncated]", "<1234 more bytes>", "(truncated)")
    ),
)

ONCE_MORE: tuple[tuple[str, Told], ...] = (
    (
        "a family that answers a deprecated image for a moment",
        lambda t: (
            t.made(1, image(family="f"), family="f")
            .made(2, image(2, family="f", creationTimestamp=at(7)), family="f")
            .act("deprecate", {"state": "DEPRECATED"}, 2)
            .say("GET", "global/images/family/f", None, image(2, family="f", creationTimestamp=at(7)), wait=0.3)
            .say("GET", "global/images/family/f", None, image(family="f"))
        ),
    ),
    ("an insert without its body", without_its_body),
    ("a patch that ends after a later one", overtaken),
    (
        "an archive by the old name of Cloud Storage",
        lambda t: t.made(
            1,
            image(sourceDisk=None, sourceDiskId=None, rawDisk={"source": "", "containerType": "TAR"}),
            sourceDisk=None,
            rawDisk={"source": "http://commondatastorage.googleapis.com/bucket/disk.tar.gz"},
        ),
    ),
    *(
        (
            f"the project as {mark} in answers alone",
            lambda t, mark=mark: t.made().replaced(f"projects/{PROJECT}", f"projects/{mark}"),
        )
        for mark in ("REDACTED", "***", "XXXX")
    ),
)

ROWS = (
    ("another client", BYSTANDERS),
    ("another verb", OVERRIDDEN),
    ("cut", CUT),
    ("once more", ONCE_MORE),
    ("failed", FAILED_CHANGES),
    ("blotted out", BLOTTED_OUT),
    ("an error cut down", CUT_DOWN),
    ("limited", LIMITED),
    ("a filter in another case", OTHER_CASES),
    ("tried again", (("an insert that had failed", tried_again),)),
    ("partial", PARTIAL),
    ("in another form", OTHER_FORMS),
    ("passing", PASSING),
    ("seen late", LATE),
    ("one resource", SAME_RESOURCE),
    ("projects", PROJECTS),
    ("sent back", SENT_BACK),
    ("goog- labels", SERVICE_LABELS),
    ("operations", OPERATIONS),
    ("lists", LISTS),
    ("by numeric id", BY_ID),
    ("sparse", SPARSE),
    ("changes", CHANGES),
    ("recorders", RECORDERS),
    ("batches", BATCHES),
    ("others", OTHERS),
    ("clients", CLIENTS),
)


@pytest.mark.parametrize(
    "told", [pytest.param(told, id=f"{kind}: {name}") for kind, rows in ROWS for name, told in rows]
)
def test_ordinary_traffic_is_no_breach(told: Told, tmp_path: Path) -> None:
    results = told(Recorded()).judged(tmp_path)
    assert not {
        row.id: row.breaches or row.reason for row in results.rules if row.verdict in ("failed", "deviates", "error")
    }
    assert results.summary.exit_status == 0
