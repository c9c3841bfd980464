"""Recordings in which much is repeated: what tells nothing new is left out, and what breaks a rule is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.recorded import Recorded, image

from conformance.trace.recording import Recording
from conformance.verdicts.verdict import Verdict

REPEATED = 40
SECONDS = 10.0
"""Between two lists."""


def listed(*, odd: dict[str, Any] | None = None, beside: int = 2) -> Recorded:
    """An image that is made, listed again and again beside others, `odd` in the midst of it, and got in the end."""
    told = Recorded().made()
    others = [image(number, creationTimestamp=image()["creationTimestamp"]) for number in range(5, 5 + beside)]
    for number in range(REPEATED):
        told.now += SECONDS
        told.list(odd if odd is not None and number == REPEATED // 2 else image(), *others)
    return told.get(image())


def longest(told: Recorded, folder: Path) -> int:
    """The exchanges of the longest story."""
    with Recording(told.written(folder)) as recording:
        return max(len(trace.exchanges) for trace in recording.traces())


def test_lists_that_show_the_same_tell_nothing_new_of_an_image(tmp_path: Path) -> None:
    assert longest(listed(), tmp_path) < REPEATED // 2
    assert listed().judged(tmp_path).summary.exit_status == 0


@pytest.mark.parametrize(
    ("odd", "rule"),
    [
        (image(id="77"), "image.id"),
        (image(diskSizeGb="11"), "life.model"),
        (image(kind="compute#disk"), "image.kind"),
        (image(9), "life.list-once"),
    ],
    ids=["another id", "another size", "another kind", "another image"],
)
def test_list_that_shows_something_else_is_noticed_among_many(odd: dict[str, Any], rule: str, tmp_path: Path) -> None:
    verdicts = {row.id: row.verdict for row in listed(odd=odd).judged(tmp_path).rules}
    assert verdicts[rule] in (Verdict.FAILED, Verdict.DEVIATES)


def test_each_list_is_judged_as_a_whole(tmp_path: Path) -> None:
    told = listed()
    in_the_midst = told.entries[len(told.entries) // 2]["response"]["content"]
    in_the_midst["text"] = in_the_midst["text"].replace("compute#imageList", "compute#imagesList")
    verdicts = {row.id: row.verdict for row in told.judged(tmp_path).rules}
    assert verdicts["life.list-kind"] in (Verdict.FAILED, Verdict.DEVIATES)
