"""Recordings in pairs whose evidence stands beside the image itself: in its source, in lists, in refusals, in a client
that looks at the image alone; ordinary traffic, and the same with one sentence of the contract broken."""

from __future__ import annotations

from typing import Any

from helpers.pairs import Pair, Told, both_ways
from helpers.recorded import (
    DISK,
    EXISTS,
    FINGERPRINTS,
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    NUMBER,
    PROJECT,
    REQUEST_ID,
    Recorded,
    at,
    error,
    image,
    operation,
)

IMAGE = f"projects/{PROJECT}/global/images/image-1"
DISK_PATH = DISK.partition(f"{PROJECT}/")[2]
NEW = {"b": "2"}
LABELLED = image(labels=NEW, labelFingerprint=FINGERPRINTS[0])
KEY, KEY_HASH = "SGVsbG8gZnJvbSBHb29nbGUgQ2xvdWQgUGxhdGZvcm0=", "esTuF7d4eatX4cnc4JsiEiaI+Rff78JgPhA/v1zxX9E="
KMS_KEY = "projects/{}/locations/us/keyRings/r/cryptoKeys/c"
RELABEL = {"labels": NEW, "labelFingerprint": NO_LABELS}
MISSED = {
    "error": {"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "It was not found."}]},
    "httpErrorStatusCode": 404,
    "httpErrorMessage": "NOT FOUND",
}


def later(told: Recorded, seconds: float) -> Recorded:
    """Lets time pass in which nothing is recorded."""
    told.now += seconds
    return told


def made_of(told: Recorded, source: int, number: int = 2, sent: str = IMAGE, **body: Any) -> Recorded:
    """An image that is made from image `source`, which the request names as it was `sent`."""
    shown = {"sourceDisk": None, "sourceDiskId": None, "sourceImage": image(source)["selfLink"]}
    born = at(told.now + 3)
    shown |= {"sourceImageId": image(source)["id"], "creationTimestamp": born}
    return told.made(number, image(number, **shown), sourceDisk=None, sourceImage=sent, **body)


# What an image is made from


def of_a_family(source: int, *, state: str = "") -> Told:
    """An image that is made from a family of two images, of which the latest may be deprecated, some time later."""

    def tell(told: Recorded) -> Recorded:
        told.made(1, image(family="f"), family="f")
        told.made(2, image(2, family="f", creationTimestamp=at(told.now + 3)), family="f")
        if state:
            told.act("deprecate", {"state": state}, 2)
        return made_of(later(told, 20), source, 3, "global/images/family/f")

    return tell


def of_a_locked_one(**key: Any) -> Told:
    """An image that is made from one which a key of the customer protects."""

    def tell(told: Recorded) -> Recorded:
        shown = image(imageEncryptionKey={"sha256": KEY_HASH})
        return made_of(told.made(1, shown, imageEncryptionKey={"rawKey": KEY}), 1, **key)

    return tell


def of_a_disk(method: str, identifier: str) -> Told:
    """An image of a disk, of which a list or an operation tells that it has this id."""

    def tell(told: Recorded) -> Recorded:
        if method == "GET":
            item = {"kind": "compute#disk", "id": identifier, "name": "d1"}
            told.say("GET", "zones/us-central1-a/disks", None, {"kind": "compute#diskList", "items": [item]})
        else:
            own = {"targetId": identifier, "targetLink": f"{LINKS}/v1/{DISK}"}
            told.say("POST", "zones/us-central1-a/disks", {"name": "d1"}, {**operation(50), **own})
        return told.made()

    return tell


def sized(shown: str, *, resized: bool = False) -> Told:
    """An image of 20 GB of a disk that was shown to have 10 GB, which may be resized then."""

    def tell(told: Recorded) -> Recorded:
        told.say("GET", DISK_PATH, None, {"kind": "compute#disk", "id": image()["sourceDiskId"], "sizeGb": "10"})
        if resized:
            told.say("POST", f"{DISK_PATH}/resize", {"sizeGb": "50"}, {"kind": "compute#operation"})
        return told.made(1, image(diskSizeGb=shown, creationTimestamp=at(told.now + 3)), diskSizeGb="20")

    return tell


def of_a_kms_key(project: str) -> Told:
    """An image with a key of Cloud KMS, which comes back with its version."""
    key = {"kmsKeyName": f"{KMS_KEY.format(project)}/cryptoKeyVersions/1"}
    return lambda t: t.made(1, image(imageEncryptionKey=key), imageEncryptionKey={"kmsKeyName": KMS_KEY.format(NUMBER)})


SOURCES: tuple[Pair, ...] = (
    ("the latest of a family", "source.image.family-url", of_a_family(2), of_a_family(1)),
    ("the latest of a family that is not OBSOLETE", "source.*", of_a_family(1, state="OBSOLETE"), of_a_family(1)),
    (
        "the key of a source",
        "encryption.required-for-source",
        of_a_locked_one(sourceImageEncryptionKey={"rawKey": KEY}),
        of_a_locked_one(),
    ),
    (
        "another key of a source",
        "encryption.required-for-source",
        of_a_locked_one(sourceImageEncryptionKey={"rawKey": KEY}),
        of_a_locked_one(sourceImageEncryptionKey={"rawKey": "A" * 43 + "="}),
    ),
    ("a disk in a list", "source.disk.id", of_a_disk("GET", image()["sourceDiskId"]), of_a_disk("GET", "7")),
    ("a disk of an operation", "source.disk.id", of_a_disk("POST", image()["sourceDiskId"]), of_a_disk("POST", "7")),
    ("the size of a disk", "image.disk-size-gb.round-trip", sized("20"), sized("21")),
    ("a disk that is resized", "image.disk-size-gb.round-trip", sized("50", resized=True), sized("50")),
    (
        "a KMS key of a project by its number",
        "encryption.image.kms-key-name",
        of_a_kms_key("keys"),
        lambda t: t.made(
            1,
            image(imageEncryptionKey={"kmsKeyName": KMS_KEY.format("keys")}),
            imageEncryptionKey={"kmsKeyName": KMS_KEY.format("other")},
        ),
    ),
)

# Refusals


def blaming(field: str, request_id: str = "", **body: Any) -> Told:
    """An insert that is refused for a value of a field."""
    answer = error(400, "invalid", f"Invalid value for field '{field}': 'x'. It is malformed.")
    return lambda t: t.insert(request_id=request_id, answer=answer, code=400, **body)


def detailed(field: str) -> Told:
    """A refusal that names the field in its details alone."""
    info = {"reason": "INVALID_FIELD_VALUE", "domain": "compute.googleapis.com", "metadata": {"field": field}}
    answer = error(400, "invalid")
    answer["error"] |= {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info}]}
    return lambda t: t.insert(answer=answer, code=400)


def turned_away(code: int, **more: Any) -> Told:
    """A get that is refused, in the form of google.rpc errors."""
    answer = {"error": {"code": code, "message": "It is refused.", **more}}
    return lambda t: t.made().get(answer, code, name="image-9").get(image())


def in_use(query: str) -> Told:
    """An insert that is refused since its disk is in use."""
    answer = error(400, "resourceInUseByAnotherResource", "The disk resource 'd1' is already being used by 'vm'")
    return lambda t: t.insert(query=query, answer=answer, code=400)


REFUSALS: tuple[Pair, ...] = (
    ("a name", "image.name.pattern", blaming("resource.name", name="Image"), blaming("resource.name")),
    (
        "a long name",
        "image.name.*",
        blaming("resource.name", name="a" * 64),
        blaming("resource.name", name="a" * 63),
    ),
    ("a name in details", "image.name.pattern", detailed("resource.sourceDisk"), detailed("resource.name")),
    (
        "a family",
        "image.family.pattern",
        blaming("resource.family", family="-f"),
        blaming("resource.family", family="f"),
    ),
    (
        "a source type",
        "image.source-type",
        blaming("resource.sourceType", sourceType="ISO"),
        blaming("resource.sourceType", sourceType="RAW"),
    ),
    (
        "a requestId",
        "request-id.valid-accepted",
        blaming("requestId", "00000000-0000-0000-0000-000000000000"),
        blaming("requestId", REQUEST_ID),
    ),
    ("a disk in use", "force-create.in-use", in_use(""), in_use("?forceCreate=true")),
    ("a source", "image.name.pattern", blaming("resource.sourceDisk"), blaming("resource.name")),
    (
        "a token that has expired",
        "transport.error-list",
        turned_away(401, status="UNAUTHENTICATED"),
        turned_away(404, status="NOT_FOUND"),
    ),
    (
        "a quota",
        "transport.error-list",
        turned_away(429, status="RESOURCE_EXHAUSTED"),
        turned_away(409),
    ),
)


# Looks and lists


def looked_at(*shown: dict[str, Any], listed: bool = False) -> Told:
    """An insert whose client looks at the image alone, or at lists, and never at the operation."""

    def tell(told: Recorded) -> Recorded:
        told.insert(description="text")
        for value in shown:
            told = told.list(value) if listed else told.get(value)
        return told

    return tell


TEXT: dict[str, Any] = {"description": "text"}
OTHER: dict[str, Any] = {"description": "other"}
PENDING = image(status="PENDING", archiveSizeBytes=None, **TEXT)


def walked(*pages: list[dict[str, Any]], seconds: float = 90) -> Told:
    """A walk through all images, in pages, some time after an image was made; it is there before and afterwards."""

    def tell(told: Recorded) -> Recorded:
        later(told.made(), seconds - 2)
        for number, items in enumerate(pages):
            query = f"?pageToken=t{number}" if number else ""
            more = {"nextPageToken": f"t{number + 1}"} if number + 1 < len(pages) else {}
            told.list(*items, query=query, **more)
        return told.get(image())

    return tell


def only(fields: str, shown: dict[str, Any]) -> Told:
    """A list of all images that is limited to some fields, long after an image was made that stays."""

    def tell(told: Recorded) -> Recorded:
        return later(told.made(), 90).say("GET", f"global/images?fields={fields}", None, shown).get(image())

    return tell


def masked(status: str) -> Told:
    """A look that is limited to the status, by a header."""
    header = {"X-Goog-FieldMask": "status"}
    return lambda t: t.made().say("GET", "global/images/image-1", None, {"status": status}, headers=header)


def relabelled(fingerprint: str) -> Told:
    """A PATCH that adds a label to others, with a fingerprint that is up to date or not."""
    shown = image(labels={"a": "1", **NEW}, labelFingerprint=FINGERPRINTS[1])
    body = {"labels": {"a": "1"}, "labelFingerprint": fingerprint}
    return lambda t: t.made().labelled(NEW, NO_LABELS).get(LABELLED).act("patch", body).get(shown)


def times(**changes: Any) -> Told:
    """An operation with these times when it is DONE."""
    return lambda t: t.insert().done(**changes).get(image())


LOOKS: tuple[Pair, ...] = (
    (
        "an image that alone is looked at",
        "image.description.round-trip",
        looked_at(PENDING, image(**TEXT)),
        looked_at(PENDING, image(**OTHER)),
    ),
    (
        "an image in lists",
        "image.description.round-trip",
        looked_at(PENDING, image(**TEXT), listed=True),
        looked_at(image(**OTHER), listed=True),
    ),
    (
        "the time of an image that alone is looked at",
        "image.creation-timestamp",
        looked_at(image(**TEXT)),
        looked_at(image(creationTimestamp=at(-500), **TEXT)),
    ),
    ("all images", "life.list-once", walked([image(7), image()]), walked([image(7)])),
    ("all images, page by page", "life.list-once", walked([image(7)], [image()]), walked([image(7)], [])),
    ("no images", "life.list-once", walked([], seconds=5), walked([])),
    (
        "the ids of all images",
        "life.list-once",
        only("items(id),nextPageToken", {"items": [{"id": image()["id"]}]}),
        only("items(name),nextPageToken", {"items": [{"name": "image-7"}]}),
    ),
    (
        "all images that can be reached",
        "life.list-once",
        only("*", {"kind": "compute#imageList", "unreachables": ["zones/us-central1-a"]}),
        only("*", {"kind": "compute#imageList"}),
    ),
    ("the field mask of a header", "image.status", masked("READY"), masked("PENDING")),
    (
        "the fingerprint of a patch that adds",
        "labels.fingerprint-required",
        relabelled(FINGERPRINTS[0]),
        relabelled(NO_LABELS),
    ),
    ("the end of an operation", "operation.times", times(), times(endTime=at(86_400))),
    (
        "the status of an image as a number",
        "operation.success-means-ready",
        lambda t: t.insert().done().get(image() | {"status": 7}, query="?$alt=json;enum-encoding=int"),
        lambda t: t.insert().done().get(image(status="FAILED")),
    ),
)


def not_followed(verb: str, body: dict[str, Any], **shown: Any) -> Told:
    """A change whose operation is RUNNING when it is answered, and never asked for; the image is looked at twice."""

    def tell(told: Recorded) -> Recorded:
        told.made()
        moment = at(told.now + 1.3)
        running = operation(70, "RUNNING", 1, operationType=verb, insertTime=moment, startTime=moment)
        return told.act(verb, body, answer=running).get(image()).get(image(**shown), wait=5)

    return tell


EFFECTS: tuple[Pair, ...] = tuple(
    (f"{verb} that is not followed", rule, not_followed(verb, body, **right), not_followed(verb, body, **wrong))
    for verb, rule, body, right, wrong in (
        (
            "setLabels",
            "labels.set",
            RELABEL,
            {"labels": NEW, "labelFingerprint": FINGERPRINTS[0]},
            {"labels": {"c": "3"}, "labelFingerprint": FINGERPRINTS[0]},
        ),
        (
            "deprecate",
            "deprecate.state",
            {"state": "DEPRECATED"},
            {"deprecated": {"state": "DEPRECATED"}},
            {"deprecated": {"state": "OBSOLETE"}},
        ),
        ("patch", "life.patch", TEXT, TEXT, OTHER),
    )
)

# Clients that the recording does not show


def missed(verb: str, body: dict[str, Any], *looks: tuple[Any, int], late: bool = False) -> Told:
    """A change that does not find its image, and the looks after it."""

    def tell(told: Recorded) -> Recorded:
        told.made()
        moments = {name: at(told.now + 1.3) for name in ("insertTime", "startTime", "endTime")}
        answer = operation(70, "DONE", 1, operationType=verb, **moments, **MISSED) if late else NOT_FOUND
        told.act(verb, body, status=200 if late else 404, answer=answer)
        for shown, status in looks:
            told.get(shown, status)
        return told

    return tell


def taken_twice(*, seconds: float = 0, look: bool = True) -> Told:
    """A name that is given to a second image; before that the first is looked for in vain."""

    def tell(told: Recorded) -> Recorded:
        told.made()
        if look:
            told.get(NOT_FOUND, 404, wait=seconds)
        own = {"targetId": "77", "insertTime": at(told.now + 1.3), "startTime": at(told.now + 1.3)}
        told.insert(answer=operation(7, "RUNNING", 1, **own))
        told.poll(operation(7, "DONE", 1, **own, endTime=at(told.now + 1)))
        return told.get(image(id="77", creationTimestamp=at(told.now - 1)))

    return tell


def at_once(told: Recorded) -> Recorded:
    """An insert, and another of the same name before that is answered."""
    told.insert()
    told.now -= 1.4
    return told


def both(told: Recorded) -> Recorded:
    """Two inserts of a name at the same time that are both DONE without an error."""
    own = {"targetId": "77", "insertTime": at(1.4), "startTime": at(1.4)}
    at_once(told).insert(answer=operation(7, "RUNNING", 1, **own)).done()
    return told.poll(operation(7, "DONE", 1, **own, endTime=at(told.now + 1)))


BYSTANDERS: tuple[Pair, ...] = (
    *(
        (
            f"{verb} that misses its image, {'late' if late else 'at once'}",
            rule,
            missed(verb, body, (NOT_FOUND, 404), late=late),
            missed(verb, body, (wrong, 200), late=late),
        )
        for late in (False, True)
        for verb, body, rule, wrong in (
            ("setLabels", RELABEL, "labels.*", image()),
            ("deprecate", {"state": "OBSOLETE"}, "life.model", image(deprecated={"state": "OBSOLETE"})),
        )
    ),
    ("a name that is free again", "image.name.unique", taken_twice(seconds=20), taken_twice(look=False)),
    ("a name that two ask for", "image.name.unique", lambda t: at_once(t).insert(answer=EXISTS, code=409).done(), both),
    (
        "an image that is lost",
        "life.model",
        lambda t: t.made().act("patch", OTHER).get(image(**OTHER)).get(NOT_FOUND, 404, wait=20),
        lambda t: t.made().act("patch", OTHER).get(NOT_FOUND, 404),
    ),
)

PAIRS = (*SOURCES, *REFUSALS, *LOOKS, *EFFECTS, *BYSTANDERS)

test_ordinary_one_is_no_breach, test_other_one_is_a_breach = both_ways(PAIRS)
