"""What passes, comes late or fails in recordings of what clients do every day: nothing in it is a breach."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.ordinary import IMAGE, NEW, NOT_READY, OLD, STALE, Told, check, each, later, undated
from helpers.recorded import (
    DISK,
    EXISTS,
    FINGERPRINTS,
    NO_LABELS,
    NOT_FOUND,
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

GONE: dict[str, Any] = {
    "error": {"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "The resource was not found"}]},
    "httpErrorStatusCode": 404,
    "httpErrorMessage": "NOT FOUND",
}

UNDER_WAY = operation(8, "RUNNING", 1, operationType="setLabels", insertTime=at(5.8), startTime=at(5.8))

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


def tried_again(told: Recorded) -> Recorded:
    """An insert that fails, and is sent again with its requestId: it is begun anew."""
    error = {"errors": [{"code": "INTERNAL_ERROR", "message": "Internal error."}]}
    told.insert(request_id=REQUEST_ID).done(error=error, httpErrorStatusCode=500, httpErrorMessage="INTERNAL")
    moment, again = at(told.now + 1.3), image(7)["id"]
    times = {"insertTime": moment, "startTime": moment, "clientOperationId": REQUEST_ID, "targetId": again}
    told.insert(request_id=REQUEST_ID, answer=operation(7, "RUNNING", 1, **times))
    told.poll(operation(7, "DONE", 1, **times, endTime=at(told.now + 1)))
    return told.get(image(id=again, creationTimestamp=moment))


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
    ("passing", PASSING),
    ("seen late", LATE),
    ("operations", OPERATIONS),
    ("changes", CHANGES),
    ("failed", FAILED_CHANGES),
    ("once more", ONCE_MORE),
    ("tried again", (("an insert that had failed", tried_again),)),
)


@pytest.mark.parametrize(
    "told", [pytest.param(told, id=f"{kind}: {name}") for kind, rows in ROWS for name, told in rows]
)
def test_ordinary_traffic_is_no_breach(told: Told, tmp_path: Path) -> None:
    check(told, tmp_path)
