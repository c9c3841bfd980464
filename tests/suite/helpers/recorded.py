"""Recordings told request by request, as a proxy between an ordinary client and the real service would write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from conformance.commands.check import check
from conformance.config.settings import Settings
from conformance.verdicts.results import Results

SERVICE = "https://compute.googleapis.com"
LINKS = "https://www.googleapis.com/compute"
PROJECT = "demo"
NUMBER = "123456789012"
DISK = f"projects/{PROJECT}/zones/us-central1-a/disks/d1"
REQUEST_ID = "7d2d0119-8472-4e0e-b97a-b98573f145aa"
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
NO_LABELS = "42WmSpB8rSM="
FINGERPRINTS = ("aB3dE6gH9jK=", "Zz12yYxXwWv=", "CHILmtzyjdE=")


def at(seconds: float) -> str:
    """A moment of the recording as the service writes it, in Pacific time."""
    moment = START + timedelta(hours=-8, seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}-08:00"


def error(status: int, reason: str, message: str = "It is refused.") -> dict[str, Any]:
    """A refusal as the service answers it."""
    item = {"message": message, "domain": "global", "reason": reason}
    return {"error": {"code": status, "message": message, "errors": [item]}}


NOT_FOUND = error(404, "notFound", "The resource was not found")
EXISTS = error(409, "alreadyExists", "The resource already exists")
RATE = error(403, "rateLimitExceeded", "Quota exceeded")
UNAVAILABLE = error(503, "backendError", "Internal error. Please try again.")


class Recorded:
    """A recording that grows request by request.

    Args:
        project: the project as paths name it.
        version: of the API.
        service: scheme and host.
    """

    def __init__(self, project: str = PROJECT, version: str = "v1", service: str = SERVICE) -> None:
        self.entries: list[dict[str, Any]] = []
        self.now = 0.0
        self.project = project
        self.version = version
        self.service = service
        self._began: dict[int, dict[str, Any]] = {}

    def say(  # noqa: PLR0913 - an entry is made of this much
        self,
        verb: str,
        path: str,
        body: Any = None,
        answer: Any = None,
        status: int = 200,
        *,
        wait: float = 1.2,
        seconds: float = 0.3,
        headers: dict[str, str] | None = None,
    ) -> Recorded:
        """Adds an exchange, `wait` seconds after the one before; a path that begins with / is meant from the root."""
        self.now += wait
        url = f"{self.service}{path}" if path[0] == "/" else self.url(path)
        served = format_datetime(START + timedelta(seconds=int(self.now + seconds / 2)), usegmt=True)
        text = answer if isinstance(answer, str) else "" if answer is None else json.dumps(answer)
        request: dict[str, Any] = {"method": verb, "url": url, "headers": [], "bodySize": 0}
        if body is not None:
            sent = body if isinstance(body, str) else json.dumps(body)
            request |= {"postData": {"mimeType": "application/json", "text": sent}, "bodySize": len(sent)}
        for name, value in (headers or {}).items():
            request["headers"].append({"name": name, "value": value})
        shown = [
            {"name": "Content-Type", "value": "application/json; charset=UTF-8"},
            {"name": "Date", "value": served},
        ]
        self.entries.append(
            {
                "startedDateTime": (START + timedelta(seconds=self.now)).isoformat(),
                "time": seconds * 1000,
                "request": request,
                "response": {"status": status, "headers": shown if status else [], "content": {"text": text}},
            }
        )
        self.now += seconds
        return self

    def url(self, path: str) -> str:
        """The URL of a path below the project."""
        return f"{self.service}/compute/{self.version}/projects/{self.project}/{path}"

    def change(self, **changes: Any) -> Recorded:
        """Changes the last entry; None takes a field away."""
        self.entries[-1] = {key: value for key, value in {**self.entries[-1], **changes}.items() if value is not None}
        return self

    def replaced(self, old: str, new: str) -> Recorded:
        """Writes another text for one in all answers so far."""
        for entry in self.entries:
            content = entry["response"]["content"]
            content["text"] = content["text"].replace(old, new)
        return self

    # What ordinary clients do

    def insert(
        self,
        number: int = 1,
        *,
        request_id: str = "",
        query: str = "",
        answer: Any = None,
        code: int = 200,
        **body: Any,
    ) -> Recorded:
        """Inserts image `image-NUMBER`; without another answer its operation is RUNNING, as it began at the first
        insert."""
        sent = {"name": f"image-{number}", "sourceDisk": DISK, **body}
        sent = {key: value for key, value in sent.items() if value is not None}
        own = {"clientOperationId": request_id} if request_id else {}
        began = self._begin(number, 0.1, **own)
        shown = operation(number, "RUNNING", **began) if answer is None and code == 200 else answer
        if request_id:
            query = f"?requestId={request_id}{query.replace('?', '&')}"
        return self.say("POST", f"global/images{query}", sent, shown, code)

    def poll(self, shown: Any, status: int = 200, *, query: str = "", wait: float = 1.2) -> Recorded:
        """Gets an operation, by the name that the answer has."""
        name = shown.get("name", "operation-1")
        return self.say("GET", f"global/operations/{name}{query}", None, shown, status, wait=wait)

    def wait(self, shown: Any, status: int = 200, *, name: str = "operation-1") -> Recorded:
        """Waits for an operation."""
        return self.say("POST", f"global/operations/{name}/wait", None, shown, status)

    def get(
        self, shown: Any, status: int = 200, *, name: str = "image-1", query: str = "", wait: float = 1.2
    ) -> Recorded:
        """Gets an image."""
        return self.say("GET", f"global/images/{name}{query}", None, shown, status, wait=wait)

    def list(self, *items: Any, query: str = "", **more: Any) -> Recorded:
        """Lists images."""
        return self.say("GET", f"global/images{query}", None, {"kind": "compute#imageList", "items": [*items], **more})

    def ended(self, number: int = 1, **changes: Any) -> dict[str, Any]:
        """The operation of the insert of an image when it is DONE, one second from now."""
        return operation(number, "DONE", **{**self._began[number], "endTime": at(self.now + 1), **changes})

    def done(self, number: int = 1, **changes: Any) -> Recorded:
        """Gets the operation of the insert of an image, which is DONE."""
        return self.poll(self.ended(number, **changes))

    def made(self, number: int = 1, shown: Any = None, **body: Any) -> Recorded:
        """Makes an image: insert, DONE, get."""
        return self.insert(number, **body).done(number).get(shown or image(number), name=f"image-{number}")

    def labelled(
        self, labels: Any, fingerprint: str | None, number: int = 1, status: int = 200, answer: Any = None
    ) -> Recorded:
        """Sets labels; without another answer its operation is DONE at once."""
        body = {"labels": labels} | ({"labelFingerprint": fingerprint} if fingerprint else {})
        return self.act("setLabels", body, number, status=status, answer=answer)

    def act(self, verb: str, body: Any, number: int = 1, status: int = 200, answer: Any = None) -> Recorded:
        """Changes an image by setLabels, deprecate or patch; without another answer its operation is DONE at once."""
        began = {"insertTime": at(self.now + 1.3), "startTime": at(self.now + 1.3), "endTime": at(self.now + 1.35)}
        change = 100 * number + len(self.entries)
        shown = (
            operation(change, "DONE", number, operationType=verb, **began)
            if answer is None and status == 200
            else answer
        )
        path = f"global/images/image-{number}"
        return self.say(*(("PATCH", path) if verb == "patch" else ("POST", f"{path}/{verb}")), body, shown, status)

    def delete(self, number: int = 1, *, name: str = "", status: int = 200, answer: Any = None) -> Recorded:
        """Deletes an image; its operation, of number 90 and more, is RUNNING."""
        shown = operation(90 + number, "RUNNING", number, operationType="delete", **self._begin(90 + number, 0.1))
        path = f"global/images/{name or f'image-{number}'}"
        return self.say("DELETE", path, None, shown if answer is None and status == 200 else answer, status)

    def deleted(self, number: int = 1, **changes: Any) -> Recorded:
        """Gets the operation of a delete, which is DONE."""
        ended = {**self._began[90 + number], "endTime": at(self.now + 1), "operationType": "delete", **changes}
        return self.poll(operation(90 + number, "DONE", number, **ended))

    def _begin(self, number: int, seconds: float, **own: Any) -> dict[str, Any]:
        """When an operation began, `seconds` after the next request, unless that was told before."""
        moment = at(self.now + 1.2 + seconds)
        return self._began.setdefault(number, {"insertTime": moment, "startTime": moment, **own})

    def begin_again(self, number: int = 1) -> Recorded:
        """Forgets when an operation began: the next insert is the first that is carried out."""
        self._began.pop(number, None)
        return self

    # Judging

    def written(self, folder: Path) -> Path:
        """The recording as a file."""
        path = folder / "recorded.har"
        path.write_text(json.dumps({"log": {"version": "1.2", "entries": self.entries}}), encoding="utf-8")
        return path

    def judged(self, folder: Path) -> Results:
        """What `check` says of it."""
        return check(self.written(folder), Settings())


def operation(number: int = 1, status: str = "DONE", target: int = 0, **changes: Any) -> dict[str, Any]:
    """The operation `operation-NUMBER` of the insert of image `image-NUMBER`, or of another `target`."""
    target = target or number
    fields = {
        "kind": "compute#operation",
        "id": str(4_000_000_000_000_000_000 + number),
        "name": f"operation-{number}",
        "operationType": "insert",
        "targetLink": f"{LINKS}/v1/projects/{PROJECT}/global/images/image-{target}",
        "targetId": str(5_000_000_000_000_000_000 + target),
        "status": status,
        "user": "user@example.com",
        "progress": 100 if status == "DONE" else 0,
        "selfLink": f"{LINKS}/v1/projects/{PROJECT}/global/operations/operation-{number}",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def image(number: int = 1, **changes: Any) -> dict[str, Any]:
    """The image `image-NUMBER`; a change to None leaves a field out."""
    fields = {
        "kind": "compute#image",
        "id": str(5_000_000_000_000_000_000 + number),
        "creationTimestamp": at(2 + number),
        "name": f"image-{number}",
        "sourceType": "RAW",
        "status": "READY",
        "archiveSizeBytes": "524288000",
        "diskSizeGb": "10",
        "selfLink": f"{LINKS}/v1/projects/{PROJECT}/global/images/image-{number}",
        "labelFingerprint": NO_LABELS,
        "storageLocations": ["us"],
        "sourceDisk": f"{LINKS}/v1/{DISK}",
        "sourceDiskId": "7700000000000000001",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}
