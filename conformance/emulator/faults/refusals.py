"""Faults in what is refused although it is valid: a field, a shape of name, a request without requestId."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance.emulator.errors import invalid
from conformance.emulator.faults.row import Change, Fault, unless_gone

Wanted = Callable[[dict[str, Any], dict[str, str]], object]


def refuse(wanted: Wanted, field: str) -> Change:
    """Refuses inserts that are valid; `wanted` gets body and query."""

    def change(behaviour: Any) -> None:
        def guard(call: Any) -> None:
            if call.method != "images.insert" or not isinstance(call.body, dict):
                return
            with unless_gone():
                if wanted(call.body, call.query):
                    raise invalid(field, "", "It is refused by a fault.")

        behaviour.on_request.append(guard)

    return change


FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("description", "description", ()),
    ("labels", "labels", ("image.labels.limits",)),
    ("family", "family", ("image.family.pattern",)),
    ("diskSizeGb", "disk-size-gb", ()),
    ("sourceType", "source-type", ()),
    ("guestOsFeatures", "guest-os-features", ("image.guest-os-features.type",)),
    ("architecture", "architecture", ()),
    ("licenses", "licenses", ()),
    ("licenseCodes", "license-codes", ()),
    ("userLicenses", "user-licenses", ()),
    ("storageLocations", "storage-locations", ()),
    ("imageEncryptionKey.kmsKeyName", "kms-key-name", ()),
    ("locked", "locked", ()),
    ("rolloutOverride", "rollout-override", ()),
    ("deprecated", "deprecated", ()),
)
"""Each optional field: its path, its name in rule ids, and the rules about its values that break with it."""


def refuse_field(path: str) -> Change:
    """Refuses every insert that sets a field."""

    def sets(body: dict[str, Any], query: dict[str, str]) -> bool:
        del query
        value: Any = body
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return bool(value)

    return refuse(sets, f"resource.{path}")


def _one_of_a_family(behaviour: Any) -> None:
    """Refuses all images of a family but the first."""
    first: dict[str, str] = {}

    def taken(body: dict[str, Any], query: dict[str, str]) -> bool:
        del query
        return bool(body.get("family")) and first.setdefault(body["family"], body["name"]) != body["name"]

    refuse(taken, "resource.family")(behaviour)


def mishap_where(wanted: Callable[[dict[str, Any]], object]) -> Change:
    """Lets inserts fail late that are valid, as if by chance; `wanted` gets the body."""

    def change(behaviour: Any) -> None:
        error = (500, "INTERNAL_ERROR", "It fails by a fault.")
        behaviour.mishap = lambda call: error if wanted(call.body) else None

    return change


FAULTS: tuple[Fault, ...] = (
    *(
        Fault(f"image.{name}.accepted", "refused", f"every {path} is refused", refuse_field(path), also)
        for path, name, also in FIELDS
    ),
    Fault("image.family.accepted", "once", "a family takes one image, and no other", _one_of_a_family),
    Fault(
        "image.description.accepted",
        "fails",
        "every insert with a description fails, with an internal error",
        mishap_where(lambda body: body.get("description")),
    ),
    Fault(
        "request-id.absent",
        "refused",
        "an insert without a requestId is refused",
        refuse(lambda body, query: not query.get("requestId"), "requestId"),
        ("image.name.unique",),
    ),
    Fault(
        "image.name.length",
        "long-refused",
        "names of more than 20 characters are refused",
        refuse(lambda body, query: len(str(body.get("name"))) > 20, "resource.name"),
        ("image.name.pattern",),
    ),
    Fault(
        "image.name.pattern",
        "dashes-refused",
        "names with a dash are refused",
        refuse(lambda body, query: "-" in str(body.get("name")), "resource.name"),
        ("image.name.length",),
    ),
    Fault(
        "image.name.pattern",
        "digit-last-refused",
        "names that end with a digit are refused",
        refuse(lambda body, query: re.search(r"[0-9]\Z", str(body.get("name"))), "resource.name"),
    ),
)
