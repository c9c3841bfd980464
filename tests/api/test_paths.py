"""What paths, verbs and parameters mean, beside the methods themselves."""

import pytest

from conformance.client.api import Api
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import UNKNOWN, ask_for_nothing, ask_in_other_ways, ask_safely


@pytest.mark.exercises("transport.unknown-path")
def test_paths_and_verbs_that_there_are_not(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        created = api.create(minimal(scenario.sources))
        for verb, path in UNKNOWN:
            ask_for_nothing(api, verb, path, created.name)
        api.get(created.name)

    scenario.once(act)


@pytest.mark.exercises("transport.safe-verbs")
def test_verbs_that_do_nothing(scenario: Scenario) -> None:
    scenario.once(lambda api: ask_safely(api, api.create(minimal(scenario.sources)).name))


@pytest.mark.exercises("transport.percent-encoding", "transport.fields-mask")
def test_other_ways_to_ask_for_an_image(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        created = api.create(minimal(scenario.sources))
        ask_in_other_ways(api, created.name)
        if scenario.can("list"):
            for fields in ("items/name", "kind,items(id,name,selfLink)"):
                api.list(filter=f"name={created.name}", fields=fields)

    scenario.once(act)


@pytest.mark.exercises("request-id.empty")
def test_empty_request_id(scenario: Scenario) -> None:
    """Also one that is given twice, of which nothing is said but that it is answered."""

    def act(api: Api) -> None:
        for _ in range(2):
            api.create(InsertRequest(minimal(scenario.sources), request_id=""))
        twice = tuple(("requestId", api.target.names.request_id()) for _ in range(2))
        api.create(InsertRequest(minimal(scenario.sources), request_id=None, query=twice))

    scenario.once(act)
