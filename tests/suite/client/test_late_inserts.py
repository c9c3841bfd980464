"""An insert that nobody waited for may make its image later: it is looked for again."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.client.cleanup import delete_all
from conformance.client.journal import Journal
from conformance.trace.exchange import Request, Response

NAME = "conformance-run-main-3"


class Late:
    """A target without lists that makes an image after it was looked for once, and deletes it when asked to."""

    def __init__(self) -> None:
        self.there = False
        self.slept = 0.0

    def send(self, request: Request, method: str, *, cleanup: bool) -> Any:
        """Answers a request."""
        del method
        assert cleanup
        found = self.there and NAME in request.url
        if request.verb == "DELETE" and found:
            self.there = False
        return SimpleNamespace(response=Response(200 if found else 404, {}, json.dumps({"name": NAME}).encode()))

    def sleep(self, seconds: float) -> None:
        """Lets time pass, in which the insert is carried out."""
        self.slept += seconds
        self.there = self.there or self.slept == seconds


@pytest.mark.parametrize("answered", [False, True])
def test_image_that_comes_late_is_deleted(answered: bool, tmp_path: Path) -> None:
    late, journal = Late(), Journal(tmp_path / "main.journal")
    journal.asked("p", NAME)
    if answered:
        journal.refused("p", NAME)
    journal.close()
    names, profile = SimpleNamespace(prefix="conformance-run"), SimpleNamespace(first_poll=0.0)
    target: Any = SimpleNamespace(
        transport=late, names=names, root="http://t", deadline=0.0, profile=profile, nameless=False
    )
    left = delete_all(target, tmp_path, {})
    assert (left.there, left.unknown) == ([], [])
    assert not late.there
    assert (late.slept == 0.0) == answered
