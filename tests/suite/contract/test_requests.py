"""What a request may say, and what becomes of it: on hand-written traces."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import Story, image, operation, refusal

from conformance.trace.exchange import Intent

KELVIN = "\u212a"
"""A letter beyond ASCII whose lower case is the k of ASCII."""


@pytest.mark.parametrize(
    ("family", "verdict"),
    [
        ("kin", "silent"),
        ("k" * 63, "silent"),
        ("k" * 64, "broken"),
        ("Kin", "deviates"),
        ("K" * 63, "deviates"),
        ("K" * 64, "broken"),
        ("kin_", "broken"),
        ("Kin_", "broken"),
        (f"{KELVIN}in", "broken"),
    ],
)
def test_family(family: str, verdict: str) -> None:
    """That capitals are refused is a convention; all else the reference says."""
    taken = Story().insert(operation("PENDING"), family=family).poll(operation()).get(image(family=family))
    assert taken.verdict("image.family.pattern") == verdict
    refused = Story().insert(refusal(400, "invalid"), code=400, family=family)
    assert refused.verdict("image.family.pattern") == ("silent" if verdict == "silent" else "kept")


NAME = "conformance-0123abcd-one"


def inserted(name: str, project: str = "p") -> Story:
    """An earlier insert, whatever became of it."""
    return Story().within(project).insert(operation("PENDING"), request_id=None, name=name).within("p")


@pytest.mark.parametrize(
    ("story", "name", "excused"),
    [
        (Story, NAME, False),
        (Story, "one", True),
        (lambda: inserted(NAME), NAME, True),
        (lambda: inserted(NAME, "q"), NAME, False),
        (lambda: inserted(f"{NAME}-b"), NAME, False),
    ],
)
def test_conflict_with_a_name_that_nobody_had(story: Any, name: str, excused: bool) -> None:
    """The names that the suite gives are fresh, so that a conflict with nothing is a refusal."""
    intent = Intent(valid=True, rules=("life.insert",))
    told = story().insert(refusal(409, "alreadyExists"), code=409, intent=intent, name=name)
    assert told.verdict("life.insert") == ("silent" if excused else "broken")
