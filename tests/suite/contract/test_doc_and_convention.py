"""What the reference states is a failure where it is broken; what only the real service or a convention does is a
deviation."""

from typing import Any, Literal

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal, time_of

from conformance.contract import catalogue
from conformance.trace.exchange import Intent
from conformance.verdicts.ledger import Ledger

Judged = Literal["kept", "deviates", "failed"]

KEY = "SW1hZ2Uga2V5IG9mIHRoZSBjb25mb3JtYW5jZSBydW4="
HASH = "esTuF7d4eatX4cnc4JsiEiaI+Rff78JgPhA/v1zxX9E="
KEY_HASH = "QjUxjw6XGuMsfJmvSpfsqzf0w0OmoNL1LFTnIAr7gBU="
KMS_KEY = "projects/p/locations/us/keyRings/ring/cryptoKeys/key"
FAILURE: dict[str, Any] = {
    "error": {"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "It was not found."}]},
    "httpErrorStatusCode": 404,
    "httpErrorMessage": "NOT FOUND",
}


def judged(story: Story, rule: str) -> Judged:
    """What becomes of one rule: the worst of what a story says of it."""
    ledger = Ledger(catalogue())
    ledger.judge(story.trace())
    assert not ledger.errors, ledger.errors
    tally = ledger.tallies.get(rule)
    if tally is None or not tally.breaches:
        return "kept"
    return "failed" if catalogue()[rule].basis == "doc" and tally.breaches > tally.deviations else "deviates"


def polled(**changes: Any) -> Story:
    """An insert that is followed to its end; the changes are to its operation from the first look on."""
    story = Story().insert(operation("PENDING")).poll(operation("RUNNING"))
    return story.poll(operation(**changes)).poll(operation(**changes)).get(image())


@pytest.mark.parametrize(
    ("rule", "changes", "verdict"),
    [
        ("operation.times", {"insertTime": None, "startTime": None}, "deviates"),
        ("operation.times", {"insertTime": "yesterday"}, "failed"),
        ("operation.times", {"insertTime": time_of(30)}, "failed"),
        (
            "operation.times",
            {"insertTime": time_of(0.9), "startTime": "2026-01-01T00:00:00Z", "endTime": None},
            "kept",
        ),
        ("operation.end-time", {"endTime": None}, "deviates"),
        ("operation.type", {"operationType": "delete"}, "failed"),
        ("operation.type", {"operationType": "IMAGE_INSERT"}, "deviates"),
        ("operation.type", {"operationType": "compute.images.insert"}, "kept"),
        ("operation.target-id", {"targetId": None}, "deviates"),
        ("operation.target-id", {"targetId": "2002"}, "failed"),
        ("operation.progress", {"progress": 101}, "failed"),
        ("operation.progress", {"progress": 99}, "deviates"),
        ("operation.progress", {"progress": 100.0}, "kept"),
        ("operation.error-only-when-failed", {"httpErrorMessage": "OK"}, "deviates"),
        ("operation.error-only-when-failed", {**FAILURE, "httpErrorStatusCode": None}, "failed"),
        ("operation.error-shape", {**FAILURE, "error": {"errors": [{"message": "no code"}]}}, "failed"),
        ("operation.error-shape", {**FAILURE, "error": {"errors": [{"code": "NO_MESSAGE"}]}}, "kept"),
        ("operation.http-error-code", {**FAILURE, "httpErrorStatusCode": 200}, "failed"),
        ("operation.target-link", {"targetLink": "projects/p/global/images/two"}, "deviates"),
        ("request-id.client-operation-id", {"clientOperationId": REQUEST_ID.upper()}, "deviates"),
        ("request-id.client-operation-id", {"clientOperationId": "another"}, "failed"),
    ],
)
def test_operation(rule: str, changes: dict[str, Any], verdict: Judged) -> None:
    assert judged(polled(**changes), rule) == verdict


@pytest.mark.parametrize(
    ("told", "verdict"), [({"sha256": KEY_HASH}, "kept"), ({}, "kept"), ({"sha256": HASH}, "failed")]
)
def test_hash_of_a_key_in_a_list(told: dict[str, str], verdict: Judged) -> None:
    made = image(imageEncryptionKey={"sha256": KEY_HASH})
    story = Story().insert(operation("PENDING"), imageEncryptionKey={"rawKey": KEY}).poll(operation()).get(made)
    page = {"kind": "compute#imageList", "items": [{**made, "imageEncryptionKey": told}]}
    assert judged(story.say("GET", "images", None, 200, page), "encryption.image.sha256") == verdict


@pytest.mark.parametrize(
    ("request_id", "shown", "verdict"),
    [
        (REQUEST_ID, REQUEST_ID, "kept"),
        (REQUEST_ID, None, "failed"),
        (None, None, "kept"),
        (None, REQUEST_ID, "failed"),
        ("{" + REQUEST_ID + "}", REQUEST_ID, "kept"),
    ],
)
def test_request_id_of_an_operation_that_fails(request_id: str | None, shown: str | None, verdict: Judged) -> None:
    failing = Intent(valid=False, rules=("source.image.unknown",))
    story = Story().insert(operation("PENDING", clientOperationId=shown), request_id=request_id, intent=failing)
    story.poll(operation(**FAILURE, clientOperationId=shown))
    assert judged(story, "request-id.client-operation-id") == verdict


@pytest.mark.parametrize(
    ("told", "linked", "verdict"), [("2001", "2001", "kept"), ("2001", "2002", "deviates"), (None, "2002", "kept")]
)
def test_link_by_the_id_of_an_image(told: str | None, linked: str, verdict: Judged) -> None:
    story = Story().insert(operation(targetId=told, targetLink=f"projects/p/global/images/{linked}"))
    assert judged(story, "operation.target-link") == verdict


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("RESOURCE_NOT_FOUND", "kept"),
        ("resource_availability", "kept"),
        ("not found", "deviates"),
        ("R" * 64, "deviates"),
    ],
)
def test_reason_of_an_error(reason: str, verdict: Judged) -> None:
    item = {"code": "X", "errorDetails": [{"errorInfo": {"reason": reason, "domain": "compute.googleapis.com"}}]}
    assert judged(polled(**{**FAILURE, "error": {"errors": [item]}}), "operation.error-shape") == verdict


@pytest.mark.parametrize(
    ("later", "identity", "final"),
    [
        ({"insertTime": time_of(0.3)}, "failed", "deviates"),
        ({"insertTime": "2026-01-01T02:00:00.000+02:00"}, "kept", "kept"),
        ({"insertTime": "2026-01-01T00:00:00Z"}, "kept", "kept"),
        ({"user": None}, "deviates", "deviates"),
        ({"user": "other@example.com"}, "failed", "deviates"),
        ({"statusMessage": "It is still done."}, "kept", "deviates"),
        ({"endTime": time_of(0.9)}, "failed", "failed"),
    ],
)
def test_operation_that_changes_after_done(later: dict[str, Any], identity: Judged, final: Judged) -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).poll(operation(**later))
    assert judged(story, "operation.identity-immutable") == identity
    assert judged(story, "operation.done-is-final") == final


@pytest.mark.parametrize(("states", "verdict"), [(("RUNNING", "PENDING"), "deviates"), (("DONE", "RUNNING"), "failed")])
def test_status_that_goes_back(states: tuple[str, str], verdict: Judged) -> None:
    story = Story().insert(operation("PENDING"))
    for status in states:
        story.poll(operation(status))
    assert judged(story, "operation.status-monotonic") == verdict


@pytest.mark.parametrize(
    ("rule", "changes", "verdict"),
    [
        ("image.source-type", {"sourceType": None}, "deviates"),
        ("image.source-type", {"sourceType": "QCOW2"}, "failed"),
        ("image.creation-timestamp", {"creationTimestamp": None}, "deviates"),
        ("image.creation-timestamp", {"creationTimestamp": "today"}, "failed"),
        ("source.image.id", {"sourceImageId": None}, "deviates"),
        ("source.image.id", {"sourceDiskId": "5"}, "failed"),
        ("image.locked.round-trip", {}, "kept"),
        ("image.self-link", {"selfLink": None}, "deviates"),
    ],
)
def test_image(rule: str, changes: dict[str, Any], verdict: Judged) -> None:
    assert judged(Story().insert(operation("PENDING")).poll(operation()).get(image(**changes)), rule) == verdict


@pytest.mark.parametrize(
    ("rule", "sent", "came", "verdict"),
    [
        ("image.locked.round-trip", {"locked": True}, {}, "deviates"),
        ("image.user-licenses.round-trip", {"userLicenses": ["projects/d/global/licenses/one"]}, {}, "kept"),
        (
            "image.user-licenses.round-trip",
            {"userLicenses": ["projects/d/global/licenses/one"]},
            {"userLicenses": ["projects/d/global/licenses/two"]},
            "deviates",
        ),
        (
            "image.rollout-override.read-only",
            {"rolloutOverride": {"defaultRolloutTime": "2030-01-01T00:00:00Z"}},
            {"rolloutOverride": {"defaultRolloutTime": "2031-01-01T00:00:00Z"}},
            "deviates",
        ),
        ("encryption.image.sha256", {"imageEncryptionKey": {"rawKey": KEY}}, {}, "deviates"),
        (
            "encryption.image.sha256",
            {"imageEncryptionKey": {"rawKey": KEY}},
            {"imageEncryptionKey": {"sha256": HASH}},
            "failed",
        ),
        ("encryption.image.kms-key-name", {"imageEncryptionKey": {"kmsKeyName": KMS_KEY}}, {}, "deviates"),
        (
            "encryption.image.kms-key-name",
            {"imageEncryptionKey": {"kmsKeyName": KMS_KEY}},
            {"imageEncryptionKey": {"kmsKeyName": f"{KMS_KEY}-other"}},
            "failed",
        ),
        (
            "image.shielded.round-trip",
            {"shieldedInstanceInitialState": {"pk": {"content": "AAEC", "fileType": "X509"}}},
            {"shieldedInstanceInitialState": {"pk": {"content": "AAEC"}}},
            "deviates",
        ),
        (
            "image.shielded.round-trip",
            {"shieldedInstanceInitialState": {"pk": {"content": "AAEC", "fileType": "X509"}}},
            {"shieldedInstanceInitialState": {"pk": {"content": "AwQF", "fileType": "X509"}}},
            "failed",
        ),
        (
            "image.guest-os-features.round-trip",
            {"guestOsFeatures": [{"type": "GVNIC,WINDOWS"}]},
            {"guestOsFeatures": [{"type": "WINDOWS"}, {"type": "GVNIC"}]},
            "kept",
        ),
        (
            "encryption.never-echoed",
            {"imageEncryptionKey": {"rawKey": KEY}},
            {"imageEncryptionKey": {"rawKey": KEY}},
            "failed",
        ),
    ],
)
def test_what_comes_back(rule: str, sent: dict[str, Any], came: dict[str, Any], verdict: Judged) -> None:
    story = Story().insert(operation("PENDING"), **sent).poll(operation()).get(image(**came))
    assert judged(story, rule) == verdict


def test_key_in_the_text_of_an_error() -> None:
    told = {**FAILURE, "error": {"errors": [{"code": "INVALID", "message": f"The key {KEY} is wrong."}]}}
    at_once = refusal(400, "invalid")
    at_once["error"]["message"] = f"The key {KEY} is wrong."
    for story in (
        Story().insert(at_once, code=400, imageEncryptionKey={"rawKey": KEY}),
        Story().insert(operation("PENDING"), imageEncryptionKey={"rawKey": KEY}).poll(operation(**told)),
    ):
        assert judged(story, "encryption.never-echoed") == "deviates"


@pytest.mark.parametrize(
    ("rule", "body", "request_id", "verdict"),
    [
        ("request-id.valid-accepted", {}, "123e4567-e89b-42d3-a456-426614174000", "failed"),
        ("request-id.valid-accepted", {}, "018f4567-e89b-72d3-a456-426614174000", "deviates"),
        ("source.image.partial-url", {"sourceImage": "projects/p/global/images/base"}, REQUEST_ID, "failed"),
        ("source.image.partial-url", {"sourceImage": "global/images/base"}, REQUEST_ID, "deviates"),
        ("source.image.family-url", {"sourceImage": "projects/p/global/images/family/f"}, REQUEST_ID, "deviates"),
        (
            "image.shielded.base64",
            {"shieldedInstanceInitialState": {"pk": {"content": "AAEC", "fileType": "X509"}}},
            REQUEST_ID,
            "deviates",
        ),
        ("image.guest-os-features.type", {"guestOsFeatures": [{"type": "GVNIC"}]}, REQUEST_ID, "failed"),
        (
            "image.guest-os-features.type",
            {"guestOsFeatures": [{"type": "SUSPEND_RESUME_COMPATIBLE"}]},
            REQUEST_ID,
            "deviates",
        ),
        (
            "image.guest-os-features.type",
            {"guestOsFeatures": [{"type": "GVNIC,UEFI_COMPATIBLE"}]},
            REQUEST_ID,
            "deviates",
        ),
    ],
)
def test_valid_request_that_is_refused(rule: str, body: dict[str, Any], request_id: str, verdict: Judged) -> None:
    intent = Intent(valid=True, rules=(rule,))
    story = Story().insert(refusal(400, "invalid"), code=400, request_id=request_id, intent=intent, **body)
    assert judged(story, rule) == verdict


@pytest.mark.parametrize(
    ("rule", "body", "request_id", "verdict"),
    [
        ("request-id.malformed-refused", {}, "not-a-uuid", "failed"),
        ("request-id.malformed-refused", {}, "123e4567-e89b-42d3-a456-4266141740--", "failed"),
        ("request-id.malformed-refused", {}, "{123e4567-e89b-42d3-a456-426614174000}", "deviates"),
        ("image.family.pattern", {"family": "under_score"}, REQUEST_ID, "failed"),
        ("image.family.pattern", {"family": "Capital"}, REQUEST_ID, "deviates"),
        ("image.raw-disk.container-type", {"rawDisk": {"containerType": "ZIP"}}, REQUEST_ID, "deviates"),
        ("image.guest-os-features.type", {"guestOsFeatures": [{"type": "GVNIC,TELEPATHY"}]}, REQUEST_ID, "failed"),
        ("image.guest-os-features.type", {"guestOsFeatures": [{"type": "GVNIC, WINDOWS"}]}, REQUEST_ID, "kept"),
    ],
)
def test_wrong_request_that_is_carried_out(rule: str, body: dict[str, Any], request_id: str, verdict: Judged) -> None:
    story = Story().insert(operation("PENDING"), request_id=request_id, **body).poll(operation())
    assert judged(story, rule) == verdict


@pytest.mark.parametrize(
    ("name", "used_before", "verdict"),
    [
        ("conformance-0a1b2c3d-main-1", False, "deviates"),
        ("conformance-0a1b2c3d-main-1", True, "kept"),
        ("q", False, "kept"),
    ],
)
def test_conflict_is_an_excuse_for_names_that_were_used(name: str, used_before: bool, verdict: Judged) -> None:
    story = Story()
    if used_before:
        story.insert(operation(), request_id=None, name=name)
    intent = Intent(valid=True, rules=("image.labels.limits",))
    conflict = refusal(409, "alreadyExists")
    story.insert(conflict, code=409, request_id=None, intent=intent, name=name, labels={"key": "value"})
    assert judged(story, "image.labels.limits") == verdict


SAME_OPERATION = "request-id.replay-same-operation"
ANEW: dict[str, Any] = {"id": "1002", "name": "operation-2"}


@pytest.mark.parametrize(
    ("answer", "code", "verdict"),
    [
        (operation(), 200, "kept"),
        (operation(**ANEW), 200, "deviates"),
        (operation(**ANEW, targetId="2002"), 200, "failed"),
        (refusal(409, "alreadyExists"), 409, "failed"),
        (operation(**ANEW, **{**FAILURE, "httpErrorStatusCode": 409}), 200, "failed"),
    ],
)
def test_replay(answer: dict[str, Any], code: int, verdict: Judged) -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).insert(answer, code=code)
    assert judged(story, SAME_OPERATION) == verdict
    assert judged(story, "request-id.replay-after-done") == verdict


def test_replay_of_an_insert_that_has_failed_may_fail_anew() -> None:
    story = Story().insert(operation("PENDING")).poll(operation(**FAILURE, targetId=None))
    assert judged(story.insert(refusal(404, "notFound"), code=404), SAME_OPERATION) == "deviates"


def test_replay_with_another_body_that_is_answered_anew_about_the_first_image() -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    story.insert(operation(**ANEW), description="another").get(image())
    assert judged(story, "request-id.replay-other-body") == "kept"


def test_server_error_that_does_not_come_again() -> None:
    rule = "transport.no-server-error"
    failed = Story().get(refusal(500, "backendError"), status=500)
    assert judged(failed, rule) == "deviates"
    assert judged(failed.get(image()), rule) == "kept"
    assert judged(failed.get(refusal(502, "backendError"), status=502), rule) == "deviates"


@pytest.mark.parametrize(
    ("field", "sent", "shown", "verdict"),
    [
        ("sourceImageId", "42", "42", "deviates"),
        ("sourceImageId", "42", "77", "kept"),
        ("sourceImageId", "77", "77", "kept"),
        ("creationTimestamp", time_of(9), time_of(9), "deviates"),
        ("status", "FAILED", "FAILED", "kept"),
    ],
)
def test_what_a_patch_sends_for_fields_of_the_server(field: str, sent: str, shown: str, verdict: Judged) -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    story.change("patch", {"description": "after", field: sent}).get(image(description="after", **{field: shown}))
    assert judged(story, f"image.output-only.{field}") == verdict


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        ("?orderBy=name&pageToken=a", "kept"),
        ("?pageToken=b&orderBy=name", "kept"),
        ("?orderBy=name", "deviates"),
        ("?pageToken=a", "deviates"),
    ],
)
def test_server_error_of_a_list_that_other_lists_do_not_have(asked: str, verdict: Judged) -> None:
    page = {"kind": "compute#imageList"}
    story = Story().say("GET", "images?orderBy=name&pageToken=a", None, 500, refusal(500, "backendError"))
    assert judged(story.say("GET", f"images{asked}", None, 200, page), "transport.no-server-error") == verdict


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"status": "DELETING", "archiveSizeBytes": "7", "satisfiesPzs": True, "novelty": 5}, True),
        ({"creationTimestamp": "2026-01-01T02:00:00.050+02:00"}, True),
        ({"guestOsFeatures": [{"type": "B"}, {"type": "A"}]}, True),
        ({"description": "another"}, False),
    ],
)
def test_what_may_change_by_itself(changes: dict[str, Any], same: bool) -> None:
    features = {"guestOsFeatures": [{"type": "A"}, {"type": "B"}]}
    story = Story().insert(operation("PENDING")).poll(operation()).get(image(**features))
    story.insert(operation(), description="changed").get(image(**{**features, **changes}))
    assert (judged(story, "request-id.replay-other-body") == "kept") == same
