"""What is told of an image elsewhere than by a get of it: what a get shows before that and afterwards."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from conformance.contract.comparison import unasked
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.order import after
from conformance.contract.rule import Finding, expect

_OWN_RULES = frozenset({"kind", "id", "name", "selfLink", "creationTimestamp", "imageEncryptionKey"})
"""Fields of which other rules say what they are in any answer."""


def told_otherwise(history: History, methods: Collection[str], message: str) -> Iterator[Finding]:
    """Judges that what methods show of an image that nobody has changed yet is what a get shows before and afterwards.

    They may leave fields out.

    Args:
        history: what was observed.
        methods: those that show images by the way.
        message: what to say where one shows another value.
    """
    for insert in history.created:
        identifier = history.known_id(insert)
        changed = min((change.exchange.sent for change in history.changes(insert)), default=math.inf)
        looks = [
            seen
            for seen in history.sightings
            if (seen.project, seen.name) == (insert.project, insert.image)
            if seen.value.get("id") in (identifier, None) and seen.exchange.received < changed
        ]
        gets = [seen for seen in looks if seen.via == "images.get" and after(insert.end, seen.exchange)]
        for told in looks:
            if told.via not in methods:
                continue
            around = [
                [seen for seen in gets if after(seen.exchange, told.exchange)][-1:],
                [seen for seen in gets if after(told.exchange, seen.exchange)][:1],
            ]
            if not all(around):
                continue
            (before,), (later,) = around
            unsteady = unasked(before.value, later.value, ())
            differ = {
                name: value
                for name, value in unasked(before.value, told.value, _OWN_RULES | unsteady.keys()).items()
                if name in told.value and well_typed(told.value, name)
            }
            yield expect(
                not differ,
                message,
                before.exchange,
                told.exchange,
                later.exchange,
                expected={name: before.value.get(name) for name in differ},
                observed=differ,
            )
