"""The time for which a tap is open: until a signal, until a command ends, or until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.client.tap.proxy import Tap

END_SECONDS = 10.0
"""How long a command may take to end that was told to."""


class NoCommandError(Exception):
    """The command cannot be started; the text says why."""


@dataclass
class Session:
    """How a tap was left.

    Attributes:
        status: that of the command, negative for the signal that ended it; None without one.
        interrupted: whether a signal ended the tap.
    """

    status: int | None = None
    interrupted: bool = False


class Stop:
    """Ends a session, from whatever thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Event | None = None

    def open(self) -> asyncio.Event:
        """What is set once it is time to stop; to be called in the loop that waits for it."""
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        return self._told

    def __call__(self) -> None:
        """Time to stop."""
        if self._loop is not None and self._told is not None:
            # A loop that is closed already has stopped.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._told.set)


async def keep_open(
    tap: Tap,
    listen: tuple[str, int],
    command: Sequence[str],
    announce: Callable[[str], dict[str, str]],
    stop: Stop,
) -> Session:
    """Keeps a tap open.

    Args:
        tap: the tap.
        listen: host and port to listen at.
        command: what is run meanwhile, and ends it; empty for none.
        announce: is told the URL of the tap, and answers what the command has in its environment beside what is there.
        stop: ends the session.

    Raises:
        OSError: nobody can listen there.
        NoCommandError: the command cannot be started.
    """
    session, told, loop = Session(), stop.open(), asyncio.get_running_loop()

    def interrupt() -> None:
        session.interrupted = True
        told.set()

    host, port = await tap.start(*listen)
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)
        added = announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        waiting = asyncio.create_task(told.wait())
        if command:
            session.status = await _run(command, {**os.environ, **added}, waiting)
        else:
            await waiting
        waiting.cancel()
    finally:
        tap.stop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return session


async def _run(command: Sequence[str], environment: dict[str, str], stopped: asyncio.Task[bool]) -> int:
    """Runs a command to its end, or until the session is to stop; answers its status."""
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environment)
    except OSError as error:
        raise NoCommandError(f"'{command[0]}' cannot be started ({(error.strerror or str(error)).lower()})") from None
    ended = asyncio.create_task(process.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), END_SECONDS)
    if not ended.done():
        process.kill()
    return await ended
