"""The looks at an image after a request, as far as they tell what became of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from conformance.contract.sighting import Sighting


@dataclass(frozen=True)
class LaterLooks:
    """The looks at an image after a request: gets, and what else shows it; and when what may change it came, with the
    fields that it may change (None for all)."""

    gets: tuple[Sighting, ...]
    others: tuple[Sighting, ...]
    ends: tuple[tuple[float, frozenset[str] | None], ...]

    @cached_property
    def _every(self) -> list[Sighting]:
        return sorted((*self.gets, *self.others), key=lambda seen: seen.exchange.number)

    @cached_property
    def _first_ends(self) -> dict[str | None, float]:
        """When each field may have been changed first; under None all of them, and under "" any."""
        first: dict[str | None, float] = {}
        for sent, touched in self.ends:
            for name in ("", *((None,) if touched is None else touched)):
                first[name] = min(sent, first.get(name, math.inf))
        return first

    def until(self, fields: Collection[str]) -> Sequence[Sighting]:
        """The looks before anything could change some fields, or any at all: gets where there are any; of some fields
        whatever shows them."""
        names = (None, *fields) if fields else ("",)
        end = min(self._first_ends.get(name, math.inf) for name in names)
        kinds = (self._every,) if fields else (self.gets, self.others)
        in_time = ([seen for seen in looks if seen.exchange.received < end] for looks in kinds)
        return next(filter(None, in_time), ())
