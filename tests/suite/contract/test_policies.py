"""Deprecations, locks and failures: on hand-written traces."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal

from conformance.contract import catalogue
from conformance.contract.request_view import RequestView
from conformance.trace.exchange import Exchange, Intent, Request, Trace
from conformance.verdicts.ledger import Ledger

DONE = operation(name="operation-2", id="1002", operationType="patch", clientOperationId=None)
FAILED: dict[str, Any] = {"error": {"errors": [{"code": "RESOURCE_NOT_FOUND"}]}, "httpErrorStatusCode": 404}


@pytest.mark.parametrize(
    ("code", "message", "broken"),
    [(404, "NOT FOUND", False), (404, "no such source", False), (404, "CONFLICT", True), (200, "NOT FOUND", False)],
)
def test_message_of_a_failed_operation(code: int, message: str, broken: bool) -> None:
    failed = {**FAILED, "httpErrorStatusCode": code, "httpErrorMessage": message}
    story = Story().insert(operation("PENDING")).poll(operation(**failed))
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
    ("rule", "body"),
    [
        ("image.storage-locations.unknown", {"storageLocations": ["nowhere-1"]}),
        ("encryption.image.rsa-length", {"imageEncryptionKey": {"rsaEncryptedKey": "AAAA"}}),
    ],
)
def test_value_that_only_a_scenario_knows_to_be_wrong(rule: str, body: dict[str, Any]) -> None:
    intent = Intent(valid=False, rules=(rule,))
    assert rule in Story().insert(refusal(400, "invalid"), code=400, intent=intent, **body).kept()
    failed = operation(**FAILED, httpErrorMessage="NOT FOUND")
    kept = Story().insert(operation("PENDING"), intent=intent, **body).poll(failed).kept()
    assert (rule in kept) == rule.endswith("unknown")
    taken = Story().insert(operation("PENDING"), intent=intent, **body).poll(operation())
    assert rule in taken.broken()
    unasked = Story().insert(operation("PENDING"), **body).poll(operation())
    assert rule not in unasked.broken() | unasked.kept()


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


def viewed(answer: str, *, policy: dict[str, Any], override: dict[str, Any] | None = None) -> tuple[set[str], set[str]]:
    """The rules that hold and those that are broken where the view of a family of two answers one of its images."""
    link = "https://www.googleapis.com/compute/beta/projects/p/global/images/two"
    other: dict[str, Any] = {
        "name": "operation-2",
        "id": "1002",
        "targetId": "2002",
        "targetLink": link,
        "selfLink": None,
    }
    two = image(name="two", id="2002", selfLink=link, family="kin", rolloutOverride=policy or None)
    story = Story().insert(operation("PENDING"), request_id=None, family="kin").poll(operation())
    story.get(image(family="kin"))
    story.insert(operation(**other), request_id=None, name="two", family="kin", rolloutOverride=policy or None)
    story.get(two, name="two").pause(5)
    if override is not None:
        deprecated = {"state": "DEPRECATED", "stateOverride": override}
        done = operation(**{**other, "name": "operation-3", "id": "1003", "operationType": "setDeprecation"})
        story.say("POST", "images/two/deprecate", deprecated, 200, done)
        story.get({**two, "deprecated": deprecated}, name="two").pause(5)
    shown = two if answer == "two" else image(family="kin")
    *before, look = story.say("GET", "images/kin", None, 200, {"image": shown}).trace().exchanges
    url = look.request.url.replace("global/images", "zones/us-central1-a/imageFamilyViews")
    ledger = Ledger(catalogue())
    found = ledger.judge(Trace((*before, replace(look, request=Request("GET", url)))))
    assert not ledger.errors, ledger.errors
    broken = {rule.id for rule, _ in found}
    return {rule for rule, tally in ledger.tallies.items() if tally.observations} - broken, broken


def zones(time: str, zone: str = "us-central1-a", **more: str) -> dict[str, Any]:
    """A rollout policy that speaks of one zone."""
    return {"locationRolloutPolicies": {f"zones/{zone}": time}, **more}


@pytest.mark.parametrize(
    ("policy", "judged"),
    [
        (zones("2001-01-01T00:00:00Z"), True),
        (zones("2040-01-01T00:00:00Z", "europe-west1-b"), True),
        (zones("2040-01-01T00:00:00Z", "europe-west1-b", defaultRolloutTime="2040-01-01T00:00:00Z"), False),
        (zones("2040-01-01T00:00:00Z"), False),
    ],
)
def test_image_that_has_reached_a_zone_is_its_views_answer(policy: dict[str, Any], judged: bool) -> None:
    rule = "family.view-reached"
    assert (rule in viewed("two", policy=policy)[0], rule in viewed("one", policy=policy)[1]) == (judged, judged)


@pytest.mark.parametrize(
    ("override", "right"),
    [(zones("2040-01-01T00:00:00Z"), "two"), (zones("2001-01-01T00:00:00Z"), "one"), ({}, "one")],
)
def test_image_is_deprecated_where_its_policy_says(override: dict[str, Any], right: str) -> None:
    wrong = {"one": "two", "two": "one"}[right]
    rule = "family.view-state-override"
    assert rule in viewed(right, policy={}, override=override)[0]
    kept, broken = viewed(wrong, policy={}, override=override)
    assert rule in broken
    assert rule not in kept
