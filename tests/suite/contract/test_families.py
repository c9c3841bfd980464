"""Families, their views, and the use of what is deprecated: on hand-written traces."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import Story, change, image, operation, refusal

LINK = "https://www.googleapis.com/compute/beta/projects/p/global/images/two"
TWO: dict[str, Any] = {"id": "1002", "name": "operation-2", "targetId": "2002", "targetLink": LINK, "selfLink": None}
ONE_OF_KIN = image(family="kin")
TWO_OF_KIN = image(family="kin", name="two", id="2002", selfLink=LINK)
NOT_FOUND = refusal(404, "notFound")


def kin(**fields: Any) -> Story:
    """A family of two images, of which `two` is the latest, and has these fields."""
    story = Story().insert(operation("PENDING", clientOperationId=None), request_id=None, family="kin")
    story.poll(operation(clientOperationId=None)).get(ONE_OF_KIN)
    done = operation(**TWO, clientOperationId=None)
    story.insert(done, request_id=None, name="two", family="kin", **fields)
    return story.get(TWO_OF_KIN | fields, name="two").pause(5)


def deprecated(story: Story, name: str = "two", **body: Any) -> Story:
    """The deprecation of an image, which is over when the next request is sent."""
    done = change("deprecate", 7, targetLink=LINK.replace("two", name), targetId={"one": "2001", "two": "2002"}[name])
    return story.change("deprecate", body, answer=done, name=name).pause(5)


@pytest.mark.parametrize(
    ("story", "code", "answer", "verdict"),
    [
        (lambda: deprecated(kin(), state="DEPRECATED"), 200, ONE_OF_KIN, "kept"),
        (lambda: deprecated(kin(), state="DEPRECATED"), 200, TWO_OF_KIN, "broken"),
        (lambda: deprecated(kin(), state="DEPRECATED"), 404, NOT_FOUND, "broken"),
        (lambda: deprecated(kin(), deprecated="2001-01-01T00:00:00Z"), 200, TWO_OF_KIN, "kept"),
        (lambda: deprecated(kin(), deprecated="2001-01-01T00:00:00Z"), 200, ONE_OF_KIN, "broken"),
        (lambda: deprecated(kin(), name="one", state="OBSOLETE"), 200, TWO_OF_KIN, "kept"),
        (lambda: deprecated(deprecated(kin(), state="DELETED"), state="ACTIVE"), 200, TWO_OF_KIN, "kept"),
        (lambda: deprecated(deprecated(kin(), state="DELETED"), state="ACTIVE"), 200, ONE_OF_KIN, "broken"),
        (kin, 200, ONE_OF_KIN, "silent"),
        (lambda: kin().say("GET", "images/family/kin", None, 200, ONE_OF_KIN), 200, ONE_OF_KIN, "silent"),
    ],
)
def test_family_passes_over_what_is_deprecated(story: Any, code: int, answer: dict[str, Any], verdict: str) -> None:
    told = story().say("GET", "images/family/kin", None, code, answer)
    assert told.verdict("family.deprecated-skipped") == verdict


@pytest.mark.parametrize(("status", "verdict"), [("READY", "kept"), ("UP", "broken")])
def test_canned_image_of_a_family_has_a_status_that_there_is(status: str, verdict: str) -> None:
    """Whatever is asked for: an image of another project and family."""
    link = "https://www.googleapis.com/compute/beta/projects/others/global/images/canned"
    canned = image(name="canned", id="3003", selfLink=link, family="canned", status=status)
    told = kin().say("GET", "images/family/kin", None, 200, canned)
    assert told.verdict("family.latest") == "broken"
    assert told.verdict("image.status") == verdict


@pytest.mark.parametrize(("code", "verdict"), [(404, "broken"), (503, "silent")])
def test_operations_that_nothing_finds_are_over_when_their_images_show_it(code: int, verdict: str) -> None:
    """Only where they are really not found: one that was not looked at may be under way still."""

    def missed(story: Story, name: str) -> Story:
        return story.say("GET", f"operations/{name}", None, code, refusal(code, "notFound"))

    story = Story().insert(operation("PENDING", clientOperationId=None), request_id=None, family="kin")
    missed(story, "operation-1").get(ONE_OF_KIN)
    story.insert(operation("PENDING", **TWO, clientOperationId=None), request_id=None, name="two", family="kin")
    missed(story, "operation-2").get(TWO_OF_KIN, name="two").pause(5)
    pending = change("deprecate", 7, status="PENDING", targetLink=LINK, targetId="2002", endTime=None, progress=0)
    missed(story.change("deprecate", {"state": "OBSOLETE"}, answer=pending, name="two"), "operation-c7")
    story.get(TWO_OF_KIN | {"deprecated": {"state": "OBSOLETE"}}, name="two").pause(5)
    answered = story.say("GET", "images/family/kin", None, 200, TWO_OF_KIN)
    assert answered.verdict("family.deprecated-skipped") == verdict


def test_family_of_which_all_are_deprecated_has_no_answer() -> None:
    story = deprecated(deprecated(kin(), state="DEPRECATED"), name="one", state="DEPRECATED")
    rule = "family.deprecated-skipped"
    assert story.say("GET", "images/family/kin", None, 404, NOT_FOUND).verdict(rule) == "kept"
    story = deprecated(deprecated(kin(), state="DEPRECATED"), name="one", state="DEPRECATED")
    assert story.say("GET", "images/family/kin", None, 400, refusal(400, "invalid")).verdict(rule) == "deviates"


def viewed(story: Story, answer: dict[str, Any], query: str = "") -> Story:
    """The view of the family in a zone."""
    return story.say("GET", f"zones/z/imageFamilyViews/kin{query}", None, 200, answer)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [({"image": TWO_OF_KIN}, "kept"), (TWO_OF_KIN, "broken"), ({"image": "two"}, "broken"), ({"image": {}}, "broken")],
)
def test_shape_of_a_view(answer: dict[str, Any], verdict: str) -> None:
    assert viewed(kin(), answer).verdict("family.view-shape") == verdict
    assert viewed(kin(), answer, "?fields=image").verdict("family.view-shape") == "silent"


@pytest.mark.parametrize(
    ("changes", "query", "verdict"),
    [({}, "", "kept"), ({"name": "one"}, "", "broken"), ({"name": 7}, "", "silent"), ({}, "?fields=id", "silent")],
)
def test_image_of_a_view_that_has_another_name(changes: dict[str, Any], query: str, verdict: str) -> None:
    story = viewed(kin(), {"image": {**TWO_OF_KIN, **changes}}, query.replace("fields=", "fields=image/"))
    assert story.verdict("family.view-latest") == verdict


@pytest.mark.parametrize(
    ("zone", "time", "answer", "verdict"),
    [
        ("zones/z", "2040-01-01T00:00:00Z", ONE_OF_KIN, "kept"),
        ("zones/z", "2040-01-01T00:00:00Z", TWO_OF_KIN, "broken"),
        ("zones/z", "2001-01-01T00:00:00Z", TWO_OF_KIN, "silent"),
        ("zones/y", "2040-01-01T00:00:00Z", TWO_OF_KIN, "silent"),
    ],
)
def test_image_that_has_not_reached_a_zone(zone: str, time: str, answer: dict[str, Any], verdict: str) -> None:
    story = kin(rolloutOverride={"locationRolloutPolicies": {zone: time}})
    assert viewed(story, {"image": answer}).verdict("family.view-rollout") == verdict


WARNING = [{"code": "DEPRECATED_RESOURCE_USED", "message": "The image one is deprecated. Use images/new instead."}]


@pytest.mark.parametrize(
    ("state", "source", "warnings", "verdict"),
    [
        ("DEPRECATED", "one", WARNING, "kept"),
        ("DEPRECATED", "one", None, "broken"),
        ("DEPRECATED", "one", [{"message": "The image one is deprecated."}], "broken"),
        ("DEPRECATED", "one", [{"message": "Use images/new instead."}], "broken"),
        ("DEPRECATED", "other", None, "silent"),
        ("OBSOLETE", "one", None, "silent"),
    ],
)
def test_use_of_a_deprecated_image_is_warned_of(state: str, source: str, warnings: Any, verdict: str) -> None:
    status = {"state": state, "replacement": "projects/p/global/images/new"}
    story = deprecated(Story().insert(operation("PENDING")).poll(operation()).get(image()), name="one", **status)
    story.get(image(deprecated=status))
    done = operation(**TWO, clientOperationId=None, warnings=warnings)
    story.insert(done, request_id=None, name="two", sourceImage=f"projects/p/global/images/{source}")
    assert story.verdict("deprecate.use-obsolete") == verdict


RELABELLED = {"labels": {"a": "b"}, "labelFingerprint": "AAAAAAAAAAA="}


@pytest.mark.parametrize(
    ("changed", "looked_at", "seen", "verdict"),
    [
        ("two", "one", ONE_OF_KIN, "kept"),
        ("two", "one", ONE_OF_KIN | {"description": "new"}, "broken"),
        ("two", "one", ONE_OF_KIN | RELABELLED, "broken"),
        ("two", "one", NOT_FOUND, "broken"),
        ("two", "two", TWO_OF_KIN | RELABELLED, "silent"),
        ("one", "one", ONE_OF_KIN | RELABELLED, "silent"),
        ("2001", "one", ONE_OF_KIN | RELABELLED, "silent"),
        ("2002", "one", ONE_OF_KIN | RELABELLED, "broken"),
    ],
)
def test_change_of_one_image_leaves_the_other_alone(
    changed: str, looked_at: str, seen: dict[str, Any], verdict: str
) -> None:
    before = {"labelFingerprint": "42WmSpB8rSM=", "labels": {"a": "b"}}
    target = {"one": "2001", "two": "2002"}.get(changed, changed)
    done = change("setLabels", 8, targetLink=LINK.replace("two", changed), targetId=target)
    story = kin().change("setLabels", before, answer=done, name=changed).pause(5)
    story.get(seen, status=404 if "error" in seen else 200, name=looked_at)
    assert story.verdict("life.isolation") == verdict


def test_change_in_another_project_leaves_this_one_alone() -> None:
    story = kin().get(ONE_OF_KIN).within("q")
    story.change("setLabels", RELABELLED, answer=change("setLabels", 8), name="three")
    assert story.within("p").pause(5).get(ONE_OF_KIN | RELABELLED).verdict("life.isolation") == "kept"
