"""What comes back of what was sent, early or late: values by themselves, and hand-written traces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.story import ROOT, Story, image, operation, refusal

from conformance.contract.round_trip import comes_back, shows
from conformance.trace.exchange import Exchange, Request


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
        ("description", True, "True", False),
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
