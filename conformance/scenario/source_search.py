"""What to make images from where nobody has said it, and the image that everybody has is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.client.api import Api
from conformance.client.names import NAME_PREFIX
from conformance.config.sources import Sources
from conformance.contract.plain_bodies import minimal
from conformance.scenario.steps import succeeded

IMAGES_TRIED = 2
RAW_DISK = "https://storage.googleapis.com/conformance-sources/disk.tar.gz"


def search(api: Api, sources: Sources) -> Sources | None:
    """A source that the target takes: an image that the project has, or a raw disk.

    Args:
        api: where inserts are tried.
        sources: those that there are without configuration.

    Returns:
        What images can be made from; None where nothing will do.
    """
    return next((found for found in _candidates(api, sources) if succeeded(api.create(minimal(found)))), None)


def _candidates(api: Api, sources: Sources) -> Iterator[Sources]:
    images = [
        f"projects/{api.target.project}/global/images/{item['name']}"
        for item in api.list(maxResults="100").items
        if item.get("status") == "READY"
        and isinstance(item.get("name"), str)
        and not item["name"].startswith(NAME_PREFIX)
        and not item.get("deprecated")
    ]
    yield from (replace(sources, image=image) for image in images[:IMAGES_TRIED])
    yield replace(sources, image=None, raw_disk=RAW_DISK)


def remark(sources: Sources, found: Sources) -> str:
    """What a reader should know of a source that the suite has found by itself."""
    used = found.image or found.raw_disk
    return (
        f"no [sources] are configured, and {sources.image} is not there: images are made from {used}, which the target "
        "takes; set [sources] in conformance.toml to say which"
    )
