"""Levels of conformance that nest: what a client can rely on at a target that has reached one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from conformance.contract.rule import Rule

CORE = frozenset(
    {
        "life.insert",
        "life.get-after-done",
        "life.delete",
        "life.failed-insert-leaves-nothing",
        "image.id",
        "image.kind",
        "image.name.unique",
        "operation.kind",
        "operation.id",
        "operation.name",
        "operation.type",
        "operation.status",
        "operation.status-monotonic",
        "operation.done-is-final",
        "operation.identity-immutable",
        "operation.target-link",
        "operation.target-id",
        "operation.self-link",
        "operation.reaches-done",
        "operation.success-means-ready",
        "operation.failure-means-none",
        "operation.error-only-when-failed",
        "operation.error-shape",
        "request-id.absent",
        "request-id.valid-accepted",
        "request-id.distinct",
        "request-id.replay-same-operation",
        "request-id.replay-while-running",
        "request-id.replay-after-done",
        "request-id.replay-creates-nothing",
        "request-id.replay-after-lost-response",
        "transport.json",
        "transport.success-status",
        "transport.error-envelope",
    }
)
"""What every client needs: it can make an image, poll, get and delete it, and a retry is safe."""

UNLESS_MET = frozenset({"operation.failure-means-none", "operation.error-shape", "request-id.replay-while-running"})
"""Of these the rules about what a target need not do: take a request that fails in the end, or take its time."""


class Level(StrEnum):
    """A level, the lowest first."""

    CORE = "core"
    STANDARD = "standard"
    FULL = "full"

    def rules(self, among: Mapping[str, Rule]) -> frozenset[str]:
        """The rules that have to hold for this level.

        Standard adds every rule of the API reference that no optional capability is needed for; full adds all others,
        so that a target of this level has all capabilities and departs from no convention.

        Args:
            among: the catalogue.
        """
        if self is Level.FULL:
            return frozenset(among)
        documented = (name for name, rule in among.items() if rule.basis == "doc" and not rule.needs)
        return CORE if self is Level.CORE else CORE.union(documented)
