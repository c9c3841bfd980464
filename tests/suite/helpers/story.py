"""Hand-written traces: what a client and a server might have said, with no server at all."""

from __future__ import annotations

import json
from typing import Any, Self

from conformance.contract import catalogue
from conformance.trace.exchange import Exchange, Intent, Request, Response, Trace
from conformance.verdicts.ledger import Ledger

ROOT = "http://server/compute/beta/projects/p/global"
REQUEST_ID = "123e4567-e89b-42d3-a456-426614174000"
START = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""


def time_of(seconds: float) -> str:
    """A moment of the story as the API writes it."""
    return f"2026-01-01T00:00:{seconds:06.3f}Z"


def operation(status: str = "DONE", **changes: Any) -> dict[str, Any]:
    """The operation of an insert of image `one`, correct but for the changes; a change to None leaves a field out."""
    fields = {
        "kind": "compute#operation",
        "id": "1001",
        "name": "operation-1",
        "operationType": "insert",
        "targetLink": "https://www.googleapis.com/compute/beta/projects/p/global/images/one",
        "targetId": "2001",
        "status": status,
        "user": "user@example.com",
        "progress": {"PENDING": 0, "RUNNING": 50, "DONE": 100}.get(status),
        "insertTime": time_of(0),
        "startTime": time_of(0.1),
        "endTime": time_of(0.2) if status == "DONE" else None,
        "selfLink": "https://www.googleapis.com/compute/beta/projects/p/global/operations/operation-1",
        "clientOperationId": REQUEST_ID,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def change(method: str, number: int, **changes: Any) -> dict[str, Any]:
    """The operation of a change of the image `one` that is DONE; the number tells it from others."""
    name = f"operation-c{number}"
    link = f"https://www.googleapis.com/compute/beta/projects/p/global/operations/{name}"
    own = {"id": f"3{number:03}", "name": name, "selfLink": link, "operationType": method, "clientOperationId": None}
    return operation(**{**own, **changes})


def image(**changes: Any) -> dict[str, Any]:
    """The image `one`, correct but for the changes."""
    fields = {
        "kind": "compute#image",
        "id": "2001",
        "name": "one",
        "creationTimestamp": time_of(0.05),
        "selfLink": "https://www.googleapis.com/compute/beta/projects/p/global/images/one",
        "status": "READY",
        "sourceType": "RAW",
        "diskSizeGb": "10",
        "archiveSizeBytes": "100",
        "sourceImage": "https://www.googleapis.com/compute/beta/projects/p/global/images/base",
        "sourceImageId": "77",
        "labelFingerprint": "42WmSpB8rSM=",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


class Story:
    """A trace told step by step; each exchange takes 10 ms and begins where the last one ended."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._now = START
        self._root = ROOT

    def say(  # noqa: PLR0913 - an exchange is made of this much
        self, verb: str, path: str, body: Any, status: int, answer: Any, intent: Intent | None = None
    ) -> Self:
        """Adds an exchange."""
        root = self._root.removesuffix("/global") if path.startswith("zones/") else self._root
        content = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json; charset=UTF-8"}
        response = Response(status, headers, json.dumps(answer).encode())
        request = Request(verb, f"{root}/{path}", {"Content-Type": "application/json"}, content)
        number = len(self._exchanges) + 1
        self._exchanges.append(Exchange(number, request, response, "", self._now, self._now + 0.01, intent=intent))
        self._now += 0.02
        return self

    def within(self, project: str) -> Self:
        """Tells of another project from here on."""
        self._root = ROOT.replace("/projects/p/", f"/projects/{project}/")
        return self

    def meanwhile(self) -> Self:
        """Makes the next exchange begin before the last one ends."""
        return self.pause(-0.015)

    def pause(self, seconds: float) -> Self:
        """Lets time pass before the next exchange."""
        self._now += seconds
        return self

    def insert(
        self,
        answer: Any,
        *,
        code: int = 200,
        request_id: str | None = REQUEST_ID,
        intent: Intent | None = None,
        **body: Any,
    ) -> Self:
        """An insert of image `one` from image `base`; a part of the body that is None is not sent."""
        sent = {"name": "one", "sourceImage": "projects/p/global/images/base", **body}
        query = f"?requestId={request_id}" if request_id else ""
        fields = {key: value for key, value in sent.items() if value is not None}
        return self.say("POST", f"images{query}", fields, code, answer, intent)

    def poll(self, answer: Any) -> Self:
        """A get of the operation."""
        return self.say("GET", "operations/operation-1", None, 200, answer)

    def get(self, answer: Any, *, status: int = 200, name: str = "one") -> Self:
        """A get of an image."""
        return self.say("GET", f"images/{name}", None, status, answer)

    def change(self, method: str, body: Any = None, *, answer: Any = None, code: int = 200, name: str = "one") -> Self:
        """A setLabels, a deprecate, a patch or a delete of an image, by default with success."""
        verb, path = {"patch": ("PATCH", ""), "delete": ("DELETE", "")}.get(method, ("POST", f"/{method}"))
        done = change(method, len(self._exchanges)) if answer is None else answer
        return self.say(verb, f"images/{name}{path}", body, code, done)

    def trace(self) -> Trace:
        """The story so far."""
        return Trace(tuple(self._exchanges), deadline=5.0)

    def broken(self) -> set[str]:
        """The rules that the story breaks."""
        ledger = Ledger(catalogue())
        found = ledger.judge(self.trace())
        assert not ledger.errors, ledger.errors
        return {rule.id for rule, _ in found}

    def kept(self) -> set[str]:
        """The rules that the story was judged by and keeps."""
        ledger = Ledger(catalogue())
        ledger.judge(self.trace())
        return {rule for rule, tally in ledger.tallies.items() if tally.observations and not tally.breaches}

    def verdict(self, rule: str) -> str:
        """What one rule says: `kept`, `broken` or `deviates`, or `silent` where it looked at nothing."""
        ledger = Ledger({rule: catalogue()[rule]})
        breaches = [breach for _, breach in ledger.judge(self.trace())]
        assert not ledger.errors, ledger.errors
        if breaches:
            return "deviates" if all(breach.deviation for breach in breaches) else "broken"
        return "kept" if ledger.tallies[rule].observations else "silent"


def refusal(status: int, reason: str) -> dict[str, Any]:
    """An error as the API answers it."""
    error = {"message": "It is refused.", "domain": "global", "reason": reason}
    return {"error": {"code": status, "message": "It is refused.", "errors": [error]}}
