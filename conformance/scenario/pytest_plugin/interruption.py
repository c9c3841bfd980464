"""Ctrl-C: once to finish early, twice to stop at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from types import FrameType

import pytest

FIRST = "conformance: stopping: what was made is deleted and what is known is written; Ctrl-C again stops at once."


class Interruption:
    """Handles SIGINT and SIGTERM while a run is under way; as a plugin of pytest it learns when the scenarios are over.

    Args:
        goodbye: says what is left undone if the run stops at once.
    """

    def __init__(self, goodbye: Callable[[], str]) -> None:
        self._goodbye = goodbye
        # pytest captures what is written to the standard error.
        self._terminal = os.dup(2)
        self._asked = False
        self._acting = True

    def __enter__(self) -> Interruption:
        self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *reason: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._terminal)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """From here on the run cleans up and writes, which one signal more must not break off."""
        self._acting = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """The same, where the signal came before the session had begun: pytest does not finish it then."""
        self._acting = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asked:
            self._say(f"conformance: {self._goodbye()}")
            os._exit(130)
        self._asked = True
        self._say(FIRST)
        if self._acting:
            raise KeyboardInterrupt

    def _say(self, sentence: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._terminal, f"{sentence}\n".encode(errors="replace"))
