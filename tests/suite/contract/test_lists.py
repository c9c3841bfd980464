"""Lists: their pages, their order, and what a filter lets in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from helpers.story import Story, image, operation, refusal

from conformance.trace.exchange import Intent

LINK = "https://www.googleapis.com/compute/beta/projects/p/global/images/"


def two(**changes: Any) -> dict[str, Any]:
    """The image `two`, a second younger than `one`."""
    fields = {"name": "two", "id": "2002", "selfLink": f"{LINK}two", "creationTimestamp": "2026-01-01T00:00:01.050Z"}
    return image(**fields, **changes)


def made() -> Story:
    """Two images, of which one has a family."""
    other = {"name": "operation-2", "id": "1002", "targetId": "2002", "targetLink": f"{LINK}two"}
    link = f"{LINK.rpartition('images')[0]}operations/operation-2"
    story = Story().insert(operation("PENDING"), request_id=None, family="kin").poll(operation())
    story.get(image(family="kin"))
    story.insert(operation(**other, selfLink=link), request_id=None, name="two")
    return story.get(two(), name="two")


def listed(story: Story, query: dict[str, str], *items: dict[str, Any], following: str = "") -> Story:
    """A page of a list."""
    page = {"kind": "compute#imageList", "items": list(items), "nextPageToken": following}
    return story.say("GET", f"images?{urlencode(query, quote_via=quote)}", None, 200, page)


ONE, TWO = image(family="kin"), two()


@pytest.mark.parametrize(
    ("expression", "right", "wrong"),
    [
        ("family=kin", [ONE], [ONE, two(family="kith")]),
        ('family = "kin"', [ONE], []),
        ("family eq kin", [ONE], [two(family="kith")]),
        ("(status = READY) AND (name != one)", [TWO], [ONE, TWO]),
        ("(status = READY) (name ne one)", [TWO], []),
        ("status=READY", [ONE, TWO], [ONE]),
    ],
)
def test_filter_lets_in_what_passes(expression: str, right: list[dict[str, Any]], wrong: list[dict[str, Any]]) -> None:
    assert "life.list-filter-forms" in listed(made(), {"filter": expression}, *right).kept()
    assert "life.list-filter-forms" in listed(made(), {"filter": expression}, *wrong).broken()


@pytest.mark.parametrize(
    "expression", ["size > 10", "family:kin", "labels.colour eq b.*", "family = kin OR name = one"]
)
def test_filter_of_another_form_is_not_judged(expression: str) -> None:
    story = listed(made(), {"filter": expression}, TWO)
    assert "life.list-filter-forms" not in story.broken() | story.kept()


@pytest.mark.parametrize(
    ("expression", "name"), [(f"name eq {'.*' * 30}x", "a" * 60), ("name eq .*.*.*.*x", "a" * 100_000)]
)
def test_pattern_that_takes_for_ever_is_not_tried(expression: str, name: str) -> None:
    story = listed(made(), {"filter": expression}, {**TWO, "name": name})
    assert "life.list-filter-forms" not in story.broken()


def test_page_of_a_filtered_list_need_not_hold_all() -> None:
    assert "life.list-filter-forms" not in listed(made(), {"filter": "status=READY"}, ONE, following="more").broken()


@pytest.mark.parametrize(
    ("order", "items", "kept"),
    [
        ("creationTimestamp desc", (TWO, ONE), True),
        ("creationTimestamp desc", (ONE, TWO), False),
        ("name", (ONE, TWO), True),
        ("name", (TWO, ONE), False),
        ("name", (image(name="a-c"), two() | {"name": "ab"}), True),
        ("name", (image(name="ab"), two() | {"name": "a-c"}), True),
    ],
)
def test_order_that_is_asked_for(order: str, items: tuple[dict[str, Any], ...], kept: bool) -> None:
    story = listed(made(), {"orderBy": order}, *items)
    assert ("life.list-order" in story.kept(), "life.list-order" in story.broken()) == (kept, not kept)


def test_order_goes_on_from_page_to_page() -> None:
    story = listed(made(), {"orderBy": "name", "maxResults": "1"}, TWO, following="more")
    listed(story, {"orderBy": "name", "maxResults": "1", "pageToken": "more"}, ONE)
    assert "life.list-order" in story.broken()


@pytest.mark.parametrize(("fields", "judged"), [("items/name", False), ("items/name,nextPageToken", True), ("*", True)])
def test_list_that_was_not_asked_whether_there_is_more(fields: str, judged: bool) -> None:
    story = listed(made(), {"fields": fields}, {"name": "two"})
    assert ("life.list-once" in story.broken()) == judged


@pytest.mark.parametrize("more", [{}, {"labels": {"colour": "blue"}}])
def test_list_that_leaves_labels_out_is_no_filter_that_lets_in_others(more: dict[str, Any]) -> None:
    item = {name: value for name, value in ONE.items() if name != "labels"}
    story = listed(listed(made(), {}, TWO | more), {"filter": "labels.colour = blue"}, item)
    assert ("life.list-filter-forms" in story.broken()) == bool(more)


@pytest.mark.parametrize(
    ("expression", "items", "judged"),
    [
        ("name eq t.*", (), False),
        ("name eq t.*o", (), False),
        ("name eq .*", (), False),
        ("name=two", (), True),
        ("name eq two", (), True),
        ("", (), True),
    ],
)
def test_list_that_knows_no_patterns(expression: str, items: tuple[dict[str, Any], ...], judged: bool) -> None:
    """Where nothing passes a pattern, its filter is what is wrong; where something does, a list lacks the rest."""
    story = listed(made(), {"filter": expression}, *items)
    assert ("life.list-once" in story.broken()) == judged
    assert ("life.list-filter-forms" in story.broken()) or judged


@pytest.mark.parametrize(("last", "kept"), [((TWO,), True), ((), False)])
def test_images_that_stay_while_others_are_deleted(last: tuple[dict[str, Any], ...], kept: bool) -> None:
    gone = operation(
        name="operation-3", id="1003", operationType="delete", selfLink=None, clientOperationId=None, insertTime=None
    )
    story = listed(made(), {"maxResults": "1"}, ONE, following="more")
    story.say("DELETE", "images/one", None, 200, gone)
    listed(story, {"maxResults": "1", "pageToken": "more"}, *last)
    assert ("life.list-steady" in story.kept(), "life.list-steady" in story.broken()) == (kept, not kept)
    assert "life.list-once" not in story.broken()


@pytest.mark.parametrize(
    ("query", "valid", "status", "kept"),
    [
        ("maxResults=0", True, 200, True),
        ("maxResults=0", True, 400, False),
        ("maxResults=ten", False, 400, True),
        ("maxResults=ten", False, 200, False),
    ],
)
def test_numbers_that_a_list_may_be_asked_for(query: str, valid: bool, status: int, kept: bool) -> None:
    rule = "life.list-max-results-number"
    answer = {"kind": "compute#imageList"} if status == 200 else refusal(400, "invalid")
    story = Story().say("GET", f"images?{query}", None, status, answer, Intent(valid, (rule,)))
    assert (rule in story.kept(), rule in story.broken()) == (kept, not kept)


@pytest.mark.parametrize(
    ("patience", "page", "found_later", "lacks"),
    [
        (2.0, {"items": []}, True, True),
        (2.0, {}, True, True),
        (0.1, {"items": []}, True, False),
        (2.0, {"items": [], "nextPageToken": "more"}, True, False),
        (2.0, {"items": []}, False, False),
        (2.0, {"items": [operation()]}, True, False),
    ],
    ids=["lacks it", "without items", "a moment late", "on a later page", "forgotten", "holds it"],
)
def test_list_lacks_an_operation_that_is_there(
    patience: float, page: dict[str, Any], *, found_later: bool, lacks: bool
) -> None:
    story = Story().insert(operation("RUNNING")).poll(operation()).pause(patience)
    listed = {"kind": "compute#operationList", **page}
    story.say("GET", "operations?filter=name=operation-1", None, 200, listed)
    if found_later:
        story.poll(operation())
    assert story.verdict("operation.list") == ("broken" if lacks else "kept")


@pytest.mark.parametrize(
    ("query", "changes", "kept"),
    [
        ({"filter": "name=operation-1"}, {}, True),
        ({"filter": "name=operation-1"}, {"items": [operation(), operation(name="operation-2")]}, False),
        ({}, {"kind": "compute#list"}, False),
        ({}, {"items": [operation(), operation()]}, False),
        ({"maxResults": "1"}, {"items": [operation(), operation(name="operation-2")]}, False),
        ({}, {"items": [operation(targetLink=f"{LINK.replace('/p/', '/q/')}one")]}, False),
        ({}, {"items": [operation(targetLink=f"{LINK.replace('/p/', '/1234567/')}one")]}, True),
    ],
)
def test_list_of_operations(query: dict[str, str], changes: dict[str, Any], kept: bool) -> None:
    page = {"kind": "compute#operationList", "items": [operation()], **changes}
    story = Story().say("GET", f"operations?{urlencode(query)}", None, 200, page)
    assert ("operation.list" in story.kept(), "operation.list" in story.broken()) == (kept, not kept)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, True),
        ({"description": "a long", "status": "PENDING"}, False),
        ({"description": None, "status": "PENDING"}, True),
        ({"labels": {"empty": ""}}, True),
        ({"labels": {}}, False),
        ({"diskSizeGb": 10}, True),
    ],
)
def test_list_shows_what_gets_show(fields: dict[str, Any], kept: bool) -> None:
    """It may leave a field out; a value of the wrong type is the matter of another rule."""
    made = {"description": "a long text", "labels": {"empty": ""}, "diskSizeGb": "10"}
    shown = {name: value for name, value in image(**{**made, **fields}).items() if value is not None}
    story = Story().insert(operation("PENDING"), request_id=None, description="a long text").poll(operation())
    listed(story.get(image(**made)), {}, shown)
    assert "life.list-agrees" not in story.broken() | story.kept()
    story.get(image(**made))
    assert ("life.list-agrees" in story.kept(), "life.list-agrees" in story.broken()) == (kept, not kept)


@pytest.mark.parametrize("path", ["images/family/kin", "zones/us-central1-a/imageFamilyViews/kin"])
@pytest.mark.parametrize(
    ("fields", "kept"), [({}, True), ({"description": "a long"}, False), ({"description": None}, True)]
)
def test_family_shows_what_gets_show(path: str, fields: dict[str, Any], kept: bool) -> None:
    made = image(description="a long text", family="kin")
    shown = {name: value for name, value in {**made, **fields}.items() if value is not None}
    story = Story().insert(operation("PENDING"), description="a long text", family="kin").poll(operation()).get(made)
    story.say("GET", path, None, 200, {"image": shown} if path.startswith("zones/") else shown)
    assert story.verdict("family.agrees") == "silent"
    assert story.get(made).verdict("family.agrees") == ("kept" if kept else "broken")


def test_list_may_show_an_image_as_it_was_before_a_change() -> None:
    story = Story().insert(operation("PENDING"), request_id=None).poll(operation()).get(image())
    story.change("setLabels", {"labels": {"a": "b"}, "labelFingerprint": image()["labelFingerprint"]})
    listed(story, {}, image()).get(image(labels={"a": "b"}, labelFingerprint="AAAAAAAAAAI="))
    assert "life.list-agrees" not in story.broken()


def test_deleted_image_that_a_list_still_shows_is_not_the_one_made_after_it() -> None:
    anew = image(id="2003", creationTimestamp="2026-01-01T00:00:02.050Z")
    story = Story().insert(operation("PENDING")).poll(operation()).get(image()).change("delete")
    times = dict.fromkeys(("insertTime", "startTime", "endTime"), "2026-01-01T00:00:02.090Z")
    link = f"{operation()['selfLink']}-again"
    again = operation(
        id="1003", name="operation-1-again", targetId="2003", selfLink=link, clientOperationId=None, **times
    )
    story.pause(2).insert(again, request_id=None)
    listed(story.get(anew), {}, anew)
    for _ in range(2):
        listed(story.pause(60), {}, image(), anew)
        story.get(anew)
    assert story.broken() == {"life.delete"}
