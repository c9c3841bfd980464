"""Retries as clients make them when networks fail: plans act, the rules judge what came of them."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from conformance.client.api import Api
from conformance.contract import all_but
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.scenario.scenario import Scenario
from conformance.scenario.steps import reordered
from conformance.strategies.retries import MOMENTS, Attempt, Plan, plain_plans, plans
from conformance.trace.exchange import Exchange


class Retries:
    """Carries out the attempts of a plan after a first insert.

    Args:
        api: where they are sent.
        scenario: what images can be made from, and what the target can do.
    """

    def __init__(self, api: Api, scenario: Scenario) -> None:
        self._api = api
        self._scenario = scenario
        self._name, self._request_id = api.target.names.fresh(), api.target.names.request_id()
        self._others = {method: str(uuid.uuid4()) for method in ("delete", "deprecate", "patch")}
        body = scenario.plain(description="the first")
        self._first = InsertRequest(body, self._name, self._request_id)
        self._reached = 0

    def run(self, plan: Plan) -> None:
        """The first insert, every attempt at its moment, and a look at what there is in the end."""
        self._api.insert(self._first)
        for attempt in plan:
            self._reach(MOMENTS.index(attempt.moment))
            if attempt.new_connection:
                self._api.target.transport.disconnect()
            answer = self._send(attempt)
            if attempt.moment != MOMENTS[0] and answer is not None:
                self._api.finish(answer)
        self._reach(1)
        self._api.get(self._name)
        if any(attempt.method in ("deprecate", "patch") for attempt in plan):
            # What has been changed may be seen a moment later.
            self._api.target.transport.sleep(0.1)
            self._api.get(self._name)
        if self._scenario.can("list"):
            self._api.list(filter=f"name={self._name}")

    def _reach(self, moment: int) -> None:
        """Brings things to a moment, past those before it; there is no way back."""
        while self._reached < moment:
            self._reached += 1
            match self._reached:
                case 1:
                    for exchange in self._api.trace().exchanges:
                        if (
                            exchange.answered
                            and exchange.method.startswith("images.")
                            and exchange.request.verb != "GET"
                        ):
                            self._api.finish(exchange)
                    self._api.get(self._name)
                case 2:
                    self._api.finish(self._api.delete(self._name))
                    self._api.get(self._name)
                case 3:
                    self._api.create(InsertRequest(minimal(self._scenario.sources), self._name))

    def _send(self, attempt: Attempt) -> Exchange | None:
        fate = attempt.fate if self._api.target.transport.direct else None
        if attempt.method != "insert":
            return self._change(attempt)
        request_id = {
            "same": self._request_id,
            "other case": self._request_id.upper(),
            "fresh": self._api.target.names.request_id(),
            "none": None,
        }[attempt.request_id]
        other = {"description": "another"} if attempt.body == "other" else {}
        return self._api.insert(
            self._first.replace(
                body={**self._first.body, **other},
                request_id=request_id,
                rewrite=reordered if attempt.body == "reordered" else None,
            ),
            fate=fate,
        )

    def _change(self, attempt: Attempt) -> Exchange | None:
        """Another method than insert, where the target offers it."""
        api, request_id = self._api, self._others[attempt.method]
        changes: Mapping[str, Mapping[str, Any]] = {
            "deprecate": {"state": "DEPRECATED"},
            "patch": {"description": "patched"},
        }
        if attempt.method == "delete":
            return api.delete(self._name, request_id)
        if not self._scenario.can(attempt.method):
            return None
        call: Callable[..., Exchange] = getattr(api, attempt.method)
        return call(self._name, changes[attempt.method], request_id=request_id)


@pytest.mark.exercises(
    *all_but("request-id.replay-*", "request-id.replay-concurrent"),
    "request-id.delete-replay",
    "request-id.scoped-to-method",
)
def test_retries(scenario: Scenario) -> None:
    def act(api: Api, plan: Plan) -> None:
        Retries(api, scenario).run(plan)

    scenario.sequences(plain_plans(), act)
    scenario.examples(plans, act)
