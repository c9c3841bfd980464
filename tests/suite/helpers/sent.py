"""What the scenarios of a run sent, in a form in which two runs can be compared request by request."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from conformance.trace.har import ASIDE, OWN

NEW_IN_EVERY_RUN = (
    (r"(?i)conformance-[0-9a-f]{8}(-[-a-z0-9]+)?", "NAME"),
    (r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"operation-\d{13}-[-a-z0-9]+", "OPERATION"),
    (r"(?<=images/)\d+", "NUMBER"),
    (r'(?<="labelFingerprint": )"[^"]*"', "FINGERPRINT"),
)
POLL = re.compile(r"GET .*/operations/OPERATION ")
GZIP = b"\x1f\x8b"
PAGE = re.compile(r"GET .*[?&]pageToken=")
"""The pages of a list show what other scenarios have made."""


def sent(path: Path) -> dict[str, Counter[tuple[str, ...]]]:
    """What each scenario of a run sent: the requests of each of its cases, in their order, and how often there was
    such a case.

    Polls are left out, as is what is new in every run. Requests of a race have no order: they are sorted, and equal
    looks are one.

    Args:
        path: the traffic of the run.
    """
    cases: dict[str, list[str]] = defaultdict(list)
    for entry in json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]:
        if entry[OWN]["trace"].startswith(ASIDE):
            continue
        text = _text(entry["request"])
        told = cases[entry[OWN]["trace"]]
        looked_before = text.startswith("GET") and told[-1:] == [text]
        if not (POLL.match(text) or PAGE.match(text) or looked_before):
            told.append(text)
    found: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for trace, requests in cases.items():
        scenario = trace.rpartition(" ")[0]
        found[scenario][tuple(_in_any_order(requests) if "simultaneous" in scenario else requests)] += 1
    return dict(found)


def _in_any_order(requests: list[str]) -> list[str]:
    """The requests of a race; which looks came right after one another, and were left out, is chance."""
    looks = {request for request in requests if request.startswith("GET")}
    return sorted([*looks, *(request for request in requests if request not in looks)])


def _text(request: dict[str, Any]) -> str:
    """A request in one line."""
    posted = request.get("postData", {})
    body = posted.get("text") or ""
    if posted.get("encoding") == "base64":
        # Without the zeros of UTF-16.
        content = base64.b64decode(body)
        body = "compressed" if content.startswith(GZIP) else content.decode("latin-1").replace("\0", "")
    text = f"{request['method']} {request['url'].partition('/compute/')[2]} {body.rstrip()}"
    for pattern, stand_in in NEW_IN_EVERY_RUN:
        text = re.sub(pattern, stand_in, text)
    return text
