"""What traffic has shown of the API is counted, and what not."""

from __future__ import annotations

from helpers.story import Story, image, operation, refusal

from conformance.contract.coverage import DIMENSIONS, Coverage
from conformance.trace.exchange import Trace


def shown(*stories: Story) -> dict[str, list[str]]:
    coverage = Coverage()
    for story in stories:
        coverage.add(story.trace())
    return {dimension: coverage.shown(dimension) for dimension in DIMENSIONS}


def test_methods_statuses_and_fields() -> None:
    story = Story().insert(operation(), labels={"a": "b"}, rawDisk={"source": "s", "containerType": "TAR"})
    found = shown(story, Story().get(image()), Story().get(refusal(404, "notFound"), status=404))
    assert found["method"] == ["images.insert", "images.get"]
    assert found["status"] == ["200", "404"]
    assert found["request"] == ["name", "rawDisk", "rawDisk.source", "rawDisk.containerType", "labels", "sourceImage"]
    assert found["enum"] == ["rawDisk.containerType=TAR", "status=READY", "operation.status=DONE"]


def test_values_within_lists_count_and_unknown_ones_do_not() -> None:
    features = [{"type": "GVNIC"}, {"type": "NEW"}, "GVNIC", None]
    found = shown(Story().insert(operation(), guestOsFeatures=features, architecture="X86_64", unknown=1))
    assert found["request"] == ["name", "guestOsFeatures", "guestOsFeatures.type", "sourceImage", "architecture"]
    assert found["enum"] == ["guestOsFeatures.type=GVNIC", "architecture=X86_64", "operation.status=DONE"]


def test_turns_of_operations() -> None:
    error = {"errors": [{"code": "INVALID"}]}
    calm = Story().insert(operation("PENDING")).poll(operation("RUNNING")).poll(operation("RUNNING"))
    assert shown(calm)["transition"] == ["PENDING → RUNNING"]
    assert shown(calm.poll(operation()))["transition"] == ["PENDING → RUNNING", "RUNNING → DONE"]
    failed = Story().insert(operation("PENDING")).poll(operation(error=error))
    assert shown(failed)["transition"] == ["PENDING → DONE", "DONE with an error"]


def test_what_is_not_shown_is_missing() -> None:
    coverage = Coverage()
    coverage.add(Trace(()))
    assert {dimension: tuple(coverage.missing(dimension)) for dimension in DIMENSIONS} == dict(DIMENSIONS)
