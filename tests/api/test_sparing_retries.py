"""Where images are dear: one image, made, deleted and made again, and all the retries of its requests on the way."""

import itertools
import uuid
from collections.abc import Sequence

import pytest

from conformance.client.api import Api, Created
from conformance.contract import all_but
from conformance.contract.insert_request import CAPITAL_FRESH, InsertRequest
from conformance.scenario.habits import WAIT_BODIES, Habit, habit_of, habits
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import (
    UNKNOWN,
    accepted,
    ask_for_nothing,
    ask_in_other_ways,
    delete_as,
    literal,
    look_again,
    operation_of,
    reordered,
)
from conformance.trace.exchange import Exchange

pytestmark = pytest.mark.sparing

REPLAYS = 2
SPARING_UNKNOWN = 2


@pytest.mark.exercises("request-id.replay-same-operation", "request-id.replay-creates-nothing")
@pytest.mark.exercises(
    *all_but("request-id.replay-*", "request-id.replay-c*"),
    "request-id.case",
    "request-id.distinct",
    "request-id.absent",
)
@pytest.mark.exercises("request-id.client-operation-id", "request-id.delete-replay", "request-id.scoped-to-method")
@pytest.mark.exercises(
    *all_but("operation.*", "operation.not-found", "operation.warning-shape"), "life.get-*", "life.delete"
)
@pytest.mark.exercises("image.name.unique", "life.failed-insert-leaves-nothing", "life.model", "transport.wait-body")
@pytest.mark.exercises("transport.client-headers", "transport.system-parameters", "transport.unknown-path")
@pytest.mark.exercises("transport.percent-encoding", "transport.fields-mask")
def test_one_image_and_all_retries(scenario: Scenario) -> None:
    body = scenario.plain(description="the first", labels={"colour": "blue"})

    def act(api: Api) -> None:
        created = followed(api, scenario, api.insert(InsertRequest(body, request_id=str(uuid.uuid4()))))
        again = literal(created)
        replay(api, scenario, created, again)
        delete(api, scenario, created.name)
        api.finish(api.insert(again))
        api.get(created.name)
        make_anew(api, scenario, InsertRequest(body, created.name, CAPITAL_FRESH))

    scenario.once(act)


def followed(api: Api, scenario: Scenario, insert: Exchange) -> Created:
    """Looks at an operation in every way, and then at its image."""
    name = operation_of(insert)
    operation = {}
    if name:
        api.operation(name)
        if scenario.can("wait"):
            api.wait(name)
        operation = api.finish(insert)
        if scenario.can("operations_list"):
            api.operations(filter=f"name={name}")
        if scenario.can("wait"):
            for body, headers in WAIT_BODIES:
                api.wait(name, body, headers, intent=accepted("transport.wait-body"))
        api.operation(name)
    created = Created(insert, insert.request.json["name"], operation)
    api.get(created.name)
    if created.identifier:
        api.get(created.identifier)
    for _, group in itertools.groupby(habits(scenario.target.project), lambda habit: habit.rule):
        get_as(api, list(group), created.name)
    ask_in_other_ways(api, created.name)
    for verb, path in UNKNOWN[:SPARING_UNKNOWN]:
        ask_for_nothing(api, verb, path, created.name)
    return created


def get_as(api: Api, group: Sequence[Habit], name: str) -> None:
    """Gets an image as a client does that has all of some habits; where that is refused, with each of them alone."""
    rule, bare = group[0].rule, all(habit.bare for habit in group)
    query = [pair for habit in group for pair in habit.query]
    headers = {key: value for habit in group for key, value in habit.headers}
    get = api.send("GET", f"global/images/{name}{'?' if bare else ''}", query, headers=headers)
    if get.refused and len(group) > 1:
        for habit in group:
            get_as(api, [habit], name)
    else:
        api.confirm(get, accepted(rule))


def replay(api: Api, scenario: Scenario, created: Created, again: InsertRequest) -> None:
    """Replays a finished insert, to the letter and in other words, and sends what has its name or requestId and is no
    replay."""
    content, request_id = created.insert.request.body or b"", str(again.request_id)
    body = {key: value for key, value in created.insert.request.json.items() if key != "name"}
    replays = [
        *[again] * REPLAYS,
        again.replace(rewrite=lambda _: reordered(content)),
        again.replace(request_id=request_id.upper()),
    ]
    look_again(api, created, *[api.insert(one) for one in replays])
    if scenario.can("list"):
        api.list(filter=f"name={created.name}")
    other_name = api.target.names.fresh()
    for changed in (
        InsertRequest({**body, "description": "another"}, created.name, request_id),
        InsertRequest(body, other_name, request_id),
    ):
        api.finish(api.insert(changed))
        api.get(created.name)
    api.get(other_name)
    for fresh in (InsertRequest(body, created.name), InsertRequest(body, created.name, request_id=None)):
        api.finish(api.insert(fresh))
        api.get(created.name)


def delete(api: Api, scenario: Scenario, name: str) -> None:
    """Deletes an image, with a replay while that is under way, and one when it is done."""
    habit, request_id = habit_of(scenario.target.project, "transport.client-headers"), str(uuid.uuid4())
    first = delete_as(api, habit, name, request_id)
    api.delete(name, request_id)
    api.finish(first)
    api.delete(name, request_id)
    api.get(name)


def make_anew(api: Api, scenario: Scenario, request: InsertRequest) -> None:
    """Inserts an image under a free name, replays that while it is under way, and deletes it under the insert's
    requestId."""
    insert = api.insert(request)
    created = Created(insert, str(request.name), {})
    again = literal(created)
    answers = [api.insert(again) for _ in range(REPLAYS)]
    created = Created(insert, created.name, api.finish(insert))
    look_again(api, created, *answers)
    if scenario.can("list"):
        api.list(filter=f"name={created.name}")
    api.finish(api.delete(created.name, str(again.request_id)))
    if api.get(created.name).answered:
        api.finish(api.delete(created.identifier or created.name))
        api.get(created.name)
