"""A client with one bad habit, or none: it makes an image at CONFORMANCE_URL, labels it, and deletes it."""

from __future__ import annotations

import os
import sys
import time
import uuid
from typing import Any

import requests

HABIT = sys.argv[1]
ROOT = f"{os.environ['CONFORMANCE_URL']}/compute/v1/projects/project/global"
BUSY = (429, 500, 502, 503, 504)
POLL_SECONDS = 0.2
TRIES = 10
ONE_ID = str(uuid.uuid4())


def ask(verb: str, path: str, body: Any = None, request_id: str = "") -> requests.Response:
    """Sends a request until it is answered."""
    for _ in range(TRIES):
        parameters = {"requestId": str(uuid.uuid4()) if HABIT == "new-id" else request_id} if request_id else {}
        try:
            answer = requests.request(verb, f"{ROOT}/{path}", params=parameters, json=body, timeout=30)
        except requests.RequestException:
            if HABIT == "gives-up" and verb == "POST":
                sys.exit(1)
            time.sleep(0.2)
            continue
        if answer.status_code not in BUSY:
            return answer
        time.sleep(0 if HABIT == "impatient" else float(answer.headers.get("retry-after", "0.2")))
    sys.exit("there is no answer")


def change(verb: str, path: str, body: Any = None) -> int:
    """Sends a change, and follows its operation; answers the status."""
    answer = ask(verb, path, body, ONE_ID if HABIT == "one-id" else str(uuid.uuid4()))
    operation = answer.json()
    if answer.status_code != 200 or HABIT == "leaves":
        return answer.status_code
    while operation["status"] != "DONE":
        if HABIT == "strict" and operation["status"] not in ("PENDING", "RUNNING"):
            return answer.status_code
        time.sleep(0 if HABIT == "hasty" else POLL_SECONDS)
        operation = ask("GET", f"operations/{operation['name']}").json()
    if HABIT == "asks-again":
        ask("GET", f"operations/{operation['name']}")
    return answer.status_code


def label(name: str) -> None:
    """Sets a label, on the state that was seen last."""
    image = ask("GET", f"images/{name}").json()
    for _ in range(TRIES):
        body = {"labels": {"colour": "red"}, "labelFingerprint": image["labelFingerprint"]}
        if change("POST", f"images/{name}/setLabels", body) != 412:
            return
        if HABIT == "stubborn":
            change("POST", f"images/{name}/setLabels", body)
            return
        image = ask("GET", f"images/{name}").json()


def main() -> None:
    """Lives the life of an image, or of two."""
    for name in ("one", "two"):
        change("POST", "images", {"name": name, "sourceImage": "global/images/base"})
    if HABIT not in ("leaves", "strict"):
        label("one")
    for name in ("one",) if HABIT == "litters" else ("one", "two"):
        change("DELETE", f"images/{name}")


if __name__ == "__main__":
    main()
