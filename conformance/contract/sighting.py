"""Images as they were seen, answer by answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.trace.blots import BLOT, holds_blot
from conformance.trace.exchange import Exchange
from conformance.trace.field_mask import EVERYTHING, FieldMask

MAY_BE_ABSENT = frozenset({"labels", "labelFingerprint", "deprecated"})
"""Fields of an image whose being absent tells that they have no value, unless the answer leaves them out anyway."""

NOT_IN_SHORT = frozenset({"diskSizeGb", "labelFingerprint", "selfLink", "sourceType"})
"""Fields of which a list that shows images in short leaves out one at least."""

OBJECTS = frozenset({"labels", "deprecated"})
"""Fields of an image that rules look into."""

LOOKED_INTO = frozenset({"deprecated"})
"""Those of which a part tells something, though others are blotted out."""


@dataclass(frozen=True)
class Sighting:
    """An image as one answer showed it; `via` is the API method that answered, `mask` what it was asked for, and
    `left_out` what such answers never show, be it there or not."""

    exchange: Exchange
    value: dict[str, Any]
    via: str
    project: str
    mask: FieldMask = EVERYTHING
    left_out: frozenset[str] = frozenset()

    def shows(self, *names: str) -> bool:
        """Whether the answer tells of these fields: each is there, or would be if it had a value.

        A field of the wrong JSON type tells nothing: that is the matter of the rule about its type.
        """
        told = all(
            (self.mask.covers(name) or (name in self.value and name not in self.mask.fields))
            and (name in self.value or name not in self.left_out)
            and (name in LOOKED_INTO or not holds_blot(self.value.get(name)))
            for name in names
        )
        return told and all(isinstance(self.value.get(name), dict | None) for name in OBJECTS.intersection(names))

    @cached_property
    def name(self) -> str | None:
        """The image's name as the answer says it, or the request where the answer was not asked for it."""
        name = self.value.get("name")
        route = self.exchange.route
        if name in (None, BLOT) and not self.shows("name") and self.via == "images.get" and route:
            return None if route.name.isdecimal() else route.name
        return name if isinstance(name, str) and name != BLOT else None
