"""Rules on hand-written traces: the good story breaks none, and each bad one breaks the rule that it is about."""

from dataclasses import replace
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal, time_of

from conformance.contract import all_but, catalogue, matching
from conformance.trace.exchange import Intent, Trace
from conformance.verdicts.ledger import Ledger


def plain(**changes: Any) -> Story:
    """An insert that is followed to its end; the changes are to the operation when it is DONE."""
    story = Story().insert(operation("PENDING")).poll(operation("RUNNING"))
    return story.poll(operation(**changes)).poll(operation(**changes)).get(image())


def test_good_story_breaks_no_rule() -> None:
    story = plain().insert(operation()).get(image())
    assert story.broken() == set()
    assert {
        "operation.status-monotonic",
        "request-id.replay-after-done",
        "image.kind",
        "source.image.id",
    } <= story.kept()


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("operation.kind", {"kind": "compute#image"}),
        ("operation.id", {"id": 1001}),
        ("operation.name", {"name": "operation-2"}),
        ("operation.type", {"operationType": "create"}),
        (
            "operation.target-link",
            {"targetLink": "https://www.googleapis.com/compute/beta/projects/p/global/images/two"},
        ),
        ("operation.target-id", {"targetId": "2002"}),
        ("operation.status", {"status": "FINISHED"}),
        ("operation.progress", {"progress": 101}),
        ("operation.times", {"insertTime": time_of(30)}),
        ("operation.end-time", {"endTime": None}),
        ("operation.error-only-when-failed", {"httpErrorMessage": "OK"}),
        ("operation.warning-shape", {"warnings": [{"code": "X"}]}),
        (
            "operation.self-link",
            {"selfLink": "https://www.googleapis.com/compute/beta/projects/p/global/operations/other"},
        ),
        ("operation.scope", {"zone": "zones/a"}),
        ("operation.type.user", {"user": 7}),
        ("request-id.client-operation-id", {"clientOperationId": "other"}),
    ],
)
def test_operation_that_breaks_a_rule(rule: str, changes: dict[str, Any]) -> None:
    assert rule in plain(**changes).broken()
    assert rule not in plain().broken()


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("image.kind", {"kind": "compute#disk"}),
        ("image.id", {"id": 2001}),
        ("image.creation-timestamp", {"creationTimestamp": "2020-01-01T00:00:00Z"}),
        ("image.self-link", {"selfLink": "projects/p/global/images/one"}),
        ("image.status", {"status": "AVAILABLE"}),
        ("image.archive-size-bytes", {"archiveSizeBytes": 100}),
        ("image.disk-size-gb", {"diskSizeGb": 10}),
        ("image.label-fingerprint.format", {"labelFingerprint": None}),
        ("image.labels.round-trip", {"labels": {"added": "label"}}),
        ("source.image.id", {"sourceDiskId": "5"}),
        ("source.image.round-trip", {"sourceImage": None}),
        ("image.type.locked", {"locked": "yes"}),
        ("operation.success-means-ready", {"status": "PENDING"}),
    ],
)
def test_image_that_breaks_a_rule(rule: str, changes: dict[str, Any]) -> None:
    story = Story().insert(operation("PENDING")).poll(operation())
    assert rule in story.get(image(**changes)).broken()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "5"),
        ("status", "FAILED"),
        ("kind", "compute#disk"),
        ("creationTimestamp", time_of(9)),
        ("labelFingerprint", "AAAAAAAAAAA="),
    ],
)
def test_output_only_field_that_is_taken_over(field: str, value: str) -> None:
    spoof: dict[str, Any] = {field: value}
    story = Story().insert(operation("PENDING"), **spoof).poll(operation())
    assert f"image.output-only.{field}" in story.get(image(**spoof)).broken()
    story = Story().insert(operation("PENDING"), **spoof).poll(operation())
    assert f"image.output-only.{field}" not in story.get(image()).broken()


def test_status_that_goes_back() -> None:
    story = Story().insert(operation("RUNNING")).poll(operation("DONE")).poll(operation("RUNNING"))
    assert "operation.status-monotonic" in story.broken()


def test_states_may_be_skipped() -> None:
    assert Story().insert(operation("DONE")).get(image()).broken() == set()
    assert Story().insert(operation("PENDING")).poll(operation("DONE")).get(image()).broken() == set()


def test_replay_that_makes_a_second_image() -> None:
    second = operation("PENDING", id="1002", name="operation-2", targetId="2002")
    story = Story().insert(operation("PENDING")).poll(operation()).get(image()).insert(second)
    broken = story.get(image(id="2002")).broken()
    assert {"request-id.replay-same-operation", "request-id.replay-creates-nothing"} <= broken


def test_replay_that_answers_the_operation_as_it_was_first_answered() -> None:
    assert plain().insert(operation("PENDING")).get(image()).broken() == set()


def test_replay_of_a_delete_that_answers_its_operation_as_it_was_first_answered() -> None:
    link = "https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-2"
    gone = operation(id="1002", name="operation-2", operationType="delete", selfLink=link)
    going = {name: value for name, value in gone.items() if name not in ("targetId", "startTime", "endTime")}
    going |= {"status": "PENDING", "progress": 0}
    path = f"images/one?requestId={REQUEST_ID}"

    def replayed(later: dict[str, Any]) -> set[str]:
        story = plain().say("DELETE", path, None, 200, going)
        story.say("GET", "operations/operation-2", None, 200, gone)
        return (
            story.say("DELETE", path, None, 200, going).say("GET", "operations/operation-2", None, 200, later).broken()
        )

    assert replayed(gone) == set()
    assert "operation.status-monotonic" in replayed(going)


def test_delete_of_nothing_whose_operation_tells() -> None:
    intent = Intent(valid=False, rules=("transport.not-found",))
    error = {"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "It is not there."}]}
    failed: dict[str, Any] = {"error": error, "httpErrorStatusCode": 404, "httpErrorMessage": "NOT FOUND"}
    for outcome, broken in ((failed, False), ({}, True)):
        told = operation(operationType="delete", clientOperationId=None, **outcome)
        story = Story().say("DELETE", "images/one", None, 200, told, intent)
        assert ("transport.not-found" in story.broken()) == broken


@pytest.mark.parametrize("method", ["patch", "setLabels", "deprecate"])
@pytest.mark.parametrize(("status", "broken"), [(404, False), (200, True), (400, True)])
def test_change_of_nothing(method: str, status: int, broken: bool) -> None:
    verb, path = ("PATCH", "images/one") if method == "patch" else ("POST", f"images/one/{method}")
    answer = operation(operationType=method) if status == 200 else refusal(status, "notFound")
    story = Story().say(verb, path, {}, status, answer, Intent(valid=False, rules=("transport.not-found",)))
    assert ("transport.not-found" in story.broken()) == broken


def test_id_that_is_given_late_is_a_deviation() -> None:
    early = image(id=None, status="PENDING")
    rule = {"image.id": catalogue()["image.id"]}
    late = Story().insert(operation("PENDING", targetId=None)).get(early).poll(operation()).get(image())
    assert [breach.deviation for _, breach in Ledger(rule).judge(late.trace())] == [True]
    other = late.get(image(id="2009"))
    assert [breach.deviation for _, breach in Ledger(rule).judge(other.trace())] == [True, False]
    never = plain().get(image(id=None))
    assert not any(breach.deviation for _, breach in Ledger(rule).judge(never.trace()))


def test_labels_that_a_later_request_has_changed_first() -> None:
    def setting(status: str, number: int, **more: Any) -> dict[str, Any]:
        link = f"https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-{number}"
        own = {"id": f"100{number}", "name": f"operation-{number}", "operationType": "setLabels", "selfLink": link}
        return operation(status, **{**own, "clientOperationId": None, **more})

    error = {"errors": [{"code": "CONDITION_NOT_MET", "message": "The labels have changed."}]}
    failed: dict[str, Any] = {"error": error, "httpErrorStatusCode": 412, "httpErrorMessage": "Precondition Failed"}

    def failing(*, rival: bool) -> set[str]:
        body = {"labels": {"a": "2"}, "labelFingerprint": image()["labelFingerprint"]}
        story = plain().say("POST", "images/one/setLabels", body, 200, setting("RUNNING", 2))
        if rival:
            story.say("POST", "images/one/setLabels", {**body, "labels": {"a": "3"}}, 200, setting("DONE", 3))
        return story.say("GET", "operations/operation-2", None, 200, setting("DONE", 2, **failed)).broken()

    assert "labels.set" not in failing(rival=True)
    assert "labels.set" in failing(rival=False)


def test_replay_that_shows_a_value_of_the_wrong_type_again_shows_it_again() -> None:
    untyped = operation("PENDING", insertTime=17)
    broken = Story().insert(untyped).poll(operation(insertTime=17)).insert(untyped).get(image()).broken()
    assert "operation.type.insertTime" in broken
    assert not {rule for rule in broken if rule.startswith("request-id.")}


def test_replay_with_another_body_may_be_refused() -> None:
    for status, reason in ((400, "invalid"), (409, "conflict")):
        story = plain().insert(refusal(status, reason), code=status, description="another")
        assert story.get(image()).broken() == set()


def test_second_insert_of_a_name() -> None:
    other = REQUEST_ID.replace("1", "2")
    for request_id, rule in ((other, "request-id.distinct"), (None, "request-id.absent")):
        refused = plain().insert(refusal(409, "alreadyExists"), code=409, request_id=request_id)
        assert refused.broken() == set()
        assert rule in refused.kept()
        assert rule in plain().insert(operation(), request_id=request_id).broken()


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("image.name.pattern", {"name": "One"}),
        ("image.name.length", {"name": "o" * 64}),
        ("image.name.required", {"name": None}),
        ("source.required", {"sourceImage": None}),
        ("source.exclusive", {"sourceDisk": "zones/a/disks/b"}),
        ("image.architecture", {"architecture": "PDP_11"}),
        ("encryption.image.raw-key-length", {"imageEncryptionKey": {"rawKey": "AAAA"}}),
        ("transport.wrong-type.description", {"description": 7}),
        ("image.labels.limits", {"labels": {"Key": "value"}}),
    ],
)
def test_request_with_a_fault(rule: str, body: dict[str, Any]) -> None:
    story = Story().insert(refusal(400, "invalid"), code=400, **body)
    assert story.broken() == set()
    assert rule in story.kept()
    failed = operation(
        "DONE", error={"errors": [{"code": "INVALID", "message": "no"}]}, httpErrorStatusCode=400, httpErrorMessage="NO"
    )
    assert rule not in Story().insert(operation("PENDING"), **body).poll(failed).broken()
    assert rule in Story().insert(operation("PENDING"), **body).poll(operation()).broken()


def test_zero_and_malformed_request_ids() -> None:
    for request_id, rule in (
        ("00000000-0000-0000-0000-000000000000", "request-id.zero-refused"),
        ("not-a-uuid", "request-id.malformed-refused"),
    ):
        assert rule in Story().insert(operation(clientOperationId=request_id), request_id=request_id).broken()
        assert rule in Story().insert(refusal(400, "invalid"), code=400, request_id=request_id).kept()


def test_key_that_is_echoed_in_an_error() -> None:
    key = "SW1hZ2Uga2V5IG9mIHRoZSBjb25mb3JtYW5jZSBydW4="
    error = refusal(400, "invalid")
    error["error"]["message"] = f"bad key {key}"
    story = Story().insert(error, status=400, imageEncryptionKey={"rawKey": key, "rsaEncryptedKey": "AAAA"})
    assert "encryption.never-echoed" in story.broken()


@pytest.mark.parametrize("status", ["RUNNING", "DONE"])
def test_change_before_a_patch_is_not_blamed_on_it(status: str) -> None:
    deprecation = operation(status, name="operation-2", id="1002", operationType="setDeprecation")
    story = plain().say("POST", "images/one/deprecate", {"state": "OBSOLETE"}, 200, deprecation)
    story = story if status == "DONE" else story.get(image())
    patch = operation(name="operation-3", id="1003", operationType="patch")
    story.say("PATCH", "images/one", {"description": "new"}, 200, patch)
    assert "life.patch" not in story.get(image(description="new", deprecated={"state": "OBSOLETE"})).broken()


@pytest.mark.parametrize(("method", "body"), [("patch", {"description": "new"}), ("setLabels", {"labels": {"a": "b"}})])
def test_what_a_list_leaves_out_is_not_changed_by_what_comes_after_it(method: str, body: dict[str, Any]) -> None:
    listed = {name: image()[name] for name in ("id", "name", "status", "labelFingerprint")}
    story = plain().get(image()).say("GET", "images?filter=name=one", None, 200, {"items": [listed]})
    story.change(method, {**body, "labelFingerprint": listed["labelFingerprint"]} if "labels" in body else body)
    assert not story.get(image(**body)).broken() & {"life.patch", "labels.set"}


def test_all_lose_with_a_fingerprint_that_is_not_the_last_one() -> None:
    """A made-up one, and one that another change has made stale."""
    other = operation(name="operation-8", id="1008", operationType="setDeprecation")
    for shown, between in (("CCCCCCCCCCE=", False), ("AAAAAAAAAAE=", True)):
        story = Story().get(image(labelFingerprint=shown))
        if between:
            story.say("POST", "images/one/deprecate", {"state": "DEPRECATED"}, 200, other)
        for number in range(2):
            body = {"labels": {"number": str(number)}, "labelFingerprint": "AAAAAAAAAAE="}
            story.say("POST", "images/one/setLabels", body, 412, refusal(412, "conditionNotMet"))
        *before, first, second = story.trace().exchanges
        trace = Trace((*before, first, replace(second, sent=first.sent, received=first.received)))
        assert "labels.concurrent" not in {rule.id for rule, _ in Ledger(catalogue()).judge(trace)}


@pytest.mark.parametrize("labels", [None, {}])
def test_labels_that_are_null_are_dropped_labels(labels: dict[str, str] | None) -> None:
    story = Story().insert(operation(), labels={"goog-own": "true"}).get({**image(), "labels": labels})
    assert "image.labels.round-trip" in story.broken()


def test_labels_of_the_wrong_type_tell_nothing_of_labels() -> None:
    story = plain().get(image(labels="text")).get(image(labels="text", labelFingerprint="AAAAAAAAAAE="))
    broken = story.broken()
    assert "image.type.labels" in broken
    assert not {rule for rule in broken if rule.startswith("labels.")}


@pytest.mark.parametrize(("winners", "broken"), [((0,), False), ((1,), False), ((1, 2), True), ((), True)])
def test_one_of_simultaneous_label_changes_wins(winners: tuple[int, ...], broken: bool) -> None:
    """Three with one fingerprint, the first of them through before the others are sent."""
    story = Story().get(image(labelFingerprint="AAAAAAAAAAE="))
    for number in range(3):
        body = {"labels": {"number": str(number)}, "labelFingerprint": "AAAAAAAAAAE="}
        won = operation(name=f"operation-{number}", operationType="setLabels")
        status, answer = (200, won) if number in winners else (412, refusal(412, "conditionNotMet"))
        story.say("POST", "images/one/setLabels", body, status, answer)
    look, first, second, third = story.trace().exchanges
    trace = Trace((look, first, second, replace(third, sent=second.sent, received=second.received)))
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(trace)}
    assert ("labels.concurrent" in found) == broken


def test_filter_for_two_names_is_no_filter_for_one() -> None:
    page = {"kind": "compute#imageList", "items": [image(), image(name="two", id="2002")]}
    for expression, broken in (("name=one%20OR%20name=two", set()), ("name%20%3D%20one", {"life.list-filter"})):
        assert (
            plain().say("GET", f"images?filter={expression}", None, 200, page).broken() & {"life.list-filter"} == broken
        )


def test_server_error() -> None:
    assert "transport.no-server-error" in Story().insert(refusal(500, "backendError"), code=500).broken()


def test_name_of_a_refused_insert_stays_free() -> None:
    other = REQUEST_ID.replace("1", "2")
    missing = refusal(404, "notFound")

    def refused() -> Story:
        story = Story().insert(refusal(400, "invalid"), code=400, architecture="PDP_11")
        return story.get(missing, status=404)

    taken = refused().insert(refusal(409, "alreadyExists"), code=409, request_id=other)
    assert taken.broken() == {"life.failed-insert-leaves-nothing"}
    assert refused().insert(operation(clientOperationId=other), request_id=other).get(image()).broken() == set()


@pytest.mark.parametrize(
    ("rule", "status", "other"),
    [
        ("access.no-credentials", 401, 403),
        ("access.bad-token", 401, 400),
        ("access.forbidden", 403, 401),
        ("access.scopes", 403, 401),
        ("access.labels", 403, 400),
        ("access.source", 403, 404),
    ],
)
def test_caller_who_may_not_insert(rule: str, status: int, other: int) -> None:
    def story(answered: int, *, image_there: bool) -> Story:
        body = {"name": "one", "sourceImage": "projects/p/global/images/base"}
        answer = operation() if answered == 200 else refusal(answered, "forbidden")
        told = Story().say("POST", "images", body, answered, answer, Intent(valid=False, rules=(rule,)))
        return told.get(image()) if image_there else told.get(refusal(404, "notFound"), status=404)

    assert rule in story(status, image_there=False).kept()
    for answered, image_there in ((other, False), (status, True), (200, True)):
        assert rule in story(answered, image_there=image_there).broken()


def test_all_rules_of_an_area_but_some() -> None:
    found = all_but("access.*", "access.no-*", "access.bad-token")
    assert set(found) == matching(["access.*"], catalogue()) - {"access.no-credentials", "access.bad-token"}
    assert list(found) == [rule for rule in catalogue() if rule in found]
