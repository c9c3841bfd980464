"""What a fault is, and the changes that many faults are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.emulator.behaviour import Behaviour, Call, Resource

Change = Callable[[Behaviour], None]

COMBINED: dict[str, Callable[[Any, Any], Any]] = {
    "replay": lambda one, two: lambda *what: one(*what) and two(*what),
    "conflicts": lambda one, two: lambda *what: one(*what) and two(*what),
    "stale_labels_win": lambda one, two: lambda *what: one(*what) or two(*what),
    "answer_delay": max,
}
"""What comes of two faults that turn one switch; of any other the last one counts."""

MOVING = ("operation.identity-immutable", "operation.agrees", "operation.done-is-final")
"""The rules that an operation breaks which does not stay the same from look to look."""


def unless_gone() -> contextlib.AbstractContextManager[None]:
    """Lets a hook do nothing where another fault has taken from it what it would change, or has made it something
    else."""
    return contextlib.suppress(LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Fault:
    """A way to break one rule.

    Args:
        rule: the rule that it breaks.
        name: what happens, in a few words with dashes; the id is rule and name with a slash between.
        sentence: what happens, for a reader.
        change: breaks a behaviour.
        also: globs of the rules that are broken with it by what they say: an id that is a number has a wrong type as
            well.
    """

    rule: str
    name: str
    sentence: str
    change: Change
    also: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id by which the fault is switched on."""
        return f"{self.rule}/{self.name}"


Row = tuple[str, str, str, Change] | tuple[str, str, str, Change, tuple[str, ...]]
"""A fault as it stands in a table, in the order of its arguments."""


def unchecked(*checks: str) -> Change:
    """Leaves checks out."""
    return lambda behaviour: behaviour.unchecked.update(checks)


def switched(**switches: Any) -> Change:
    """Turns switches of the behaviour."""

    def change(behaviour: Behaviour) -> None:
        for name, value in switches.items():
            combine = COMBINED.get(name)
            setattr(behaviour, name, combine(getattr(behaviour, name), value) if combine else value)

    return change


def stored(hook: Callable[[Resource, Resource], object]) -> Change:
    """Changes images before they are stored; the hook gets the image and the body of the insert."""

    def on_store(fields: Resource, body: Resource) -> None:
        with unless_gone():
            hook(fields, body)

    return lambda behaviour: behaviour.on_store.append(on_store)


def shown_image(hook: Callable[[Resource, Call, int], object]) -> Change:
    """Changes images before they are answered; the hook gets the image, the call, and how often it was shown before."""

    def on_image(image: Resource, call: Call, times: int) -> None:
        with unless_gone():
            hook(image, call, times)

    return lambda behaviour: behaviour.on_image.append(on_image)


def shown_operation(hook: Callable[[Resource, Call, int], object]) -> Change:
    """Changes operations before they are answered; the hook gets the operation, the call, and how often it was
    shown."""

    def on_operation(operation: Resource, call: Call, times: int) -> None:
        with unless_gone():
            hook(operation, call, times)

    return lambda behaviour: behaviour.on_operation.append(on_operation)


def when_done(hook: Callable[[Resource, int], object]) -> Change:
    """Changes operations that are DONE before they are answered."""
    return shown_operation(
        lambda operation, call, times: hook(operation, times) if operation["status"] == "DONE" else None
    )


def put(resource: Resource, path: str, value: object) -> None:
    """Sets a field at a path of nested objects; `a[]` stands for the items of a list, of which there is at least
    one."""
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if not rest:
        resource[name] = value
        return
    if head.endswith("[]"):
        items = resource.get(name)
        resource[name] = inner = items if isinstance(items, list) and items else [{}]
    else:
        part = resource.get(name)
        resource[name] = part if isinstance(part, dict) else {}
        inner = [resource[name]]
    for item in inner:
        put(item, rest, value)


def without(*names: str) -> Change:
    """Leaves fields out of what images show."""

    def show(image: Resource, call: Call, times: int) -> None:
        del call, times
        for name in names:
            image.pop(name, None)

    return shown_image(show)
