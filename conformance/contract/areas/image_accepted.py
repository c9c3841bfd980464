"""Rules about the optional fields of an insert: a valid value is accepted, so that no target is conformant by
refusing them all."""

from __future__ import annotations

from conformance.contract.fields import IMAGE_FIELDS, Field, acceptance_id
from conformance.contract.requests import request_rule
from conformance.contract.rule import Rule

STATEMENTS = {
    "doc": "A valid value of {} is accepted.",
    "conv": "A valid value of {} is accepted: a target that lacks what it names, or does not let it be set, says why.",
}

GROUNDS = {
    "doc": "The page lists {} among the fields of the request body, says what a client may set it to, and names no "
    "condition.",
    "conv": "The page lists {} in the request body, but its value names, or lets a client decide, what a target need "
    "not have or allow.",
}


def _accepted(field: Field) -> Rule:
    """The rule that a field is accepted."""
    assert field.accepted
    return request_rule(
        acceptance_id(field.path),
        field.accepted,
        STATEMENTS[field.accepted].format(field.path),
        f"Fields > {field.path}",
        GROUNDS[field.accepted].format(field.path),
        requires=("life.insert",),
        accepts=field.path,
    )


RULES = tuple(_accepted(field) for field in IMAGE_FIELDS if field.accepted)
