"""Whether a target that was just started answers yet."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import requests

PAUSE_SECONDS = 0.05


def answers(url: str, seconds: float, ended: Callable[[], object] = lambda: False) -> bool:
    """Waits until a target answers a request, whatever the answer is; answers whether it does.

    Args:
        url: of the target.
        seconds: how long to wait at most.
        ended: tells that it never will.
    """
    end = time.monotonic() + seconds
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < end and not ended():
            with contextlib.suppress(requests.RequestException):
                # Whether its certificate is good is for the run to see.
                session.get(url, timeout=1, stream=True, verify=False, allow_redirects=False).close()
                return True
            time.sleep(PAUSE_SECONDS)
    return False
