"""The suite notices: broken emulators fail by the right rule, correct ones that use a freedom are left in peace."""

import pytest

from conformance.emulator.faults import FAULTS
from conformance.prove import attempt, servers

HEADLINES = (
    "request-id.replay-same-operation/never-recognised",
    "request-id.replay-creates-nothing/second-image",
    "request-id.replay-while-running/only-when-done",
    "request-id.replay-after-done/only-while-running",
    "request-id.replay-after-delete/revives",
    "request-id.replay-concurrent/second-image",
    "request-id.zero-refused/unchecked",
    "request-id.client-operation-id/missing",
    "image.output-only.status/taken-over",
    "image.output-only.id/taken-over",
    "image.name.length/64-accepted",
    "image.name.unique/overwrites",
    "source.required/unchecked",
    "encryption.never-echoed/in-image",
    "operation.status-monotonic/done-then-running",
    "operation.reaches-done/never",
    "operation.success-means-ready/pending",
    "operation.failure-means-none/stored",
    "transport.json/html",
    "life.insert/refused",
    "life.delete/image-stays",
    "labels.concurrent/race",
    "family.latest/oldest",
    "image.type.diskSizeGb/number",
)
FREEDOMS = (
    "instant",
    "late-refusals",
    "output-only-refused",
    "empty-fields",
    "pages-of-one",
    "now-and-then",
    "no-families",
    "other-body-refused",
)


@pytest.mark.parametrize("fault", HEADLINES)
def test_fault_is_caught_by_its_rule(fault: str) -> None:
    assert fault in {row.id for row in FAULTS}
    (server,) = servers(lambda name: name == fault, (), 0)
    proof = attempt(server, "quick")
    assert not proof.error
    assert server.rule in proof.failed
    assert not proof.needless


@pytest.mark.parametrize("variant", FREEDOMS)
def test_fair_server_is_left_in_peace(variant: str) -> None:
    (server,) = servers(lambda name: name == variant, (), 0)
    proof = attempt(server, "quick")
    assert proof.holds, (proof.failed, proof.error)
