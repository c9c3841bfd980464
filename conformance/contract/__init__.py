"""The contract: what the API reference says, as data and as rules."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from conformance.contract.rule import Basis, Breach, Finding, Rule, matching, registered

_AREAS = (
    "transport",
    "request_id",
    "insert",
    "image",
    "encryption",
    "server_fields",
    "labels",
    "operation",
    "operation_course",
    "operation_error",
    "life",
    "family",
    "model",
    "access",
)

__all__ = ["Basis", "Breach", "Finding", "Rule", "catalogue", "matching"]


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule of the contract by id, area by area."""
    for area in _AREAS:
        import_module(f"conformance.contract.{area}")
    return registered()
