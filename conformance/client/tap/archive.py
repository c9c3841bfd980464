"""What has passed through a tap, as an HTTP archive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from pathlib import Path

from conformance.client.tap.log import Log
from conformance.trace import har
from conformance.trace.redaction import redacted


def archive(log: Log, path: Path, secrets: Set[str], room: int) -> int:
    """Writes the exchanges in the order of sending, without secrets.

    Args:
        log: what has passed.
        path: the file.
        secrets: texts that must not be seen.
        room: bytes that the entries may take.

    Returns:
        How many exchanges there was no room for.

    Raises:
        OSError: the file cannot be written.
    """
    order, start = [], 0
    for exchange, following in log.read():
        order.append((exchange.sent, start))
        start = following
    left_out = 0

    def lines() -> Iterator[str]:
        nonlocal left_out
        left, hidden = room, frozenset(secrets)
        for _, place in sorted(order):
            exchange, _ = next(log.read(place))
            line = json.dumps(redacted(har.entry_of(exchange), hidden))
            if len(line) > left:
                left_out += 1
                continue
            left -= len(line)
            yield line

    har.write(lines(), path)
    return left_out
