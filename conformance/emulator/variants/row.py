"""What a variant is, and the changes that many variants are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.errors import ApiError, invalid
from conformance.emulator.faults.row import Change, shown_image, shown_operation


@dataclass(frozen=True)
class Variant:
    """A freedom of the contract, taken by a correct emulator.

    Args:
        id: the name by which it is switched on.
        sentence: what it does.
        change: changes a behaviour.
        deviates: globs of the rules of mere convention that it departs from.
        project: what its project is called by those who call it; "" for the usual name.
    """

    id: str
    sentence: str
    change: Change
    deviates: tuple[str, ...] = ()
    project: str = ""


def both(change: Callable[[Resource], object]) -> Change:
    """Changes images and operations alike before they are answered."""

    def apply(behaviour: Behaviour) -> None:
        shown_image(lambda image, call, times: change(image))(behaviour)
        shown_operation(lambda operation, call, times: change(operation))(behaviour)

    return apply


def together(*changes: Change) -> Change:
    """Several changes as one."""

    def apply(behaviour: Behaviour) -> None:
        for change in changes:
            change(behaviour)

    return apply


def answered(hook: Callable[[Answer, Call], object]) -> Change:
    """Changes answers before they are sent."""

    def on_answer(answer: Answer, call: Call) -> None:
        hook(answer, call)

    return lambda behaviour: behaviour.on_answer.append(on_answer)


def asked(hook: Callable[[Call], object]) -> Change:
    """Changes calls before anything is done with them; the hook may raise a refusal."""

    def on_request(call: Call) -> None:
        hook(call)

    return lambda behaviour: behaviour.on_request.append(on_request)


def without(names: Iterable[str], *, of: Callable[[Callable[..., object]], Change]) -> Change:
    """Leaves fields out of images or operations; `of` is shown_image or shown_operation."""
    left_out = tuple(names)

    def hook(resource: Resource, call: Call, times: int) -> None:
        del call, times
        for name in left_out:
            resource.pop(name, None)

    return of(hook)


def refuse_if(unwanted: Callable[[dict[str, Any]], object], field: str, status: int = 400) -> Change:
    """Refuses inserts by what their body holds."""

    def guard(call: Call) -> None:
        if call.method == "images.insert" and isinstance(call.body, dict) and unwanted(call.body):
            error = invalid(field, "", "The field cannot be set.")
            raise error if status == error.status else ApiError(status, "forbidden", error.message)

    return lambda behaviour: behaviour.on_request.append(guard)
