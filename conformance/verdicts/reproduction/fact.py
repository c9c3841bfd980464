"""A fact about an answer: something so simple that a script without a JSON library can check it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Relation = Literal["is", "has", "typed", "shaped", "same", "differs", "less", "far", "distinct"]

_VOLATILE = re.compile(r"\d{7,}|\d{4}-\d\d-\d\dT|[Ff]ingerprint|sha256")


@dataclass(frozen=True)
class Fact:
    """Something that holds of the answers of a replay.

    `is`: the leaf at `path` of answer `number` has the JSON text `token`, in at least `times` places. `has`: there is
    one, in so many places. `typed`, `shaped`: it has the JSON type, or the shape, `token`. `same`: it equals `other`,
    a number and a path. `differs`: both are there and are not equal. `less`: it comes before `other`. `far`: it is a
    time far from now. `distinct`: the leaves at the path are not all equal. With `holds` False it is the contrary.
    With `race` the answer is all those of the race that begins with `number`.
    """

    relation: Relation
    number: int
    path: str
    token: str = ""
    other: tuple[int, str] | None = None
    holds: bool = True
    times: int = 1
    race: bool = False


def seen(fact: Fact, answers: Mapping[int, Sequence[tuple[str, str]]]) -> bool:
    """Whether a fact is seen in answers, as far as that is a matter of which texts stand where.

    Args:
        fact: the fact.
        answers: the leaves of each answer, by number: path and JSON text.
    """

    def tokens(number: int, path: str) -> list[str]:
        return [token for at, token in answers.get(number, ()) if at == path]

    found = tokens(fact.number, fact.path)
    others = tokens(*fact.other) if fact.other else []
    match fact.relation:
        case _ if fact.race or fact.path.startswith(":"):
            return True
        case "is":
            holds = found.count(fact.token) >= fact.times
        case "has":
            holds = len(found) >= fact.times
        case "same":
            holds = not set(found).isdisjoint(others)
        case "differs":
            holds = bool(found and others) and set(found).isdisjoint(others)
        case _:
            return True
    return holds is fact.holds


def volatile(path: str, token: str) -> bool:
    """Whether a target makes up a value itself, and another one in every replay."""
    return _VOLATILE.search(f"{path} {token}") is not None


def shape(token: str) -> str:
    """A JSON text with each number as `9` and each word as `w`, as two values of one format have it in common."""
    return re.sub(r"[0-9]+", "9", re.sub(r"[A-Za-z0-9+/]*[A-Za-z][A-Za-z0-9+/]*", "w", token))


def json_type(value: Any) -> str:
    """What JSON calls the type of a text, number or boolean."""
    names: dict[type, str] = {str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "other")
