"""An operation is followed by what addresses it; where nothing does, the image of the insert is watched."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.client.api import addresses
from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess

LINK = "https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-1"
RULE = "image.description.round-trip"


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        ({"name": "operation-1", "selfLink": LINK, "id": "7"}, ["operation-1", "7"]),
        ({"name": 17, "selfLink": LINK, "id": 7}, ["operation-1", "7"]),
        ({"name": "other", "selfLink": LINK}, ["other", "operation-1"]),
        ({"name": "..", "selfLink": 3}, []),
    ],
)
def test_what_an_operation_is_asked_for_by(operation: dict[str, Any], found: list[str]) -> None:
    assert list(addresses(operation)) == found


@pytest.mark.parametrize(
    "hidden", ["operation.type.name/number", "operation.name/not-kept", "operation.name/of-the-moment"]
)
def test_image_is_judged_where_its_operation_cannot_be_followed(hidden: str) -> None:
    with EmulatorProcess(faults=(hidden, f"{RULE}/normalised")) as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1)
        results = judge(settings, focus=(RULE,))
    assert results.verdicts[RULE] == "failed"
