"""Where failing examples are kept, so that the next run tries them first: Hypothesis's own databases."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from conformance.config.settings import Settings, UsageError

REDIS = ("redis://", "rediss://")
INSTALL = "install the suite with its extra [redis], or run pip install 'redis>=5'"


def cache() -> Path:
    """The suite's folder among the user's caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compute-images-conformance"


def open_examples(settings: Settings) -> ExampleDatabase | None:
    """The database of a run; None where it keeps none.

    Only what is random needs one: examples that every run has are found again without.

    Args:
        settings: of the run.

    Raises:
        UsageError: the database is a Redis, and its client is not installed.
    """
    place = settings.examples
    if place is None:
        return DirectoryBasedExampleDatabase(cache() / "examples") if settings.profile == "thorough" else None
    if not place.startswith(REDIS):
        return DirectoryBasedExampleDatabase(place)
    try:
        from hypothesis.extra.redis import RedisExampleDatabase  # noqa: PLC0415 - an optional extra
        from redis import Redis  # noqa: PLC0415
    except ImportError:
        raise UsageError(f"examples is a Redis, but its client is not installed; {INSTALL}.") from None
    try:
        return RedisExampleDatabase(Redis.from_url(place))
    except ValueError:
        raise UsageError("examples begins with redis:// and yet is no URL of a Redis.") from None


class Drawer(ExampleDatabase):
    """The part of a database that belongs to one scenario: Hypothesis would tell them apart by their source text.

    Args:
        database: the database.
        name: of the scenario.
        keeps: whether examples are written to it, and taken out that fail no more.
    """

    def __init__(self, database: ExampleDatabase, name: str, *, keeps: bool) -> None:
        super().__init__()
        self._database = database
        self._name = name.encode()
        self._keeps = keeps

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """The examples under a key."""
        return self._database.fetch(self._name + key)

    def save(self, key: bytes, value: bytes) -> None:
        """Keeps an example under a key."""
        if self._keeps:
            self._database.save(self._name + key, value)

    def delete(self, key: bytes, value: bytes) -> None:
        """Takes an example out."""
        if self._keeps:
            self._database.delete(self._name + key, value)
