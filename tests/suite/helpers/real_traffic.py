"""Logs of the real service, made traffic again: what their harness replaced by placeholders gets values that fit."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

START = 1_711_972_800.0
NAMES = {"projectId": "real-project", "projectNumber": "123456789012", "uniqueId": "x1"}
NUMBERS = {"imageID": "5423671098765432101", "diskID": "7012345678901234567"}
TIMES = ("insertTime", "startTime", "endTime", "creationTimestamp")


@dataclass
class _Harness:
    """What is known while a log is read: the operation under way, and when things began."""

    operations: int = 0
    began: dict[str, float] = field(default_factory=dict)
    fingerprint: str = ""

    def value(self, value: Any, now: float, *, answer: bool) -> Any:
        """A JSON value with its placeholders filled in."""
        if isinstance(value, dict):
            filled = {self.text(key): self.value(part, now, answer=answer) for key, part in value.items()}
            return self.resource(filled, value, now, answer=answer)
        if isinstance(value, list):
            return [self.value(part, now, answer=answer) for part in value]
        return self.text(value) if isinstance(value, str) else value

    def resource(self, filled: dict[str, Any], raw: dict[str, Any], now: float, *, answer: bool) -> dict[str, Any]:
        kind = filled.get("kind")
        if kind == "compute#operation":
            filled["id"] = str(9_000_000_000_000_000_000 + self.operations)
            filled["targetId"] = _number(raw.get("targetId"))
            begun = self.began.setdefault(filled["name"], now)
            times = {"insertTime": begun, "startTime": begun, "endTime": now}
        else:
            if "id" in filled:
                filled["id"] = _number(raw.get("name"))
            times = {"creationTimestamp": self.began.setdefault(f"{kind} {filled.get('name')}", now - 1)}
        filled |= {name: _time(times[name]) for name in TIMES if name in filled and name in times}
        for name in ("sourceDiskId", "sourceImageId"):
            if name in filled:
                filled[name] = _number(raw[name])
        if "labelFingerprint" in filled:
            if answer:
                self.fingerprint = _fingerprint(filled.get("labels") or {})
            filled["labelFingerprint"] = self.fingerprint
        return filled

    def text(self, text: str) -> str:
        """A text with its placeholders filled in by names."""

        def fill(found: re.Match[str]) -> str:
            name = found[1]
            if name == "operationID":
                return f"operation-171197280{self.operations:04d}-00000-00000000-00000000"
            return NAMES.get(name, f"real-{name.lower()}")

        return re.sub(r"\$\{(\w+)\}", fill, text)


def _number(text: Any) -> str:
    """The number behind a placeholder that stands for a resource's name and id alike."""
    found = re.fullmatch(r"\$\{(\w+)\}", str(text))
    return NUMBERS.get(found[1], "42") if found else str(text)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fingerprint(labels: dict[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).digest()
    return base64.b64encode(digest[:8]).decode() if labels else "42WmSpB8rSM="


def recording(log: str) -> list[dict[str, Any]]:
    """The entries of an HTTP archive that a log tells of."""
    harness = _Harness()
    entries = []
    texts = [text.strip() for text in re.split(r"(?m)^---\s*$", log)]
    for number, text in enumerate(text for text in texts if text):
        now = START + 10 * number
        lines = [line for line in text.splitlines() if not line.startswith("# from")]
        status_at = next(at for at, line in enumerate(lines) if re.match(r"\d{3} \w", line))
        verb, url = lines[0].split(" ", 1)
        # A log of extracts tells of many operations under one placeholder.
        harness.operations += verb != "GET" or text.startswith("# from")
        sent, answered = _message(lines[1:status_at]), _message(lines[status_at + 1 :])
        entries.append(
            {
                "startedDateTime": _time(now - 0.05),
                "time": 100,
                "request": {
                    "method": verb,
                    "url": harness.text(url),
                    "headers": sent[0],
                    "bodySize": len(sent[1]),
                    **(
                        {"postData": {"mimeType": "application/json", "text": _filled(harness, sent[1], now)}}
                        if sent[1]
                        else {}
                    ),
                },
                "response": {
                    "status": int(lines[status_at][:3]),
                    "headers": answered[0],
                    "content": {
                        "size": len(answered[1]),
                        "mimeType": "application/json",
                        "text": _filled(harness, answered[1], now, answer=True),
                    },
                },
            }
        )
    return entries


def _message(lines: list[str]) -> tuple[list[dict[str, str]], str]:
    """The headers and the body of a message."""
    blank = lines.index("") if "" in lines else len(lines)
    pairs = [line.partition(": ") for line in lines[:blank]]
    return [{"name": name, "value": value} for name, _, value in pairs], "\n".join(lines[blank:]).strip()


def _filled(harness: _Harness, body: str, now: float, *, answer: bool = False) -> str:
    return json.dumps(harness.value(json.loads(body), now, answer=answer)) if body else ""
