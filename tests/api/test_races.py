"""Requests at the same moment: what comes of them is what one after the other could have come to."""

from collections.abc import Callable

import pytest

from conformance.client.api import Api
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import persistent, race, shown
from conformance.trace.exchange import Exchange


@pytest.mark.exercises("life.concurrent-same-name")
def test_simultaneous_inserts_of_one_name(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        def prepare() -> Callable[[int], Exchange]:
            request = InsertRequest(minimal(scenario.sources), name=api.target.names.fresh(), request_id=None)
            return lambda _: api.insert(request)

        for answers in race(api, prepare):
            api.get(answers[0].request.json["name"])

    scenario.once(act)


@pytest.mark.exercises("request-id.replay-concurrent")
def test_simultaneous_inserts_with_one_request_id(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        names = api.target.names

        def prepare() -> Callable[[int], Exchange]:
            request = InsertRequest(minimal(scenario.sources), name=names.fresh(), request_id=names.request_id())
            return lambda _: api.insert(request)

        for answers in race(api, prepare):
            api.get(answers[0].request.json["name"])

    scenario.once(act)


@pytest.mark.exercises("labels.concurrent")
def test_simultaneous_label_changes(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        def prepare() -> Callable[[int], Exchange]:
            created = api.create(minimal(scenario.sources))
            fingerprint = shown(created).get("labelFingerprint")

            def change(number: int) -> Exchange:
                return api.set_labels(
                    created.name, {"labels": {"number": str(number)}, "labelFingerprint": fingerprint}
                )

            return change

        for _ in race(api, prepare):
            pass

    scenario.once(act)


@pytest.mark.exercises("life.concurrent-delete")
def test_simultaneous_deletes_and_inserts(scenario: Scenario) -> None:
    """Of many deletes one may come after an insert and explain all; a single one cannot hide what it does to an image
    made anew."""

    def act(api: Api, many: bool) -> None:
        def prepare() -> Callable[[int], Exchange]:
            created = api.create(minimal(scenario.sources))
            request = InsertRequest(minimal(scenario.sources), name=created.name, request_id=None)
            deletes = range(0, api.target.race.size, 2) if many else (0,)
            return lambda number: api.delete(created.name) if number in deletes else persistent(api, request)

        for answers in race(api, prepare):
            api.get(answers[1].request.json["name"])

    scenario.each([True, False], act)
