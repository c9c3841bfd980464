"""Requests at the same moment: what comes of them is what one after the other could have come to."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from conformance.client import Api
from conformance.scenario import Scenario
from conformance.trace import Exchange
from strategies.bodies import minimal
from strategies.insert import InsertRequest

RACES_MAXIMUM = 3
"""How often a race is run again until requests do overlap: on a busy machine one may be over before the next begins."""

TRIES = 3


def race(api: Api, prepare: Callable[[], Callable[[int], Exchange]]) -> Iterator[list[Exchange]]:
    """Sends requests at the same moment, and follows each to its end; again as the profile wants, or where none overlapped.

    Args:
        api: where they are sent.
        prepare: gets things ready for a race, and answers what each of its threads sends.
    """
    races = api.target.profile.races
    for number in range(1, RACES_MAXIMUM + races):
        answers = api.target.race.run(prepare())
        for answer in answers:
            api.finish(answer)
        yield answers
        order = sorted(answers, key=lambda answer: answer.sent)
        if number >= races and any(two.sent < one.received for one, two in itertools.pairwise(order)):
            break


@pytest.mark.exercises("life.concurrent-same-name")
def test_simultaneous_inserts_of_one_name(scenario: Scenario) -> None:
    def act(api: Api) -> None:
        def prepare() -> Callable[[int], Exchange]:
            request = InsertRequest(minimal(scenario.sources), name=api.target.names.fresh(), request_id=None)
            return lambda _: api.insert(request)

        for answers in race(api, prepare):
            api.get(answers[0].request.json["name"])

    scenario.once(act)


@pytest.mark.exercises("request-id.replay-concurrent", "request-id.replay-creates-nothing")
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
            shown = (created.image.resource or {}) if created.image else {}
            fingerprint = shown.get("labelFingerprint")

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
    def act(api: Api) -> None:
        def prepare() -> Callable[[int], Exchange]:
            created = api.create(minimal(scenario.sources))
            request = InsertRequest(minimal(scenario.sources), name=created.name, request_id=None)
            return lambda number: persistent(request) if number % 2 else api.delete(created.name)

        def persistent(request: InsertRequest) -> Exchange:
            """Sends an insert again that meets a conflict, so that some come after the deletes have."""
            answers = [api.insert(request)]
            while answers[-1].refused and len(answers) < TRIES:
                answers.append(api.insert(request))
            return answers[-1]

        for answers in race(api, prepare):
            api.get(answers[1].request.json["name"])

    scenario.once(act)
