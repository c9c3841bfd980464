"""How a request, or its answer, is lost on its way."""

from __future__ import annotations

import enum


class Fate(enum.Enum):
    """What becomes of a request on its way, and of its answer; the value says it in words."""

    UNREAD = "the client hangs up as soon as the request is sent"
    TIMED_OUT = "the client hangs up after a short while"
    RESET = "the client resets the connection when the request is sent"
    HALF_STATUS = "the client hangs up in the middle of the status line"
    HALF_BODY = "the client hangs up in the middle of the answer's body"
    HALF_SENT = "the client hangs up in the middle of the request's body"
