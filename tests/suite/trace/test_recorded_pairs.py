"""Recordings in pairs: ordinary traffic, and the same with one sentence of the contract broken."""

from __future__ import annotations

import json
from typing import Any

from helpers.pairs import Pair, Told, both_ways
from helpers.recorded import (
    DISK,
    FINGERPRINTS,
    LINKS,
    NO_LABELS,
    NOT_FOUND,
    PROJECT,
    Recorded,
    at,
    error,
    image,
    operation,
)

OLD, NEW = {"a": "1"}, {"b": "2"}
IDENTIFIER: str = image()["id"]
LABELLED = image(labels=NEW, labelFingerprint=FINGERPRINTS[0])
WRONG = image(labels={"c": "3"}, labelFingerprint=FINGERPRINTS[1])


# Operations


def followed(field: str, first: Any, then: Any, *, between: bool = False) -> Told:
    """An operation that is polled twice, with something in a field of it."""

    def tell(told: Recorded) -> Recorded:
        told.insert().poll(operation(1, "RUNNING", insertTime=at(1.3), startTime=at(1.3)) | {field: first})
        if between:
            told.poll({"status": "RUNNING"}, query="?fields=status")
        return told.done(**{field: then})

    return tell


def kept(field: str, first: Any, then: Any) -> tuple[Pair, ...]:
    """A field of an operation that stays, and that changes; also where a look that lacks it comes between."""
    rule = "operation.identity-immutable"
    return (
        (f"{field} of an operation", rule, followed(field, first, first), followed(field, first, then)),
        (
            f"{field} of an operation, with another look between",
            rule,
            followed(field, first, first, between=True),
            followed(field, first, then, between=True),
        ),
    )


def gone(seconds: float, by: str = "GET") -> Told:
    """An operation that is DONE, and not found some time later."""
    path = f"global/operations/operation-1{'/wait' if by == 'POST' else ''}"
    return lambda t: t.insert().done().get(image()).say(by, path, None, NOT_FOUND, 404, wait=seconds)


def named_again(end: Told) -> Told:
    """An operation, what became of it in the end, and another one of its name."""

    def tell(told: Recorded) -> Recorded:
        end(told.made())
        began = dict.fromkeys(("insertTime", "startTime"), at(told.now + 1.3))
        again = {"name": "operation-1", "selfLink": operation(1)["selfLink"], **began}
        told.insert(2, answer=operation(2, "RUNNING", **again))
        told.poll(operation(2, **again, endTime=at(told.now + 1)))
        return told.get(image(2, creationTimestamp=began["insertTime"]), name="image-2")

    return tell


def forgotten(told: Recorded) -> Recorded:
    """An operation that is not found long after it was DONE."""
    return told.say("GET", "global/operations/operation-1", None, NOT_FOUND, 404, wait=90_000)


def dropped(told: Recorded) -> Recorded:
    """An operation that is deleted."""
    return told.say("DELETE", "global/operations/operation-1", None, None, 204)


def labelled_by_id(target: str) -> Told:
    """Labels that are set on an image which its id names, with an operation that tells the id of a target."""

    def tell(told: Recorded) -> Recorded:
        times: dict[str, Any] = dict.fromkeys(("insertTime", "startTime", "endTime"), at(told.now + 1.3))
        answer = operation(50, "DONE", 1, operationType="setLabels", targetId=target, **times)
        body = {"labels": NEW, "labelFingerprint": NO_LABELS}
        return told.say("POST", f"global/images/{IDENTIFIER}/setLabels", body, answer)

    return tell


OPERATIONS: tuple[Pair, ...] = (
    (
        "the target of a change of an image that its id names",
        "operation.target-id",
        labelled_by_id(IDENTIFIER),
        labelled_by_id("77"),
    ),
    (
        "an image that is had by its id when its operation is DONE",
        "operation.success-means-ready",
        lambda t: t.insert().done().get(image(), name=IDENTIFIER),
        lambda t: t.insert().done().get(image(status="PENDING"), name=IDENTIFIER),
    ),
    *(
        (f"a name that another operation has once the first is {how}", "operation.name", named_again(end), bad)
        for how, end, bad in (
            ("forgotten", forgotten, named_again(lambda t: t)),
            ("deleted", dropped, named_again(lambda t: t.poll(t.ended()))),
        )
    ),
    *kept("description", "insert of image-1", "something else"),
    *kept("operationGroupId", "11", "12"),
    *kept("user", "user@example.com", "other@example.com"),
    *kept("creationTimestamp", at(1.3), at(1.4)),
    ("an operation that was DONE is kept", "operation.name", gone(90_000), gone(3)),
    ("an operation that was DONE is kept for wait", "operation.name", gone(90_000, "POST"), gone(3, "POST")),
    (
        "an operation of an unseen request that was DONE is kept",
        "operation.name",
        lambda t: (
            t.poll(operation(insertTime=at(0.2), startTime=at(0.3), endTime=at(0.5)))
            .say("DELETE", "global/operations/operation-1", None, None, 204)
            .say("GET", "global/operations/operation-1", None, NOT_FOUND, 404)
        ),
        lambda t: t.poll(operation(insertTime=at(0.2), startTime=at(0.3), endTime=at(0.5))).say(
            "GET", "global/operations/operation-1", None, NOT_FOUND, 404
        ),
    ),
)

# Changes of one image at the same time


def running(told: Recorded, verb: str) -> dict[str, Any]:
    """The operation of a change that begins with the next request, and does not end."""
    moment = at(told.now + 1.3)
    return operation(500, "RUNNING", 1, operationType=verb, insertTime=moment, startTime=moment)


def describing(told: Recorded) -> Recorded:
    """A PATCH of the description that is under way."""
    return told.act("patch", {"description": "new"}, answer=running(told, "patch"))


def beside(shown: dict[str, Any]) -> Told:
    return lambda t: describing(t.made().labelled(NEW, NO_LABELS)).get(shown, wait=5)


def during(shown: dict[str, Any]) -> Told:
    return lambda t: describing(t.made()).labelled(NEW, NO_LABELS).get(shown, wait=5)


def cut(shown: dict[str, Any]) -> Told:
    return lambda t: t.labelled(NEW, FINGERPRINTS[2]).get(shown, wait=5)


def patched(shown: dict[str, Any], **labels: str | None) -> Told:
    return lambda t: t.act("patch", {"labels": labels, "labelFingerprint": NO_LABELS}).get(shown, wait=5)


def described(description: str) -> Told:
    return lambda t: (
        t.insert(description="one").done().labelled(NEW, NO_LABELS).get({**LABELLED, "description": description})
    )


CHANGES: tuple[Pair, ...] = (
    ("labels, before a patch of the description", "labels.set", beside(LABELLED), beside(WRONG)),
    ("labels, during a patch of the description", "labels.set", during(LABELLED), during(WRONG)),
    ("labels of an image that was not seen before", "labels.set", cut(LABELLED), cut(WRONG)),
    (
        "labels of a patch, of an image that was not seen before",
        "life.patch",
        patched(image(labels={"a": "1", "b": "2"}, labelFingerprint=FINGERPRINTS[0]), a="1"),
        patched(LABELLED, a="1"),
    ),
    ("a label that a patch takes away", "life.patch", patched(LABELLED, b="2", c=None), patched(WRONG, b="2", c=None)),
    (
        "the description of a patch, with setLabels under way",
        "life.patch",
        lambda t: (
            t.made()
            .act("patch", {"description": "new"})
            .labelled(NEW, NO_LABELS, answer=running(t, "setLabels"))
            .get(image(description="new"), wait=5)
        ),
        lambda t: (
            t.made()
            .act("patch", {"description": "new"})
            .labelled(NEW, NO_LABELS, answer=running(t, "setLabels"))
            .get(image(description="old"), wait=5)
        ),
    ),
    (
        "the description of an insert, seen after setLabels",
        "image.description.round-trip",
        described("one"),
        described("two"),
    ),
    (
        "the source of an insert, seen during a patch",
        "source.*",
        lambda t: describing(t.insert().done()).get(image()),
        lambda t: describing(t.insert().done()).get(image(sourceDisk=f"{LINKS}/v1/{DISK}-2")),
    ),
)

# Images under the names of deleted ones


def remade(seconds: float, *, before: bool = False) -> Told:
    """An image that is deleted and made anew: its time of creation is so long after the deletion, or the old one."""

    def tell(told: Recorded) -> Recorded:
        told.made().delete().deleted()
        deleted = told.now
        own = {"targetId": "5000000000000000077", "insertTime": at(deleted + 1.3), "startTime": at(deleted + 1.3)}
        told.insert(answer=operation(7, "RUNNING", 1, **own))
        told.poll(operation(7, "DONE", 1, **own, endTime=at(deleted + 1.5)))
        born = image()["creationTimestamp"] if before else at(deleted + seconds)
        return told.get(image(id=own["targetId"], creationTimestamp=born))

    return tell


def remade_at_once(told: Recorded) -> Recorded:
    """An image that is made, deleted and made anew within one tick of the server's clock."""
    told.now = 2
    born = at(told.now + 0.001)

    def quickly(verb: str, body: Any, kind: str, change: int, target: int) -> None:
        times = {"insertTime": born, "startTime": born, "endTime": born}
        shown = operation(change, "DONE", 1, operationType=kind, **times, targetId=image(target)["id"])
        path = "global/images" + ("" if body else "/image-1")
        told.say(verb, path, body, shown, wait=0.001, seconds=0.002)

    body = {"name": "image-1", "sourceDisk": DISK}
    quickly("POST", body, "insert", 1, 1)
    told.say("GET", "global/images/image-1", None, image(creationTimestamp=born), wait=0.001, seconds=0.002)
    quickly("DELETE", None, "delete", 91, 1)
    quickly("POST", body, "insert", 7, 7)
    return told.get(image(id=image(7)["id"], creationTimestamp=born))


REMADE: tuple[Pair, ...] = (
    ("the time of a deleted image, in one tick", "image.creation-timestamp", remade_at_once, remade(0, before=True)),
    ("the time of a deleted image", "image.creation-timestamp", remade(1.35), remade(0, before=True)),
    ("a time before the deletion", "image.creation-timestamp", remade(1.35), remade(-4)),
)

# What a recorder has blotted out of answers alone

FULL = {
    "description": "text",
    "family": "images",
    "labels": OLD,
    "licenses": [f"projects/{PROJECT}/global/licenses/l1"],
    "architecture": "X86_64",
    "guestOsFeatures": [{"type": "UEFI_COMPATIBLE"}],
    "diskSizeGb": "10",
}


def blotted(value: Any, field: str, mark: str) -> Any:
    """A JSON value with a mark in the place of all texts that a field holds."""

    def out(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: out(one) for key, one in part.items()}
        return [out(one) for one in part] if isinstance(part, list) else mark

    if isinstance(value, dict):
        return {key: out(part) if key == field else blotted(part, field, mark) for key, part in value.items()}
    return [blotted(part, field, mark) for part in value] if isinstance(value, list) else value


def scrubbed(field: str, mark: str, *, answers: int = 99, user: str = "user@example.com", **changes: Any) -> Told:
    """The life of an image, with a field blotted out of all answers, or of the first ones of those that have it; and
    with changes of the image as it is shown."""

    def tell(told: Recorded) -> Recorded:
        links = f"{LINKS}/v1/projects/{PROJECT}/global"
        own = {**FULL, "licenses": [f"{links}/licenses/l1"], "labelFingerprint": FINGERPRINTS[0], **changes}
        old = {"state": "DEPRECATED", "replacement": f"{links}/images/image-2"}
        own_new = {"labels": NEW, "labelFingerprint": FINGERPRINTS[1]} | changes
        told.made(1, image(**own), **FULL).list(image(**own)).labelled(NEW, FINGERPRINTS[0])
        told.get(image(**own | own_new)).act("deprecate", old)
        told.get(image(**own | own_new, deprecated=old)).delete().deleted(user=user)
        told.get(NOT_FOUND, 404)
        left = answers
        for entry in told.entries:
            content = entry["response"]["content"]
            scrubbed = json.dumps(blotted(json.loads(content["text"]), field, mark))
            if scrubbed != content["text"] and left:
                content["text"], left = scrubbed, left - 1
        return told

    return tell


BLOTTED_OUT: tuple[Pair, ...] = tuple(
    (
        f"{field} as {mark or 'nothing'}, {'once' if answers == 1 else 'always'}",
        rule,
        scrubbed(field, mark, answers=answers),
        scrubbed(field, mark, answers=answers, **wrong),
    )
    for field, rule, wrong in (
        ("description", "image.family.round-trip", {"family": "other"}),
        ("family", "image.description.round-trip", {"description": "other"}),
        ("labels", "image.family.round-trip", {"family": "other"}),
        ("licenses", "labels.set", {"labels": {"c": "3"}}),
        ("diskSizeGb", "image.architecture", {"architecture": "ARM64"}),
        ("architecture", "image.disk-size-gb.round-trip", {"diskSizeGb": "9"}),
        ("guestOsFeatures", "image.status", {"status": "DONE"}),
        ("sourceDisk", "image.type.diskSizeGb", {"diskSizeGb": 10}),
        ("replacement", "image.kind", {"kind": "compute#disk"}),
        ("kind", "image.self-link", {"selfLink": image(2)["selfLink"]}),
        ("selfLink", "image.kind", {"kind": "compute#disk"}),
        ("creationTimestamp", "image.description.round-trip", {"description": "other"}),
        ("name", "image.family.round-trip", {"family": "other"}),
        ("user", "operation.identity-immutable", {"user": "other@example.com"}),
    )
    for mark, answers in (
        *(("REDACTED", 99), ("***", 1), ("<hidden>", 99), ("[FILTERED]", 1), ("<a-name>", 1)),
        *((("", 1),) if field == "user" else ()),
    )
    if not (field == "user" and answers == 99) and not (field == "name" and answers == 1)
)


def in_place(project: str, *, every: int = 1, url: bool = False) -> Told:
    """A project that a recorder has put in the place of the true one in some answers, or in some URLs."""

    def tell(told: Recorded) -> Recorded:
        scrubbed("none", "")(told)
        for entry in told.entries[::every]:
            part, key = (entry["request"], "url") if url else (entry["response"]["content"], "text")
            part[key] = part[key].replace(f"projects/{PROJECT}/", f"projects/{project}/")
        return told

    return tell


STAND_INS: tuple[Pair, ...] = tuple(
    (f"{name}, {where}", "*.self-link", in_place(name, **how), in_place("acme", **how))
    for name in ("my-project", "your-project-id", "example-project", "project-id")
    for where, how in (
        ("in answers", {}),
        ("in some answers", {"every": 2}),
        ("in URLs", {"url": True}),
        ("in some URLs", {"url": True, "every": 2}),
    )
)

# Clients that the recording does not show


def later(told: Recorded, seconds: float) -> Recorded:
    """Lets time pass in which nothing is recorded."""
    told.now += seconds
    return told


def twin(born: float) -> Told:
    """Another image under the name, 20 seconds after the first was seen, with this time of creation."""
    return lambda t: later(t.made(), 20).get(image(id="5000000000000000088", creationTimestamp=at(born)))


def described_by(target: int) -> Told:
    """A description that nobody has set in the recording, beside a list with an operation of somebody else on an
    image."""

    def tell(told: Recorded) -> Recorded:
        later(told.made().labelled(NEW, NO_LABELS).get(LABELLED), 10)
        times = {name: at(told.now - 1) for name in ("insertTime", "startTime", "endTime")}
        patch = operation(66, "DONE", target, operationType="patch", user="other@example.com", **times)
        shown = {"kind": "compute#operationList", "id": "x", "items": [patch]}
        return told.say("GET", "global/operations", None, shown).get({**LABELLED, "description": "another"})

    return tell


def refused(told: Recorded, seconds: float) -> Recorded:
    """A setLabels that somebody else may have outrun."""
    return later(told.made(), seconds).labelled(NEW, NO_LABELS, status=412, answer=error(412, "conditionNotMet"))


def joined(seconds: float, **labels: str) -> Told:
    """Labels that are set, and seen for the first time after some seconds."""
    shown = image(labels=labels, labelFingerprint=FINGERPRINTS[1])
    before = image(labels=OLD, labelFingerprint=FINGERPRINTS[0])
    return lambda t: later(t.made(labels=OLD, shown=before).labelled(NEW, FINGERPRINTS[0]), seconds).get(shown)


BYSTANDERS: tuple[Pair, ...] = (
    ("an image that is made anew within a minute", "image.id", twin(15), twin(4)),
    ("an image that has another id and the old time", "image.id", twin(15), twin(3)),
    ("a description of which another's operation tells", "life.model", described_by(1), described_by(2)),
    ("a fingerprint that is outrun", "labels.set", lambda t: refused(t, 20), lambda t: refused(t, 0).get(image())),
    (
        "a fingerprint of which nothing more is told",
        "labels.set",
        lambda t: refused(t, 0),
        lambda t: refused(t, 0).labelled(NEW, NO_LABELS),
    ),
    (
        "a fingerprint that may be outrun, and stays",
        "labels.set",
        lambda t: refused(t, 20).get(LABELLED),
        lambda t: refused(t, 20).get(image()),
    ),
    ("labels beside those that were set", "labels.set", joined(20, b="2", c="3"), joined(1, b="2", c="3")),
    ("labels that are left beside those that were set", "labels.set", joined(20, b="2"), joined(20, a="1", b="2")),
)

# What an image is made from, and what it is made of

LATEST = f"{LINKS}/v1/projects/{PROJECT}/global/images/image-3"
WARNED = [{"code": "DEPRECATED_RESOURCE_USED", "message": "image-1 is deprecated. Use image-3."}]


def used(state: str, *, again: str = "", warnings: Any = None) -> Told:
    """An image that is deprecated and used as a source, with no look between; its state may be set once more."""

    def tell(told: Recorded) -> Recorded:
        told.made().act("deprecate", {"state": state, "replacement": LATEST})
        if again:
            told.act("deprecate", {"state": again})
        later(told, 5).insert(2, sourceDisk=None, sourceImage=f"projects/{PROJECT}/global/images/image-1")
        return told.done(2, warnings=warnings)

    return tell


def archived(container: str) -> Told:
    """An image of an archive, which is shown as one of a format."""
    shown = image(sourceDisk=None, sourceDiskId=None, rawDisk={"source": "", "containerType": container})
    sent = {"source": "https://storage.googleapis.com/bucket/disk.tar.gz"}
    return lambda t: t.made(1, shown, sourceDisk=None, rawDisk=sent)


def again(changes: dict[str, Any], *, listed: bool = False) -> Told:
    """An image that nobody has made in the recording, seen twice."""

    def tell(told: Recorded) -> Recorded:
        born = at(-90_000)
        told.get(image(creationTimestamp=born, storageLocations=["us"]))
        shown = image(creationTimestamp=born, storageLocations=["us"]) | changes
        return told.list(shown) if listed else told.get(shown, wait=5000)

    return tell


def from_disk(seconds: float, *, deleted: bool = False, after: str = "") -> Told:
    """A disk that is shown with another id than the image says, so long before the insert; it may be deleted then, and
    be shown afterwards."""
    path = DISK.partition(f"{PROJECT}/")[2]

    def shown(identifier: str) -> dict[str, Any]:
        return {"kind": "compute#disk", "id": identifier, "name": "d1", "selfLink": f"{LINKS}/v1/{DISK}"}

    def tell(told: Recorded) -> Recorded:
        told.say("GET", path, None, shown("7"))
        if deleted:
            told.say("DELETE", path, None, operation(9, operationType="delete"))
        later(told, seconds).insert().done().get(image(creationTimestamp=at(told.now - 1)))
        return told.say("GET", path, None, shown(after)) if after else told

    return tell


SOURCES: tuple[Pair, ...] = (
    ("the id of a disk that was shown long ago", "source.disk.id", from_disk(3600), from_disk(5)),
    ("the id of a disk that is deleted", "source.disk.id", from_disk(5, deleted=True), from_disk(5)),
    (
        "the id of a disk that is shown again",
        "source.disk.id",
        from_disk(3600, after="7700000000000000001"),
        from_disk(3600, after="7"),
    ),
    (
        "an OBSOLETE source, as a request has made it",
        "deprecate.use-obsolete",
        used("OBSOLETE", again="ACTIVE"),
        used("OBSOLETE"),
    ),
    (
        "a DEPRECATED source, as a request has made it",
        "deprecate.use-obsolete",
        used("DEPRECATED", warnings=WARNED),
        used("DEPRECATED"),
    ),
    (
        "a source that is DEPRECATED no more",
        "deprecate.use-obsolete",
        used("DEPRECATED", again="ACTIVE"),
        used("ACTIVE", again="DELETED"),
    ),
    ("the format of an archive", "image.raw-disk.container-type", archived("TAR"), archived("ZIP")),
    *(
        (f"{field} of an image of others", "life.model", again(good, listed=listed), again(bad, listed=listed))
        for listed in (False, True)
        for field, good, bad in (
            ("sourceDiskId", {"licenses": ["x"]}, {"sourceDiskId": "7700000000000000002"}),
            (
                "sourceDisk",
                {"sourceDisk": f"https://compute.googleapis.com/compute/beta/{DISK}"},
                {"sourceDisk": f"{LINKS}/v1/{DISK}-2"},
            ),
            ("diskSizeGb", {"archiveSizeBytes": "1"}, {"diskSizeGb": "11"}),
            ("storageLocations", {"sourceDiskId": None}, {"storageLocations": ["eu"]}),
        )
    ),
)

# Requests that came to nothing, and what families show


def in_vain(verb: str, body: dict[str, Any], shown: dict[str, Any], *, late: bool = False) -> Told:
    """A change that is refused, or fails, and what the next look shows."""

    def tell(told: Recorded) -> Recorded:
        told.made()
        moments = {name: at(told.now + 1.3) for name in ("insertTime", "startTime", "endTime")}
        error_fields = {"httpErrorStatusCode": 400, "httpErrorMessage": "BAD REQUEST"}
        failed = {"error": {"errors": [{"code": "INVALID_USAGE", "message": "It failed."}]}, **error_fields}
        answer = operation(70, "DONE", 1, operationType=verb, **moments, **failed) if late else error(400, "invalid")
        return told.act(verb, body, status=200 if late else 400, answer=answer).get(image(**shown), wait=5)

    return tell


def family(*, zone: str = "", seen: bool = True, **shown: Any) -> Told:
    """An image that its family shows, after a get or without one."""

    def tell(told: Recorded) -> Recorded:
        told.insert(family="images", description="text").done()
        if seen:
            told.get(image(family="images", description="text"))
        answer = image(**{"family": "images", "description": "text", **shown})
        if zone:
            view = {"kind": "compute#imageFamilyView", "image": answer}
            return told.say("GET", f"zones/{zone}/imageFamilyViews/images", None, view, wait=3)
        return told.say("GET", "global/images/family/images", None, answer, wait=3)

    return tell


IN_VAIN: tuple[Pair, ...] = (
    *(
        (
            f"a {verb} that {'fails' if late else 'is refused'}",
            "life.model",
            in_vain(verb, body, {}, late=late),
            in_vain(verb, body, shown, late=late),
        )
        for late in (False, True)
        for verb, body, shown in (
            ("patch", {"description": "new"}, {"description": "new"}),
            ("deprecate", {"state": "OBSOLETE"}, {"deprecated": {"state": "OBSOLETE"}}),
        )
    ),
    ("what a family shows", "image.description.round-trip", family(), family(description="other")),
    (
        "the family of an image in a view",
        "family.view-latest",
        family(zone="us-a1-a"),
        family(zone="us-a1-a", family="x"),
    ),
)

PAIRS = (*IN_VAIN, *SOURCES, *BYSTANDERS, *OPERATIONS, *CHANGES, *REMADE, *BLOTTED_OUT, *STAND_INS)

test_ordinary_one_is_no_breach, test_other_one_is_a_breach = both_ways(PAIRS)
