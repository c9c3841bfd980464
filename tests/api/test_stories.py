"""Whole stories: whatever is done with a few images, in whatever order, agrees with a simple model of the store."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from conformance.client.api import Api, addresses
from conformance.contract.insert_request import InsertRequest
from conformance.scenario.scenario import Scenario
from conformance.strategies.stories import IMAGES, Story, stories, walks
from conformance.trace.exchange import Exchange

STALE = "AAAAAAAAAAE="


@dataclass
class Teller:
    """What a story has led to so far: the target's answers decide nothing but names, ids and fingerprints.

    Args:
        api: where the story is told.
        scenario: what images can be made from.
        family: of all images.
        inserts: the last insert of each name, to be replayed.
        operations: the last operation on each name.
        ids: the last id of each name.
        steps: how many steps have been taken.
    """

    api: Api
    scenario: Scenario
    family: str
    inserts: dict[str, InsertRequest] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    steps: int = 0

    def changed(self, name: str, exchange: Exchange) -> None:
        """Follows a change to its end, and looks at the image."""
        operation = self.api.finish(exchange) if exchange.answered else {}
        address = next(addresses(operation), "")
        if address:
            self.operations[name] = address
        image = self.api.get(name).resource or {}
        if isinstance(image.get("id"), str) and image["id"]:
            self.ids[name] = image["id"]


def insert(teller: Teller, name: str) -> None:
    body = teller.scenario.plain(labels={"colour": "blue"}, description=f"step {teller.steps}", family=teller.family)
    request = InsertRequest(body, name=name, request_id=str(uuid.uuid4()))
    teller.inserts[name] = request
    teller.changed(name, teller.api.insert(request))


def replay(teller: Teller, name: str) -> None:
    if name in teller.inserts:
        teller.changed(name, teller.api.insert(teller.inserts[name]))


def set_labels(teller: Teller, name: str, fingerprint: str | None = None) -> None:
    image = teller.api.get(name).resource or {}
    body = {"labels": {"step": str(teller.steps)}, "labelFingerprint": fingerprint or image.get("labelFingerprint")}
    teller.changed(name, teller.api.set_labels(name, body))


def listed(teller: Teller, name: str) -> None:
    del name
    teller.api.list(maxResults="500", filter=f"name eq {teller.api.target.names.prefix}.*")


Act = Callable[[Teller, str], object]

ACTS: dict[str, tuple[str, Act]] = {
    "insert": ("", insert),
    "replay": ("", replay),
    "get": ("", lambda teller, name: teller.api.get(name)),
    "get_by_id": ("", lambda teller, name: teller.api.get(teller.ids[name]) if name in teller.ids else None),
    "poll": ("", lambda teller, name: name in teller.operations and teller.api.operation(teller.operations[name])),
    "wait": ("wait", lambda teller, name: name in teller.operations and teller.api.wait(teller.operations[name])),
    "list": ("list", listed),
    "list_filtered": ("list", lambda teller, name: teller.api.list(filter=f"name={name}")),
    "set_labels": ("set_labels", set_labels),
    "set_labels_stale": ("set_labels", lambda teller, name: set_labels(teller, name, STALE)),
    "deprecate": (
        "deprecate",
        lambda teller, name: teller.changed(name, teller.api.deprecate(name, {"state": "DEPRECATED"})),
    ),
    "undeprecate": (
        "deprecate",
        lambda teller, name: teller.changed(name, teller.api.deprecate(name, {"state": "ACTIVE"})),
    ),
    "family": ("family", lambda teller, name: teller.api.from_family(teller.family)),
    "patch": (
        "patch",
        lambda teller, name: teller.changed(name, teller.api.patch(name, {"description": f"step {teller.steps}"})),
    ),
    "delete": ("", lambda teller, name: teller.changed(name, teller.api.delete(name))),
}
"""What the actions of a story do, each with the capability of the target that it needs ("" for none)."""


def tell(scenario: Scenario) -> Callable[[Api, Story], None]:
    """What acts out stories with fresh images, and looks at all of them in the end."""

    def act(api: Api, story: Story) -> None:
        fresh = api.target.names.fresh
        names = [fresh() for _ in range(IMAGES)]
        teller = Teller(api, scenario, fresh())
        for step in story:
            teller.steps += 1
            capability, take = ACTS[step.action]
            if not capability or scenario.can(capability):
                take(teller, names[step.image])
        for name in names:
            api.get(name)

    return act


@pytest.mark.exercises("life.model")
def test_every_action_after_every_other(scenario: Scenario) -> None:
    scenario.sequences(walks(), tell(scenario))


@pytest.mark.exercises("life.model")
def test_random_stories(scenario: Scenario) -> None:
    scenario.examples(stories, tell(scenario))
