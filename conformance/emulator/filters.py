"""Filters and pages of lists."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any

from conformance.emulator.errors import ApiError

PAGE_MAXIMUM = 500

Key = tuple[float, str]
"""What a list is ordered by: a number, and where that is the same a text."""

_AND, _OR = re.compile(r"\s+AND\s+|(?<=\))\s*(?=\()"), re.compile(r"\s+OR\s+")
_TERM = re.compile(r'\(?\s*([A-Za-z_][\w.-]*)\s*(=|!=|eq|ne|:)\s*(?:"([^"]*)"|(\S*?))\s*\)?')


def matches(resource: dict[str, Any], expression: str) -> bool:
    """Whether a resource passes a filter: comparisons, joined by AND or side by side in parentheses; OR binds more
    tightly.

    Raises:
        ApiError: the filter is none.
    """
    if not expression.strip():
        return True
    return all(
        any(_matches_term(resource, term) for term in _OR.split(either)) for either in _AND.split(expression.strip())
    )


def _matches_term(resource: dict[str, Any], term: str) -> bool:
    found = _TERM.fullmatch(term.strip())
    if found is None:
        raise ApiError(400, "invalid", f"Invalid value for field 'filter': '{term}'. Invalid list filter expression.")
    path, operator = found[1], found[2]
    wanted = found[3] if found[3] is not None else found[4]
    value: Any = resource
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    text = "" if value is None else str(value)
    if operator in ("eq", "ne"):
        return bool(re.fullmatch(re.escape(wanted).replace(r"\.\*", ".*"), text)) == (operator == "eq")
    if operator == ":":
        return (wanted == "*" and value is not None) or (wanted != "*" and wanted in text)
    return (text == wanted) == (operator == "=")


def page(
    entries: Sequence[tuple[Key, dict[str, Any]]], query: dict[str, str], *, by_place: bool = False
) -> tuple[list[dict[str, Any]], str]:
    """One page of a list, and the token of the next ("" after the last), which names the last entry of this one.

    Args:
        entries: what is listed, each with the key by which it is ordered.
        query: the parameters of the request.
        by_place: whether a token counts the entries before it instead.

    Raises:
        ApiError: maxResults or pageToken is none.
    """
    size = query.get("maxResults") or str(PAGE_MAXIMUM)
    if not size.isdecimal():
        raise ApiError(400, "invalid", f"Invalid value for field 'maxResults': '{size}'.")
    ordered = sorted(entries, key=lambda entry: entry[0])
    start = 0
    if query.get("pageToken"):
        try:
            last = json.loads(base64.b64decode(query["pageToken"], b"-_", validate=True))
            start = int(last) if by_place else sum(key <= _key(last) for key, _ in ordered)
        except (ValueError, TypeError):
            raise ApiError(400, "invalid", "Invalid value for field 'pageToken'.") from None
    end = start + min(int(size) or PAGE_MAXIMUM, PAGE_MAXIMUM)
    items = [item for _, item in ordered[start:end]]
    if end >= len(ordered):
        return items, ""
    mark = json.dumps(end if by_place else ordered[end - 1][0])
    return items, base64.urlsafe_b64encode(mark.encode()).decode()


def _key(value: Any) -> Key:
    number, text = value
    return number, text
