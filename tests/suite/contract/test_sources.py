"""What images are made from: on hand-written traces."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import Story, image, operation, refusal

from conformance.contract import catalogue
from conformance.trace.exchange import Intent
from conformance.verdicts.ledger import Ledger

RULE = "source.image.not-ready"
COPY: dict[str, Any] = {
    "id": "1002",
    "name": "operation-2",
    "targetId": "2002",
    "targetLink": "https://www.googleapis.com/compute/beta/projects/p/global/images/two",
    "selfLink": "https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-2",
    "clientOperationId": None,
}


def copied(answer: dict[str, Any], code: int = 200) -> Story:
    """An image that is PENDING, and an insert of another from it."""
    story = Story().insert(operation("PENDING")).get(image(status="PENDING"))
    source = "projects/p/global/images/one"
    intent = Intent(valid=False, rules=(RULE,))
    return story.insert(answer, code=code, request_id=None, intent=intent, name="two", sourceImage=source)


def deviations(story: Story, rule: str = RULE) -> list[bool]:
    """The breaches of the rule, each with whether it is a mere deviation."""
    return [breach.deviation for _, breach in Ledger({rule: catalogue()[rule]}).judge(story.trace())]


def shown(story: Story) -> Story:
    return story.get(image(name="two", id="2002", sourceImageId="2001"), name="two")


def attached(answer: dict[str, Any], code: int = 200, *, force: bool) -> Story:
    """An insert from a disk that is in use."""
    body = {"name": "one", "sourceDisk": "projects/p/zones/z/disks/busy"}
    intent = Intent(valid=force, rules=("force-create.in-use",))
    path = "images?forceCreate=true" if force else "images"
    return Story().say("POST", path, body, code, answer, intent)


FAILED: dict[str, Any] = {
    "error": {"errors": [{"code": "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"}]},
    "httpErrorStatusCode": 400,
}
TAKEN = operation("PENDING", clientOperationId=None)
ENDS = {"fine": operation(clientOperationId=None), "failed": operation(clientOperationId=None, **FAILED)}


@pytest.mark.parametrize(
    ("force", "end", "breaches"),
    [(True, "fine", []), (True, "failed", [False]), (False, "failed", []), (False, "fine", [True])],
)
def test_disk_in_use(force: bool, end: str, breaches: list[bool]) -> None:
    assert deviations(attached(TAKEN, force=force).poll(ENDS[end]), "force-create.in-use") == breaches


@pytest.mark.parametrize(
    ("force", "status", "breaches"), [(True, 400, [False]), (False, 400, []), (True, 429, []), (False, 404, [])]
)
def test_disk_in_use_that_is_refused_at_once(force: bool, status: int, breaches: list[bool]) -> None:
    story = attached(refusal(status, "resourceInUseByAnotherResource"), status, force=force)
    assert deviations(story, "force-create.in-use") == breaches


@pytest.mark.parametrize("status", [400, 409])
def test_source_that_is_not_ready_is_refused(status: int) -> None:
    assert deviations(copied(refusal(status, "resourceNotReady"), status).poll(operation())) == []


def test_insert_that_may_have_waited_for_its_source_is_a_deviation() -> None:
    story = copied(operation("PENDING", **COPY)).poll(operation())
    story.say("GET", "operations/operation-2", None, 200, operation(**COPY))
    assert deviations(shown(story)) == [True]


def test_image_that_is_there_before_its_source_is_ready() -> None:
    story = copied(operation(**COPY)).get(image(status="PENDING")).poll(operation("RUNNING")).poll(operation())
    assert sorted(deviations(shown(story))) == [False, True]


@pytest.mark.parametrize(("status", "state"), [("READY", "RUNNING"), ("PENDING", "DONE")])
def test_source_is_ready_where_either_look_says_so(status: str, state: str) -> None:
    story = copied(operation(**COPY)).get(image(status=status)).poll(operation(state))
    assert deviations(shown(story)) == [True]


def made_from(*deletions: str, after: str = "") -> list[bool]:
    """Breaches of `source.image.id` where image `one` was seen, was deleted and made anew, and `two` shows another id.

    Args:
        deletions: the states in which the deletion of `one` was seen.
        after: the id under which `one` is seen after that.
    """
    gone = {"id": "1003", "name": "operation-3", "operationType": "delete", "clientOperationId": None}
    story = Story().insert(operation()).get(image())
    for state in deletions[:1]:
        story.say("DELETE", "images/one", None, 200, operation(state, **gone))
    for state in deletions[1:]:
        story.say("GET", "operations/operation-3", None, 200, operation(state, **gone))
    if after:
        story.get(image(id=after))
    story.insert(operation(**COPY), request_id=None, name="two", sourceImage="projects/p/global/images/one")
    copy = image(name="two", id="2002", sourceImageId="2009", sourceImage=image()["selfLink"])
    return deviations(story.get(copy, name="two"), "source.image.id")


def test_id_of_a_source_whose_name_was_used_again() -> None:
    """Once its image is deleted, a name may be that of another, which nobody has to have looked at."""
    assert made_from() == [False]
    assert made_from("PENDING") == []
    assert made_from("PENDING", "DONE") == []
    assert made_from("PENDING", "DONE", after="2009") == []
    assert made_from("PENDING", "DONE", after="2010") == [False]


@pytest.mark.parametrize("kind", ["Disk", "Snapshot"])
@pytest.mark.parametrize(
    ("told", "other", "breaches"), [("77", "source", []), ("78", "source", [False]), ("78", "s2", [])]
)
def test_images_of_one_source_tell_one_id_of_it(kind: str, told: str, other: str, breaches: list[bool]) -> None:
    """Where nothing else shows the source."""
    root = "projects/p/zones/z/disks" if kind == "Disk" else "projects/p/global/snapshots"
    field = f"source{kind}"

    def made(source: str, identifier: str, **more: Any) -> dict[str, Any]:
        came = {field: f"https://www.googleapis.com/compute/beta/{root}/{source}", f"{field}Id": identifier}
        return image(sourceImage=None, sourceImageId=None, **came, **more)

    first: dict[str, Any] = {"sourceImage": None, field: f"{root}/source"}
    story = Story().insert(operation(), **first).get(made("source", "77"))
    sent: dict[str, Any] = {"name": "two", "sourceImage": None, field: f"{root}/{other}"}
    story.insert(operation(**COPY), request_id=None, **sent).get(made(other, told, name="two", id="2002"), name="two")
    assert deviations(story, f"source.{kind.lower()}.id") == breaches
