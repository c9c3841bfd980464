"""An operation as it was seen, answer by answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conformance.contract.order import after
from conformance.contract.rule import is_error, is_set
from conformance.trace.blots import BLOT
from conformance.trace.exchange import MUTATIONS, Exchange
from conformance.trace.field_mask import EVERYTHING, FieldMask
from conformance.trace.formats import link, timestamp

if TYPE_CHECKING:
    from conformance.contract.mutation import Mutation


UNNAMED = "unnamed "

STATUS_ORDER = {"PENDING": 0, "RUNNING": 1, "DONE": 2}

DONE_ELSEWHERE = frozenset({"SUCCESS", "SUCCEEDED", "COMPLETE", "COMPLETED", "FINISHED"})
"""What other APIs call an operation that is done; with `done` instead of a status they say so, too."""

UNSET = ("", "0")
"""What a target writes that does not know an id yet, and writes something all the same."""

CONTRADICTIONS = 2
"""In so many of id, type, target, time of insertion and requestId two states differ that cannot be of one operation,
though they bear one name.

Where they differ in one of them, it is the operation that has changed.
"""


LIST = "globalOperations.list"

LISTS_MAY_LACK = frozenset(
    {
        *("operationType", "targetLink", "targetId", "user", "progress", "description", "clientOperationId"),
        *("operationGroupId", "insertTime", "startTime", "endTime", "creationTimestamp", "selfLink"),
    }
)
"""Fields of an operation that lists may leave out: what became of it is told by others."""


def has_ended(operation: Mapping[str, Any]) -> bool:
    """Whether an operation says that it has ended, be it in other words than DONE: `operation.status` judges those."""
    status = operation.get("status")
    if not isinstance(status, str) or not status:
        return operation.get("done") is True
    if status.upper() in STATUS_ORDER:
        return status.upper() == "DONE"
    if status.upper() in DONE_ELSEWHERE:
        return True
    return is_set(operation.get("endTime")) or is_error(operation.get("error"))


@dataclass(frozen=True)
class State:
    """An operation as one answer showed it; `via` is the API method that answered, `mask` what it was asked for, and
    `left_out` what such answers never show, be it there or not."""

    exchange: Exchange
    value: dict[str, Any]
    via: str
    mask: FieldMask = EVERYTHING
    left_out: frozenset[str] = frozenset()

    def shows(self, *names: str) -> bool:
        """Whether the answer tells of these fields: each is there, or would be if it had a value."""
        return all(
            (self.mask.covers(name) or (name in self.value and name not in self.mask.fields))
            and (name in self.value or name not in self.left_out)
            and self.value.get(name) != BLOT
            for name in names
        )

    @property
    def status(self) -> str:
        """The status, "" for anything that is no text."""
        status = self.value.get("status")
        return status if isinstance(status, str) else ""

    @property
    def done(self) -> bool:
        """Whether the operation has ended."""
        return has_ended(self.value)

    @cached_property
    def identity(self) -> dict[str, str]:
        """What tells an operation from others beside its name: what is known of id, type, target, time and
        requestId."""
        parts = {
            "id": self.value.get("id"),
            "type": self.value.get("operationType"),
            "target": link(self.value.get("targetLink")).rpartition("/")[2],
            "target id": self.value.get("targetId"),
            "insert time": timestamp(self.value.get("insertTime")),
            "request": str(self.value.get("clientOperationId") or "").lower(),
        }
        return {name: str(part) for name, part in parts.items() if is_set(part) and part != BLOT}

    def differences(self, other: State) -> int:
        """In how much of what tells operations from others a later state differs; a requestId where there was none is
        another."""
        one, two = self.identity, other.identity
        if is_set(self.value.get("name")) and is_set(other.value.get("name")):
            one, two = ({**state.identity, "name": state.value["name"]} for state in (self, other))
        differing = {name for name in one.keys() & two.keys() if one[name] != two[name]}
        differing |= {"request"} & (two.keys() - one.keys())
        if "target" in one.keys() & two.keys():
            differing.discard("target id")
        return len(differing)

    def contradicts(self, other: State) -> bool:
        """Whether this is a state of another operation, whatever its name is."""
        return self.differences(other) >= CONTRADICTIONS

    @cached_property
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
    def own_glimpses(self) -> list[State]:
        """The answers without those that bear the id which a replay was answered with, where that is another: they are
        of another operation, whatever its name is."""
        own = self.first.identity.get("id")
        others = {state.identity.get("id") for state in self.glimpses if state.via in MUTATIONS} - {None, own}
        return [state for state in self.glimpses if own is None or state.identity.get("id") not in others]

    @property
    def named(self) -> bool:
        """Whether an answer gave it a name: one without gets a made-up name, which no operation can have."""
        return not self.name.startswith(UNNAMED)

    @cached_property
    def target_id(self) -> str | None:
        """The id of the image that it makes or changes, as it says it first."""
        return next(filter(None, map(self.target_told, self.glimpses)), None)

    def target_told(self, state: State) -> str | None:
        """The id of the image that a state says it makes or changes: its own, or 0, tells of none."""
        told, own = (str(state.value.get(name)) for name in ("targetId", "id"))
        return told if isinstance(state.value.get("targetId"), str | int) and told not in (*UNSET, own) else None

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
