"""Recordings in pairs: requests that came to nothing, and what they were to do is done all the same, or not."""

from __future__ import annotations

from typing import Any

from helpers.pairs import Pair, Told, both_ways
from helpers.recorded import DISK, EXISTS, NO_LABELS, NOT_FOUND, RATE, Recorded, at, error, image

FORBIDDEN = error(403, "forbidden")
OLD: dict[str, Any] = {"creationTimestamp": at(-9000), "description": "old"}
LABELS: dict[str, Any] = {"labels": {"a": "1"}, "labelFingerprint": "aB3dE6gH9jK="}


def turned_away(code: int, answer: Any, born: float) -> Told:
    """An insert that is refused for a free name, and an image of the name that was made so many seconds later."""

    def tell(t: Recorded) -> Recorded:
        t.get(NOT_FOUND, 404).insert(answer=answer, code=code)
        made = image(creationTimestamp=at(t.now + born))
        t.now += born
        return t.get(made, wait=10)

    return tell


def refused(verb: str, body: dict[str, Any], answer: Any, status: int, **shown: Any) -> Told:
    """A change of an old image that is refused, and what the image shows then."""
    return lambda t: t.get(image(**OLD)).act(verb, body, status=status, answer=answer).get(image(**{**OLD, **shown}))


def not_deleted(*looks: Any) -> Told:
    """A delete that is refused, and looks at the image then."""

    def tell(t: Recorded) -> Recorded:
        t.get(image(**OLD)).delete(status=403, answer=FORBIDDEN)
        for shown in looks:
            t.get(shown, 404 if shown is NOT_FOUND else 200)
        return t

    return tell


def taken(**shown: Any) -> Told:
    """An insert of a name that an old image has, and what that image shows then."""
    return lambda t: (
        t.get(image(**OLD))
        .insert(answer=EXISTS, code=409, description="new", sourceDisk=DISK)
        .get(image(**{**OLD, **shown}))
    )


SET_LABELS: tuple[str, dict[str, Any]] = ("setLabels", {"labels": LABELS["labels"], "labelFingerprint": NO_LABELS})
DEPRECATED: dict[str, Any] = {"state": "DEPRECATED"}

PAIRS: tuple[Pair, ...] = (
    (
        "an insert that is refused",
        "life.failed-*",
        turned_away(400, error(400, "invalid"), 600),
        turned_away(400, error(400, "invalid"), 0),
    ),
    ("an insert by one who may not", "life.failed-*", turned_away(403, FORBIDDEN, 20), turned_away(403, FORBIDDEN, 0)),
    ("an insert of a taken name", "image.name.unique", taken(), taken(description="new")),
    (
        "labels beyond the rate",
        "life.model",
        refused(*SET_LABELS, RATE, 403),
        refused(*SET_LABELS, RATE, 403, **LABELS),
    ),
    (
        "a deprecation by one who may not",
        "life.model",
        refused("deprecate", DEPRECATED, FORBIDDEN, 403),
        refused("deprecate", DEPRECATED, FORBIDDEN, 403, deprecated=DEPRECATED),
    ),
    ("a delete by one who may not", "life.model", not_deleted(image(**OLD)), not_deleted(NOT_FOUND, NOT_FOUND)),
    ("a delete that another follows", "life.model", not_deleted(image(**OLD), NOT_FOUND), not_deleted(NOT_FOUND)),
)

test_ordinary_one_is_no_breach, test_other_one_is_a_breach = both_ways(PAIRS)
