"""Rules about the names of images: what a name is, and that one image has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from conformance.contract.bystanders import CHANGEABLE, UNNOTICED_SECONDS
from conformance.contract.fields import (
    NAME_MAXIMUM,
    NAME_PATTERN,
)
from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.requests import CONFLICT, blamed_though_right, request_rule
from conformance.contract.round_trip import comes_back
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


NAME = re.compile(NAME_PATTERN)

SHOWS_IMAGES = frozenset({"images.get", "images.getFromFamily", "images.list"})
"""The API methods that answer images."""


def bad_name(name: str) -> bool:
    """Whether a text is no name, as the pattern for names has it."""
    return bool(name) and not NAME.fullmatch(name)


def right_name(name: str) -> bool:
    """Whether a text is a name for certain, by its pattern and its length."""
    return bool(NAME.fullmatch(name)) and len(name) <= NAME_MAXIMUM


_blamed_though_right = blamed_though_right("name", lambda view: right_name(view.text("name")))


def _shown_as_a_name(history: History) -> Iterator[Finding]:
    """Judges each name that an answer about images shows: a path is none."""
    for exchange in history.exchanges:
        if exchange.method in SHOWS_IMAGES and exchange.answered:
            yield expect(
                not exchange.paths_for_names,
                "a path is shown in the place of a name",
                exchange,
                expected="a name",
                observed=next(iter(exchange.paths_for_names), None),
            )


RULES.add(
    request_rule(
        "image.name.required",
        "doc",
        "An insert without a name gets an error, and there is no image.",
        "Fields > name",
        "name is the one field marked as required, so an insert without it cannot make an image.",
        lambda view: view.is_object and view.body.get("name") is None,
        no_image=True,
    )
)
RULES.add(
    request_rule(
        "image.name.pattern",
        "doc",
        "Every name that matches [a-z]([-a-z0-9]*[a-z0-9])? is accepted, and every other is refused; no path is shown "
        "in its place.",
        "Fields > name",
        "The regular expression for names is given in full, so it decides what is a name and what is none.",
        lambda view: bad_name(view.text("name")),
        also=lambda history: chain(_blamed_though_right(history), _shown_as_a_name(history)),
    )
)
RULES.add(
    request_rule(
        "image.name.length",
        "doc",
        "Names of 1 to 63 characters are accepted; an empty one and one of 64 are refused.",
        "Fields > name",
        "Names are said to have 1 to 63 characters, so both limits are within and their neighbours beyond.",
        lambda view: view.body.get("name") == "" or len(view.text("name")) > NAME_MAXIMUM,
    )
)


@RULES.rule(
    "image.name.unique",
    "conv",
    "A second insert of a name in a project answers 409, while the first is under way as well, and leaves its image "
    "as it was.",
    "Fields > name",
    "That names are unique in a project is left unsaid; the real service answers 409 with alreadyExists.",
)
def _unique(history: History) -> Iterator[Finding]:
    yield from _twins(history)
    yield from _taken_over(history)
    for first in history.created:
        deletes = [change.exchange for change in history.changes(first) if change.method == "images.delete"]
        for second in history.inserts:
            fresh = second.original is None and second.image == first.image and second.project == first.project
            if not fresh or second.invalid:
                continue
            if not (after(first.exchange, second.exchange) or _both_made(history, first, second)):
                continue
            if any(not after(second.exchange, delete) for delete in deletes) or second.operation is first.operation:
                continue
            conflict = second.exchange.status == 409 or (
                second.outcome == "failed" and second.operation is not None and _conflicted(second.operation.final)
            )
            if second.exchange.refused and "requestId" in str(second.exchange.error):
                continue  # It is the requestId that is refused, for what it looks like.
            if second.by_chance or (second.outcome == "succeeded" and history.left_alone(first, second.exchange)):
                continue
            if second.outcome in ("refused", "failed", "succeeded") and not second.exchange.retried:
                yield expect(
                    conflict,
                    "a second insert of a name must answer a conflict",
                    first.exchange,
                    second.exchange,
                    expected="409, at once or on the operation",
                    observed=f"HTTP {second.exchange.status}, {second.outcome}",
                )
            kept = None if history.left_alone(first, second.exchange) else history.identity(first, second.exchange)
            for sighting in history.every_sighting:
                seen_later = sighting.via == "images.get" and after(second.exchange, sighting.exchange)
                made_since = history.remade_since(second.exchange, sighting)
                if history.doomed(sighting):
                    continue
                if seen_later and conflict and sighting.name == first.image and kept and not (deletes or made_since):
                    yield expect(
                        str(sighting.value.get("id")) == kept or history.echoes(sighting, "id"),
                        "the second insert of a name replaced the first image",
                        second.exchange,
                        sighting.exchange,
                        expected=kept,
                        observed=sighting.value.get("id"),
                    )


def _taken_over(history: History) -> Iterator[Finding]:
    """Judges that an image of a recording does not show what an insert asks for that was refused since it is there."""
    for insert in history.inserts if history.trace.recorded else ():
        before = history.last_seen(insert) if insert.exchange.status == CONFLICT else None
        looks = history.looks_at(insert)
        seen = next((look for look in looks if after(insert.exchange, look.exchange)), None)
        if before is None or seen is None or before.value.get("id") != seen.value.get("id"):
            continue
        late = seen.exchange.sent - before.exchange.received > UNNOTICED_SECONDS
        if late or any(not after(other.exchange, before.exchange) for other in history.changes(insert)):
            continue
        asked = {name: insert.body[name] for name in sorted(CHANGEABLE) if is_set(insert.body.get(name))}
        taken = {
            name: seen.value.get(name)
            for name, value in asked.items()
            if seen.shows(name)
            and comes_back(name, value, seen.value.get(name), insert.project)
            and not comes_back(name, value, before.value.get(name), insert.project)
        }
        yield expect(
            not taken,
            "the second insert of a name changed the first image",
            before.exchange,
            insert.exchange,
            seen.exchange,
            expected={name: before.value.get(name) for name in taken},
            observed=taken,
        )


def _both_made(history: History, first: Mutation, second: Mutation) -> bool:
    """Whether two inserts of a recording that were under way at the same time have made an image each."""
    ids = {history.identifier(first), history.identifier(second)} - {None}
    later = first.exchange.number < second.exchange.number
    return history.trace.recorded and later and len(ids) > 1 and second.outcome == "succeeded"


def _twins(history: History) -> Iterator[Finding]:
    """Two images of one name on one page of a list."""
    first: dict[tuple[int, str, str | None], Sighting] = {}
    for seen in history.every_sighting:
        doubled = seen.via == "images.list" and history.held_twice(seen.project, seen.name, seen.exchange)
        if doubled and seen.name and not history.doomed(seen):
            before = first.setdefault((seen.exchange.number, seen.project, seen.name), seen)
            if before.value.get("id") != seen.value.get("id"):
                yield expect(
                    False,
                    "two images have one name",
                    seen.exchange,
                    expected=f"one image {seen.name}",
                    observed=[before.value.get("id"), seen.value.get("id")],
                )


def _conflicted(final: Any) -> bool:
    return final is not None and final.value.get("httpErrorStatusCode") in (409, None, 0)
