"""What the contract promises above all, tried before the many scenarios: a target that breaks it is told at once."""

from __future__ import annotations

from typing import Any

from conformance.client.api import Api, Created
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import literal

HEADLINES = "headlines"
"""What these looks are called, as scenarios are by their tests."""

SERVER_SET: dict[str, Any] = {"id": "424242", "creationTimestamp": "2001-02-03T04:05:06.000-08:00", "status": "FAILED"}
"""Fields that are the server's alone, with values that it would never give a new image."""


def try_headlines(scenario: Scenario) -> None:
    """Replays an insert, claims what only the server sets, and follows an image from its insert to its delete."""
    scenario.each((_replay, _claim, _live), lambda api, act: act(api, scenario))


def _replay(api: Api, scenario: Scenario) -> None:
    """The same insert while the first is under way, and after its end."""
    insert = api.insert(InsertRequest(minimal(scenario.sources)))
    created = Created(insert, insert.request.json["name"], {})
    api.insert(literal(created))
    api.finish(insert)
    api.get(created.name)
    api.insert(literal(created))
    api.get(created.name)
    if scenario.can("list"):
        api.list(filter=f"name={created.name}")


def _claim(api: Api, scenario: Scenario) -> None:
    """An insert that says what only the server may."""
    api.create({**minimal(scenario.sources), **SERVER_SET})


def _live(api: Api, scenario: Scenario) -> None:
    """An image whose name is asked for again, and that is deleted."""
    created = api.create(minimal(scenario.sources))
    api.finish(api.insert(InsertRequest(minimal(scenario.sources), name=created.name)))
    api.get(created.name)
    api.finish(api.delete(created.name))
    api.get(created.name)
