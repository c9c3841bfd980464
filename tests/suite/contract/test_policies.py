"""Deprecations, locks and failures: on hand-written traces."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal

from conformance.contract import catalogue
from conformance.contract.request_view import RequestView
from conformance.trace.exchange import Exchange, Request, Trace
from conformance.verdicts.ledger import Ledger

DONE = operation(name="operation-2", id="1002", operationType="patch", clientOperationId=None)
FAILED: dict[str, Any] = {"error": {"errors": [{"code": "RESOURCE_NOT_FOUND"}]}, "httpErrorStatusCode": 404}


@pytest.mark.parametrize(("message", "broken"), [("NOT FOUND", False), ("no such source", False), ("CONFLICT", True)])
def test_message_of_a_failed_operation(message: str, broken: bool) -> None:
    story = Story().insert(operation("PENDING")).poll(operation(**FAILED, httpErrorMessage=message))
    assert ("operation.http-error-message" in story.broken()) == broken


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("deprecate.replacement-kind", {"deprecated": {"replacement": "projects/p/zones/z/disks/d"}}),
        ("image.deprecated.state-override", {"deprecated": {"stateOverride": {"defaultRolloutTime": "soon"}}}),
        (
            "image.deprecated.state-override",
            {"deprecated": {"stateOverride": {"locationRolloutPolicies": {"z": "2030-01-01T00:00:00Z"}}}},
        ),
        (
            "image.rollout-override.zones",
            {"rolloutOverride": {"locationRolloutPolicies": {"regions/r": "2030-01-01T00:00:00Z"}}},
        ),
        ("image.kms-key-name.malformed", {"imageEncryptionKey": {"kmsKeyName": "key"}}),
        ("image.storage-locations.malformed", {"storageLocations": ["no such place"]}),
    ],
)
def test_value_that_has_to_be_refused(rule: str, body: dict[str, Any]) -> None:
    assert rule in Story().insert(refusal(400, "invalid"), code=400, **body).kept()
    dropped = Story().insert(operation("PENDING"), **body).poll(operation()).get(image())
    kept = Story().insert(operation("PENDING"), **body).poll(operation()).get(image(**body))
    assert rule in kept.broken()
    assert (rule in dropped.broken()) == (rule.endswith("malformed"))


@pytest.mark.parametrize(
    "body",
    [
        {"deprecated": {"replacement": "projects/p/global/images/family/f"}},
        {"deprecated": {"stateOverride": {"locationRolloutPolicies": {"zones/z": "2030-01-01T00:00:00Z"}}}},
        {
            "rolloutOverride": {
                "locationRolloutPolicies": {"https://h/compute/v1/projects/p/zones/z": "2030-01-01T00:00:00Z"}
            }
        },
        {"imageEncryptionKey": {"kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"}},
        {"storageLocations": ["us-central1"]},
    ],
)
def test_value_that_is_fine(body: dict[str, Any]) -> None:
    request = Story().insert(operation(), **body).trace().exchanges[0].request
    assert RequestView(Exchange(1, Request(request.verb, request.url, {}, request.body))).broken_rules == frozenset()


@pytest.mark.parametrize(("locked", "broken"), [(True, False), (False, True), (None, True)])
def test_patch_of_a_locked_image(locked: bool | None, broken: bool) -> None:
    story = Story().insert(operation("PENDING"), locked=True).poll(operation()).get(image(locked=True))
    story.say("PATCH", "images/one", {"locked": False}, 200, DONE).get(image(locked=locked))
    assert ("image.locked.forbids" in story.broken()) == broken


def test_second_insert_while_the_first_is_under_way() -> None:
    other = REQUEST_ID.replace("1", "2")
    conflict = Story().insert(operation("PENDING")).insert(refusal(409, "alreadyExists"), code=409, request_id=other)
    assert conflict.poll(operation()).get(image()).broken() == set()
    own = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=other)
    both = Story().insert(operation("PENDING")).insert(own, request_id=other).poll(operation())
    assert "image.name.unique" in both.broken()


@pytest.mark.parametrize(
    ("path", "answer"), [("images", {"items": [image()]}), ("images/family/kin", image(family="kin"))]
)
@pytest.mark.parametrize("identifier", ["2001", "2002"])
def test_image_that_another_project_shows(path: str, answer: dict[str, Any], identifier: str) -> None:
    """Only its id tells that it is this image: another one may have its name there."""
    shown = json.loads(json.dumps(answer).replace("2001", identifier))
    story = Story().insert(operation("PENDING"), family="kin").poll(operation()).get(image(family="kin"))
    *before, last = story.say("GET", path, None, 200, shown).trace().exchanges
    foreign = replace(last.request, url=f"http://server/compute/beta/projects/q/global/{path}")
    trace = Trace((*before, replace(last, request=foreign)))
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(trace)}
    assert ("transport.project-isolation" in found) == (identifier == "2001")
