"""Where nobody has said what to make images from, the suite looks for a source that the target takes, and says so."""

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.client.api import Created
from conformance.config.sources import Sources
from conformance.scenario.source_search import RAW_DISK, remark, search
from conformance.trace.exchange import Exchange, Request, Response

CONFIGURED = Sources(project="p")


class Target:
    """A target that has some images, and takes inserts with some sources."""

    def __init__(self, images: list[dict[str, Any]], taken: str) -> None:
        self.target = SimpleNamespace(project="p")
        self.tried: list[Any] = []
        self._images = images
        self._taken = taken

    def list(self, **query: str) -> SimpleNamespace:
        """images.list."""
        del query
        return SimpleNamespace(items=self._images)

    def create(self, body: dict[str, Any]) -> Created:
        """An insert, followed to its end."""
        self.tried.append(body)
        status = 200 if self._taken in str(body) else 404
        exchange = Exchange(1, Request("POST", "http://target"), Response(status, {}, b"{}"))
        return Created(exchange, "name", {"status": "DONE"} if status == 200 else {})


def ready(name: str, **more: Any) -> dict[str, Any]:
    """An image of a list."""
    return {"name": name, "status": "READY", **more}


@pytest.mark.parametrize(
    ("images", "taken", "used"),
    [
        ([ready("base")], "images/base", "projects/p/global/images/base"),
        ([ready("broken"), ready("base")], "images/base", "projects/p/global/images/base"),
        ([], "rawDisk", RAW_DISK),
        ([ready("base")], "nothing", None),
    ],
)
def test_source_that_the_target_takes_is_found(images: list[dict[str, Any]], taken: str, used: str | None) -> None:
    found = search(Target(images, taken), CONFIGURED)  # type: ignore[arg-type]
    assert (found and (found.image or found.raw_disk)) == used
    if found:
        assert str(used) in remark(CONFIGURED, found)


def test_images_of_the_suite_and_those_that_cannot_be_used_are_not_tried() -> None:
    images = [
        ready("conformance-0a1b2c3d-main-1"),
        ready("old", deprecated={"state": "OBSOLETE"}),
        {"name": "late", "status": "PENDING"},
        {"name": 7, "status": "READY"},
    ]
    target = Target(images, "nothing")
    assert search(target, CONFIGURED) is None  # type: ignore[arg-type]
    assert target.tried == [{"rawDisk": {"source": RAW_DISK}}]
