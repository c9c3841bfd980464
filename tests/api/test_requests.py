"""What a request may say: one fault is refused, what is valid is accepted, what the server owns is its own."""

from collections.abc import Callable, Iterable
from typing import Protocol

import pytest

from conformance.client.api import Api
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.strategies.accepted import ACCEPTED, Acceptance
from conformance.strategies.defects import DEFECTS, Defect
from conformance.strategies.output_only import OUTPUT_ONLY, OutputOnly
from conformance.strategies.raw import RAW, RawRequest
from conformance.trace.exchange import Intent
from conformance.trace.json_text import NOT_JSON


class Row(Protocol):
    """A row of a table of requests."""

    @property
    def rule(self) -> str:
        """The rule that it puts to the test."""


def by_rule(rows: Iterable[Row]) -> list[object]:
    """One test for each row of a table, named after its rule and marked as exercising it."""
    return [pytest.param(row, id=row.rule, marks=pytest.mark.exercises(row.rule)) for row in rows]


def refused(rule: str) -> Callable[[Api, InsertRequest], None]:
    """Sends a request that breaks a rule, follows it to its end, and looks for the image that must not be there."""

    def act(api: Api, request: InsertRequest) -> None:
        api.create(request, intent=Intent(valid=False, rules=(rule,)))

    return act


@pytest.mark.without_insert
@pytest.mark.parametrize("defect", by_rule(DEFECTS))
def test_request_with_one_fault_is_refused(scenario: Scenario, defect: Defect) -> None:
    if defect.needs and not scenario.can(defect.needs):
        pytest.skip(f"the target lacks {defect.needs}")
    scenario.each(defect.cases(scenario.sources), refused(defect.rule))
    if defect.random is not None:
        scenario.examples(defect.random(scenario.sources), refused(defect.rule))


@pytest.mark.without_insert
@pytest.mark.parametrize("raw", by_rule(RAW))
def test_body_that_is_no_json_object_is_refused(scenario: Scenario, raw: RawRequest) -> None:
    """What is taken all the same is followed to its end, and the image is looked for that its beginning names."""

    def act(api: Api, request: InsertRequest) -> None:
        exchange = api.insert(request)
        if not exchange.answered:
            return
        api.finish(exchange)
        content = exchange.request.first_json
        if exchange.request.json is NOT_JSON and isinstance(content, dict) and isinstance(content.get("name"), str):
            api.get(content["name"])

    scenario.each(raw.cases(scenario.sources), act)


def acceptances() -> list[object]:
    """One test for each row of what has to be accepted; what comes of it puts other rules to the test as well."""
    return [pytest.param(row, id=row.rule, marks=pytest.mark.exercises(row.rule, *row.shows)) for row in ACCEPTED]


@pytest.mark.parametrize("acceptance", acceptances())
def test_valid_request_is_accepted(scenario: Scenario, acceptance: Acceptance) -> None:
    if acceptance.needs and not scenario.can(acceptance.needs):
        pytest.skip(f"the target lacks {acceptance.needs}")

    def accepted(api: Api, request: InsertRequest) -> None:
        api.create(request, intent=Intent(valid=True, rules=(acceptance.rule,)))

    scenario.each(acceptance.cases(scenario.sources), accepted)
    if acceptance.random is not None:
        scenario.examples(acceptance.random(scenario.sources), accepted)


@pytest.mark.parametrize("field", by_rule(OUTPUT_ONLY))
def test_value_for_an_output_only_field_is_not_taken_over(scenario: Scenario, field: OutputOnly) -> None:
    cases = field.cases(scenario.sources)

    def spoofed(api: Api, request: InsertRequest) -> None:
        """A PATCH sends it as well, as a client does that changes what it has got, and sends all of it back."""
        plain = api.create(minimal(scenario.sources))
        api.create(request)
        if request is cases[0] and "." not in field.path:
            api.finish(api.patch(plain.name, {"description": "after", field.path: field.values[0]}))
            api.get(plain.name)

    scenario.each(cases, spoofed)
