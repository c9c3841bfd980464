"""A trace read into requests that change images, operations and sightings, each joined to what it belongs to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from conformance.contract.mutation import Mutation
from conformance.contract.operation import LIST, LISTS_MAY_LACK, UNNAMED, Operation, State
from conformance.contract.order import after
from conformance.contract.rule import is_set
from conformance.contract.sighting import MAY_BE_ABSENT, NOT_IN_SHORT, Sighting
from conformance.trace.exchange import INCOMPLETE, MUTATIONS, NOT_RECORDED, Exchange, Route, Trace, route
from conformance.trace.formats import link, timestamp
from conformance.trace.links import named
from conformance.trace.losses import FRACTIONS
from conformance.trace.recorded_clock import served_at

CLOCK_RESOLUTION = 0.002
"""Seconds to which times in milliseconds can be compared."""

DATE_RESOLUTION = 2.0
"""Seconds to which the Date of an answer can be compared with other times."""

REPLAY_SECONDS = 86_400
"""No client repeats a request after a longer time."""


class Reading:
    """What one trace tells, in the order of its exchanges."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.exchanges = tuple(_judged(trace.exchanges))
        self.operations: list[Operation] = []
        self._named: dict[tuple[str, str], list[Operation]] = defaultdict(list)
        self._identified: dict[str, Operation] = {}
        self.mutations: list[Mutation] = []
        self.glimpses: list[Sighting] = []
        self._listed_alone: list[State] = []
        self._sources: dict[str, list[tuple[str, str, Exchange]]] = defaultdict(list)
        self._sizes: dict[str, list[tuple[str, str, Exchange]]] = defaultdict(list)
        self._left_out = MAY_BE_ABSENT - _listed_fields(self.exchanges, "images.list")
        self._left_out_of_operations = LISTS_MAY_LACK - _listed_fields(self.exchanges, LIST)
        for exchange in self.exchanges:
            self._read(exchange)
        self._pair_replays()
        self._note_arrivals()

    def _read(self, exchange: Exchange) -> None:
        for source in exchange.sources:
            self._sources[source.path].append((source.project, source.identifier, exchange))
            self._sizes[source.path].append((source.project, source.size, exchange))
        if exchange.method in MUTATIONS and exchange.failure != INCOMPLETE:
            self._read_mutation(exchange)
        if exchange.route and exchange.resource is not None and not exchange.enums_as_numbers:
            self._read_resource(exchange, exchange.route, exchange.resource)

    def _read_resource(self, exchange: Exchange, route: Route, resource: dict[str, Any]) -> None:
        mask = exchange.mask
        match route.method:
            case "globalOperations.get" | "globalOperations.wait":
                self._look_at_operation(State(exchange, resource, route.method, mask), route.project, route.name)
            case "globalOperations.list":
                for item in exchange.items:
                    within = mask.within("items")
                    state = State(exchange, item, route.method, within, self._left_out_of_operations)
                    self._see_listed(state, route.project)
            case "images.get" | "images.getFromFamily":
                self.glimpses.append(Sighting(exchange, resource, route.method, route.project, mask))
            case "images.list":
                within = mask.within("items")
                for item in exchange.items:
                    whole = self.trace.recorded and item.keys() >= NOT_IN_SHORT
                    left_out = frozenset() if whole else self._left_out
                    self.glimpses.append(Sighting(exchange, item, route.method, route.project, within, left_out))
            case "imageFamilyViews.get":
                image = resource.get("image")
                if isinstance(image, dict):
                    within = mask.within("image")
                    self.glimpses.append(Sighting(exchange, image, route.method, route.project, within))

    def _read_mutation(self, exchange: Exchange) -> None:
        route = exchange.route
        assert route is not None
        if route.method == "images.insert":
            body = exchange.request.first_json
            name = body.get("name") if isinstance(body, dict) else None
        else:
            name = route.name
        request_id = exchange.request.query.get("requestId", [None])[0]
        mutation = Mutation(exchange, route.project, name if isinstance(name, str) else None, request_id)
        repeats_unseen = self._repeats_unseen(mutation)
        if not repeats_unseen:
            self.mutations.append(mutation)
        resource = exchange.resource
        if resource is None:
            return
        operation_name = resource.get("name")
        state = State(exchange, resource, route.method, exchange.mask)
        if isinstance(operation_name, str) and operation_name:
            bearers = self.bearers(route.project, operation_name)
        else:
            operation_name = f"{UNNAMED}{exchange.number}"
            bearers = [one for one in self.operations if not one.named and one.has_id_of(state)]
        known = (
            operation
            for operation in bearers
            if operation.project == route.project and operation.owns(state) and not _another(mutation, operation, state)
        )
        mutation.operation = next(known, None) or self._new_operation(route.project, operation_name, state)
        if not exchange.enums_as_numbers:
            mutation.operation.glimpses.append(state)
        if mutation.operation.mutation is None and not repeats_unseen:
            mutation.operation.mutation = mutation

    def _repeats_unseen(self, mutation: Mutation) -> bool:
        """Whether a request replays one that the recording does not show: its operation began before it was sent.

        Such a request changes nothing, so it tells only of its operation.
        """
        if not self.trace.recorded or not mutation.request_id or mutation.answer is None:
            return False
        earlier_tries = (other for other in self.mutations if not other.exchange.rejected)
        if any((other.request_id or "").lower() == mutation.request_id.lower() for other in earlier_tries):
            return False
        route, name = mutation.exchange.route, mutation.answer.get("name")
        if route and any(operation.mutation for operation in self.bearers(route.project, name)):
            return False  # the recording shows whose operation it is: that of another request
        text = mutation.answer.get("insertTime")
        began = timestamp(text)
        if began is None:
            return False
        # Of a time without a fraction, or with one of zeros, the fraction may have been left out.
        resolution = CLOCK_RESOLUTION if began.microsecond and FRACTIONS not in self.trace.lost else 1.0
        earlier = mutation.exchange.sent + self.trace.ahead - began.timestamp()
        if not resolution < earlier < REPLAY_SECONDS:
            return False
        # A recorder's clock may jump, which the Date of the answer tells, in whole seconds.
        served = served_at(mutation.exchange)
        took = mutation.exchange.received - mutation.exchange.sent
        return served is None or earlier < DATE_RESOLUTION or began.timestamp() < served - took - DATE_RESOLUTION

    def _new_operation(self, project: str, name: str, first: State) -> Operation:
        operation = Operation(project, name, first)
        self.operations.append(operation)
        self._identified.setdefault(first.identity.get("id", ""), operation)
        for address in dict.fromkeys((name, link(first.value.get("selfLink")).rpartition("/operations/")[2])):
            if address:
                self._named[project, address].append(operation)
        return operation

    def _look_at_operation(self, state: State, project: str, name: str) -> None:
        """Reads the answer to a look at an operation: it tells of an operation that is known, or in a recording of
        any."""
        known = self.bearers(project, name)
        if not known and self.trace.recorded:
            own = state.value.get("name")
            called = own if isinstance(own, str) and state.value.get("id") == name else name
            known = self.bearers(project, called) or [self._new_operation(project, called, state)]
        able = [operation for operation in known if operation.has_id_of(state)]
        if not able and not self._of_another_project(state, project):
            able = [operation for operation in reversed(known) if operation.owns(state)]
        owner = min(able, key=lambda operation: operation.first.differences(state), default=None)
        if owner is not None:
            owner.glimpses.append(state)
        elif known:
            known[-1].strangers.append(state)

    def _of_another_project(self, state: State, project: str) -> bool:
        """Whether a state bears the id of an operation that another project's request was answered with."""
        bearer = self._identified.get(state.identity.get("id", ""))
        return bearer is not None and bearer.project != project and bearer.mutation is not None

    def _see_listed(self, state: State, project: str) -> None:
        known = [operation for operation in self.bearers(project, state.value.get("name")) if operation.owns(state)]
        for operation in known:
            operation.glimpses.append(state)
        if not known:
            self._listed_alone.append(state)

    @cached_property
    def foreign(self) -> tuple[State, ...]:
        """The states of operations whose requests the trace does not show: others have sent them."""
        looked_at = (state for one in self.operations if one.mutation is None for state in one.glimpses)
        return (*looked_at, *self._listed_alone)

    def bearers(self, project: str, name: Any) -> list[Operation]:
        """The operations of a name or id: one, unless the target gives a name to several."""
        if not isinstance(name, str):
            return []
        if (project, name) not in self._named and name.isdecimal():
            return [
                operation
                for operation in self.operations
                if operation.project == project and operation.first.identity.get("id") == name
            ]
        return self._named.get((project, name), [])

    def _pair_replays(self) -> None:
        first: dict[tuple[str, str, str], Mutation] = {}
        for mutation in self.mutations:
            if not mutation.request_id:
                continue
            key = (mutation.project, mutation.method, mutation.request_id.lower())
            if key in first:
                mutation.original = first[key]
            elif not mutation.exchange.rejected:
                first[key] = mutation

    def _note_arrivals(self) -> None:
        """Finds the images of inserts whose operations cannot be followed to their end: such a name was given to no
        other image, and nothing else was done with it before.

        In a recording somebody else may have used the name: there it has to be the image that the operation tells of.
        """
        attempts: dict[tuple[str, str | None], list[Mutation]] = defaultdict(list)
        for mutation in self.mutations:
            if not mutation.exchange.rejected:
                attempts[mutation.project, mutation.image].append(mutation)
        recorded = self.trace.recorded
        for (project, name), (insert, *others) in attempts.items():
            operation = insert.operation
            if insert.method != "images.insert" or operation is None or operation.final is not None:
                continue
            until = min((other.exchange.sent for other in others), default=math.inf)
            insert.arrival = next(
                (
                    seen.exchange
                    for seen in self.glimpses
                    if (seen.project, seen.name) == (project, name)
                    and (seen.via == "images.get" or recorded)
                    and (not recorded or _targets(operation, seen.value.get("id")))
                    and (seen.value.get("status") == "READY" or _has_no_status(seen, recorded=recorded))
                    and after(insert.exchange, seen.exchange)
                    and seen.exchange.received < until
                ),
                None,
            )

    @cached_property
    def inserts(self) -> tuple[Mutation, ...]:
        """All inserts, in order."""
        return tuple(mutation for mutation in self.mutations if mutation.method == "images.insert")

    @cached_property
    def created(self) -> tuple[Mutation, ...]:
        """The inserts that rightly made an image: their operation is their own, and DONE without an error.

        A replay makes none, though it may be answered with an operation of its own.
        """
        return tuple(
            insert
            for insert in self.inserts
            if insert.outcome == "succeeded"
            and insert.operation
            and insert.operation.mutation is insert
            and not insert.invalid
            and not (insert.original is not None and insert.original.exchange.answered)
        )

    @cached_property
    def _ids_of_projects(self) -> dict[str, str]:
        """The ids of projects by their numbers, as far as the trace tells both."""
        called = ((route(one.request.verb, one.request.path), one.project) for one in self.exchanges if one.project)
        return {path.project: identifier for path, identifier in called if path is not None}

    def with_project_id(self, url: str) -> str:
        """A URL with the id of its project in the place of the number, if the trace tells it."""
        number = (named(url) or ("",))[0]
        known = self._ids_of_projects.get(number)
        return url.replace(f"projects/{number}/", f"projects/{known}/", 1) if known else url

    def identifier(self, mutation: Mutation) -> str | None:
        """The id of the image that a request made or changed, as its operation says it."""
        return mutation.operation.target_id if mutation.operation else None


def _has_no_status(seen: Sighting, *, recorded: bool) -> bool:
    """Whether an image of a run was shown without a status: nothing more is to be expected of it."""
    return not recorded and seen.shows("status") and not is_set(seen.value.get("status"))


def _judged(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """The exchanges whose answers can be judged, with the ids of projects for their numbers where both are told.

    A request that changes something stays as one whose answer was lost, so that nothing is blamed for what it has done.
    """
    ids = _project_ids(exchanges)
    for exchange in exchanges:
        told = exchange
        if exchange.unreadable and exchange.intent is None:
            if exchange.method not in MUTATIONS:
                continue
            told = replace(told, response=None, failure=NOT_RECORDED)
        if exchange.route and exchange.route.project in ids:
            told = replace(told, project=ids[exchange.route.project])
        yield told


def _project_ids(exchanges: Sequence[Exchange]) -> dict[str, str]:
    """The ids of projects by their numbers, as the links of answers tell them."""
    found: dict[str, str] = {}
    for exchange in exchanges:
        route = exchange.route
        if route is not None and route.project.isdecimal():
            own = named((exchange.resource or {}).get("selfLink"))
            if own is not None and not own[0].isdecimal():
                found.setdefault(route.project, own[0])
    return found


def _listed_fields(exchanges: Sequence[Exchange], method: str) -> set[str]:
    """The fields of images, or of operations, that lists show at all: they may leave some out."""
    return {name for exchange in exchanges if exchange.method == method for item in exchange.items for name in item}


def _targets(operation: Operation, identifier: Any) -> bool:
    """Whether an operation was shown to be about the image of an id."""
    return is_set(identifier) and any(state.value.get("targetId") == identifier for state in operation.glimpses)


def _another(mutation: Mutation, operation: Operation, state: State) -> bool:
    """Whether a request that replays none was answered with an operation of its own, though its name is another's."""
    first = operation.mutation
    replayed = first is not None and first.request_id and mutation.request_id
    if first is None or (replayed and str(first.request_id).lower() == str(mutation.request_id).lower()):
        return False
    ids = {one.identity.get("id") for one in (operation.first, state)}
    # Each tells of its own request, by the image or by the requestId, and these are two: be it that the id is the same.
    one, two = operation.first.identity, state.identity
    images = one.get("target") == first.image != mutation.image == two.get("target")
    asked = [str(request.request_id or "").lower() for request in (first, mutation)]
    requests = all(asked) and [one.get("request"), two.get("request")] == asked
    return (len(ids) == 2 and None not in ids) or images or requests
