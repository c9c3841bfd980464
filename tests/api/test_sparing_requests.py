"""Where images are dear: many requests in one trace, and all that has to be accepted in few inserts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from conformance.client.api import Api
from conformance.contract import all_but
from conformance.contract.insert_request import FRESH, FreshName, InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.combining import Wish, parties, without
from conformance.scenario.habits import habits
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import ask, refused, walk
from conformance.strategies.accepted import ACCEPTED
from conformance.strategies.defects import DEFECTS, Defect
from conformance.strategies.optional_values import DISK_SIZES
from conformance.strategies.raw import RAW, RawRequest
from conformance.trace.exchange import Exchange

pytestmark = pytest.mark.sparing

PARTS = 4
"""In how many traces the broken requests are sent, so that workers can share them."""

STEM = "-broken"
"""How the names of broken requests end, so that one list shows what has become of all of them."""


ALL_CASES = frozenset({"image.name.pattern", "image.name.length", "request-id.malformed-refused"})
"""Rules for which more than the first case of their table is sent: what they guard is what images are told apart by."""


def parts() -> list[object]:
    """The tables of broken requests, in parts."""
    rows: tuple[Defect | RawRequest, ...] = (*DEFECTS, *RAW)
    return [
        pytest.param(part, id=str(number), marks=pytest.mark.exercises(*(row.rule for row in part)))
        for number, part in enumerate((rows[start::PARTS] for start in range(PARTS)), 1)
    ]


@pytest.mark.without_insert
@pytest.mark.exercises("transport.error-*", "transport.no-internals", "transport.refuse-at-once", "transport.json")
@pytest.mark.exercises("operation.error-*", "operation.failure-means-none", "operation.http-error-*")
@pytest.mark.exercises("operation.type.*rror*")
@pytest.mark.parametrize("part", parts())
def test_many_broken_requests(scenario: Scenario, part: Sequence[Defect | RawRequest]) -> None:
    """All are sent, then all are looked for."""

    def act(api: Api) -> None:
        listed = scenario.can("list")
        sent = [send(api, row, request) for row in part for request in cases(row)]
        for exchange in sent:
            if exchange.answered:
                api.finish(exchange)
        if listed:
            walk(api, maxResults="500", filter=f"name eq {api.target.names.prefix}.*{STEM}")
        for exchange in sent:
            content = exchange.request.first_json
            name = content.get("name") if isinstance(content, dict) else None
            if isinstance(name, str) and name and (exchange.answered or not listed):
                api.get(name)

    def cases(row: Defect | RawRequest) -> Sequence[InsertRequest]:
        if isinstance(row, Defect) and row.needs and not scenario.can(row.needs):
            return []
        return row.cases(scenario.sources)[: None if row.rule in ALL_CASES else 1]

    def send(api: Api, row: Defect | RawRequest, request: InsertRequest) -> Exchange:
        if request.name is FRESH:
            request = request.replace(name=FreshName(STEM))
        return api.insert(request, intent=refused(row.rule) if isinstance(row, Defect) else None)

    scenario.once(act)


def changes(*bodies: Mapping[str, Any]) -> list[Wish]:
    """Wishes that no rule says a target has to grant."""
    return [Wish(InsertRequest(body)) for body in bodies]


def wishes(scenario: Scenario) -> tuple[list[Wish], list[Wish]]:
    """What has to be asked for, and what more may be: of each table its first row, and the rest."""
    plain = minimal(scenario.sources)
    wanted = [
        Wish(InsertRequest(query=habit.query, headers=habit.headers), habit.rule)
        for habit in {habit.rule: habit for habit in reversed(habits(scenario.target.project))}.values()
    ]
    welcome: list[Wish] = []
    for row in ACCEPTED:
        if row.needs and not scenario.can(row.needs):
            continue
        cases = row.cases(scenario.sources)
        if not row.needs.startswith("source."):
            cases = [without(plain, case) for case in cases]
        first, *rest = [Wish(case, row.rule) for case in cases]
        wanted.append(first)
        welcome += rest
    welcome += changes(*({"diskSizeGb": size} for size in DISK_SIZES))
    return wanted, welcome


@pytest.mark.exercises(
    *(rule for row in ACCEPTED for rule in (row.rule, *row.shows)), *all_but("image.*", "image.output-only.*")
)
@pytest.mark.exercises("encryption.image.*", "encryption.never-echoed", "source.*.round-trip", "source.*.id")
def test_all_wishes_in_few_inserts(scenario: Scenario) -> None:
    for party in parties(*wishes(scenario)):
        scenario.once(lambda api, party=party: ask(api, party, scenario.sources))  # type: ignore[misc]
