"""Faults in how requests are recognised as replays."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from conformance.emulator.behaviour import Behaviour, Call, Resource
from conformance.emulator.errors import ApiError
from conformance.emulator.faults.row import MOVING, Change, Fault, shown_operation, switched, when_done
from conformance.emulator.store import Image

MOMENT = 0.1
"""Seconds within which requests count as simultaneous."""

REPLAYS = ("request-id.replay-same-operation", "request-id.replay-while-running", "request-id.replay-after-done")
"""The rules that are broken where no replay is recognised."""


def _answer_anew(operation: dict[str, Any], call: Call, times: int) -> None:
    """Gives an operation that is answered again another identity."""
    if call.method == "images.insert" and times:
        operation["name"] = f"{operation['name']}-{times}"
        operation["id"] = str(int(operation["id"]) + times)


def _conflict_after(seconds: float) -> Change:
    return switched(replay=lambda operation, call: time.time() < operation.begun + seconds)


def _not_at_once(operation: Any, call: Call) -> bool:
    return call.method != "images.insert" or time.time() > operation.begun + MOMENT


def _carry_out_changed(operation: Any, call: Call) -> bool:
    return call.method != "images.insert" or bool(operation.body == call.body)


def _forget_deleted(behaviour: Behaviour) -> None:
    """Recognises no replay for an image that was deleted."""
    deleted = set()

    def note(call: Call) -> None:
        if call.method == "images.delete":
            deleted.add((call.project, call.name))

    def recognised(operation: Any, call: Call) -> bool:
        del operation
        return call.method != "images.insert" or (call.project, call.body.get("name")) not in deleted

    switched(replay=recognised)(behaviour)
    behaviour.on_request.append(note)


def _label_again(behaviour: Behaviour) -> None:
    """Gives an image at a replay the labels of its insert again."""
    changed: dict[tuple[str, str], Image] = {}

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        changed[call.project, call.name] = image

    def on_request(call: Call) -> None:
        if call.method == "images.insert" and call.query.get("requestId") and isinstance(call.body, dict):
            image = changed.get((call.project, call.body.get("name", "")))
            if image is not None:
                image.fields["labels"] = call.body.get("labels") or {}
                image.generation += 1

    behaviour.on_change.append(on_change)
    behaviour.on_request.append(on_request)


def _unordered(operation: Any, call: Call) -> bool:
    return call.method != "images.insert" or list(operation.body) == list(call.body)


def _client_operation_id(change: Any) -> Change:
    def hook(operation: dict[str, Any], call: Call, times: int) -> None:
        del times
        value = change(operation.get("clientOperationId"), call)
        operation["clientOperationId"] = value
        if value is None:
            del operation["clientOperationId"]

    return shown_operation(hook)


def _refuse_delete_again(behaviour: Behaviour) -> None:
    """Answers 404 to a delete with the requestId of another one."""
    known = set()

    def refuse(call: Call) -> None:
        if call.method == "images.delete" and call.query.get("requestId"):
            if call.query["requestId"] in known:
                raise ApiError(404, "notFound", "The resource was not found")
            known.add(call.query["requestId"])

    behaviour.on_request.append(refuse)


def _also_empty(call: Call) -> tuple[str, ...]:
    """None is like no other, but an empty one is like all that are empty."""
    known = call.query.get("requestId", str(time.time()))
    return call.project, call.method, known.lower()


def _by_name_without_id(call: Call) -> tuple[str, ...]:
    """What a request is known under where the name stands in for a requestId that is not there."""
    if call.method != "images.insert":
        return (call.project, call.method, call.query.get("requestId") or str(time.time()))
    return (call.project, call.method, call.query.get("requestId") or str(call.body.get("name")))


def _split_request_ids(behaviour: Behaviour) -> None:
    """Has two threads take the deprecates of one requestId in turn, each of which knows only what it has done
    itself."""
    served: Counter[str] = Counter()

    def assign(call: Call) -> None:
        request_id = call.query.get("requestId", "")
        if call.method == "images.deprecate" and request_id:
            call.headers["thread"] = str(served[request_id] % 2)
            served[request_id] += 1

    known_under = behaviour.request_key
    behaviour.on_request.append(assign)
    behaviour.request_key = lambda call: (*known_under(call), call.headers.get("thread", ""))


FAULTS: tuple[Fault, ...] = (
    Fault(
        "request-id.replay-same-operation",
        "never-recognised",
        "a replay is never recognised, and answers a conflict",
        switched(replay=lambda operation, call: False),
        also=(*REPLAYS, "request-id.*"),
    ),
    Fault(
        "request-id.replay-same-operation",
        "new-operation",
        "each replay is answered with an operation of another name and id",
        shown_operation(_answer_anew),
        also=(*REPLAYS, "operation.name", "operation.self-link", "operation.target-id", "request-id.*"),
    ),
    Fault(
        "request-id.replay-same-operation",
        "new-insert-time",
        "each replay shows another insertTime",
        shown_operation(
            lambda operation, call, times: (
                operation.update(insertTime=operation["startTime"][:-10] + ".001-07:00")
                if call.method == "images.insert" and times
                else None
            )
        ),
        also=(*REPLAYS, *MOVING),
    ),
    Fault(
        "request-id.replay-creates-nothing",
        "second-image",
        "a replay makes a second image of the name",
        switched(replay=lambda operation, call: call.method != "images.insert", conflicts=lambda age: False),
        also=(*REPLAYS, "request-id.*", "image.name.unique", "image.id", "image.creation-timestamp", "image.status"),
    ),
    Fault(
        "request-id.replay-creates-nothing",
        "labels-again",
        "a replay gives an image the labels of its insert again",
        _label_again,
        also=("life.model", "life.linearizable", "labels.set"),
    ),
    Fault(
        "request-id.replay-while-running",
        "only-when-done",
        "a replay is recognised only after the operation is DONE",
        switched(replay=lambda operation, call: operation.status == "DONE"),
        also=(*REPLAYS, "request-id.delete-replay"),
    ),
    Fault(
        "request-id.replay-after-done",
        "only-while-running",
        "a replay is recognised only until the operation is DONE",
        switched(replay=lambda operation, call: operation.status != "DONE"),
        also=REPLAYS,
    ),
    Fault(
        "request-id.replay-after-done",
        "forgotten-soon",
        "a requestId is forgotten 30 ms after its request",
        _conflict_after(0.03),
        also=(*REPLAYS, "request-id.replay-after-delete", "request-id.delete-replay"),
    ),
    Fault(
        "request-id.replay-after-done",
        "forgotten-in-seconds",
        "a requestId is forgotten two seconds after its request",
        _conflict_after(2.0),
        also=(*REPLAYS, "request-id.replay-after-delete", "request-id.delete-replay"),
    ),
    Fault(
        "request-id.replay-after-done",
        "not-of-raw-disks",
        "a replay of an insert from a raw disk is not recognised",
        switched(replay=lambda operation, call: call.method != "images.insert" or not call.body.get("rawDisk")),
        also=REPLAYS,
    ),
    Fault(
        "request-id.replay-after-delete",
        "revives",
        "a replay after the image was deleted makes it anew",
        _forget_deleted,
    ),
    Fault(
        "request-id.replay-concurrent",
        "second-image",
        "replays within 100 ms are carried out as well",
        switched(replay=_not_at_once, conflicts=lambda age: age > MOMENT, answer_delay=2 * MOMENT),
    ),
    Fault(
        "request-id.replay-concurrent",
        "conflict",
        "replays within 100 ms are answered with a conflict",
        switched(replay=_not_at_once, answer_delay=2 * MOMENT),
    ),
    Fault(
        "request-id.replay-after-lost-response",
        "forgotten",
        "the requestId of a client that hung up is forgotten, so that its retry meets a conflict",
        switched(forgets_unread=True, answer_delay=2 * MOMENT),
        also=REPLAYS,
    ),
    Fault(
        "request-id.replay-after-lost-response",
        "second-image",
        "the requestId of a client that hung up is forgotten, so that its retry makes a second image",
        switched(forgets_unread=True, answer_delay=2 * MOMENT, conflicts=lambda age: False),
        also=(*REPLAYS, "request-id.replay-creates-nothing", "image.name.unique"),
    ),
    Fault(
        "request-id.replay-other-body",
        "carried-out",
        "a changed body under a used requestId is carried out",
        switched(replay=_carry_out_changed, conflicts=lambda age: False),
        also=("image.name.unique",),
    ),
    Fault(
        "request-id.replay-key-order",
        "byte-for-byte",
        "a replay is recognised only with its keys in the same order",
        switched(replay=_unordered),
    ),
    Fault(
        "request-id.distinct",
        "by-name",
        "an insert with any requestId is taken for a replay if its name is known",
        switched(request_key=lambda call: (call.project, call.method, str((call.body or {}).get("name") or call.name))),
    ),
    Fault(
        "request-id.empty",
        "remembered",
        "an empty requestId is remembered like any other",
        switched(recognises_without_request_id=True, request_key=_also_empty),
        (
            "request-id.absent",
            "request-id.client-operation-id",
            "operation.target-link",
            "operation.success-means-ready",
        ),
    ),
    Fault(
        "request-id.absent",
        "by-name",
        "an insert without a requestId is taken for a replay if its name is known",
        switched(recognises_without_request_id=True, request_key=_by_name_without_id),
        ("life.model",),
    ),
    Fault(
        "request-id.case",
        "case-sensitive",
        "a requestId in another case is another requestId",
        switched(request_key=lambda call: (call.project, call.method, call.query.get("requestId", ""))),
    ),
    Fault(
        "request-id.scoped-to-project",
        "global",
        "requestIds of all projects are one space",
        switched(request_key=lambda call: (call.method, call.query.get("requestId", "").lower())),
        also=("operation.target-link", "operation.success-means-ready"),
    ),
    Fault(
        "request-id.scoped-to-method",
        "shared",
        "a delete with the requestId of an insert is taken for a replay of that insert",
        switched(request_key=lambda call: (call.project, call.query.get("requestId", "").lower())),
    ),
    Fault(
        "request-id.refused-not-remembered",
        "remembered",
        "a refused insert blocks its requestId",
        switched(remembers_refusals=True),
    ),
    Fault(
        "request-id.delete-replay",
        "not-found",
        "a replayed delete is answered 404",
        _refuse_delete_again,
    ),
    Fault(
        "request-id.change-replay",
        "carried-out",
        "patch and deprecate heed no requestId",
        switched(replay=lambda operation, call: call.method not in ("images.patch", "images.deprecate")),
    ),
    Fault(
        "request-id.change-replay",
        "split-between-threads",
        "two threads take deprecations in turn, and each knows only its own requestIds",
        _split_request_ids,
    ),
    Fault(
        "request-id.client-operation-id",
        "missing",
        "clientOperationId is never there",
        _client_operation_id(lambda value, call: None),
    ),
    Fault(
        "request-id.client-operation-id",
        "blank-without",
        'without a requestId clientOperationId is ""',
        _client_operation_id(lambda value, call: value or ""),
    ),
    Fault(
        "request-id.client-operation-id",
        "missing-from-failures",
        "clientOperationId is missing from operations that fail",
        when_done(lambda operation, times: operation.pop("clientOperationId", None) if "error" in operation else None),
        also=MOVING,
    ),
    Fault(
        "request-id.client-operation-id",
        "lower-case",
        "clientOperationId is the requestId in lower case",
        _client_operation_id(lambda value, call: value and value.lower()),
    ),
    Fault(
        "request-id.client-operation-id",
        "missing-on-polls",
        "clientOperationId is missing when the operation is polled",
        _client_operation_id(lambda value, call: None if call.method == "globalOperations.get" else value),
        also=MOVING,
    ),
)
