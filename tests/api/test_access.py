"""Who may insert an image: nobody unknown, and nobody without the permission."""

import pytest

from conformance.client.api import Api
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.trace.exchange import Intent

NO_TOKEN = "conformance-no-such-token"


def insert_as(scenario: Scenario, rule: str, *authorizations: str, **fields: object) -> None:
    """Inserts with each Authorization instead of that of the run, and looks for the image with that of the run."""

    def act(api: Api, authorization: str) -> None:
        body = minimal(scenario.sources) | fields
        request = InsertRequest(body, headers=(("Authorization", authorization),))
        api.create(request, intent=Intent(valid=False, rules=(rule,)))

    scenario.each(authorizations, act)


@pytest.mark.without_insert
@pytest.mark.exercises("access.no-credentials")
def test_insert_without_credentials(scenario: Scenario) -> None:
    insert_as(scenario, "access.no-credentials", "")


@pytest.mark.without_insert
@pytest.mark.exercises("access.bad-token")
def test_insert_with_a_token_that_is_none(scenario: Scenario) -> None:
    insert_as(scenario, "access.bad-token", f"Bearer {NO_TOKEN}", NO_TOKEN)


@pytest.mark.without_insert
@pytest.mark.exercises("access.forbidden")
def test_insert_without_the_permission(scenario: Scenario) -> None:
    insert_as(scenario, "access.forbidden", f"Bearer {scenario.target.limited_tokens['forbidden_token']}")


@pytest.mark.without_insert
@pytest.mark.exercises("access.scopes")
def test_insert_without_the_scopes(scenario: Scenario) -> None:
    insert_as(scenario, "access.scopes", f"Bearer {scenario.target.limited_tokens['scoped_token']}")


@pytest.mark.without_insert
@pytest.mark.exercises("access.labels")
def test_insert_with_labels_without_the_permission(scenario: Scenario) -> None:
    token = scenario.target.limited_tokens["labels_token"]
    insert_as(scenario, "access.labels", f"Bearer {token}", labels={"colour": "blue"})


@pytest.mark.without_insert
@pytest.mark.exercises("access.source")
def test_insert_from_a_source_without_the_permission(scenario: Scenario) -> None:
    insert_as(scenario, "access.source", f"Bearer {scenario.target.limited_tokens['source_token']}")
