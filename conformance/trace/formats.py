"""The formats that values of the API have: checks and conversions that never raise."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeGuard

UINT64_MAXIMUM = 2**64 - 1
INT64_MAXIMUM = 2**63 - 1
INT64_MINIMUM = -(2**63)

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DECIMAL = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_SIGNED_DECIMAL = re.compile(r"-?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,100}(?:\.[0-9]{0,100})?(?:[eE][+-]?[0-9]{1,2})?\s*", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

REMEMBERED_MAXIMUM = 64
"""Characters of a text that is kept with the instant that it means: no ordinary one has more."""


def timestamp(value: Any) -> datetime | None:
    """The instant that an RFC 3339 text means; None for anything else. A leap second counts as the second after it."""
    if not isinstance(value, str):
        return None
    return _remembered(value) if len(value) <= REMEMBERED_MAXIMUM else _instant(value)


def _instant(text: str) -> datetime | None:
    found = _RFC3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    microsecond = int((found[7] or "0")[:6].ljust(6, "0"))
    offset = timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
    if second > 60 or int(found[10] or 0) > 59:
        return None
    try:
        zone = timezone(-offset if found[8] == "-" else offset)
        moment = datetime(year, month, day, hour, minute, min(second, 59), microsecond, zone)
        return (moment + timedelta(seconds=1) if second == 60 else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_remembered = lru_cache(4096)(_instant)


def is_timestamp(value: Any) -> bool:
    """Whether a value is RFC 3339; its year may be 0000, which no clock here can show."""
    return timestamp(value) is not None or (
        isinstance(value, str) and value.startswith("0000") and timestamp(f"2000{value[4:]}") is not None
    )


def resolution(text: str) -> float:
    """Seconds between one timestamp of this precision and the next: 0.001 for one with milliseconds."""
    found = _RFC3339.fullmatch(text)
    return 10.0 ** -len(found[7] or "") if found else 0.0


def same_instant(one: str, two: str) -> bool:
    """Whether two RFC 3339 texts mean one instant, as far as the less precise of them tells."""
    first, second = timestamp(one), timestamp(two)
    if first is None or second is None:
        return False
    if resolution(one) == resolution(two):
        return first == second
    return abs((first - second).total_seconds()) < max(resolution(one), resolution(two))


def is_uint64(value: Any) -> TypeGuard[str]:
    """Whether a value is an unsigned 64-bit integer as a decimal string, as the API writes identifiers."""
    return isinstance(value, str) and bool(_DECIMAL.fullmatch(value)) and _within(value, UINT64_MAXIMUM)


def is_int64(value: Any) -> TypeGuard[str]:
    """Whether a value is a signed 64-bit integer as a decimal string; zeros in front do not make it another."""
    return isinstance(value, str) and bool(_SIGNED_DECIMAL.fullmatch(value)) and _within(value, INT64_MAXIMUM)


def integer(value: Any) -> int | None:
    """The whole number that a JSON value stands for, as a lenient reader takes it: 7, "7", "+07", 7.0 or "7e0"; None
    without one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    number = Decimal(str(value).strip())
    return int(number) if number == number.to_integral_value() else None


def as_text(value: Any) -> Any:
    """A whole number as the text that the API writes it as, anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _within(digits: str, maximum: int) -> bool:
    return len(digits) <= 20 and abs(int(digits)) <= maximum


def is_uuid(value: str) -> bool:
    """Whether a text is a UUID in its canonical form, of any version and in either case."""
    return bool(_UUID.fullmatch(value))


def decoded(value: Any) -> bytes | None:
    """The bytes behind a base64 text (RFC 4648, standard or URL-safe, padding optional); None for anything else."""
    if not isinstance(value, str):
        return None
    text = value.rstrip("=").translate(str.maketrans("-_", "+/"))
    if len(value) - len(text) > 2 or (value and not text):
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def is_base64(value: Any) -> bool:
    """Whether a value is a base64 text."""
    return decoded(value) is not None


def link(value: Any) -> str:
    """A resource URL from `projects/` on, without host and version; "" for what is no such URL."""
    if not isinstance(value, str):
        return ""
    path = value.split("?", 1)[0]
    position = path.find("projects/")
    return path[position:].rstrip("/") if position >= 0 else ""
