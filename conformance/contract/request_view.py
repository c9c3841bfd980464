"""A request part by part, so that rules need not care what a broken one lacks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from conformance.trace.exchange import Exchange, Request
from conformance.trace.json_text import NOT_JSON

if TYPE_CHECKING:
    from conformance.contract.rule import Broken

BOOLEANS = frozenset({"", "true", "false", "1", "0", "t", "f", "yes", "no", "y", "n", "on", "off"})
"""Texts, in lower case, that a lenient reader takes for a boolean."""


@dataclass(frozen=True, eq=False)
class RequestView:
    """The parts of a request that rules look at; every part is empty where it is absent or of another type."""

    exchange: Exchange

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent."""
        body = self.exchange.request.json
        return body if isinstance(body, dict) else {}

    @cached_property
    def is_object(self) -> bool:
        """Whether the body is a JSON object at all."""
        return isinstance(self.exchange.request.json, dict)

    def parameter(self, name: str) -> str:
        """The first value of a query parameter; "" without one."""
        return self.exchange.request.query.get(name, [""])[0]

    def text(self, *path: str) -> str:
        """The text at a path of nested objects; "" where there is none."""
        value: Any = self.body
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else ""

    def part(self, name: str) -> dict[str, Any]:
        """The object at a key of the body."""
        value = self.body.get(name)
        return value if isinstance(value, dict) else {}

    def items(self, name: str, within: str = "") -> list[Any]:
        """The list at a key of the body, or of the object `within` it."""
        value = (self.part(within) if within else self.body).get(name)
        return value if isinstance(value, list) else []

    @cached_property
    def labels(self) -> dict[str, Any]:
        """The labels that an insert or a setLabels sends."""
        return self.part("labels")

    @cached_property
    def deprecation(self) -> dict[str, Any]:
        """The deprecation status that an insert or a deprecate sends."""
        return self.body if self.exchange.method == "images.deprecate" else self.part("deprecated")

    @cached_property
    def broken_rules(self) -> frozenset[str]:
        """The rules that the request breaks by what it says, whatever the target answers."""
        request = self.exchange.request
        return _broken_rules(request.verb, request.url, tuple(request.headers.items()), request.body)

    @property
    def encoded(self) -> bool:
        """Whether the body is compressed: then it is something else than what it stands for."""
        return any(name.lower() == "content-encoding" for name in self.exchange.request.headers)

    @cached_property
    def malformed(self) -> bool:
        """Whether the body is certainly no JSON: what merely overflows a parser is not judged."""
        body = self.exchange.request.body
        if not body or self.exchange.request.json is not NOT_JSON or self.encoded:
            return False
        constants: list[str] = []
        try:
            json.loads(body, parse_constant=constants.append)
        except (json.JSONDecodeError, UnicodeDecodeError):
            return True
        except (ValueError, RecursionError):
            return False
        return bool(constants)  # NaN and its like are no JSON; what is merely nested deep is


@lru_cache(maxsize=1024)
def _broken_rules(verb: str, url: str, headers: tuple[tuple[str, str], ...], body: bytes | None) -> frozenset[str]:
    """The rules that a request breaks: remembered, since a trace is read again and again to find out why a rule is
    broken."""
    view = RequestView(Exchange(0, Request(verb, url, dict(headers), body)))
    return frozenset(id for id, broken in _breakable(view.exchange.method) if broken(view))


@cache
def _breakable(method: str) -> tuple[tuple[str, Broken], ...]:
    """The rules that a request of a method can break by what it says, and what tells that it does."""
    from conformance.contract import catalogue  # noqa: PLC0415 - rules read requests, and requests are read by rules

    return tuple((rule.id, rule.broken) for rule in catalogue().values() if rule.broken and method in rule.methods)
