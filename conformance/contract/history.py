"""A trace read as a story: inserts and what became of them, operations state by state, images as they were seen.

Built once for each trace; every rule reads it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar, cast

from conformance.contract.bystanders import Bystanders
from conformance.contract.lateness import LATE_SECONDS
from conformance.contract.later_looks import LaterLooks
from conformance.contract.mutation import Mutation
from conformance.contract.operation import Operation, State
from conformance.contract.order import after
from conformance.contract.round_trip import SERVICE_PREFIX, touched_by
from conformance.contract.rule import is_set
from conformance.contract.sighting import Sighting
from conformance.trace.exchange import Exchange
from conformance.trace.formats import as_text, is_int64, timestamp
from conformance.trace.links import named, same_project
from conformance.trace.losses import TIMES

Result = TypeVar("Result")
OfImage = TypeVar("OfImage", Mutation, Sighting)


class History(Bystanders):
    """The story of one trace."""

    def forgotten(self, operation: Operation, exchange: Exchange) -> bool:
        """Whether the target may have been told to delete an operation, before a request was answered."""
        return any(
            delete.sent <= exchange.received and not (delete.rejected and not delete.missing)
            for delete in self.exchanges
            if delete.route
            and delete.method == "globalOperations.delete"
            and any(bearer is operation for bearer in self.bearers(delete.route.project, delete.route.name))
        )

    def concerned(self, rule: str) -> Sequence[Mutation]:
        """The requests that break a rule by what they say, or that were sent for its sake."""
        return self.concerning.get(rule, ())

    @cached_property
    def concerning(self) -> dict[str, list[Mutation]]:
        """The requests by the rules that they break by what they say, or that they were sent for."""
        by_rule: dict[str, list[Mutation]] = defaultdict(list)
        for mutation in self.mutations:
            intent = mutation.exchange.intent
            for rule in mutation.view.broken_rules.union(intent.rules if intent else ()):
                by_rule[rule].append(mutation)
        return by_rule

    def once(self, key: str, make: Callable[[History], Result]) -> Result:
        """What many rules read, made when the first of them asks for it."""
        if key not in self._made:
            self._made[key] = make(self)
        return cast(Result, self._made[key])

    @cached_property
    def _made(self) -> dict[str, object]:
        return {}

    @cached_property
    def every_sighting(self) -> tuple[Sighting, ...]:
        """The images as they were seen as a whole."""
        return tuple(seen for seen in self.glimpses if not seen.mask.partial)

    @cached_property
    def _by_exchange(self) -> dict[int, list[Sighting]]:
        found: dict[int, list[Sighting]] = defaultdict(list)
        for seen in self.glimpses:
            found[seen.exchange.number].append(seen)
        return found

    def seen_in(self, exchange: Exchange) -> Sequence[Sighting]:
        """The images that an answer shows."""
        return self._by_exchange.get(exchange.number, ())

    def fairly_seen_in(self, exchange: Exchange) -> Iterator[Sighting]:
        """The images that an answer shows, as far as it proves anything about them."""
        return (seen for seen in self.seen_in(exchange) if id(seen) in self._fair)

    def doomed(self, sighting: Sighting) -> bool:
        """Whether somebody had sent a delete of an image when an answer showed it: it may have been seen late."""
        begin = self._dooms.get((sighting.project, str(sighting.value.get("id"))))
        return begin is not None and begin <= sighting.exchange.received

    @cached_property
    def _dooms(self) -> dict[tuple[str, str], float]:
        """By project and id when the deletion of each image was asked for first."""
        found: dict[tuple[str, str], float] = {}
        for change in self.mutations:
            if change.method == "images.delete" and change.outcome in ("succeeded", "running"):
                for identifier in self.deleted_ids(change):
                    found.setdefault((change.project, identifier), change.exchange.sent)
        return found

    @cached_property
    def _fair_glimpses(self) -> tuple[Sighting, ...]:
        """The images as they were seen, but for what invalid requests have made of them, and for others' images in
        lists.

        What shows an image as it was before the last change is left out, too, where that is allowed for a moment. A
        name that two images hold shows now one and now the other: that is the matter of `image.name.unique`, and
        proves nothing about either.
        """
        made: dict[tuple[str, str | None], bool] = {}
        for insert in self.inserts:
            key = (insert.project, insert.image)
            made[key] = made.get(key, True) and insert.invalid
        changes = [
            change
            for change in self.mutations
            if change.method != "images.insert"
            and change.invalid
            and change.exchange.answered
            and change.outcome != "failed"
        ]
        return tuple(
            seen
            for seen in self.glimpses
            if not made.get((seen.project, seen.name))
            and not self.held_twice(seen.project, seen.name, seen.exchange)
            and (seen.via == "images.get" or self.trace.recorded or (seen.project, seen.name) in made)
            and id(seen) not in self._outdated
            and not any(
                change.image in (seen.name, str(seen.value.get("id"))) and change.exchange.number < seen.exchange.number
                for change in changes
            )
        )

    def held_twice(self, project: str, name: str | None, exchange: Exchange) -> bool:
        """Whether two images may have had a name, at one time, when a request was answered."""
        since = self._held_twice.get((project, name))
        return since is not None and exchange.received >= since.sent

    @cached_property
    def _held_twice(self) -> dict[tuple[str, str | None], Exchange]:
        """The names that several images were seen to hold at one time, each with the first exchange that tells of
        it."""
        found: dict[tuple[str, str | None], Exchange] = {}
        made: dict[tuple[str, str | None], list[Mutation]] = defaultdict(list)
        for insert in self.inserts:
            taken = insert.outcome in ("succeeded", "running")
            own = insert.operation is not None and insert.operation.mutation is insert
            if not taken or not (own or insert.original is not None):
                continue
            key = (insert.project, insert.image)
            if any(self._both_there(earlier, insert) for earlier in made[key]) or self._may_be_a_second(insert):
                found.setdefault(key, insert.exchange)
            if own:
                made[key].append(insert)
        listed: dict[tuple[int, str, str | None], set[str]] = defaultdict(set)
        for seen in self.every_sighting:
            if seen.via == "images.list" and not self.doomed(seen):
                ids = listed[seen.exchange.number, seen.project, seen.name]
                ids.add(str(seen.value.get("id")))
                if len(ids) > 1:
                    found.setdefault((seen.project, seen.name), seen.exchange)
        return found

    def _may_be_a_second(self, retry: Mutation) -> bool:
        """Whether an insert that was sent again, since its answer was lost, may have made a second image: the name is
        seen to be held by another one than it tells of."""
        first = retry.original
        if first is None or first.exchange.answered or self.trace.recorded:
            return False
        told = self.identifier(retry)
        looks = (look.resource or {} for look in self.gets if look.route and look.route.name == retry.image)
        return told is not None and any(is_set(shown.get("id")) and str(shown["id"]) != told for shown in looks)

    def _both_there(self, first: Mutation, second: Mutation) -> bool:
        """Whether the image of one insert was there still when another of the same name made its own."""
        ids = {self.identifier(first), self.identifier(second)}
        replayed = second.original is not None
        if len(ids) == 1 and (None not in ids or (replayed and not self._seen_to_make_another(first, second))):
            return False
        if id(first) not in self._deletes:
            self._deletes[id(first)] = [
                change.exchange
                for change in self.changes(first)
                if change.method == "images.delete" and not after(change.exchange, first.exchange)
            ]
        return all(after(second.exchange, delete) for delete in self._deletes[id(first)])

    def _seen_to_make_another(self, first: Mutation, replay: Mutation) -> bool:
        """Whether looks show an image that a replay has made, where answers to inserts tell no ids: one under the same
        name with an id that the first one did not have."""
        alike = [other for other in self.inserts if (other.project, other.image) == (first.project, first.image)]
        if len(alike) > 2 or "id" in self.trace.restless:
            return False
        looks = [
            (str(seen.value["id"]), seen.exchange)
            for seen in self.every_sighting
            if (seen.project, seen.name) == (first.project, first.image) and is_set(seen.value.get("id"))
        ]
        before = {identifier for identifier, exchange in looks if after(exchange, replay.exchange)}
        later = {identifier for identifier, exchange in looks if after(replay.exchange, exchange)}
        return bool(before) and not later <= before

    @cached_property
    def _deletes(self) -> dict[int, list[Exchange]]:
        """The deletes of the image of an insert that may have come after it, by the insert's identity."""
        return {}

    def births_at(self, url: str, project: str) -> list[Mutation]:
        """The inserts of the image that a URL means, which may be relative to a project."""
        return _named_by(url, project, self._births)

    @cached_property
    def _births(self) -> dict[str, list[Mutation]]:
        found: dict[str, list[Mutation]] = defaultdict(list)
        for insert in self.inserts:
            found[f"global/images/{insert.image}"].append(insert)
        return found

    def sightings_at(self, url: str, project: str) -> list[Sighting]:
        """The fair sightings, as a whole, of the image that a URL means, which may be relative to a project."""
        return _named_by(url, project, self._sightings_by_path)

    @cached_property
    def _sightings_by_path(self) -> dict[str, list[Sighting]]:
        found: dict[str, list[Sighting]] = defaultdict(list)
        for seen in self.sightings:
            found[f"global/images/{seen.name}"].append(seen)
        return found

    @cached_property
    def sightings(self) -> tuple[Sighting, ...]:
        """The fair sightings of images as a whole."""
        return tuple(seen for seen in self._fair_glimpses if not seen.mask.partial)

    def showing(self, *names: str) -> Iterator[Sighting]:
        """The fair sightings that tell of these fields, be it of them alone."""
        if names not in self._showing:
            self._showing[names] = tuple(seen for seen in self._fair_glimpses if seen.shows(*names))
        return iter(self._showing[names])

    @cached_property
    def _showing(self) -> dict[tuple[str, ...], tuple[Sighting, ...]]:
        return {}

    @cached_property
    def _fair(self) -> frozenset[int]:
        return frozenset(map(id, self._fair_glimpses))

    def last_seen(self, change: Mutation) -> Sighting | None:
        """The fair sighting of the image that a request changes, as a whole, that was the last one before it."""
        return next(
            (
                seen
                for seen in reversed(self.looks_at(change))
                if id(seen) in self._fair and not seen.mask.partial and after(seen.exchange, change.exchange)
                if self._proves(seen, ())
            ),
            None,
        )

    def stayed(
        self, project: str, name: str | None, since: Exchange, until: Exchange, seconds: float = LATE_SECONDS
    ) -> bool:
        """Whether an image was shown, or made, well before a request, by so many seconds, and shown with the same id
        again after the answer to another."""
        looks = [
            seen
            for seen in self.showing("id")
            if (seen.project, seen.name) == (project, name) and is_set(seen.value.get("id"))
        ]
        before = {seen.value["id"] for seen in looks if since.sent - seen.exchange.received > seconds}
        before |= {
            self.identifier(insert)
            for insert in self.created
            if (insert.project, insert.image) == (project, name) and since.sent - insert.end.received > seconds
        }
        return any(seen.value["id"] in before for seen in looks if after(until, seen.exchange))

    @cached_property
    def names(self) -> dict[Any, str | None]:
        """The name of each image that was seen, by its id."""
        return {str(seen.value["id"]): seen.name for seen in reversed(self.sightings) if is_set(seen.value.get("id"))}

    def ids_of(
        self, project: str, path: str, since: Exchange | None = None, until: float = math.inf
    ) -> dict[str, Exchange]:
        """The ids that the trace shows of a disk, snapshot or image, each with the exchange that shows it first.

        Args:
            project: its project, by id or number.
            path: where it is within the project, such as `global/images/base`.
            since: where given, only what was asked for after the answer to it counts.
            until: epoch seconds; only what was answered before counts.
        """
        found: dict[str, Exchange] = {}
        for owner, identifier, exchange in self._ids[path]:
            in_time = (since is None or after(since, exchange)) and exchange.received < until
            if identifier and in_time and same_project(owner, project):
                found.setdefault(identifier, exchange)
        return found

    def surely(self, project: str, path: str, insert: Mutation) -> bool:
        """Whether what the trace shows of a source tells which one an insert used: it was shown at that time, or
        before and afterwards with one id. Else others may have put another in its place, unless nobody else is there.
        """
        sent, ended = insert.exchange.sent, insert.end.received
        looks = [look for look in self._ids[path] if same_project(look[0], project)]
        if self.trace.recorded and TIMES in self.trace.lost:
            # An image that was made before, and tells the id that was seen, shows that the target tells the right one.
            known = {identifier for _, identifier, look in looks if after(look, insert.exchange)}
            return bool(known) and not any(
                named(seen.value.get(name), seen.project) == (project, path)
                and str(seen.value.get(f"{name}Id")) in known
                and after(seen.exchange, insert.exchange)
                for seen in self.glimpses
                for name in ("sourceDisk", "sourceImage", "sourceSnapshot")
            )
        near = any(sent - look.received <= LATE_SECONDS and look.sent - ended <= LATE_SECONDS for _, _, look in looks)
        before = {identifier for _, identifier, look in looks if look.received <= sent}
        later = {identifier for _, identifier, look in looks if look.sent >= ended}
        return near or bool(before & later) or not self.trace.recorded

    def sizes_of(self, project: str, path: str, before: Exchange) -> set[str]:
        """The sizes in GB that a disk or a snapshot was shown to have, not long before a request: disks grow."""
        return {
            size
            for owner, size, look in self._sizes[path]
            if after(look, before) and before.sent - look.received <= LATE_SECONDS
            if same_project(owner, project) and is_int64(size)
        }

    @cached_property
    def _ids(self) -> dict[str, list[tuple[str, str, Exchange]]]:
        found: dict[str, list[tuple[str, str, Exchange]]] = defaultdict(list, self._sources)
        for seen in self.glimpses:
            if seen.name and is_set(seen.value.get("id")):
                found[f"global/images/{seen.name}"].append((seen.project, str(seen.value["id"]), seen.exchange))
        return found

    @cached_property
    def states(self) -> tuple[State, ...]:
        """Every state of every operation that was shown as a whole."""
        return tuple(state for operation in self.operations for state in operation.states)

    def stating(self, *names: str) -> Iterator[State]:
        """Every state of every operation that tells of these fields, be it of them alone."""
        return (state for operation in self.operations for state in operation.glimpses if state.shows(*names))

    @cached_property
    def gets(self) -> tuple[Exchange, ...]:
        """The requests for one image, by name or by id, but for those that came a moment too early to find it, or to
        miss it.

        One that is refused though it is valid in the matter of some rule says nothing of the image: it is that rule's.
        """
        untimely = self.too_early | self.too_late
        return tuple(
            exchange
            for exchange in self.exchanges
            if exchange.method == "images.get"
            and exchange.number not in untimely
            and not (exchange.refused and exchange.intent is not None and exchange.intent.valid)
        )

    @cached_property
    def _results(self) -> dict[int, LaterLooks]:
        gotten: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
        shown: dict[tuple[str, str | None], list[Sighting]] = defaultdict(list)
        for sighting in self.glimpses:
            if id(sighting) in self._outdated:
                continue
            if sighting.via == "images.get" and sighting.exchange.route:
                gotten[sighting.project, sighting.exchange.route.name].append(sighting)
            else:
                shown[sighting.project, sighting.name].append(sighting)
        results: dict[int, LaterLooks] = {}
        for mutation in self.mutations:
            operation = mutation.operation
            if mutation.ended is None or (operation is not None and operation.mutation is not mutation):
                continue
            end = mutation.end
            changes = [
                change
                for change in self.changes(mutation)
                if not after(change.exchange, mutation.exchange) or _at_work(change, mutation)
            ]
            ends: list[tuple[float, frozenset[str] | None]] = [
                (change.exchange.sent, None if change in self.overtaken else touched_by(change.exchange))
                for change in changes
            ]
            ends += [(look.sent, None) for look in self.meddled_since(mutation)]
            names = {name for name in self.addresses(mutation) if name}
            gets = [sighting for name in names for sighting in gotten.get((mutation.project, name), [])]
            others = shown.get((mutation.project, mutation.image), [])
            in_time = (
                tuple(
                    sighting
                    for sighting in sorted(found, key=lambda sighting: sighting.exchange.number)
                    if (after(end, sighting.exchange) or sighting.exchange is mutation.arrival)
                    and (mutation.method != "images.insert" or sighting.name in (mutation.image, None))
                    and not self.held_twice(mutation.project, mutation.image, sighting.exchange)
                )
                for found in (gets, others)
            )
            gets_in_time, others_in_time = in_time
            results[id(mutation)] = LaterLooks(gets_in_time, others_in_time, tuple(ends))
        return results

    def results(self, mutation: Mutation, *names: str) -> tuple[Sighting, ...]:
        """The image of a request as gets showed it once the operation was DONE, and before anything else could change
        it.

        Where no get has shown it, lists and families tell, in a run what they do show. With `names`, sightings of these
        fields alone count as well, and in a recording lists and families beside gets; there what changes other fields
        only ends nothing: a run looks after each change, but other clients do not.
        """
        found = self._results.get(id(mutation))
        if found is None:
            return ()
        fields = frozenset(names) if self.trace.recorded else frozenset()
        return tuple(
            seen
            for seen in found.until(fields)
            if (seen.shows(*names) if names else not seen.mask.partial) and self._proves(seen, names)
        )

    def _proves(self, seen: Sighting, names: Collection[str]) -> bool:
        """Whether a look tells what came of a request: of a run, what is no get may leave out what it likes."""
        return self.trace.recorded or seen.via == "images.get" or (bool(names) and seen.value.keys() >= set(names))

    @cached_property
    def comebacks(self) -> tuple[tuple[Mutation, Sighting], ...]:
        """Each insert that made an image, with each sighting of its result: the evidence for all that "comes back"."""
        return tuple((insert, sighting) for insert in self.created for sighting in self.results(insert))

    def comebacks_of(self, name: str) -> Iterator[tuple[Mutation, Sighting]]:
        """The comebacks that tell of a field, be it of that alone."""
        return ((insert, sighting) for insert in self.created for sighting in self.results(insert, name))

    def echoes(self, sighting: Sighting, name: str, *, in_any_type: bool = False) -> bool:
        """Whether a field that the server owns shows what the client itself sent for it in the insert of this image;
        `in_any_type` where a number may stand for its text."""
        came, sent = sighting.value.get(name), self._sent_values.get((sighting.project, sighting.name, name), [])
        return is_set(came) and (came in sent or (in_any_type and as_text(came) in map(as_text, sent)))

    @cached_property
    def _sent_values(self) -> dict[tuple[str, str | None, str], list[Any]]:
        """What inserts sent for each field, by project and image."""
        found: dict[tuple[str, str | None, str], list[Any]] = defaultdict(list)
        for insert in self.inserts:
            for name, value in insert.body.items():
                found[insert.project, insert.image, name].append(value)
        return found

    def identity(self, insert: Mutation, before: Exchange) -> str | None:
        """The id of the image that an insert made: as it was seen before another request, or else as its operation says
        it, which may be wrong; None where ids tell nothing."""
        if "id" in self.trace.restless:
            return None
        seen = [
            str(seen.value["id"])
            for seen in self.showing("id")
            if seen.via == "images.get" and seen.name == insert.image and seen.project == insert.project
            if is_set(seen.value.get("id")) and not self.echoes(seen, "id")
            if after(insert.exchange, seen.exchange) and after(seen.exchange, before) and not self.doomed(seen)
        ]
        operation = insert.operation
        told = operation.target_told(operation.final) if operation and operation.final else None
        return seen[-1] if seen else told or self.identifier(insert)

    def known_id(self, insert: Mutation) -> str | None:
        """The id of the image that an insert made: as its operation says it, or else the one that all looks show; None
        where neither does."""
        shown = {str(seen.value["id"]) for seen in self.results(insert, "id") if is_set(seen.value.get("id"))}
        return self.identifier(insert) or (shown.pop() if len(shown) == 1 else None)

    def own_labels(self, sighting: Sighting) -> dict[str, Any]:
        """The labels of an image but for those that the service has added."""
        labels = sighting.value.get("labels")
        known = self.users_labels(sighting)
        return {
            key: value
            for key, value in (labels if isinstance(labels, dict) else {}).items()
            if key in known or not key.startswith(SERVICE_PREFIX)
        }

    def users_labels(self, sighting: Sighting) -> set[str]:
        """The keys of an image's labels that begin like those of the service, but that a client sent first."""
        return self._label_keys.get((sighting.project, sighting.name), set())

    @cached_property
    def _label_keys(self) -> dict[tuple[str, str | None], set[str]]:
        """By project and image the keys that begin like the service's own, but that a client sent before any answer
        had them."""
        found: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        shown: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        seen = iter([*self.glimpses, None])
        sighting = next(seen)
        for mutation in self.mutations:
            while sighting is not None and sighting.exchange.number < mutation.exchange.number:
                labels = sighting.value.get("labels")
                shown[sighting.project, sighting.name].update(labels if isinstance(labels, dict) else ())
                sighting = next(seen)
            name = self.names.get(mutation.image, mutation.image)
            own = (mutation.project, name)
            found[own].update(
                key for key in mutation.view.labels if key.startswith(SERVICE_PREFIX) and key not in shown[own]
            )
        return found


def _named_by(url: str, project: str, by_path: Mapping[str, list[OfImage]]) -> list[OfImage]:
    """Those of the image that a URL means, of what is known by the paths of images."""
    found = named(url, project)
    return [one for one in by_path.get(found[1], ()) if same_project(found[0], one.project)] if found else []


def _at_work(change: Mutation, later: Mutation) -> bool:
    """Whether an operation that was begun before another request may set the same fields after it: which of the two
    comes last, nobody can say."""
    final = change.operation.final if change.operation else None
    if final is None or final.failed or not after(change.exchange, later.exchange):
        return False
    if after(final.exchange, later.exchange):
        return False
    if not change.changed & later.changed:
        return False
    ended, began = timestamp(final.value.get("endTime")), timestamp((later.answer or {}).get("insertTime"))
    return ended is None or began is None or ended >= began
