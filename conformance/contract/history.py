"""A trace read as a story: inserts and what became of them, operations state by state, images as they were seen.

Built once for each trace; every rule reads it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeVar, cast

from conformance.contract.request_view import RequestView
from conformance.contract.round_trip import SERVICE_PREFIX, changed_by, shows
from conformance.contract.rule import is_error, is_set
from conformance.trace.exchange import INCOMPLETE, MUTATIONS, NOT_RECORDED, Exchange, Route, Trace
from conformance.trace.field_mask import EVERYTHING, FieldMask
from conformance.trace.formats import link, timestamp
from conformance.trace.links import named, same_project
from conformance.trace.losses import TIMES
from conformance.trace.recorded_clock import served_at

Result = TypeVar("Result")

CLOCK_RESOLUTION = 0.002
"""Seconds to which times in milliseconds can be compared."""

DATE_RESOLUTION = 2.0
"""Seconds to which the Date of an answer can be compared with other times."""

REPLAY_SECONDS = 86_400
"""No client repeats a request after a longer time."""

MOMENT_SECONDS = 1.5
"""How long labels may take to be seen once they are set."""

LATE_SECONDS = 60.0
"""How long the first look after a change may show the image as it was before, where a later look shows the change."""

PRECONDITION_FAILED = 412

UNNAMED = "unnamed "

STATUS_ORDER = {"PENDING": 0, "RUNNING": 1, "DONE": 2}

OBJECTS = frozenset({"labels", "deprecated"})
"""Fields of an image that rules look into."""

CONTRADICTIONS = 2
"""In so many of id, type, target and time of insertion two states differ that cannot be of one operation, though they
bear one name.

Where they differ in one of them, it is the operation that has changed.
"""

Outcome = Literal["refused", "failed", "succeeded", "running", "unknown"]


def after(earlier: Exchange, later: Exchange) -> bool:
    """Whether a request was sent when the answer of another was already there: only then has their order a meaning.

    A request without an answer may still be carried out at any later time.
    """
    answered = earlier.response is not None
    return answered and earlier is not later and later.sent >= earlier.received and later.number > earlier.number


def overlapping(mutations: Sequence[Mutation]) -> list[Mutation]:
    """Those of some requests that were under way at the same time as another of them."""
    return [
        one
        for one in mutations
        if any(
            not after(one.exchange, two.exchange) and not after(two.exchange, one.exchange)
            for two in mutations
            if two is not one
        )
    ]


@dataclass(frozen=True)
class State:
    """An operation as one answer showed it; `via` is the API method that answered, `mask` what it was asked for."""

    exchange: Exchange
    value: dict[str, Any]
    via: str
    mask: FieldMask = EVERYTHING

    def shows(self, *names: str) -> bool:
        """Whether the answer tells of these fields: each is there, or would be if it had a value."""
        return all(self.mask.covers(name) or (name in self.value and name not in self.mask.fields) for name in names)

    @property
    def status(self) -> str:
        """The status, "" for anything that is no text."""
        status = self.value.get("status")
        return status if isinstance(status, str) else ""

    @property
    def done(self) -> bool:
        """Whether the operation has ended."""
        return self.status == "DONE"

    @cached_property
    def identity(self) -> dict[str, str]:
        """What tells an operation from others beside its name: what is known of id, type, target and time."""
        parts = {
            "id": self.value.get("id"),
            "type": self.value.get("operationType"),
            "target": link(self.value.get("targetLink")).rpartition("/")[2],
            "target id": self.value.get("targetId"),
            "insert time": timestamp(self.value.get("insertTime")),
        }
        return {name: str(part) for name, part in parts.items() if is_set(part)}

    def contradicts(self, other: State) -> bool:
        """Whether this is a state of another operation, whatever its name is."""
        one, two = self.identity, other.identity
        differing = {name for name in one.keys() & two.keys() if one[name] != two[name]}
        if "target" in one.keys() & two.keys():
            differing.discard("target id")
        return len(differing) >= CONTRADICTIONS

    @property
    def failed(self) -> bool:
        """Whether it has ended with an error, or with the status of one."""
        status = self.value.get("httpErrorStatusCode")
        return self.done and (is_error(self.value.get("error")) or (isinstance(status, int) and status >= 400))


@dataclass
class Operation:
    """All that was seen of one operation, in the order of the answers' requests.

    `glimpses` are all answers, `states` those that show it as a whole; `strangers` are answers that a look at its
    name got, and that are of another operation. `first` is the answer that made it known, though it may tell enums as
    numbers and so is no glimpse.
    """

    project: str
    name: str
    first: State
    glimpses: list[State] = field(default_factory=list)
    mutation: Mutation | None = None
    strangers: list[State] = field(default_factory=list)

    def owns(self, state: State) -> bool:
        """Whether a state that bears the name, or was got under it, is one of this operation."""
        return not self.first.contradicts(state)

    def has_id_of(self, state: State) -> bool:
        """Whether a state bears the id of this operation, and contradicts it in nothing."""
        own = self.first.identity.get("id")
        return own is not None and own == state.identity.get("id") and self.owns(state)

    @property
    def states(self) -> list[State]:
        """The answers that were not limited to some fields."""
        return [state for state in self.glimpses if not state.mask.partial]

    @property
    def named(self) -> bool:
        """Whether an answer gave it a name: one without gets a made-up name, which no operation can have."""
        return not self.name.startswith(UNNAMED)

    @cached_property
    def final(self) -> State | None:
        """The first state that was DONE; one that tells whether it failed, if there is any."""
        done = [state for state in self.glimpses if state.done]
        return next((state for state in done if state.shows("error")), done[0] if done else None)

    def pairs(self) -> Iterator[tuple[State, State]]:
        """Each state with the one before it, where the order is certain."""
        for earlier, later in zip(self.states, self.states[1:], strict=False):
            if after(earlier.exchange, later.exchange):
                yield earlier, later


@dataclass(eq=False)
class Mutation:
    """A request that changes an image (insert, delete, patch, setLabels, deprecate), and what became of it.

    `image` is the name (for an insert, the name in its body, whatever is behind its JSON; None where that is no
    text); `original` is the earlier request with the same requestId, of the same project and method, whose outcome
    the target has to remember; `arrival` shows the image of an insert whose operation was never seen to end.
    """

    exchange: Exchange
    project: str
    image: str | None
    request_id: str | None
    original: Mutation | None = None
    operation: Operation | None = None
    arrival: Exchange | None = None

    @property
    def method(self) -> str:
        """The API method."""
        return self.exchange.method

    @cached_property
    def view(self) -> RequestView:
        """The request, part by part."""
        return RequestView(self.exchange)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; empty where the body is none."""
        return self.view.body

    @property
    def invalid(self) -> bool:
        """Whether the request should have been refused: what becomes of it is the matter of the rule that it breaks,
        alone."""
        intent = self.exchange.intent
        return (intent is not None and not intent.valid) or bool(self.view.broken_rules)

    @property
    def answer(self) -> dict[str, Any] | None:
        """The operation as this very request was answered."""
        return self.exchange.resource

    @property
    def outcome(self) -> Outcome:
        """What became of the request: refused at once, failed, succeeded, still running when last seen, or unknown."""
        if self.exchange.refused:
            return "refused"
        if not self.exchange.answered or self.operation is None:
            return "unknown"
        final = self.operation.final
        if final is None:
            return "running" if self.arrival is None else "succeeded"
        if final.failed:
            return "failed"
        return "succeeded" if final.shows("error") else "unknown"

    @property
    def end(self) -> Exchange:
        """What shows that it has ended: its operation DONE, or else the image that it made.

        Raises:
            LookupError: nothing does; each of those that `History.created` lists has such an exchange.
        """
        final = self.operation.final if self.operation else None
        end = final.exchange if final else self.arrival
        if end is None:
            raise LookupError("the request was never seen to end")
        return end

    @property
    def missed(self) -> bool:
        """Whether its operation failed since the image was not there any more: so it ends for a delete that comes
        second."""
        final = self.operation.final if self.operation else None
        return final is not None and final.failed and final.value.get("httpErrorStatusCode") == 404

    @property
    def same_bytes(self) -> bool:
        """For a replay: whether it is byte for byte the request that it replays."""
        first = self.original
        return (
            first is not None
            and first.exchange.request.body == self.exchange.request.body
            and first.exchange.request.query == self.exchange.request.query
        )

    @property
    def same_content(self) -> bool:
        """For a replay: whether body and parameters mean the same, whatever the order of keys and the case of
        requestId."""
        first = self.original
        if first is None or _parameters(first.exchange) != _parameters(self.exchange):
            return False
        return bool(first.exchange.request.json == self.exchange.request.json)


def _parameters(exchange: Exchange) -> dict[str, list[str]]:
    return {name: values for name, values in exchange.request.query.items() if name != "requestId"}


@dataclass(frozen=True)
class Sighting:
    """An image as one answer showed it; `via` is the API method that answered, `mask` what it was asked for."""

    exchange: Exchange
    value: dict[str, Any]
    via: str
    project: str
    mask: FieldMask = EVERYTHING

    def shows(self, *names: str) -> bool:
        """Whether the answer tells of these fields: each is there, or would be if it had a value.

        A field of the wrong JSON type tells nothing: that is the matter of the rule about its type.
        """
        told = all(self.mask.covers(name) or (name in self.value and name not in self.mask.fields) for name in names)
        return told and all(isinstance(self.value.get(name), dict | None) for name in OBJECTS.intersection(names))

    @property
    def name(self) -> str | None:
        """The image's name as the answer says it, or the request where the answer was not asked for it."""
        name = self.value.get("name")
        route = self.exchange.route
        if name is None and not self.shows("name") and self.via == "images.get" and route:
            return None if route.name.isdecimal() else route.name
        return name if isinstance(name, str) else None


class History:
    """The story of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.exchanges = tuple(_judged(trace.exchanges))
        self.operations: list[Operation] = []
        self._named: dict[tuple[str, str], list[Operation]] = defaultdict(list)
        self.mutations: list[Mutation] = []
        self.glimpses: list[Sighting] = []
        self._sources: dict[str, list[tuple[str, str, Exchange]]] = defaultdict(list)
        self._made: dict[str, object] = {}
        for exchange in self.exchanges:
            self._read(exchange)
        self._pair_replays()
        self._note_arrivals()

    # Reading

    def _read(self, exchange: Exchange) -> None:
        if exchange.source is not None:
            project, path = exchange.source
            self._sources[path].append((project, str((exchange.resource or {}).get("id") or ""), exchange))
        if exchange.method in MUTATIONS and exchange.failure != INCOMPLETE:
            self._read_mutation(exchange)
        if exchange.route and exchange.resource is not None and not _encodes_enums_as_numbers(exchange):
            self._read_resource(exchange, exchange.route, exchange.resource)

    def _read_resource(self, exchange: Exchange, route: Route, resource: dict[str, Any]) -> None:
        mask = exchange.mask
        match route.method:
            case "globalOperations.get" | "globalOperations.wait":
                self._look_at_operation(State(exchange, resource, route.method, mask), route.project, route.name)
            case "globalOperations.list":
                for item in exchange.items:
                    self._see_listed(State(exchange, item, route.method, mask.within("items")), route.project)
            case "images.get" | "images.getFromFamily":
                self.glimpses.append(Sighting(exchange, resource, route.method, route.project, mask))
            case "images.list":
                within = mask.within("items")
                for item in exchange.items:
                    self.glimpses.append(Sighting(exchange, item, route.method, route.project, within))
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
        if not isinstance(operation_name, str) or not operation_name:
            operation_name = f"{UNNAMED}{exchange.number}"
        state = State(exchange, resource, route.method, exchange.mask)
        known = (
            operation
            for operation in self.bearers(route.project, operation_name)
            if operation.owns(state) and not _another(mutation, operation, state)
        )
        mutation.operation = next(known, None) or self._new_operation(route.project, operation_name, state)
        if not _encodes_enums_as_numbers(exchange):
            mutation.operation.glimpses.append(state)
        if mutation.operation.mutation is None and not repeats_unseen:
            mutation.operation.mutation = mutation

    def _repeats_unseen(self, mutation: Mutation) -> bool:
        """Whether a request replays one that the recording does not show: its operation began before it was sent.

        Such a request changes nothing, so it tells only of its operation.
        """
        if not self.trace.recorded or not mutation.request_id or mutation.answer is None:
            return False
        if any((other.request_id or "").lower() == mutation.request_id.lower() for other in self.mutations):
            return False
        text = mutation.answer.get("insertTime")
        began = timestamp(text)
        if began is None:
            return False
        resolution = CLOCK_RESOLUTION if "." in str(text) else 1.0
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
        owner = next(
            (operation for operation in known if operation.has_id_of(state)),
            next((operation for operation in reversed(known) if operation.owns(state)), None),
        )
        if owner is not None:
            owner.glimpses.append(state)
        elif known:
            known[-1].strangers.append(state)

    def _see_listed(self, state: State, project: str) -> None:
        for operation in self.bearers(project, state.value.get("name")):
            if operation.owns(state):
                operation.glimpses.append(state)

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
        other image, and nothing else was done with it before."""
        attempts: dict[tuple[str, str | None], list[Mutation]] = defaultdict(list)
        for mutation in self.mutations:
            if not mutation.exchange.rejected:
                attempts[mutation.project, mutation.image].append(mutation)
        for (project, name), (insert, *others) in attempts.items() if not self.trace.recorded else ():
            operation = insert.operation
            if insert.method != "images.insert" or operation is None or operation.final is not None:
                continue
            until = min((other.exchange.sent for other in others), default=math.inf)
            insert.arrival = next(
                (
                    seen.exchange
                    for seen in self.glimpses
                    if (seen.via, seen.project, seen.name) == ("images.get", project, name)
                    and seen.value.get("status") == "READY"
                    and after(insert.exchange, seen.exchange)
                    and seen.exchange.received < until
                ),
                None,
            )

    # Views

    def forgotten(self, operation: Operation, exchange: Exchange) -> bool:
        """Whether the target may have been told to delete an operation, before a request was answered."""
        return any(
            delete.sent <= exchange.received and not (delete.rejected and delete.status != 404)
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
    def every_sighting(self) -> tuple[Sighting, ...]:
        """The images as they were seen as a whole."""
        return tuple(seen for seen in self.glimpses if not seen.mask.partial)

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
            and not self.held_twice(seen.project, seen.name, seen.exchange)
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
            if not taken or insert.operation is None or insert.operation.mutation is not insert:
                continue
            key = (insert.project, insert.image)
            if any(self._both_there(earlier, insert) for earlier in made[key]):
                found.setdefault(key, insert.exchange)
            made[key].append(insert)
        listed: dict[tuple[int, str, str | None], set[str]] = defaultdict(set)
        for seen in self.every_sighting:
            if seen.via == "images.list":
                ids = listed[seen.exchange.number, seen.project, seen.name]
                ids.add(str(seen.value.get("id")))
                if len(ids) > 1:
                    found.setdefault((seen.project, seen.name), seen.exchange)
        return found

    def _both_there(self, first: Mutation, second: Mutation) -> bool:
        """Whether the image of one insert was there still when another of the same name made its own."""
        ids = {self.identifier(first), self.identifier(second)}
        if len(ids) == 1 and (None not in ids or second.original is not None):
            return False
        return not any(
            change.method == "images.delete"
            and not after(change.exchange, first.exchange)
            and not after(second.exchange, change.exchange)
            for change in self.changes(first)
        )

    @cached_property
    def sightings(self) -> tuple[Sighting, ...]:
        """The fair sightings of images as a whole."""
        return tuple(seen for seen in self._fair_glimpses if not seen.mask.partial)

    def showing(self, *names: str) -> Iterator[Sighting]:
        """The fair sightings that tell of these fields, be it of them alone."""
        return (seen for seen in self._fair_glimpses if seen.shows(*names))

    @cached_property
    def _outdated(self) -> frozenset[int]:
        """The sightings, by identity, that show an image as it was before a change that is DONE.

        A service may show a change a moment late: labels for a moment, and any change once where the next look shows
        it.
        """
        return frozenset(id(seen) for change in self.mutations for seen in self._before_change(change))

    def _before_change(self, change: Mutation) -> Iterator[Sighting]:
        """The first sightings after a change that do not show it yet, as far as that is allowed."""
        wanted = _changed(change)
        final = change.operation.final if change.operation else None
        if not wanted or final is None or change.outcome != "succeeded" or change.original is not None:
            return
        own = {change.image, self.identifier(change)}
        looks = [
            seen for seen in self._by_project[change.project] if seen.name in own or str(seen.value.get("id")) in own
        ]
        earlier = [seen for seen in looks if after(seen.exchange, change.exchange)]
        # What changes another field only says nothing of when this one is seen, and a replay changes nothing.
        others = [
            other
            for other in self.changes(change)
            if not after(other.exchange, change.exchange)
            and (wanted & _changed(other) or not _changed(other))
            and not (other.original is not None and other.same_content)
        ]
        # Of changes at one time any may be the last one, so that any of them shows that the look was late.
        together = [
            change,
            *(other for other in others if _changed(other) and not after(change.exchange, other.exchange)),
        ]
        ends = [other.exchange.sent for other in others if other not in together]
        later = [
            seen
            for seen in looks
            if after(final.exchange, seen.exchange)
            and seen.shows(*wanted)
            and seen.exchange.received < min(ends, default=math.inf)
        ]
        known = [old for old in earlier if old.shows(*wanted)]
        # Of looks at one time either may be the last one.
        latest = max((old.exchange for old in known), key=lambda look: look.sent, default=change.exchange)
        last = [old for old in known if not after(old.exchange, latest)]
        shown = next((seen for seen in later if any(_shows(one, seen) for one in together)), None)
        for at, seen in enumerate(later):
            up_to_date = any(_shows(one, seen) for one in together)
            if up_to_date or (shown is not None and after(shown.exchange, seen.exchange)):
                continue
            if last and not any(all(_value(old, name) == _value(seen, name) for name in wanted) for old in last):
                return
            passed = seen.exchange.sent - final.exchange.received
            soon = passed <= MOMENT_SECONDS and (at == 0 or TIMES not in self.trace.lost)
            caught_up = shown is not None and (soon or (passed <= LATE_SECONDS and at == 0))
            # Where another change follows, there may have been no time for a second look.
            cut_short = bool(ends) and at == len(later) - 1
            if caught_up or (soon and ("labels" in wanted or cut_short)):
                yield seen

    @cached_property
    def outdated_looks(self) -> frozenset[int]:
        """The numbers of the gets that show an image as it was before the last change, as far as that is allowed."""
        return frozenset(
            seen.exchange.number for seen in self.glimpses if seen.via == "images.get" and id(seen) in self._outdated
        )

    @cached_property
    def _by_project(self) -> dict[str, list[Sighting]]:
        found: dict[str, list[Sighting]] = defaultdict(list)
        for seen in self.glimpses:
            found[seen.project].append(seen)
        return found

    @cached_property
    def names(self) -> dict[Any, str | None]:
        """The name of each image that was seen, by its id."""
        return {str(seen.value["id"]): seen.name for seen in reversed(self.sightings) if is_set(seen.value.get("id"))}

    def ids_of(self, project: str, path: str, since: Exchange | None = None) -> dict[str, Exchange]:
        """The ids that the trace shows of a disk, snapshot or image, each with the exchange that shows it first.

        Args:
            project: its project, by id or number.
            path: where it is within the project, such as `global/images/base`.
            since: where given, only what was asked for after the answer to it counts.
        """
        found: dict[str, Exchange] = {}
        for owner, identifier, exchange in self._ids[path]:
            if identifier and same_project(owner, project) and (since is None or after(since, exchange)):
                found.setdefault(identifier, exchange)
        return found

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
        """The requests for one image, by name or by id, but for those that came a moment too early to find it.

        One that is refused though it is valid in the matter of some rule says nothing of the image: it is that rule's.
        """
        looks = [exchange for exchange in self.exchanges if exchange.method == "images.get"]
        return tuple(
            exchange
            for exchange in looks
            if exchange.number not in self.too_early
            and not (exchange.refused and exchange.intent is not None and exchange.intent.valid)
        )

    @cached_property
    def too_early(self) -> frozenset[int]:
        """The numbers of the gets that did not find an image just after its insert was DONE, although the next look
        did, or was not to be had."""
        found: set[int] = set()
        looks: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        for exchange in self.exchanges:
            if exchange.method == "images.get" and exchange.route:
                looks[exchange.route.project, exchange.route.name].append(exchange)
        for insert in self.created:
            final = insert.end
            deletes = [change.exchange for change in self.changes(insert) if change.method == "images.delete"]
            ends = [delete.sent for delete in deletes if not after(delete, insert.exchange)]
            for name in {insert.image or "", self.identifier(insert) or ""}:
                missed: list[Exchange] = []
                for look in looks.get((insert.project, name), ()):
                    if not after(final, look) or look.received >= min(ends, default=math.inf):
                        continue
                    if look.status == 404 and look.sent - final.received <= LATE_SECONDS:
                        missed.append(look)
                    elif look.answered:
                        found.update(early.number for early in missed)
                        break
                else:
                    # Where it was deleted then, there may have been no time for a look that finds it.
                    if ends and all(early.sent - final.received <= MOMENT_SECONDS for early in missed):
                        found.update(early.number for early in missed)
        return frozenset(found)

    def changes(self, mutation: Mutation) -> Iterator[Mutation]:
        """The other requests that may have changed the same image: all on its name or id that weren't rejected.

        In a recording a request may be refused since somebody whom it does not show has changed the image: it stands
        for that.
        """
        names = {mutation.image, self.identifier(mutation)}
        for other in self.mutations:
            if other is mutation or other.project != mutation.project or other.image not in names:
                continue
            if not other.exchange.rejected or other in self.overtaken:
                yield other

    @cached_property
    def overtaken(self) -> frozenset[Mutation]:
        """The requests of a recording that failed their precondition, where the next look shows that others were
        faster."""
        refused = [
            mutation
            for mutation in self.mutations
            if self.trace.recorded and mutation.exchange.status == PRECONDITION_FAILED
        ]
        return frozenset(mutation for mutation in refused if self._fingerprint_moved(mutation))

    def _fingerprint_moved(self, refused: Mutation) -> bool:
        looks = [
            seen
            for seen in self._by_project[refused.project]
            if refused.image in (seen.name, seen.value.get("id")) and seen.shows("labelFingerprint")
        ]
        before = [seen for seen in looks if after(seen.exchange, refused.exchange)]
        later = [seen for seen in looks if after(refused.exchange, seen.exchange)]
        return bool(before and later) and _value(before[-1], "labelFingerprint") != _value(later[0], "labelFingerprint")

    def identifier(self, mutation: Mutation) -> str | None:
        """The id of the image that a request made or changed, as its operation says it."""
        if mutation.operation is None:
            return None
        values = (state.value.get("targetId") for state in mutation.operation.glimpses)
        return next((str(value) for value in values if isinstance(value, str | int) and value), None)

    def identity(self, insert: Mutation, before: Exchange) -> str | None:
        """The id of the image that an insert made: as it was seen before another request, or else as its operation says
        it, which may be wrong."""
        seen = [
            str(seen.value["id"])
            for seen in self.showing("id")
            if seen.via == "images.get" and seen.name == insert.image and seen.project == insert.project
            if is_set(seen.value.get("id")) and not self.echoes(seen, "id")
            if after(insert.exchange, seen.exchange) and after(seen.exchange, before)
        ]
        final = insert.operation.final if insert.operation else None
        told = final.value.get("targetId") if final else None
        return seen[-1] if seen else str(told) if is_set(told) else self.identifier(insert)

    @cached_property
    def _results(self) -> dict[int, tuple[Sighting, ...]]:
        gotten: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
        shown: dict[tuple[str, str | None], list[Sighting]] = defaultdict(list)
        for sighting in self.glimpses:
            if id(sighting) in self._outdated:
                continue
            if sighting.via == "images.get" and sighting.exchange.route:
                gotten[sighting.project, sighting.exchange.route.name].append(sighting)
            else:
                shown[sighting.project, sighting.name].append(sighting)
        results: dict[int, tuple[Sighting, ...]] = {}
        for mutation in self.mutations:
            operation = mutation.operation
            if operation is None or operation.mutation is not mutation:
                continue
            if operation.final is None and mutation.arrival is None:
                continue
            end = mutation.end
            ends = [
                change.exchange for change in self.changes(mutation) if not after(change.exchange, mutation.exchange)
            ]
            names = {name for name in (mutation.image, self.identifier(mutation)) if name}
            gets = [sighting for name in names for sighting in gotten.get((mutation.project, name), [])]
            others = shown.get((mutation.project, mutation.image), []) if self.trace.recorded else []
            in_time = (
                tuple(
                    sighting
                    for sighting in sorted(found, key=lambda sighting: sighting.exchange.number)
                    if (after(end, sighting.exchange) or sighting.exchange is mutation.arrival)
                    and (mutation.method != "images.insert" or sighting.name in (mutation.image, None))
                    and not self.held_twice(mutation.project, mutation.image, sighting.exchange)
                    and not any(end.sent <= sighting.exchange.received for end in ends)
                )
                for found in (gets, others)
            )
            results[id(mutation)] = next(filter(None, in_time), ())
        return results

    def results(self, mutation: Mutation, *names: str) -> tuple[Sighting, ...]:
        """The image of a request as gets showed it once the operation was DONE, and before anything else could change
        it.

        Where no get of a recording has shown it, lists and families tell. With `names`, sightings of these fields
        alone count as well.
        """
        found = self._results.get(id(mutation), ())
        return tuple(seen for seen in found if (seen.shows(*names) if names else not seen.mask.partial))

    @cached_property
    def comebacks(self) -> tuple[tuple[Mutation, Sighting], ...]:
        """Each insert that made an image, with each sighting of its result: the evidence for all that "comes back"."""
        return tuple((insert, sighting) for insert in self.created for sighting in self.results(insert))

    def comebacks_of(self, name: str) -> Iterator[tuple[Mutation, Sighting]]:
        """The comebacks that tell of a field, be it of that alone."""
        return ((insert, sighting) for insert in self.created for sighting in self.results(insert, name))

    def echoes(self, sighting: Sighting, name: str) -> bool:
        """Whether a field that the server owns shows what the client itself sent for it in the insert of this image."""
        came = sighting.value.get(name)
        return any(
            insert.image == sighting.name and insert.project == sighting.project and insert.body.get(name) == came
            for insert in self.inserts
            if is_set(came)
        )

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


def _changed(change: Mutation) -> frozenset[str]:
    """The fields that a request changes of an image that is there."""
    return frozenset(changed_by(change.exchange))


def _shows(change: Mutation, seen: Sighting) -> bool:
    """Whether a sighting shows what a request has changed."""
    return shows(change.exchange, seen.value)


def _value(seen: Sighting, name: str) -> Any:
    value = seen.value.get(name)
    return value if is_set(value) else None


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


def _encodes_enums_as_numbers(exchange: Exchange) -> bool:
    """Whether the client asked for enums as numbers: such an answer's fields are judged by no rule."""
    query = exchange.request.query
    return any("enum-encoding" in value for key in ("alt", "$alt") for value in query.get(key, ()))


def _another(mutation: Mutation, operation: Operation, state: State) -> bool:
    """Whether a request that replays none was answered with an operation of its own, though its name is another's."""
    first = operation.mutation
    replayed = first is not None and first.request_id and mutation.request_id
    if first is None or (replayed and str(first.request_id).lower() == str(mutation.request_id).lower()):
        return False
    ids = {one.identity.get("id") for one in (operation.first, state)}
    return len(ids) == 2 and None not in ids
