"""What an insert may set has to be accepted: on hand-written traces, and where a target refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import Story, image, operation, refusal

from conformance.contract import catalogue
from conformance.contract.fields import acceptance_rules
from conformance.trace.exchange import Intent
from conformance.verdicts.judgement import judgements
from conformance.verdicts.ledger import Ledger

REFUSED = refusal(400, "invalid")
LICENSES = ["projects/p/global/licenses/one"]


@pytest.mark.parametrize("rule", ["image.description.accepted", "image.licenses.accepted", "request-id.absent"])
def test_valid_request_that_is_refused(rule: str) -> None:
    intent = Intent(valid=True, rules=(rule,))
    assert rule in Story().insert(REFUSED, code=400, intent=intent).broken()
    story = Story().insert(operation(clientOperationId=None), request_id=None, intent=intent).get(image())
    assert story.broken() == set()
    assert rule in story.kept()


def failing(times: int, number: int, code: str, *, last: bool = True) -> Story:
    """The same valid insert again and again, whose operation fails but for the last one, where that succeeds."""
    story = Story()
    intent = Intent(valid=True, rules=("image.description.accepted",))
    for turn in range(times):
        mine = {"id": f"100{turn}", "name": f"operation-{turn}", "targetId": f"200{turn}", "clientOperationId": None}
        failure = {"error": {"errors": [{"code": code, "message": "It fails."}]}, "httpErrorStatusCode": number}
        fails = turn < times - 1 or last
        told: dict[str, Any] = {**mine, **(failure if fails else {})}
        story.insert(operation(**told), request_id=None, intent=intent, name=f"one-{turn}", description="some text")
    return story


@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (failing(1, 429, "RESOURCE_OPERATION_RATE_EXCEEDED"), "silent"),
        (failing(2, 503, "ZONE_RESOURCE_POOL_EXHAUSTED"), "silent"),
        (failing(1, 403, "QUOTA_EXCEEDED"), "silent"),
        (failing(3, 500, "INTERNAL_ERROR", last=False), "kept"),
        (failing(3, 500, "INTERNAL_ERROR"), "broken"),
        (failing(1, 400, "INVALID_FIELD_VALUE"), "broken"),
        (failing(1, 403, "FORBIDDEN"), "broken"),
    ],
)
def test_valid_insert_that_fails_for_a_reason_of_the_server_s_own(story: Story, verdict: str) -> None:
    assert story.verdict("image.description.accepted") == verdict


def test_second_insert_of_a_name_that_fails_for_a_reason_of_the_server_s_own() -> None:
    failure = {"error": {"errors": [{"code": "QUOTA_EXCEEDED"}]}, "httpErrorStatusCode": 403}
    second: dict[str, Any] = {"id": "1002", "name": "operation-2", "clientOperationId": None, **failure}
    story = Story().insert(operation()).get(image()).insert(operation(**second), request_id=None)
    assert story.verdict("image.name.unique") == "silent"


def test_refusal_that_no_scenario_calls_wrong() -> None:
    """Traffic alone does not tell whether a value was valid."""
    assert Story().insert(REFUSED, code=400, description="some text").broken() == set()


def judged(*required: str) -> dict[str, tuple[str, str]]:
    """Verdict and reason of each rule where licences are refused, and nothing else was tried."""
    ledger = Ledger(catalogue())
    intent = Intent(valid=True, rules=("image.licenses.accepted",))
    ledger.judge(Story().insert(REFUSED, code=400, intent=intent, licenses=LICENSES).trace())
    found = judgements(catalogue(), ledger, {}, required=required)
    return {rule: (judgement.verdict, judgement.reason) for rule, judgement in found.items()}


def test_rule_that_only_a_refused_field_could_put_to_the_test() -> None:
    found = judged()
    verdict, reason = found["image.licenses.round-trip"]
    assert verdict == "not_exercised"
    assert reason.startswith("refused: licenses")
    assert "It is refused." in reason
    assert "refused" not in found["image.family.round-trip"][1]


def test_refusal_of_a_field_that_is_required() -> None:
    assert judged()["image.licenses.accepted"][0] == "deviates"
    assert judged("licenses")["image.licenses.accepted"][0] == "failed"
    assert judged("family")["image.licenses.accepted"][0] == "deviates"


def test_field_is_seen_only_where_it_is_accepted() -> None:
    assert acceptance_rules("rolloutOverride.defaultRolloutTime") == ("image.rollout-override.accepted",)
    assert acceptance_rules("imageEncryptionKey") == ("image.kms-key-name.accepted",)
    assert acceptance_rules("imageEncryptionKey.rawKey") == ()
    assert acceptance_rules("license") == ()


@pytest.mark.parametrize(
    ("status", "answer", "blamed"),
    [
        (403, refusal(403, "quotaExceeded"), False),
        (503, refusal(503, "backendError"), False),
        (200, operation(clientOperationId=None), True),
    ],
)
def test_request_for_an_image_that_nobody_made(status: int, answer: dict[str, Any], *, blamed: bool) -> None:
    """Its insert was turned away: that the image is not found then says nothing of the request."""
    intent = Intent(valid=True, rules=("image.deprecated.state",))
    story = Story().insert(answer, code=status, request_id=None)
    story.say("POST", "images/one/deprecate", {"state": "ACTIVE"}, 404, refusal(404, "notFound"), intent)
    assert ("image.deprecated.state" in story.broken()) == blamed
