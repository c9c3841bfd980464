"""What traffic has shown of the API, and what not: methods, fields of requests, values of enums, statuses, turns of
operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS, Field, rule_name
from conformance.trace.exchange import METHODS, MUTATIONS, Exchange, Trace

STATUSES = ("200", "400", "401", "403", "404", "409", "412", "429", "503")
"""What a client has to reckon with."""

TRANSITIONS = ("PENDING → RUNNING", "PENDING → DONE", "RUNNING → DONE", "DONE with an error")

_SENT = tuple(field for field in IMAGE_FIELDS if field.set_by == "client")
_ANSWERED = tuple(field for field in IMAGE_FIELDS if field.set_by == "server" and field.enum)
_STATES = tuple(field for field in OPERATION_FIELDS if field.enum)


def _values(fields: tuple[Field, ...], prefix: str = "") -> tuple[str, ...]:
    named = ((f"{prefix}{rule_name(field.path)}", value) for field in fields for value in field.enum)
    return tuple(f"{name}={value}" for name, value in named)


DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "method": METHODS,
    "request": tuple(dict.fromkeys(rule_name(field.path) for field in _SENT)),
    "enum": (*_values(_SENT), *_values(_ANSWERED), *_values(_STATES, "operation.")),
    "status": STATUSES,
    "transition": TRANSITIONS,
}
"""All that there is to show, by its kind: `request` are the fields that a client may set of an image."""


class Coverage:
    """Counts what traffic shows; it is told one trace after the other."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {dimension: Counter() for dimension in DIMENSIONS}

    def add(self, trace: Trace) -> None:
        """Counts what a trace shows."""
        states: dict[tuple[str, str], str] = {}
        for exchange in trace.exchanges:
            if exchange.route is None:
                continue
            self.counts["method"][exchange.method] += 1
            self.counts["status"][str(exchange.status)] += 1
            if exchange.method in ("images.insert", "images.patch"):
                self._see(_SENT, exchange.request.json, sent=True)
            for resource in _resources(exchange):
                if exchange.method not in MUTATIONS and not exchange.method.startswith("globalOperations."):
                    self._see(_ANSWERED, resource)
                    continue
                self._see(_STATES, resource, "operation.")
                name, status = str(resource.get("name")), str(resource.get("status"))
                before = states.get((exchange.route.project, name), "")
                self.counts["transition"][f"{before} → {status}"] += 1
                if status == "DONE" and resource.get("error") and before != "DONE":
                    self.counts["transition"]["DONE with an error"] += 1
                states[exchange.route.project, name] = status

    def shown(self, dimension: str) -> list[str]:
        """What was shown of what there is to show."""
        return [item for item in DIMENSIONS[dimension] if self.counts[dimension][item]]

    def missing(self, dimension: str) -> list[str]:
        """What was not."""
        return [item for item in DIMENSIONS[dimension] if not self.counts[dimension][item]]

    def _see(self, fields: tuple[Field, ...], resource: Any, prefix: str = "", *, sent: bool = False) -> None:
        for field in fields:
            name = rule_name(field.path)
            values = list(_at(resource, field.path.replace("[]", ".[]").replace("{}", ".{}").split(".")))
            if values and sent:
                self.counts["request"][name] += 1
            self.counts["enum"].update(
                f"{prefix}{name}={value}" for value in values if isinstance(value, str) and field.enum
            )


def _resources(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """The images and operations that an answer shows."""
    if exchange.method.endswith(".list"):
        yield from exchange.items
    elif exchange.resource is not None:
        yield exchange.resource


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    """What stands at a path of a JSON value, however often."""
    if not path:
        yield value
        return
    first, *rest = path
    match first, value:
        case "[]", list():
            parts = value
        case "{}", dict():
            parts = list(value.values())
        case _, dict() if first in value:
            parts = [value[first]]
        case _:
            parts = []
    for part in parts:
        yield from _at(part, rest)
