"""Faults: ways in which the emulator is broken on purpose, each breaking one rule."""

from __future__ import annotations

from conformance.emulator.faults import answers, images, operations, request_ids, requests, types
from conformance.emulator.faults.row import Fault

FAULTS: tuple[Fault, ...] = (
    *requests.FAULTS,
    *request_ids.FAULTS,
    *images.FAULTS,
    *operations.FAULTS,
    *answers.FAULTS,
    *types.FAULTS,
)

__all__ = ["FAULTS", "Fault"]
