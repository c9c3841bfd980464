"""Whether a target that was just started answers yet."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

PAUSE_SECONDS = 0.05


def answers(url: str, seconds: float, ended: Callable[[], object] = lambda: False) -> bool:
    """Waits until a target answers a request, whatever the answer is; answers whether it does.

    Args:
        url: of the target.
        seconds: how long to wait at most.
        ended: tells that it never will.
    """
    end = time.monotonic() + seconds
    with PoolManager(cert_reqs="CERT_NONE") as client:
        while time.monotonic() < end and not ended():
            with contextlib.suppress(HTTPError):
                # Whether its certificate is good is for the run to see.
                client.request("GET", url, timeout=1, retries=False, redirect=False, preload_content=False).close()
                return True
            time.sleep(PAUSE_SECONDS)
    return False
