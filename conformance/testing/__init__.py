"""The suite in tests of one's own: every rule as a test of pytest, and a judgement of what other tests exchanged.

Importing this, or the plugin beside it, loads nothing: whoever has the suite installed pays for it where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

Client = TypeVar("Client")


def recorded(client: Client) -> Client:
    """Records from now on what a client exchanges, for `assert_conforms`.

    Args:
        client: a `requests.Session`, an `httpx.Client` or an `httpx.AsyncClient`.

    Returns:
        The same client.

    Raises:
        TypeError: it is none of these.
    """
    from conformance.testing.recorder import record  # noqa: PLC0415 - see above

    record(client)
    return client


def assert_conforms(subject: Any, *, only: Sequence[str] = (), skip: Sequence[str] = ()) -> None:
    """Judges what was exchanged, by every rule that traffic can show to be broken.

    Which breaches count, and which are waived, is told by `conformance.toml`, the environment and `waivers.toml`, as
    for `conformance check`.

    Args:
        subject: a client that is `recorded`, or the path of a recording.
        only: judge by these rules only; empty for what the settings say.
        skip: leave these rules out.

    Raises:
        AssertionError: a rule is broken, or nothing of this API was exchanged.
        TypeError: the client is not recorded.
        UsageError: the recording cannot be read, or something is set to what it cannot be.
    """
    from conformance.testing.traffic import assert_traffic_conforms  # noqa: PLC0415 - see above

    __tracebackhide__ = True
    given = {key: list(words) for key, words in (("only", only), ("skip", skip)) if words}
    assert_traffic_conforms(Path(subject) if isinstance(subject, str) else subject, given)
