"""The JSON types of fields: which values a resource has at the paths of the field table, and whether they are of
their types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from conformance.contract.fields import IMAGE_FIELDS, Field, rule_name
from conformance.contract.rule import is_set
from conformance.trace.blots import blotted_out
from conformance.trace.formats import is_base64, is_int64, is_uint64, timestamp

JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "map": (dict,),
    "array": (list,),
}
"""What stands for a JSON type in Python."""


@cache
def _step(path: str) -> tuple[str, tuple[str, ...], str]:
    """The first key of a path, what of its value is meant, and the rest of the path."""
    head, _, rest = path.partition(".")
    return head.rstrip("[]{}"), tuple(re.findall(r"\[\]|\{\}", head)), rest


def values_at(value: Any, path: str) -> Iterator[Any]:
    """The values at a path of the field table, `a.b[].c{}`: `[]` stands for each item, `{}` for each value of a map."""
    name, openings, rest = _step(path)
    if not isinstance(value, dict) or name not in value:
        return
    found = [value[name]]
    for opening in openings:
        if opening == "[]":
            found = [item for part in found if isinstance(part, list) for item in part]
        else:
            found = [item for part in found if isinstance(part, dict) for item in part.values()]
    for item in found:
        if rest:
            yield from values_at(item, rest)
        elif not blotted_out(item):
            yield item


def right_type(field: Field, value: Any) -> bool:
    """Whether a value in an answer has the documented JSON type and format of its field."""
    if field.type == "integer" and isinstance(value, float) and value.is_integer():
        return True  # JSON has no integers, only numbers without a fraction
    if not isinstance(value, JSON_TYPES[field.type]) or (isinstance(value, bool) and field.type != "boolean"):
        return False
    match field.format:
        case "int64":
            return is_int64(value)
        case "uint64":
            return is_uint64(value)
        case "date-time":
            return timestamp(value) is not None
        case "byte":
            return is_base64(value)
    return True


def well_typed(image: dict[str, Any], name: str) -> bool:
    """Whether what an answer has for a field of an image, and in it, is of the documented types.

    A value of another type is the matter of `image.type.*`: nothing else can be told from it.
    """
    return all(
        right_type(field, value)
        for field in _fields_in(name)
        for value in values_at(image, field.path)
        if is_set(value)
    )


@cache
def _fields_in(name: str) -> tuple[Field, ...]:
    """A field of an image, and those in it."""
    return tuple(field for field in IMAGE_FIELDS if f"{rule_name(field.path)}.".startswith(f"{name}."))
