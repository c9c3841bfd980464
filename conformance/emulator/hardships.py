"""Hardships: what a correct service may do to its clients, and does seldom; `conformance client` does it to them on
purpose."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.emulator.behaviour import Behaviour, Call, Resource
from conformance.emulator.faults.row import Change, shown_image, shown_operation, switched

SLOW_SECONDS = 3.0
STATUS, FEATURE = "SUSPENDED", "QUANTUM_SAFE"
"""Values that no client knows."""


@dataclass(frozen=True)
class Hardship:
    """What a client has to live with.

    Args:
        id: the name by which it is switched on.
        sentence: what happens.
        change: changes a behaviour.
    """

    id: str
    sentence: str
    change: Change


def _unknown_operation(operation: Resource, call: Call, times: int) -> None:
    del call
    operation["futureField"] = {"value": 1}
    if times < 2 and operation["status"] != "DONE":
        operation["status"] = STATUS


def _unknown_image(image: Resource, call: Call, times: int) -> None:
    del call, times
    image["futureField"] = {"value": 1}
    image["guestOsFeatures"] = [*image.get("guestOsFeatures", []), {"type": FEATURE}]


def _unknown_values(behaviour: Behaviour) -> None:
    shown_operation(_unknown_operation)(behaviour)
    shown_image(_unknown_image)(behaviour)


HARDSHIPS: tuple[Hardship, ...] = (
    Hardship(
        "slow-operation",
        f"operations take {SLOW_SECONDS:g} s, changes of labels too",
        switched(seconds=SLOW_SECONDS, slow_changes=True),
    ),
    Hardship(
        "conflict", "somebody else changes the labels of an image just before its first setLabels", switched(rival=True)
    ),
    Hardship("unknown-enum", "answers have a field and values of enums that no client knows", _unknown_values),
)
