"""Rounds: what several clients do with one image at the same moment, and what comes after."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

ACTIONS = ("insert", "label", "relabel", "deprecate", "delete", "get", "list", "pause")
"""What a move may be: `label` uses the fingerprint that everybody knows before the round, `relabel` looks for the
current one."""

WEIGHTS = (2, 4, 4, 4, 2, 3, 2, 2)
THREADS, MOVES, REQUESTS = 6, 4, 3
AFTERWARDS = 3


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a client; moves that are equal are one request, sent again."""

    action: str
    number: int = 1


Moves = tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What clients do, each its own moves; then one of them alone, step by step; `made` tells whether there is an
    image at first."""

    together: tuple[Moves, ...]
    afterwards: Moves
    made: bool = True


def _moves(text: str) -> Moves:
    """Moves from words such as `label` and `deprecate2`: the digit tells requests of one kind apart."""
    return tuple(
        Move(word.rstrip("123456789"), int(word.lstrip("abcdefghijklmnopqrstuvwxyz") or 1)) for word in text.split()
    )


def _round(*together: str, then: str, made: bool = True) -> Round:
    return Round(tuple(map(_moves, together)), _moves(then), made)


_LOOKS = "get pause list pause get pause list pause get"
_THRICE = "deprecate deprecate2 deprecate3"

DRILLS: tuple[Round, ...] = (
    _round("label", "deprecate", _LOOKS, then="deprecate2"),
    _round("label", "deprecate", _LOOKS, then="relabel2"),
    _round("label", "deprecate", _LOOKS, then="relabel2 deprecate2"),
    _round("label", "label2", "label3", "deprecate", _LOOKS, then="deprecate2"),
    _round("pause delete", "deprecate", "pause deprecate2", then="insert2 relabel"),
    _round("pause delete", "deprecate", "pause deprecate2", then="delete2 insert2 relabel"),
    _round("insert", "insert2", "insert3", "insert", then="get deprecate delete", made=False),
    _round("label", "deprecate", then="deprecate2 deprecate relabel2"),
)
"""The rounds in which each kind of change meets each other, and what one of them does to another cannot stay hidden.

Each ends with a change of something else, which is over when everybody looks.
"""


def drawn(chance: Random, count: int) -> list[Round]:
    """Random rounds."""

    def move() -> Move:
        return Move(chance.choices(ACTIONS, WEIGHTS)[0], chance.randint(1, REQUESTS))

    def moves(most: int) -> Moves:
        return tuple(move() for _ in range(chance.randint(1, most)))

    return [
        Round(tuple(moves(MOVES) for _ in range(THREADS)), moves(AFTERWARDS), chance.random() < 0.8)
        for _ in range(count)
    ]
