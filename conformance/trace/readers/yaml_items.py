"""YAML that others wrote, read item by item: no tag makes an object, and no alias makes a text grow.

Events are put together here rather than by PyYAML's loaders, which hold a whole document in memory.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import yaml

DEPTH_MAXIMUM = 100
"""How deep a document may be nested."""

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_BINARY = "tag:yaml.org,2002:binary"


def items(file: BinaryIO, keys: Collection[str]) -> Iterator[Any]:
    """The items of the list that the document has under one of some keys, one by one.

    A value is a mapping, a list, a text, bytes or None: numbers and times stay the texts that they are written as.

    Raises:
        ValueError: the text is not YAML, or is nested too deep.
    """
    builder = _Builder(file)
    try:
        yield from builder.items(keys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"it is not valid YAML: {str(error).splitlines()[0]}") from None


class _Builder:
    """Puts events together into values."""

    def __init__(self, file: BinaryIO) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(file, Loader=_PARSER))
        self._anchors: dict[str, Any] = {}

    def items(self, keys: Collection[str]) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, yaml.MappingStartEvent):
                break
        else:
            return
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                return
            key = self._value(event, 1)
            event = next(self._events)  # noqa: PLW2901 - the event after it
            if key not in keys or not isinstance(event, yaml.SequenceStartEvent):
                self._value(event, 1)
                continue
            for item in self._events:
                if isinstance(item, yaml.SequenceEndEvent):
                    break
                yield self._value(item, 2)

    def _value(self, event: Any, depth: int) -> Any:
        if depth > DEPTH_MAXIMUM:
            raise ValueError(f"it is nested deeper than {DEPTH_MAXIMUM} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._anchors.get(event.anchor or "")
        if isinstance(event, yaml.ScalarEvent):
            return self._keep(event, _scalar(event))
        if isinstance(event, yaml.SequenceStartEvent):
            found: list[Any] = self._keep(event, [])
            for part in self._events:
                if isinstance(part, yaml.SequenceEndEvent):
                    return found
                found.append(self._value(part, depth + 1))
        mapping: dict[str, Any] = self._keep(event, {})
        for part in self._events:
            if isinstance(part, yaml.MappingEndEvent):
                break
            key = self._value(part, depth + 1)
            value = self._value(next(self._events), depth + 1)
            if isinstance(key, str):
                mapping[key] = value
        return mapping

    def _keep(self, event: Any, value: Any) -> Any:
        if event.anchor:
            self._anchors[event.anchor] = value
        return value


def _scalar(event: yaml.ScalarEvent) -> str | bytes | None:
    if event.tag == _BINARY:
        try:
            return base64.b64decode(event.value)
        except (binascii.Error, ValueError):
            return str(event.value)
    plain = event.implicit[0] and event.style in (None, "")
    return None if plain and event.value in _NOTHING else str(event.value)
