"""A JSON text as its leaves: the form in which a script without a JSON library can look at an answer."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any

from conformance.trace.json_text import NOT_JSON, parse_json

Place = tuple[str | int, ...]

_TOKEN = re.compile(r'[{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+')


@dataclass(frozen=True)
class Leaf:
    """One text, number or boolean of a JSON value.

    Args:
        path: where it stands, without the numbers of list items: `.items[].name`.
        place: the same as keys and indices.
        token: the JSON text of the leaf, as it was sent.
    """

    path: str
    place: Place
    token: str

    @property
    def value(self) -> Any:
        """The leaf as a Python value."""
        return parse_json(self.token.encode())

    @property
    def key(self) -> str:
        """The name of the field that holds it."""
        return next((part for part in reversed(self.place) if isinstance(part, str)), "")


def leaves(body: bytes | None) -> list[Leaf]:
    """The leaves of a JSON text in order, without nulls; none where it is no JSON."""
    if parse_json(body) is NOT_JSON:
        return []
    found: list[Leaf] = []
    stack: list[str | int] = []
    key_next = False
    for token in _TOKEN.findall((body or b"").decode("utf-8-sig")):
        match token:
            case "{":
                stack.append("")
                key_next = True
            case "[":
                stack.append(0)
                key_next = False
            case "}" | "]":
                stack.pop()
            case ",":
                last = stack[-1]
                stack[-1] = last + 1 if isinstance(last, int) else last
                key_next = isinstance(last, str)
            case ":":
                key_next = False
            case _ if key_next:
                stack[-1] = parse_json(token.encode())
            case "null":
                pass
            case _:
                found.append(Leaf(_path(stack), tuple(stack), token))
    return found


def _path(place: list[str | int]) -> str:
    return "".join(
        "[]" if isinstance(part, int) else f".{json.dumps(part, ensure_ascii=False)[1:-1]}" for part in place
    )


def changed(value: Any, place: Place, new: Any) -> Any:
    """A copy of a JSON value with another value at a place; the rest is shared with the original."""
    result, parent = _copied(value, place)
    if isinstance(parent, list) and place[-1] == len(parent):
        parent.append(new)
    else:
        parent[place[-1]] = new
    return result


def without(value: Any, place: Place) -> Any:
    """A copy of a JSON value that lacks what stands at a place; the rest is shared with the original."""
    result, parent = _copied(value, place)
    del parent[place[-1]]
    return result


def _copied(value: Any, place: Place) -> tuple[Any, Any]:
    """A JSON value copied along the way to a place, and the list or object in the copy that holds the place."""
    result = parent = copy.copy(value)
    for part in place[:-1]:
        parent[part] = copy.copy(parent[part])
        parent = parent[part]
    return result, parent
