"""A retry is safe: however an insert is sent again under its requestId, it is carried out once."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from conformance.client.api import Api, Created
from conformance.contract.insert_request import Fresh, InsertRequest
from conformance.contract.lateness import MOMENT_SECONDS
from conformance.contract.plain_bodies import kind_bodies, minimal
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import accepted, await_image, labels_of, literal, look_again, relabelled, reordered
from conformance.strategies import bodies, values
from conformance.trace.exchange import Exchange
from conformance.trace.fate import Fate

REPLAYS = 3

A_WHILE = 2.5
"""Seconds that a client may well lose between a try and the next one."""

CHANGES: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
    ("patch", {"description": "first"}, {"description": "second"}),
    ("deprecate", {"state": "DEPRECATED"}, {"state": "OBSOLETE"}),
)
"""Changes that have a requestId, each with another one that comes before it is sent again."""


def first_insert(api: Api, request: InsertRequest) -> tuple[InsertRequest, Created]:
    """Makes an image, and answers with it the request that replays its insert to the letter."""
    created = api.create(request)
    return literal(created), created


@pytest.mark.exercises(
    "request-id.replay-same-operation", "request-id.replay-while-running", "request-id.replay-creates-nothing"
)
def test_replay_while_running(scenario: Scenario) -> None:
    def act(api: Api, request: InsertRequest) -> None:
        insert = api.insert(request)
        created = Created(insert, insert.request.json["name"], {})
        answers = [api.insert(literal(created)) for _ in range(REPLAYS)]
        operation = api.finish(insert)
        look_again(api, Created(insert, created.name, operation), *answers)
        if scenario.can("list"):
            api.list(filter=f"name={created.name}")

    scenario.each([InsertRequest(minimal(scenario.sources))], act)
    scenario.examples(bodies.valid(scenario.sources), act)


@pytest.mark.exercises(
    "request-id.replay-same-operation", "request-id.replay-after-done", "request-id.replay-creates-nothing"
)
def test_replay_after_done(scenario: Scenario) -> None:
    def act(api: Api, request: InsertRequest) -> None:
        again, created = first_insert(api, request)
        answers = [api.insert(again) for _ in range(REPLAYS)]
        look_again(api, created, *answers)
        if scenario.can("list"):
            api.list(filter=f"name={created.name}")

    scenario.each(map(InsertRequest, kind_bodies(scenario.sources)), act)
    scenario.examples(bodies.valid(scenario.sources), act)


@pytest.mark.exercises("request-id.replay-after-done", "request-id.replay-creates-nothing", "operation.agrees")
def test_replay_a_while_later(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        again, created = first_insert(api, InsertRequest(minimal(scenario.sources)))
        api.target.transport.sleep(A_WHILE)
        if scenario.can("operations_list"):
            api.operations(filter=f"name={created.operation.get('name')}")
        look_again(api, created, api.insert(again))

    scenario.once(act)


@pytest.mark.exercises("request-id.replay-after-delete")
def test_replay_after_delete(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        again, created = first_insert(api, InsertRequest(minimal(scenario.sources)))
        api.finish(api.delete(created.name))
        api.get(created.name)
        api.finish(api.insert(again))
        api.get(created.name)

    scenario.once(act)


@pytest.mark.exercises("request-id.replay-creates-nothing")
def test_replay_after_changes(scenario: Scenario) -> None:
    """What was changed since the insert stays as it is."""

    def act(api: Api) -> None:
        body = scenario.plain(labels={"colour": "blue"}, description="as it was made")
        again, created = first_insert(api, InsertRequest(body))
        if scenario.can("set_labels"):
            relabelled(api, created.name, {"colour": "red"}, labels_of(api, created.name)[1])
        if scenario.can("deprecate"):
            api.finish(api.deprecate(created.name, {"state": "DEPRECATED"}))
        # For a moment an image may be seen as it was before, and no longer.
        api.get(created.name)
        api.target.transport.sleep(MOMENT_SECONDS)
        api.get(created.name)
        look_again(api, created, api.insert(again))

    scenario.once(act)


OTHER_BODIES: tuple[dict[str, Any], ...] = (
    {"description": "another"},
    {"labels": {"another": "label"}},
    {"family": "another-family"},
    {"name": "another"},
)


@pytest.mark.exercises("request-id.replay-other-body")
def test_replay_with_another_body(scenario: Scenario) -> None:
    def act(api: Api, change: dict[str, Any]) -> None:
        again, created = first_insert(api, InsertRequest(minimal(scenario.sources)))
        body = {**minimal(scenario.sources), **change}
        name = api.target.names.fresh() if change.get("name") else created.name
        body.pop("name", None)
        api.finish(api.insert(InsertRequest(body, name=name, request_id=again.request_id)))
        api.get(name)
        api.get(created.name)

    scenario.each(OTHER_BODIES, act)


@pytest.mark.exercises("request-id.replay-key-order")
def test_replay_in_another_key_order(scenario: Scenario) -> None:
    def act(api: Api, request: InsertRequest) -> None:
        again, created = first_insert(api, request)
        content = created.insert.request.body or b""
        look_again(api, created, api.insert(again.replace(rewrite=lambda _: reordered(content))))

    scenario.each([InsertRequest(scenario.plain(description="some text", family="conformance-family"))], act)


@pytest.mark.exercises("request-id.case", "request-id.client-operation-id")
def test_replay_with_its_request_id_in_another_case(scenario: Scenario) -> None:
    def act(api: Api, upper: bool) -> None:
        request_id = str(uuid.uuid4())
        sent = request_id.upper() if upper else request_id
        again, created = first_insert(api, InsertRequest(minimal(scenario.sources), request_id=sent))
        other = request_id if upper else request_id.upper()
        look_again(api, created, api.insert(again.replace(request_id=other)))

    scenario.each([False, True], act)


@pytest.mark.exercises("request-id.distinct", "request-id.absent", "image.name.unique")
def test_second_insert_of_a_name_is_a_new_request(scenario: Scenario) -> None:
    def act(api: Api, request_ids: tuple[Fresh | None, Fresh | None]) -> None:
        first, second = request_ids
        body = minimal(scenario.sources)
        created = api.create(InsertRequest(body, request_id=first))
        api.finish(api.insert(InsertRequest(body, name=created.name, request_id=second)))
        api.get(created.name)

    def at_once(api: Api) -> None:
        first = api.insert(InsertRequest(minimal(scenario.sources)))
        second = api.insert(InsertRequest(minimal(scenario.sources), first.request.json["name"]))
        api.finish(first)
        api.finish(second)
        api.get(first.request.json["name"])

    scenario.once(at_once)
    fresh = values.FRESH
    scenario.each([(fresh, fresh), (fresh, None), (None, fresh), (None, None)], act)


@pytest.mark.exercises("request-id.client-operation-id")
def test_client_operation_id(scenario: Scenario) -> None:
    def act(api: Api, request_id: Fresh | None) -> None:
        created = api.create(InsertRequest(minimal(scenario.sources), request_id=request_id))
        delete = str(uuid.uuid4()) if request_id is not None else None
        api.finish(api.delete(created.name, delete))

    scenario.each([values.FRESH, None], act)


@pytest.mark.exercises("request-id.refused-not-remembered")
def test_refused_request_does_not_block_its_request_id(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        request_id = str(uuid.uuid4())
        body = minimal(scenario.sources)
        refused = api.insert(InsertRequest({**body, "architecture": "PDP_11"}, request_id=request_id))
        name = refused.request.json["name"]
        if refused.refused:
            corrected = InsertRequest(body, name=name, request_id=request_id)
            api.create(corrected, intent=accepted("request-id.refused-not-remembered"))

    scenario.once(act)


@pytest.mark.exercises("request-id.scoped-to-project")
def test_request_id_belongs_to_its_project(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        again, created = first_insert(api, InsertRequest(minimal(scenario.sources)))
        api.create(again, project=api.target.second_project)
        api.get(created.name)

    def of_another_name(api: Api) -> None:
        """What is refused then is not refused for the name."""
        again, created = first_insert(api, InsertRequest(minimal(scenario.sources)))
        other = InsertRequest(minimal(scenario.sources), request_id=again.request_id)
        api.create(other, project=api.target.second_project)
        api.get(created.name)

    scenario.once(act)
    scenario.once(of_another_name)


@pytest.mark.exercises("request-id.delete-replay", "request-id.scoped-to-method")
def test_delete_with_a_request_id(scenario: Scenario) -> None:
    def replayed(api: Api) -> None:
        created = api.create(minimal(scenario.sources))
        request_id = str(uuid.uuid4())
        delete = api.delete(created.name, request_id)
        api.delete(created.name, request_id)
        api.finish(delete)
        api.delete(created.name, request_id)

    def of_the_insert(api: Api) -> None:
        again, created = first_insert(api, InsertRequest(minimal(scenario.sources)))
        api.finish(api.delete(created.name, str(again.request_id)))
        api.get(created.name)

    scenario.once(replayed)
    scenario.once(of_the_insert)


@pytest.mark.exercises("request-id.change-replay")
def test_change_that_comes_again_after_another(scenario: Scenario) -> None:
    def act(api: Api, case: tuple[str, Mapping[str, Any], Mapping[str, Any]]) -> None:
        method, body, other = case
        created = api.create(minimal(scenario.sources))
        change: Callable[..., Exchange] = getattr(api, method)
        request_id = str(uuid.uuid4())
        api.finish(change(created.name, body, request_id=request_id))
        api.finish(change(created.name, other, request_id=str(uuid.uuid4())))
        api.get(created.name)
        api.finish(change(created.name, body, request_id=request_id))
        api.get(created.name)

    scenario.each([case for case in CHANGES if scenario.can(case[0])], act)


def direct(scenario: Scenario) -> None:
    """Skips a test that loses connections where they are a proxy's."""
    if not scenario.target.transport.direct:
        pytest.skip("requests go through a proxy, which does not hang up with the client")


@pytest.mark.exercises("request-id.replay-after-lost-response")
def test_retry_after_a_lost_response(scenario: Scenario) -> None:
    """The connection is lost before the answer, and the client tries again: at once, or when the image is there."""
    direct(scenario)

    def act(api: Api, case: tuple[Fate, bool]) -> None:
        fate, patient = case
        names = api.target.names
        request = InsertRequest(minimal(scenario.sources), names.fresh(), names.request_id())
        api.insert(request, fate=fate)
        if patient:
            await_image(api, str(request.name))
        retry = api.insert(request)
        api.finish(retry)
        api.get(str(request.name))
        if scenario.can("list"):
            api.list(filter=f"name={request.name}")

    fates = [fate for fate in Fate if fate is not Fate.HALF_SENT]
    scenario.each([*((fate, False) for fate in fates), (Fate.UNREAD, True)], act)


@pytest.mark.exercises("transport.incomplete-request")
def test_request_that_is_cut_off(scenario: Scenario) -> None:
    """What does arrive is JSON in itself: only its length tells that the body is not all there."""
    direct(scenario)

    def act(api: Api) -> None:
        names = api.target.names
        request = InsertRequest(minimal(scenario.sources), names.fresh(), names.request_id())
        api.insert(request.replace(rewrite=lambda content: content + b" " * (len(content) + 2)), fate=Fate.HALF_SENT)
        api.target.transport.sleep(0.1)
        api.get(str(request.name))
        api.create(request)

    scenario.once(act)
