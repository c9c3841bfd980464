"""Rules about the bodies of requests: what is JSON, of which types its values are, and which fields there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.contract.fields import IMAGE_FIELDS, Field, listed_as, rule_name
from conformance.contract.history import History
from conformance.contract.json_types import JSON_TYPES, values_at
from conformance.contract.request_view import BOOLEANS, RequestView
from conformance.contract.requests import for_the_fault, request_rule
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.trace.formats import integer
from conformance.trace.json_text import NOT_JSON

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


RULES.add(
    request_rule(
        "transport.malformed-json",
        "conv",
        "A body that is not JSON gets 400.",
        "Request body",
        "The body is said to be JSON of a certain structure; that anything else gets 400 is the convention "
        "of Google's JSON APIs.",
        lambda view: view.malformed,
        status=400,
    )
)
RULES.add(
    request_rule(
        "transport.body-not-object",
        "conv",
        "A JSON array, string, number or null as the body gets 400.",
        "Request body",
        "The body is shown as a JSON object; a text in its place was answered 400 by the real service, and "
        "other types are alike.",
        lambda view: view.exchange.request.json is not NOT_JSON and not view.is_object,
        status=400,
    )
)
RULES.add(
    request_rule(
        "transport.empty-body",
        "conv",
        "An empty body gets 400.",
        "Request body",
        "The body is shown as a JSON object; the real service answers 400 to an insert without any content, "
        "as a field that is required.",
        lambda view: not view.exchange.request.body,
        status=400,
    )
)
RULES.add(
    request_rule(
        "transport.json-form",
        "conv",
        "A body may be indented or come in chunks, and its content type may name the charset UTF-8.",
        "Request body",
        "White space in JSON means nothing and its charset is UTF-8 anyway, and client libraries in wide use "
        "send bodies in both forms.",
    )
)
RULES.add(
    request_rule(
        "transport.empty-field",
        "conv",
        "null, an empty text and {} stand for a field that is not set: an insert with them is accepted.",
        "Request body",
        "What null and empty values mean is not said; Google's JSON mapping takes them as unset, and "
        "Libcloud and the Node.js library send them.",
    )
)


# JSON types


def wrong_type(field: Field, value: Any) -> bool:
    """Whether a JSON value sent for a field is of a wrong type; what a lenient JSON mapping takes is not wrong.

    64-bit integers may be numbers or decimal strings, and enums their numbers, as in the JSON mapping of protocol
    buffers.
    """
    if not is_set(value):
        return False
    if isinstance(value, bool):
        return field.type != "boolean"
    if field.format in ("int64", "uint64"):
        return integer(value) is None
    if field.enum and isinstance(value, int):
        return False
    if field.type == "boolean" and isinstance(value, str | int):
        return str(value).strip().lower() not in BOOLEANS
    return not isinstance(value, JSON_TYPES[field.type])


def _client_fields() -> dict[str, list[Field]]:
    """The fields that a client may set, by the name that their rule has."""
    fields: dict[str, list[Field]] = {}
    for field in IMAGE_FIELDS:
        if field.set_by == "client":
            fields.setdefault(rule_name(field.path), []).append(field)
    return fields


for _name, _fields in _client_fields().items():

    def _wrong(view: RequestView, fields: list[Field] = _fields) -> bool:
        return any(wrong_type(field, value) for field in fields for value in values_at(view.body, field.path))

    RULES.add(
        request_rule(
            f"transport.wrong-type.{_name}",
            "conv",
            f"A JSON value of a wrong type for {_name} gets 400.",
            f"Fields > {_name}",
            f"The page lists {_name} as {listed_as(_fields)}; that a JSON value of another type gets 400 is the "
            "convention of Google's JSON APIs.",
            _wrong,
        )
    )


@RULES.rule(
    "transport.refuse-at-once",
    "conv",
    "A pure field fault is answered 400 at once, not by a failed operation.",
    "Response body",
    "When a fault of a field is found is left open; the real service answers 400 to it before there is an operation.",
)
def _refuse_at_once(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        if insert.outcome not in ("refused", "failed") or insert.original is not None or not for_the_fault(insert):
            continue
        broken = {
            name
            for name in insert.view.broken_rules
            if name.startswith(("image.", "encryption.", "transport.wrong-type."))
        }
        if broken:
            yield expect(
                insert.exchange.status == 400,
                "a fault of one field is not refused with 400 at once",
                insert.exchange,
                expected="HTTP 400",
                observed=f"HTTP {insert.exchange.status}"
                + (" and an operation that fails" if insert.outcome == "failed" else ""),
            )


KNOWN_BEYOND_REFERENCE = frozenset({"params"})
"""Fields of an image that the official discovery document has and the API reference does not."""


@RULES.rule(
    "transport.unknown-field",
    "conv",
    "An unknown body field is refused with 400 or ignored; it is never stored and echoed.",
    "Request body",
    "Fields beyond the listed ones are not spoken of; the real service seems to ignore them, and storing "
    "them would make up a contract.",
)
def _unknown_field(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        unknown = dict(_unknown(insert.body, ""))
        if not unknown or insert.original is not None:
            continue
        if insert.outcome in ("refused", "failed") and for_the_fault(insert):
            yield None
        for sighting in history.results(insert):
            echoed = [path for path, value in unknown.items() if value in list(values_at(sighting.value, path))]
            yield expect(
                not echoed,
                "an unknown field was stored and comes back",
                insert.exchange,
                sighting.exchange,
                expected="no such field",
                observed=echoed,
            )


_KNOWN = frozenset(rule_name(field.path) for field in IMAGE_FIELDS) | KNOWN_BEYOND_REFERENCE
_PARENTS = {name.rpartition(".")[0] for name in _KNOWN}
"""The fields that have fields themselves; an object that is sent for any other is of a wrong type."""
_MAPS = frozenset(rule_name(field.path) for field in IMAGE_FIELDS if field.type == "map")


def _unknown(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The fields of a body that the reference does not have, each with its path and value."""
    if not isinstance(value, dict) or rule_name(path) in _MAPS:
        return
    for key, part in value.items():
        here = f"{path}.{key}" if path else key
        if "." in key or "[" in key or "{" in key:
            continue
        if rule_name(here) not in _KNOWN:
            yield here, part
        elif rule_name(here) not in _PARENTS:
            continue
        elif isinstance(part, dict):
            yield from _unknown(part, here)
        elif isinstance(part, list):
            for item in part:
                yield from _unknown(item, f"{here}[]")
