"""What others may have done between two looks of a recording, beside what nobody else can have done."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from typing import Any

from helpers.pairs import Pair, Told, both_ways
from helpers.recorded import (
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

LONG = 400.0
"""Seconds in which others may have done whatever they like."""

ONE, TWO = ({"a": "1"}, FINGERPRINTS[0]), ({"a": "2"}, FINGERPRINTS[1])
STALE = error(412, "conditionNotMet")
TIME = "2024-04-01T12:34:56.123456Z"
IMAGE = f"projects/{PROJECT}/global/images/image-1"
HASH = base64.b64encode(hashlib.sha256(bytes(32)).digest()).decode()
BASE = f"{LINKS}/v1/projects/{PROJECT}/global/images/base"


def shown(labels: Any = ONE, **more: Any) -> dict[str, Any]:
    """The image with labels and their fingerprint."""
    return image(labels=labels[0], labelFingerprint=labels[1], **more)


def timeless(told: Recorded) -> Recorded:
    """The recording as a cassette without times: neither those of the recorder nor a Date."""
    for entry in told.entries:
        del entry["startedDateTime"], entry["time"]
        entry["response"]["headers"] = [row for row in entry["response"]["headers"] if row["name"] != "Date"]
    return told


def by_the_second(told: Recorded) -> Recorded:
    """The recording as a cassette whose only times are the Dates of answers, in whole seconds."""
    for entry in told.entries:
        del entry["startedDateTime"], entry["time"]
    return told


def relabelled(told: Recorded, **more: Any) -> Recorded:
    """An image that was made, and given other labels, and shows them."""
    return told.made(1, shown(**more), labels=ONE[0], **more).labelled(TWO[0], ONE[1]).get(shown(TWO, **more), wait=5)


def gone(told: Recorded) -> Recorded:
    """An image that is not found straight after the recording's own change."""
    told.made(1, shown(), labels=ONE[0]).labelled(TWO[0], ONE[1])
    return told.get(NOT_FOUND, 404, wait=0.1)


TIMELESS: tuple[Pair, ...] = (
    (
        "others delete an image between two looks without times",
        "life.model",
        lambda t: timeless(relabelled(t).get(NOT_FOUND, 404, wait=LONG)),
        lambda t: timeless(gone(t)),
    ),
    (
        "others delete an image after a change without times that was refused",
        "life.model",
        lambda t: timeless(relabelled(t).labelled({}, ONE[1], status=412, answer=STALE).get(NOT_FOUND, 404)),
        lambda t: timeless(relabelled(t).get(NOT_FOUND, 404).get(shown(TWO))),
    ),
    *(
        (
            f"others change the {field} between two looks without times",
            "life.model",
            lambda t, field=field, other=other: timeless(relabelled(t).get(shown(TWO, **{field: other}), wait=LONG)),
            lambda t, field=field, other=other: timeless(
                relabelled(t).get(shown(TWO, **{field: other})).get(shown(TWO))
            ),
        )
        for field, other in (("description", "other"), ("family", "others"), ("deprecated", {"state": "OBSOLETE"}))
    ),
)


def listed(labels: tuple[Any, str], later: tuple[Any, str]) -> Told:
    """An image whose labels a list shows as others have set them, and a get afterwards."""
    return lambda told: relabelled(told).list(shown(labels)).get(shown(later))


def first_seen(wait: float, sent: dict[str, Any], came: dict[str, Any]) -> Told:
    """An image that is seen for the first time a while after its insert was DONE."""
    return lambda told: told.insert(**sent).done().get(image(**came), wait=wait)


OTHERS: tuple[Pair, ...] = (
    (
        "a list is the first to show the labels of others",
        "life.model",
        listed(({"z": "9"}, FINGERPRINTS[2]), ({"z": "9"}, FINGERPRINTS[2])),
        listed(TWO, ({"z": "9"}, FINGERPRINTS[1])),
    ),
    *(
        (
            f"the {field} of others at a first look long after",
            f"image.{field}.round-trip",
            first_seen(LONG, {field: mine}, {field: others}),
            first_seen(LONG if "part" in others else 5.0, {field: mine}, {field: others}),
        )
        for field, mine, others in (
            ("description", "mine", "theirs"),
            ("family", "mine", "theirs"),
            ("labels", {"a": "1"}, {"z": "9"}),
        )
    ),
    (
        "a deprecation by others after a first look",
        "image.deprecated.round-trip",
        lambda t: t.made().get(image(deprecated={"state": "DEPRECATED"}), wait=5),
        lambda t: t.made(1, image(deprecated={"state": "DEPRECATED"})),
    ),
    (
        "what is lost at a first look long after",
        "image.description.round-trip",
        first_seen(LONG, {"description": "mine"}, {"description": "theirs"}),
        first_seen(LONG, {"description": "mine"}, {}),
    ),
    (
        "a part at a first look long after",
        "image.description.round-trip",
        first_seen(LONG, {"description": "a long text"}, {"description": "another one"}),
        first_seen(LONG, {"description": "a long text"}, {"description": "a long"}),
    ),
    (
        "labels in capitals at a first look long after",
        "image.labels.round-trip",
        first_seen(LONG, {"labels": {"a": "x"}}, {"labels": {"a": "y"}}),
        first_seen(LONG, {"labels": {"a": "x"}}, {"labels": {"a": "X"}}),
    ),
)


def failed(born: float) -> Told:
    """An insert that fails, and an image of its name long after."""

    def tell(told: Recorded) -> Recorded:
        told.get(NOT_FOUND, 404).insert().done(
            error={"errors": [{"code": "INTERNAL_ERROR", "message": "No."}]},
            httpErrorStatusCode=500,
            httpErrorMessage="INTERNAL SERVER ERROR",
        )
        return told.get(image(id="77", creationTimestamp=at(born)), wait=LONG)

    return tell


def another_made(told: Recorded, shown: dict[str, Any]) -> Recorded:
    """An image before and after another one was made."""
    return told.made().insert(2).done(2).get(shown, wait=0.2)


REMADE: tuple[Pair, ...] = (
    ("an image made long after an insert failed", "operation.failure-means-none", failed(300), failed(2.6)),
    (
        "another image made while others put one in place of the first",
        "life.*",
        lambda t: another_made(t, image(id="77", creationTimestamp=at(7.2))),
        lambda t: another_made(t, image(storageLocations=["eu"])),
    ),
)


def untold(told: Recorded) -> Recorded:
    """The recording without any times: those of the service are replaced by one."""
    for entry in timeless(told).entries:
        content = entry["response"]["content"]
        content["text"] = re.sub(r'(Time(?:stamp)?": )"[^"]*"', rf'\1"{TIME}"', content["text"])
    return told


def copied(told: Recorded, number: int, identifier: str) -> Recorded:
    """An image made from `base`, and the id that it tells of that."""
    shown = image(number, sourceDisk=None, sourceDiskId=None, sourceImage=BASE, sourceImageId=identifier)
    return told.made(number, shown, sourceDisk=None, sourceImage=BASE)


def base(told: Recorded, identifier: str) -> Recorded:
    """A look at `base`."""
    link = f"{LINKS}/v1/projects/{PROJECT}/global/images/base"
    return told.get(image(name="base", id=identifier, selfLink=link), name="base")


def gone_again(told: Recorded) -> Recorded:
    """An image that was made, deleted, and is not found."""
    return told.made().delete().deleted().get(NOT_FOUND, 404, wait=5)


def relabelled_after(told: Recorded, target: int, wait: float) -> Recorded:
    """Labels that are set on image 1 after a while; its operation tells the id of a target."""
    told.now += wait
    link = f"{LINKS}/v1/projects/{PROJECT}/global/images/image-1"
    answer = operation(500, target=target, operationType="setLabels", targetLink=link)
    times = dict.fromkeys(("insertTime", "startTime", "endTime"), at(told.now + 1.3))
    return told.labelled({"a": "1"}, NO_LABELS, answer={**answer, **times})


def deleted_as(told: Recorded, target: int) -> Recorded:
    """An image whose delete tells the id of a target."""
    return told.delete(answer=operation(91, "RUNNING", 1, operationType="delete", targetId=f"{target}")).get(
        NOT_FOUND, 404
    )


def protected(told: Recorded, later: dict[str, Any]) -> Recorded:
    """An image that is made with a key, and a later look at it; then it is used without."""
    key = {"rawKey": base64.b64encode(bytes(32)).decode()}
    told.made(1, image(imageEncryptionKey={"sha256": HASH}), imageEncryptionKey=key)
    told.get(later, wait=LONG)
    used = {"sourceImage": IMAGE, "sourceDisk": None}
    shown = image(2, **used, sourceDiskId=None, sourceImageId=later["id"], creationTimestamp=at(told.now + 1.5))
    return told.made(2, shown, **used)


LATER: dict[str, Any] = {"id": "77", "creationTimestamp": at(300)}
"""Another image, made long after the first."""


def refused_after(told: Recorded, wait: float, **later: Any) -> Recorded:
    """An insert that is refused some time after another of its name, and what is there then."""
    told.made().now += wait
    return told.insert(answer=EXISTS, code=409).get(image(**later))


def replayed_long_after(told: Recorded, born: float) -> Recorded:
    """A replay long after the insert, and the image of another id that is seen then."""
    ended = told.insert(request_id=REQUEST_ID).ended()
    told.poll(ended).get(image()).now += LONG
    told.insert(request_id=REQUEST_ID, answer=ended)
    return told.get(image(id="77", creationTimestamp=at(born)))


def by_id(told: Recorded, **later: Any) -> Recorded:
    """An image that is not found by its id a while after it was seen, and what its name shows then."""
    identifier = image()["id"]
    return told.made().get(NOT_FOUND, 404, name=identifier, wait=LONG).get(image(**later))


def polls_alone(told: Recorded, method: str) -> Recorded:
    """The operation of an insert as it ends, that of another method on its image, and then an image of its name."""
    began: dict[str, Any] = {"insertTime": at(0.5), "startTime": at(0.6)}
    told.poll(operation(1, "RUNNING", **began)).poll(operation(1, **began, endTime=at(2)))
    ended: dict[str, Any] = dict.fromkeys(("insertTime", "startTime", "endTime"), at(3))
    return told.poll(operation(91, "DONE", 1, operationType=method, **ended)).get(image(id="77"))


REPLACED: tuple[Pair, ...] = (
    (
        "an insert that is refused for an image which others have put in the place of one",
        "image.name.unique",
        lambda t: refused_after(t, LONG, **LATER),
        lambda t: refused_after(t, 5, id="77", creationTimestamp=at(10)),
    ),
    (
        "an insert that is refused for the image of others, without any times",
        "image.id",
        lambda t: untold(t.made().get(image()).labelled({}, ONE[1], status=412, answer=STALE).get(image(id="77"))),
        lambda t: untold(t.made().get(image()).labelled({}, NO_LABELS).get(image(id="77"))),
    ),
    (
        "a replay long after others have put an image in the place of one",
        "request-id.replay-creates-nothing",
        lambda t: replayed_long_after(t, 300),
        lambda t: replayed_long_after(t, LONG + 8),
    ),
    (
        "an id that is not found since others have put an image in the place of one",
        "life.get-by-id",
        lambda t: by_id(t, **LATER),
        by_id,
    ),
    (
        "labels of another image long after a deletion that nobody looked after",
        "life.model",
        lambda t: relabelled_after(t.made().delete().deleted(), 7, LONG),
        lambda t: relabelled_after(t.made().delete().deleted(), 7, 5),
    ),
    (
        "polls of an insert and of a delete, without times",
        "operation.target-id",
        lambda t: timeless(polls_alone(t, "delete")),
        lambda t: timeless(polls_alone(t, "setLabels")),
    ),
    (
        "a source that is seen after it was used, without times",
        "source.image.id",
        lambda t: timeless(copied(base(copied(t, 2, "88"), "99"), 3, "99")),
        lambda t: timeless(base(copied(base(t, "99"), 2, "88"), "99")),
    ),
    (
        "another image in the place of one, without any times",
        "image.id",
        lambda t: untold(t.made().get(image(id="77", labels={"z": "9"})).get(image(id="77", labels={"z": "9"}))),
        lambda t: untold(t.made().get(image(id="77")).get(image())),
    ),
    (
        "an image whose id was told once, and then another, without any times",
        "image.id",
        lambda t: untold(t.get(image()).get(image()).get(image(id="77"))),
        lambda t: untold(t.get(image()).get(image(id="77"))),
    ),
    (
        "another source in the place of one, without any times",
        "source.image.id",
        lambda t: untold(copied(copied(base(t, "88"), 2, "88"), 3, "99")),
        lambda t: untold(copied(base(t, "88"), 2, "99")),
    ),
    (
        "another source in the place of one, without times of the recorder",
        "source.image.id",
        lambda t: timeless(base(copied(base(t, "88"), 2, "88"), "88")),
        lambda t: timeless(copied(base(t, "88"), 2, "99")),
    ),
    (
        "another source that is seen before it is used, without any times",
        "image.id",
        lambda t: untold(copied(base(copied(base(t, "88"), 2, "88"), "99"), 3, "99")),
        lambda t: untold(base(base(copied(base(t, "88"), 2, "88"), "99"), "88")),
    ),
    (
        "the deletion of another image in the place of one, without any times",
        "operation.target-id",
        lambda t: untold(deleted_as(t.made(), 77)),
        lambda t: untold(deleted_as(t.get(image()), 77)),
    ),
    (
        "a first look long after at an image that is not the recording's own",
        "operation.target-id",
        lambda t: t.insert().done().get(image(id="77", creationTimestamp=at(300)), wait=LONG),
        lambda t: t.insert().done().get(image(id="77", creationTimestamp=at(3)), wait=LONG),
    ),
    (
        "labels of another image long after a deletion",
        "life.model",
        lambda t: relabelled_after(gone_again(t), 7, LONG),
        lambda t: relabelled_after(gone_again(t), 1, 5),
    ),
    (
        "labels of another image after a deletion, without any times",
        "life.model",
        lambda t: untold(relabelled_after(gone_again(t), 7, LONG)),
        lambda t: untold(relabelled_after(gone_again(t), 1, LONG)),
    ),
    (
        "the use of an image that others have put in the place of one with a key",
        "encryption.required-for-source",
        lambda t: protected(t, image(id="77", creationTimestamp=at(300))),
        lambda t: protected(t, image(imageEncryptionKey={"sha256": HASH})),
    ),
)


def relabelled_late(labels: tuple[Any, str], *, fingerprint: str = "") -> Told:
    """Labels that are set, and what the first look after it shows."""

    def tell(told: Recorded) -> Recorded:
        told.made(1, shown(), labels=ONE[0]).labelled({**ONE[0], "b": "2"}, ONE[1])
        return told.get(image(labels=labels[0], labelFingerprint=fingerprint or labels[1]), wait=1.3)

    return tell


LATE: tuple[Pair, ...] = (
    (
        "labels that a first look shows late",
        "labels.set",
        relabelled_late(ONE),
        relabelled_late(ONE, fingerprint=FINGERPRINTS[2]),
    ),
    (
        "labels that a first look shows late, without times",
        "labels.set",
        lambda t: timeless(relabelled_late(ONE)(t)),
        lambda t: timeless(relabelled_late(ONE, fingerprint=FINGERPRINTS[2])(t)),
    ),
    (
        "labels that a first look shows late, by the second",
        "labels.set",
        lambda t: by_the_second(relabelled_late(ONE)(t)),
        lambda t: by_the_second(relabelled_late(ONE)(t).get(shown(), wait=5)),
    ),
)


def from_a_number(came: str, *, by_number: bool = True) -> Told:
    """An image of a source that is named by the number of its project."""

    def tell(told: Recorded) -> Recorded:
        told.project = NUMBER if by_number else PROJECT
        sent: dict[str, Any] = {"sourceDisk": None, "sourceImage": f"projects/{NUMBER}/global/images/base"}
        made = image(sourceDisk=None, sourceDiskId=None, sourceImage=came, sourceImageId="88")
        return told.insert(**sent).done().get(made)

    return tell


OTHER_BASE = BASE.replace(f"/{PROJECT}/", "/elsewhere/")

NUMBERS: tuple[Pair, ...] = (
    (
        "a source by the number of a project whose id is known",
        "source.image.round-trip",
        from_a_number(BASE),
        from_a_number(OTHER_BASE),
    ),
    (
        "a source by the number of a project whose id is not known",
        "source.image.round-trip",
        from_a_number(OTHER_BASE, by_number=False),
        from_a_number(OTHER_BASE),
    ),
)


def replayed(description: str) -> Told:
    """A replay with another description, and what the image shows after it, without times."""

    def tell(told: Recorded) -> Recorded:
        ended = told.insert(request_id=REQUEST_ID, description="mine").ended()
        told.poll(ended).get(image(description="mine"))
        told.insert(request_id=REQUEST_ID, description="other", answer=ended)
        return timeless(told.get(image(description=description)))

    return tell


def twice(told: Recorded) -> Recorded:
    """The recording put together with itself."""
    told.entries += copy.deepcopy(told.entries)
    return told


def each_twice(told: Recorded) -> Recorded:
    """The recording with each entry twice, one after the other."""
    told.entries = [copy.deepcopy(entry) for entry in told.entries for _ in range(2)]
    return told


def not_set(told: Recorded) -> Recorded:
    """Labels that are set, and other ones that are seen."""
    return told.made().labelled(ONE[0], NO_LABELS).get(shown(({"b": "2"}, FINGERPRINTS[2])), wait=5)


def deduplicated(told: Recorded) -> Recorded:
    """A second insert without a requestId that is answered with the operation of the first."""
    return told.insert().insert().done().get(image()).get(image())


def taken_twice(told: Recorded) -> Recorded:
    """A fingerprint that is taken again, after the labels have changed."""
    return relabelled(told).labelled({"a": "3"}, ONE[1]).get(shown(({"a": "3"}, FINGERPRINTS[2])), wait=5)


def targets_redacted(told: Recorded) -> Recorded:
    """The recording without the ids that operations tell of their images."""
    for entry in told.entries:
        content = entry["response"]["content"]
        content["text"] = re.sub(r'("targetId": )"[^"]*"', r'\1"REDACTED"', content["text"])
    return told


RECORDERS: tuple[Pair, ...] = (
    ("a replay without times", "request-id.replay-other-body", replayed("mine"), replayed("other")),
    (
        "each entry twice",
        "labels.set",
        lambda t: twice(relabelled(t)),
        lambda t: twice(not_set(t)),
    ),
    *(
        (f"{times} {how}", rule, lambda t, lose=lose, put=put: lose(put(relabelled(t))), bad)
        for times, lose in (("without times", timeless), ("without any times", untold))
        for how, put, rule, bad in (
            ("each entry twice", each_twice, "request-id.absent", lambda t, lose=lose: lose(deduplicated(t))),
            ("all entries twice", twice, "labels.fingerprint-required", lambda t, lose=lose: lose(taken_twice(t))),
            ("each entry of two twice", each_twice, "labels.set", lambda t, lose=lose: lose(each_twice(not_set(t)))),
            ("all entries of two twice", twice, "labels.set", lambda t, lose=lose: lose(twice(not_set(t)))),
        )
    ),
    (
        "redacted targets of operations",
        "labels.set",
        lambda t: targets_redacted(relabelled(t)),
        lambda t: targets_redacted(not_set(t)),
    ),
)

PAIRS = (*RECORDERS, *TIMELESS, *OTHERS, *REMADE, *REPLACED, *LATE, *NUMBERS)

test_ordinary_one_is_no_breach, test_other_one_is_a_breach = both_ways(PAIRS)
