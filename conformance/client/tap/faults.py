"""Faults that the tap makes between a client and its target, by chance and repeatably:
`lost-response:0.05,503:0.02,delay:200ms`."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from conformance.trace.exchange import LOST

STATUSES = (429, 500, 502, 503, 504)
"""What the tap may answer in the target's place: all of them ask for another try."""

RETRY_SECONDS = 1
"""After which a client may try again that was answered 429 or 503."""

FORMS = (
    f"{LOST}:SHARE, STATUS:SHARE with a status of {', '.join(map(str, STATUSES))}, and delay:200ms, "
    "with shares from 0 to 1"
)

_DELAY = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


@dataclass(frozen=True)
class Fault:
    """What becomes of one exchange: its answer is lost, it is answered `status` and never reaches the target, or it
    takes longer."""

    lost: bool = False
    status: int = 0
    delay: float = 0.0

    @property
    def name(self) -> str:
        """As the record has it; "" for what changes nothing."""
        return LOST if self.lost else str(self.status) if self.status else ""


NO_FAULT = Fault()


class Fates(Protocol):
    """Says what becomes of each exchange."""

    def draw(self, verb: str, target: str) -> Fault:
        """What becomes of the next exchange, by its verb and what stands behind it."""


class Faults:
    """Draws what becomes of each exchange.

    Args:
        text: what may happen, and how often; "" for nothing.
        seed: of the draws.

    Raises:
        ValueError: the text is of another form; the message says what is allowed.
    """

    def __init__(self, text: str = "", seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._shares: dict[str, float] = {}
        self._delay = 0.0
        for part in filter(None, map(str.strip, text.split(","))):
            kind, _, amount = part.partition(":")
            if kind == "delay":
                self._delay = _seconds(amount)
            elif kind == LOST or kind in map(str, STATUSES):
                self._shares[kind] = _share(amount)
            else:
                raise ValueError(FORMS)
        if sum(self._shares.values()) > 1:
            raise ValueError("shares that are no more than 1 together")

    def __bool__(self) -> bool:
        return bool(self._shares or self._delay)

    def draw(self, verb: str, target: str) -> Fault:
        """What becomes of the next exchange, whatever it is."""
        del verb, target
        chance = self._random.random()
        for kind, share in self._shares.items():
            if chance < share:
                return Fault(lost=True) if kind == LOST else Fault(status=int(kind))
            chance -= share
        return Fault(delay=self._delay) if self._delay else NO_FAULT


def answer_of(fault: Fault, verb: str, *, close: bool = False) -> tuple[list[tuple[str, str]], bytes, bytes]:
    """The answer that the tap gives in the target's place: its headers, its body, and its bytes on the wire."""
    phrase = HTTPStatus(fault.status).phrase
    reason = {429: "rateLimitExceeded"}.get(fault.status, "backendError")
    message = f"{phrase}; the tap says so, not the target."
    error = {
        "code": fault.status,
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}],
    }
    body = json.dumps({"error": error}).encode()
    headers = [("content-type", "application/json; charset=UTF-8"), ("content-length", str(len(body)))]
    if fault.status in (429, 503):
        headers.append(("retry-after", str(RETRY_SECONDS)))
    if close:
        headers.append(("connection", "close"))
    lines = [f"HTTP/1.1 {fault.status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    shown = b"" if verb == "HEAD" else body
    return headers, shown, "\r\n".join([*lines, "", ""]).encode() + shown


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        raise ValueError(FORMS) from None
    if not 0 <= share <= 1:
        raise ValueError(FORMS)
    return share


def _seconds(text: str) -> float:
    found = _DELAY.fullmatch(text)
    if found is None:
        raise ValueError(FORMS)
    return float(found[1]) / (1000 if found[2] == "ms" else 1)
