"""Rules on hand-written traces of half-built targets: each breach is blamed on its own rule, and on no other."""

from dataclasses import replace
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal

from conformance.contract import catalogue
from conformance.trace.exchange import Intent, Trace
from conformance.verdicts.ledger import Ledger

OTHER_ID = REQUEST_ID.replace("1", "2")
MISSING = refusal(404, "notFound")
TWO = "https://www.googleapis.com/compute/beta/projects/p/global/images/two"


def broken(story: Story, *, without: frozenset[str] = frozenset()) -> set[str]:
    """The rules that a story breaks, but for some."""
    return story.broken() - without


def one() -> Story:
    """An image that was made and seen."""
    return Story().insert(operation("PENDING")).poll(operation()).get(image())


def deletion(**changes: Any) -> dict[str, Any]:
    """The operation of a delete of image `one`."""
    return operation(**{"id": "1002", "name": "operation-2", "operationType": "delete", "selfLink": None, **changes})


def test_operations_that_share_a_name_are_told_apart() -> None:
    """A name made of the millisecond: the insert is polled, and a delete of another image answers."""
    stranger = deletion(
        id="1777",
        name="operation-1",
        targetId="2777",
        targetLink="https://www.googleapis.com/compute/beta/projects/p/global/images/other",
        clientOperationId=None,
    )
    assert broken(Story().insert(operation("RUNNING")).poll(stranger)) == {"operation.name"}


def test_name_that_is_given_to_two_operations() -> None:
    story = one().say("DELETE", "images/one", None, 200, deletion(name="operation-1", clientOperationId=None))
    assert broken(story) == {"operation.name"}


def test_operation_whose_id_changes_is_still_one() -> None:
    assert {"operation.identity-immutable"} <= broken(Story().insert(operation("RUNNING")).poll(operation(id="1777")))


def test_replay_that_is_carried_out_anew_under_a_name_of_the_moment_changes_no_operation() -> None:
    """The id tells that it is another operation: that of the replay, which looks find as well."""
    for status in ("RUNNING", "DONE"):
        story = Story().insert(operation(status)).insert(operation(status, id="1777"))
        story.poll(operation()).poll(operation(id="1777")).poll(operation())
        assert not {"operation.identity-immutable", "operation.done-is-final"} & story.broken()
        assert "request-id.replay-same-operation" in story.broken()


def test_operation_of_another_project_under_a_shared_name_is_no_change() -> None:
    """One store for all projects, names made of the moment: the id tells whose request it was."""
    story = Story().insert(operation("RUNNING"))
    body = {"name": "one", "sourceImage": "projects/p/global/images/base"}
    other = operation("RUNNING", id="1777", targetId="2777")
    story.within("q").say("POST", f"images?requestId={REQUEST_ID}", body, 200, other)
    story.within("p").poll(operation(id="1777", targetId="2777"))
    assert "operation.identity-immutable" not in story.broken()
    assert "operation.name" in story.broken()


def test_simultaneous_replays_agree_on_the_id() -> None:
    story = Story()
    for number in range(2):
        story.insert(operation("RUNNING", id=f"100{number}"))
    exchanges = tuple(replace(exchange, sent=1.0, received=2.0) for exchange in story.trace().exchanges)
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace(exchanges))}
    assert "request-id.replay-concurrent" in found


def test_name_that_two_images_hold() -> None:
    """A store without uniqueness: get and list show now one image and now the other, also after one is deleted."""
    second = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=OTHER_ID, selfLink=None)
    twin = image(id="2002", creationTimestamp="2026-01-01T00:00:00.090Z")
    story = one().insert(second, request_id=OTHER_ID).get(twin).get(image())
    story.say("GET", "images?filter=name=one", None, 200, {"kind": "compute#imageList", "items": [image(), twin]})
    gone = deletion(id="1003", name="operation-3", clientOperationId=None)
    story.say("DELETE", "images/one", None, 200, gone).get(twin)
    assert broken(story) == {"image.name.unique"}


def test_image_of_a_replay_outlives_the_first_one_where_operations_tell_no_ids() -> None:
    """What is there after the delete is not the image that was deleted: the replay has made it."""
    untold: dict[str, Any] = {"targetId": None}
    story = Story().insert(operation(**untold)).get(image())
    story.insert(operation(**untold, id="1777")).get(image())
    gone = deletion(**untold, id="1003", name="operation-3", clientOperationId=None)
    story.say("DELETE", "images/one", None, 200, gone).get(image(id="2777"))
    assert "life.delete" not in story.broken()
    assert story.get(image(id="2777")).verdict("image.id") != "broken"


@pytest.mark.parametrize("status", [409, 412, 404, 501, 403])
def test_refusal_for_another_reason_is_no_evidence(status: int) -> None:
    """A name that is taken, a source that is missing: nothing is known of what the target thinks of the fault."""
    story = Story().insert(refusal(status, "other"), code=status, architecture="PDP_11")
    assert not {"image.architecture", "transport.refuse-at-once"} & (story.kept() | story.broken())


@pytest.mark.parametrize(
    ("status", "code"), [(429, "RESOURCE_OPERATION_RATE_EXCEEDED"), (403, "QUOTA_EXCEEDED"), (500, "INTERNAL_ERROR")]
)
def test_operation_that_fails_for_want_of_something_else_is_no_evidence(status: int, code: str) -> None:
    """A quota that is used up: the fault of the request may never have been looked at."""
    failed = operation(error={"errors": [{"code": code, "message": "It is full."}]}, httpErrorStatusCode=status)
    story = Story().insert(operation("RUNNING"), architecture="PDP_11").poll(failed)
    assert not {"image.architecture", "transport.refuse-at-once"} & (story.kept() | story.broken())


def test_refusal_that_names_the_field_is_evidence_whatever_its_status() -> None:
    answer = refusal(404, "notFound")
    answer["error"]["errors"][0]["location"] = "resource.architecture"
    assert "image.architecture" in Story().insert(answer, code=404, architecture="PDP_11").kept()


def test_enums_that_were_asked_for_as_numbers() -> None:
    """In the answer to an insert as well as in that to a get."""
    numbers = {**operation("PENDING"), "status": 35394935}
    story = Story().say(
        "POST",
        "images?$alt=json;enum-encoding=int",
        {"name": "one", "sourceImage": "projects/p/global/images/base"},
        200,
        {**numbers, "clientOperationId": None},
    )
    done = {name: value for name, value in operation().items() if name != "clientOperationId"}
    assert broken(story.poll(done).get(image())) == set()


def test_operations_that_share_a_name_are_told_apart_where_enums_are_numbers() -> None:
    """The answer to the insert tells nothing of its status; it is still the insert that the name was given to."""
    numbers = {**operation("PENDING", clientOperationId=None), "status": 35394935}
    body = {"name": "one", "sourceImage": "projects/p/global/images/base"}
    stranger = operation(
        id="1777",
        targetId="2777",
        targetLink="https://www.googleapis.com/compute/beta/projects/p/global/images/other",
        insertTime="2026-01-01T00:00:07Z",
        clientOperationId=None,
    )
    story = Story().say("POST", "images?$alt=json;enum-encoding=int", body, 200, numbers)
    assert broken(story.poll(stranger)) == {"operation.name"}


@pytest.mark.parametrize("name", [None, 17, "operation-1"], ids=["no name", "a number", "a name"])
@pytest.mark.parametrize("followed", [True, False])
def test_image_tells_that_an_insert_succeeded_where_its_operation_cannot(name: object, *, followed: bool) -> None:
    """Its operation is found by what its selfLink says, or by nothing at all."""
    story = Story().insert(operation("PENDING", name=name), description="text")
    if followed:
        story.poll(operation(name=name))
    else:
        story.say("GET", "operations/operation-1", None, 404, MISSING).get(image(status="PENDING", description="other"))
    assert "image.description.round-trip" in story.get(image(description="other")).broken()


def test_image_tells_nothing_of_two_inserts_that_may_both_have_made_it() -> None:
    story = Story().insert(operation("PENDING"), description="text")
    story.insert(operation("PENDING", id="1002", name="operation-2"), request_id=OTHER_ID, description="other")
    assert "image.description.round-trip" not in story.get(image(description="other")).broken()


def test_simultaneous_inserts_of_a_name_that_becomes_free_meanwhile() -> None:
    """The one came before the delete had ended, and used up nothing; the other made the image."""
    made = operation("DONE", id="1009", name="operation-9", targetId="2009", selfLink=None, clientOperationId=OTHER_ID)
    for first, rule_broken in ((one(), False), (Story(), True)):
        first.insert(made, request_id=OTHER_ID).insert(refusal(409, "alreadyExists"), code=409, request_id=OTHER_ID)
        *before, served, refused = first.trace().exchanges
        pair = tuple(replace(exchange, sent=served.sent, received=served.received) for exchange in (served, refused))
        found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace((*before, *pair)))}
        assert ("request-id.replay-concurrent" in found) == rule_broken


def test_simultaneous_inserts_that_are_all_refused_say_nothing_about_their_request_id() -> None:
    story = Story()
    for _ in range(2):
        story.insert(refusal(400, "invalid"), code=400)
    exchanges = tuple(replace(exchange, sent=1.0, received=2.0) for exchange in story.trace().exchanges)
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace(exchanges))}
    assert "request-id.replay-concurrent" not in found


def test_items_that_are_null_need_not_come_back() -> None:
    story = Story().insert(operation(), licenses=[None]).get(image())
    assert "image.licenses.round-trip" not in story.broken()


def test_fingerprint_that_is_not_there_is_not_the_current_one() -> None:
    bare = {name: value for name, value in image().items() if name != "labelFingerprint"}
    story = Story().insert(operation("PENDING")).poll(operation()).get(bare)
    story.say("POST", "images/one/setLabels", {"labels": {}, "labelFingerprint": None}, 400, refusal(400, "invalid"))
    assert broken(story) == {"image.label-fingerprint.format"}


def test_set_labels_that_never_works_proves_nothing_about_fingerprints() -> None:
    intent = Intent(valid=False, rules=("labels.fingerprint-required",))
    story = one().say("POST", "images/one/setLabels", {"labels": {}}, 400, refusal(400, "invalid"), intent)
    assert broken(story) == set()
    assert "labels.fingerprint-required" not in story.kept()


def test_made_up_operation_is_one_deviation() -> None:
    intent = Intent(valid=False, rules=("operation.not-found",))
    made_up = {"kind": "compute#operation", "name": "operation-absent", "status": "DONE"}
    assert broken(Story().say("GET", "operations/operation-absent", None, 200, made_up, intent)) == {
        "operation.not-found"
    }


def test_store_that_all_projects_share() -> None:
    """The image was seen in the other project before that project got one of its name: its own insert does not excuse
    it."""
    elsewhere = image(selfLink="https://www.googleapis.com/compute/beta/projects/q/global/images/one")
    story = one().get(elsewhere).insert(refusal(409, "alreadyExists"), code=409, request_id=OTHER_ID)
    first, poll, look, foreign, second = story.trace().exchanges
    moved = tuple(
        replace(exchange, request=replace(exchange.request, url=exchange.request.url.replace("/p/", "/q/")))
        for exchange in (foreign, second)
    )
    found = {
        (rule.id, len(breach.exchanges))
        for rule, breach in Ledger(catalogue()).judge(Trace((first, poll, look, *moved)))
        if breach.exchanges[-1].number == foreign.number
    }
    assert found == {("transport.project-isolation", 2)}


def test_name_that_is_taken_in_another_project_is_no_replay() -> None:
    story = one().insert(refusal(409, "alreadyExists"), code=409)
    *before, second = story.trace().exchanges
    moved = replace(second, request=replace(second.request, url=second.request.url.replace("/p/", "/q/")))
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace((*before, moved)))}
    assert "request-id.scoped-to-project" not in found
    assert "transport.project-isolation" in found


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, {"transport.error-reason"}),
        ({"name": "two"}, {"request-id.scoped-to-project", "transport.error-reason"}),
    ],
)
def test_request_id_that_is_taken_in_another_project_is_no_name(fields: dict[str, Any], found: set[str]) -> None:
    """Where the name is the same, a conflict that does not say what about may be about either."""
    story = one().insert(refusal(409, "invalid"), code=409, **fields)
    *before, second = story.trace().exchanges
    moved = replace(second, request=replace(second.request, url=second.request.url.replace("/p/", "/q/")))
    assert {rule.id for rule, _ in Ledger(catalogue()).judge(Trace((*before, moved)))} == found


def test_two_operations_with_one_id_and_one_name_are_two() -> None:
    """Each tells of the image of its own request: what they have in common is what is wrong."""
    other = {"targetId": "2002", "targetLink": f"{TWO}", "clientOperationId": None}
    story = Story().insert(operation("PENDING")).insert(operation("PENDING", **other), name="two", request_id=None)
    assert broken(story.poll(operation())) == {"operation.id", "operation.name"}
    again = REQUEST_ID.replace("1", "2")
    story = Story().insert(operation("PENDING")).insert(operation("PENDING", clientOperationId=again), request_id=again)
    found = broken(story.poll(operation()))
    assert {"operation.id", "operation.name"} <= found
    assert not {rule for rule in found if rule.startswith("request-id.client")}


def test_get_by_id_is_judged_by_the_id_that_was_asked() -> None:
    assert broken(one().get(image(id="2002", name="two", selfLink=TWO), name="2001")) == {"life.get-by-id"}
    assert broken(one().get(MISSING, status=404, name="2001")) == {"life.get-by-id"}
    assert broken(one().get(image(), name="2001")) == set()


def test_get_by_name_that_answers_another_image() -> None:
    story = Story().insert(operation("PENDING"), description="mine").poll(operation())
    assert broken(story.get(image(id="2002", name="two", selfLink=TWO))) == {"life.get-after-done"}


def test_body_with_more_behind_its_json() -> None:
    """Its image is found by the name in what the body begins with."""
    content = {"name": "one", "sourceImage": "projects/p/global/images/base"}
    story = Story().say("POST", "images", content, 200, operation("RUNNING", clientOperationId=None))
    story.poll({**operation(), "clientOperationId": None}).get(image())
    first, *rest = story.trace().exchanges
    longer = replace(first, request=replace(first.request, body=(first.request.body or b"") + b" }"))
    found = Ledger(catalogue()).judge(Trace((longer, *rest)))
    assert [(rule.id, len(breach.exchanges)) for rule, breach in found] == [("transport.malformed-json", 3)]


@pytest.mark.parametrize("value", ["text", 17, [{"key": "value"}]])
def test_value_of_another_type_tells_nothing_of_what_came_back(value: Any) -> None:
    story = Story().insert(operation("PENDING"), labels={"colour": "blue"}).poll(operation()).get(image(labels=value))
    assert broken(story) == {"image.type.labels"}


def test_errors_that_are_no_json_are_the_matter_of_one_rule() -> None:
    story = Story().get(MISSING, status=404, name="absent")
    (exchange,) = story.trace().exchanges
    assert exchange.response is not None
    page = replace(exchange.response, headers={"content-type": "text/plain"}, body=b"404 page not found")
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace((replace(exchange, response=page),)))}
    assert found == {"transport.json"}


@pytest.mark.parametrize(("size", "blamed"), [(10, True), (2**20, False)])
def test_answer_too_large_to_be_read_is_none_of_the_target_s_where_the_request_was_as_large(
    size: int, blamed: bool
) -> None:
    """What was accepted although it is too long comes back."""
    story = Story().insert(operation("PENDING"), description="a" * size).poll(operation()).get(image())
    *others, look = story.trace().exchanges
    assert look.response is not None
    cut = replace(look, response=replace(look.response, body=b'{"kind": "compute#image", "descr', truncated=True))
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace((*others, cut)))}
    assert ("transport.json" in found) == blamed


def test_empty_page_shows_nothing_of_limits_and_filters() -> None:
    page = {"kind": "compute#imageList", "items": []}
    story = Story().say("GET", "images?maxResults=1&filter=name=one", None, 200, page)
    assert not {"life.list-max-results", "life.list-filter"} & story.kept()


def test_two_of_simultaneous_inserts_may_be_of_one_name() -> None:
    """Each answer is about its own name: none of them is that of another insert."""
    story = Story()
    for number, name in enumerate(("one", "one", "two")):
        target = f"https://www.googleapis.com/compute/beta/projects/p/global/images/{name}"
        answer = operation("PENDING", id=f"100{number}", name=f"operation-{number}", targetLink=target, selfLink=None)
        story.insert(answer, request_id=None, name=name)
    together = tuple(replace(exchange, sent=1.0, received=2.0) for exchange in story.trace().exchanges)
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace(together))}
    assert "life.concurrent-inserts" not in found


def test_name_is_not_what_a_requestid_is_refused_for() -> None:
    """A server that takes UUIDs of one version only says nothing of the name that is taken."""
    for field, blamed in (("requestId", set()), ("resource.name", {"image.name.unique"})):
        message = f"Invalid value for field '{field}': it is malformed."
        answer = {"error": {"code": 400, "message": message, "errors": [{"reason": "invalid", "message": message}]}}
        assert broken(one().insert(answer, code=400, request_id=OTHER_ID)) == blamed


@pytest.mark.parametrize(("name", "shown"), [("one", True), ("another", False)])
def test_image_that_another_project_finds_by_its_id(name: str, shown: bool) -> None:
    """Ids may be unique within a project only."""
    *before, last = one().get(image(name=name), name="2001").trace().exchanges
    url = last.request.url.replace("/p/", "/q/")
    trace = Trace((*before, replace(last, request=replace(last.request, url=url))))
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(trace)}
    assert ("transport.project-isolation" in found) == shown


@pytest.mark.parametrize(("told", "blamed"), [("2001", {"source.image.id"}), ("2003", set())])
def test_source_that_has_the_name_of_a_deleted_image(told: str, blamed: set[str]) -> None:
    gone = deletion(clientOperationId=None)
    third = operation(id="1003", name="operation-3", targetId="2003", clientOperationId=OTHER_ID, selfLink=None)
    again = one().say("DELETE", "images/one", None, 200, gone).insert(third, request_id=OTHER_ID)
    again.get(image(id="2003", creationTimestamp="2026-01-01T00:00:00.090Z"))
    link = TWO.replace("two", "one")
    fourth = operation(
        id="1004", name="operation-4", targetId="2004", targetLink=TWO, clientOperationId=None, selfLink=None
    )
    again.insert(fourth, request_id=None, name="two", sourceImage=link)
    again.get(image(id="2004", name="two", selfLink=TWO, sourceImage=link, sourceImageId=told), name="two")
    assert broken(again, without=frozenset({"image.creation-timestamp"})) == blamed


@pytest.mark.parametrize(("features", "blamed"), [(["GVNIC"], False), (["GVNIC", "WINDOWS"], True)])
def test_image_that_is_made_from_another_leaves_it_alone(features: list[str], blamed: bool) -> None:
    def shown(*types: str) -> list[dict[str, str]]:
        return [{"type": name} for name in types]

    own, both, link = shown("GVNIC"), shown("GVNIC", "WINDOWS"), TWO.replace("two", "one")
    source = Story().insert(operation("PENDING"), guestOsFeatures=own).poll(operation())
    source.get(image(guestOsFeatures=own))
    second = operation(
        id="1002", name="operation-2", targetId="2002", targetLink=TWO, clientOperationId=None, selfLink=None
    )
    source.insert(second, request_id=None, name="two", sourceImage=link, guestOsFeatures=shown("WINDOWS"))
    made = image(id="2002", name="two", selfLink=TWO, sourceImage=link, sourceImageId="2001", guestOsFeatures=both)
    source.get(made, name="two").get(image(guestOsFeatures=shown(*features)))
    assert ("life.isolation" in source.broken()) == blamed


UNTOLD: dict[str, Any] = {"targetId": None}


@pytest.mark.parametrize("changed", [{}, {"description": "another"}])
def test_image_without_a_status_is_left_alone_as_well(changed: dict[str, Any]) -> None:
    """A mock that shows no status and no targetId: once the operation has ended, the image is what it is."""
    bare = {name: value for name, value in image().items() if name != "status"}
    story = Story().insert(operation("DONE", **UNTOLD)).get(bare)
    second = operation(id="1002", name="operation-2", targetLink=TWO, clientOperationId=None, selfLink=None, **UNTOLD)
    story.insert(second, request_id=None, name="two").get(bare | changed)
    assert story.verdict("life.isolation") == ("broken" if changed else "kept")


def test_image_is_found_by_the_id_that_it_shows() -> None:
    """Where operations tell none."""
    story = Story().insert(operation("DONE", **UNTOLD)).get(image())
    assert story.verdict("life.get-by-id") == "silent"
    assert story.get(MISSING, status=404, name="2001").verdict("life.get-by-id") == "broken"


@pytest.mark.parametrize("shown", [{}, {"description": "another"}])
def test_lists_agree_with_gets_where_operations_tell_no_ids(shown: dict[str, Any]) -> None:
    story = Story().insert(operation("DONE", **UNTOLD)).get(image())
    listed = {"kind": "compute#imageList", "items": [image(**shown)]}
    story.say("GET", "images?filter=name=one", None, 200, listed).get(image())
    assert story.verdict("life.list-agrees") == ("broken" if shown else "kept")


@pytest.mark.parametrize(("shown", "elsewhere"), [("42", "kept"), (42, "kept"), (77, "broken")])
def test_id_of_a_source_that_an_archive_is_not(shown: object, elsewhere: str) -> None:
    """What is made from an archive has no such id: what comes back is the client's."""
    archive: dict[str, Any] = {"rawDisk": {"source": "https://storage.googleapis.com/b/disk.tar.gz"}}
    archive["sourceImage"] = None
    story = Story().insert(operation("PENDING"), **archive, sourceImageId="42").poll(operation())
    story.get(image(**archive, sourceImageId=shown))
    taken_over = "kept" if elsewhere == "broken" else "broken"
    assert story.verdict("image.output-only.sourceImageId") == taken_over
    assert story.verdict("source.raw-disk.round-trip") == elsewhere


@pytest.mark.parametrize(("shown", "verdict"), [(42, "broken"), ("42", "broken"), (77, "kept"), (None, "kept")])
def test_id_that_is_shown_as_a_number_is_the_client_s_all_the_same(shown: object, verdict: str) -> None:
    story = Story().insert(operation("PENDING"), sourceImageId="42").poll(operation())
    assert story.get(image(sourceImageId=shown)).verdict("image.output-only.sourceImageId") == verdict


def test_true_id_that_is_sent_back_and_shown_as_a_number_is_the_servers_own() -> None:
    story = Story().get(image(name="base", id=42), name="base")
    story.insert(operation("PENDING"), sourceImageId="42").poll(operation()).get(image(sourceImageId=42))
    assert story.verdict("image.output-only.sourceImageId") == "silent"


def again(identifier: str) -> Story:
    """An image that was deleted, and another that has its name."""
    made = operation(id="1003", name="operation-3", targetId=identifier, clientOperationId=OTHER_ID, selfLink=None)
    story = one().say("DELETE", "images/one", None, 200, deletion(clientOperationId=None))
    return story.insert(made, request_id=OTHER_ID).get(image(id=identifier))


def test_id_of_a_deleted_image_is_not_given_again() -> None:
    assert "image.id" in again("2001").broken()
    assert "image.id" in again("2003").kept()


@pytest.mark.parametrize(("shown", "blamed"), [("2001", False), ("2009", True)])
def test_deleted_image_that_a_list_shows_late_is_not_the_target_of_the_next_delete(shown: str, blamed: bool) -> None:
    late = {"kind": "compute#imageList", "items": [image(id=shown)]}
    story = again("2003").say("GET", "images?filter=name=one", None, 200, late)
    last = deletion(id="1004", name="operation-4", targetId="2003", clientOperationId=None)
    story.say("DELETE", "images/one", None, 200, last)
    assert ("operation.target-id" in story.broken()) == blamed


@pytest.mark.parametrize(
    ("made", "listed", "blamed"),
    [("2001", "2001", {"image.id"}), ("2003", "2003", set()), ("2003", "2001", {"life.delete"})],
)
def test_image_made_anew_with_the_id_of_its_predecessor_is_not_the_deleted_one(
    made: str, listed: str, blamed: set[str]
) -> None:
    """An id that is made of the name: a list shows the new image, not the one that was deleted."""
    shown = {"kind": "compute#imageList", "items": [image(id=listed)]}
    story = again(made).say("GET", "images?filter=name=one", None, 200, shown)
    assert blamed <= story.broken()
    assert "life.delete" in blamed or "life.delete" not in story.broken()


def test_target_id_that_is_wrong_from_the_start_is_no_image_made_anew() -> None:
    """An id that has passed through a double: what gets show stays the same all the time."""
    story = Story().insert(operation("PENDING", targetId="2000")).poll(operation(targetId="2000")).get(image())
    story.insert(operation(targetId="2000")).get(image())
    story.insert(refusal(409, "alreadyExists"), code=409, request_id=OTHER_ID).get(image())
    assert broken(story) == {"operation.target-id", "operation.success-means-ready"}
    assert {"request-id.replay-creates-nothing", "image.name.unique"} <= story.kept()


def test_target_id_that_changes_is_no_other_operation() -> None:
    story = Story().insert(operation("PENDING", targetId="0")).poll(operation()).get(image()).insert(operation())
    story.get(image())
    assert "operation.identity-immutable" in story.broken()
    assert {"request-id.replay-same-operation", "request-id.replay-creates-nothing"} <= story.kept()


@pytest.mark.parametrize("name", ["operation-1", 17, None])
def test_delete_that_is_answered_with_the_operation_of_an_insert_is_taken_for_its_replay(name: object) -> None:
    """The id tells that it is the insert's, where there is no name to tell it by."""
    told = operation(name=name)
    story = Story().insert(told).get(image())
    story.say("DELETE", f"images/one?requestId={REQUEST_ID}", None, 200, told).get(image())
    assert "request-id.scoped-to-method" in story.broken()
    assert not {"operation.id", "operation.type", "life.delete", "life.model"} & story.broken()


def test_error_with_nothing_in_it_is_no_failure() -> None:
    """A generated stub that writes every field: the insert has succeeded, and everything else can be judged."""
    empty: dict[str, Any] = {"error": {"errors": []}}
    story = Story().insert(operation("PENDING", **empty)).poll(operation(**empty)).get(image())
    assert broken(story) == {"operation.error-shape", "operation.error-only-when-failed"}
    assert {"operation.success-means-ready", "source.image.round-trip"} <= story.kept()


def two(**changes: Any) -> dict[str, Any]:
    """The operation of an insert of image `two`."""
    other = {"id": "1002", "name": "operation-2", "targetId": "2002", "targetLink": TWO}
    return operation(**other, clientOperationId=None, selfLink=None, **changes)


@pytest.mark.parametrize("deprecated", [None, {"state": "OBSOLETE"}])
@pytest.mark.parametrize(("status", "blamed"), [(200, False), (404, True)])
def test_delete_that_takes_another_image_with_it(
    status: int, deprecated: dict[str, str] | None, *, blamed: bool
) -> None:
    story = one().insert(two(), request_id=None, name="two")
    if deprecated:
        story.change("deprecate", deprecated).get(image(deprecated=deprecated))
    story.get(image(id="2002", name="two", selfLink=TWO), name="two")
    gone = deletion(id="1003", name="operation-3", targetId="2002", targetLink=TWO, clientOperationId=None)
    story.say("DELETE", "images/two", None, 200, gone)
    story.get(MISSING if blamed else image(deprecated=deprecated), status=status)
    assert ("life.isolation" in story.broken()) == blamed
    assert "operation.success-means-ready" not in story.broken()


@pytest.mark.parametrize(
    ("shown", "source", "blamed"), [("mine", "base", True), ("mine", "one", False), ("", "base", False)]
)
def test_description_that_is_left_over_from_another_insert(shown: str, source: str, blamed: bool) -> None:
    """Unless it comes from the source: what an image takes over from there is left open."""
    story = Story().insert(operation("PENDING"), description="mine").poll(operation()).get(image(description="mine"))
    link = TWO.replace("two", source)
    story.insert(two(), request_id=None, name="two", sourceImage=link)
    shows = image(id="2002", name="two", selfLink=TWO, sourceImage=link, description=shown or None)
    assert ("life.concurrent-inserts" in story.get(shows, name="two").broken()) == blamed


def test_status_that_is_no_status_does_not_tell_whether_an_operation_has_ended() -> None:
    failed = operation(httpErrorStatusCode=400, httpErrorMessage="BAD REQUEST", error={"errors": [{"code": "INVALID"}]})
    rule = "operation.error-only-when-failed"
    assert Story().insert({**failed, "status": "RUNNING"}).verdict(rule) == "deviates"
    assert Story().insert({**failed, "status": 17}).verdict(rule) == "silent"


@pytest.mark.parametrize(("identifier", "blamed"), [("2001", True), ("0", False)])
def test_id_that_is_not_known_yet_is_that_of_no_image(identifier: str, blamed: bool) -> None:
    shown = operation(targetId=identifier)
    story = Story().insert(shown).get(image()).get(refusal(404, "notFound"), status=404, name=identifier)
    assert (story.verdict("life.get-by-id") == "broken") == blamed


def test_simultaneous_inserts_whose_operations_are_lost_may_not_have_won() -> None:
    story = Story()
    for number in (1, 2):
        own = {"id": f"100{number}", "name": f"operation-{number}", "targetId": f"200{number}"}
        story.insert(operation("PENDING", clientOperationId=None, **own), request_id=None).meanwhile()
    assert story.pause(1).verdict("life.concurrent-same-name") == "broken"
    story.say("GET", "operations/operation-1", None, 404, refusal(404, "notFound"))
    assert story.verdict("life.concurrent-same-name") == "silent"


@pytest.mark.parametrize(("status", "verdict"), [(200, "kept"), (400, "broken"), (404, "silent")])
def test_operation_that_wait_misses_tells_nothing_of_its_body(status: int, verdict: str) -> None:
    answer = operation() if status == 200 else refusal(status, "notFound")
    intent = Intent(True, ("transport.wait-body",))
    story = one().say("POST", "operations/operation-1/wait", None, status, answer, intent)
    assert story.verdict("transport.wait-body") == verdict


def test_id_that_an_operation_tells_wrongly_is_not_asked_for() -> None:
    absent = refusal(404, "notFound")
    for shown, blamed in (("2001", True), ("2999", False)):
        story = Story().insert(operation("RUNNING")).poll(operation()).get(image(id=shown))
        story.get(absent, status=404, name="2001")
        assert ("life.get-by-id" in story.broken()) == blamed


@pytest.mark.parametrize(("status", "verdict"), [(404, "kept"), (410, "kept"), (200, "broken")])
def test_image_that_is_said_to_be_gone_is_deleted(status: int, verdict: str) -> None:
    story = one().say("DELETE", "images/one", None, 200, deletion(clientOperationId=None))
    answer = image() if status == 200 else refusal(status, "notFound")
    assert story.get(answer, status=status).verdict("life.delete") == verdict


@pytest.mark.parametrize(("status", "verdict"), [("RUNNING", "broken"), (17, "silent"), ("COMPLETED", "kept")])
def test_status_that_is_unknown_does_not_say_that_an_operation_goes_on(status: object, verdict: str) -> None:
    running = {**operation("RUNNING"), "status": status}
    assert Story().insert(running).pause(20).poll(running).verdict("operation.reaches-done") == verdict


@pytest.mark.parametrize("told", [{"endTime": "2026-01-01T00:00:00.200Z"}, {"error": {"errors": [{"code": "GONE"}]}}])
def test_operation_has_ended_that_says_so_under_a_status_of_its_own(told: dict[str, Any]) -> None:
    """What came of it is judged, and only its status is wrong."""
    refused = Intent(valid=False, rules=("source.image.unknown",))
    end = operation(**{"status": "FAILED", "httpErrorStatusCode": 400, "httpErrorMessage": "BAD REQUEST", **told})
    story = Story().insert(operation("RUNNING"), intent=refused).poll(end)
    story.say("POST", "operations/operation-1/wait", None, 200, end)
    assert story.verdict("source.image.unknown") == "kept"
    assert "operation.status" in story.broken()
    assert not {"operation.wait", "operation.end-time", "operation.error-only-when-failed"} & story.broken()


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        ({"status": "DONE"}, True),
        ({"status": "done"}, True),
        ({"status": "SUCCESS"}, True),
        ({"status": "Completed"}, True),
        ({"status": None, "done": True}, True),
        ({"status": None, "done": False}, False),
        ({"status": None, "done": "true"}, False),
        ({"status": "running", "done": True, "endTime": "2026-01-01T00:00:00.200Z"}, False),
        ({"status": "STARTED"}, False),
    ],
)
def test_end_of_an_operation_in_other_words(told: dict[str, Any], ended: bool) -> None:
    shown = {**operation("RUNNING"), **told}
    story = Story().insert(operation("RUNNING")).poll(shown).get(refusal(404, "notFound"), status=404)
    assert ("operation.success-means-ready" in story.broken()) == ended


@pytest.mark.parametrize("status", ["RUNNING", "STARTED"])
def test_operation_that_tells_no_end_goes_on_whatever_its_status_is(status: str) -> None:
    refused = Intent(valid=False, rules=("source.image.unknown",))
    story = Story().insert(operation("RUNNING"), intent=refused).poll({**operation("RUNNING"), "status": status})
    assert story.verdict("source.image.unknown") == "silent"


def test_times_of_a_deprecation_are_not_taken_for_each_other() -> None:
    sent = {"state": "DEPRECATED", "obsolete": "2002-03-04T05:06:07Z", "deleted": "2003-04-05T06:07:08Z"}
    for shown, verdict in ((sent, "kept"), (sent | {"obsolete": sent["deleted"]}, "broken")):
        story = one().change("deprecate", sent).get(image(deprecated=shown))
        assert story.verdict("deprecate.round-trip") == verdict


@pytest.mark.parametrize(("ids", "verdict"), [(["88"], "broken"), (["88", "89"], "kept")])
def test_source_that_shows_several_ids_tells_none(ids: list[str], verdict: str) -> None:
    story = Story()
    for identifier in ids:
        story.get(image(name="base", id=identifier, sourceImageId=None), name="base")
    story.insert(operation("RUNNING")).poll(operation()).get(image(sourceImageId="77"))
    assert story.verdict("source.image.id") == verdict


@pytest.mark.parametrize("status", ["PENDING", "READY"])
def test_source_that_was_never_seen_to_be_ready(status: str) -> None:
    """The status of operations is one that nobody knows: a source that is refused for its state is that rule's."""
    story = Story().insert(operation("asked")).poll(operation("arrived")).get(image(status=status))
    source, intent = "projects/p/global/images/one", Intent(valid=True, rules=("deprecate.use-obsolete",))
    story.insert(
        refusal(400, "resourceNotReady"), code=400, request_id=OTHER_ID, intent=intent, name="two", sourceImage=source
    )
    assert "operation.status" in story.broken()
    assert ("deprecate.use-obsolete" in story.broken()) == (status == "READY")


def test_image_without_a_status_is_there_though_its_operation_never_ends() -> None:
    for status, verdict in ((None, "broken"), ("PENDING", "silent")):
        running = operation("RUNNING")
        story = Story().insert(running, description="mine").poll(running).get(image(status=status, description="other"))
        assert story.verdict("image.description.round-trip") == verdict


def test_image_that_only_a_list_shows_is_what_came_of_its_insert() -> None:
    for missing, verdict in ((True, "broken"), (False, "kept")):
        story = Story().insert(operation("RUNNING"), description="mine").poll(operation())
        story.get(MISSING if missing else image(description="mine"), status=404 if missing else 200)
        story.say("GET", "images", None, 200, {"kind": "compute#imageList", "items": [image(description="other")]})
        assert story.verdict("image.description.round-trip") == verdict


@pytest.mark.parametrize(("later", "verdict"), [(404, "broken"), (200, "kept")])
def test_image_that_is_had_by_its_id_alone_is_not_had_by_its_name(later: int, verdict: str) -> None:
    story = Story().insert(operation("RUNNING")).poll(operation()).get(image(), name="2001").get(MISSING, status=404)
    story.get(image(), name="2001").get(image() if later == 200 else MISSING, status=later)
    assert story.verdict("life.get-after-done") == verdict


def test_list_may_leave_out_what_came_of_an_insert() -> None:
    story = Story().insert(operation("RUNNING"), description="mine").poll(operation())
    story.say("GET", "images", None, 200, {"kind": "compute#imageList", "items": [{"name": "one", "id": "2001"}]})
    assert not {"image.description.round-trip", "source.image.round-trip", "source.image.id"} & story.broken()


def test_list_that_is_an_array_has_no_kind() -> None:
    assert "life.list-kind" in one().say("GET", "images", None, 200, [image()]).broken()


@pytest.mark.parametrize("path", ["projects/p/global/images/one", "https://localhost/v1/projects/p/global/images/one"])
def test_path_in_the_place_of_a_name_breaks_one_rule(path: str) -> None:
    """What the image is, is judged all the same."""
    story = Story().insert(operation()).get(image(name=path, status="FAILED"))
    assert story.broken() == {"image.name.pattern", "operation.success-means-ready"}
    assert (
        Story().insert(operation(), description="a/images/one").get(image(description="a/images/one")).broken() == set()
    )
    listed = Story().insert(operation()).say("GET", "images", None, 200, {"items": [image(name=path)]})
    assert "image.name.pattern" in listed.broken()


def test_path_in_the_place_of_the_name_of_an_operation_breaks_one_rule() -> None:
    done = operation(name="operations/operation-1")
    story = Story().insert({**done, "status": "RUNNING", "endTime": None, "progress": 0}).poll(done).get(image())
    assert story.broken() == {"operation.name"}
