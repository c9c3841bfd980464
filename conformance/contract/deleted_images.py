"""Images that were deleted, as they were seen before: those that take their names later are others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.rule import is_set
from conformance.contract.sighting import Sighting


@dataclass(frozen=True)
class DeletedImage:
    """An image that was deleted.

    Args:
        delete: the request.
        shown: the values of a field that looks showed before it, as text, each with the first such look.
        last: the last look before it.
    """

    delete: Mutation
    shown: dict[str, Sighting]
    last: Sighting


def remade(history: History, field: str) -> Iterator[tuple[Mutation, Sequence[DeletedImage]]]:
    """The inserts that took the name of a deleted image, each with such images of which looks tell of a field; what is
    answered to a replay was done before it."""
    deleted = _deleted(history, field)
    for insert in history.created:
        known = deleted.get((insert.project, insert.image), ())
        before = [one for one in known if after(one.delete.end, insert.exchange)]
        if before:
            yield insert, before


def _deleted(history: History, field: str) -> dict[tuple[str, str | None], list[DeletedImage]]:
    """The images that were deleted, by project and name."""
    looks: dict[tuple[str, str | None], dict[int, Sighting]] = defaultdict(dict)
    for seen in history.showing(field):
        for known in (seen.name, str(seen.value.get("id"))):
            looks[seen.project, known][id(seen)] = seen
    found: dict[tuple[str, str | None], list[DeletedImage]] = defaultdict(list)
    for change in history.mutations:
        if change.method == "images.delete" and change.outcome == "succeeded" and change.original is None:
            before: dict[str | None, list[Sighting]] = defaultdict(list)
            for seen in looks[change.project, change.image].values():
                if after(seen.exchange, change.exchange):
                    before[seen.name].append(seen)
            for name, seen_before in before.items():
                told = {str(seen.value[field]): seen for seen in reversed(seen_before) if is_set(seen.value.get(field))}
                found[change.project, name].append(DeletedImage(change, told, seen_before[-1]))
    return found
