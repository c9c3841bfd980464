"""What differs in one place only is told apart: on hand-written traces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, change, image, operation, refusal, time_of

from conformance.contract import catalogue
from conformance.strategies.near_misses import absent_ids, absent_names, near_names, near_request_ids
from conformance.trace.exchange import Intent, Trace
from conformance.verdicts.ledger import Ledger

TWO: dict[str, Any] = {
    "id": "1002",
    "name": "operation-2",
    "targetId": "2002",
    "targetLink": "https://www.googleapis.com/compute/beta/projects/p/global/images/two",
    "selfLink": "https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-2",
}
MISSING = refusal(404, "notFound")


def made(**body: Any) -> Story:
    return Story().insert(operation("PENDING"), **body).poll(operation()).get(image(**body))


@pytest.mark.parametrize("near", near_request_ids(REQUEST_ID))
def test_request_with_another_request_id_answered_with_the_first_operation(near: str) -> None:
    assert near != REQUEST_ID
    for name in ("one", "two"):
        assert "request-id.distinct" in made().insert(operation(), request_id=near, name=name).broken()
    conflict = made().insert(refusal(409, "alreadyExists"), code=409, request_id=near)
    assert conflict.broken() == set()
    own = operation(clientOperationId=near, **TWO)
    assert made().insert(own, request_id=near, name="two").broken() == set()


@pytest.mark.parametrize("written", [REQUEST_ID.replace("-", ""), f"{{{REQUEST_ID}}}", f"urn:uuid:{REQUEST_ID}"])
def test_target_that_takes_another_way_to_write_a_uuid_knows_it_again(written: str) -> None:
    assert "request-id.distinct" not in made().insert(operation(), request_id=written).broken()
    other = written.replace(REQUEST_ID[-4:], "0" * 4)
    assert "request-id.distinct" in made().insert(operation(), request_id=other).broken()


def test_name_that_is_like_another_one() -> None:
    intent = Intent(valid=True, rules=("image.name.distinct",))
    other = REQUEST_ID.replace("1", "2")
    refused = made().insert(refusal(409, "alreadyExists"), code=409, request_id=other, name="two", intent=intent)
    assert "image.name.distinct" in refused.broken()

    def both(identifier: str) -> Story:
        own = operation(clientOperationId=other, **{**TWO, "targetId": identifier})
        story = made().insert(own, request_id=other, name="two", intent=intent)
        link = "https://www.googleapis.com/compute/beta/projects/p/global/images/two"
        return story.get(image(name="two", id=identifier, selfLink=link), name="two")

    assert "image.name.distinct" in both("2001").broken()
    assert both("2002").broken() == set()


@pytest.mark.parametrize("asked", [*absent_names("one"), *absent_ids("2001")])
def test_get_that_answers_another_image(asked: str) -> None:
    def story(answer: dict[str, Any], status: int) -> Story:
        return made().say("GET", f"images/{asked}", None, status, answer, Intent(False, ("life.get-exact",)))

    assert "life.get-exact" in story(image(), 200).broken()
    assert "life.get-exact" in story(MISSING, 404).kept()


@pytest.mark.parametrize(
    ("name", "absent"), [("operation-12", "operation"), ("12", ""), ("op12", "op"), ("op-4f12", "op-4f1")]
)
def test_name_that_is_counted_is_no_other_one_with_a_digit_less(name: str, absent: str) -> None:
    assert absent_names(name)[0] == absent


def test_family_that_answers_an_image_of_another() -> None:
    story = made(family="kin").say("GET", "images/family/kim", None, 200, image(family="kin"))
    assert "family.latest" in story.broken()
    assert made(family="kin").say("GET", "images/family/kin", None, 200, image(family="kin")).broken() == set()


def test_replay_that_makes_an_image_of_another_name() -> None:
    def listed(*items: dict[str, Any]) -> set[str]:
        page = {"kind": "compute#imageList", "items": list(items)}
        story = made(description="one").insert(operation(), description="one")
        return story.say("GET", "images?maxResults=500", None, 200, page).broken()

    own = image(description="one")
    assert listed(own, image(name="two", id="2002", description="another")) == set()
    assert "request-id.replay-creates-nothing" in listed(own, image(name="two", id="2002", description="one"))


def simultaneous(shown: str) -> set[str]:
    """The rules that are broken where two inserts are sent at once, and the second image shows a description."""
    other = REQUEST_ID.replace("1", "2")
    story = Story().insert(operation("DONE"), description="first")
    story.insert(operation("DONE", clientOperationId=other, **TWO), request_id=other, name="two", description="second")
    link = "https://www.googleapis.com/compute/beta/projects/p/global/images/two"
    story.get(image(name="two", id="2002", description=shown, selfLink=link), name="two")
    first, second, look = story.trace().exchanges
    trace = Trace((first, replace(second, sent=first.sent, received=first.received), look))
    return {rule.id for rule, _ in Ledger(catalogue()).judge(trace)}


def test_simultaneous_inserts_that_are_mixed_up() -> None:
    assert simultaneous("second") == set()
    assert "life.concurrent-inserts" in simultaneous("first")
    assert "life.concurrent-inserts" not in simultaneous("neither")


def test_link_that_names_another_project() -> None:
    story = Story().insert(operation("PENDING")).poll(operation())
    assert "image.self-link" in story.get(image(selfLink="https://h/compute/v1/projects/q/global/images/one")).broken()


def test_storage_location_in_another_case() -> None:
    assert made(storageLocations=["eu"]).broken() == set()
    story = Story().insert(operation("PENDING"), storageLocations=["eu"]).poll(operation())
    assert story.get(image(storageLocations=["EU"])).broken() == {"image.storage-locations.case"}


def test_list_that_ends_without_a_token() -> None:
    """Of two images on pages of one, the second is never shown."""
    other = REQUEST_ID.replace("1", "2")

    def listed(token: str | None) -> set[str]:
        story = made(name="one").insert(operation(clientOperationId=other, **TWO), request_id=other, name="two")
        story.say("GET", "operations/operation-2", None, 200, operation(clientOperationId=other, **TWO))
        page = {"kind": "compute#imageList", "items": [image()], **({"nextPageToken": token} if token else {})}
        return story.say("GET", "images?maxResults=1&filter=name%20eq%20.*", None, 200, page).broken()

    assert listed("more") == set()
    assert listed(None) == set()  # the filter may leave it out
    story = made().insert(operation(clientOperationId=other, **TWO), request_id=other, name="onetwo")
    page = {"kind": "compute#imageList", "items": [image()]}
    assert "life.list-once" in story.say("GET", "images?filter=name%20eq%20one.*", None, 200, page).broken()


def test_near_misses_are_valid_and_differ() -> None:
    assert len({REQUEST_ID, *near_request_ids(REQUEST_ID)}) == len(near_request_ids(REQUEST_ID)) + 1
    assert near_names("q-n-a") == ("q-n-b", "q-na", "q-n")


def brought_back(again: str) -> set[str]:
    """The rules that are broken where an insert is sent again after its image was deleted, and makes another."""
    other: dict[str, Any] = {"id": "1003", "name": "operation-3", "targetId": "2002", "clientOperationId": again}
    gone: dict[str, Any] = {"id": "1002", "name": "operation-2", "operationType": "delete", "clientOperationId": None}
    story = Story().insert(operation()).get(image()).say("DELETE", "images/one", None, 200, operation(**gone))
    story.get(refusal(404, "notFound"), status=404).insert(
        operation(insertTime=time_of(0.08), **other), request_id=again
    )
    return story.get(image(id="2002", creationTimestamp=time_of(0.085))).broken()


def test_image_that_a_replay_brings_back() -> None:
    """In another case the requestId may be another one, which is the matter of its own rule."""
    assert "request-id.replay-after-delete" in brought_back(REQUEST_ID)
    assert "request-id.replay-after-delete" not in brought_back(REQUEST_ID.upper())


def test_image_is_deleted_by_its_id_where_operations_tell_none() -> None:
    silent: dict[str, Any] = {"targetId": None, "clientOperationId": None}
    story = Story().insert(operation("PENDING", **silent), request_id=None).poll(operation(**silent)).get(image())
    story.change("delete", answer=change("delete", 1, **silent)).get(MISSING, status=404)
    times = dict.fromkeys(("insertTime", "startTime", "endTime"), time_of(1))
    again = operation(id="1003", name="operation-3", selfLink=TWO["selfLink"].replace("2", "3"), **silent, **times)
    story.pause(1).insert(again, request_id=None).get(image(id="2003", creationTimestamp=time_of(1)))
    story.change("delete", answer=change("delete", 2, **silent), name="2003").get(MISSING, status=404)
    assert story.broken() == {"operation.target-id"}
    assert "life.delete" in story.get(image(id="2003", creationTimestamp=time_of(1))).broken()


@pytest.mark.parametrize("shown", ["2001", "2002"])
def test_image_of_a_try_whose_answer_was_lost_is_no_wrong_target_of_the_next(shown: str) -> None:
    """Where a retry makes a second image, the name may be held by the first one, of which nothing has told the id."""
    story = Story().insert({"error": {"code": 503}}, code=503).insert(operation("DONE")).get(image(id=shown))
    assert not story.broken() & {"operation.target-id", "operation.success-means-ready"}


@pytest.mark.parametrize(
    ("target", "name", "verdict"),
    [("2001", "two", "broken"), ("2002", "two", "kept"), (None, "two", "kept"), ("2001", "one", "kept")],
    ids=["another image's", "no image's", "none", "of the image whose name is taken"],
)
def test_target_of_an_insert_that_fails_is_no_other_image(target: str | None, name: str, verdict: str) -> None:
    failed = operation(**{**TWO, "targetId": target}, error={"errors": [{"code": "RESOURCE_ALREADY_EXISTS"}]})
    story = Story().insert(operation()).get(image()).pause(1)
    assert story.insert(failed, request_id=None, name=name).verdict("operation.target-id") == verdict
