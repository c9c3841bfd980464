"""Operations: how they begin, what is kept of them, and the requestIds by which a replay is known."""

from __future__ import annotations

import time

from conformance.emulator.answers import Answers
from conformance.emulator.behaviour import Call, Resource
from conformance.emulator.clock import written
from conformance.emulator.errors import ApiError, not_found
from conformance.emulator.filters import matches, page
from conformance.emulator.store import OPERATIONS_KEPT, Image, Operation, Project, new_id

CHANGES = frozenset(
    {
        "images.insert",
        "images.delete",
        "images.patch",
        "images.setLabels",
        "images.deprecate",
        "globalOperations.delete",
    }
)

Failure = tuple[int, str, str]
"""Why an operation fails: the HTTP status, the code and the message of its error."""


class Operations(Answers):
    """Projects with their operations."""

    def operation(self, call: Call) -> Resource:
        """globalOperations.get."""
        return self.shown_operation(self._operation(call), call)

    def seconds_left(self, call: Call) -> float:
        """How long a wait for an operation has to wait."""
        return min(max(self._operation(call).done_at - time.time(), 0.0), self.behaviour.wait_seconds)

    def operations(self, call: Call) -> Resource:
        """globalOperations.list."""
        project = self.project(call.project)
        everywhere = "operation.list/everywhere" in self.behaviour.unchecked
        projects = list(self._projects.values()) if everywhere else [project]
        shown = [
            ((operation.begun, operation.fields["name"]), self.shown_operation(operation, call))
            for owner in projects
            for operation in list(owner.operations.values())[-2000:]
        ]
        found = [entry for entry in shown if matches(entry[1], call.query.get("filter", ""))]
        items, token = page(found, call.query)
        answer = {"kind": "compute#operationList", "id": f"projects/{project.name}/global/operations", "items": items}
        return answer | ({"nextPageToken": token} if token else {})

    def forget(self, call: Call) -> Resource:
        """globalOperations.delete."""
        operation = self._operation(call)
        del self.project(call.project).operations[operation.fields["name"]]
        return {}

    def _operation(self, call: Call) -> Operation:
        project = self.project(call.project)
        found = project.operations.get(call.name)
        if found is None:
            found = next((item for item in project.operations.values() if item.fields["id"] == call.name), None)
        if found is None or (found.status == "DONE" and time.time() > found.done_at + self.behaviour.retention_seconds):
            raise not_found(f"projects/{project.name}/global/operations/{call.name}")
        found.looks_ahead = 0
        return found

    def _begin(  # noqa: PLR0913 - an operation is made of this much
        self,
        project: Project,
        call: Call,
        kind: str,
        image: str,
        target: str,
        failure: tuple[int, str, str] | None = None,
        seconds: float | None = None,
    ) -> Operation:
        now = time.time()
        seconds = self.behaviour.seconds if seconds is None else seconds
        name = self.behaviour.operation_name(now)
        fields = {
            "id": new_id(),
            "name": name,
            "operationType": kind,
            "targetLink": f"projects/{project.name}/global/images/{image}",
            "targetId": target,
            "user": "user@example.com",
            "description": f"{kind} of {image}",
            "insertTime": written(now),
            "clientOperationId": call.query.get("requestId") or None,
        }
        operation = Operation(fields, call.method, image, now, now + seconds / 3, now + seconds, failure, call.body)
        project.remember(operation)
        self._remember(call, operation)
        return operation

    def _at_once(self, project: Project, call: Call, kind: str, image: Image) -> Resource:
        seconds = self.behaviour.seconds if self.behaviour.slow_changes else 0.0
        name, identifier = image.fields["name"], image.fields["id"]
        return self.shown_operation(self._begin(project, call, kind, name, identifier, seconds=seconds), call)

    def keep(self, call: Call) -> None:
        """Writes down what a call has changed, where that is to be kept."""
        if self._state is None or call.method not in CHANGES:
            return
        project = self.project(call.project)
        if call.method == "globalOperations.delete":
            self._state.forget(project, call.name)
            return
        key = self.behaviour.request_key(call) if call.query.get("requestId") else None
        operation = self._requests.get(key) if key else next(reversed(project.operations.values()))
        if operation is not None:
            self._state.save(project, operation, key)

    def forget_request(self, call: Call) -> None:
        """Forgets the requestId of a call."""
        self._requests.pop(self.behaviour.request_key(call), None)

    def _remember(self, call: Call, operation: Operation | None) -> None:
        """Keeps what became of a requestId: its operation, or None for a refusal."""
        if call.query.get("requestId") or self.behaviour.recognises_without_request_id:
            self._requests[self.behaviour.request_key(call)] = operation
            if len(self._requests) > OPERATIONS_KEPT:
                self._requests.popitem(last=False)

    def _replayed(self, call: Call) -> Operation | None:
        """The operation of an earlier request with the same requestId."""
        key = self.behaviour.request_key(call)
        if key not in self._requests or not (
            call.query.get("requestId") or self.behaviour.recognises_without_request_id
        ):
            return None
        operation = self._requests[key]
        if operation is None:
            raise ApiError(400, "invalid", "The requestId was used by a request that was refused.")
        operation.look()
        return operation if self.behaviour.replay(operation, call) else None
