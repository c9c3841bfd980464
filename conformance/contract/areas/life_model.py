"""The rule about whole stories: whatever is done in whatever order, the answers agree with a simple model of the
store."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.contract.bystanders import CHANGEABLE, UNNOTICED_SECONDS, over
from conformance.contract.comparison import unasked
from conformance.contract.history import History
from conformance.contract.lateness import LATE_SECONDS
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.round_trip import cleared_by, shows, touched_by
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import blotted_out
from conformance.trace.exchange import Exchange
from conformance.trace.links import named
from conformance.trace.losses import TIMES

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

TOUCHED = {
    "images.setLabels": frozenset({"labels"}),
    "images.deprecate": frozenset({"deprecated"}),
}
"""The fields that a request may change; a PATCH may change those that it names."""

FOR_GOOD = frozenset(
    {
        *("sourceType", "sourceDisk", "sourceDiskId", "sourceImage", "sourceImageId", "sourceSnapshot"),
        *("sourceSnapshotId", "diskSizeGb", "storageLocations", "guestOsFeatures", "shieldedInstanceInitialState"),
        *("enableConfidentialCompute", "rawDisk"),
    }
)
"""Fields that tell how an image was made: nobody can change them afterwards."""

HIDDEN = frozenset({"enableConfidentialCompute", "rawDisk", "shieldedInstanceInitialState"})
"""Those of them that an answer may leave out: the service has learnt to tell them, or tells them to some only."""


AT_LEISURE = CHANGEABLE | {"licenses", "licenseCodes", "userLicenses", "architecture"}
"""Fields that others may change whenever they like."""

IDENTITY = frozenset({"kind", "id", "creationTimestamp", "name", "selfLink"})
"""What tells which image it is: rules of their own are about these."""

ABRIDGED = 2
"""Where more fields are missing than these, a list shows its images in short."""

UNFINISHED = ("PENDING", "FAILED", "DELETING")
"""What an image is called that need not show all of itself."""

ON_ONE_IMAGE = frozenset({"images.get", "images.patch", "images.delete", *TOUCHED})
"""The methods that answer 404 where their image is not there."""

FOUNDATIONS = ("life.insert", "life.get-after-done", "operation.name", "operation.status", "operation.reaches-done")
"""Rules without which no story can be told."""

PRECISE = (
    *("life.delete", "life.patch", "life.isolation", "life.list-filter", "life.failed-insert-leaves-nothing"),
    *("life.get-after-done", "life.get-by-id", "image.name.unique", "operation.success-means-ready"),
    *("request-id.replay-same-operation", "request-id.replay-after-done", "request-id.replay-after-delete"),
    *("request-id.replay-creates-nothing", "request-id.replay-other-body", "request-id.replay-after-lost-response"),
    *("request-id.distinct", "request-id.absent", "request-id.scoped-to-method", "request-id.delete-replay"),
    "family.agrees",
    *("labels.set", "labels.fingerprint-changes", "labels.fingerprint-required"),
    *("deprecate.state", "deprecate.round-trip", "family.latest", "family.deprecated-skipped"),
)
"""Rules that say more precisely what is wrong."""


@dataclass
class _Image:
    """What the model knows of an image: whether it is there (None: not certain), its id, and how it was seen last.

    `under_way` are the inserts and deletes that have not ended; `mixed` tells that there were several at a time, so
    that only a look can tell what came of them; `before` is whether it was there before; `changed` are the fields
    that may have changed since it was seen, `changing` those that requests may change which have not ended;
    `looked` is the number of the look that showed `seen`;
    `told` is when it was told of last, and `pause` how long nothing was told of it before; `left` tells that what was
    told of it last was no change of its own, but a look.
    """

    there: bool | None
    identifier: str = ""
    under_way: int = 0
    mixed: bool = False
    before: bool | None = None
    seen: dict[str, Any] | None = None
    changed: set[str] = field(default_factory=set)
    changing: Counter[str] = field(default_factory=Counter)
    told: float = 0.0
    pause: float = 0.0
    left: bool = False
    looked: int = 0


class _Store:
    """The model: which images there are, by project and name."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._images: dict[tuple[str, str], _Image] = {}
        self._untimely = history.too_early | history.outdated_looks
        self._owners = {mutation.exchange.number: mutation for mutation in history.mutations}
        self._ends = {
            mutation.operation.final.exchange.number: mutation
            for mutation in history.mutations
            if mutation.operation and mutation.operation.final and mutation.operation.mutation is mutation
        }

    def step(self, exchange: Exchange) -> Iterator[Finding]:
        """Compares an answer with the model, and takes over what the request changed."""
        mutation = self._owners.get(exchange.number)
        self._forget(exchange, mutation)
        if mutation is not None:
            yield from self._expected(mutation)
            self._begin(mutation)
        elif exchange.method == "images.get":
            yield from self._look(exchange)
        elif exchange.method == "images.list" and exchange.resource is not None:
            yield from self._listed(exchange)
        ended = self._ends.get(exchange.number)
        if ended is not None:
            self._end(ended)

    def _forget(self, exchange: Exchange, mutation: Mutation | None) -> None:
        """Where nothing was told of an image for long, others may have deleted it, and made another."""
        ended = self._ends.get(exchange.number)
        changed = mutation or ended
        if not self._history.trace.recorded or (changed is None and exchange.method != "images.get"):
            return
        route = exchange.route
        project, named = (
            (changed.project, changed.image) if changed else (route and route.project, route and route.name)
        )
        image = self._image(project or "", named or "")
        image.pause = exchange.sent - image.told if image.told else 0.0
        forgotten = ended in (None, mutation) and image.pause > LATE_SECONDS
        image.told = exchange.received
        if forgotten:
            image.there, image.identifier, image.seen = None, "", None

    def _image(self, project: str, named: str) -> _Image:
        """The image of a name, or of an id that is known."""
        for (owner, _), image in self._images.items():
            if owner == project and image.identifier == named:
                return image
        # A name that the story has not used is free; in a recording, somebody may have used it before. An id tells
        # nothing of itself.
        unknown = self._history.trace.recorded or named.isdecimal()
        return self._images.setdefault((project, named), _Image(None if unknown else False))

    # Requests that change

    def _expected(self, mutation: Mutation) -> Iterator[Finding]:
        """Whether a request had to succeed or to fail, by what the model knows of the image."""
        image = self._image(mutation.project, mutation.image or "")
        twice = self._history.held_twice(mutation.project, mutation.image, mutation.exchange)
        # One that is answered with the operation of an earlier request is taken for that request.
        recognised = mutation.operation is not None and mutation.operation.mutation is not mutation
        repeats = mutation.original is not None or recognised or mutation.invalid or not mutation.image
        if repeats or twice or image.there is None or mutation.outcome in ("unknown", "running"):
            return
        done = mutation.outcome == "succeeded"
        if mutation.method == "images.insert" and image.there:
            yield self._breach(
                not done, "an insert takes the name of an image that is there", mutation.exchange, "a conflict"
            )
        elif mutation.method != "images.insert" and not image.there and not self._of_others(image, mutation):
            yield self._breach(not done, "a request changes an image that is not there", mutation.exchange, "HTTP 404")

    def _of_others(self, image: _Image, mutation: Mutation) -> bool:
        """Whether a change of what was deleted may be that of an image which others have made long after, or, where no
        times are told, since a look: its id is none that a deleted one had."""
        trace, told = self._history.trace, self._history.identifier(mutation)
        deletes = [
            delete
            for delete in self._history.changes(mutation)
            if delete.method == "images.delete" and after(delete.exchange, mutation.exchange)
        ]
        long_ago = all(mutation.exchange.sent - delete.end.received > LATE_SECONDS for delete in deletes)
        if not trace.recorded or told is None or not (long_ago or (TIMES in trace.lost and image.left)):
            return False
        return bool(deletes) and all(told not in self._history.deleted_ids(delete) for delete in deletes)

    def _begin(self, mutation: Mutation) -> None:
        image = self._image(mutation.project, mutation.image or "")
        self._missed(image, mutation, mutation.exchange.missing)
        if mutation in self._history.overtaken:
            image.changed.add("labels")
        if mutation.original is not None and mutation.original.request_id != mutation.request_id:
            image.there = None  # whether a requestId in another case is the same is the matter of another rule
        if mutation.original is not None:
            image.changed |= _again(mutation)
        if mutation.exchange.rejected or mutation.original is not None:
            return
        if mutation.method in ("images.insert", "images.delete"):
            image.mixed = image.mixed or image.under_way > 0
            image.under_way += 1
            image.before, image.there = image.there if image.under_way == 1 else None, None
        image.changing.update(_touched(mutation))
        image.left = False

    def _end(self, mutation: Mutation) -> None:
        image = self._image(mutation.project, mutation.image or "")
        if mutation.original is not None:
            image.changed |= _again(mutation)
            return
        image.changing.subtract(_touched(mutation))
        image.changed |= _touched(mutation)
        image.left = False
        self._missed(image, mutation, mutation.missed)
        if mutation.method not in ("images.insert", "images.delete"):
            return
        image.under_way -= 1
        if mutation.invalid or image.mixed or image.under_way:
            return
        if mutation.outcome != "succeeded" and not (mutation.method == "images.delete" and mutation.missed):
            image.there = image.before if image.there is None else image.there
        elif mutation.method == "images.insert":
            fresh = _Image(True, self._history.identifier(mutation) or "")
            self._images[mutation.project, mutation.image or ""] = fresh
        elif mutation.method == "images.delete":
            self._images[mutation.project, mutation.image or ""] = _Image(False)
            image.there, image.identifier = False, ""

    def _missed(self, image: _Image, mutation: Mutation, missed: bool) -> None:
        """In a recording, a change that does not find its image tells that others may have deleted it."""
        if missed and self._history.trace.recorded and mutation.method not in ("images.insert", "images.delete"):
            image.there = None

    # Looks

    def _look(self, exchange: Exchange) -> Iterator[Finding]:
        assert exchange.route is not None
        image = self._image(exchange.route.project, exchange.route.name)
        shown = exchange.resource
        if self._history.held_twice(exchange.route.project, exchange.route.name, exchange):
            return
        if image.mixed and not image.under_way and shown is not None and shown.get("status") == "READY":
            self._images[exchange.route.project, exchange.route.name] = _Image(True, str(shown.get("id")), seen=shown)
            return
        if image.there is None or not (exchange.answered or exchange.missing) or exchange.intent is not None:
            return
        left, image.left = image.left, True
        if exchange.number in self._untimely:
            return  # a service may take a moment to show what has been done
        if exchange.number in self._history.newborn_looks:
            image.there = None
            return  # somebody else has used the name
        if not image.there and shown is not None and shown.get("status") == "FAILED":
            return  # what is left of an insert that has failed
        if image.there and shown is None and exchange.route.name == image.identifier:
            return  # whether an image is found by its id is the matter of life.get-by-id
        if image.there and shown is None and self._gone_for_good(image, exchange, left=left):
            image.there = None
            return
        yield self._breach(
            image.there == (shown is not None),
            "an image is not there" if image.there else "an image is there that the story has not made, or has deleted",
            exchange,
            "HTTP 200" if image.there else "HTTP 404",
            deviation=not image.there,
        )
        if shown is None or not image.there or exchange.mask.partial:
            return
        own = exchange.route.project, str(shown.get("name"))
        if image.seen is not None and not self._history.meddled_between(*own, image.looked, exchange.number):
            before = image.seen
            wrong = unasked(before, shown, image.changed | set(+image.changing) | self._history.trace.restless)
            yield expect(
                not wrong,
                "fields of an image have changed that no request has touched",
                *self._history.exchanges[: exchange.number],
                expected={name: before.get(name) for name in wrong},
                observed=wrong,
            )
        image.identifier = image.identifier or str(shown.get("id"))
        image.seen, image.looked, image.changed = shown, exchange.number, set()

    def _gone_for_good(self, image: _Image, exchange: Exchange, *, left: bool) -> bool:
        """Whether an image of a recording is never seen again after a pause: others may have deleted it.

        Where no times are told, there may have been a pause after any look, but not after a change of its own.
        """
        trace = self._history.trace
        paused = image.pause > UNNOTICED_SECONDS or (TIMES in trace.lost and left)
        if not trace.recorded or not paused:
            return False
        return not any(
            seen.value.get("id") == image.identifier and after(exchange, seen.exchange)
            for seen in self._history.showing("id")
        )

    def _listed(self, exchange: Exchange) -> Iterator[Finding]:
        assert exchange.route is not None
        assert exchange.resource is not None
        items = exchange.resource.get("items")
        names = (
            {str(item.get("name")) for item in items if isinstance(item, dict) and item.get("status") != "FAILED"}
            if isinstance(items, list)
            else set()
        )
        for (project, name), image in self._images.items():
            lingers = (exchange.number, project, name) in self._history.lingering
            if lingers or self._history.held_twice(project, name, exchange):
                continue
            if project == exchange.route.project and image.there is False and not self._history.trace.recorded:
                yield self._breach(name not in names, "a list holds an image that is not there", exchange, f"no {name}")

    def _breach(
        self, holds: bool, message: str, exchange: Exchange, expected: str, *, deviation: bool = True
    ) -> Finding:
        """Whether an image is there, and whether its name is free, is convention for the most part: the reference is
        silent."""
        story = self._history.exchanges[: exchange.number]
        observed = f"HTTP {exchange.status}"
        return expect(holds, message, *story, expected=expected, observed=observed, deviation=deviation)


def _again(replay: Mutation) -> frozenset[str]:
    """What a replay may change, be it carried out again: whether it is, is the matter of other rules."""
    return frozenset() if replay.method in ("images.insert", "images.delete") else frozenset(_touched(replay))


def _touched(mutation: Mutation) -> frozenset[str]:
    return TOUCHED.get(mutation.method, cleared_by(mutation.exchange).union(mutation.body))


def _lasting(history: History) -> Iterator[Finding]:
    """Judges that an image of a recording keeps what no request can change, whoever sends it, from look to look."""
    looks: dict[tuple[str, str, str], list[Sighting]] = defaultdict(list)
    asked = {name for mutation in history.mutations for name in touched_by(mutation.exchange) or ()}
    for seen in history.glimpses if history.trace.recorded else ():
        identifier, status = seen.value.get("id"), seen.value.get("status")
        if not is_set(identifier) or blotted_out(identifier) or status in UNFINISHED:
            continue
        whole = seen.via == "images.get" and status == "READY" and not seen.mask.partial
        for name in FOR_GOOD - asked:
            told = is_set(_lasting_part(name, seen.value.get(name))) or (whole and name not in HIDDEN)
            if told and seen.shows(name):
                looks[seen.project, str(identifier), name].append(seen)
    for (_, _, name), of_one in looks.items():
        values = [_lasting_part(name, seen.value.get(name)) for seen in of_one]
        first = next((value for value in values if is_set(value)), None)
        for at, (seen, value) in enumerate(zip(of_one, values, strict=True)):
            # What is missing at one look is a fault where it was shown before, and is again; and so is what is shown at
            # one look alone.
            around = values[:at], values[at + 1 :]
            lone = all(part and not any(map(is_set, part)) for part in around)
            if first is None or (value == first and not lone):
                continue
            if is_set(value) or all(any(map(is_set, part)) for part in around):
                before = of_one[0] if lone else of_one[values.index(first)]
                yield expect(
                    not lone and not unasked({name: first}, {name: value}, ()),
                    "an image shows something else of what cannot be changed",
                    before.exchange,
                    seen.exchange,
                    expected={name: before.value.get(name)},
                    observed={name: seen.value.get(name)},
                )


def _lasting_part(name: str, value: Any) -> Any:
    """What of a field cannot be changed, as far as an answer tells it: readers of public images see no archive."""
    if name == "rawDisk" and isinstance(value, dict):
        return {"source": value["source"]} if is_set(value.get("source")) else None
    return value


def _views(history: History) -> Iterator[Finding]:
    """Judges that an image of a recording shows the same whatever shows it: get, list or family.

    Others may change some fields between two looks, so of these only a look tells that differs from the ones before and
    after it, or two that stand close around a request for something else; and it may be a late one where it shows what
    was shown before. So it is with what one of two lacks.
    """
    looks: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for seen in history.sightings if history.trace.recorded else ():
        identifier = seen.value.get("id")
        if is_set(identifier) and not blotted_out(identifier) and seen.value.get("status") == "READY":
            looks[seen.project, str(identifier)].append(seen)
    for of_one in looks.values():
        for at, (before, seen) in enumerate(itertools.pairwise(of_one)):
            asked = _asked_between(history, before, seen)
            if before.value == seen.value or asked is None:
                continue
            soon = seen.exchange.sent - before.exchange.received <= UNNOTICED_SECONDS
            soon = soon and not history.beginning(before, seen)
            others = frozenset() if asked and soon else AT_LEISURE
            wrong = unasked(before.value, seen.value, others | IDENTITY | asked)
            # A slow look may tell of what came after a quick one that began later.
            later = next((look for look in of_one[at + 2 : at + 3] if after(seen.exchange, look.exchange)), None)
            until = _asked_between(history, before, later) if later is not None else None
            again = until is not None
            if later is not None and until is not None:
                moved = AT_LEISURE & unasked(before.value, later.value, IDENTITY).keys()
                wrong |= unasked(before.value, seen.value, {*moved, *wrong, *IDENTITY, *until})
                for name in AT_LEISURE & wrong.keys():
                    if any(_alike(name, look, seen) for look in of_one[:at]):
                        del wrong[name]
            lost = {name for name in wrong if not (is_set(before.value.get(name)) and is_set(seen.value.get(name)))}
            whole = before.via == seen.via == "images.get"
            if len(lost) > ABRIDGED or not (again or (whole and not lost & HIDDEN)):
                wrong = {name: value for name, value in wrong.items() if name not in lost}
            yield expect(
                not wrong,
                "an image shows something else at one look than at another, and nobody has changed it",
                before.exchange,
                seen.exchange,
                expected={name: before.value.get(name) for name in wrong},
                observed=wrong,
            )


def _alike(name: str, one: Sighting, two: Sighting) -> bool:
    return not unasked({name: one.value.get(name)}, {name: two.value.get(name)}, ())


def _asked_between(history: History, before: Sighting, seen: Sighting) -> frozenset[str] | None:
    """The fields of an image that the recorded client may have changed between two looks; None where it may have
    changed all, or others have at their leisure."""
    late = seen.exchange.sent - before.exchange.received > LATE_SECONDS
    if late or not after(before.exchange, seen.exchange) or seen.exchange.number in history.meddled_looks:
        return None
    between = [
        change
        for change in history.mutations
        if change.image in (seen.name, str(seen.value.get("id")))
        and change.exchange.sent <= seen.exchange.received
        and not (change.exchange.rejected or over(change, before.exchange))
    ]
    touched = [touched_by(change.exchange) for change in between]
    known = [fields for fields in touched if fields is not None]
    shown_late = [history.late_fields(change, before, seen) for change in between]
    return frozenset().union(*known, *shown_late) if len(known) == len(touched) else None


def _missed(exchange: Exchange) -> tuple[str, str] | None:
    """The project and the name of the image that an answer says not to be there: the one that the request is about,
    or its source."""
    route, body = exchange.route, exchange.request.json
    if route is None or not exchange.missing:
        return None
    source = named(body.get("sourceImage"), route.project) if isinstance(body, dict) else None
    if exchange.method == "images.insert" and source is not None:
        blamed = f"projects/{source[0]}/{source[1]}'" in str(exchange.error.get("message"))
        return (source[0], source[1].removeprefix("global/images/")) if blamed else None
    return (route.project, route.name) if exchange.method in ON_ONE_IMAGE else None


def _there_all_the_while(history: History) -> Iterator[Finding]:
    """Judges that an image of a recording is found by its name between two looks that show it, READY and not new."""
    looks: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for seen in history.sightings if history.trace.recorded else ():
        if is_set(seen.value.get("id")) and not blotted_out(seen.value["id"]):
            looks[seen.project, str(seen.name)].append(seen)
    born = {history.identifier(insert): insert.ended or insert.exchange for insert in history.inserts}
    for exchange in history.exchanges if looks else ():
        missed = _missed(exchange)
        of_one = looks.get(missed, []) if missed else []
        before = next((seen for seen in reversed(of_one) if after(seen.exchange, exchange)), None)
        later = next((seen for seen in of_one if after(exchange, seen.exchange)), None)
        if before is None or later is None or before.value["id"] != later.value["id"]:
            continue
        made = born.get(str(before.value["id"]))
        new = made is not None and exchange.sent - made.received <= LATE_SECONDS
        if before.value.get("status") == "READY" and not new:
            yield expect(
                False,
                "an image is not found that is there before and afterwards",
                before.exchange,
                exchange,
                later.exchange,
                expected="the image",
                observed=f"HTTP {exchange.status}",
                deviation=True,
            )


def _carried_out(history: History) -> Iterator[Finding]:
    """Judges that an image of a recording does not show what only a request was to set that came to nothing: it was
    refused, turned away, or has failed."""
    for change in history.mutations if history.trace.recorded else ():
        if not (change.exchange.rejected or change.outcome == "failed") or change.precondition_failed:
            continue  # whether labels stay without a fingerprint that holds is the matter of a rule of its own
        ended = change.exchange if change.exchange.rejected else change.end
        before = history.last_seen(change)
        if before is not None and change.method == "images.delete" and change.exchange.rejected:
            yield from _deleted_all_the_same(history, change, before)
        seen = next((look for look in history.looks_at(change) if after(ended, look.exchange)), None)
        if before is None or seen is None or not touched_by(change.exchange) or shows(change.exchange, before.value):
            continue
        if seen.exchange.sent - before.exchange.received > LATE_SECONDS or _others_between(
            history, change, before, seen
        ):
            continue
        yield expect(
            not shows(change.exchange, seen.value),
            "an image shows what a request that was refused, or has failed, was to set",
            before.exchange,
            change.exchange,
            seen.exchange,
            expected=dict(before.value),
            observed=dict(seen.value),
            deviation=change.outcome == "failed",
        )


def _others_between(history: History, change: Mutation, before: Sighting, seen: Sighting) -> bool:
    """Whether another request may have changed the image of one between two looks."""
    return any(
        other is not change and other.image in history.addresses(change) and not other.exchange.rejected
        for other in history.mutations
        if not after(other.exchange, before.exchange) and not after(seen.exchange, other.exchange)
    )


def _deleted_all_the_same(history: History, delete: Mutation, before: Sighting) -> Iterator[Finding]:
    """Judges that an image which was seen just before a delete that was refused is found just after it."""
    asked = delete.exchange
    looks = [
        look
        for look in history.gets
        if look.route and (look.route.project, look.route.name) == (delete.project, delete.image) and after(asked, look)
    ]
    if delete.exchange.missing or not looks:
        return
    near = (
        asked.sent - before.exchange.received <= UNNOTICED_SECONDS
        and looks[0].sent - asked.received <= UNNOTICED_SECONDS
    )
    others = any(other is not delete and not other.exchange.rejected for other in history.changes(delete))
    if near and not others and before.value.get("status") == "READY":
        yield expect(
            not all(look.missing for look in looks),
            "an image is gone that a request was to delete which was refused",
            before.exchange,
            asked,
            looks[0],
            expected="the image",
            observed=f"HTTP {looks[0].status}",
            deviation=True,
        )


@RULES.rule(
    "life.model",
    "doc",
    "Any sequence of inserts, replays, polls, gets, lists, label changes, deprecations and deletes agrees with a "
    "simple model of the store.",
    "Fields",
    "Each field tells a fact about the image that some request sets, so a fact that changes without a "
    "request was or is untrue.",
    requires=FOUNDATIONS,
    yields_to=PRECISE,
)
def _model(history: History) -> Iterator[Finding]:
    yield from _lasting(history)
    yield from _views(history)
    yield from _carried_out(history)
    yield from _there_all_the_while(history)
    exchanges = history.exchanges
    changes = [mutation for mutation in history.mutations if not mutation.exchange.refused]
    in_order = all(one.received <= two.sent for one, two in itertools.pairwise(exchanges))
    if len(changes) < 2 or not in_order or not all(exchange.status for exchange in exchanges):
        return
    store = _Store(history)
    for exchange in exchanges:
        yield from store.step(exchange)
