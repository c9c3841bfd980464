"""`conformance sweep`: finds what runs that were killed have left behind, and deletes it."""

from __future__ import annotations

import shutil
import sys
import time
from datetime import datetime, timedelta
from typing import Any

from conformance.client.cleanup import Found, delete, listed
from conformance.client.names import is_own
from conformance.client.target import Target
from conformance.client.transport import TargetLost
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings, UsageError
from conformance.reports.text import harmless
from conformance.scenario.process import Process, new_ground
from conformance.trace.formats import timestamp
from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Exit

CLOCKS_APART = timedelta(minutes=5)
"""By how much the clock of a target may differ from ours."""


def sweep(settings: Settings, older_than: float, delete_them: bool) -> int:
    """Lists the images that the suite has made at a target, and deletes them if so told.

    Args:
        settings: where the target is, and who asks.
        older_than: seconds that an image has to have existed for.
        delete_them: whether to delete them.

    Returns:
        The exit status: 1 where some are still there, 3 where the target does not list its images.

    Raises:
        UsageError: no target is given.
    """
    if settings.url is None:
        raise UsageError("sweep needs a target; give its --url.")
    ground = new_ground(settings, settings.url, PROFILES[settings.profile])
    process = Process(ground, "sweep")
    try:
        return _sweep(process.target, settings, older_than, delete_them=delete_them)
    except TargetLost as lost:
        print(f"conformance: {lost}", file=sys.stderr)
        return Exit.UNTESTABLE
    finally:
        process.stop()
        process.close()
        shutil.rmtree(ground.folder, ignore_errors=True)


def _sweep(target: Target, settings: Settings, older_than: float, *, delete_them: bool) -> int:
    found: list[Found] = []
    told, since = _told(settings)
    for project in filter(None, (settings.project, settings.second_project)):
        items, _ = listed(target, project)
        if items is None:
            print(f"conformance: {target.root} does not list the images of {project}", file=sys.stderr)
            return Exit.UNTESTABLE
        for item in items:
            image = Found(project, str(item.get("name", "")), str(item.get("id", "")))
            if _left_behind(item, older_than) or (image.path in told and _made_after(item, since, older_than)):
                found.append(image)
    for image in found:
        print(harmless(image.path, lines=False))
    if not found or not delete_them:
        hint = "; --yes deletes them" if found else ""
        print(f"{len(found)} left behind{hint}")
        return Exit.CONFORMANT
    left = delete(target, found)
    print(f"{len(found) - len(left)} deleted, {len(left)} still there")
    return Exit.NOT_CONFORMANT if left else Exit.CONFORMANT


def _told(settings: Settings) -> tuple[set[str], datetime | None]:
    """What the last results of a run against this target tell that it left behind, whatever it is named, and when
    that began."""
    try:
        results = Results.model_validate_json((settings.out / "results.json").read_bytes())
    except (OSError, ValueError):
        return set(), None
    if results.target.url != settings.url:
        return set(), None
    return {*results.cost.images_left, *results.cost.images_unknown}, timestamp(results.run.started)


def _made_after(item: dict[str, Any], moment: datetime | None, seconds: float) -> bool:
    """Whether an image was made since a moment, and so many seconds ago or earlier, as far as it says."""
    made = timestamp(item.get("creationTimestamp"))
    if made is None or moment is None:
        return not seconds
    return made >= moment - CLOCKS_APART and time.time() - made.timestamp() >= seconds


def _left_behind(item: dict[str, Any], seconds: float) -> bool:
    """Whether an image bears a name that only this suite gives, and has existed for so long."""
    name = item.get("name")
    made = timestamp(item.get("creationTimestamp"))
    old = not seconds or (made is not None and time.time() - made.timestamp() >= seconds)
    return isinstance(name, str) and is_own(name) and old
