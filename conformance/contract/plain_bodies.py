"""The plainest bodies of an insert: a source in each shape of its URL, and nothing else."""

from __future__ import annotations

import base64
from typing import Any

from conformance.config.sources import Sources

CUSTOMER_KEY = base64.b64encode(b"conformance-suite-256-bit-key-01").decode()
"""A valid customer-supplied key: base64 of 32 bytes."""

SOURCE_FIELDS = {"image": "sourceImage", "disk": "sourceDisk", "snapshot": "sourceSnapshot"}
HOSTS = ("https://www.googleapis.com/compute/v1/", "https://compute.googleapis.com/compute/beta/")


def path_of(url: str, project: str) -> str:
    """A source's URL from `projects/` on."""
    _, found, rest = url.partition("projects/")
    return f"projects/{rest}" if found else f"projects/{project}/{url.lstrip('/')}"


def full_urls(url: str, project: str) -> tuple[str, ...]:
    """The full URLs that name a source."""
    return tuple(host + path_of(url, project) for host in HOSTS)


def partial_urls(url: str, project: str) -> tuple[str, ...]:
    """The partial URLs that name a source; without its project only where that is the one under test."""
    path = path_of(url, project)
    own = f"projects/{project}/"
    return (path, path.removeprefix(own)) if path.startswith(own) else (path,)


def source_bodies(sources: Sources) -> list[dict[str, Any]]:
    """A body for each source kind at hand in each shape of its URL, the plainest first."""
    bodies: list[dict[str, Any]] = []
    for kind, name in SOURCE_FIELDS.items():
        url = getattr(sources, kind)
        if url is not None:
            shapes = (*partial_urls(url, sources.project), *full_urls(url, sources.project))
            bodies.extend({name: shape} for shape in shapes)
    if sources.raw_disk is not None:
        bodies.append({"rawDisk": {"source": sources.raw_disk}})
    return bodies


def kind_bodies(sources: Sources) -> list[dict[str, Any]]:
    """A body for each source kind at hand, in one shape of its URL, the plainest first."""
    return list({next(iter(body)): body for body in reversed(source_bodies(sources))}.values())[::-1]


def minimal(sources: Sources) -> dict[str, Any]:
    """The smallest valid body: a source, and nothing else."""
    return source_bodies(sources)[0]
