"""Nothing is left behind: what a run has made is deleted, and what could not be is named."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from conformance.client import Target
from conformance.journal import journalled
from conformance.trace import Request, Response
from conformance.transport import TargetLost

PAGES_MAXIMUM = 200
PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAXIMUM = 2.0


def delete_all(target: Target, folder: Path) -> list[str]:
    """Deletes every image that the journals of a run tell of, and waits until none is there any more.

    Args:
        target: the target.
        folder: where the journals of all processes are.

    Returns:
        The images that are still there, as `projects/P/global/images/N`.
    """
    events = journalled(folder)
    left = {image for image, event in events.items() if event == "made"}
    ours = {image for image, event in events.items() if event != "refused" or image[1].startswith(target.names.prefix)}
    try:
        for project in {project for project, _ in ours}:
            left |= {(project, name) for name in _still_listed(target, project, ours)}
        left = _delete(target, left)
    except TargetLost:
        pass
    return sorted(f"projects/{project}/global/images/{name}" for project, name in left)


def _delete(target: Target, images: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Deletes images until the target says that they are gone; those left when the deadline is over are answered."""
    left = set(images)
    end = time.monotonic() + target.deadline
    pause = PAUSE_SECONDS
    while left:
        left = {image for image in left if not _gone(target, *image)}
        if not left or time.monotonic() > end:
            break
        target.transport.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAXIMUM)
    return left


def _gone(target: Target, project: str, name: str) -> bool:
    response = _send(target, "DELETE", project, f"images/{quote(name, safe='')}")
    return response is not None and response.status == 404


def _still_listed(target: Target, project: str, ours: set[tuple[str, str]]) -> set[str]:
    """The names of our images that the target's list still shows; empty where it offers no list."""
    found: set[str] = set()
    token = ""
    for _ in range(PAGES_MAXIMUM):
        query = "images?maxResults=500" + (f"&pageToken={quote(token, safe='')}" if token else "")
        response = _send(target, "GET", project, query)
        page = response.json if response is not None and response.status == 200 else None
        if not isinstance(page, dict):
            break
        items = page.get("items")
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and (project, item.get("name")) in ours:
                found.add(str(item["name"]))
        following = page.get("nextPageToken")
        if not isinstance(following, str) or not following or following == token:
            break
        token = following
    return found


def _send(target: Target, verb: str, project: str, path: str) -> Response | None:
    url = f"{target.root}/projects/{quote(project, safe=':')}/global/{path}"
    method = "images.delete" if verb == "DELETE" else "images.list"
    return target.transport.send(Request(verb, url), method).response
