"""Which scenarios a run has, and in which order: shards, and what is worth most where not everything can be paid
for."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from fnmatch import fnmatchcase

from conformance.contract import catalogue

WEIGHTS = (
    "request-id.*",
    "life.insert",
    "image.output-only.*",
    "source.*",
    "image.name.*",
    "encryption.*",
    "operation.*",
    "image.*",
    "life.*",
    "access.*",
    "labels.*",
    "deprecate.*",
    "family.*",
)
"""Globs of rules, those first of which a breach does the most harm; all others are worth less."""


def weight(rules: Collection[str]) -> tuple[int, int]:
    """What a scenario is worth: the weight of its weightiest rule, and how many rules it puts to the test.

    Args:
        rules: those that it puts to the test.
    """
    return max((_weight(rule) for rule in rules), default=0), len(rules)


def _weight(rule: str) -> int:
    place = next((place for place, glob in enumerate(WEIGHTS) if fnmatchcase(rule, glob)), len(WEIGHTS))
    return 2 * (len(WEIGHTS) - place) + (catalogue()[rule].basis == "doc")


def in_shard(rules: Collection[str], shard: str | None) -> bool:
    """Whether a scenario belongs to a shard: the name of its first rule decides, the same way on every machine.

    Args:
        rules: those that the scenario puts to the test.
        shard: as `I/N`; None where the run has no shards.
    """
    if shard is None:
        return True
    number, _, count = shard.partition("/")
    return zlib.crc32(min(rules).encode()) % int(count) == int(number) - 1
