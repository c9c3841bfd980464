"""Two looks at one resource: what of it may differ although nobody has asked for a change."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from conformance.contract.fields import IMAGE_FIELDS
from conformance.contract.rule import is_set
from conformance.trace.blots import filled
from conformance.trace.formats import link, timestamp
from conformance.trace.links import same_resource

CHANGE_BY_THEMSELVES = frozenset({"status", "archiveSizeBytes", "satisfiesPzs", "satisfiesPzi", "labelFingerprint"})
"""The fields of an image that may change without a request: every rule that says "nothing else changes" leaves them
out.

Whether the fingerprint of labels may change is the matter of a rule of its own.
"""

TEXTS = frozenset({"name", "description"})
"""Fields in which each character counts, whatever the text looks like."""

_DOCUMENTED = frozenset(field.path for field in IMAGE_FIELDS if field.path.isalpha())


def unasked(before: Mapping[str, Any], later: Mapping[str, Any], asked: Collection[str]) -> dict[str, Any]:
    """The documented fields that differ between two looks at an image, each with its later value.

    Args:
        before: the image as it was seen first.
        later: the image as it was seen afterwards.
        asked: the fields that a request was to change between the two.
    """
    return {
        name: later.get(name)
        for name in sorted((before.keys() | later.keys()) & _DOCUMENTED)
        if name not in CHANGE_BY_THEMSELVES and name not in asked and not _same(name, before, later)
    }


def _same(name: str, before: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    one, two = before.get(name), later.get(name)
    one, two = filled(one, two), filled(two, one)
    if name == "labels":
        return own_labels({name: one}) == own_labels({name: two})
    return one == two if name in TEXTS else alike(one, two)


def own_labels(image: Mapping[str, Any]) -> dict[str, Any]:
    """The labels of an image that a client may have set: those of the service itself aside."""
    labels = image.get("labels")
    return (
        {key: value for key, value in labels.items() if not key.startswith("goog-")} if isinstance(labels, dict) else {}
    )


def alike(one: Any, two: Any) -> bool:
    """Whether two JSON values mean the same: instants and links in any form, lists in any order, unset parts left
    out."""
    return bool(one == two or canonical(one) == canonical(two)) or (isinstance(one, str) and same_resource(one, two))


def canonical(value: Any) -> Any:
    """One form for all ways to write a value."""
    if isinstance(value, dict):
        parts = {key: canonical(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if is_set(part)} or None
    if isinstance(value, list):
        return (
            sorted((canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True, default=str))
            or None
        )
    if isinstance(value, str):
        instant = timestamp(value)
        return str(instant) if instant is not None else link(value) or value or None
    return value
