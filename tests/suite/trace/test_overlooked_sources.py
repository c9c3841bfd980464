"""Recordings with a breach that is easily overlooked: in the sources of images."""

from __future__ import annotations

from helpers.overlooked import IMAGE, Row, copied, noticed, then
from helpers.recorded import LINKS, NUMBER, PROJECT, image

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

test_breach_is_noticed = noticed(SOURCES)
