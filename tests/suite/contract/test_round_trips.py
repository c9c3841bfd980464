"""What comes back of what was sent, early or late: values by themselves, and hand-written traces."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from helpers.story import ROOT, Story, image, operation, refusal

from conformance.contract.areas.image_server_fields import OUTPUT_ONLY
from conformance.contract.round_trip import comes_back, shows
from conformance.trace.exchange import Exchange, Request

Step = Callable[[Story], Story]


@pytest.mark.parametrize("came", ["?", "\N{REPLACEMENT CHARACTER}", None])
def test_half_a_character_need_not_come_back(came: str | None) -> None:
    """No text holds it."""
    for sent, verdict in (("\ud800", "kept"), ("whole", "broken")):
        story = Story().insert(operation("DONE"), description=sent).get(image(description=came))
        assert story.verdict("image.description.round-trip") == verdict


@pytest.mark.parametrize(
    ("sent", "deprecated", "shown"),
    [
        ({}, None, True),
        ({"state": "ACTIVE"}, None, True),
        ({}, {"state": "ACTIVE"}, True),
        ({"state": "DEPRECATED"}, {"state": "DEPRECATED"}, True),
        ({"state": "DEPRECATED"}, None, False),
        ({"state": "ACTIVE"}, {"state": "DEPRECATED"}, False),
        ({"state": "DEPRECATED"}, {"state": "OBSOLETE"}, False),
    ],
)
def test_deprecation_that_an_image_shows(sent: dict[str, Any], deprecated: dict[str, Any] | None, shown: bool) -> None:
    request = Request("POST", f"{ROOT}/images/one/deprecate", {}, json.dumps(sent).encode())
    assert shows(Exchange(1, request), image(deprecated=deprecated)) == shown


@pytest.mark.parametrize(
    ("field", "sent", "came", "same"),
    [
        ("diskSizeGb", 5, "5", True),
        ("diskSizeGb", 5, "6", False),
        ("description", "x", "y", False),
        ("description", "", None, True),
        ("description", "", "x", False),
        ("description", True, "True", False),
        ("deprecated", {"state": "ACTIVE"}, None, True),
        ("deprecated", {"state": "ACTIVE"}, {"state": ""}, True),
        ("deprecated", {"state": "ACTIVE"}, {"state": "DELETED"}, False),
        ("deprecated", {"state": "DELETED", "deleted": None}, {"state": "DELETED"}, True),
        ("deprecated", {"state": "DELETED"}, {}, False),
        ("locked", False, None, True),
        ("locked", True, None, False),
        ("storageLocations", ["EU"], ["eu"], True),
        ("storageLocations", ["eu"], ["us"], False),
        ("userLicenses", ["projects/p/global/licenses/l"], None, True),
        ("userLicenses", ["projects/p/global/licenses/l"], ["projects/p/global/licenses/m"], False),
    ],
)
def test_value_that_comes_back(field: str, sent: Any, came: Any, same: bool) -> None:
    assert comes_back(field, sent, came, "p") == same


BLUE: dict[str, Any] = {"labels": {"colour": "blue"}, "labelFingerprint": "AAAAAAAAAAA="}


@pytest.mark.parametrize(
    ("late", "verdict"),
    [({}, "kept"), ({"labels": {}}, "kept"), ({"labels": {"colour": "red"}, "labelFingerprint": "A="}, "broken")],
)
def test_late_look_shows_the_labels_of_before_and_no_others(late: dict[str, Any], verdict: str) -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    story.change("setLabels", {"labels": BLUE["labels"], "labelFingerprint": image()["labelFingerprint"]})
    assert story.get(image(**late)).get(image(**BLUE)).verdict("labels.set") == verdict


@pytest.mark.parametrize(
    ("wait", "found", "verdict"),
    [(0.0, True, "kept"), (0.0, False, "broken"), (61.0, True, "broken"), (61.0, False, "broken")],
)
def test_look_that_comes_before_the_image_is_seen(wait: float, found: bool, verdict: str) -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).pause(wait)
    story.get(refusal(404, "notFound"), status=404)
    if found:
        story.get(image())
    assert story.verdict("operation.success-means-ready") == verdict


MISSED: Step = lambda story: story.get(refusal(404, "notFound"), status=404)  # noqa: E731 - a step of a story
OTHER = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=None)


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        (lambda story: MISSED(story).change("delete"), "silent"),
        (lambda story: MISSED(story.pause(2)).change("delete"), "broken"),
        (lambda story: MISSED(story).change("setLabels", {}), "broken"),
        (
            lambda story: MISSED(story.pause(2)).change("delete").insert(OTHER, request_id=None).get(image(id="2002")),
            "broken",
        ),
        (lambda story: MISSED(story.change("delete").insert(OTHER, request_id=None)), "broken"),
    ],
    ids=["deleted at once", "deleted later", "changed", "made again", "made again and missed"],
)
def test_look_that_misses_an_image_which_is_changed_then(steps: Step, verdict: str) -> None:
    story = steps(Story().insert(operation("PENDING")).poll(operation()))
    assert story.verdict("operation.success-means-ready") == verdict


def test_look_that_came_before_the_insert_had_ended_ends_no_search() -> None:
    story = MISSED(MISSED(Story().insert(operation("PENDING"))).poll(operation())).get(image())
    assert story.verdict("operation.success-means-ready") == "kept"


BIG = str(2**53 + 1)
HOST = "https://www.googleapis.com/compute/beta"
US = {"storageLocations": ["us"]}
DISK = {"sourceImage": None, "sourceDisk": "projects/p/zones/z/disks/d"}
SNAPSHOT = {"sourceImage": None, "sourceSnapshot": "projects/p/global/snapshots/s"}
RAW = {"sourceImage": None, "rawDisk": {"source": "gs://bucket/archive.tar.gz"}}
OBSOLETE = {"deprecated": {"state": "OBSOLETE"}}
LATER, SOONER = ({"stateOverride": {"defaultRolloutTime": f"{year}-01-02T03:04:05Z"}} for year in (2040, 2030))
OVERRIDDEN = {"deprecated": OBSOLETE["deprecated"] | LATER}

ROUND_TRIPS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("source.disk.round-trip", DISK, {"sourceDisk": f"{HOST}/projects/p/zones/z/disks/d"}, {"sourceDisk": None}),
    ("source.disk.round-trip", DISK, DISK, {"sourceDisk": "projects/p/zones/z/disks/other"}),
    ("source.image.round-trip", {}, {}, {"sourceImage": "projects/p/global/images/other"}),
    (
        "source.image.round-trip",
        {"sourceImage": "projects/p/global/images/family/f"},
        {},
        {"sourceImage": "projects/q/global/images/base"},
    ),
    ("source.snapshot.round-trip", SNAPSHOT, SNAPSHOT, {"sourceSnapshot": None}),
    ("source.snapshot.round-trip", SNAPSHOT, SNAPSHOT, {"sourceSnapshot": "projects/p/global/snapshots/t"}),
    ("source.raw-disk.round-trip", RAW, RAW, {"rawDisk": None}),
    (
        "source.raw-disk.round-trip",
        RAW,
        {"rawDisk": {"source": "https://storage.googleapis.com/bucket/archive.tar.gz"}},
        {"rawDisk": {"source": "gs://bucket/other.tar.gz"}},
    ),
    ("source.raw-disk.round-trip", RAW, {"rawDisk": {"containerType": "TAR"}}, {"rawDisk": {}}),
    ("image.deprecated.round-trip", OBSOLETE, OBSOLETE, {"deprecated": {"state": "DELETED"}}),
    ("image.deprecated.round-trip", OBSOLETE, {"deprecated": None}, {"deprecated": {"state": "DEPRECATED"}}),
    (
        "image.deprecated.round-trip",
        OBSOLETE,
        {"deprecated": {"state": "ACTIVE"}},
        {"deprecated": {"state": "DELETED"}},
    ),
    ("image.deprecated.round-trip", {"deprecated": {"state": "ACTIVE"}}, {}, OBSOLETE),
    ("image.deprecated.round-trip", OVERRIDDEN, OVERRIDDEN, {"deprecated": {"state": "DEPRECATED"} | LATER}),
    ("image.deprecated.round-trip", OVERRIDDEN, OBSOLETE, {"deprecated": OBSOLETE["deprecated"] | SOONER}),
    ("image.license-codes.round-trip", {"licenseCodes": ["7"]}, {"licenseCodes": ["8", "7"]}, {"licenseCodes": ["8"]}),
    ("image.license-codes.round-trip", {"licenseCodes": ["7"]}, {"licenseCodes": ["7"]}, {}),
    ("image.storage-locations.round-trip", {"storageLocations": ["eu"]}, {"storageLocations": ["eu", "us"]}, {}),
    ("image.storage-locations.round-trip", {"storageLocations": ["eu"]}, {"storageLocations": ["eu"]}, US),
    ("image.license-codes.format", {}, {"licenseCodes": ["7"]}, {"licenseCodes": [7]}),
    ("image.license-codes.format", {}, {"licenseCodes": ["7"]}, {"licenseCodes": ["seven"]}),
    ("image.license-codes.exact", {"licenseCodes": [BIG]}, {"licenseCodes": [BIG]}, {"licenseCodes": [str(2**53)]}),
    ("image.license-codes.exact", {"licenseCodes": [BIG]}, {}, {"licenseCodes": [str(2**53 + 2)]}),
]
"""Rules on what comes back: what is sent, what may come back, and what may not."""


@pytest.mark.parametrize(("rule", "sent", "right", "wrong"), ROUND_TRIPS)
def test_what_was_sent_comes_back(
    rule: str, sent: dict[str, Any], right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    def told(shown: dict[str, Any]) -> str:
        sources = {"sourceImage": None, "sourceImageId": None} if sent.get("sourceImage", "") is None else {}
        story = Story().insert(operation("PENDING"), **sent).poll(operation())
        return story.get(image(**{**sources, **shown})).verdict(rule)

    assert told(right) in ("kept", "silent")
    assert told(wrong) == "broken"


def test_image_is_not_deprecated_that_nobody_has_deprecated() -> None:
    def told(*looks: dict[str, Any]) -> str:
        story = Story().insert(operation("PENDING")).poll(operation())
        for shown in looks:
            story = story.get(image(**shown))
        return story.verdict("image.deprecated.round-trip")

    assert told(OBSOLETE) == "deviates"
    assert told({"deprecated": {"state": "ACTIVE"}}) == told({}) == told({}, OBSOLETE) == "silent"


def made_up(path: str) -> Any:
    """A value of a client's own for a field of the server's."""
    field, _, part = path.partition(".")
    values = {"creationTimestamp": "2001-01-01T00:00:00Z", "selfLink": "https://example.com/x", "status": "FAILED"}
    if field.startswith(("satisfies", "enable")):
        return True
    return {part: "AAAA"} if part else values.get(field, "4242")


@pytest.mark.parametrize("path", OUTPUT_ONLY)
def test_value_of_the_servers_own_is_not_taken_over(path: str) -> None:
    """Where the service gives a flag by itself shows an image that was made without a value."""
    rule, field = f"image.output-only.{path}", path.partition(".")[0]
    sent = {field: made_up(path)}
    other = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=None)
    plain = Story().insert(other, request_id=None, name="two").get(image(name="two", id="2002"), name="two")
    story = plain.insert(operation("PENDING"), **sent).poll(operation())
    assert story.get(image()).verdict(rule) == "kept"
    assert story.get(image(**sent)).verdict(rule) == "broken"
    assert Story().insert(refusal(400, "invalid"), code=400, **sent).verdict(rule) == "kept"
    assert Story().insert(operation("PENDING")).poll(operation()).get(image(**sent)).verdict(rule) == "silent"
