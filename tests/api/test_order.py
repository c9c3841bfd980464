"""Many changes of one image at one moment: what comes of them is what some order of them could have come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from conformance.client.api import Api
from conformance.contract.insert_request import InsertRequest
from conformance.contract.lateness import MOMENT_SECONDS
from conformance.scenario.scenario import Scenario
from conformance.strategies.rounds import DRILLS, Move, Round, drawn
from conformance.trace.exchange import Exchange

PAUSE = 0.02
"""Seconds between some moves of a client, so that others are in the midst of theirs."""

SETTLED = MOMENT_SECONDS + 0.2
"""Seconds until what was done has to be seen by everybody."""

STALE = "AAAAAAAAAAE="
"""A fingerprint that no labels have."""

STATES = {1: "DEPRECATED", 2: "OBSOLETE", 3: "DELETED"}
"""The states that deprecate sets, by the number of the request."""

LOOKS = ("get", "list")

NEEDS = {"label": "set_labels", "relabel": "set_labels", "deprecate": "deprecate", "list": "list"}
"""The capabilities of the target that moves need."""


@dataclass
class Table:
    """What is on the table in a round: one image, and what everybody knows of it before it begins.

    Args:
        api: where the moves are made.
        scenario: what images can be made from, and what the target can do.
        name: of the image.
        fingerprint: that of its labels, as it was last seen by all.
        request_ids: those of the requests, so that equal moves are one request.
    """

    api: Api
    scenario: Scenario
    name: str
    fingerprint: Any = STALE
    request_ids: dict[Move, str] = field(default_factory=dict)

    def body(self, number: int) -> dict[str, Any]:
        """The body of an insert that can be told from others by its labels."""
        return self.scenario.plain(labels={"number": str(number)})

    def play(self, move: Move) -> None:
        """Makes a move, and follows a change to its end."""
        if move.action == "pause":
            self.api.target.transport.sleep(PAUSE)
        elif move.action not in NEEDS or self.scenario.can(NEEDS[move.action]):
            exchange = self._send(move)
            if exchange.answered and move.action not in ("get", "list"):
                self.api.finish(exchange)

    def _send(self, move: Move) -> Exchange:
        api, name, request_id = self.api, self.name, self.request_ids.get(move)
        match move.action:
            case "insert":
                return api.insert(InsertRequest(self.body(move.number), name, request_id))
            case "delete":
                return api.delete(name, request_id)
            case "deprecate":
                return api.deprecate(name, {"state": STATES[move.number]}, request_id=request_id or "")
            case "label" | "relabel":
                fingerprint = self.fingerprint if move.action == "label" else fingerprint_of(self._look())
                labels = {"set": f"{move.action}-{move.number}"}
                return api.set_labels(name, {"labels": labels, "labelFingerprint": fingerprint})
            case "list":
                return api.list(filter=f"name={name}")
        return self._look()

    def _look(self) -> Exchange:
        """A get that is sent once: nobody knows what it should show."""
        return self.api.send("GET", f"global/images/{self.name}")


def fingerprint_of(look: Exchange | None) -> Any:
    """The fingerprint of labels that a get showed; one that no labels have where it showed none."""
    return ((look and look.resource) or {}).get("labelFingerprint") or STALE


@pytest.mark.exercises("life.linearizable")
def test_simultaneous_changes_of_all_kinds(scenario: Scenario) -> None:
    """Not where images are dear: what it finds, no one rule names, and it takes a hundred requests and more."""
    profile = scenario.target.profile

    def act(api: Api, played: Round) -> None:
        names = api.target.names
        table = Table(api, scenario, names.fresh())
        everything = [move for moves in (*played.together, played.afterwards) for move in moves]
        table.request_ids = {move: names.request_id() for move in dict.fromkeys(everything)}
        if played.made:
            table.fingerprint = fingerprint_of(api.create(InsertRequest(table.body(0), table.name)).image)

        def client(number: int) -> None:
            for move in played.together[number] if number < len(played.together) else ():
                table.play(move)

        api.target.race.run(client)
        for move in played.afterwards:
            table.play(move)
        # The first look of all may show what was there before, and at last nobody may see that any more.
        for seconds in (0, SETTLED):
            api.target.transport.sleep(seconds)
            for look in LOOKS:
                table.play(Move(look))

    scenario.each([] if profile.sparing else [*DRILLS, *drawn(scenario.chance(), profile.examples)], act)
