"""Images and operations of a recording at several looks: what may differ between two of them, and what may not."""

from __future__ import annotations

import json
from typing import Any

from helpers.pairs import Pair, Told, both_ways
from helpers.recorded import EXISTS, LINKS, NOT_FOUND, REQUEST_ID, Recorded, at, image, operation

NUMBERS = "?$alt=json;enum-encoding=int"
DONE, READY, FAILED = 2104194, 77848963, 455706685
ARCHIVE = "https://storage.googleapis.com/bucket/image.tar.gz"
ELSEWHERE = "1234567890123456789"


def numbered(status: int, **changes: Any) -> Told:
    """An insert by a client that asks for enums as numbers."""

    def tell(t: Recorded) -> Recorded:
        t.insert(query=NUMBERS)
        t.poll({**t.ended(), "status": DONE}, query=NUMBERS)
        return t.get(image(status=status, **changes), query=NUMBERS)

    return tell


def made_anew(**shown: Any) -> Told:
    """An image that is deleted and made again by one client, as it was seen then."""

    def tell(t: Recorded) -> Recorded:
        t.made(1, image(description="text"), description="text")
        t.delete().deleted().begin_again()
        own = {"id": "4000000000000000077", "name": "operation-77", "targetId": "5000000000000000077"}
        own |= dict.fromkeys(("insertTime", "startTime"), at(t.now + 1.3))
        t.insert(description="text", answer=operation(77, "RUNNING", 1, **own))
        t.poll(operation(77, "DONE", 1, endTime=at(t.now + 1), **own))
        made = image(id="5000000000000000077", creationTimestamp=at(t.now - 1), description="text")
        return t.get({name: value for name, value in {**made, **shown}.items() if value is not None})

    return tell


def relabelled(target: str, *, pause: float = 0.5, deleted: bool = False) -> Told:
    """Labels that are set by an operation of a target, with a look before and after; the image may be deleted then."""

    def tell(t: Recorded) -> Recorded:
        t.get(image())
        t.now += pause
        times = dict.fromkeys(("insertTime", "startTime", "endTime"), at(t.now + 1.3))
        shown = operation(101, "DONE", 1, operationType="setLabels", targetId=target, **times)
        t.labelled({"a": "b"}, image()["labelFingerprint"], answer=shown)
        t.get(image(labels={"a": "b"}, labelFingerprint="aB3dE6gH9jK="))
        return t.delete().deleted() if deleted else t

    return tell


def between(*, again: bool = True, **changes: Any) -> Told:
    """An image that is looked at after a pause, and after another one, when it may be what it was at first."""
    return lambda t: t.get(image()).get(image(**changes), wait=600).get(image(**({} if again else changes)), wait=600)


def archived(**changes: Any) -> dict[str, Any]:
    """An image made from an archive."""
    return image(sourceDisk=None, sourceDiskId=None, rawDisk={"source": ARCHIVE, "containerType": "TAR"}, **changes)


def archive(*sources: str) -> Told:
    """An image made from an archive, at some looks."""
    shown = [
        image(sourceDisk=None, sourceDiskId=None, rawDisk={"source": source, "containerType": "TAR"})
        for source in sources
    ]

    def tell(t: Recorded) -> Recorded:
        for look in shown:
            t.get(look, wait=300)
        return t

    return tell


def listed_between(**changes: Any) -> Told:
    """A list between two gets of the image that it shows."""
    return lambda t: t.made().list(image(**changes)).get(image())


def later(t: Recorded) -> Recorded:
    """A pause in which others may have done something."""
    t.now += 30
    return t


def uninvited(wait: float = 1.2, **changes: Any) -> Told:
    """A new image with what its insert does not say."""
    return lambda t: t.insert().done().get(image(**changes), wait=wait)


def replayed(status: str) -> Told:
    """An image that is looked at only after its insert was sent again."""

    def tell(t: Recorded) -> Recorded:
        ended = at(t.now + 2)
        t.insert(request_id=REQUEST_ID).done(endTime=ended)
        t.insert(request_id=REQUEST_ID, answer=t.ended(endTime=ended))
        return t.get(image(status=status))

    return tell


def of_others(identifier: str) -> Told:
    """A list of another project, and the image of a family there."""
    base = image(name="base", family="f", selfLink=f"{LINKS}/v1/projects/other/global/images/base", id="77")
    root = "/compute/v1/projects/other/global/images"
    items = {"kind": "compute#imageList", "items": [base]}
    return lambda t: t.say("GET", root, None, items).say("GET", f"{root}/family/f", None, {**base, "id": identifier})


SHORT = dict.fromkeys(("sourceDiskId", "archiveSizeBytes", "storageLocations", "diskSizeGb"))


def copied(size: str, *, source: str = image()["id"]) -> Told:
    """An image of 10 GB, and one of another size that is made from an image."""
    own = {"sourceDisk": None, "sourceDiskId": None, "sourceImage": image()["selfLink"], "sourceImageId": source}
    told: dict[str, Any] = {"sourceDisk": None, "sourceImage": "global/images/image-1"}
    return lambda t: t.made().insert(2, **told).done(2).get(image(2, diskSizeGb=size, **own), name="image-2")


def answered(status: int, answer: Any) -> Told:
    """An image that is asked for after it was made."""
    return lambda t: t.insert().done().get(answer, status)


def deleted_at(target: str) -> Told:
    """An image that is seen in a list and deleted; nobody asks what became of the operation."""
    shown = operation(91, "RUNNING", 1, operationType="delete", targetId=target)
    times = {"insertTime": at(2.8), "startTime": at(2.8)}
    return lambda t: t.list(image()).delete(answer=shown | times)


def sent_again(status: str, progress: int) -> Told:
    """An insert that was RUNNING when it was answered, and is sent again after a while."""

    def tell(t: Recorded) -> Recorded:
        t.insert(request_id=REQUEST_ID)
        first = json.loads(t.entries[-1]["response"]["content"]["text"])
        t.poll(first | {"progress": 60})
        return t.insert(request_id=REQUEST_ID, answer=first | {"status": status, "progress": progress})

    return tell


def conflicting(born: float) -> Told:
    """An insert whose answer is lost, of a name that was free just before, and that is taken when it is sent again."""

    def tell(t: Recorded) -> Recorded:
        t.get(NOT_FOUND, 404).insert(request_id=REQUEST_ID, code=0)
        return t.insert(request_id=REQUEST_ID, answer=EXISTS, code=409).get(image(creationTimestamp=at(born)))

    return tell


PAIRS: tuple[Pair, ...] = (
    ("the target of a delete", "operation.target-id", deleted_at(image()["id"]), deleted_at(ELSEWHERE)),
    ("a replay", "operation.status-monotonic", sent_again("RUNNING", 0), sent_again("PENDING", 0)),
    ("a lost answer", "request-id.replay-after-lost-response", conflicting(-60), conflicting(3.1)),
    (
        "another source of an archive",
        "source.raw-disk.round-trip",
        lambda t: t.made(1, archived(), sourceDisk=None, rawDisk={"source": ARCHIVE}),
        lambda t: t.made(1, archived(sourceImageId="9"), sourceDisk=None, rawDisk={"source": ARCHIVE}),
    ),
    ("a copy of another size", "image.disk-size-gb", copied("20"), copied("5")),
    ("nothing at all", "transport.json", answered(200, image()), answered(204, None)),
    ("nothing in JSON", "transport.json", answered(304, None), answered(200, "null")),
    ("enums as numbers", "operation.success-means-ready", numbered(READY), numbered(FAILED)),
    ("an id beside numbers", "operation.target-id", numbered(READY), numbered(READY, id=ELSEWHERE)),
    ("a number that is no enum's", "image.type.diskSizeGb", numbered(7), numbered(READY, diskSizeGb=10)),
    ("an image made anew", "image.description.round-trip", made_anew(), made_anew(description="other")),
    ("the status of one made anew", "operation.success-means-ready", made_anew(), made_anew(status="FAILED")),
    (
        "the target of labels, of an image that is deleted later",
        "operation.target-id",
        relabelled(image()["id"], deleted=True),
        relabelled(ELSEWHERE, deleted=True),
    ),
    (
        "the target of labels, of an image that was seen long ago and is seen again",
        "operation.target-id",
        relabelled(image()["id"], pause=900),
        relabelled(ELSEWHERE, pause=900),
    ),
    ("a source that is lost", "life.model", between(sourceDiskId=None, again=False), between(sourceDiskId=None)),
    ("another source", "life.model", between(description="text"), between(sourceDiskId="99")),
    ("a size that is lost", "life.model", between(family="f"), between(diskSizeGb=None)),
    (
        "a confidential image",
        "life.model",
        lambda t: t.get(image()).get(image(enableConfidentialCompute=False), wait=300),
        lambda t: t.get(image(enableConfidentialCompute=True)).get(image(enableConfidentialCompute=False), wait=300),
    ),
    ("an archive", "life.model", archive(ARCHIVE, "", ARCHIVE), archive(ARCHIVE, "", f"{ARCHIVE}.old")),
    ("a list in short", "life.model", listed_between(**SHORT), listed_between(sourceDiskId=None)),
    (
        "a list after others have described the image",
        "life.model",
        lambda t: later(t.made()).list(image(description="text")).get(image(description="text")),
        listed_between(description="text"),
    ),
    ("a list with another architecture", "life.model", listed_between(), listed_between(architecture="ARM64")),
    (
        "a description that nobody gave",
        "image.description.round-trip",
        uninvited(30, description="text"),
        uninvited(description="text"),
    ),
    ("a family that nobody gave", "image.family.round-trip", uninvited(30, family="f"), uninvited(family="f")),
    ("no description", "image.description.round-trip", uninvited(description=""), uninvited(description=" ")),
    ("a look after a replay", "operation.success-means-ready", replayed("READY"), replayed("FAILED")),
    ("a family of others", "image.id", of_others("77"), of_others("78")),
)

test_ordinary_one_is_no_breach, test_other_one_is_a_breach = both_ways(PAIRS)
