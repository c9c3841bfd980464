"""Keeps secrets out of everything that is written or printed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

REDACTED = "REDACTED"
_HEADERS = re.compile(r"authorization|cookie|token|secret|api-?key|password", re.IGNORECASE)


def redacted(value: Any, secrets: Iterable[str], hidden_headers: Iterable[str] = ()) -> Any:
    """A JSON value without secrets: without the given texts anywhere, and without the values of telling headers.

    Args:
        value: any JSON value.
        secrets: texts that must not be seen.
        hidden_headers: names of further headers whose values are secret.
    """
    texts = sorted((secret for secret in secrets if secret), key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(text) for text in texts)) if texts else None
    return _redact(value, pattern, frozenset(name.lower() for name in hidden_headers))


def _redact(value: Any, pattern: re.Pattern[str] | None, hidden: frozenset[str]) -> Any:
    match value:
        case str():
            return pattern.sub(REDACTED, value) if pattern else value
        case dict():
            return {key: _redact_entry(key, part, pattern, hidden) for key, part in value.items()}
        case list():
            return [_redact(part, pattern, hidden) for part in value]
    return value


def _redact_entry(key: str, part: Any, pattern: re.Pattern[str] | None, hidden: frozenset[str]) -> Any:
    if key == "headers" and isinstance(part, dict):
        return {
            name: REDACTED if _HEADERS.search(name) or name.lower() in hidden else _redact(text, pattern, hidden)
            for name, text in part.items()
        }
    return _redact(part, pattern, hidden)
