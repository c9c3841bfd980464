"""What answers show of images and operations."""

from __future__ import annotations

import copy
import time
from typing import Any

from conformance.emulator.behaviour import Call, Resource
from conformance.emulator.clock import written
from conformance.emulator.projects import Projects
from conformance.emulator.store import Image, Operation, fingerprint

MESSAGES = {
    403: "FORBIDDEN",
    404: "NOT FOUND",
    409: "CONFLICT",
    412: "PRECONDITION FAILED",
    429: "TOO MANY REQUESTS",
    500: "INTERNAL SERVER ERROR",
    503: "SERVICE UNAVAILABLE",
}
"""What an operation that failed says beside its status; BAD REQUEST beside any other."""

LINKS = ("sourceDisk", "sourceImage", "sourceSnapshot")


class Answers(Projects):
    """Projects that show what is in them."""

    def shown_image(self, image: Image, call: Call) -> Resource:
        """An image as an answer shows it."""
        fields = image.fields
        path = f"projects/{call.project}/global/images/{fields['name']}"
        shown = {
            "kind": "compute#image",
            **{name: copy.deepcopy(value) for name, value in fields.items() if is_set(value)},
        }
        for name in LINKS:
            if shown.get(name):
                shown[name] = self._link(call, shown[name])
        shown["licenses"] = [
            self._link(call, item) if item.startswith("projects/") else item for item in fields.get("licenses") or []
        ]
        if not shown["licenses"]:
            del shown["licenses"]
        shown.setdefault("creationTimestamp", written(0))
        shown["selfLink"] = self._link(call, path)
        shown["status"] = image.status
        image.generation += self.behaviour.restless_fingerprints
        shown["labelFingerprint"] = self._fingerprint(image)
        shown |= {"enableConfidentialCompute": False, "satisfiesPzs": False, "satisfiesPzi": False}
        for hook in self.behaviour.on_image:
            hook(shown, call, self._count(fields["id"]))
        return shown

    def shown_operation(self, operation: Operation, call: Call) -> Resource:
        """An operation as an answer shows it."""
        fields = operation.fields
        status = operation.status
        shown = {"kind": "compute#operation", **{name: value for name, value in fields.items() if value is not None}}
        shown["status"] = status
        share = (time.time() - operation.begun) / max(operation.done_at - operation.begun, 1e-9)
        shown["progress"] = 100 if status == "DONE" else min(int(share * 100), 99)
        shown["startTime"] = written(operation.begun)
        shown["targetLink"] = self._link(call, fields["targetLink"])
        shown["selfLink"] = self._link(call, f"projects/{call.project}/global/operations/{fields['name']}")
        shown["statusMessage"] = f"The operation is {status}."
        if status == "DONE":
            shown["endTime"] = written(operation.done_at)
        if status == "DONE" and operation.error is not None:
            code, reason, message = operation.error
            shown["error"] = {"errors": [{"code": reason, "message": message, **_details(reason, message)}]}
            shown["httpErrorStatusCode"] = code
            shown["httpErrorMessage"] = MESSAGES.get(code, "BAD REQUEST")
        if status != "DONE":
            shown.pop("warnings", None)
        for hook in self.behaviour.on_operation:
            hook(shown, call, operation.told)
        operation.told += 1
        return shown

    def _fingerprint(self, image: Image) -> str:
        labels = image.fields.get("labels") or {}
        if labels and "labels.fingerprint-changes/run-together" in self.behaviour.unchecked:
            return fingerprint({"": "".join(map("".join, sorted(labels.items())))}, 0)
        if self.behaviour.counted_fingerprints:
            return fingerprint({"": ""}, image.generation)
        return fingerprint(labels, image.generation)

    def _count(self, identifier: str) -> int:
        """How often an image was shown before; counted only where a hook asks for it."""
        self._shown[identifier] = self._shown.get(identifier, -1) + 1
        return self._shown[identifier]


def _details(reason: str, message: str) -> Resource:
    """What an error tells beside code and message: every kind of detail that the reference has."""
    service = "compute.googleapis.com"
    return {
        "location": "resource",
        "errorDetails": [
            {"errorInfo": {"reason": reason, "domain": service, "metadatas": {"service": service}}},
            {"help": {"links": [{"description": "About errors", "url": "https://cloud.google.com/compute/docs"}]}},
            {"localizedMessage": {"locale": "en-US", "message": message}},
            {
                "quotaInfo": {
                    "metricName": f"{service}/images",
                    "limitName": "IMAGES-per-project",
                    "dimensions": {"region": "global"},
                    "limit": 10_000,
                    "futureLimit": 20_000.0,
                    "rolloutStatus": "IN_PROGRESS",
                }
            },
        ],
    }


def is_set(value: Any) -> bool:
    """Whether a field of a body holds anything."""
    return value is not None and value not in ("", [], {})
