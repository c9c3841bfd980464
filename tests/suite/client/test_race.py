"""Requests that are to be sent at the same moment are, or it is told why not."""

from __future__ import annotations

from unittest.mock import create_autospec

import pytest

from conformance.client.race import Race
from conformance.client.transport import Transport
from conformance.emulator.process import EmulatorProcess
from conformance.trace.exchange import Request


@pytest.mark.parametrize("late", range(3))
def test_what_keeps_one_from_the_start_is_told_not_that_the_others_waited(late: int) -> None:
    transport = create_autospec(Transport, instance=True)
    coming = iter(range(3))

    def connect() -> None:
        if next(coming) == late:
            raise ConnectionError("there is no budget left")

    transport.connect.side_effect = connect
    race = Race(transport, 3)
    try:
        with pytest.raises(ConnectionError, match="no budget left"):
            race.run(lambda number: number)
        transport.connect.side_effect = None
        assert race.run(lambda number: number) == [0, 1, 2], "the next race starts"
    finally:
        race.close()


def test_error_of_one_is_raised_when_all_have_ended() -> None:
    ended: list[int] = []

    def act(number: int) -> None:
        if number == 0:
            raise ValueError("of the first")
        ended.append(number)

    race = Race(create_autospec(Transport, instance=True), 3)
    try:
        with pytest.raises(ValueError, match="of the first"):
            race.run(act)
        assert sorted(ended) == [1, 2]
    finally:
        race.close()


@pytest.mark.parametrize("single", [False, True])
def test_race_of_a_target_that_serves_one_connection_at_a_time(single: bool) -> None:
    with EmulatorProcess(variants=["one-connection"] if single else []) as emulator:
        root = f"{emulator.url}/compute/beta"
        transport = Transport(root, {})
        race = Race(transport, 4)
        try:
            assert transport.serves_side_by_side() == (not single)
            if single:
                transport.close_after_each()
            asked = Request("GET", f"{root}/projects/p/global/images")
            answers = race.run(lambda number: transport.send(asked, "images.list").response)
            assert [answer and answer.status for answer in answers] == [200] * 4
        finally:
            race.close()
