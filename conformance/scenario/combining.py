"""Several inserts in one, where each is dear: what they ask for is asked for at once, as far as it does not
conflict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import SOURCE_FIELDS

DEFAULT = InsertRequest()
PARTS = tuple(field.name for field in fields(InsertRequest) if field.name not in ("body", "note"))
SOURCES = (*SOURCE_FIELDS.values(), "rawDisk")
MERGED = frozenset({"deprecated", "rolloutOverride", "shieldedInstanceInitialState", "rawDisk"})
"""Objects whose parts may come from several inserts; all others are values of their own."""


@dataclass(frozen=True)
class Wish:
    """An insert, or a part of one.

    Args:
        request: what is asked for; without a source where any source will do.
        rule: the rule that says that it has to be accepted; "" where a target may refuse it.
    """

    request: InsertRequest
    rule: str = ""


def parties(wanted: Sequence[Wish], welcome: Sequence[Wish] = ()) -> list[list[Wish]]:
    """The wishes, those together that can be sent as one.

    Args:
        wanted: those that have to be sent.
        welcome: those that are sent too where they fit in with others.
    """
    wishes = [*wanted, *welcome]
    found = groups([wish.request for wish in wishes])
    return [[wishes[place] for place in places] for places in found if places[0] < len(wanted)]


def without(plain: Mapping[str, Any], request: InsertRequest) -> InsertRequest:
    """A request that leaves the source open, where it named the same as every plain one."""
    return request.replace(
        body={key: value for key, value in request.body.items() if (key, value) not in plain.items()}
    )


class Conflict(Exception):  # noqa: N818 - it is found out, and no error
    """Two inserts that want something different of the same part of a request."""


def groups(requests: Iterable[InsertRequest]) -> list[list[int]]:
    """The places of the requests, those together that can be sent as one; each goes into the first group that will
    have it.

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
    named = [{key for key in SOURCES if key in request.body} for request in (one, two)]
    if all(named) and named[0] != named[1]:
        raise Conflict
    return one.replace(body=_merged(one.body, two.body), **changes)


def _merged(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    """Both objects in one."""
    result = dict(one)
    for key, value in two.items():
        if key in MERGED and isinstance(result.get(key), Mapping) and isinstance(value, Mapping):
            result[key] = _merged(result[key], value)
        elif result.setdefault(key, value) != value:
            raise Conflict
    return result
