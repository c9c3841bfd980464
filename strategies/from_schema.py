"""Values from JSON Schemas: the one place that knows hypothesis-jsonschema.

Used for leaves only: its object schemas break with current versions of Hypothesis, and assembling objects is faster.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from conformance.contract.fields import Field

_WRONG: dict[str, tuple[Any, ...]] = {
    "string": (7, True, ["text"], {"a": "b"}),
    "boolean": ("maybe", 7, ["true"], {"a": True}),
    "map": ("text", 7, True, ["a"]),
    "object": ("text", 7, True, ["a"]),
    "array": ("text", 7, True, {"a": "b"}),
}
_WRONG_INTEGER: tuple[Any, ...] = ("twelve", True, [12], {"a": 12}, "1.5", 1.5, "0x10", "1_0")
_WRONG_ENUM: tuple[Any, ...] = (True, ["RAW"], {"a": "b"})


def wrong_values(field: Field) -> tuple[Any, ...]:
    """One value of each JSON type that a field does not take; unset values and lenient readings are none."""
    if field.format in ("int64", "uint64"):
        return _WRONG_INTEGER
    return _WRONG_ENUM if field.enum else _WRONG[field.type]


def wrong_typed(field: Field) -> st.SearchStrategy[Any]:
    """Further values of the wrong JSON types."""
    samples = wrong_values(field)
    lists = from_schema({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3})
    numbers = from_schema({"type": "integer", "minimum": 2, "maximum": 2**31})
    takes_numbers = field.format in ("int64", "uint64") or field.enum or field.type == "boolean"
    others = [] if field.type == "array" else [lists]
    others += [] if takes_numbers else [numbers]
    return st.one_of(st.sampled_from(samples), *others)
