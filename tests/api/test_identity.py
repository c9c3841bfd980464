"""What differs in one place only is told apart, and requests of one moment are not mixed up."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from conformance.client.api import Api, Created
from conformance.contract.fields import NAME_MAXIMUM
from conformance.contract.insert_request import FreshName, InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import accepted, literal, race, refused, shown, walk
from conformance.strategies.near_misses import absent_ids, absent_names, near_names, near_request_ids
from conformance.trace.exchange import Exchange

LONGEST, SHORT = FreshName("-n-a", NAME_MAXIMUM), FreshName("-n-a")


def made(api: Api, scenario: Scenario) -> Created:
    """An image of the longest name that is allowed; where the target refuses that, of a shorter one, else of any that
    it takes."""
    longest = api.create(InsertRequest(minimal(scenario.sources), LONGEST))
    if not longest.insert.refused:
        return longest
    short = api.create(InsertRequest(minimal(scenario.sources), SHORT))
    return api.create(minimal(scenario.sources)) if short.insert.refused else short


@pytest.mark.exercises("request-id.distinct")
def test_request_ids_that_differ_in_one_place(scenario: Scenario) -> None:
    """Under the name that is taken already, so that each of them meets a conflict."""

    def act(api: Api) -> None:
        request_id = str(uuid.uuid4())
        created = api.create(InsertRequest(minimal(scenario.sources), request_id=request_id))
        for near in near_request_ids(request_id):
            api.insert(InsertRequest(minimal(scenario.sources), created.name, near))
        api.get(created.name)

    scenario.once(act)


@pytest.mark.exercises("image.name.distinct")
def test_names_that_differ_in_one_place(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        first = made(api, scenario)
        others = [
            api.create(InsertRequest(minimal(scenario.sources), name), intent=accepted("image.name.distinct"))
            for name in near_names(first.name)
        ]
        for one in (first, *others):
            api.get(one.name)

    scenario.once(act)


@pytest.mark.exercises("life.get-exact", "operation.not-found")
def test_names_and_ids_that_nothing_has(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        created = made(api, scenario)
        identifier = shown(created).get("id")
        ids = absent_ids(identifier) if isinstance(identifier, str) and identifier.isdecimal() else ()
        for absent in (*absent_names(created.name), *ids):
            api.get(absent, intent=refused("life.get-exact"))
        operation = created.operation.get("name")
        for absent in absent_names(operation)[:2] if isinstance(operation, str) and operation else ():
            if absent:
                api.operation(absent, intent=refused("operation.not-found"))

    scenario.once(act)


@pytest.mark.exercises("family.latest")
def test_families_that_differ_in_one_place(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        family = str(api.target.names.named(LONGEST))
        families = (family, *near_names(family))
        for name in families[:3]:
            api.create({**minimal(scenario.sources), "family": name})
        for name in families:
            api.from_family(name)

    scenario.once(act)


@pytest.mark.exercises("request-id.replay-creates-nothing")
def test_replay_makes_no_image_of_any_name(scenario: Scenario) -> None:
    """An image has its name in other fields as well; so a second one is known by it, whatever its own name."""

    def act(api: Api) -> None:
        own = api.target.names.fresh()
        body = scenario.plain(description=own, labels={"own": own}, family=own)
        created = api.create(InsertRequest(body, own))
        walk(api, maxResults="500")
        for _ in range(2):
            api.finish(api.insert(literal(created)))
        walk(api, maxResults="500")

    if scenario.can("list"):
        scenario.once(act)


@pytest.mark.exercises("life.concurrent-inserts")
def test_nothing_is_left_over_from_the_insert_before(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        family = api.target.names.fresh()
        api.create(scenario.plain(description=f"of {family}", labels={"of": family}, family=family))
        api.create(scenario.plain(family=family))
        api.create(minimal(scenario.sources))

    scenario.once(act)


@pytest.mark.exercises("life.concurrent-inserts")
def test_simultaneous_inserts_of_different_images(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        names = api.target.names

        def prepare() -> Callable[[int], Exchange]:
            bodies: list[dict[str, Any]] = [
                scenario.plain(description=f"racer {number}", labels={"racer": str(number)})
                for number in range(api.target.race.size)
            ]
            requests = [InsertRequest(body, names.fresh(), names.request_id()) for body in bodies]
            return lambda number: api.insert(requests[number])

        for answers in race(api, prepare):
            for answer in answers:
                api.get(answer.request.json["name"])

    scenario.once(act)
