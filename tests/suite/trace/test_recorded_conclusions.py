"""Recordings in pairs where a breach follows from what several answers say together: of a name that nobody has, of an
operation whose request came before the recording, of an image that two projects show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.pairs import Pair, Told, assert_no_breach, both_ways
from helpers.recorded import (
    DISK,
    EXISTS,
    FINGERPRINTS,
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    PROJECT,
    REQUEST_ID,
    UNAVAILABLE,
    Recorded,
    at,
    error,
    image,
    operation,
)

FAMILY = "global/images/family/f"
STALE = {"labels": {"b": "2"}, "labelFingerprint": "AAAAAAAAAAA="}
ARCHIVE = "https://bucket.storage.googleapis.com/dir/image.tar.gz"
FAILED: dict[str, Any] = {"httpErrorStatusCode": 400, "httpErrorMessage": "BAD REQUEST"}
CHANGE = {"operationType": "setLabels"}
MADE_OF_ONE = {"sourceImage": image()["selfLink"], "sourceImageId": image()["id"]}
KEY, KEY_HASH = "SGVsbG8gZnJvbSBHb29nbGUgQ2xvdWQgUGxhdGZvcm0=", "esTuF7d4eatX4cnc4JsiEiaI+Rff78JgPhA/v1zxX9E="
PROTECTED = image(imageEncryptionKey={"sha256": KEY_HASH})
PATH = f"projects/{PROJECT}/global/images/"
WARNED = [{"code": "DEPRECATED_RESOURCE_USED", "message": "image-1 is deprecated. A replacement is image-3."}]
PENDING = image(status="PENDING", archiveSizeBytes=None)


def later(told: Recorded, seconds: float) -> Recorded:
    """Lets time pass in which nothing is recorded."""
    told.now += seconds
    return told


# Names


def refused(*, wait: float) -> Told:
    """An insert that conflicts with nothing that is seen just before it, or a while after it."""
    return lambda t: t.get(NOT_FOUND, 404).insert(answer=EXISTS, code=409).get(NOT_FOUND, 404, wait=wait)


def not_free(*, look: bool) -> Told:
    """A name that is refused long after its image was deleted, and perhaps looked for in vain just before."""

    def tell(told: Recorded) -> Recorded:
        later(told.made().delete().deleted().get(NOT_FOUND, 404), 300)
        if look:
            told.get(NOT_FOUND, 404)
        return told.insert(answer=EXISTS, code=409).get(NOT_FOUND, 404, wait=3)

    return tell


def conflicting(born: float, *, lost: bool = False) -> Told:
    """An insert that is answered 503, or not at all, and 409 when it is sent again; its image was made so long after
    the request."""

    def tell(told: Recorded) -> Recorded:
        told.insert(request_id=REQUEST_ID, answer=None if lost else UNAVAILABLE, code=0 if lost else 503)
        made = at(told.now - 0.3 + born)
        told.insert(request_id=REQUEST_ID, answer=EXISTS, code=409)
        return told.get(image(creationTimestamp=made), wait=20)

    return tell


def in_vain(*, before: bool = True, born: float = -9000, late: bool = False) -> Told:
    """An insert that comes to nothing, and an image of its name that is there all the same, made so long after it."""

    def tell(told: Recorded) -> Recorded:
        found = image(creationTimestamp=at(born))
        if before:
            told.get(found)
        if late:
            told.insert().done(error={"errors": [{"code": "INVALID", "message": "It is wrong."}]}, **FAILED)
        else:
            told.insert(answer=error(400, "invalid"), code=400)
        return told.get({**found, "id": "77"} if late else found)

    return tell


NAMES: tuple[Pair, ...] = (
    ("an image that was there before", "life.failed-insert-leaves-nothing", in_vain(), in_vain(before=False, born=1.3)),
    (
        "an image that is older",
        "life.failed-insert-leaves-nothing",
        in_vain(before=False),
        lambda t: in_vain(before=False)(t.get(NOT_FOUND, 404)),
    ),
    (
        "an image that a failed insert has not made",
        "operation.failure-means-none",
        in_vain(late=True),
        in_vain(late=True, before=False, born=1.3),
    ),
    ("a name that nobody has", "life.insert", refused(wait=30), refused(wait=3)),
    (
        "a name that another insert may have",
        "life.insert",
        lambda t: refused(wait=3)(t).get(image()),
        lambda t: refused(wait=3)(refused(wait=3)(t)),
    ),
    ("a name that is free again", "life.delete", not_free(look=False), not_free(look=True)),
    ("an image of the first try", "request-id.replay-after-lost-response", conflicting(-2), conflicting(0.1)),
)

# Operations


def unseen(*, shown: Any = None, status: int = 200, watched: bool = True, wait: float = 1.2, **own: Any) -> Told:
    """The end of an insert from before the recording, and a look at its image."""

    def tell(told: Recorded) -> Recorded:
        told.now = 20
        began: dict[str, Any] = {"insertTime": at(0), "startTime": at(0)}
        if watched:
            told.poll(operation(1, "RUNNING", **began))
        told.poll(operation(1, "DONE", **began, endTime=at(told.now + 1), **own))
        return told.get(shown or image(creationTimestamp=at(2)), status, wait=wait)

    return tell


def not_found_after(seconds: float) -> Told:
    """An operation that was still under way when it was seen last, and is not found so long after."""

    def tell(told: Recorded) -> Recorded:
        running = operation(1, "RUNNING", **told.insert()._began[1])
        return later(told.poll(running), seconds).poll({**NOT_FOUND, "name": "operation-1"}, 404)

    return tell


def listed(listed_as: str) -> Told:
    """An operation in a list, and a look at it that shows it RUNNING."""

    def tell(told: Recorded) -> Recorded:
        began = told.insert()._began[1]
        items = [operation(1, listed_as, **began, endTime=at(told.now + 1) if listed_as == "DONE" else None)]
        told.say("GET", "global/operations", None, {"kind": "compute#operationList", "items": items})
        return told.poll(operation(1, "RUNNING", **began)).done().get(image())

    return tell


def deleted_before(shown: Any) -> Told:
    """The end of a delete from before the recording, and a look at the name."""

    def tell(told: Recorded) -> Recorded:
        told.now = 20
        began = {"insertTime": at(19), "startTime": at(19), "endTime": at(21)}
        told.poll(operation(91, "DONE", 1, operationType="delete", **began))
        return told.get(shown, wait=5)

    return tell


OPERATIONS: tuple[Pair, ...] = (
    ("an image that is deleted", "life.delete", deleted_before(image(id="77")), deleted_before(image())),
    (
        "an insert that a proxy gives up",
        "life.failed-insert-leaves-nothing",
        lambda t: t.get(NOT_FOUND, 404).insert(code=499, answer="closed").get(image()),
        lambda t: t.get(NOT_FOUND, 404).insert(code=400, answer=error(400, "invalid")).get(image()),
    ),
    ("an insert that was watched to its end", "operation.target-id", unseen(), unseen(targetId="9")),
    (
        "an image of the course of an insert",
        "operation.target-id",
        unseen(watched=False, shown=image(id="9", creationTimestamp=at(100)), wait=90),
        unseen(watched=False, shown=image(id="9", creationTimestamp=at(2)), wait=90),
    ),
    (
        "the status after an insert",
        "operation.success-means-ready",
        unseen(shown=image(status="FAILED"), watched=False),
        unseen(shown=image(status="FAILED")),
    ),
    (
        "no image after an insert",
        "operation.success-means-ready",
        unseen(shown=NOT_FOUND, status=404, wait=1),
        unseen(shown=NOT_FOUND, status=404, wait=3),
    ),
    ("an operation that is kept no more", "operation.name", not_found_after(7200), not_found_after(600)),
    ("a list that is not ahead", "operation.status-monotonic", listed("RUNNING"), listed("DONE")),
)

# Refusals, families, sources


def stale(answer: Any, status: int) -> Told:
    """A setLabels with a fingerprint that is out of date."""
    return lambda t: t.made().act("setLabels", STALE, status=status, answer=answer).get(image())


def outrun(code: int, *, moved: bool = True) -> Told:
    """A setLabels whose operation fails, as others were faster, and a look that shows what they have set."""

    def tell(told: Recorded) -> Recorded:
        told.made()
        began = {name: at(told.now + 1.3) for name in ("insertTime", "startTime")}
        told.act(
            "setLabels",
            {"labels": {"b": "2"}, "labelFingerprint": NO_LABELS},
            answer=operation(70, "RUNNING", 1, **CHANGE, **began),
        )
        failed: dict[str, Any] = {
            "error": {"errors": [{"code": "CONDITION_NOT_MET", "message": "The labels changed."}]}
        }
        failed |= {"httpErrorStatusCode": code, "httpErrorMessage": "PRECONDITION FAILED", "endTime": at(told.now + 1)}
        told.poll(operation(70, "DONE", 1, **CHANGE, **began, **failed))
        return told.get(image(labels={"c": "3"}, labelFingerprint=FINGERPRINTS[0]) if moved else image())

    return tell


def made_of(shown: Any, **key: Any) -> Told:
    """An image that is made from one which was there before the recording."""
    return lambda t: of_one(t.get(shown), 12, **key)


def sized(disk: str) -> Told:
    """An image of 10 GB of a disk that was shown just before."""
    shown = {"kind": "compute#disk", "id": image()["sourceDiskId"], "sizeGb": disk}
    return lambda t: t.say("GET", DISK.partition(f"{PROJECT}/")[2], None, shown).made(1, image(creationTimestamp=at(6)))


def of_one(told: Recorded, wait: float, **body: Any) -> Recorded:
    """An image that is made from the first one."""
    later(told, wait).insert(2, sourceDisk=None, sourceImage="global/images/image-1", **body).done(2)
    born = {"creationTimestamp": at(told.now), "sourceDisk": None, "sourceDiskId": None}
    return told.get(image(2, **born, **MADE_OF_ONE), name="image-2")


def family(shown: Any, status: int = 404) -> Told:
    """A family that does not answer its image, and what it answers when it is asked again."""

    def tell(told: Recorded) -> Recorded:
        told.made(shown=image(family="f"), family="f")
        return told.say("GET", FAMILY, None, NOT_FOUND, 404).say("GET", FAMILY, None, shown, status)

    return tell


def family_at_the_end(*, look: bool) -> Told:
    """A family that does not answer its image, of which a later look tells, or nothing."""

    def tell(told: Recorded) -> Recorded:
        told.made(shown=image(family="f"), family="f").say("GET", FAMILY, None, NOT_FOUND, 404)
        return told.get(image(family="f")) if look else told

    return tell


def due_but_active(*, answered: bool) -> Told:
    """A family whose image has dates to come, and is ACTIVE: whether it is what the family answers."""
    dates = {"state": "ACTIVE", "obsolete": "2026-09-01T00:00:00Z"}
    shown = image(family="f", deprecated=dates)

    def tell(told: Recorded) -> Recorded:
        told.made(shown=image(family="f"), family="f").act("deprecate", dates).get(shown, wait=2)
        told.say("GET", FAMILY, None, *((shown, 200) if answered else (NOT_FOUND, 404)), wait=3)
        return told.get(shown)

    return tell


def from_before(shown: Any) -> Told:
    """A family that goes on to answer an image of which the recording does not tell, though it has a new one."""

    def tell(told: Recorded) -> Recorded:
        told.made(shown=image(family="f"), family="f")
        return told.say("GET", FAMILY, None, shown, wait=3).say("GET", FAMILY, None, shown, wait=3)

    return tell


def older(*numbers: int) -> Told:
    """A family of two images, and those that it answers after the second."""

    def tell(told: Recorded) -> Recorded:
        told.made(shown=image(family="f"), family="f")
        shown = [image(family="f"), image(2, family="f", creationTimestamp=at(told.now + 3))]
        told.made(2, shown[1], family="f")
        for number in numbers:
            told.say("GET", FAMILY, None, shown[number - 1], wait=3)
        return told

    return tell


def of_one_under_way(*looks: Any) -> Told:
    """An image that is made of one which is not READY, and looks at that one after it."""

    def tell(told: Recorded) -> Recorded:
        of_one(told.insert().get(PENDING), 0)
        for shown in looks:
            told.get(shown)
        return told

    return tell


def of_one_unseen(*looks: Any) -> Told:
    """An image that is made of one which is shown before, and shown again after it."""

    def tell(told: Recorded) -> Recorded:
        of_one(told.get(looks[0]), 0)
        for shown in looks[1:]:
            told.get(shown, wait=3)
        return told

    return tell


def relabelled_in_lists(shown: dict[str, Any]) -> Told:
    """Labels that are set between two lists, which show no labels."""

    def tell(told: Recorded) -> Recorded:
        told.list(shown).labelled(NEW_LABELS["labels"], NO_LABELS)
        told.now += 20
        return told.list(shown)

    return tell


listed_in_full = relabelled_in_lists(image(creationTimestamp=at(-9000)))
listed_in_short = relabelled_in_lists({name: value for name, value in image().items() if name != "sourceType"})


def of_a_family(source: int) -> Told:
    """An image that is made of a family which answers image 1 before and afterwards, though image 2 is one of it."""

    def tell(told: Recorded) -> Recorded:
        told.get(image(2, family="f"), name="image-2").say("GET", FAMILY, None, image(family="f"))
        made = image(3, sourceDisk=None, sourceDiskId=None, sourceImage=image(source)["selfLink"])
        made |= {"sourceImageId": image(source)["id"], "creationTimestamp": at(told.now + 1.4)}
        told.made(3, made, sourceDisk=None, sourceImage=FAMILY)
        return told.say("GET", FAMILY, None, image(family="f"))

    return tell


def of_one_until(end: float) -> Told:
    """An image that is made of one which is PENDING when it was seen last, and whose operation ends so much later than
    that of the other."""

    def tell(told: Recorded) -> Recorded:
        of_one(told.insert().get(PENDING), 0).get(PENDING)
        last = told.now
        return later(told, 6).done(1, endTime=at(last + end))

    return tell


OLD_LABELS: dict[str, Any] = {"labels": {"env": "old"}, "labelFingerprint": "aB3dE6gH9jK="}
NEW_LABELS: dict[str, Any] = {"labels": {"env": "new"}, "labelFingerprint": "bC4eF7hI0kL="}
STALE_FINGERPRINT = error(412, "conditionNotMet", "The fingerprint is stale")


def warned(*, polled: bool = True, **warnings: Any) -> Told:
    """An image that is made from one which a look shows as DEPRECATED, with what its operation warns of, if somebody
    asks for it."""

    def tell(told: Recorded) -> Recorded:
        told.get(image(deprecated={"state": "DEPRECATED", "replacement": f"{LINKS}/v1/{PATH}image-3"}))
        told.insert(2, sourceDisk=None, sourceImage="global/images/image-1")
        told = told.done(2, **warnings) if polled else told
        born = {"creationTimestamp": at(told.now), "sourceDisk": None, "sourceDiskId": None}
        return told.get(image(2, **born, **MADE_OF_ONE), name="image-2")

    return tell


def flickering(last: dict[str, Any], wait: float) -> Told:
    """Labels that two replicas show for a moment, now the old ones and now the new, while a stale fingerprint is
    refused twice; and a last look."""

    def tell(told: Recorded) -> Recorded:
        told.made(1, image(**OLD_LABELS), labels=OLD_LABELS["labels"])
        told.labelled(NEW_LABELS["labels"], OLD_LABELS["labelFingerprint"])
        told.get(image(**OLD_LABELS), wait=0)
        for shown in (NEW_LABELS, OLD_LABELS):
            told.now -= 1.2
            told.labelled({}, OLD_LABELS["labelFingerprint"], status=412, answer=STALE_FINGERPRINT)
            told.get(image(**shown), wait=0)
        return told.get(image(**last), wait=wait)

    return tell


def due(state: str, *, asked: bool = False) -> Told:
    """An image before and after the date on which it is to become OBSOLETE, and perhaps a request to make it so."""
    dates = {"replacement": f"{LINKS}/v1/{PATH}image-3", "obsolete": at(3)}

    def tell(told: Recorded) -> Recorded:
        told.get(image(deprecated={"state": "DEPRECATED", **dates}))
        if asked:
            told.act("deprecate", {"state": state, **dates})
        return told.get(image(deprecated={"state": state, **dates}), wait=4)

    return tell


def archived(shown: str) -> Told:
    """An image of an archive, with the URL that comes back."""
    came: dict[str, Any] = {
        "sourceDisk": None,
        "sourceDiskId": None,
        "rawDisk": {"source": shown, "containerType": "TAR"},
    }
    return lambda t: t.made(1, image(**came), sourceDisk=None, rawDisk={"source": ARCHIVE})


MATTERS: tuple[Pair, ...] = (
    (
        "a fingerprint that is refused as such",
        "labels.fingerprint-required",
        stale(error(412, "conditionNotMet"), 412),
        stale(error(400, "invalid", "Labels fingerprint is invalid"), 400),
    ),
    (
        "a request that is refused for another reason",
        "labels.fingerprint-required",
        stale(error(400, "invalid", "Invalid value"), 400),
        stale(error(409, "conflict", "The fingerprint is out of date"), 409),
    ),
    ("a family without its image", "family.latest", family(image(family="f"), 200), family(NOT_FOUND)),
    (
        "a family of which nothing more is told",
        "family.latest",
        family_at_the_end(look=False),
        family_at_the_end(look=True),
    ),
    ("an image that is ACTIVE for now", "family.*", due_but_active(answered=True), due_but_active(answered=False)),
    ("labels that others have changed", "labels.set", outrun(412), outrun(412, moved=False)),
    ("a locked source", "image.locked.forbids", made_of(image()), made_of(image(locked=True))),
    (
        "a source with a key",
        "encryption.required-for-source",
        made_of(PROTECTED, sourceImageEncryptionKey={"rawKey": KEY}),
        made_of(PROTECTED),
    ),
    (
        "a source with another key",
        "encryption.required-for-source",
        made_of(PROTECTED, sourceImageEncryptionKey={"rawKey": "REDACTED"}),
        made_of(PROTECTED, sourceImageEncryptionKey={"rawKey": "A" * 43 + "="}),
    ),
    ("the size of a disk that was shown", "image.disk-size-gb", sized("10"), sized("50")),
    (
        "a family with an image from before",
        "family.latest",
        from_before(image(7, family="f", creationTimestamp=at(5))),
        from_before(image(7, family="f", creationTimestamp=at(-3600))),
    ),
    ("a family with an older image", "family.latest", older(1, 2), older(1, 1)),
    (
        "a source that is not READY",
        "source.image.not-ready",
        of_one_under_way(PENDING, image()),
        of_one_under_way(PENDING, PENDING),
    ),
    (
        "a source that is PENDING from before the recording",
        "source.image.not-ready",
        of_one_unseen(PENDING, PENDING, image()),
        of_one_unseen(PENDING, PENDING, PENDING),
    ),
    (
        "a source that has failed",
        "source.image.not-ready",
        of_one_unseen(PENDING, image()),
        of_one_unseen(image(status="FAILED"), image(status="FAILED")),
    ),
    (
        "a source that had failed before",
        "source.image.not-ready",
        of_one_unseen(image()),
        of_one_unseen(image(status="FAILED")),
    ),
    (
        "a target that nobody follows",
        "operation.target-id",
        lambda t: t.insert().get(image(creationTimestamp=at(1.4))),
        lambda t: t.insert().get(image(creationTimestamp=at(1.4), id="77")),
    ),
    (
        "a target of a name that others hold",
        "operation.target-id",
        lambda t: t.insert().get(image(creationTimestamp=at(-900), id="77")),
        lambda t: t.insert().get(image(creationTimestamp=at(1.0), id="77")),
    ),
    ("labels in lists alone", "labels.set", listed_in_short, listed_in_full),
    ("a source that the family answers", "source.image.family-url", of_a_family(1), of_a_family(2)),
    ("a source that may be READY", "source.image.not-ready", of_one_until(-4), of_one_until(4)),
    ("a source that is DEPRECATED", "deprecate.use-obsolete", warned(warnings=WARNED), warned()),
    ("labels that flicker", "labels.*", flickering(NEW_LABELS, 0.1), flickering(OLD_LABELS, 20)),
    ("a warning that nobody saw", "deprecate.use-obsolete", warned(polled=False), warned(warnings=[])),
    ("a date that comes", "image.deprecated.timestamps", due("DEPRECATED"), due("OBSOLETE")),
    ("a date that comes with a request", "image.deprecated.*", due("OBSOLETE", asked=True), due("OBSOLETE")),
    (
        "a bucket in the name of its host",
        "source.raw-disk.round-trip",
        archived("https://storage.googleapis.com/bucket/dir/image.tar.gz"),
        archived("https://storage.googleapis.com/other/dir/image.tar.gz"),
    ),
)

# Looks around another

OLD = image(creationTimestamp=at(-9000), family="f", labels={"a": "1"}, labelFingerprint=FINGERPRINTS[0])
NEW = {**OLD, "labels": {"b": "2"}, "labelFingerprint": FINGERPRINTS[1]}
MISSED = error(404, "notFound", f"The resource 'projects/{PROJECT}/global/images/image-1' was not found")


def around(missing: Told, *, later: Any = None) -> Told:
    """Two looks at an image, and what finds none in between."""
    return lambda t: missing(t.get(OLD)).get(later or OLD, wait=3)


def relabelled(**changes: Any) -> Told:
    """An image whose labels are set, and a look at it, between others, that shows something else."""
    return lambda t: t.get(OLD).labelled({"b": "2"}, FINGERPRINTS[0]).get(NEW | changes, wait=3).get(NEW).get(NEW)


def of_it(told: Recorded) -> Recorded:
    """An image that is to be made from one which is not found."""
    return told.insert(2, sourceDisk=None, sourceImage="global/images/image-1", answer=MISSED, code=404)


def beside(*, own: bool = False, **labels: str) -> Told:
    """An image whose labels change while those of another are set, and perhaps its own as well."""

    def tell(told: Recorded) -> Recorded:
        told.get(OLD).get(image(2), name="image-2").labelled({"b": "2"}, FINGERPRINTS[0])
        if own:
            told.labelled(labels, NO_LABELS, 2)
        return told.get(image(2, labels=labels, labelFingerprint=FINGERPRINTS[2]), name="image-2")

    return tell


def of_a_source(shown: dict[str, str]) -> Told:
    """An image whose labels are set, with what it has then, and one of its name in another project, which an image is
    to be made from in vain."""

    def tell(told: Recorded) -> Recorded:
        told.get(OLD).labelled({"b": "2"}, FINGERPRINTS[0]).get({**NEW, "labels": shown}, wait=2)
        told.project = "other"
        refused = error(400, "invalid")
        return told.insert(2, sourceDisk=None, sourceImage="global/images/image-1", answer=refused, code=400)

    return tell


def deprecated_beside(**changes: Any) -> Told:
    """An image that is deprecated, and what looks show of it afterwards."""
    obsolete = {"state": "OBSOLETE"}
    shown = {**OLD, "deprecated": obsolete, **changes}
    return lambda t: t.get(OLD).act("deprecate", obsolete).get(shown, wait=2).get(shown, wait=2)


def deprecated_meanwhile(seconds: float) -> Told:
    """A look, labels that are set, and a look that shows a deprecation as well, so long after each other."""
    body = {"labels": NEW["labels"], "labelFingerprint": OLD["labelFingerprint"]}
    shown = {**NEW, "deprecated": {"state": "OBSOLETE"}}

    def tell(told: Recorded) -> Recorded:
        told.get(OLD)
        moment = at(told.now + seconds)
        times = {"insertTime": moment, "startTime": moment, "endTime": moment}
        done = operation(101, "DONE", 1, operationType="setLabels", **times)
        told.say("POST", "global/images/image-1/setLabels", body, done, wait=seconds)
        return told.get(shown, wait=seconds).get(shown)

    return tell


def relabelled_twice(fingerprint: str) -> Told:
    """An image whose labels are set twice, and the fingerprint that they have then."""

    def tell(told: Recorded) -> Recorded:
        told.get(OLD).labelled({"b": "2"}, FINGERPRINTS[0]).get(NEW, wait=2)
        told.labelled({"c": "3"}, FINGERPRINTS[1])
        return told.get({**OLD, "labels": {"c": "3"}, "labelFingerprint": fingerprint}, wait=2)

    return tell


def listed_again(**changes: Any) -> Told:
    """An operation that nobody gets, and two lists that show it."""

    def tell(told: Recorded) -> Recorded:
        began = told.insert()._began[1]
        for own in ({}, changes):
            shown = operation(**{"status": "DONE", **began, "endTime": at(3), **own})
            later(told, 3).say("GET", "global/operations", None, {"kind": "compute#operationList", "items": [shown]})
        return told

    return tell


REMADE = {**OLD, "id": "77", "creationTimestamp": at(4)}
BETWEEN: tuple[Pair, ...] = (
    *(
        (f"an image that is not found, {name}", "life.model", around(missing, later=REMADE), around(missing))
        for name, missing in (
            ("by a get", lambda t: t.get(MISSED, 404, wait=3)),
            ("by a deprecate", lambda t: t.act("deprecate", {"state": "DEPRECATED"}, status=404, answer=MISSED)),
            ("by a delete", lambda t: t.delete(status=404, answer=MISSED)),
            ("as a source", of_it),
        )
    ),
    ("a field that no request touches", "life.model", relabelled(), relabelled(description="other")),
    ("an answer that is no object", "transport.json", lambda t: t.get(image()), lambda t: t.get([1])),
    ("labels beside a deprecation", "life.model", deprecated_beside(), deprecated_beside(labels={})),
    (
        "the fingerprint of other labels",
        "labels.fingerprint-changes",
        relabelled_twice(FINGERPRINTS[2]),
        relabelled_twice(FINGERPRINTS[0]),
    ),
    ("a source that is changed", "labels.set", of_a_source({"b": "2"}), of_a_source({"c": "3"})),
    ("labels that others have set", "life.isolation", beside(c="3"), beside(b="2")),
    ("labels that are set on both", "life.isolation", beside(own=True, b="2"), beside(b="2")),
    ("an operation in two lists", "operation.identity-immutable", listed_again(), listed_again(user="b@example.com")),
    (
        "the status of an operation in two lists",
        "operation.status-monotonic",
        listed_again(),
        listed_again(status="RUNNING", progress=0, endTime=None),
    ),
    ("a field that is shown once", "life.model", relabelled(), relabelled(sourceSnapshot=f"{LINKS}/v1/{PATH}s")),
    ("a fingerprint after its change", "labels.fingerprint-changes", relabelled(), relabelled(labelFingerprint="AAAA")),
    (
        "a family between two looks",
        "family.latest",
        around(lambda t: t.say("GET", FAMILY, None, NOT_FOUND, 404), later=OLD | {"deprecated": {"state": "OBSOLETE"}}),
        around(lambda t: t.say("GET", FAMILY, None, NOT_FOUND, 404)),
    ),
)

# What recorders write


def anonymous(told: Recorded) -> Recorded:
    """The recording with a placeholder for its project."""
    told.entries = json.loads(json.dumps(told.entries).replace(f"/{PROJECT}/", "/PROJECT_ID/"))
    return told


def whole_seconds(told: Recorded) -> Recorded:
    """The recording with whole seconds."""
    for entry in told.entries:
        entry["startedDateTime"] = entry["startedDateTime"][:19] + "+00:00"
    return told


def after_a_list(**shown: Any) -> Told:
    """An image after a list, whose id has the project in it."""
    return lambda t: anonymous(t.list(id=f"projects/{PROJECT}/global/images").made().get(image(**shown)))


def another_image(told: Recorded) -> Recorded:
    """A requestId that is used again, for another image."""
    told.insert(request_id=REQUEST_ID).done().get(image())
    later(told, 1.2).insert(2, request_id=REQUEST_ID).done(2)
    return told.get(image(2, creationTimestamp=at(told.now)), name="image-2")


def timeless(told: Recorded) -> Recorded:
    """The recording without times of its own."""
    for entry in told.entries:
        del entry["startedDateTime"], entry["time"]
    return told


def replayed(began: float) -> Told:
    """An insert that is answered with an operation which is DONE, of an image that is not there."""

    def tell(told: Recorded) -> Recorded:
        told.now = 60
        times: dict[str, Any] = {"insertTime": at(began), "startTime": at(began), "endTime": at(began + 0.05)}
        ended = operation(1, "DONE", **times, clientOperationId=REQUEST_ID)
        return told.insert(request_id=REQUEST_ID, answer=ended).get(NOT_FOUND, 404, wait=5)

    return tell


def as_at_first(told: Recorded) -> Recorded:
    """A replay of an insert from before the recording, which is answered as that was."""
    own: dict[str, Any] = {"insertTime": at(-9), "startTime": at(-9), "clientOperationId": REQUEST_ID}
    told.poll(operation(1, "DONE", **own, endTime=at(-1)))
    return told.insert(request_id=REQUEST_ID, answer=operation(1, "RUNNING", **own)).get(
        image(creationTimestamp=at(-8))
    )


RECORDERS: tuple[Pair, ...] = (
    ("a replay after a delete from before", "operation.success-means-ready", replayed(30), replayed(61.3)),
    (
        "a replay that is answered as at first",
        "operation.status-monotonic",
        as_at_first,
        lambda t: as_at_first(t).poll(operation(1, "RUNNING", insertTime=at(-9), startTime=at(-9))),
    ),
    (
        "a lost answer without times",
        "request-id.replay-after-lost-response",
        lambda t: timeless(conflicting(-9000, lost=True)(t)),
        lambda t: timeless(conflicting(0.9, lost=True)(t.get(NOT_FOUND, 404))),
    ),
    ("a placeholder in a list", "image.id", after_a_list(), after_a_list(id="77")),
    (
        "whole seconds",
        "request-id.replay-other-body",
        lambda t: whole_seconds(t.insert(request_id=REQUEST_ID).done().get(image())),
        lambda t: whole_seconds(another_image(t)),
    ),
)

# Projects


def elsewhere(shown: dict[str, Any], *, listed: bool = False) -> Told:
    """An image, and what another project shows under its name."""

    def tell(told: Recorded) -> Recorded:
        told.made()
        told.project = "other"
        return told.list(shown) if listed else told.get(shown)

    return tell


OWN = image(id="77", selfLink=f"{LINKS}/v1/projects/other/global/images/image-1", labelFingerprint=NO_LABELS)
OWN["sourceDisk"] = OWN["sourceDisk"].replace(PROJECT, "other")

PROJECTS: tuple[Pair, ...] = tuple(
    (
        f"an image of another project, {'listed' if listed else 'by name'}",
        "transport.project-isolation",
        elsewhere(OWN, listed=listed),
        elsewhere(image(), listed=listed),
    )
    for listed in (False, True)
)

PAIRS = (*NAMES, *OPERATIONS, *MATTERS, *BETWEEN, *RECORDERS, *PROJECTS)

test_ordinary_one_is_no_breach, test_other_one_is_a_breach = both_ways(PAIRS)


@pytest.mark.parametrize(("seconds", "blamed"), [(0.02, False), (2.0, True)])
def test_change_may_be_under_way_when_a_recording_begins(seconds: float, *, blamed: bool, tmp_path: Path) -> None:
    verdicts = deprecated_meanwhile(seconds)(Recorded()).judged(tmp_path).verdicts
    assert [verdicts[rule] == "failed" for rule in ("life.model", "labels.set")] == [blamed, blamed]


@pytest.mark.parametrize(("seconds", "blamed"), [(3.0, False), (0.3, True)])
def test_slow_list_may_tell_of_what_came_after_a_quick_look(seconds: float, *, blamed: bool, tmp_path: Path) -> None:
    """The list is asked first, and answered last: what it shows was set after the looks that began later."""
    told, obsolete = Recorded(), {"state": "OBSOLETE"}
    shown = {**OLD, "deprecated": obsolete}
    told.get(OLD).get(OLD)
    told.say("GET", "global/images", None, {"kind": "compute#imageList", "items": [shown]}, seconds=seconds)
    told.get(OLD, wait=0.4 - seconds).act("deprecate", obsolete).get(shown, wait=2)
    assert (told.judged(tmp_path).verdicts["life.model"] == "failed") == blamed


@pytest.mark.parametrize(("hours", "dated", "blamed"), [(8, False, False), (8, True, True), (30, False, True)])
def test_recorder_may_write_the_time_of_another_zone(hours: int, *, dated: bool, blamed: bool, tmp_path: Path) -> None:
    """Where no answer tells what the time was there, an image may be younger than the look at it seems to be."""
    told = Recorded().list(image(creationTimestamp=at(hours * 3600)))
    if not dated:
        headers = told.entries[-1]["response"]["headers"]
        told.entries[-1]["response"]["headers"] = [one for one in headers if one["name"] != "Date"]
    assert (told.judged(tmp_path).verdicts["image.creation-timestamp"] == "failed") == blamed


def test_newest_may_come_first_where_all_answers_have_one_date(tmp_path: Path) -> None:
    """Such a Date does not tell that the recorder's clock was set back."""

    def tell(told: Recorded) -> Recorded:
        told.insert()
        told.now += 5
        told.done().get(image(), wait=5).labelled({"b": "2"}, NO_LABELS)
        told.get(image(labels={"b": "2"}, labelFingerprint=FINGERPRINTS[0]), wait=5)
        for entry in told.entries:
            entry["response"]["headers"] = told.entries[0]["response"]["headers"]
            del entry["time"]
        told.entries.reverse()
        return told

    assert_no_breach(tell, tmp_path)
