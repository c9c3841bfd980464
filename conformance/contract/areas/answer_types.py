"""Rules about the JSON types of all fields in answers: one for each field that an image or an operation may have."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.contract.areas.image_server_fields import OUTPUT_ONLY
from conformance.contract.fields import (
    IMAGE_FIELDS,
    NEVER_ANSWERED,
    OPERATION_FIELDS,
    Field,
    acceptance_rules,
    listed_as,
    rule_name,
)
from conformance.contract.history import History
from conformance.contract.json_types import right_type, values_at
from conformance.contract.rule import Finding, Rule, expect, is_set
from conformance.trace.exchange import Exchange

Table = Mapping[str, tuple[Field, ...]]
"""Fields by the name that their rule has: a list and its items have one rule."""

TypeFindings = dict[str, list[Finding]]
"""What was found about the types of fields, by the id of their rule."""

OPERATION_NEVER = re.compile(r"zone|region|\w+OperationMetadata")
"""Fields that an operation of images must not have: other rules say so, and there is no type to judge."""

KINDS_OF_SOURCE = {"sourceDisk": "disk", "sourceSnapshot": "snapshot", "rawDisk": "raw_disk"}
"""Fields that an image never has without a source of a kind."""


def _table(fields: Iterable[Field], never: re.Pattern[str]) -> Table:
    named: dict[str, tuple[Field, ...]] = {}
    for field in fields:
        if not never.fullmatch(field.path):
            named[rule_name(field.path)] = (*named.get(rule_name(field.path), ()), field)
    return named


def _by_first_key(area: str, table: Table) -> dict[str, list[tuple[str, Field]]]:
    """The fields, each with the id of its rule, by the key of a resource that they are or stand in."""
    found: dict[str, list[tuple[str, Field]]] = defaultdict(list)
    for name, fields in table.items():
        found[name.partition(".")[0]] += [(f"{area}.type.{name}", field) for field in fields]
    return found


_IMAGE, _OPERATION = _table(IMAGE_FIELDS, NEVER_ANSWERED), _table(OPERATION_FIELDS, OPERATION_NEVER)
_IN_IMAGES, _IN_OPERATIONS = _by_first_key("image", _IMAGE), _by_first_key("operation", _OPERATION)


def _types(history: History) -> TypeFindings:
    return history.once("types of answers", _judged)


def _judged(history: History) -> TypeFindings:
    found: TypeFindings = defaultdict(list)
    for sighting in history.showing():
        for key, value in sighting.value.items():
            # What the server takes over from the client although it alone sets it is the matter of another rule.
            if _tells(value) and key in _IN_IMAGES and not (key in OUTPUT_ONLY and history.echoes(sighting, key)):
                _look_at(_IN_IMAGES[key], sighting.exchange, sighting.value, found)
    for state in history.stating():
        for key, value in state.value.items():
            if _tells(value) and key in _IN_OPERATIONS:
                _look_at(_IN_OPERATIONS[key], state.exchange, state.value, found)
    return found


def _tells(value: Any) -> bool:
    """Whether a value has a type to judge: an empty list or object has one, although it holds nothing."""
    return is_set(value) or isinstance(value, dict | list)


def _look_at(
    fields: Iterable[tuple[str, Field]], exchange: Exchange, resource: dict[str, Any], found: TypeFindings
) -> None:
    for rule, field in fields:
        for part in values_at(resource, field.path):
            if is_set(part) or (_tells(part) and not right_type(field, part)):
                found[rule].append(None if right_type(field, part) else _wrong(field, exchange, part))


def _wrong(field: Field, exchange: Exchange, value: Any) -> Finding:
    return expect(
        False,
        f"{field.path} has another JSON type or format than documented",
        exchange,
        expected=f"{field.type}{f' in {field.format} format' if field.format else ''}",
        # A text in quotes, for one of digits looks like a number.
        observed=json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value,
    )


def _rule(area: str, name: str, fields: tuple[Field, ...]) -> Rule:
    """The rule of one field."""
    id = f"{area}.type.{name}"

    def judge(history: History) -> Iterator[Finding]:
        return iter(_types(history).get(id, ()))

    of_image = area == "image"
    return Rule(
        id,
        "doc",
        f"{name} has the documented JSON type and format in every answer.",
        f"{'Fields' if of_image else 'Response body'} > {name}",
        f"The page lists {name} of an {area} as {listed_as(fields)}, so an answer with a value of another type or "
        "format contradicts it.",
        judge,
        requires=acceptance_rules(name) if of_image else (),
        needs=tuple(f"source.{kind}" for field, kind in KINDS_OF_SOURCE.items() if of_image and name.startswith(field)),
        index=_types,
    )


RULES = tuple(
    _rule(area, name, fields)
    for area, table in (("image", _IMAGE), ("operation", _OPERATION))
    for name, fields in table.items()
)
"""The rules of this module, in the order of the catalogue."""
