"""Partial answers: the standard parameter `fields`, as in `kind,items(name,labels/env)`."""

from __future__ import annotations

import re
from typing import Any

_PART = re.compile(r"[(),/]|[^(),/\s]+")


def selected(value: Any, expression: str) -> Any:
    """What is left of an answer of which some fields are asked for only; "" asks for all."""
    tree: dict[str, Any] = {}
    outer, here = [tree], tree
    for part in _PART.findall(expression):
        if part == "(":
            outer.append(here)
        elif part in (",", ")"):
            outer = outer[:-1] or outer if part == ")" else outer
            here = outer[-1]
        elif part != "/":
            here = here.setdefault(part, {})
    return _kept(value, tree)


def _kept(value: Any, tree: dict[str, Any]) -> Any:
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [_kept(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _kept(inner, tree[name]) for name, inner in value.items() if name in tree}
