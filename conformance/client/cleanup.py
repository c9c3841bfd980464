"""Nothing is left behind: what a run has made is deleted, and what could not be is named."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conformance.client.budget import BudgetSpent
from conformance.client.journal import journalled
from conformance.client.target import Target
from conformance.client.transport import TargetLost
from conformance.trace.exchange import Request, Response

PAGES_MAXIMUM = 200
ON_ITS_WAY_SECONDS = 1.0
"""An insert whose answer nobody waited for may still make its image so much later."""

PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAXIMUM = 2.0


def delete_all(target: Target, folder: Path, *, lost: bool = False) -> list[str]:
    """Deletes every image that the journals of a run tell of, and waits until none is there any more.

    Args:
        target: the target.
        folder: where the journals of all processes are.
        lost: whether the target did not answer any more; it gets one chance to do so again.

    Returns:
        The images that are still there, as `projects/P/global/images/N`.
    """
    events = journalled(folder)
    asked = {image for image, event in events.items() if event == "asked"}
    left = asked | {image for image, event in events.items() if event == "made"}
    ours = {image for image, event in events.items() if event != "refused" or image[1].startswith(target.names.prefix)}
    if lost and not target.transport.regained():
        return _paths(left)
    try:
        for project in {project for project, _ in ours}:
            left |= ours & {(project, str(item.get("name"))) for item in listed(target, project) or ()}
        left = delete(target, left)
        if asked and not lost:
            target.transport.sleep(ON_ITS_WAY_SECONDS)
            left |= delete(target, asked)
    except (TargetLost, BudgetSpent):
        pass
    return _paths(left)


def _paths(images: Iterable[tuple[str, str]]) -> list[str]:
    return sorted(f"projects/{project}/global/images/{name}" for project, name in images)


def delete(target: Target, images: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Deletes images until the target says that they are gone.

    Args:
        target: the target.
        images: project and name of each.

    Returns:
        Those that are left when the deadline of an operation is over.

    Raises:
        TargetLost: the target does not answer.
        BudgetSpent: no more may be sent.
    """
    left = set(images)
    end = time.monotonic() + target.deadline
    pause = max(PAUSE_SECONDS, target.profile.first_poll)
    while left:
        for project, name in sorted(left):
            response = _send(target, "DELETE", project, f"images/{quote(name, safe='')}")
            if response is None and time.monotonic() > end:
                return left
            if response is not None and response.status == 404:
                left.remove((project, name))
        if not left or time.monotonic() > end:
            break
        target.transport.sleep(pause)
        pause = min(pause * 2, max(PAUSE_SECONDS_MAXIMUM, target.profile.first_poll))
    return left


def listed(target: Target, project: str) -> list[dict[str, Any]] | None:
    """The images of a project as the target's list shows them; None where it offers no list, or none to this caller.

    Args:
        target: the target.
        project: the project.

    Raises:
        TargetLost: the target does not answer.
        BudgetSpent: no more may be sent.
    """
    found: list[dict[str, Any]] = []
    token = ""
    end = time.monotonic() + target.deadline
    for _ in range(PAGES_MAXIMUM):
        query = "images?maxResults=500" + (f"&pageToken={quote(token, safe='', errors='replace')}" if token else "")
        response = _send(target, "GET", project, query)
        page = response.json if response is not None and response.status == 200 else None
        if not isinstance(page, dict):
            return found if token else None
        items = page.get("items")
        found += [item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)]
        following = page.get("nextPageToken")
        if not isinstance(following, str) or not following or following == token or time.monotonic() > end:
            break
        token = following
    return found


def _send(target: Target, verb: str, project: str, path: str) -> Response | None:
    url = f"{target.root}/projects/{quote(project, safe=':')}/global/{path}"
    method = "images.delete" if verb == "DELETE" else "images.list"
    return target.transport.send(Request(verb, url), method, cleanup=True).response
