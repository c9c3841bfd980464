"""Faults in operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.errors import ApiError
from conformance.emulator.faults.row import MOVING, Change, Fault, Row, shown_image, shown_operation, when_done

POLLS = ("globalOperations.get", "globalOperations.wait", "globalOperations.list")
LATER = "2031-01-01T00:00:00.000-07:00"


def _always(name: str, value: Any) -> Change:
    return shown_operation(lambda operation, call, times: operation.update({name: value}))


def _without(*names: str) -> Change:
    def hook(operation: Resource, call: Call, times: int) -> None:
        del call, times
        for name in names:
            operation.pop(name, None)

    return shown_operation(hook)


def _each(name: str, change: Any) -> Change:
    return shown_operation(lambda operation, call, times: operation.update({name: change(operation[name], times)}))


def _back_to_running(operation: Resource, call: Call, times: int) -> None:
    del call
    if operation["status"] == "DONE" and times % 3 == 2:
        operation |= {"status": "RUNNING", "progress": 100}
        for name in ("endTime", "error", "httpErrorStatusCode", "httpErrorMessage"):
            operation.pop(name, None)


def _done_instead(operation: Resource) -> None:
    del operation["status"]
    operation["done"] = True


def _failing(change: Any) -> Change:
    """Changes operations that have failed."""
    return when_done(lambda operation, times: change(operation) if "error" in operation else None)


def _error_info(**info: Any) -> Change:
    def change(operation: Resource) -> None:
        operation["error"]["errors"][0]["errorDetails"] = [
            {"errorInfo": {"reason": "NOT_FOUND", "domain": "example.com", **info}}
        ]

    return _failing(change)


def _never_done(behaviour: Behaviour) -> None:
    behaviour.seconds = 3600.0


def _ahead(operation: Resource, call: Call, times: int) -> None:
    del call, times
    if operation["operationType"] == "insert" and "error" not in operation:
        at_once = dict.fromkeys(("startTime", "endTime"), operation["insertTime"])
        operation.update(at_once, status="DONE", progress=100)
        operation.pop("statusMessage", None)


def _never_ready(image: Resource, call: Call, times: int) -> None:
    del call, times
    image["status"] = "PENDING"


def _old_state(operation: Resource, call: Call, times: int) -> None:
    del times
    if call.method == "globalOperations.wait":
        operation["status"] = "PENDING"
        operation.pop("endTime", None)
        operation.pop("progress", None)


def _forget_failure(operation: Resource) -> None:
    for name in ("error", "httpErrorStatusCode", "httpErrorMessage"):
        operation.pop(name, None)


def _when_waited_for(hook: Callable[[Resource, int], object]) -> Change:
    """Changes operations that are DONE before wait answers them."""
    return shown_operation(
        lambda operation, call, times: (
            hook(operation, times) if call.method == "globalOperations.wait" and operation["status"] == "DONE" else None
        )
    )


def _listed_as_running(operation: Resource, call: Call, times: int) -> None:
    """Lists an operation that is DONE as RUNNING."""
    del times
    if call.method == "globalOperations.list" and operation["status"] == "DONE":
        operation.update(status="RUNNING", progress=50)
        operation.pop("endTime", None)
        _forget_failure(operation)


def _other_story(operation: Resource, call: Call, times: int) -> None:
    del times
    if call.method == "globalOperations.list":
        operation["insertTime"] = "2020-01-01T00:00:00.000-07:00"


def _success(operation: Resource, call: Call, times: int) -> None:
    del times
    if call.method == "globalOperations.list":
        _forget_failure(operation)


def _other_failure(operation: Resource, call: Call, times: int) -> None:
    del times
    if call.method == "globalOperations.list" and "error" in operation:
        operation["error"] = {"errors": [{"code": "UNSUPPORTED_OPERATION", "message": "It is not supported."}]}


def _targets_the_last(behaviour: Behaviour) -> None:
    """Takes the image that was looked at last for the target of inserts that fail."""
    looked_at: list[str] = []

    def point(operation: Resource, times: int) -> None:
        del times
        if "error" in operation and operation["operationType"] == "insert" and looked_at:
            operation["targetId"] = looked_at[-1]

    shown_image(lambda image, call, times: looked_at.append(image["id"]))(behaviour)
    when_done(point)(behaviour)


def _in_a_moment(behaviour: Behaviour) -> None:
    behaviour.operation_name = lambda moment: f"operation-{int(moment * 100)}"


def _not_kept_when_done(behaviour: Behaviour) -> None:
    """Does not keep operations that are DONE when they are answered first."""
    done: set[str] = set()

    def note(answer: Answer, call: Call) -> None:
        if call.method in ("images.setLabels", "images.deprecate") and answer.body.get("status") == "DONE":
            done.add(answer.body["name"])

    def refuse(call: Call) -> None:
        if call.method in ("globalOperations.get", "globalOperations.wait") and call.name in done:
            raise ApiError(404, "notFound", f"The resource 'operations/{call.name}' was not found")

    behaviour.on_answer.append(note)
    behaviour.on_request.append(refuse)


def _not_kept(behaviour: Behaviour) -> None:
    def refuse(call: Call) -> None:
        if call.method in ("globalOperations.get", "globalOperations.wait"):
            raise ApiError(404, "notFound", f"The resource 'operations/{call.name}' was not found")

    behaviour.on_request.append(refuse)


def _waits_for_the_newest(behaviour: Behaviour) -> None:
    """Waits for the newest operation of a project, whichever was asked for."""
    newest: dict[str, str] = {}

    def note(answer: Answer, call: Call) -> None:
        if call.verb != "GET" and answer.status == 200 and answer.body.get("name"):
            newest[call.project] = answer.body["name"]

    def turn(call: Call) -> None:
        if call.method == "globalOperations.wait":
            call.name = newest.get(call.project, call.name)

    behaviour.on_answer.append(note)
    behaviour.on_request.append(turn)


def _waits_for_no_end(behaviour: Behaviour) -> None:
    """Lets wait find operations that are under way only."""
    ended: set[str] = set()

    def note(answer: Answer, call: Call) -> None:
        if call.method == "globalOperations.get" and answer.body.get("status") == "DONE":
            ended.add(call.name)

    def refuse(call: Call) -> None:
        if call.method == "globalOperations.wait" and call.name in ended:
            raise ApiError(404, "notFound", f"The resource 'operations/{call.name}' was not found")

    behaviour.on_answer.append(note)
    behaviour.on_request.append(refuse)


_ROWS: tuple[Row, ...] = (
    ("operation.kind", "image", "kind is compute#image", _always("kind", "compute#image")),
    (
        "operation.kind",
        "missing-on-polls",
        "kind is missing when polled",
        shown_operation(lambda operation, call, times: operation.pop("kind") if call.method in POLLS else None),
    ),
    ("operation.id", "number", "id is a number", _each("id", lambda value, times: int(value)), ("operation.type.id",)),
    ("operation.id", "shared", "all operations have one id", _always("id", "4242424242")),
    (
        "operation.name",
        "other-on-polls",
        "a polled operation has another name",
        shown_operation(
            lambda operation, call, times: (
                operation.update(name=operation["name"] + "-x") if call.method == "globalOperations.get" else None
            )
        ),
        MOVING,
    ),
    (
        "operation.name",
        "path",
        "a path stands in the place of the name of an operation",
        _each("name", lambda name, times: f"operations/{name}"),
        ("operation.list",),  # a filter for the name finds none
    ),
    ("operation.name", "missing", "operations have no name", _without("name")),
    ("operation.name", "not-kept", "an operation is answered, and found by nothing", _not_kept),
    ("operation.name", "not-kept-when-done", "operations that are DONE at once are not kept", _not_kept_when_done),
    (
        "operation.name",
        "of-the-moment",
        "a name is made of the hundredth of a second, so that operations share it",
        _in_a_moment,
    ),
    ("operation.type", "verb", "operationType is create", _always("operationType", "create")),
    (
        "operation.type",
        "of-labels",
        "the operation of a setLabels is called insert",
        shown_operation(
            lambda operation, call, times: (
                operation.update(operationType="insert") if operation.get("operationType") == "setLabels" else None
            )
        ),
    ),
    (
        "operation.target-link",
        "other",
        "targetLink names another image",
        _each("targetLink", lambda value, times: value + "-other"),
    ),
    ("operation.target-link", "missing", "targetLink is missing", _without("targetLink")),
    (
        "operation.target-id",
        "own-id",
        "targetId is the id of the operation",
        shown_operation(lambda operation, call, times: operation.update(targetId=operation["id"])),
        ("operation.success-means-ready",),
    ),
    ("operation.target-id", "missing", "targetId is missing", _without("targetId")),
    (
        "operation.target-id",
        "of-another-when-failed",
        "targetId of an insert that fails is the id of the image that was looked at last",
        _targets_the_last,
        MOVING,
    ),
    (
        "operation.target-id",
        "zero-until-done",
        "targetId is 0 until the operation is DONE",
        shown_operation(
            lambda operation, call, times: operation.update(targetId="0") if operation["status"] != "DONE" else None
        ),
        MOVING,
    ),
    (
        "operation.error-shape",
        "empty",
        "every operation has an error with nothing in it",
        shown_operation(lambda operation, call, times: operation.setdefault("error", {"errors": []})),
        ("operation.error-only-when-failed",),
    ),
    (
        "operation.status",
        "unknown",
        "status is STARTED instead of RUNNING",
        shown_operation(
            lambda operation, call, times: (
                operation.update(status="STARTED") if operation["status"] == "RUNNING" else None
            )
        ),
    ),
    (
        "operation.status",
        "lower-case",
        "status is done instead of DONE",
        when_done(lambda operation, times: operation.update(status="done")),
    ),
    (
        "operation.status",
        "done-instead",
        "an operation that has ended is done: true, and has no status",
        when_done(lambda operation, times: _done_instead(operation)),
    ),
    (
        "operation.status",
        "end-unknown",
        "status is SUCCEEDED or FAILED instead of DONE",
        when_done(lambda operation, times: operation.update(status="FAILED" if "error" in operation else "SUCCEEDED")),
    ),
    (
        "operation.status-monotonic",
        "done-then-running",
        "a DONE operation is RUNNING at every third look",
        shown_operation(_back_to_running),
        ("operation.wait",),
    ),
    (
        "operation.done-is-final",
        "message-appears",
        "a statusMessage appears after DONE",
        when_done(lambda operation, times: operation.update(statusMessage=f"look {times}")),
    ),
    (
        "operation.identity-immutable",
        "insert-time",
        "insertTime changes from poll to poll",
        _each("insertTime", lambda value, times: f"{value[:20]}{times % 1000:03d}{value[23:]}" if times else value),
        (*MOVING, "operation.times"),
    ),
    (
        "operation.identity-immutable",
        "user",
        "user changes from poll to poll",
        _each("user", lambda value, times: f"user{times}@example.com"),
        MOVING,
    ),
    (
        "operation.identity-immutable",
        "description",
        "description changes from poll to poll",
        shown_operation(lambda operation, call, times: operation.update(description=f"look {times}")),
        MOVING,
    ),
    (
        "operation.progress",
        "falls",
        "progress falls",
        shown_operation(
            lambda operation, call, times: (
                operation.update(progress=max(90 - 30 * times, 0)) if operation["status"] != "DONE" else None
            )
        ),
    ),
    (
        "operation.progress",
        "text",
        "progress is a text",
        _each("progress", lambda value, times: str(value)),
        ("operation.type.progress",),
    ),
    (
        "operation.progress",
        "above-100",
        "progress is above 100",
        when_done(lambda operation, times: operation.update(progress=101)),
    ),
    (
        "operation.times",
        "no-offset",
        "times have no offset",
        _each("startTime", lambda value, times: value[:23]),
        ("operation.type.startTime",),
    ),
    ("operation.times", "out-of-order", "startTime lies after endTime", _always("startTime", LATER)),
    ("operation.times", "no-insert-time", "insertTime is missing", _without("insertTime")),
    (
        "operation.insert-time",
        "hour-off",
        "insertTime is a year off",
        _each("insertTime", lambda value, times: f"{int(value[:4]) - 1}{value[4:]}"),
    ),
    ("operation.end-time", "missing", "endTime is missing", _without("endTime")),
    (
        "operation.end-time",
        "early",
        "endTime is there before DONE",
        shown_operation(lambda operation, call, times: operation.setdefault("endTime", LATER)),
        MOVING,
    ),
    ("operation.reaches-done", "never", "operations are never DONE", _never_done),
    (
        "operation.success-means-ready",
        "pending",
        "images stay PENDING",
        lambda behaviour: behaviour.on_image.append(_never_ready),
    ),
    (
        "operation.success-means-ready",
        "ahead",
        "operations are DONE at once, while their images are PENDING",
        shown_operation(_ahead),
        ("deprecate.use-obsolete", "image.deprecated.timestamps"),
    ),
    (
        "operation.error-only-when-failed",
        "no-status",
        "a failed operation has no httpErrorStatusCode",
        _without("httpErrorStatusCode"),
    ),
    (
        "operation.error-only-when-failed",
        "message-on-success",
        "a success has an httpErrorMessage",
        when_done(lambda operation, times: operation.setdefault("httpErrorMessage", "OK")),
    ),
    (
        "operation.error-shape",
        "no-list",
        "the error has no errors[]",
        _failing(lambda operation: operation.update(error={"message": "failed"})),
    ),
    (
        "operation.error-shape",
        "no-code",
        "an error has no code",
        _failing(lambda operation: operation["error"]["errors"][0].pop("code")),
    ),
    ("operation.error-shape", "reason", "errorInfo.reason is in lower case", _error_info(reason="not found")),
    (
        "operation.error-shape",
        "metadata-key",
        "a key of errorInfo.metadatas has a blank",
        _error_info(metadatas={"a key": "value"}),
    ),
    (
        "operation.http-error-code",
        "200",
        "httpErrorStatusCode of a failure is 200",
        _failing(lambda operation: operation.update(httpErrorStatusCode=200)),
    ),
    (
        "operation.http-error-message",
        "other",
        "httpErrorMessage of every failure is CONFLICT",
        _failing(lambda operation: operation.update(httpErrorMessage="CONFLICT")),
    ),
    (
        "operation.warning-shape",
        "no-message",
        "a warning has no message",
        when_done(lambda operation, times: operation.update(warnings=[{"code": "CLEANUP_FAILED"}])),
        ("deprecate.use-obsolete",),
    ),
    (
        "operation.self-link",
        "other",
        "selfLink addresses something else",
        _each("selfLink", lambda value, times: value + "-other"),
    ),
    (
        "operation.scope",
        "zone",
        "operations have a zone",
        _always("zone", "https://www.googleapis.com/compute/v1/projects/p/zones/us-central1-a"),
    ),
    (
        "operation.metadata-union",
        "two",
        "an operation has two members of the union",
        shown_operation(
            lambda operation, call, times: operation.update(
                getVersionOperationMetadata={"inlineSbomInfo": {"a": 1}}, getHealthOperationMetadata={"b": 1}
            )
        ),
    ),
    (
        "operation.metadata-scope",
        "bulk",
        "an operation has the metadata of a bulk insert",
        _always("instancesBulkInsertOperationMetadata", {"perLocationStatus": {"zones/a": {"status": "CREATING"}}}),
    ),
    (
        "operation.wait",
        "newest",
        "wait answers the newest operation, whichever was asked for",
        _waits_for_the_newest,
        ("operation.not-found",),
    ),
    ("operation.wait", "not-when-done", "wait does not find operations that are DONE", _waits_for_no_end),
    (
        "operation.wait",
        "older",
        "wait answers an older state",
        shown_operation(_old_state),
        ("operation.status-monotonic",),
    ),
    (
        "operation.done-is-final",
        "wait-message",
        "wait shows another statusMessage each time",
        _when_waited_for(lambda operation, times: operation.update(statusMessage=f"look {times}")),
    ),
    (
        "operation.identity-immutable",
        "wait-user",
        "wait shows another user each time",
        _when_waited_for(lambda operation, times: operation.update(user=f"user{times}@example.com")),
        ("operation.agrees", "operation.done-is-final"),
    ),
    ("operation.agrees", "list", "the list tells another insertTime", shown_operation(_other_story)),
    (
        "operation.agrees",
        "list-behind",
        "the list never tells that an operation is DONE",
        shown_operation(_listed_as_running),
    ),
    ("operation.agrees", "failures", "the list tells of no errors", shown_operation(_success)),
    ("operation.agrees", "failures-otherwise", "the list tells of other errors", shown_operation(_other_failure)),
    (
        "operation.agrees",
        "failures-in-wait",
        "wait tells of no errors",
        _when_waited_for(lambda operation, times: _forget_failure(operation)),
        ("operation.done-is-final",),
    ),
)

FAULTS: tuple[Fault, ...] = tuple(Fault(*row) for row in _ROWS)
