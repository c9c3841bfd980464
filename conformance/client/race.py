"""Requests that are sent at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from conformance.client.transport import Transport

Result = TypeVar("Result")

START_SECONDS = 60.0
"""How long the threads of a race may take to come to the start."""


class Race:
    """Sends requests from several threads that start together, each with its connection open already.

    Args:
        transport: what they send with.
        size: how many there are.
    """

    def __init__(self, transport: Transport, size: int) -> None:
        self.size = size
        self._transport = transport
        self._pool = ThreadPoolExecutor(size)
        self._one_at_a_time = threading.Lock()

    def run(self, act: Callable[[int], Result]) -> list[Result]:
        """Acts in every thread at once, each with its number from 0 on; the results in the order of these numbers.

        What one of them raises is raised here when all have ended; of one that could not start, not of those that
        waited for it in vain.
        """
        barrier = threading.Barrier(self.size)

        def start(number: int) -> Result:
            try:
                self._transport.connect()
                barrier.wait(START_SECONDS)
            except BaseException:
                barrier.abort()
                raise
            return act(number)

        with self._one_at_a_time:
            futures = [self._pool.submit(start, number) for number in range(self.size)]
            wait(futures)
        raised = [error for error in (future.exception() for future in futures) if error]
        for error in sorted(raised, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
            raise error
        return [future.result() for future in futures]

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(cancel_futures=True)
