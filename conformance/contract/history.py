"""A trace read as a story: inserts and what became of them, operations state by state, images as they were seen.

Built once for each trace; every rule reads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar, cast

from conformance.contract.request_view import RequestView
from conformance.contract.rule import is_set
from conformance.trace.exchange import INCOMPLETE, MUTATIONS, Exchange, Trace
from conformance.trace.formats import link, timestamp

Result = TypeVar("Result")

CLOCK_RESOLUTION = 0.002
"""Seconds to which times in milliseconds can be compared."""

REPLAY_SECONDS = 86_400
"""No client repeats a request after a longer time."""

UNNAMED = "unnamed "

STATUS_ORDER = {"PENDING": 0, "RUNNING": 1, "DONE": 2}

CONTRADICTIONS = 2
"""In so many of id, type and target two states differ that cannot be of one operation, though they bear one name.

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
    """An operation as one answer showed it; `via` is the API method that answered."""

    exchange: Exchange
    value: dict[str, Any]
    via: str

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
        """What tells an operation from others beside its name: what is known of id, type and target."""
        parts = {
            "id": self.value.get("id"),
            "type": self.value.get("operationType"),
            "target": link(self.value.get("targetLink")).rpartition("/")[2],
            "target id": self.value.get("targetId"),
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
        return self.done and (is_set(self.value.get("error")) or (isinstance(status, int) and status >= 400))


@dataclass
class Operation:
    """All that was seen of one operation, in the order of the answers' requests.

    `strangers` are answers that a look at its name got, and that are of another operation.
    """

    project: str
    name: str
    states: list[State] = field(default_factory=list)
    mutation: Mutation | None = None
    strangers: list[State] = field(default_factory=list)

    def owns(self, state: State) -> bool:
        """Whether a state that bears the name, or was got under it, is one of this operation."""
        return not (self.states and self.states[0].contradicts(state))

    @property
    def named(self) -> bool:
        """Whether an answer gave it a name: one without gets a made-up name, which no operation can have."""
        return not self.name.startswith(UNNAMED)

    @cached_property
    def final(self) -> State | None:
        """The first state that was DONE."""
        return next((state for state in self.states if state.done), None)

    def pairs(self) -> Iterator[tuple[State, State]]:
        """Each state with the one before it, where the order is certain."""
        for earlier, later in zip(self.states, self.states[1:], strict=False):
            if after(earlier.exchange, later.exchange):
                yield earlier, later


@dataclass(eq=False)
class Mutation:
    """A request that changes an image (insert, delete, patch, setLabels, deprecate), and what became of it.

    `image` is the name (for an insert, the name in its body, whatever is behind its JSON; None where that is no text); `original` is the earlier request
    with the same requestId, of the same project and method, whose outcome the target has to remember.
    """

    exchange: Exchange
    project: str
    image: str | None
    request_id: str | None
    original: Mutation | None = None
    operation: Operation | None = None

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
        """Whether the request should have been refused: what becomes of it is the matter of the rule that it breaks, alone."""
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
            return "running"
        return "failed" if final.failed else "succeeded"

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
        """For a replay: whether body and parameters mean the same, whatever the order of keys and the case of requestId."""
        first = self.original
        if first is None or _parameters(first.exchange) != _parameters(self.exchange):
            return False
        return bool(first.exchange.request.json == self.exchange.request.json)


def _parameters(exchange: Exchange) -> dict[str, list[str]]:
    return {name: values for name, values in exchange.request.query.items() if name != "requestId"}


@dataclass(frozen=True)
class Sighting:
    """An image as one answer showed it; `via` is the API method that answered."""

    exchange: Exchange
    value: dict[str, Any]
    via: str
    project: str

    @property
    def name(self) -> str | None:
        """The image's name as the answer says it."""
        name = self.value.get("name")
        return name if isinstance(name, str) else None


class History:
    """The story of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.exchanges = trace.exchanges
        self.operations: list[Operation] = []
        self._named: dict[tuple[str, str], list[Operation]] = defaultdict(list)
        self.mutations: list[Mutation] = []
        self.every_sighting: list[Sighting] = []
        self._made: dict[str, object] = {}
        for exchange in self.exchanges:
            self._read(exchange)
        self._pair_replays()

    # Reading

    def _read(self, exchange: Exchange) -> None:
        route = exchange.route
        if route is None:
            return
        if route.method in MUTATIONS and exchange.failure != INCOMPLETE:
            self._read_mutation(exchange)
        resource = exchange.resource
        if resource is None or _encodes_enums_as_numbers(exchange):
            return
        match route.method:
            case "globalOperations.get" | "globalOperations.wait":
                self._look_at_operation(State(exchange, resource, route.method), route.project, route.name)
            case "globalOperations.list":
                for item in _objects(resource.get("items")):
                    self._see_listed(State(exchange, item, route.method), route.project)
            case "images.get" | "images.getFromFamily":
                self.every_sighting.append(Sighting(exchange, resource, route.method, route.project))
            case "images.list":
                for item in _objects(resource.get("items")):
                    self.every_sighting.append(Sighting(exchange, item, route.method, route.project))
            case "imageFamilyViews.get":
                for item in _objects([resource.get("image")]):
                    self.every_sighting.append(Sighting(exchange, item, route.method, route.project))

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
        state = State(exchange, resource, route.method)
        known = (operation for operation in self.bearers(route.project, operation_name) if operation.owns(state))
        mutation.operation = next(known, None) or self._new_operation(route.project, operation_name)
        if not _encodes_enums_as_numbers(exchange):
            mutation.operation.states.append(state)
        if mutation.operation.mutation is None and not repeats_unseen:
            mutation.operation.mutation = mutation

    def _repeats_unseen(self, mutation: Mutation) -> bool:
        """Whether a request replays one that the recording does not show: its operation began before it was sent.

        Such a request changes nothing, so it tells only of its operation.
        """
        if not self.trace.recorded or not mutation.request_id or mutation.answer is None:
            return False
        text = mutation.answer.get("insertTime")
        began = timestamp(text)
        if began is None:
            return False
        resolution = CLOCK_RESOLUTION if "." in str(text) else 1.0
        earlier = mutation.exchange.sent + self.trace.ahead - began.timestamp()
        return resolution < earlier < REPLAY_SECONDS

    def _new_operation(self, project: str, name: str) -> Operation:
        operation = Operation(project, name)
        self.operations.append(operation)
        self._named[project, name].append(operation)
        return operation

    def _look_at_operation(self, state: State, project: str, name: str) -> None:
        """Reads the answer to a look at an operation: it tells of an operation that is known, or in a recording of any."""
        known = self.bearers(project, name)
        if not known and self.trace.recorded:
            known = [self._new_operation(project, name)]
        owner = next((operation for operation in reversed(known) if operation.owns(state)), None)
        if owner is not None:
            owner.states.append(state)
        elif known:
            known[-1].strangers.append(state)

    def _see_listed(self, state: State, project: str) -> None:
        for operation in self.bearers(project, state.value.get("name")):
            if operation.owns(state):
                operation.states.append(state)

    def bearers(self, project: str, name: Any) -> list[Operation]:
        """The operations of a name or id: one, unless the target gives a name to several."""
        if not isinstance(name, str):
            return []
        if (project, name) not in self._named and name.isdecimal():
            return [
                operation
                for operation in self.operations
                if operation.project == project and operation.states and operation.states[0].identity.get("id") == name
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
            elif not mutation.exchange.refused:
                first[key] = mutation

    # Views

    def concerned(self, rule: str) -> Sequence[Mutation]:
        """The requests that break a rule by what they say, or that were sent for its sake."""
        return self._concerned.get(rule, ())

    @cached_property
    def _concerned(self) -> dict[str, list[Mutation]]:
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
    def sightings(self) -> tuple[Sighting, ...]:
        """The images as they were seen, but for what invalid requests have made of them, and for others' images in lists.

        A name that two images hold shows now one and now the other: that is the matter of `image.name.unique`, and proves
        nothing about either.
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
            for seen in self.every_sighting
            if not made.get((seen.project, seen.name))
            and not self.held_twice(seen.project, seen.name, seen.exchange)
            and (seen.via == "images.get" or self.trace.recorded or (seen.project, seen.name) in made)
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
        """The names that several images were seen to hold at one time, each with the first exchange that tells of it."""
        found: dict[tuple[str, str | None], Exchange] = {}
        made: dict[tuple[str, str | None], list[Mutation]] = defaultdict(list)
        for insert in self.inserts:
            if insert.outcome != "succeeded" or insert.operation is None or insert.operation.mutation is not insert:
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
            change.method == "images.delete" and not after(second.exchange, change.exchange)
            for change in self.changes(first)
        )

    @cached_property
    def names(self) -> dict[Any, str | None]:
        """The name of each image that was seen, by its id."""
        return {str(seen.value["id"]): seen.name for seen in reversed(self.sightings) if is_set(seen.value.get("id"))}

    @cached_property
    def gotten(self) -> dict[tuple[str, str | None], dict[Any, Sighting]]:
        """Each image that a get has shown, by project and name: the first sighting of each id that it had."""
        found: dict[tuple[str, str | None], dict[Any, Sighting]] = defaultdict(dict)
        for seen in self.sightings:
            if seen.via == "images.get":
                found[seen.project, seen.name].setdefault(str(seen.value.get("id")), seen)
        return found

    @cached_property
    def states(self) -> tuple[State, ...]:
        """Every state of every operation."""
        return tuple(state for operation in self.operations for state in operation.states)

    @cached_property
    def gets(self) -> tuple[Exchange, ...]:
        """The requests for one image, by name or by id."""
        return tuple(exchange for exchange in self.exchanges if exchange.method == "images.get")

    def changes(self, mutation: Mutation) -> Iterator[Mutation]:
        """The other requests that may have changed the same image: all on its name or id that weren't refused."""
        names = {mutation.image, self.identifier(mutation)}
        for other in self.mutations:
            if other is mutation or other.project != mutation.project or other.exchange.refused:
                continue
            if other.image in names:
                yield other

    def identifier(self, mutation: Mutation) -> str | None:
        """The id of the image that a request made or changed, as its operation says it."""
        if mutation.operation is None:
            return None
        values = (state.value.get("targetId") for state in mutation.operation.states)
        return next((str(value) for value in values if isinstance(value, str | int) and value), None)

    @cached_property
    def _results(self) -> dict[int, tuple[Sighting, ...]]:
        by_name: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
        for sighting in self.every_sighting:
            if sighting.via == "images.get" and sighting.exchange.route:
                by_name[sighting.project, sighting.exchange.route.name].append(sighting)
        results: dict[int, tuple[Sighting, ...]] = {}
        for mutation in self.mutations:
            operation = mutation.operation
            if operation is None or operation.final is None or operation.mutation is not mutation:
                continue
            ends = [
                change.exchange for change in self.changes(mutation) if not after(change.exchange, mutation.exchange)
            ]
            names = {name for name in (mutation.image, self.identifier(mutation)) if name}
            results[id(mutation)] = tuple(
                sighting
                for name in names
                for sighting in by_name.get((mutation.project, name), ())
                if after(operation.final.exchange, sighting.exchange)
                and (mutation.method != "images.insert" or sighting.name in (mutation.image, None))
                and not self.held_twice(mutation.project, mutation.image, sighting.exchange)
                and not any(end.sent <= sighting.exchange.received for end in ends)
            )
        return results

    def results(self, mutation: Mutation) -> tuple[Sighting, ...]:
        """The image of a request as gets showed it once the operation was DONE, and before anything else could change it."""
        return self._results.get(id(mutation), ())

    @cached_property
    def comebacks(self) -> tuple[tuple[Mutation, Sighting], ...]:
        """Each insert that made an image, with each sighting of its result: the evidence for all that "comes back"."""
        return tuple((insert, sighting) for insert in self.created for sighting in self.results(insert))

    def sent(self, sighting: Sighting, name: str) -> bool:
        """Whether the client itself sent a value for a field that the server owns, in the insert of this image."""
        return any(
            insert.image == sighting.name and insert.project == sighting.project and is_set(insert.body.get(name))
            for insert in self.inserts
        )


def _objects(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _encodes_enums_as_numbers(exchange: Exchange) -> bool:
    """Whether the client asked for enums as numbers: such an answer's fields are judged by no rule."""
    query = exchange.request.query
    return any("enum-encoding" in value for key in ("alt", "$alt") for value in query.get(key, ()))
