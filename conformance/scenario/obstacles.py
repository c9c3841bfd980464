"""What stops a run before its scenarios: a target that is none, a source that is not there, images that would stay."""

from __future__ import annotations

from conformance.client.api import Api, Created
from conformance.client.target import Target
from conformance.config.sources import Sources
from conformance.contract.plain_bodies import minimal
from conformance.contract.rule import is_error

ABSENT_STATUSES = frozenset({404, 405, 501})
"""How a target answers what it does not offer."""

SERVER_ERROR = 500
TRIES = 3


class Untestable(Exception):  # noqa: N818 - it is a finding about the target, not an error of ours
    """The target could not be tested: unreachable, not this API, or access refused. The text says which."""


def refuse_nowhere(created: Created, target: Target, api: Api) -> None:
    """Rules out a server that answers 404 to everything, be it in the form of this API.

    Raises:
        Untestable: it does.
    """
    if created.insert.missing and not _names_a_source(created) and api.list().missing:
        raise Untestable(
            f"{target.root} is not the Compute Engine API, or has no project {target.project}: "
            "it answers HTTP 404 to get, list and insert alike"
        )


def refuse_without_source(created: Created, sources: Sources) -> None:
    """Says what to do where the image that the suite makes images from, unless told, is not there.

    Raises:
        Untestable: it is not.
    """
    if lacks_source(created, sources):
        raise Untestable(
            f"no [sources] are configured, and the source {sources.image} is not found: set [sources] in "
            "conformance.toml to an image, disk or snapshot that the target has "
            f"({_message(created) or f'HTTP {created.insert.status}'})"
        )


def lacks_source(created: Created, sources: Sources) -> bool:
    """Whether an insert failed since the image that images are made from, unless told, is not there."""
    missing = created.insert.missing or _names_a_source(created)
    return sources.image == Sources().image and missing


def why_no_insert_will_do(created: Created, sources: Sources, api: Api) -> str:
    """Why there is no point in any scenario that needs an image; "" where one insert may fail and others not."""
    status = created.insert.status
    if status < SERVER_ERROR:
        return ""
    others = [api.insert(minimal(sources)).status for _ in range(TRIES - 1)]
    return f"every insert answers HTTP {status}" if min(others) >= SERVER_ERROR else ""


def why_nothing_can_be_deleted(created: Created, api: Api) -> str:
    """Why images that are made would stay; "" where the target deletes them, or tries to."""
    answer = api.delete(created.name)
    if answer.status not in ABSENT_STATUSES or not api.get(created.name).answered:
        return ""
    return (
        f"DELETE is not supported (HTTP {answer.status} for an image that is there): what is made stays; "
        "go on with --allow-leftovers"
    )


def _names_a_source(created: Created) -> bool:
    """Whether an insert failed for want of its source, as far as the words of the target tell."""
    failed = created.insert.refused or is_error(created.operation.get("error"))
    words = _message(created).lower()
    return failed and "not found" in words and any(word in words for word in ("family", "source", "debian"))


def _message(created: Created) -> str:
    """What the target says of an insert that failed; "" where it says nothing."""
    text = created.insert.error.get("message")
    error = created.operation.get("error")
    errors = error.get("errors") if isinstance(error, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    text = first.get("message") if isinstance(first, dict) and not isinstance(text, str) else text
    return text if isinstance(text, str) else ""
