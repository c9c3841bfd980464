"""Time as the API writes it."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone

PACIFIC = timezone(timedelta(hours=-7))


def written(moment: float) -> str:
    """Seconds since the epoch as an RFC 3339 timestamp with milliseconds and an offset."""
    return datetime.fromtimestamp(moment, PACIFIC).isoformat(timespec="milliseconds")


def moment(text: str) -> float:
    """An RFC 3339 timestamp as seconds since the epoch, to the microsecond."""
    whole, _, fraction = text.upper().replace("Z", "+00:00").partition(".")
    digits = "".join(itertools.takewhile(str.isdecimal, fraction))
    zone = fraction[len(digits) :]
    return datetime.fromisoformat(f"{whole}{zone}").timestamp() + float(f"0.{digits or 0}")
