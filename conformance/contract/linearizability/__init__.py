"""Linearizability: whether calls that overlap could have been carried out one after the other. Knows nothing of
HTTP."""

from conformance.contract.linearizability.checker import STEPS_MAXIMUM, Call, Linearization, Step, linearize, objects

__all__ = ["STEPS_MAXIMUM", "Call", "Linearization", "Step", "linearize", "objects"]
