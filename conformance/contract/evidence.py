"""Which rules cannot be judged where a recorder has lost something."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from conformance.contract import catalogue, client_catalogue, matching
from conformance.trace import losses

NEEDS: Mapping[str, tuple[str, ...]] = {
    losses.TIMES: (
        "operation.insert-time",
        "operation.reaches-done",
        "request-id.replay-concurrent",
        "life.linearizable",
        "family.view-*",
    ),
    losses.INSERTS: ("life.linearizable",),
    losses.FRACTIONS: ("life.linearizable", "client.poll-pace", "client.retry-after"),
    losses.SERVER_TIMES: (
        "operation.times",
        "operation.insert-time",
        "operation.type.*Time",
        "operation.type.creationTimestamp",
        "image.creation-timestamp",
        "image.output-only.creationTimestamp",
        "image.type.creationTimestamp",
        "image.type.deprecated.*",
        "image.deprecated.*",
        "image.rollout-override.*",
        "deprecate.round-trip",
        "life.list-order",
        "life.list-filter-forms",
        "family.latest",
        "family.deprecated-skipped",
        "family.view-*",
    ),
    losses.IDS: (
        "image.id",
        "image.output-only.*Id",
        "image.output-only.id",
        "image.type.id",
        "image.type.*Id",
        "operation.id",
        "operation.list",
        "operation.target-id",
        "operation.type.id",
        "operation.type.targetId",
        "life.get-by-id",
        "life.list-filter-forms",
        "source.*.id",
    ),
    losses.OPERATION_NAMES: (
        "operation.list",
        "operation.name",
        "operation.self-link",
        "operation.type.name",
        "request-id.replay-same-operation",
        "request-id.replay-concurrent",
        "request-id.distinct",
        "request-id.absent",
        "request-id.delete-replay",
        "request-id.scoped-to-method",
    ),
    losses.FINGERPRINTS: (
        "client.conflict-fresh-get",
        "labels.fingerprint-*",
        "image.label-fingerprint.format",
        "image.output-only.labelFingerprint",
        "image.type.labelFingerprint",
    ),
    losses.REQUEST_IDS: ("request-id.*", "operation.type.clientOperationId", "client.*request-id*"),
}
"""By kind of loss the globs of the rules that stand on what was lost."""


@cache
def unjudged(lost: frozenset[str]) -> Mapping[str, str]:
    """The rules that cannot be judged, each with the first loss that it cannot be judged for."""
    rules = {**catalogue(), **client_catalogue()}
    found = [loss for loss in reversed(losses.LOSSES) if loss in lost]
    return {rule: loss for loss in found for rule in sorted(matching(NEEDS.get(loss, ()), rules))}
