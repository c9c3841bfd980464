"""One resource under many names, and what a client sends as the server would give it: nothing in that is a breach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.ordinary import IMAGE, NEW, OLD, STALE, Told, check
from helpers.recorded import FINGERPRINTS, LINKS, NO_LABELS, NOT_FOUND, NUMBER, PROJECT, Recorded, at, image

COPY = {name: value for name, value in image().items() if name not in ("name", "id", "selfLink", "creationTimestamp")}

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


ROWS = (
    ("one resource", SAME_RESOURCE),
    ("projects", PROJECTS),
    ("sent back", SENT_BACK),
    ("goog- labels", SERVICE_LABELS),
    ("by numeric id", BY_ID),
    ("lists", LISTS),
)


@pytest.mark.parametrize(
    "told", [pytest.param(told, id=f"{kind}: {name}") for kind, rows in ROWS for name, told in rows]
)
def test_ordinary_traffic_is_no_breach(told: Told, tmp_path: Path) -> None:
    check(told, tmp_path)
