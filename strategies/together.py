"""Several inserts in one, where each is dear: what they ask for is asked for at once, as far as it does not conflict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import reduce
from typing import Any

from strategies.bodies import SOURCE_FIELDS
from strategies.insert import InsertRequest

DEFAULT = InsertRequest()
PARTS = tuple(field.name for field in fields(InsertRequest) if field.name not in ("body", "note"))
SOURCES = (*SOURCE_FIELDS.values(), "rawDisk")


class Conflict(Exception):  # noqa: N818 - it is found out, and no error
    """Two inserts that want something different of the same part of a request."""


def groups(requests: Iterable[InsertRequest]) -> list[list[int]]:
    """The places of the requests, those together that can be sent as one; each goes into the first group that will have it.

    Args:
        requests: the requests.
    """
    found: list[list[int]] = []
    whole: list[InsertRequest] = []
    for place, request in enumerate(requests):
        for number, other in enumerate(whole):
            try:
                whole[number] = _both(other, request)
            except Conflict:
                continue
            found[number].append(place)
            break
        else:
            found.append([place])
            whole.append(request)
    return found


def combined(requests: Sequence[InsertRequest]) -> InsertRequest:
    """One request that asks for what each of them asks for.

    Args:
        requests: a group of them.

    Raises:
        Conflict: they are no group.
    """
    return reduce(_both, requests)


def _both(one: InsertRequest, two: InsertRequest) -> InsertRequest:
    changes: dict[str, Any] = {}
    for part in PARTS:
        here, there, usual = (getattr(request, part) for request in (one, two, DEFAULT))
        if usual not in (here, there) and here != there:
            raise Conflict
        changes[part] = there if here == usual else here
    if [key for key in SOURCES if key in one.body] != [key for key in SOURCES if key in two.body]:
        raise Conflict
    return one.replace(body=_merged(one.body, two.body), **changes)


def _merged(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    """Both objects in one, and so on within them."""
    result = dict(one)
    for key, value in two.items():
        if isinstance(result.get(key), Mapping) and isinstance(value, Mapping):
            result[key] = _merged(result[key], value)
        elif result.setdefault(key, value) != value:
            raise Conflict
    return result
