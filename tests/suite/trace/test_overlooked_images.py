"""Recordings with a breach that is easily overlooked: in images, their labels, and what the server owns of them."""

from __future__ import annotations

from helpers.overlooked import IMAGE, LABELLED, NEW, OLD, Row, noticed, then
from helpers.recorded import EXISTS, FINGERPRINTS, LINKS, NO_LABELS, NOT_FOUND, PROJECT, UNAVAILABLE, at, error, image

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
        "FAILED, and then READY",
        lambda t: t.get(image(status="FAILED")).get(image()),
        "image.status",
    ),
    (
        "a state that is neither the old nor the new one, and then the new one",
        lambda t: (
            t.made()
            .act("deprecate", {"state": "DEPRECATED"})
            .get(image(deprecated={"state": "OBSOLETE"}), wait=0.3)
            .get(image(deprecated={"state": "DEPRECATED"}))
        ),
        "deprecate.state",
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

test_breach_is_noticed = noticed(LABELS, IMAGES, TAKEN_OVER)
