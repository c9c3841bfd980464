"""Nothing is left behind: what a run has made is deleted, and what could not be is named."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conformance.client.budget import BudgetSpent
from conformance.client.journal import Image, Journalled, journalled
from conformance.client.target import Target
from conformance.client.transport import TargetLost
from conformance.trace.exchange import MISSING, Request, Response, plainly_named

PAGES_MAXIMUM = 20
LIST_SECONDS_MAXIMUM = 10.0
"""How far, and for how long, a list is followed page by page: one that has no end tells nothing."""

TRIES = 3
"""How often an image is asked to be deleted; once more at the very end."""

IN_VAIN_MAXIMUM = 10
"""Deletions in a row that do not work: the others of the same round will not either."""

ON_ITS_WAY_SECONDS = 1.0
"""An insert whose answer nobody waited for may still make its image so much later."""

PAUSE_SECONDS = 0.05
PAUSE_SECONDS_MAXIMUM = 2.0

LOOKS = 2
"""How often an image is looked at after its deletion, at least."""

OK = 200
UNADDRESSABLE = frozenset({"", ".", ".."})
"""Names that a URL cannot carry: its path would mean something else."""


@dataclass(frozen=True)
class Found:
    """An image of the suite's own that is there: its project, its name, and its id where a list has shown it."""

    project: str
    name: str
    id: str = ""

    @property
    def path(self) -> str:
        """Its partial URL."""
        return f"projects/{self.project}/global/images/{self.name}"


@dataclass(frozen=True)
class Census:
    """The images of a project as its list shows them: name and id of each; `complete` where it had an end."""

    images: frozenset[tuple[str, str]]
    complete: bool


@dataclass
class Left:
    """What a run leaves behind: images that are there, and images of which the target does not say whether they are."""

    there: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def delete_all(target: Target, folder: Path, before: Mapping[str, Census], *, lost: bool = False) -> Left:
    """Deletes every image that a run has made, and tells which are left.

    Its own are, of those that were not there before, those that bear its prefix, whose id one of its operations has
    named, or whose name it has sent; nothing else ever is: other people may work in the project at the same time.

    Args:
        target: the target.
        folder: where the journals of all processes are.
        before: the images of projects before the run, where the list has proven to show what is there.
        lost: whether the target did not answer any more; it gets one chance to do so again.
    """
    told = journalled(folder)
    if lost and not target.transport.regained():
        return Left([], _paths(told.last("asked", "made")))
    own = _Own(target, told, before)
    try:
        there = own.all()
        if told.last("asked") and not lost:
            target.transport.sleep(ON_ITS_WAY_SECONDS)
            own.gone.clear()  # what was not there may be by now
            there |= own.all()
        there = _delete(target, own, there, TRIES + 1)
        return Left(sorted(image.path for image in there), _paths(own.unknown))
    except (TargetLost, BudgetSpent):
        return Left([], _paths(told.last("asked", "made", "deleted") - own.gone))


def still_made(folder: Path) -> list[str]:
    """The images that the journals of a run tell of and that nothing has deleted yet, as partial URLs."""
    return _paths(journalled(folder).last("asked", "made"))


def delete(target: Target, images: Iterable[Found]) -> set[Found]:
    """Deletes images; answers those that are left.

    Args:
        target: the target.
        images: the images.

    Raises:
        TargetLost: the target does not answer.
        BudgetSpent: no more may be sent.
    """
    left = set(images)
    told = Journalled({(image.project, image.name): "made" for image in left})
    return _delete(target, _Own(target, told, {}), left, TRIES)


class _Own:
    """Looks for the images of a run.

    Attributes:
        gone: those that were seen to be gone.
        unknown: those of which the target did not say, when it was last asked, whether they are there.
    """

    def __init__(self, target: Target, told: Journalled, before: Mapping[str, Census]) -> None:
        self.gone: set[Image] = set()
        self.unknown: set[Image] = set()
        self._target = target
        self._told = told
        self._before = before
        self._refused = told.last("refused")

    def all(self) -> set[Found]:
        """All that are there: those that a list shows, and those of which it should, but does not, and a get does.

        That a target has deleted what it was asked to delete is seen in its list; where that is not whole, by a get,
        unless that finds no image by its name.
        """
        deleted = set() if self._target.nameless else self._told.last("deleted")
        return self._there(self._told.last("asked", "made"), deleted)

    def left(self, images: Iterable[Found]) -> set[Found]:
        """Those of some images that are still there, and those that were unknown and that a list shows now."""
        wanted = {(image.project, image.name) for image in images}
        doubtful = wanted | self.unknown
        return {image for image in self._there(wanted, again=True) if (image.project, image.name) in doubtful}

    def deleted_in_vain(self, images: Iterable[Found]) -> bool:
        """Whether the target was asked before to delete some of these images, which are there."""
        deleted = self._told.last("deleted")
        return any((image.project, image.name) in deleted for image in images)

    def shares_its_name(self, image: Found) -> bool:
        """Whether somebody else's image bears the same name, so that only its id tells it from that one."""
        known = self._before.get(image.project)
        return known is not None and any(name == image.name for name, _ in known.images)

    def _there(self, wanted: set[Image], deleted: Set[Image] = frozenset(), *, again: bool = False) -> set[Found]:
        """Those of the run's images that a list shows, and those that are wanted and that a get shows; where the list
        is not whole also those that were deleted."""
        found: set[Found] = set()
        for project in sorted({project for project, _ in wanted | deleted} | set(self._before)):
            shown = census(self._target, project)
            images = shown.images if shown is not None else ()
            listed_here = {Found(project, *image) for image in images if self._is_own(project, *image)}
            whole = shown is not None and shown.complete and project in self._before
            seen = {(project, image.name) for image in listed_here}
            missing = {image for image in (wanted if whole else wanted | deleted) if image[0] == project} - seen
            if whole:
                self.gone |= {image for image in self.unknown if image[0] == project} - seen
            if again and whole:
                self.gone |= missing
                missing = set()
            found |= listed_here | self._shown_by_get(missing - self.gone, whole=whole)
        self.unknown -= self.gone | {(image.project, image.name) for image in found}
        return found

    def _is_own(self, project: str, name: str, identifier: str) -> bool:
        if name.startswith(self._target.names.prefix):
            return True
        known = self._before.get(project)
        if known is not None and (name, identifier) in known.images:
            return False
        sent = (project, name) in self._told.events and (known is not None or (project, name) not in self._refused)
        return sent or (project, identifier) in self._told.ids

    def _shown_by_get(self, images: Iterable[Image], *, whole: bool) -> set[Found]:
        """Those that a get shows, of some that the list does not: where that is `whole`, all others are gone.

        A target that calls a name invalid when it is asked for it may have stored it all the same: then its list shows
        that, and without one nobody knows. One that answers every name with an image of another name shows none.
        """
        found: set[Found] = set()
        for project, name in sorted(images):
            response = None
            if name not in UNADDRESSABLE:
                response = _send(self._target, "GET", project, f"images/{_quoted(name)}")
            missing = response is not None and (response.meant in MISSING or response.empty)
            if response is not None and response.meant == OK and not missing and not _is_another(response.json, name):
                found.add(Found(project, name))
            elif whole or (missing and not self._target.nameless):
                self.gone.add((project, name))
            else:
                self.unknown.add((project, name))
        return found


def _delete(target: Target, own: _Own, images: set[Found], tries: int) -> set[Found]:
    """Asks to delete images, some times, and waits in between; answers those that are still there.

    Where deletions have had no effect before, a few of many images show whether they have one now.
    """
    left = images
    end = time.monotonic() + target.deadline
    for attempt in range(tries):
        if attempt and left:
            target.transport.sleep(min(PAUSE_SECONDS * 4**attempt, PAUSE_SECONDS_MAXIMUM))
        by_id = attempt % 2 == 1  # a target may know its images by one of the two only
        if len(left) > IN_VAIN_MAXIMUM and (attempt or own.deleted_in_vain(left)):
            some = set(_in_order(left)[:IN_VAIN_MAXIMUM])
            still_there = _asked_to_delete(target, own, some, end, by_id=by_id)
            if some <= still_there:
                if attempt:
                    break
                continue
            left = left - some | still_there
        if left:
            left = _asked_to_delete(target, own, left, end, by_id=by_id)
    return left


def _asked_to_delete(target: Target, own: _Own, images: set[Found], end: float, *, by_id: bool) -> set[Found]:
    """Asks once to delete images; answers those that are still there when that should have been done."""
    pending = _ask_to_delete(target, own, images, by_id=by_id)
    return _waited_for(target, own, images, end if pending else 0.0)


def _in_order(images: Iterable[Found]) -> list[Found]:
    return sorted(images, key=lambda image: image.path)


def _ask_to_delete(target: Target, own: _Own, images: Iterable[Found], *, by_id: bool) -> bool:
    """Sends a delete for each image; answers whether any deletion is under way."""
    pending, in_vain = False, 0
    for image in _in_order(images):
        nameless = image.name in UNADDRESSABLE or own.shares_its_name(image)
        name = image.id if nameless or (by_id and image.id) else image.name
        if name in UNADDRESSABLE:
            continue
        response = _send(target, "DELETE", image.project, f"images/{_quoted(name)}")
        works = response is not None and (200 <= response.status < 300 or response.status in MISSING)
        operation = response.json if response is not None and works else None
        pending = pending or (isinstance(operation, dict) and operation.get("status") in ("PENDING", "RUNNING"))
        in_vain = 0 if works else in_vain + 1
        if in_vain >= IN_VAIN_MAXIMUM:
            break
    return pending


def _waited_for(target: Target, own: _Own, images: set[Found], end: float) -> set[Found]:
    """Looks until images are gone: until `end` (of the monotonic clock), and a few times in any case."""
    left = own.left(images)
    pause = max(PAUSE_SECONDS, target.profile.first_poll)
    looks = 1
    while left and (looks < LOOKS or time.monotonic() < end):
        target.transport.sleep(pause)
        pause = min(pause * 2, max(PAUSE_SECONDS_MAXIMUM, target.profile.first_poll))
        left = own.left(left)
        looks += 1
    return left


def census(target: Target, project: str) -> Census | None:
    """The names and ids of a project's images; None where the target offers no list, or none to this caller.

    Raises:
        TargetLost: the target does not answer.
        BudgetSpent: no more may be sent.
    """
    items, complete = listed(target, project)
    if items is None:
        return None
    images = map(plainly_named, items)
    return Census(frozenset((_text(image.get("name", "")), _text(image.get("id", ""))) for image in images), complete)


def _text(value: Any) -> str:
    """What a list shows as a name or an id, as text: as JSON where it is none."""
    return value if isinstance(value, str) else json.dumps(value)


def listed(target: Target, project: str) -> tuple[list[dict[str, Any]] | None, bool]:
    """The images of a project as the target's list shows them, and whether it had an end; None where it offers no list.

    Args:
        target: the target.
        project: the project.

    Raises:
        TargetLost: the target does not answer.
        BudgetSpent: no more may be sent.
    """
    found: list[dict[str, Any]] = []
    token = ""
    end = time.monotonic() + min(target.deadline, LIST_SECONDS_MAXIMUM)
    for _ in range(PAGES_MAXIMUM):
        query = "images?maxResults=500" + (f"&pageToken={_quoted(token)}" if token else "")
        response = _send(target, "GET", project, query)
        page = response.json if response is not None and response.status == 200 else None
        if isinstance(page, list) and page:  # without kind and pages; an empty one may be anything
            return [*found, *(item for item in page if isinstance(item, dict))], True
        items = page.get("items") if isinstance(page, dict) else page
        if not isinstance(page, dict) or not isinstance(items, list | None) or _calls_itself_otherwise(page):
            return (found if token else None), False
        found += [item for item in items or () if isinstance(item, dict)]
        following = page.get("nextPageToken")
        if not isinstance(following, str) or not following:
            return found, True
        if following == token or time.monotonic() > end:
            break
        token = following
    return found, False


def _calls_itself_otherwise(page: Mapping[str, Any]) -> bool:
    """Whether an answer without items says that it is no list, so that it is none of nothing."""
    return not page.get("items") and "list" not in str(page.get("kind") or "list").lower()


def _is_another(answer: Any, name: str) -> bool:
    """Whether an answer is an image of another name; one in other letters may be the one that was sent."""
    shown = plainly_named(answer).get("name") if isinstance(answer, dict) else None
    return isinstance(shown, str) and shown.casefold() != name.casefold()


def _paths(images: Iterable[Image]) -> list[str]:
    return sorted(Found(*image).path for image in images)


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="replace")


def _send(target: Target, verb: str, project: str, path: str) -> Response | None:
    url = f"{target.root}/projects/{quote(project, safe=':')}/global/{path}"
    method = "images.delete" if verb == "DELETE" else "images.list"
    return target.transport.send(Request(verb, url), method, cleanup=True).response
