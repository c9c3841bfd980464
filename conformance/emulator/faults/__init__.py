"""Faults: ways in which the emulator is broken on purpose, each breaking one rule."""

from __future__ import annotations

from conformance.emulator.faults import (
    access,
    answers,
    identity,
    images,
    life,
    lists,
    operations,
    order,
    refusals,
    request_ids,
    requests,
    types,
)
from conformance.emulator.faults.row import Fault

FAULTS: tuple[Fault, ...] = (
    *requests.FAULTS,
    *refusals.FAULTS,
    *request_ids.FAULTS,
    *images.FAULTS,
    *life.FAULTS,
    *operations.FAULTS,
    *answers.FAULTS,
    *types.FAULTS,
    *access.FAULTS,
    *identity.FAULTS,
    *lists.FAULTS,
    *order.FAULTS,
)

__all__ = ["FAULTS", "Fault"]
