"""Values to put in the place of those that a target answered: other ones, ones of another type, and good ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS, Field
from conformance.trace.exchange import MUTATIONS, Exchange, Response, Trace
from conformance.trace.json_text import DIGITS_MAXIMUM
from conformance.verdicts.reproduction.leaves import Leaf, Place, leaves


def refusal(status: int) -> Response:
    """A refusal as the real service words it."""
    item = {"reason": "invalid", "message": "refused", "domain": "global"}
    body = {"error": {"code": status, "message": "refused", "errors": [item]}}
    return Response(status, {"content-type": "application/json; charset=UTF-8"}, json.dumps(body).encode())


ABSENT = b'{"kind": "compute#operation", "status": "DONE"}'

ERROR: dict[str, Any] = {"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "refused"}]}

_BY_FORMAT = {
    "int64": "10",
    "uint64": "1234567890123456789",
    "byte": "YWJjZGVmZ2g=",
    "uri": "https://www.googleapis.com/compute/beta/projects/p/global/images/one",
}
_BY_TYPE: dict[str, Any] = {"string": "text", "boolean": True, "integer": 100, "number": 1.5}
_BY_KEY: dict[str, tuple[Any, ...]] = {
    "status": ("DONE", "READY"),
    "kind": ("compute#operation", "compute#image", "compute#imageList"),
    "operationType": ("insert", "delete"),
    "progress": (0, 100),
    "code": ("ERROR", 400),
    "httpErrorStatusCode": (400,),
}

_RELATED = (("id", "targetId"), ("selfLink", "targetLink"))

_FIELDS_BY_KEY: dict[str, list[Field]] = {}
for _field in (*IMAGE_FIELDS, *OPERATION_FIELDS):
    _FIELDS_BY_KEY.setdefault(_field.path.rpartition(".")[2], []).append(_field)

LEAVES_MAXIMUM = 120
"""Leaves of one answer that are looked at: more has only a list of many images."""


def other_value(value: Any) -> Any:
    """Another value of the same type, which is no better than the one."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() if value.isdigit():
            return str(int(value) + 7)
        case str() if (moment := _time(value)) is not None:
            return (moment + timedelta(milliseconds=7)).isoformat(timespec="milliseconds")
        case str():
            return f"{value}x"
    return value


def comparable(one: Any, other: Any) -> bool:
    """Whether two values are both numbers, or both times, of which one may come before the other."""
    if isinstance(one, str) and isinstance(other, str):
        return _time(one) is not None and _time(other) is not None
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))


def beyond(good: Any, value: Any) -> Any:
    """A number or time on the other side of a good one than a value is, and as near to it as can be."""
    moment = _time(good)
    if moment is not None:
        step = timedelta(milliseconds=1 if str(value) < str(good) else -1)
        return (moment + step).isoformat(timespec="milliseconds")
    return good + (1 if value < good else -1)


def _time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else None


def retyped(value: Any) -> Any:
    """The same value with another JSON type."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < DIGITS_MAXIMUM else 7
    return json.dumps(value)


def sample(field: Field, exchange: Exchange) -> list[Any]:
    """Good values of a documented field in an answer."""
    if field.format == "date-time":
        return [datetime.fromtimestamp(exchange.sent, UTC).isoformat(timespec="milliseconds")]
    if field.format in _BY_FORMAT:
        return [_BY_FORMAT[field.format]]
    return [*field.enum] or [_BY_TYPE[field.type]] if field.type in _BY_TYPE else []


class Samples:
    """Good values for the answers of a trace.

    Args:
        trace: the trace.
        expected: what the rule says was expected.
        answers: the leaves of each answer, by number.
    """

    def __init__(self, trace: Trace, expected: str, answers: Mapping[int, Sequence[Leaf]]) -> None:
        self._sent = [
            leaf for item in trace.exchanges if item.method in MUTATIONS for leaf in leaves(item.request.body)
        ]
        self._expected = list(_scalars(expected))
        self._answered: dict[str, list[Any]] = {}
        for exchange in trace.exchanges:
            for leaf in answers[exchange.number][:LEAVES_MAXIMUM] if exchange.answered else ():
                values = self._answered.setdefault(leaf.key, [])
                if leaf.value not in values:
                    values.append(leaf.value)

    def good(self, exchange: Exchange, leaf: Leaf) -> Iterator[Any]:
        """Values that a correct target might have answered in the place of a leaf, the likeliest first."""
        seen = {leaf.token}
        for value in self._good(exchange, leaf):
            token = json.dumps(value, ensure_ascii=False)
            if token not in seen:
                seen.add(token)
                yield value

    def _good(self, exchange: Exchange, leaf: Leaf) -> Iterator[Any]:
        yield from _BY_KEY.get(leaf.key, ())
        yield from (other.value for other in self._sent if leaf.path.endswith(other.path))
        for key in next((keys for keys in _RELATED if leaf.key in keys), (leaf.key,)):
            yield from self._answered.get(key, ())
        yield from self._expected
        for field in _FIELDS_BY_KEY.get(leaf.key, ()):
            yield from sample(field, exchange)


def _scalars(text: str) -> Iterator[Any]:
    """The values in what a breach says of what was expected."""
    found = leaves(text.encode())
    yield from (leaf.value for leaf in found)
    if not found and text:
        yield text


def missing_parts(
    trace: Trace, exchange: Exchange, value: dict[str, Any], expected: str
) -> Iterator[tuple[Place, Any, bool]]:
    """Parts that an answer lacks and a correct target might have given.

    Args:
        trace: the trace.
        exchange: the exchange.
        value: its answer.
        expected: what the rule says was expected.

    Yields:
        Where, what, and whether it must be that very value.
    """
    for place, image in _images(exchange, value):
        for body in _bodies(trace):
            yield from (((*place, key), part, True) for key, part in body.items() if image.get(key) != part)
    others = [other.resource for other in trace.exchanges if other.resource is not None]
    for other in others:
        if other.get("kind") == value.get("kind"):
            yield from (((key,), part, False) for key, part in other.items() if key not in value)
    yield from _missing_items(exchange, value, others)
    error = value.get("error")
    if "error" not in value:
        yield ("error",), ERROR, False
    elif isinstance(error, dict) and not exchange.answered:
        proper = json.loads(refusal(exchange.status).body)["error"]
        yield from ((("error", key), part, False) for key, part in proper.items() if key not in error)
    if "warnings" not in value:
        yield ("warnings",), [{"code": "DEPRECATED_RESOURCE_USED", "message": expected, "data": []}], False
    yield from _missing_words(value)
    for field in (*IMAGE_FIELDS, *OPERATION_FIELDS):
        if field.path not in value and field.path.isalnum():
            good = _BY_KEY.get(field.path, sample(field, exchange)[:1])
            yield from (((field.path,), part, False) for part in (*good, *_scalars(expected)))


def _bodies(trace: Trace) -> Iterator[dict[str, Any]]:
    """The images that were sent, whole or in part."""
    for exchange in trace.exchanges:
        body = exchange.request.json
        if exchange.method in MUTATIONS and isinstance(body, dict):
            yield {"deprecated": body} if exchange.method == "images.deprecate" else body


def _images(exchange: Exchange, value: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The images in an answer, each with its place."""
    if exchange.method in ("images.get", "images.getFromFamily"):
        yield (), value
    items = value.get("items")
    if exchange.method == "images.list" and isinstance(items, list):
        yield from ((("items", number), item) for number, item in enumerate(items) if isinstance(item, dict))


def _missing_items(
    exchange: Exchange, value: dict[str, Any], others: Iterable[dict[str, Any]]
) -> Iterator[tuple[Place, Any, bool]]:
    """The images that a list lacks."""
    items = value.get("items", [])
    if not exchange.method.endswith(".list") or not isinstance(items, list):
        return
    for image in others:
        if image.get("kind") == "compute#image":
            named = {"name": image.get("name"), **image}
            yield (("items", len(items)), named, True) if items else (("items",), [named], True)


def _missing_words(value: dict[str, Any]) -> Iterator[tuple[Place, Any, bool]]:
    """The codes and messages that errors and warnings lack."""
    error = value.get("error")
    lists: dict[Place, Any] = {
        ("error", "errors"): error.get("errors") if isinstance(error, dict) else None,
        ("warnings",): value.get("warnings"),
    }
    for place, items in lists.items():
        for number, item in enumerate(items if isinstance(items, list) else ()):
            for key in ("code", "message"):
                if isinstance(item, dict) and key not in item:
                    yield (*place, number, key), "REFUSED", False
