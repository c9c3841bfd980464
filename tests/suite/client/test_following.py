"""An operation is followed by what addresses it; where nothing does, the image of the insert is watched."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any
from unittest.mock import Mock

import pytest
from helpers.story import image, operation, refusal

from conformance.client.api import Api, addresses
from conformance.client.connection import Reply
from conformance.client.recorder import told_id
from conformance.commands.run import judge
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract.insert_request import InsertRequest
from conformance.emulator.process import EmulatorProcess
from conformance.trace.exchange import Response

LINK = "https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-1"
RULE = "image.description.round-trip"


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        ({"name": "operation-1", "selfLink": LINK, "id": "7"}, ["operation-1", "7"]),
        ({"name": 17, "selfLink": LINK, "id": 7}, ["operation-1", "7"]),
        ({"name": "other", "selfLink": LINK}, ["other", "operation-1"]),
        ({"name": "..", "selfLink": 3}, []),
        ({"name": "a/b", "selfLink": LINK.removesuffix("/operation-1")}, []),
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


def test_image_is_judged_by_lists_where_no_get_finds_it() -> None:
    with EmulatorProcess(faults=("operation.success-means-ready/never-got", f"{RULE}/normalised")) as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1)
        results = judge(settings, focus=(RULE,))
    assert results.verdicts[RULE] == "failed"


def scripted(*answers: dict[str, Any]) -> tuple[Api, list[dict[str, Any]]]:
    """A client of a target that says what stands in a script, whatever it is asked; and the script."""
    script = list(answers)

    def send(*request: Any, **options: Any) -> Reply:
        del request, options
        answer = script.pop(0)
        error = answer.get("error")
        status = error.get("code", 200) if isinstance(error, dict) else 200
        return Reply(Response(status, {}, json.dumps(answer).encode()), "", 0.0, 0.0)

    target = Mock(
        root="http://server/compute/beta",
        project="p",
        secrets=set(),
        unseen=Counter(),
        unlucky=0,
        over=False,
        nameless=False,
    )
    target.transport.send = send
    target.profile = PROFILES["quick"]
    target.names.prefix, target.names.named = "conformance-", str
    return Api(target), script


def test_image_made_anew_is_looked_for_though_one_of_its_name_is_deleted() -> None:
    gone = operation(name="operation-2", id="1002", operationType="delete", clientOperationId=None)
    going = {**gone, "status": "PENDING"}
    for deleted, status in (("2000", 200), ("2001", 404)):
        api, script = scripted({**going, "targetId": deleted}, operation(clientOperationId=None))
        api.delete("one")
        api.insert(InsertRequest({}, "one", None))
        script += [{**gone, "targetId": deleted}, refusal(404, "notFound"), image()]
        api.operation("operation-2")
        assert api.get("one").status == status


def test_image_is_looked_for_again_though_its_insert_was_sent_twice() -> None:
    api, script = scripted(operation(), operation())
    for _ in range(2):
        api.insert(InsertRequest({}, "one"))
    script += [refusal(404, "notFound"), image()]
    assert api.get("one").status == 200


def test_deleted_image_is_looked_for_until_it_is_gone() -> None:
    api, script = scripted(operation(operationType="delete", clientOperationId=None))
    api.delete("one")
    script += [image(), image(), refusal(404, "notFound")]
    assert api.get("one").status == 404


def deleted_one() -> tuple[Api, list[dict[str, Any]]]:
    """A client whose delete of the image `one` is done."""
    api, script = scripted(operation(operationType="delete", clientOperationId=None))
    api.delete("one")
    return api, script


@pytest.mark.parametrize("again", [operation(operationType="delete", clientOperationId=None), refusal(404, "notFound")])
def test_deleted_image_is_looked_for_though_it_was_to_be_deleted_again(again: dict[str, Any]) -> None:
    api, script = deleted_one()
    script += [again, image(), refusal(404, "notFound")]
    api.delete("one")
    assert api.get("one").status == 404


@pytest.mark.parametrize("status", ["PENDING", "DONE"])
def test_image_made_anew_is_looked_for_while_the_deleted_one_is_shown(status: str) -> None:
    api, script = deleted_one()
    anew = operation(status, name="operation-3", id="1003", targetId="2002", clientOperationId=None)
    script += [anew, image(), image(id="2002")]
    api.insert(InsertRequest({}, "one", None))
    assert (api.get("one").resource or {})["id"] == "2002"


def test_image_that_is_deleted_by_its_id_is_looked_for_by_its_name_until_it_is_gone() -> None:
    api, script = scripted(operation(targetLink=None), operation(operationType="delete", name="o-2", targetLink=None))
    api.insert(InsertRequest({}, "one"))
    api.delete("2001")
    script += [image(), refusal(404, "notFound")]
    assert api.get("one").status == 404


def test_target_that_shows_things_late_is_given_time_again_however_often_it_was_in_vain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("conformance.client.api.time.monotonic", itertools.count(step=60).__next__)
    missing = refusal(404, "notFound")
    looks: list[int] = []
    for in_vain in (100, 0):
        api, script = scripted(operation("PENDING"))
        api.target.unseen = Counter({"globalOperations.get": in_vain, "images.insert": 100})
        api.insert(InsertRequest({}, "one"))
        script += [missing, *([] if in_vain else [missing]), operation()]
        api.operation("operation-1")
        looks.append(len(api.trace().exchanges))
        assert api.target.unseen["globalOperations.get"] == (101 if in_vain else 0)
        assert api.target.unseen["images.insert"] == 100
    assert looks == [2, 4]


@pytest.mark.parametrize(("in_vain", "status"), [(0, 200), (100, 404)])
def test_looks_are_taken_though_the_machine_had_no_time_for_them(
    in_vain: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.client.api.time.monotonic", itertools.count(step=60).__next__)
    api, script = scripted(operation("PENDING"))
    api.target.unseen["globalOperations.get"] = in_vain
    api.insert(InsertRequest({}, "one"))
    missing = refusal(404, "notFound")
    script += [missing, missing, missing, operation()]
    assert api.operation("operation-1").status == status


def test_name_of_a_deleted_image_is_asked_for_until_it_is_free() -> None:
    taken = refusal(409, "alreadyExists")
    api, script = scripted(operation(operationType="delete", name="o-2", clientOperationId=None))
    api.delete("one")
    script += [taken, taken, operation(clientOperationId=None), taken]
    assert [api.insert(InsertRequest({}, "one", None)).status for _ in range(2)] == [200, 409]
    assert not script


def test_list_is_asked_for_until_it_is_without_a_deleted_image() -> None:
    api, script = scripted(operation(operationType="delete", clientOperationId=None))
    api.delete("one")
    page: dict[str, Any] = {"kind": "compute#imageList"}
    script += [page | {"items": [image()]}, page | {"items": [image(name="two", id="2002")]}]
    assert [item["name"] for item in api.list().items] == ["two"]


ODD: tuple[Any, ...] = ([], {}, ["x"], {"x": []}, 7, 7.5, True)
FOLLOWED = ("id", "name", "targetId", "targetLink", "selfLink", "operationType", "httpErrorStatusCode", "error")


@pytest.mark.parametrize("field", FOLLOWED)
def test_operation_is_followed_whose_fields_are_of_any_type(field: str) -> None:
    for value in ODD:
        for method, body in (("insert", {}), ("insert", {"name": value}), ("delete", {})):
            api, script = scripted({**operation(), field: value})
            if method == "insert":
                api.insert(InsertRequest(body, "one" if not body else None))
            else:
                api.delete("one")
            script += [image()] * 20
            assert api.get("two").status == 200


def test_image_is_watched_once_its_operation_s_name_is_another_s() -> None:
    other = operation(id="1777", targetLink="https://www.googleapis.com/compute/beta/projects/p/global/images/other")
    api, script = scripted(operation("PENDING"), operation("RUNNING"), other, refusal(404, "notFound"), image())
    api.target.waits, api.target.deadline, api.target.unfinished = False, 5.0, 0
    api.finish(api.insert(InsertRequest({}, "one")))
    assert not script


def test_image_is_watched_where_its_operation_tells_no_status() -> None:
    """Neither its name nor its id leads to one."""
    odd = {**operation(), "status": 17}
    api, script = scripted(odd, odd, odd, refusal(404, "notFound"), image())
    api.target.waits, api.target.deadline, api.target.unfinished = False, 5.0, 0
    api.finish(api.insert(InsertRequest({}, "one")))
    assert api.trace().exchanges[-1].method == "images.get"
    assert not script


def test_image_whose_deletion_was_asked_for_is_not_watched() -> None:
    lost = refusal(404, "notFound")
    api, script = scripted(operation("PENDING"), operation(operationType="delete", name="operation-2"))
    api.target.unseen["globalOperations.get"] = 100  # so that an operation is looked for a few times only
    api.target.waits, api.target.deadline, api.target.unfinished = False, 5.0, 0
    insert = api.insert(InsertRequest({}, "one"))
    api.delete("one")
    script[:] = [lost] * 20
    api.finish(insert)
    assert [exchange for exchange in api.trace().exchanges if exchange.method == "images.get"] == []


@pytest.mark.parametrize(("request_id", "waited_for"), [("first", True), ("other", False)])
def test_name_is_free_for_no_replay_alone(request_id: str, *, waited_for: bool) -> None:
    """The replay of a deleted image's insert takes no name, so that the next insert still waits for it."""
    deleted = operation(name="operation-2", id="1002", operationType="delete", clientOperationId=None)
    api, script = scripted(operation(), deleted, operation())
    api.insert(InsertRequest({}, "one", "first"))
    api.delete("one")
    api.insert(InsertRequest({}, "one", request_id))
    script += [refusal(409, "alreadyExists"), operation(name="operation-3", id="1003")]
    answer = api.insert(InsertRequest({}, "one", "third"))
    assert answer.status == (200 if waited_for else 409)


def test_family_is_asked_again_while_it_answers_a_deleted_image() -> None:
    api, script = deleted_one()
    script += [image(), refusal(404, "notFound")]
    assert api.from_family("kin").status == 404
    script += [image(name="two", id="2002")]
    assert api.from_family("kin").status == 200


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (operation(), "2001"),
        (operation(targetId=2001), "2001"),
        (operation(targetId="0"), ""),
        ({"name": "one", "id": 7}, "7"),
        ({"name": "operation-1", "id": 7}, ""),
        ({"kind": "compute#operation", "id": "7"}, ""),
    ],
)
def test_id_of_an_image_is_never_that_of_its_operation(answer: dict[str, Any], told: str) -> None:
    api, _ = scripted(answer)
    assert told_id(api.insert(InsertRequest({}, "one"))) == told


def test_image_that_is_not_had_by_its_name_is_had_by_its_id() -> None:
    api, script = scripted(operation(), *[refusal(404, "notFound")] * 3, image())
    api.target.unseen = Counter({"images.insert": 100})
    script[1:4] = [refusal(404, "notFound")]
    assert api.create(InsertRequest({}, "one")).ready
    assert not script


def test_image_of_a_target_that_has_no_names_is_asked_for_by_its_id_at_once() -> None:
    api, script = scripted(operation(), image())
    api.target.nameless = True
    assert api.create(InsertRequest({}, "one")).ready
    assert not script


def test_image_that_is_had_by_its_id_alone_is_deleted_by_it() -> None:
    api, script = scripted({"name": "conformance-one", "id": 7, "sourceImage": "base"})
    api.insert(InsertRequest({}, "conformance-one"))
    script.append({"name": "conformance-one", "id": 8})
    api.insert(InsertRequest({}, "conformance-one"))
    script += [refusal(404, "notFound"), {}, {}]
    api.tidy()
    assert not script


@pytest.mark.parametrize(
    ("fault", "rule"),
    [("transport.success-status/201", "transport.success-status"), ("operation.type/verb", "operation.type")],
)
def test_what_no_operation_has_to_end_for_is_judged_though_none_ends(fault: str, rule: str) -> None:
    with EmulatorProcess(faults=("operation.reaches-done/never", fault)) as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1, deadline=0.5)
        verdicts = judge(settings, focus=(rule,)).verdicts
    assert verdicts[rule] == verdicts["operation.reaches-done"] == "deviates"


def test_what_comes_back_is_seen_in_a_list_where_no_get_shows_it() -> None:
    with EmulatorProcess(faults=("operation.success-means-ready/never-got", f"{RULE}/normalised")) as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1)
        verdicts = judge(settings, focus=(RULE,)).verdicts
    assert verdicts[RULE] == verdicts["operation.success-means-ready"] == "failed"


ENDS = ({"endTime": "2026-01-01T00:00:00.200Z"}, {"error": {"errors": [{"code": "GONE", "message": "gone"}]}})


@pytest.mark.parametrize("end", [operation("FAILED", **told) for told in ENDS])
def test_operation_is_followed_no_more_that_tells_its_end_under_a_status_of_its_own(end: dict[str, Any]) -> None:
    api, script = scripted(operation("PENDING"), operation("RUNNING"), end, image())
    api.target.waits, api.target.deadline, api.target.unfinished = False, 5.0, 0
    assert api.finish(api.insert(InsertRequest({}, "one"))) == end
    assert script == [image()]
