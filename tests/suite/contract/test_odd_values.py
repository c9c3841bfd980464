"""Whatever a field holds, no rule raises: every field of a run's traffic, sent and answered, has odd values in turn."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.contract import catalogue, client_catalogue
from conformance.contract.history import History
from conformance.trace import har
from conformance.trace.exchange import Exchange, Trace

pytestmark = pytest.mark.nightly

ODD: tuple[Any, ...] = (
    *(None, [], [1], ["a"], [[]], [{}], {}, {"a": [1]}, 0, -1, 1.5, 1e308, 10**200, True),
    *("", "x", "²", "٣", "9" * 400, "-1", "1_000", "\\ud800", "\x00", "=", "A" * 10_001),
    *("9999-12-31T23:59:59.999-23:59", "0001-01-01T00:00:00+23:59", "http://[", "projects//global/images/"),
)
"""What a field may hold that no API would send."""

IN_TURN = 3
"""Odd values that a key has in one story; in the next one it has others."""

DATES = ("", "²", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359")


def test_no_rule_raises_for_an_odd_value(tmp_path: Path) -> None:
    command = ("run", "--profile", "real", "--reports", "traffic", "--out", str(tmp_path), "-n", "1")
    subprocess.run([sys.executable, "-m", "conformance", *command], check=True, capture_output=True)
    raised: dict[str, str] = {}
    values = itertools.cycle(ODD)
    for exchanges in stories(tmp_path / "traffic.har"):
        for spoiled in spoilt(exchanges, values):
            for recorded in (False, True):
                raised |= complaints(Trace(spoiled, deadline=0.0 if recorded else 30.0, recorded=recorded))
    assert not raised


def stories(path: Path) -> Iterator[tuple[Exchange, ...]]:
    """The exchanges of each scenario, its first case."""
    found: dict[str, list[Exchange]] = defaultdict(list)
    for number, entry in enumerate(json.loads(path.read_text(encoding="utf-8"))["log"]["entries"], 1):
        found[entry[har.OWN]["trace"]].append(har.exchange_of(entry, number))
    first = {name.partition(" ")[0]: exchanges for name, exchanges in reversed(found.items())}
    yield from map(tuple, first.values())


def spoilt(exchanges: tuple[Exchange, ...], values: Iterator[Any]) -> Iterator[tuple[Exchange, ...]]:
    """The same with an odd value wherever one key is found."""
    for key in sorted({key for exchange in exchanges for part in _bodies(exchange) for key in _keys(part)}):
        for odd in itertools.islice(values, IN_TURN):
            yield tuple(_with(exchange, key, odd) for exchange in exchanges)
    for date in DATES:
        yield tuple(_dated(exchange, date) for exchange in exchanges)


def complaints(trace: Trace) -> dict[str, str]:
    """What the rules that raise say, each by its id."""
    history, found = History(trace), {}
    for rule in [*catalogue().values(), *(client_catalogue().values() if trace.recorded else ())]:
        if trace.recorded and not rule.passive:
            continue
        try:
            for breach in rule.judge(history):
                json.dumps(breach and [breach.expected, breach.observed])
        except Exception as error:
            found[rule.id] = repr(error)
    return found


def _bodies(exchange: Exchange) -> list[Any]:
    return [message.json for message in (exchange.request, exchange.response) if message is not None and message.body]


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _with(exchange: Exchange, key: str, odd: Any) -> Exchange:
    request, response = exchange.request, exchange.response
    if key in _keys(request.json):
        request = replace(request, body=json.dumps(_put(request.json, key, odd)).encode())
    if response is not None and key in _keys(response.json):
        response = replace(response, body=json.dumps(_put(response.json, key, odd)).encode())
    return replace(exchange, request=request, response=response)


def _put(value: Any, key: str, odd: Any) -> Any:
    if isinstance(value, dict):
        return {name: odd if name == key else _put(part, key, odd) for name, part in value.items()}
    return [_put(part, key, odd) for part in value] if isinstance(value, list) else value


def _dated(exchange: Exchange, date: str) -> Exchange:
    response = exchange.response
    return replace(exchange, response=response and replace(response, headers={**response.headers, "date": date}))
