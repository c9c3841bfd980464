"""What an insert may set has to be accepted: on hand-written traces, and where a target refuses it."""

from __future__ import annotations

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
