"""What a history tells of each image, as calls that take effect at one moment each: what the search for an order takes.

A change takes effect between its request and the answer that shows it DONE. A replay changes nothing; with the
request that it repeats it is one call. What was refused, or has failed, changes nothing either, and tells at most
that a name was taken or an image was not there; but an insert may fail since its image was deleted. What nobody saw
the end of may have taken effect at any time, or not at all.

How late something may be seen is said here alone: a look may show an image as it was MOMENT_SECONDS before it was
sent, each of its fields by itself, and beyond that the history leaves out what it excuses itself.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.contract.comparison import own_labels
from conformance.contract.history import History
from conformance.contract.image_model import LOOK, MISSING, TAKEN, Asked, Facts, ImageCall
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.linearizability import Call
from conformance.contract.list_filter import passes
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.requests import conflicts
from conformance.contract.round_trip import SERVICE_PREFIX
from conformance.contract.rule import is_set
from conformance.contract.sighting import Sighting
from conformance.trace.exchange import Exchange
from conformance.trace.formats import decoded

ACTIVE = "ACTIVE"
"""The state of an image that nobody has deprecated."""


FACTS_OF_FIELDS = {"labels": "labels", "deprecated": "deprecation"}
"""What of an image a PATCH changes, by the fields that it names."""

CALLS_MAXIMUM = 400
"""Calls of one image beyond which no order is looked for."""


@dataclass(frozen=True, eq=False)
class Told:
    """A call, with the request behind it and its replays, and the exchange that showed its end."""

    call: ImageCall
    exchange: Exchange
    end: Exchange
    replays: tuple[Exchange, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it may have changed the image."""
        return self.call.argument.method not in (LOOK, TAKEN, MISSING)


Shown = Sequence[tuple[Exchange, bytes | None, Facts]]
"""The fingerprints that looks showed, each with the id and the labels beside it."""

Story = tuple[Told, ...]
"""All that is told of the images of one name."""


def stories(history: History) -> Iterator[Story]:
    """The stories of all names of which changes overlapped, but for those that tell of something else: faulty
    requests that were carried out, replays that are none to the letter, images that share a name.
    """
    ids = {history.identifier(insert): insert.image for insert in history.inserts} | history.names
    changes: dict[tuple[str, str], list[Mutation]] = defaultdict(list)
    for mutation in history.mutations:
        name = ids.get(mutation.image, mutation.image)
        if name:
            changes[mutation.project, name].append(mutation)
    for (project, name), group in changes.items():
        if not _together(group) or any(_strange(change) for change in group):
            continue
        if history.held_twice(project, name, max((one.exchange for one in group), key=lambda one: one.received)):
            continue
        shown = _fingerprints(history, project, name)
        requests = list(_requests(history, group))
        cancelled = _cancelled(history, group)
        effects = [told for request in requests for told in _effect(history, request, shown, cancelled)]
        effects += _under_way(history, effects)
        refusals = [told for change in group for told in _refusal(change, group, effects)]
        story = (*effects, *refusals, *_looks(history, project, name))
        if len(story) <= CALLS_MAXIMUM:
            yield tuple(sorted(story, key=lambda told: told.exchange.number))


def _together(group: Sequence[Mutation]) -> bool:
    """Whether any two requests overlapped."""
    latest = -math.inf
    for exchange in sorted((change.exchange for change in group), key=lambda exchange: exchange.sent):
        if exchange.sent < latest:
            return True
        latest = max(latest, exchange.received)
    return False


def _strange(change: Mutation) -> bool:
    first = change.original
    other = first is not None and (not change.same_content or first.request_id != change.request_id)
    return not change.exchange.rejected and (other or change.invalid)


# Changes


def _requests(history: History, group: Sequence[Mutation]) -> Iterator[list[Mutation]]:
    """The requests that are to be carried out, each with its replays; a replay that tells of another image is no
    replay."""
    found: dict[int, list[Mutation]] = {}
    for change in group:
        first, operation = change.original, change.operation
        if first is not None and first in group and not _apart(history, first, change):
            found.setdefault(id(first), [first]).append(change)
        elif first is not None or operation is None or operation.mutation is change:
            found.setdefault(id(change), [change])
        # Else it was answered with the operation of another request, and comes to the same.
    yield from found.values()


def _apart(history: History, first: Mutation, replay: Mutation) -> bool:
    ids = {history.identifier(first), history.identifier(replay)}
    return first.outcome == replay.outcome == "succeeded" and len(ids - {None}) > 1


def _cancelled(history: History, group: Sequence[Mutation]) -> list[Mutation]:
    """The inserts that failed since their image was deleted while it was PENDING: it was there until then."""
    deletes = [change for change in group if change.method == "images.delete" and change.outcome == "succeeded"]
    deleted = {history.identifier(delete) for delete in deletes} - {None}
    return [
        change
        for change in group
        if change.method == "images.insert" and change.outcome == "failed" and not conflicts(change)
        if history.identifier(change) in deleted
    ]


def _effect(
    history: History, request: Sequence[Mutation], shown: Shown, cancelled: Sequence[Mutation]
) -> Iterator[Told]:
    first = request[0]
    start = min(change.exchange.sent for change in request)  # of simultaneous ones any may have been the first
    replays = tuple(change.exchange for change in request[1:])
    done = [change for change in request if change.outcome == "succeeded" or change in cancelled]
    if done:
        ended = min(done, key=lambda change: change.end.received)
        end = ended.end
        target = Facts(id=None if "id" in history.trace.restless else history.identifier(ended))
        yield Told(Call(start, end.received, _asked(first, shown), target), first.exchange, end, replays)
    elif any(_open(change) for change in request):
        yield Told(
            Call(start, math.inf, _asked(first, shown), Facts(), certain=False), first.exchange, request[-1].exchange
        )


def _under_way(history: History, effects: Sequence[Told]) -> Iterator[Told]:
    """A delete that a recording does not show, since it was under way when that began: of an image that was there."""
    first = min(effects, key=lambda told: told.call.start, default=None)
    made = first is not None and first.call.argument.method == "images.insert"
    if history.trace.recorded and not made:
        begin = history.exchanges[0]
        end = begin.sent + LATE_SECONDS
        yield Told(Call(begin.sent, end, Asked("images.delete"), Facts(), certain=False), begin, begin)


def _open(change: Mutation) -> bool:
    """Whether a request may have been carried out, or may still be, though nobody has seen that."""
    return change.exchange.retried or (change.outcome in ("running", "unknown") and not change.exchange.rejected)


def _asked(change: Mutation, shown: Shown) -> Asked:
    view, method = change.view, change.method
    # Which of the service's own labels stay is not known.
    labels = None if any(key.startswith(SERVICE_PREFIX) for key in view.labels) else _text(view.labels)
    state = str(view.deprecation.get("state") or ACTIVE)
    match method:
        case "images.insert":
            return Asked(method, Facts(labels=labels, deprecation=None if view.deprecation else ACTIVE))
        case "images.setLabels":
            unknown = frozenset() if labels else frozenset({"labels"})
            return Asked(method, Facts(labels=labels), unknown, _needed(change, shown))
        case "images.deprecate":
            return Asked(method, Facts(deprecation=state))
        case "images.patch":
            # Whether its labels are added to those that are there is left open.
            return Asked(
                method, unknown=frozenset(FACTS_OF_FIELDS[name] for name in FACTS_OF_FIELDS if name in view.body)
            )
    return Asked(method)


# Refusals


def _refusal(change: Mutation, group: Sequence[Mutation], effects: Sequence[Told]) -> Iterator[Told]:
    """What a refusal tells of the image; nothing where it may be due to something that was under way and came to
    nothing."""
    if change.method == "images.insert":
        told = TAKEN if conflicts(change) else ""
    else:
        told = MISSING if change.exchange.missing or change.missed else ""
    if not told or change.exchange.retried or change.original is not None:
        return
    final = change.operation.final if change.operation else None
    end = final.exchange if final else change.exchange
    start, until = change.exchange.sent - MOMENT_SECONDS, end.received
    for other in group:
        if other is not change and other.outcome == "failed" and _meets(other, start, until):
            return
    met = [effect.call for effect in effects if effect.call.start <= until and effect.call.end >= start]
    if not all(call.certain for call in met):
        return
    # A name is taken from the request on, and free only when all is over: so it tells of any moment of what it met.
    start, until = min([start, *(call.start for call in met)]), max([until, *(call.end for call in met)])
    yield Told(Call(start, until, Asked(told), None, reads=True), change.exchange, end)


def _meets(change: Mutation, start: float, end: float) -> bool:
    """Whether a request that failed was under way in a time, unless it failed for what it found itself."""
    if conflicts(change) or change.missed:
        return False
    return change.exchange.sent <= end and change.end.received >= start


# Looks


def _looks(history: History, project: str, name: str) -> Iterator[Told]:
    for seen in history.showing():
        if (seen.project, seen.name) == (project, name) and seen.via in ("images.get", "images.list"):
            status = seen.value.get("status")
            if status in (None, "READY"):
                yield from (_look(seen.exchange, facts) for facts in _shown(seen, _id(history, seen)))
    for exchange in history.gets:
        route = exchange.route
        if exchange.missing and route and (route.project, route.name) == (project, name):
            yield _look(exchange, None)
    for exchange in () if history.trace.recorded else history.exchanges:
        if exchange.route and exchange.route.project == project and _lacks(exchange, name):
            yield _look(exchange, None)


def _look(exchange: Exchange, shown: Facts | None) -> Told:
    call = Call(exchange.sent - MOMENT_SECONDS, exchange.received, Asked(LOOK), shown, reads=True)
    return Told(call, exchange, exchange)


def _id(history: History, seen: Sighting) -> str | None:
    """The id that an answer shows, where ids tell images apart."""
    id = seen.value.get("id")
    return str(id) if is_set(id) and "id" not in history.trace.restless else None


def _shown(seen: Sighting, id: str | None) -> Iterator[Facts]:
    """What an answer tells of an image: of each field that may be seen late by itself, and of none that is of a wrong
    type."""
    image = seen.value
    labels, deprecated = image.get("labels") or {}, image.get("deprecated") or {}
    facts = []
    if seen.shows("labels") and isinstance(labels, dict):
        facts.append(Facts(id=id, labels=_text(own_labels(image))))
    if seen.shows("deprecated") and isinstance(deprecated, dict):
        state = deprecated.get("state") or ACTIVE
        facts += [Facts(id=id, deprecation=state)] if isinstance(state, str) else []
    yield from facts or [Facts(id=id)]


def _lacks(exchange: Exchange, name: str) -> bool:
    """Whether a list shows that there is no image of a name: it is all on one page, and each of its items has a
    name."""
    query = exchange.request.query
    if exchange.method != "images.list" or not exchange.last_page or any(query.get("pageToken", ())):
        return False
    names = [item.get("name") for item in exchange.items]
    told = exchange.mask.within("items").covers("name") and all(isinstance(one, str) for one in names)
    return told and passes(query.get("filter", [""])[0], name) and name not in names


def _text(labels: Any) -> str:
    """One text for equal labels."""
    return json.dumps({key: value or "" for key, value in labels.items()}, sort_keys=True)


def _fingerprints(history: History, project: str, name: str) -> Shown:
    return [
        (
            seen.exchange,
            decoded(seen.value.get("labelFingerprint")),
            Facts(_id(history, seen), _text(own_labels(seen.value))),
        )
        for seen in history.showing("labels", "labelFingerprint")
        if (seen.project, seen.name) == (project, name)
    ]


def _needed(change: Mutation, shown: Shown) -> frozenset[Facts]:
    """The id and labels that an image has to have for a fingerprint to be its current one: those that looks showed
    beside it before."""
    given = decoded(change.body.get("labelFingerprint"))
    return frozenset(
        facts for look, fingerprint, facts in shown if given and fingerprint == given and after(look, change.exchange)
    )
