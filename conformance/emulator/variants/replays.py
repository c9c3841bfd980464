"""Freedoms in what a request answers that comes again."""

from __future__ import annotations

import copy
import time
from typing import Any

from conformance.emulator.behaviour import Behaviour, Call, Resource
from conformance.emulator.errors import ApiError
from conformance.emulator.faults.row import shown_operation, switched
from conformance.emulator.variants.row import Variant

IN_PROGRESS = 0.03
"""Seconds for which an insert is under way: its answer comes later."""

REPLAYED_OTHERWISE = (
    *("request-id.replay-same-operation", "request-id.replay-while-running", "request-id.replay-after-done"),
    *("request-id.replay-key-order", "request-id.case", "request-id.replay-concurrent"),
)


def _as_first_answered(behaviour: Behaviour) -> None:
    """Answers a replay with the very text of the first answer."""
    first: dict[str, Resource] = {}

    def hook(operation: Resource, call: Call, times: int) -> None:
        del times
        if call.method.startswith("globalOperations."):
            return
        known = first.setdefault(operation["id"], copy.deepcopy(operation))
        operation.clear()
        operation.update(copy.deepcopy(known))

    shown_operation(hook)(behaviour)


def _too_early(operation: Any, call: Call) -> bool:
    if call.method == "images.insert" and time.time() < operation.begun + IN_PROGRESS:
        raise ApiError(409, "conflict", "A request with this requestId is under way.")
    return True


def _lower_case(operation: Resource, call: Call, times: int) -> None:
    del call, times
    if operation.get("clientOperationId"):
        operation["clientOperationId"] = operation["clientOperationId"].lower()


def _gone(behaviour: Behaviour) -> None:
    """Answers a delete that comes again 404: the image is gone."""
    seen: set[str] = set()

    def guard(call: Call) -> None:
        request_id = call.query.get("requestId", "")
        if call.method != "images.delete" or not request_id:
            return
        if request_id in seen:
            raise ApiError(404, "notFound", "The resource was not found")
        seen.add(request_id)

    behaviour.on_request.append(guard)


def _by_name_without_id(call: Call) -> tuple[str, ...]:
    request_id = call.query.get("requestId", "").lower()
    if request_id or call.method != "images.insert":
        return (call.project, call.method, request_id or str(time.time()))
    return (call.project, call.method, str(call.body.get("name")))


ROWS: tuple[Variant, ...] = (
    Variant(
        "replays-anew",
        "a replay answers an operation of its own about the first image",
        switched(replays_anew=True),
        REPLAYED_OTHERWISE,
    ),
    Variant("replays-as-first-answered", "a replay answers what the first request was answered", _as_first_answered),
    Variant(
        "too-early",
        "a replay is answered with a conflict while the first request is under way",
        switched(replay=_too_early, answer_delay=IN_PROGRESS * 1.5),
        ("request-id.replay-concurrent", "request-id.replay-after-lost-response"),
    ),
    Variant(
        "request-id-in-lower-case",
        "operations show the requestId in lower case",
        shown_operation(_lower_case),
        ("request-id.client-operation-id",),
    ),
    Variant(
        "request-id-by-case",
        "a requestId in another case is another one",
        switched(request_key=lambda call: (call.project, call.method, call.query.get("requestId", ""))),
        ("request-id.case",),
    ),
    Variant("delete-replays-gone", "a delete that comes again is answered 404", _gone, ("request-id.delete-replay",)),
    Variant(
        "recognised-by-name",
        "an insert without a requestId that comes again is answered with the first operation",
        switched(recognises_without_request_id=True, request_key=_by_name_without_id),
        ("request-id.absent", "request-id.empty", "image.name.unique", "life.concurrent-same-name"),
    ),
)
