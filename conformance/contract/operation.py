"""Rules about operations: each is a story that only moves forward, told alike by every method."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from conformance.contract.clock import SKEW, near
from conformance.contract.fields import OPERATION_FIELDS
from conformance.contract.formats import is_uint64, link, timestamp
from conformance.contract.history import STATUS_ORDER, History, Operation, State, after
from conformance.contract.rule import Finding, expect, is_set, rule
from conformance.trace import Exchange

INSERT = "images.insert"
WAIT = "globalOperations.wait"
LIST = "globalOperations.list"

OPERATION_TYPES = {"images.insert": "insert", "images.delete": "delete"}
METADATA = ("setCommonInstanceMetadataOperationMetadata", "instancesBulkInsertOperationMetadata")
METADATA_UNION = (*METADATA, "getVersionOperationMetadata", "getHealthOperationMetadata")
ERROR_FIELDS = ("error", "httpErrorStatusCode", "httpErrorMessage")
IDENTITY = ("id", "name", "targetLink", "operationType", "user", "insertTime", "clientOperationId")
SET_ONCE = ("targetId", "startTime", "endTime")
"""Fields that may be absent at first; once they are there they stay as they are."""

_DOCUMENTED = tuple(field.path for field in OPERATION_FIELDS if not re.search(r"[.\[{]", field.path))
_REASON = re.compile(r"[A-Z][A-Z0-9_]+[A-Z0-9]")
_METADATA_KEY = re.compile(r"[a-zA-Z0-9-_]{1,64}")


def has(state: State, name: str) -> bool:
    """Whether a field of an operation holds anything; a number 0 is as good as nothing in the error fields."""
    value = state.value.get(name)
    return is_set(value) and not (name in ERROR_FIELDS and value == 0)


def of_images(history: History) -> Iterator[Operation]:
    """The operations that a method of images answered."""
    return (operation for operation in history.operations.values() if operation.mutation is not None)


def _told(state: State) -> dict[str, Any]:
    """The documented fields of a state that hold anything."""
    return {name: state.value[name] for name in _DOCUMENTED if is_set(state.value.get(name))}


@rule("operation.kind", "doc", "kind is compute#operation.", "Response body > kind")
def _kind(history: History) -> Iterator[Finding]:
    for state in history.states:
        yield expect(
            state.value.get("kind") == "compute#operation",
            "an operation has another kind",
            state.exchange,
            expected="compute#operation",
            observed=state.value.get("kind"),
        )


@rule("operation.id", "doc", "id is a uint64 as a decimal string, unique to the request.", "Response body > id")
def _id(history: History) -> Iterator[Finding]:
    for state in history.states:
        yield expect(
            is_uint64(state.value.get("id")),
            "the id of an operation is no uint64 as a decimal string",
            state.exchange,
            expected="a decimal string",
            observed=state.value.get("id"),
        )
    owners: dict[tuple[str, str], Operation] = {}
    for operation in of_images(history):
        for state in operation.states[:1]:
            identifier = state.value.get("id")
            other = (
                owners.setdefault((operation.project, str(identifier)), operation) if is_set(identifier) else operation
            )
            yield expect(
                other is operation,
                "two operations have one id",
                other.states[0].exchange,
                state.exchange,
                expected="an id of its own",
                observed=identifier,
            )


@rule("operation.name", "doc", "name is present, and addresses the operation.", "Response body > name")
def _name(history: History) -> Iterator[Finding]:
    for mutation in history.mutations:
        if mutation.answer is not None:
            name = mutation.answer.get("name")
            yield expect(
                isinstance(name, str) and bool(name),
                "an operation has no name",
                mutation.exchange,
                expected="a name",
                observed=name,
            )
    for exchange in history.exchanges:
        route = exchange.route
        if route is None or route.method not in ("globalOperations.get", WAIT) or exchange.intent is not None:
            continue
        operation = history.operations.get((route.project, route.name))
        origin = operation.mutation.exchange if operation and operation.mutation else None
        if exchange.resource is not None:
            yield expect(
                exchange.resource.get("name") == route.name,
                "an operation answers under the name of another",
                exchange,
                expected=route.name,
                observed=exchange.resource.get("name"),
            )
        elif route.method != WAIT and exchange.refused and origin is not None and after(origin, exchange):
            yield expect(
                False,
                "the name of an operation does not address it",
                origin,
                exchange,
                expected="the operation",
                observed=f"HTTP {exchange.status}",
            )


@rule(
    "operation.type",
    "doc",
    "operationType is insert for an insert, and delete for a delete.",
    "Response body > operationType",
)
def _type(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        wanted = OPERATION_TYPES.get(operation.mutation.method) if operation.mutation else None
        for state in operation.states if wanted else ():
            yield expect(
                state.value.get("operationType") == wanted,
                "an operation has another type than its request",
                state.exchange,
                expected=wanted,
                observed=state.value.get("operationType"),
            )


@rule("operation.target-link", "doc", "targetLink names the image of the request.", "JSON representation > targetLink")
def _target_link(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        mutation = operation.mutation
        assert mutation is not None
        if not mutation.image:
            continue
        for state in operation.states:
            target = state.value.get("targetLink")
            if not is_set(target):
                if state.done:
                    yield expect(
                        False, "a finished operation has no targetLink", state.exchange, expected=mutation.image
                    )
                continue
            behind = history.names.get(mutation.image)
            if mutation.image.isdecimal() and behind is None:
                continue  # addressed by an id whose name was not seen
            known = {mutation.image, history.identifier(mutation), behind}
            path = link(target).split("/")
            named = path[4] if len(path) > 4 and path[2:4] == ["global", "images"] else ""
            yield expect(
                named in known and _same_project(path[1], mutation.project),
                "targetLink names another resource than the request",
                state.exchange,
                expected=f"…/projects/{mutation.project}/global/images/{mutation.image}",
                observed=target,
            )


def _same_project(name: str, project: str) -> bool:
    """Whether a project in a link is the one that was called; the service may write its number for its id."""
    return name == project or name.isdecimal() or project.isdecimal()


@rule(
    "operation.target-id",
    "doc",
    "targetId equals the image's id, at the latest when the operation is DONE.",
    "Response body > targetId",
)
def _target_id(history: History) -> Iterator[Finding]:
    for insert in history.created:
        assert insert.operation is not None
        for state in insert.operation.states:
            if state.done:
                yield expect(
                    has(state, "targetId"),
                    "a finished operation has no targetId",
                    state.exchange,
                    expected="the id of the image",
                    observed=state.value.get("targetId"),
                )
        if is_set(insert.body.get("id")):
            continue
        targets = {str(state.value.get("targetId")): state for state in reversed(insert.operation.states)}
        seen = {str(sighting.value.get("id")): sighting for sighting in reversed(history.results(insert))}
        for identifier, sighting in seen.items():
            if sighting.name != insert.image:
                continue
            for target, state in targets.items():
                yield expect(
                    not is_set(state.value.get("targetId")) or target == identifier,
                    "targetId is not the id of the image",
                    state.exchange,
                    sighting.exchange,
                    expected=identifier,
                    observed=target,
                )


@rule("operation.status", "doc", "status is PENDING, RUNNING or DONE.", "Response body > status")
def _status(history: History) -> Iterator[Finding]:
    for state in history.states:
        yield expect(
            state.status in STATUS_ORDER,
            "an operation has an unknown status",
            state.exchange,
            expected=list(STATUS_ORDER),
            observed=state.value.get("status"),
        )


@rule(
    "operation.status-monotonic",
    "doc",
    "The status never goes back: PENDING, RUNNING, DONE in that order, though states may be skipped.",
    "Response body > status",
)
def _monotonic(history: History) -> Iterator[Finding]:
    for earlier, later in _forward(history, without=(WAIT, LIST)):
        if earlier.status in STATUS_ORDER and later.status in STATUS_ORDER:
            yield expect(
                STATUS_ORDER[later.status] >= STATUS_ORDER[earlier.status],
                "the status of an operation went back",
                earlier.exchange,
                later.exchange,
                expected=f"{earlier.status} or later",
                observed=later.status,
            )


def _forward(history: History, without: tuple[str, ...]) -> Iterator[tuple[State, State]]:
    """Each state, but those of the methods left out, with the most advanced state that was seen for certain before it.

    A replay of a request may answer the operation as it was first answered, so its answer is no later state.
    """
    for operation in history.operations.values():
        first = operation.mutation.exchange if operation.mutation else None
        furthest: State | None = None
        for state in operation.states:
            replayed = state.via == INSERT and state.exchange is not first
            if replayed:
                continue
            if furthest is not None and state.via not in without and after(furthest.exchange, state.exchange):
                yield furthest, state
            if furthest is None or STATUS_ORDER.get(state.status, -1) >= STATUS_ORDER.get(furthest.status, -1):
                furthest = state


@rule("operation.done-is-final", "doc", "Once DONE, nothing in an operation changes.", "Response body > status")
def _done_is_final(history: History) -> Iterator[Finding]:
    for operation in history.operations.values():
        done = [state for state in operation.states if state.done and state.via not in (WAIT, LIST)]
        for earlier, later in pairwise(done):
            if earlier.via != later.via or not after(earlier.exchange, later.exchange):
                continue
            before, now = _told(earlier), _told(later)
            changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
            yield expect(
                not changed,
                "an operation changed after it was DONE",
                earlier.exchange,
                later.exchange,
                expected={name: before.get(name) for name in changed},
                observed={name: now.get(name) for name in changed},
            )


@rule(
    "operation.identity-immutable",
    "doc",
    "id, name, targetId, targetLink, operationType, user, insertTime, clientOperationId, and startTime and endTime once "
    "set, never change between polls.",
    "Response body",
)
def _identity(history: History) -> Iterator[Finding]:
    for operation in history.operations.values():
        states = [state for state in operation.states if state.via not in (WAIT, LIST)]
        for earlier, later in pairwise(states):
            if after(earlier.exchange, later.exchange):
                yield _same_fields(earlier, later, "what identifies an operation changed between two polls")


def _same_fields(earlier: State, later: State, message: str) -> Finding:
    before, now = earlier.value, later.value
    changed = [
        name
        for name in (*IDENTITY, *SET_ONCE)
        if is_set(before.get(name))
        and before.get(name) != now.get(name)
        and (is_set(now.get(name)) or not _may_end(name, later))
    ]
    return expect(
        not changed,
        message,
        earlier.exchange,
        later.exchange,
        expected={name: before.get(name) for name in changed},
        observed={name: now.get(name) for name in changed},
    )


def _may_end(name: str, later: State) -> bool:
    """Whether a field may vanish: an endTime does where the status has gone back, which is another rule's matter."""
    return name == "endTime" and not later.done


@rule(
    "operation.progress",
    "doc",
    "progress is an integer from 0 to 100 and never falls; it is 100 or absent when the operation is DONE without error.",
    "Response body > progress",
)
def _progress(history: History) -> Iterator[Finding]:
    for state in history.states:
        progress = state.value.get("progress")
        if progress is None:
            continue
        valid = isinstance(progress, int) and not isinstance(progress, bool) and 0 <= progress <= 100
        yield expect(
            valid, "progress is no integer from 0 to 100", state.exchange, expected="0 to 100", observed=progress
        )
        if valid and state.done and not state.failed:
            yield expect(
                progress == 100,
                "an operation is DONE, but its progress is not 100",
                state.exchange,
                expected=100,
                observed=progress,
                deviation=True,
            )
    for earlier, later in _forward(history, without=(LIST,)):
        before, now = earlier.value.get("progress"), later.value.get("progress")
        if isinstance(before, int) and isinstance(now, int) and (later.done or not earlier.done):
            yield expect(
                now >= before,
                "progress fell",
                earlier.exchange,
                later.exchange,
                expected=f"at least {before}",
                observed=now,
            )


@rule(
    "operation.times",
    "doc",
    "Times are RFC 3339 and in order: insertTime, startTime, endTime; insertTime is always there, startTime from RUNNING on.",
    "Response body > insertTime",
)
def _times(history: History) -> Iterator[Finding]:
    for state in history.states:
        names = [name for name in ("insertTime", "startTime", "endTime") if is_set(state.value.get(name))]
        values = [state.value[name] for name in names]
        moments = [timestamp(value) for value in values]
        yield expect(
            None not in moments,
            "a time of an operation is not RFC 3339",
            state.exchange,
            expected="RFC 3339, such as 2024-05-01T09:30:00.123-07:00",
            observed=dict(zip(names, values, strict=True)),
        )
        known = [moment for moment in moments if moment is not None]
        yield expect(
            known == sorted(known),
            "the times of an operation are out of order",
            state.exchange,
            expected="insertTime ≤ startTime ≤ endTime",
            observed=dict(zip(names, values, strict=True)),
        )
        wanted = ["insertTime"] + (["startTime"] if state.status in ("RUNNING", "DONE") and not state.failed else [])
        missing = [name for name in wanted if name not in names]
        yield expect(
            not missing,
            f"a time is missing from an operation that is {state.status or 'of no status'}",
            state.exchange,
            expected=wanted,
            observed=names,
        )


@rule(
    "operation.insert-time",
    "doc",
    "insertTime is the time of the request.",
    "Response body > insertTime",
)
def _insert_time(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        assert operation.mutation is not None
        exchange = operation.mutation.exchange
        if operation.mutation.original is not None:
            continue
        moment = timestamp(operation.states[0].value.get("insertTime"))
        if moment is not None:
            yield expect(
                near(moment, exchange),
                f"insertTime is more than {SKEW.total_seconds():.0f} s from the request",
                exchange,
                expected=shown_time(exchange),
                observed=operation.states[0].value.get("insertTime"),
            )


def shown_time(exchange: Exchange) -> str:
    """When a request was sent, as the report writes it."""
    return str(exchange.to_json()["started"])


@rule("operation.end-time", "doc", "endTime is there exactly when the operation is DONE.", "Response body > endTime")
def _end_time(history: History) -> Iterator[Finding]:
    for state in history.states:
        if state.status in STATUS_ORDER:
            yield expect(
                has(state, "endTime") == state.done,
                f"an operation that is {state.status} has {'an' if has(state, 'endTime') else 'no'} endTime",
                state.exchange,
                expected="endTime with DONE, and only then",
                observed={"status": state.status, "endTime": state.value.get("endTime")},
            )


@rule(
    "operation.reaches-done",
    "conv",
    "An operation is DONE within the deadline of the profile.",
    "Response body > status",
    requires=("operation.name", "operation.status"),
)
def _reaches_done(history: History) -> Iterator[Finding]:
    deadline = history.trace.deadline
    for operation in of_images(history) if deadline else ():
        last = operation.states[-1].exchange
        waited = last.received - operation.states[0].exchange.sent
        if operation.final is not None:
            yield None
        elif waited >= deadline:
            yield expect(
                False,
                f"an operation was not DONE within {deadline:g} s",
                operation.states[0].exchange,
                last,
                expected="DONE",
                observed=operation.states[-1].value.get("status"),
            )


@rule(
    "operation.success-means-ready",
    "doc",
    "An insert that is DONE without error has made an image: it exists, READY, with the id that targetId says.",
    "Fields > status",
    requires=("operation.reaches-done",),
)
def _success_means_ready(history: History) -> Iterator[Finding]:
    for insert in history.created:
        assert insert.operation is not None
        assert insert.operation.final is not None
        final = insert.operation.final
        ends = [change.exchange for change in history.changes(insert) if not after(change.exchange, insert.exchange)]
        for exchange in history.gets:
            assert exchange.route is not None
            ours = exchange.route.project == insert.project and exchange.route.name == insert.image
            if not ours or not after(final.exchange, exchange) or any(end.sent <= exchange.received for end in ends):
                continue
            image = exchange.resource
            if image is None and exchange.status != 404:
                continue
            status = image.get("status") if image else f"HTTP {exchange.status}"
            identifier, target = (image or {}).get("id"), final.value.get("targetId")
            spoofed = is_set(insert.body.get("status")) or is_set(insert.body.get("id"))
            yield expect(
                spoofed or (status == "READY" and (not is_set(target) or str(identifier) == str(target))),
                "an insert succeeded, but its image is not there, or not READY",
                insert.exchange,
                final.exchange,
                exchange,
                expected={"status": "READY", "id": target},
                observed={"status": status, "id": identifier},
            )


@rule(
    "operation.failure-means-none",
    "conv",
    "An insert that is DONE with an error has made no READY image.",
    "Response body > error",
)
def _failure_means_none(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        if insert.outcome != "failed" or insert.operation is None or insert.operation.final is None:
            continue
        rivals = [other for other in history.inserts if other is not insert and other.image == insert.image]
        if any(not other.exchange.refused for other in rivals):
            continue
        for exchange in history.gets:
            if (
                exchange.route
                and exchange.route.name == insert.image
                and after(insert.operation.final.exchange, exchange)
            ):
                image = exchange.resource
                yield expect(
                    image is None or image.get("status") != "READY",
                    "an insert failed, and yet its image is READY",
                    insert.exchange,
                    insert.operation.final.exchange,
                    exchange,
                    expected="no READY image",
                    observed=image and {"id": image.get("id"), "status": image.get("status")},
                )


@rule(
    "operation.error-only-when-failed",
    "doc",
    "error, httpErrorStatusCode and httpErrorMessage appear together, and only on a failed operation that is DONE.",
    "Response body > httpErrorStatusCode",
)
def _error_only_when_failed(history: History) -> Iterator[Finding]:
    for state in history.states:
        present = [name for name in ERROR_FIELDS if has(state, name)]
        yield expect(
            not present or (state.done and len(present) == len(ERROR_FIELDS)),
            "an operation tells of an error halfway"
            if state.done
            else "an operation that is not DONE tells of an error",
            state.exchange,
            expected="all of error, httpErrorStatusCode and httpErrorMessage with a DONE that failed, else none",
            observed={"status": state.status, "present": present},
        )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


@rule(
    "operation.error-shape",
    "doc",
    "error.errors[] is not empty, and each has code and message; errorInfo keeps the documented pattern and lengths.",
    "Response body > error.errors[]",
)
def _error_shape(history: History) -> Iterator[Finding]:
    for state in history.states:
        error = state.value.get("error")
        if not is_set(error):
            continue
        errors = error.get("errors") if isinstance(error, dict) else None
        complete = isinstance(errors, list) and bool(errors) and all(_complete(item) for item in errors)
        yield expect(
            complete,
            "the error of an operation lacks errors[], or a code or message in it",
            state.exchange,
            expected={"errors": [{"code": "…", "message": "…"}]},
            observed=error,
        )
        for item in _objects(errors):
            for detail in _objects(item.get("errorDetails")):
                info = detail.get("errorInfo")
                if isinstance(info, dict):
                    yield expect(
                        _valid_info(info),
                        "errorInfo breaks its documented pattern",
                        state.exchange,
                        expected="reason [A-Z][A-Z0-9_]+[A-Z0-9], at most 63; metadatas keys [a-zA-Z0-9-_], at most 64",
                        observed=info,
                    )


def _complete(item: Any) -> bool:
    return isinstance(item, dict) and all(
        isinstance(item.get(name), str) and item[name] for name in ("code", "message")
    )


def _valid_info(info: dict[str, Any]) -> bool:
    reason, metadatas = info.get("reason"), info.get("metadatas")
    if is_set(reason) and not (isinstance(reason, str) and len(reason) <= 63 and _REASON.fullmatch(reason)):
        return False
    return not isinstance(metadatas, dict) or all(_METADATA_KEY.fullmatch(key) for key in metadatas)


@rule(
    "operation.http-error-code",
    "doc",
    "httpErrorStatusCode of a failed operation is an HTTP error, 400 to 599.",
    "Response body > httpErrorStatusCode",
)
def _http_error_code(history: History) -> Iterator[Finding]:
    for state in history.states:
        code = state.value.get("httpErrorStatusCode")
        if has(state, "httpErrorStatusCode"):
            yield expect(
                isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599,
                "httpErrorStatusCode is no HTTP error",
                state.exchange,
                expected="400 to 599",
                observed=code,
            )


@rule(
    "operation.warning-shape",
    "doc",
    "Each warning has a message; its code, where there is one, is text; data is a list of key and value strings.",
    "Response body > warnings[]",
)
def _warning_shape(history: History) -> Iterator[Finding]:
    for state in history.states:
        warnings = state.value.get("warnings")
        if is_set(warnings):
            yield expect(
                isinstance(warnings, list) and all(_valid_warning(item) for item in warnings),
                "a warning lacks its message, or its code or data have another shape",
                state.exchange,
                expected=[{"code": "…", "message": "…", "data": [{"key": "…", "value": "…"}]}],
                observed=warnings,
            )


def _valid_warning(item: Any) -> bool:
    if not isinstance(item, dict) or not (isinstance(item.get("message"), str) and item["message"]):
        return False
    code, data = item.get("code"), item.get("data")
    if code is not None and not (isinstance(code, str) and code):
        return False
    return not is_set(data) or (
        isinstance(data, list)
        and all(
            isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in ("key", "value"))
            for entry in data
        )
    )


@rule("operation.self-link", "doc", "selfLink addresses the same operation.", "JSON representation > selfLink")
def _self_link(history: History) -> Iterator[Finding]:
    for operation in history.operations.values():
        for state in operation.states:
            own = state.value.get("selfLink")
            if is_set(own) and operation.named:
                path = link(own).split("/")
                same = path[2:] == ["global", "operations", operation.name]
                yield expect(
                    same and _same_project(path[1], operation.project),
                    "selfLink addresses something else",
                    state.exchange,
                    expected=f"…/projects/{operation.project}/global/operations/{operation.name}",
                    observed=own,
                )


@rule(
    "operation.not-found",
    "conv",
    "get of an operation that does not exist answers 404.",
    "Response body",
    passive=False,
)
def _not_found(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        if exchange.intent is not None and "operation.not-found" in exchange.intent.rules:
            yield expect(
                exchange.status == 404,
                "an operation that does not exist is not answered 404",
                exchange,
                expected="HTTP 404",
                observed=f"HTTP {exchange.status}",
            )


@rule("operation.scope", "doc", "A global operation has neither zone nor region.", "Response body > zone")
def _scope(history: History) -> Iterator[Finding]:
    for state in history.states:
        scopes = {name: state.value.get(name) for name in ("zone", "region") if has(state, name)}
        yield expect(
            not scopes, "a global operation has a zone or region", state.exchange, expected={}, observed=scopes
        )


@rule(
    "operation.metadata-union", "doc", "At most one member of the metadata union is there.", "Response body > metadata"
)
def _metadata_union(history: History) -> Iterator[Finding]:
    for state in history.states:
        present = [name for name in METADATA_UNION if has(state, name)]
        yield expect(
            len(present) <= 1,
            "an operation has several members of a union",
            state.exchange,
            expected="at most one",
            observed=present,
        )


@rule(
    "operation.metadata-scope",
    "doc",
    "An operation of images carries no metadata of instances or of setCommonInstanceMetadata.",
    "Response body > metadata",
)
def _metadata_scope(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        for state in operation.states:
            present = [name for name in METADATA if has(state, name)]
            yield expect(
                not present,
                "an operation of images carries the metadata of another method",
                state.exchange,
                expected=[],
                observed=present,
            )


@rule(
    "operation.wait",
    "conv",
    "wait answers the same operation, and never an older state than was seen.",
    "globalOperations.wait",
    needs=("wait",),
)
def _wait(history: History) -> Iterator[Finding]:
    for operation in history.operations.values():
        furthest: State | None = None
        for state in operation.states:
            if state.via == WAIT:
                seen = furthest if furthest and after(furthest.exchange, state.exchange) else None
                rank = STATUS_ORDER.get(seen.status, -1) if seen else -1
                yield expect(
                    STATUS_ORDER.get(state.status, -1) >= rank and state.value.get("name") == operation.name,
                    "wait answers an older state, or another operation",
                    *((seen.exchange,) if seen else ()),
                    state.exchange,
                    expected={"name": operation.name, "status": seen.status if seen else "any"},
                    observed={"name": state.value.get("name"), "status": state.status},
                )
            if furthest is None or STATUS_ORDER.get(state.status, -1) >= STATUS_ORDER.get(furthest.status, -1):
                furthest = state


@rule(
    "operation.agrees",
    "doc",
    "The answer of an insert, get, wait and list tell the same story of an operation.",
    "Response body",
)
def _agrees(history: History) -> Iterator[Finding]:
    for operation in history.operations.values():
        for earlier, later in pairwise(operation.states):
            if earlier.via != later.via and after(earlier.exchange, later.exchange):
                yield _same_fields(earlier, later, "two methods tell different stories of one operation")
                if earlier.done and later.done:
                    yield expect(
                        earlier.failed == later.failed,
                        "two methods disagree on whether an operation failed",
                        earlier.exchange,
                        later.exchange,
                        expected="failed" if earlier.failed else "succeeded",
                        observed="failed" if later.failed else "succeeded",
                    )
