"""A client as one should be: it makes some images at CONFORMANCE_URL, follows each operation to its end, and deletes
them."""

from __future__ import annotations

import os
import sys
import time
import uuid
from typing import Any

import requests

PROJECT = f"p-{uuid.uuid4().hex[:8]}"
ROOT = f"{os.environ['CONFORMANCE_URL']}/compute/beta/projects/{PROJECT}/global"
POLL_SECONDS = 0.03


def ask(verb: str, path: str, body: Any = None) -> requests.Response:
    """Sends a request until it is answered, the same each time."""
    headers = {"Authorization": f"Bearer {os.environ.get('CLIENT_TOKEN', '')}"}
    while True:
        try:
            answer = requests.request(verb, f"{ROOT}/{path}", json=body, headers=headers, timeout=30)
        except requests.RequestException:
            time.sleep(0.01)
            continue
        if answer.status_code not in (429, 500, 502, 503, 504):
            return answer
        time.sleep(float(answer.headers.get("retry-after", "0.01")))


def change(verb: str, path: str, body: Any = None) -> None:
    """Sends a change, and follows its operation to the end."""
    operation = ask(verb, f"{path}?requestId={uuid.uuid4()}", body).json()
    while operation["status"] != "DONE":
        time.sleep(POLL_SECONDS)
        operation = ask("GET", f"operations/{operation['name']}").json()


def main(images: int) -> None:
    """Makes images, one after the other."""
    for number in range(images):
        name = f"image-{number}"
        change("POST", "images", {"name": name, "sourceImage": "projects/debian-cloud/global/images/family/debian-12"})
        ask("GET", f"images/{name}")
        change("DELETE", f"images/{name}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
