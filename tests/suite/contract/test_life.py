"""The life of an image, from its insert to its name being free again: on hand-written traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, change, image, operation, refusal, time_of

from conformance.contract import catalogue
from conformance.contract.lateness import LATE_SECONDS
from conformance.trace.exchange import Intent
from conformance.verdicts.ledger import Ledger

Step = Callable[[Story], Story]

NOT_FOUND = refusal(404, "notFound")
TAKEN = refusal(409, "alreadyExists")
INVALID = refusal(400, "invalid")
ANEW = operation(id="9", name="o", targetId="8", clientOperationId=None)
FREE: Step = lambda story: story.get(NOT_FOUND, status=404)  # noqa: E731 - a step of a story


def made(**fields: Any) -> Story:
    """The image `one`, made and seen."""
    return Story().insert(operation("PENDING"), **fields).poll(operation()).get(image(**fields))


@pytest.mark.parametrize(
    "first",
    [
        lambda story: story.within("q").get(image(name="two")).within("p"),
        lambda story: story.get(image(name="two", id="2002"), name="two"),
        lambda story: story.get(NOT_FOUND, status=404),
        lambda story: story.get({}, status=503),
        lambda story: story.say("GET", "images/one?fields=id", None, 200, {"id": "2001"}),
        lambda story: story.get(image(name=5)),
    ],
    ids=["another project's", "another image", "not found", "unanswered", "its id alone", "a name that is a number"],
)
def test_every_get_of_an_image_is_judged(first: Step) -> None:
    """What says nothing is passed over, and what follows is judged."""
    assert first(made()).verdict("life.get-after-done") == "kept"
    assert first(made()).get(image(name="two")).verdict("life.get-after-done") == "broken"


def test_get_before_the_insert_has_ended_says_nothing() -> None:
    story = Story().insert(operation("PENDING")).get(image(name="two")).poll(operation())
    assert story.verdict("life.get-after-done") == "silent"
    assert story.get(image(name="two")).verdict("life.get-after-done") == "broken"


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [({}, "kept"), ({"id": "2002"}, "broken"), ({"id": "2002", "name": 5}, "broken"), ({"name": 5}, "kept")],
)
def test_get_by_id(shown: dict[str, Any], verdict: str) -> None:
    assert made().get(image(**shown), name="2001").verdict("life.get-by-id") == verdict


def test_get_is_judged_until_the_next_change() -> None:
    assert made().get(image(name="two")).change("deprecate", {}).verdict("life.get-after-done") == "broken"
    assert made().change("deprecate", {}).get(image(name="two")).verdict("life.get-after-done") == "kept"


@pytest.mark.parametrize(("intent", "verdict"), [(None, "broken"), (Intent(False, ("life.get-by-id",)), "silent")])
def test_get_that_is_refused_for_what_it_carries(intent: Intent | None, verdict: str) -> None:
    story = made().say("GET", "images/2001", None, 404, NOT_FOUND, intent)
    assert story.verdict("life.get-by-id") == verdict


def test_get_of_an_image_that_was_made_again() -> None:
    """What was done to the first image of the name says nothing of the second."""
    second = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=None)
    story = made().change("delete").insert(second, request_id=None)
    assert story.get(image(id="2002", name="two")).verdict("life.get-after-done") == "broken"


def listed(*items: dict[str, Any]) -> Step:
    return lambda story: story.say("GET", "images", None, 200, {"kind": "compute#imageList", "items": list(items)})


@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        (listed(image()), "kept"),
        (listed(image(kind=None)), "deviates"),
        (listed(image(kind="compute#disk")), "broken"),
        (lambda story: story.get(image(kind=None)), "broken"),
    ],
)
def test_list_whose_items_tell_no_kind_deviates(then: Step, verdict: str) -> None:
    assert then(made()).verdict("image.kind") == verdict


@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        (lambda story: story.get(NOT_FOUND, status=404), "kept"),
        (lambda story: story.get(image()), "broken"),
        (lambda story: story.get(refusal(405, "invalid"), status=405), "broken"),
        (lambda story: story.get(refusal(400, "invalid"), status=400, name="2001"), "silent"),
        (lambda story: story.get(NOT_FOUND, status=404, name="2001"), "kept"),
        (lambda story: story.get(image(), name="2001"), "broken"),
        (lambda story: story.within("q").get(image()), "silent"),
        (lambda story: story.get(image(name="two", id="2002"), name="two"), "silent"),
        (listed(image()), "broken"),
        (listed(image(id="2002")), "silent"),
        (lambda story: listed(image())(story.within("q")), "silent"),
        (lambda story: story.insert(operation("PENDING", id="9", name="o", targetId="8"), request_id=None), "kept"),
        (lambda story: story.insert(TAKEN, code=409, request_id=None), "broken"),
        (lambda story: story.insert(TAKEN, code=409, request_id=None, name="two"), "silent"),
    ],
)
def test_deleted_image_is_gone_and_its_name_free(then: Step, verdict: str) -> None:
    assert then(made().change("delete")).verdict("life.delete") == verdict


@pytest.mark.parametrize("answer", [{}, image(), ""])
@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        (lambda story: story.get(NOT_FOUND, status=404), "kept"),
        (lambda story: story.get(image()).get(image()), "broken"),
        (lambda story: story.get(image()).get(NOT_FOUND, status=404), "kept"),
        (lambda story: story.insert(TAKEN, code=409, request_id=None), "broken"),
        (lambda story: story.change("delete", code=204, answer={}).get(NOT_FOUND, status=404), "kept"),
    ],
)
def test_delete_that_is_answered_no_operation_is_taken_as_done(then: Step, answer: Any, verdict: str) -> None:
    assert then(made().change("delete", code=204, answer=answer)).verdict("life.delete") == verdict


@pytest.mark.parametrize(
    "answer",
    [
        operation("RUNNING"),
        {"name": "operation-1", "operationType": "delete"},
        {"kind": "compute#operation", "name": "operation-1"},
        {"name": "operation-1", "selfLink": "projects/p/global/operations/operation-1"},
    ],
)
def test_delete_whose_operation_is_under_way_is_not_taken_as_done(answer: Any) -> None:
    assert made().change("delete", answer=answer).get(image()).verdict("life.delete") == "silent"


def test_change_that_is_answered_no_operation_is_taken_as_done() -> None:
    body = {"labels": {"colour": "blue"}, "labelFingerprint": "42WmSpB8rSM="}
    story = made().get(image()).change("setLabels", body, code=204, answer={})
    assert story.get(image()).get(image()).verdict("labels.set") == "broken"


@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        (lambda story: FREE(story.get(image())), "kept"),
        (lambda story: FREE(story.get(image()).get(image())), "kept"),
        (lambda story: FREE(story.get(image())).get(image()), "broken"),
        (lambda story: FREE(story.pause(LATE_SECONDS + 1).get(image())), "broken"),
        (lambda story: story.get(image()).insert(ANEW, request_id=None).get(image(id="8")), "kept"),
        (lambda story: story.get(image()).insert(ANEW, request_id=None).get(image()), "broken"),
        (lambda story: listed()(listed(image())(story)), "silent"),
        (lambda story: listed(image())(listed()(story)), "broken"),
        (lambda story: listed(image())(FREE(story)), "broken"),
    ],
)
def test_deleted_image_may_be_seen_for_a_moment(then: Step, verdict: str) -> None:
    assert then(made().change("delete")).verdict("life.delete") == verdict
    assert ("life.model" not in then(made().change("delete")).broken()) or verdict == "broken"


@pytest.mark.parametrize(("shown", "kept"), [("8", True), ("2001", False)])
def test_delete_that_comes_again_has_deleted_what_was_there_before(shown: str, kept: bool) -> None:
    """It may come when the name has a new image already, which it does not concern."""
    story = made().say("DELETE", f"images/one?requestId={REQUEST_ID}", None, 200, change("delete", 1))
    story.insert(operation(id="9", name="o", targetId=shown, clientOperationId=None), request_id=None)
    story.get(image(id=shown, creationTimestamp=time_of(0.2)))
    story.say("DELETE", f"images/one?requestId={REQUEST_ID}", None, 200, change("delete", 1))
    story.get(image(id=shown, creationTimestamp=time_of(0.2)))
    assert ("image.id" not in story.broken()) == kept


TOO_SOON: Step = lambda story: story.insert(TAKEN, code=409, request_id=None)  # noqa: E731 - a step of a story


@pytest.mark.parametrize(
    ("then", "verdict"),
    [
        (lambda story: TOO_SOON(story).insert(ANEW, request_id=None), "silent"),
        (lambda story: TOO_SOON(TOO_SOON(story)).insert(ANEW, request_id=None), "silent"),
        (lambda story: TOO_SOON(TOO_SOON(story)), "broken"),
        (lambda story: TOO_SOON(story).insert(ANEW, request_id=None, name="two"), "broken"),
        (lambda story: TOO_SOON(story).change("delete").insert(ANEW, request_id=None), "broken"),
        (lambda story: TOO_SOON(story).pause(LATE_SECONDS + 1).insert(ANEW, request_id=None), "broken"),
        (lambda story: TOO_SOON(story.pause(LATE_SECONDS + 1)).insert(ANEW, request_id=None), "broken"),
    ],
)
def test_name_of_a_deleted_image_may_become_free_a_moment_late(then: Step, verdict: str) -> None:
    assert then(made().change("delete")).verdict("life.delete") == verdict


@pytest.mark.parametrize(("deleted", "right"), [(True, True), (False, False)])
def test_list_may_show_a_deleted_image_beside_the_new_one_of_its_name(*, deleted: bool, right: bool) -> None:
    story = made().change("delete") if deleted else made()
    story.insert(ANEW, request_id=None)
    told = listed(image(), image(id="8"))(story)
    assert ("image.name.unique" not in told.broken()) == right


@pytest.mark.parametrize(
    "change",
    [
        lambda story: story.change("deprecate", {}),
        lambda story: story.change("delete", answer=refusal(400, "invalid"), code=400),
        lambda story: story.change("delete", answer={}, code=503),
        lambda story: story.change("delete", answer=operation("RUNNING", operationType="delete")),
    ],
    ids=["another change", "refused", "unanswered", "under way"],
)
def test_image_that_was_not_deleted_for_certain(change: Step) -> None:
    assert change(made()).get(image()).verdict("life.delete") == "silent"


def test_another_image_with_the_id_of_a_deleted_one() -> None:
    """Its id is the matter of another rule."""
    two = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=None)
    story = made().insert(two, request_id=None, name="two").change("delete")
    assert listed(image(name="two"))(story).verdict("life.delete") == "silent"


REFUSED: Step = lambda story: story.insert(INVALID, code=400, sourceType="TAR")  # noqa: E731 - a step of a story


@pytest.mark.parametrize(
    ("refused", "between", "second", "judged"),
    [
        (REFUSED, FREE, {"request_id": None}, True),
        (REFUSED, FREE, {"request_id": REQUEST_ID.replace("1", "2")}, True),
        (REFUSED, FREE, {}, False),
        (REFUSED, FREE, {"request_id": None, "sourceImage": None}, False),
        (REFUSED, FREE, {"request_id": None, "name": "two"}, False),
        (REFUSED, lambda story: story, {"request_id": None}, False),
        (REFUSED, lambda story: story.get(NOT_FOUND, status=404, name="two"), {"request_id": None}, False),
        (REFUSED, lambda story: FREE(story.within("q")).within("p"), {"request_id": None}, False),
        (REFUSED, lambda story: FREE(story).within("q"), {"request_id": None}, False),
        (lambda story: story.insert(TAKEN, code=409), FREE, {"request_id": None}, False),
        (
            lambda story: story.insert(operation(error={"errors": [{"code": "X"}]}, httpErrorStatusCode=404)),
            FREE,
            {"request_id": None},
            True,
        ),
        (lambda story: story.insert(operation()), FREE, {"request_id": None}, False),
    ],
)
def test_name_of_a_refused_insert_is_free(refused: Step, between: Step, second: dict[str, Any], judged: bool) -> None:
    rule = "life.failed-insert-leaves-nothing"
    conflict = between(refused(Story())).insert(TAKEN, code=409, **second)
    assert (conflict.verdict(rule) == "deviates") == judged
    other = operation(id="1002", name="operation-2", targetId="2002")
    assert between(refused(Story())).insert(other, **second).verdict(rule) in ("kept", "silent")


def test_refused_insert_leaves_no_image_behind() -> None:
    rule = "life.failed-insert-leaves-nothing"
    assert FREE(REFUSED(Story())).verdict(rule) == "kept"
    assert REFUSED(Story()).get(image()).verdict(rule) == "broken"


FIRST = operation("PENDING", clientOperationId=None)
SECOND = operation("PENDING", id="1002", name="operation-2", targetId="2002", clientOperationId=None)


@pytest.mark.parametrize(
    ("answers", "request_id", "verdict"),
    [
        (((200, FIRST), (409, TAKEN)), None, "kept"),
        (((200, FIRST), (200, SECOND)), None, "broken"),
        (((409, TAKEN), (409, TAKEN)), None, "broken"),
        (((200, FIRST), (400, INVALID)), None, "broken"),
        (((400, INVALID), (400, INVALID)), None, "silent"),
        (((200, FIRST), (503, {})), None, "silent"),
        (((200, FIRST), (200, SECOND)), REQUEST_ID, "silent"),
    ],
)
def test_simultaneous_inserts_of_one_name(answers: Any, request_id: str | None, verdict: str) -> None:
    story = Story()
    for code, answer in answers:
        story.insert(answer, code=code, request_id=request_id).meanwhile()
    assert story.pause(1).verdict("life.concurrent-same-name") == verdict


@pytest.mark.parametrize("apart", ["by time", "by name", "by a delete"])
def test_inserts_that_do_not_meet(apart: str) -> None:
    story = Story().insert(FIRST, request_id=None)
    if apart != "by time":
        story.meanwhile()
    story.insert(SECOND, request_id=None, name="two" if apart == "by name" else "one")
    if apart == "by a delete":
        story.change("delete")
    assert story.verdict("life.concurrent-same-name") == "silent"


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        (lambda story: listed(image())(story), "kept"),
        (lambda story: listed()(story), "broken"),
        (lambda story: listed(image(), image())(story), "broken"),
        (lambda story: listed()(story.within("q")), "silent"),
        (lambda story: story.say("GET", "images?filter=name%3Dtwo", None, 200, {"items": []}), "silent"),
        (lambda story: story.say("GET", "images", None, 200, {"items": [], "nextPageToken": "more"}), "silent"),
        (listed({**image(), "name": 5}), "silent"),
    ],
)
def test_list_holds_each_image_once(steps: Step, verdict: str) -> None:
    assert steps(made()).verdict("life.list-once") == verdict


def test_list_that_came_before_the_insert_had_ended() -> None:
    story = listed()(Story().insert(operation("PENDING"))).poll(operation()).get(image())
    assert story.verdict("life.list-once") == "silent"


ZERO = operation(id="1000", name="operation-0", targetId="2000", clientOperationId=None)
AGAIN = ZERO | {"id": "999", "name": "operation-9", "targetId": "1999"}


def zero(story: Story, answer: dict[str, Any] = ZERO) -> Story:
    """An insert of an image that is older than `one`."""
    return story.insert(answer, request_id=None, name="zero")


@pytest.mark.parametrize(
    ("before", "query", "items"),
    [
        (lambda story: zero(story.within("q")).within("p"), "", ()),
        (lambda story: zero(story, ZERO | {"status": "PENDING"}), "", ()),
        (lambda story: zero(zero(story), AGAIN), "", ()),
        (zero, "?filter=name%3Done", ()),
        (zero, "", ("zero", "zero")),
    ],
    ids=["another project's", "not there yet", "a name of two", "filtered", "there twice"],
)
def test_each_image_of_a_list_is_judged(before: Step, query: str, items: tuple[str, ...]) -> None:
    """An image of which the list tells nothing says nothing of the next one."""
    story = before(Story()).insert(operation("PENDING")).poll(operation()).get(image())
    page = {"kind": "compute#imageList", "items": [image(name=name, id="2000") for name in items]}
    story.say("GET", f"images{query}", None, 200, page)
    story.say("GET", "operations/operation-0", None, 200, ZERO)
    ledger = Ledger({"life.list-once": catalogue()["life.list-once"]})
    missed = [breach.expected for _, breach in ledger.judge(story.trace())]
    assert "one once" in missed


@pytest.mark.parametrize(("items", "verdict"), [((image(),), "kept"), ((), "silent")])
def test_image_that_somebody_may_have_deleted_unseen(items: tuple[dict[str, Any], ...], verdict: str) -> None:
    """A recording does not tell of everybody."""
    rule = "life.list-once"
    ledger = Ledger({rule: catalogue()[rule]})
    assert not ledger.judge(replace(listed(*items)(made()).trace(), recorded=True))
    assert bool(ledger.tallies[rule].observations) == (verdict == "kept")


@pytest.mark.parametrize("retried", [True, False])
def test_delete_that_was_sent_again_and_finds_nothing_was_perhaps_carried_out(*, retried: bool) -> None:
    """Its first try got no answer: nobody knows what came of it, and the image may be gone from then on."""
    story = Story().insert(operation()).say("DELETE", "images/one", None, 404, NOT_FOUND).get(NOT_FOUND, status=404)
    made_one, delete, *rest = story.trace().exchanges
    trace = replace(story.trace(), exchanges=(made_one, replace(delete, retried=retried), *rest))
    broken = {rule.id for rule, _ in Ledger(catalogue()).judge(trace)}
    assert ("operation.success-means-ready" in broken) != retried
