"""URLs of resources: one resource has many, full and partial, on several hosts, in several versions, by id or number
of the project."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

_ABSOLUTE = re.compile(r"(?:^|/)projects/([^/]+)/(.+)")
_RELATIVE = re.compile(r"(?:global|zones/[^/]+|regions/[^/]+)/.+|(?:images|snapshots|licenses)/.+")


def named(url: Any, project: str = "") -> tuple[str, str] | None:
    """The project and the path within it that a URL of a resource means; None for what is none.

    Args:
        url: a full URL of any host and version, or a partial one, such as `projects/p/global/images/i` or
            `global/images/i`.
        project: what a URL is relative to that names no project.
    """
    if not isinstance(url, str):
        return None
    text = re.sub(r"/+", "/", unquote(re.split(r"[?#]", url, maxsplit=1)[0])).rstrip("/")
    absolute = _ABSOLUTE.search(text)
    if absolute:
        return absolute[1], absolute[2]
    relative = _RELATIVE.fullmatch(text.lstrip("/"))
    if relative is None:
        return None
    path = relative[0]
    return project, path if path.startswith(("global/", "zones/", "regions/")) else f"global/{path}"


def same_project(one: str, other: str) -> bool:
    """Whether two names may be those of one project: the service may write its id for its number."""
    return one == other or one.isdecimal() != other.isdecimal()


def same_resource(one: Any, other: Any, project: str = "") -> bool:
    """Whether two URLs mean one resource, whatever their form, host and version; texts that are none have to be
    equal."""
    first, second = named(one, project), named(other, project)
    if first is None or second is None:
        return bool(one == other)
    return first[1] == second[1] and same_project(first[0], second[0])


def may_come_back(sent: Any, came: Any, project: str = "") -> bool:
    """Whether a URL may be the answer for one that was sent: of the same resource, or of one that was sent by its
    numeric id and comes back by its name."""
    first, second = named(sent, project), named(came, project)
    if first is None or second is None:
        return bool(sent == came)
    (parent, _, name), (place, _, _) = first[1].rpartition("/"), second[1].rpartition("/")
    by_id = name.isdecimal() and parent == place and same_project(first[0], second[0])
    return by_id or same_resource(sent, came, project)
