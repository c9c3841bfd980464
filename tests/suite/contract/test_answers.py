"""What an answer looks like, whatever was asked: on hand-written traces."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal, time_of

from conformance.contract import catalogue
from conformance.trace.exchange import Intent
from conformance.verdicts.ledger import Ledger


def error(status: int, **changes: Any) -> dict[str, Any]:
    """An error that is well formed but for the changes."""
    return {"error": {**refusal(status, "notFound")["error"], **changes}}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (error(404), "kept"),
        ({"error": {"code": 404, "message": "It is not there."}}, "kept"),
        (error(404, code=400), "broken"),
        (error(404, code="404"), "broken"),
        (error(404, message=""), "broken"),
        (error(404, message=5), "broken"),
        (error(404, errors={}), "broken"),
        (error(404, errors=["notFound"]), "broken"),
        (error(404, errors=[{"message": "It is not there."}]), "broken"),
        (error(404, errors=[{"reason": "notFound"}]), "broken"),
        ({"message": "It is not there."}, "broken"),
        ([], "broken"),
    ],
)
def test_form_of_an_error(answer: Any, verdict: str) -> None:
    assert Story().get(answer, status=404).verdict("transport.error-envelope") == verdict
    assert Story().get(image()).verdict("transport.error-envelope") == "silent"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (error(404), 404),
        (error(503), 503),
        (error(200), 200),
        (error(404, code="404"), 200),
        ({"error": "not found"}, 400),
        ({"error": {"message": "not found"}}, 400),
        ({"error": ""}, 200),
        ({"error": None}, 200),
        ([], 200),
        ({"error": {"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "It is not there."}]}}, 200),
        (image(**error(404)), 200),
    ],
)
def test_error_with_a_status_of_success_is_the_error_that_it_names(answer: Any, status: int) -> None:
    story = Story().get(answer)
    assert story.trace().exchanges[0].status == status
    assert story.verdict("transport.error-envelope") == ("silent" if status == 200 else "broken")


@pytest.mark.parametrize("answer", [{}, None])
def test_success_that_shows_nothing_of_what_was_asked_for_says_that_it_is_not_there(answer: Any) -> None:
    asked = Intent(valid=False, rules=("transport.not-found",))
    story = Story().say("GET", "images/one", None, 200, answer, asked).poll(answer)
    assert [exchange.status for exchange in story.trace().exchanges] == [404, 404]
    assert story.broken() == {"transport.not-found", *([] if answer == {} else ["transport.json"])}
    assert Story().insert(operation()).get(answer).verdict("operation.success-means-ready") == "broken"


def test_success_that_shows_nothing_of_what_nobody_asked_to_show_is_one() -> None:
    story = Story().say("GET", "images", None, 200, {}).say("GET", "images/one?fields=labels", None, 200, {})
    assert [exchange.status for exchange in story.insert({}).trace().exchanges] == [200, 200, 200]


@pytest.mark.parametrize(
    ("status", "reasons", "verdict"),
    [
        (404, ["notFound"], "kept"),
        (404, ["invalid"], "broken"),
        (404, ["invalid", "notFound"], "kept"),
        (404, [], "silent"),
        (409, ["alreadyExists"], "kept"),
        (409, ["notFound"], "broken"),
        (412, ["conditionNotMet"], "kept"),
        (412, ["conflict"], "broken"),
        (400, ["whatever"], "silent"),
    ],
)
def test_reason_of_an_error(status: int, reasons: list[str], verdict: str) -> None:
    answer = error(status, errors=[{"reason": reason, "message": "No."} for reason in reasons])
    assert Story().get(answer, status=status).verdict("transport.error-reason") == verdict


@pytest.mark.parametrize("errors", [7, True, "no", {"reason": "notFound"}, [None, ["notFound"]]])
def test_reasons_that_are_no_list_are_judged_by_other_rules(errors: Any) -> None:
    assert Story().get(error(404, errors=errors), status=404).verdict("transport.error-reason") == "silent"


@pytest.mark.parametrize(("code", "verdict"), [(200, "kept"), (201, "broken"), (202, "broken"), (400, "silent")])
def test_status_of_an_insert_that_succeeds(code: int, verdict: str) -> None:
    answer = refusal(400, "invalid") if code == 400 else operation()
    assert Story().insert(answer, code=code).verdict("transport.success-status") == verdict


@pytest.mark.parametrize(("code", "verdict"), [(200, "kept"), (204, "broken"), (202, "broken"), (404, "silent")])
def test_status_of_a_change_that_succeeds(code: int, verdict: str) -> None:
    answer = refusal(404, "notFound") if code == 404 else {}
    assert Story().change("delete", answer=answer, code=code).verdict("transport.success-status") == verdict


@pytest.mark.parametrize("rule", ["transport.system-parameters", "transport.client-headers", "transport.wait-body"])
def test_what_clients_send_beside_the_matter(rule: str) -> None:
    """Only a scenario knows that nothing else is wrong with the request."""
    intent = Intent(valid=True, rules=(rule,))
    path = "operations/operation-1/wait" if rule == "transport.wait-body" else "images?alt=json"
    body = {"name": "one", "sourceImage": "projects/p/global/images/base"}
    assert Story().say("POST", path, body, 400, refusal(400, "invalid"), intent).broken() == {rule}
    assert Story().say("POST", path, body, 200, operation(), intent).verdict(rule) == "kept"
    assert Story().say("POST", path, body, 400, refusal(400, "invalid")).verdict(rule) == "silent"


@pytest.mark.parametrize(
    ("sent", "shown", "verdict"),
    [
        ({"colour": "blue"}, {}, "kept"),
        ({"colour": "blue"}, {"colour": "red"}, "kept"),
        ({"colour": "blue"}, {"colour": "blue"}, "broken"),
        ({"deprecated": {"colour": "blue"}}, {"deprecated": {"colour": "blue"}}, "broken"),
        ({"guestOsFeatures": [{"colour": "blue"}]}, {"guestOsFeatures": [{"colour": "blue"}]}, "broken"),
        ({"labels": {"colour": "blue"}}, {"labels": {"colour": "blue"}}, "silent"),
        ({"params": {"colour": "blue"}}, {"params": {"colour": "blue"}}, "silent"),
    ],
)
def test_field_that_nobody_knows(sent: dict[str, Any], shown: dict[str, Any], verdict: str) -> None:
    rule = "transport.unknown-field"
    story = Story().insert(operation("PENDING"), **sent).poll(operation()).get(image(**shown))
    assert story.verdict(rule) == verdict
    refused = Story().insert(refusal(400, "invalid"), code=400, **sent)
    assert refused.verdict(rule) == ("silent" if verdict == "silent" else "kept")


@pytest.mark.parametrize(
    ("page", "verdict"),
    [
        ({"kind": "compute#imageList"}, "kept"),
        ({"kind": "compute#image"}, "broken"),
        ({"items": []}, "broken"),
    ],
)
def test_kind_of_a_list(page: dict[str, Any], verdict: str) -> None:
    assert Story().say("GET", "images", None, 200, page).verdict("life.list-kind") == verdict
    assert Story().say("GET", "images?fields=items", None, 200, page).verdict("life.list-kind") == "silent"


# Operations

ERROR: dict[str, Any] = {"error": {"errors": [{"code": "INVALID"}]}, "httpErrorStatusCode": 400}
SET, BULK = "setCommonInstanceMetadataOperationMetadata", "instancesBulkInsertOperationMetadata"


@pytest.mark.parametrize(
    ("members", "verdict"),
    [((), "kept"), ((SET,), "kept"), ((SET, BULK), "broken"), ((SET, "getVersionOperationMetadata"), "broken")],
)
def test_members_of_a_union(members: tuple[str, ...], verdict: str) -> None:
    told: dict[str, Any] = {name: {"a": "b"} for name in members}
    story = Story().insert(operation(**told))
    assert story.verdict("operation.metadata-union") == verdict


@pytest.mark.parametrize(
    ("wait", "status", "verdict"),
    [(1, "DONE", "kept"), (5, "DONE", "kept"), (1, "RUNNING", "silent"), (5, "RUNNING", "broken")],
)
def test_operation_that_ends_in_time(wait: float, status: str, verdict: str) -> None:
    story = Story().insert(operation("PENDING")).pause(wait).poll(operation(status))
    assert story.verdict("operation.reaches-done") == verdict


@pytest.mark.parametrize(
    ("status", "answer", "verdict"),
    [
        (404, refusal(404, "notFound"), "kept"),
        (200, image(status="FAILED"), "kept"),
        (200, image(), "broken"),
    ],
)
def test_failure_makes_no_image(status: int, answer: dict[str, Any], verdict: str) -> None:
    rule = "operation.failure-means-none"
    story = Story().insert(operation("PENDING")).poll(operation(**ERROR))
    assert story.get(answer, status=status).verdict(rule) == verdict
    other = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=None)
    rival = Story().insert(operation("PENDING")).poll(operation(**ERROR)).insert(other, request_id=None)
    assert rival.get(answer, status=status).verdict(rule) == "silent"
    fine = Story().insert(operation("PENDING")).poll(operation())
    assert fine.get(answer, status=status).verdict(rule) == "silent"


def waited(story: Story, answer: dict[str, Any]) -> Story:
    """A wait for the operation."""
    return story.say("POST", "operations/operation-1/wait", None, 200, answer)


@pytest.mark.parametrize(
    ("before", "answer", "verdict"),
    [
        ("PENDING", operation("RUNNING"), "kept"),
        ("RUNNING", operation("RUNNING"), "kept"),
        ("RUNNING", operation("PENDING"), "broken"),
        ("DONE", operation("RUNNING"), "broken"),
        ("RUNNING", operation(name="operation-2"), "broken"),
        ("RUNNING", operation(name=17), "kept"),
    ],
)
def test_wait_goes_on_from_what_was_seen(before: str, answer: dict[str, Any], verdict: str) -> None:
    story = waited(Story().insert(operation("PENDING")).poll(operation(before)), answer)
    assert story.verdict("operation.wait") == verdict


@pytest.mark.parametrize("identifier", ["1002", "1001"])
def test_wait_that_answers_another_operation_says_nothing_of_the_one_asked_for(identifier: str) -> None:
    link = "https://www.googleapis.com/compute/beta/projects/p/global/images/two"
    other = operation(id=identifier, name="operation-2", targetLink=link, targetId="2002", insertTime=time_of(0))
    story = waited(Story().insert(operation("PENDING")).poll(operation()), other)
    assert story.broken() == {"operation.wait"}


@pytest.mark.parametrize(
    ("before", "after", "status", "verdict"),
    [
        (1, 1, 404, "broken"),
        (0, 1, 404, "silent"),
        (1, 0, 404, "silent"),
        (1, 1, 503, "silent"),
        (1, 1, 200, "kept"),
    ],
)
def test_wait_for_what_get_finds(before: int, after: int, status: int, verdict: str) -> None:
    story = Story().insert(operation("PENDING"))
    for _ in range(before):
        story.poll(operation())
    answer = operation() if status == 200 else refusal(status, "notFound")
    story.say("POST", "operations/operation-1/wait", None, status, answer)
    for _ in range(after):
        story.poll(operation())
    assert story.verdict("operation.wait") == verdict


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (operation(), "kept"),
        (operation(user=None), "deviates"),
        (operation(user="other@example.com"), "broken"),
        (operation(insertTime="2026-01-01T00:00:03.000Z"), "broken"),
        (operation(clientOperationId=REQUEST_ID.replace("1", "2")), "broken"),
        (operation(**ERROR), "broken"),
    ],
)
def test_methods_that_tell_of_one_operation_agree(answer: dict[str, Any], verdict: str) -> None:
    story = Story().insert(operation("PENDING")).poll(operation())
    assert waited(story, answer).verdict("operation.agrees") == verdict


@pytest.mark.parametrize(
    ("warnings", "verdict"),
    [
        ([{"message": "It is old."}], "kept"),
        ([{"code": "DEPRECATED", "message": "It is old."}], "kept"),
        ([{"code": "DEPRECATED", "message": "It is old.", "data": [{"key": "name", "value": "one"}]}], "kept"),
        ([{"code": "DEPRECATED", "message": "It is old.", "data": []}], "kept"),
        ([{"code": 7, "message": "It is old."}], "broken"),
        ([{"code": "", "message": "It is old."}], "broken"),
        ([{"code": "DEPRECATED"}], "broken"),
        ([{"code": "DEPRECATED", "message": ""}], "broken"),
        ([{"code": "DEPRECATED", "message": 7}], "broken"),
        (["It is old."], "broken"),
        ({"message": "It is old."}, "broken"),
        ([{"message": "It is old.", "data": {"key": "name", "value": "one"}}], "broken"),
        ([{"message": "It is old.", "data": [{"key": "name"}]}], "broken"),
        ([{"message": "It is old.", "data": [{"key": "name", "value": 7}]}], "broken"),
        ([{"message": "It is old.", "data": ["name"]}], "broken"),
        ([], "silent"),
    ],
)
def test_form_of_a_warning(warnings: Any, verdict: str) -> None:
    story = Story().insert(operation("PENDING")).poll(operation(warnings=warnings))
    assert story.verdict("operation.warning-shape") == verdict


@pytest.mark.parametrize(("turned", "verdict"), [(True, "kept"), (False, "broken")])
def test_errors_of_an_operation_are_in_any_order(verdict: str, *, turned: bool) -> None:
    first, second = {"code": "FIRST", "message": "x"}, {"code": "SECOND", "message": "y"}
    failed: dict[str, Any] = {"httpErrorStatusCode": 400, "httpErrorMessage": "BAD REQUEST"}
    again = [second, first] if turned else [second]
    story = Story().insert(operation("PENDING")).poll(operation(**failed, error={"errors": [first, second]}))
    assert story.poll(operation(**failed, error={"errors": again})).verdict("operation.done-is-final") == verdict


@pytest.mark.parametrize(("progress", "observed"), [("100", '"100"'), (True, "true"), ([100], "[100]")])
def test_value_of_a_wrong_type_is_shown_as_json(progress: Any, observed: str) -> None:
    """A text of digits looks like a number without its quotes."""
    breaches = Ledger(catalogue()).judge(Story().insert(operation(progress=progress)).trace())
    assert [breach.observed for rule, breach in breaches if rule.id == "operation.type.progress"] == [observed]
