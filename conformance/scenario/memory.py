"""Large texts cost memory only as long as somebody needs them."""

from __future__ import annotations

import contextlib
import ctypes

MMAP_THRESHOLD = -3
"""The number of this parameter in glibc's malloc.h."""

LARGE = 128 * 2**10


def give_back_large_blocks() -> None:
    """Lets this process give back what it no longer needs.

    A target's answers may have a megabyte each, and races read many at once: glibc would keep the room for them, for
    each thread apart. Other systems have no such parameter.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)
