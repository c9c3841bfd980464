"""The suite notices: broken emulators fail by the right rule, correct ones that use a freedom are left in peace.

A few of each for those who change the suite; `conformance prove` tries them all.
"""

import pytest

from conformance.commands.proof import attempt, half_built, servers
from conformance.emulator.faults import FAULTS

pytestmark = pytest.mark.nightly


HEADLINES = (
    "request-id.replay-same-operation/never-recognised",
    "request-id.replay-creates-nothing/second-image",
    "request-id.replay-after-delete/revives",
    "request-id.replay-concurrent/second-image",
    "image.output-only.status/taken-over",
    "image.name.length/64-accepted",
    "source.required/unchecked",
    "encryption.never-echoed/in-image",
    "operation.status-monotonic/done-then-running",
    "operation.success-means-ready/pending",
    "labels.concurrent/race",
    "family.latest/oldest",
)
FREEDOMS = (
    "instant",
    "output-only-refused",
    "empty-fields",
    "no-families",
    "other-body-refused",
)


@pytest.mark.parametrize("fault", HEADLINES)
def test_fault_is_caught_by_its_rule(fault: str) -> None:
    assert fault in {row.id for row in FAULTS}
    (server,) = servers(lambda name: name == fault, (), 0)
    proof = attempt(server, "quick")
    assert not proof.error
    assert not proof.missed
    assert not proof.needless


@pytest.mark.parametrize("variant", FREEDOMS)
def test_fair_server_is_left_in_peace(variant: str) -> None:
    (server,) = servers(lambda name: name == variant, (), 0)
    proof = attempt(server, "quick")
    assert proof.holds, (proof.failed, proof.error)


def test_half_built_servers_break_as_many_rules_as_wanted_and_are_the_same_for_a_seed() -> None:
    first, second = half_built(lambda name: name.startswith("image."), (1, 2), 16)
    assert len(first.faults) == len({fault.partition("/")[0] for fault in first.faults}) == len(first.rules) == 16
    assert set(first.faults) != set(second.faults)
    assert next(half_built(lambda name: name.startswith("image."), (1,), 16)) == first


@pytest.mark.parametrize("hidden", ["operation.type.name/number", "operation.name/missing", "operation.name/not-kept"])
def test_images_are_judged_where_operations_cannot_be_followed(hidden: str) -> None:
    """One is found by its selfLink, or else its image is watched: a third of all rules would hang on it."""
    (server,) = half_built(
        lambda name: name in (hidden, "image.description.round-trip/normalised", "life.list-filter/ignored"), (1,), 3
    )
    proof = attempt(server, "quick")
    assert not proof.error
    assert set(server.rules) <= set(proof.failed)


def test_fault_is_caught_by_its_rule_in_all_scenarios_too() -> None:
    (server,) = servers(lambda name: name == "image.kind/disk", (), 0, whole=True)
    proof = attempt(server, "quick")
    assert proof.holds
    assert not proof.needless
