"""What client libraries in wide use send beside the matter itself, as recorded from them, changes nothing."""

import itertools

import pytest

from conformance.client.api import Api
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.habits import WAIT_BODIES, Habit, Pairs, habits
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import accepted, operation_of


@pytest.mark.exercises("transport.system-parameters", "transport.client-headers")
def test_habits_of_clients(scenario: Scenario) -> None:
    def act(api: Api, habit: Habit) -> None:
        intent = accepted(habit.rule)
        request = InsertRequest(minimal(scenario.sources), query=habit.query, headers=habit.headers)
        created = api.create(request, intent=intent)
        if not created.image or not created.image.answered:
            return
        path = f"global/images/{created.name}{'?' if habit.bare else ''}"
        api.send("GET", path, habit.query, headers=dict(habit.headers), intent=intent)
        api.finish(api.send("DELETE", path, habit.query, headers=dict(habit.headers), intent=intent))

    for _, alike in itertools.groupby(habits(scenario.target.project), lambda habit: habit.rule):
        scenario.each(alike, act)


@pytest.mark.exercises("transport.wait-body")
def test_bodies_of_wait(scenario: Scenario) -> None:
    def act(api: Api, wait: tuple[bytes | None, Pairs]) -> None:
        insert = api.insert(minimal(scenario.sources))
        name = operation_of(insert)
        if name:
            body, headers = wait
            api.finish(insert)  # what was answered just now need not be found everywhere
            api.wait(name, body, headers, intent=accepted("transport.wait-body"))

    scenario.each(WAIT_BODIES, act)
