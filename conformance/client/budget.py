"""What a run may spend at most, counted over all of its processes: requests, images, time."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

DELETION_REQUESTS = 2
"""Set aside for each image when it is made, so that it can be deleted whatever else is spent."""

CLEANUP_REQUESTS = 20
"""Set aside for looking, at the end, whether anything is left."""

WAIT_SECONDS = 60.0
PAUSE_SECONDS = 0.01
UNLIMITED = 2**62

OWN_LOAD = 4.0
"""Processes that want a processor at once because of a run: its workers, or a target beside them that they wait for."""

_IMAGE = (
    f"UPDATE spent SET images = images + 1, pending = pending + 1, aside = aside + {DELETION_REQUESTS} "  # noqa: S608 - numbers of ours
    f"WHERE images < ? AND requests + aside + {DELETION_REQUESTS} < ?"
)
_MADE = "UPDATE spent SET pending = pending - 1"
_NOT_MADE = f"UPDATE spent SET pending = pending - 1, images = images - 1, aside = max(aside - {DELETION_REQUESTS}, 0)"  # noqa: S608


class BudgetSpent(Exception):  # noqa: N818 - it is no error of anybody's
    """The budget does not allow what a scenario was about to do; the text says which one, as a clause."""


class TimeOver(BudgetSpent):
    """The run has taken several times as long as it should have, though nobody has told how long it may take."""


@dataclass(frozen=True)
class Limits:
    """The budget of a run; None for no limit.

    `end` is the time when it is over (epoch seconds), `seconds` how long that is; `told` whether the user has said so.
    """

    requests: int | None = None
    images: int | None = None
    seconds: float | None = None
    end: float | None = None
    told: bool = True


class Budget:
    """The budget as one process of a run sees it.

    Args:
        limits: what may be spent.
        file: where all processes of the run keep the count; it is made where it is not there.

    Attributes:
        limits: what may be spent; its time may be set later.
    """

    def __init__(self, limits: Limits, file: Path | None = None) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._requests = UNLIMITED if limits.requests is None else limits.requests
        self._images = UNLIMITED if limits.images is None else limits.images
        self._counts: sqlite3.Connection | None = None
        if file is not None and (limits.requests is not None or limits.images is not None):
            self._counts = sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
            self._counts.execute("PRAGMA synchronous = OFF")
            self._counts.execute("PRAGMA journal_mode = MEMORY").fetchall()
            self._counts.execute(
                "CREATE TABLE IF NOT EXISTS spent (run INTEGER PRIMARY KEY, requests INT, images INT, pending INT, "
                "aside INT)"
            )
            self._counts.execute("INSERT OR IGNORE INTO spent VALUES (1, 0, 0, 0, ?)", (CLEANUP_REQUESTS,))

    def request(self, *, cleanup: bool = False) -> None:
        """Pays for a request before it is sent; one that cleans up is paid with what was set aside for that.

        Raises:
            BudgetSpent: it must not be sent.
        """
        if cleanup:
            paid = self._pay(
                "UPDATE spent SET requests = requests + 1, aside = max(aside - 1, 0) WHERE requests < ?", self._requests
            )
        else:
            self._check_time()
            paid = self._pay("UPDATE spent SET requests = requests + 1 WHERE requests + aside < ?", self._requests)
        if not paid:
            raise BudgetSpent(f"the {self.limits.requests} requests of --max-requests were spent")

    def image(self, *, refused: bool = False) -> None:
        """Pays for an image before it is made, and sets aside what its deletion will take.

        It waits where inserts under way may turn out to have made none. The last image is kept for inserts that
        should be refused: each of them gives it back.

        Args:
            refused: whether the insert should be refused.

        Raises:
            BudgetSpent: it must not be made.
        """
        most = self._images - (not refused)
        while not self._pay(_IMAGE, most, self._requests):
            images, requests = self._settled()
            if images >= most:
                raise BudgetSpent(f"the {self.limits.images} images of --max-images were spent")
            if requests + DELETION_REQUESTS >= self._requests:
                raise BudgetSpent(f"the {self.limits.requests} requests of --max-requests were spent")
            self._check_time()
            time.sleep(PAUSE_SECONDS)

    def settle(self, *, made: bool) -> None:
        """Notes whether the insert that was paid for has made an image; the payment is taken back where it has not."""
        self._pay(_MADE if made else _NOT_MADE)

    def close(self) -> None:
        """Closes the file."""
        if self._counts is not None:
            self._counts.close()

    def _check_time(self) -> None:
        end, seconds = self.limits.end, self.limits.seconds
        if end is None or seconds is None or time.time() <= end:
            return
        if self.limits.told:
            raise BudgetSpent(f"the {seconds:g} seconds of --max-time were over")
        longer = seconds * (crowding() - 1)
        if time.time() > end + longer:
            raise TimeOver(f"after {seconds + longer:.0f} s the run was not over; --max-time gives it longer")

    def _settled(self) -> tuple[int, int]:
        """The images that were made for certain, and the requests that are spent or set aside."""
        assert self._counts is not None
        with self._lock:
            # Every row is read, for a query that is not at its end keeps other processes from writing.
            ((images, requests),) = self._counts.execute(
                "SELECT images - pending, requests + aside FROM spent"
            ).fetchall()
        return images, requests

    def _pay(self, statement: str, *values: int) -> bool:
        """Changes the count where its condition holds, in one step that no other process can come between."""
        if self._counts is None:
            return True
        with self._lock:
            return self._counts.execute(statement, values).rowcount == 1


def crowding() -> float:
    """How many times longer everything takes since others use this machine as well; 1 where they do not."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # there is no such figure on this system
        return 1.0
    return max(1.0, (load - OWN_LOAD) / (os.cpu_count() or 1))
