"""A target that the suite starts by the user's command, watches, and stops with its children."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

import pytest

from conformance.client.ready import answers
from conformance.config.settings import UsageError
from conformance.reports.text import harmless, shortened
from conformance.scenario.pytest_plugin.progress import CONTROLLER
from conformance.verdicts.collector import Collector
from conformance.verdicts.verdict import Exit

LOG_NAME = "target.log"
LOG_MAXIMUM = 16 * 2**20
"""Bytes of its output that are kept: the first ones; of what it said last there are the last lines."""

LINES, LINES_MAXIMUM = 5, 600
"""Of a target that has ended so many lines are shown, and characters of them."""

STOP_SECONDS = 5.0
PORT = "{port}"


class NotStarted(UsageError):  # noqa: N818 - it is a finding about the target
    """The target did not start, or did not answer: it could not be tested."""

    status = Exit.UNTESTABLE


class StartedTarget:
    """A target that runs for as long as the context lasts.

    Args:
        command: that starts it, as for a shell but without its means; `{port}` becomes a free port, which the
            environment variable PORT holds as well.
        url: where it answers; None for that port on this machine.
        ready_seconds: how long it may take until it answers.
        folder: where its output is kept.
        environment: the variables that it gets; None for those of this process.

    Attributes:
        url: where it answers.

    Raises:
        NotStarted: there is no such command, it ends at once, or it does not answer in time.
        UsageError: the command cannot be read.
    """

    def __init__(
        self,
        command: str,
        url: str | None,
        ready_seconds: float,
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        port = str(_free_port())
        self.url = url or f"http://127.0.0.1:{port}"
        self._command = command
        self._words = _words(command, port)
        self._ready_seconds = ready_seconds
        self._log = folder / LOG_NAME
        given = os.environ if environment is None else environment
        self._environment = {**given, "PORT": port}
        self._lines: deque[str] = deque(maxlen=LINES)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> StartedTarget:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.unlink(missing_ok=True)
        self._start()
        return self

    def restart(self) -> None:
        """Kills it and all that it has started, without a warning, and starts it again.

        Raises:
            NotStarted: it does not come back.
        """
        assert self._process is not None
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._join()
        self._start()

    def _start(self) -> None:
        """Starts it, and waits until it answers."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - it is the user who says what to run
                self._words,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise NotStarted(f"start is '{self._command}', which cannot be run: {error.strerror}.") from None
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def ended(self) -> str:
        """How the target has ended by itself, with the last lines that it said; "" while it runs."""
        status = self._process.poll() if self._process else None
        if status is None:
            return ""
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"the target that --start began {how}{self._said()}"

    def _wait_until_it_answers(self) -> None:
        """Waits until it answers a request, whatever the answer is.

        Raises:
            NotStarted: it has ended, or does not answer in time.
        """
        if answers(self.url, self._ready_seconds, self.ended):
            return
        if self.ended():
            self._join()
            raise NotStarted(f"{self.ended()}.")
        raise NotStarted(
            f"the target that --start began does not answer at {self.url} after {self._ready_seconds:g} seconds "
            f"(--ready-timeout){self._said()}."
        )

    def _said(self) -> str:
        text = shortened(harmless(" | ".join(self._lines), lines=False), LINES_MAXIMUM).rstrip(".")
        return f"; its last lines, of {self._log}: {text}" if text else ""

    def _read(self, output: IO[bytes]) -> None:
        """Keeps what it says, as far as there is room, and reads on, so that it never has to wait."""
        written = 0
        with contextlib.suppress(OSError, ValueError), self._log.open("ab") as log:
            for line in iter(lambda: output.readline(2**16), b""):
                self._lines.append(line.decode(errors="replace").rstrip())
                if written < LOG_MAXIMUM:
                    written += log.write(line)
                    log.flush()

    def _join(self) -> None:
        if self._reader is not None:
            self._reader.join(STOP_SECONDS)

    def _stop(self) -> None:
        """Ends it and all that it has started: they are one session."""
        process = self._process
        if process is None:
            return
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        self._signal(signal.SIGKILL)
        process.wait()
        self._join()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class Watch:
    """A plugin of pytest that ends a run when the target has ended by itself.

    Args:
        target: the target.
    """

    def __init__(self, target: StartedTarget) -> None:
        self._target = target
        self._collector: Collector | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Finds the collector that concludes."""
        plugin = session.config.pluginmanager.get_plugin(CONTROLLER)
        self._collector = getattr(plugin, "collector", None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Notes the end of the target before anything else is made of what the scenarios saw."""
        self._look()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Notes it where no scenario came to its end."""
        self._look()

    def _look(self) -> None:
        ended = self._target.ended()
        if ended and self._collector is not None:
            self._collector.crashed = self._collector.lost = ended


def _words(command: str, port: str) -> list[str]:
    """The words of a command."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"start is '{command}' (set by --start), which no shell would read: {error}.") from None
    if not words:
        raise UsageError("start is empty (set by --start); allowed is the command that starts the target.")
    return [word.replace(PORT, port) for word in words]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
