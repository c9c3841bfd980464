"""The rules `durability.*`, told by hand: what was before the restart, and what is seen behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.contract import durability_catalogue
from conformance.contract.areas.durability import IMAGES, OPERATIONS, REQUEST_IDS, RUNNING
from conformance.contract.history import History
from conformance.trace.exchange import Exchange, Intent, Request, Response, Trace

ROOT = "http://target/compute/beta/projects/p/global"
DONE = {"name": "operation-1", "id": "1", "targetId": "7", "status": "DONE"}
RUNS = {"name": "operation-2", "id": "2", "targetId": "8", "status": "RUNNING"}
FAILED = {**RUNS, "status": "DONE", "error": {"errors": [{"code": "ABORTED"}]}}
IMAGE = {"name": "a", "id": "7", "status": "READY"}
NONE: dict[str, Any] = {"error": {"code": 404}}


def said(path: str, answer: Any, rule: str = "", *, verb: str = "GET", status: int = 0) -> Exchange:
    """An exchange; one behind the restart is made for a rule."""
    status = status or (404 if answer is NONE else 200)
    intent = Intent(valid=True, rules=(rule,)) if rule else None
    response = Response(status, {"content-type": "application/json"}, json.dumps(answer).encode())
    return Exchange(1, Request(verb, f"{ROOT}/{path}"), response, intent=intent)


BEFORE = (
    said("images?requestId=x", {**DONE, "status": "RUNNING"}, verb="POST"),
    said("operations/operation-1", DONE),
    said("images/a", IMAGE),
    said("images?requestId=y", RUNS, verb="POST"),
)


def broken(*behind: Exchange) -> dict[str, int]:
    """How many findings each rule has, and how many of them are breaches."""
    trace = Trace(BEFORE + behind)
    found = {rule.id: list(rule.judge(History(trace))) for rule in durability_catalogue().values()}
    return {rule: sum(finding is not None for finding in findings) for rule, findings in found.items() if findings}


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ([said("images/a", IMAGE, IMAGES)], {IMAGES: 0}),
        ([said("images/a", NONE, IMAGES)], {IMAGES: 1}),
        ([said("images/a", {**IMAGE, "id": "9"}, IMAGES)], {IMAGES: 1}),
        ([said("images/b", NONE, IMAGES)], {}),
        ([said("images/a", NONE, IMAGES, status=503)], {}),
        ([said("operations/operation-1", DONE, OPERATIONS)], {OPERATIONS: 0}),
        ([said("operations/operation-1", NONE, OPERATIONS)], {OPERATIONS: 1}),
        ([said("operations/operation-1", {**DONE, "status": "RUNNING"}, OPERATIONS)], {OPERATIONS: 1}),
        ([said("images?requestId=x", DONE, REQUEST_IDS, verb="POST")], {REQUEST_IDS: 0}),
        ([said("images?requestId=x", {**DONE, "name": "operation-9"}, REQUEST_IDS, verb="POST")], {REQUEST_IDS: 1}),
        ([said("images?requestId=x", NONE, REQUEST_IDS, verb="POST", status=409)], {REQUEST_IDS: 1}),
    ],
)
def test_what_was_there_is_there(behind: list[Exchange], expected: dict[str, int]) -> None:
    assert broken(*behind) == expected


@pytest.mark.parametrize(
    ("operation", "image", "expected"),
    [
        ({**RUNS, "status": "DONE"}, IMAGE, 0),
        (FAILED, NONE, 0),
        (RUNS, {**IMAGE, "status": "PENDING"}, 1),
        (NONE, NONE, 1),
        ({**RUNS, "status": "DONE"}, NONE, 1),
        ({**RUNS, "status": "DONE"}, {**IMAGE, "status": "PENDING"}, 1),
        (FAILED, IMAGE, 1),
    ],
)
def test_what_was_running_ends_one_way_or_the_other(operation: Any, image: Any, expected: int) -> None:
    looks = (said("operations/operation-2", operation, RUNNING), said("images/b", image, RUNNING))
    assert broken(*looks) == {RUNNING: expected}
