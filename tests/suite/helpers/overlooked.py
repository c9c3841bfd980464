"""Recordings with a breach that is easily overlooked, told step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from helpers.pairs import Told, assert_breach
from helpers.recorded import FINGERPRINTS, PROJECT, Recorded, image, operation

Row = tuple[str, Told, str]
"""What is wrong, the recording, and the rule (or a glob of rules) that it breaks."""

IMAGE = f"projects/{PROJECT}/global/images/image-1"
OLD, NEW = {"a": "1"}, {"b": "2"}
OTHER = operation(7)
LABELLED = image(labels=NEW, labelFingerprint=FINGERPRINTS[0])


def copied(field: str, sent: str, came: str, identifier: str | None) -> Told:
    """Image 2 made from a source that is named in one form and comes back in another."""
    source: dict[str, Any] = {"sourceDisk": None, "sourceDiskId": None, field: came, f"{field}Id": identifier}
    return lambda t: t.made(2, image(2, **source), **{"sourceDisk": None, field: sent})


def then(*steps: Told) -> Told:
    """One step after the other."""

    def tell(told: Recorded) -> Recorded:
        for step in steps:
            told = step(told)
        return told

    return tell


def noticed(*groups: Sequence[Row]) -> Callable[[Told, str, Path], None]:
    """The test of a module of such recordings: that each breach is noticed, by the rule that it breaks."""

    @pytest.mark.parametrize(
        ("told", "rule"), [pytest.param(told, rule, id=name) for rows in groups for name, told, rule in rows]
    )
    def test_breach_is_noticed(told: Told, rule: str, tmp_path: Path) -> None:
        assert_breach(rule, told, tmp_path)

    return test_breach_is_noticed
