"""Faults in who may insert an image; they show only where the emulator asks for tokens."""

from __future__ import annotations

from collections.abc import Callable

from conformance.emulator.access import limit_of
from conformance.emulator.behaviour import Answer, Behaviour, Call
from conformance.emulator.errors import ApiError
from conformance.emulator.faults.row import Change, Fault, unchecked

Who = Callable[[Behaviour, Call], bool]


def _nobody(behaviour: Behaviour, call: Call) -> bool:
    del behaviour
    return not call.headers.get("authorization")


def _stranger(behaviour: Behaviour, call: Call) -> bool:
    known = {*behaviour.tokens, *behaviour.limited}
    return not _nobody(behaviour, call) and call.headers["authorization"].removeprefix("Bearer ") not in known


def _limited(limit: str) -> Who:
    return lambda behaviour, call: limit_of(behaviour, call) == limit


def _answers(who: Who, status: int, *, leave: str = "") -> Change:
    """Answers inserts of some callers with a status; with a check to `leave` out, only after they were carried out."""

    def change(behaviour: Behaviour) -> None:
        def on_answer(answer: Answer, call: Call) -> None:
            if call.method == "images.insert" and behaviour.tokens and who(behaviour, call):
                answer.status = status
                answer.body = ApiError(status, "forbidden", "It is refused by a fault.").body()

        behaviour.unchecked.update([leave] if leave else [])
        behaviour.on_answer.append(on_answer)

    return change


def _of_limited(rule: str, limit: str, check: str, who: str) -> tuple[Fault, ...]:
    """What goes wrong with inserts of callers who may not do all, but for those without a body that matters."""
    return (
        Fault(rule, "unchecked", f"an insert by a caller {who} is carried out", unchecked(check)),
        Fault(rule, "401", f"an insert by a caller {who} is answered 401", _answers(_limited(limit), 401)),
        Fault(
            rule,
            "carried-out",
            f"an insert by a caller {who} is answered 403, and carried out",
            _answers(_limited(limit), 403, leave=check),
        ),
    )


FAULTS: tuple[Fault, ...] = (
    Fault("access.no-credentials", "unchecked", "credentials need not be given", unchecked("no-credentials")),
    Fault("access.no-credentials", "403", "an insert without credentials is answered 403", _answers(_nobody, 403)),
    Fault(
        "access.no-credentials",
        "carried-out",
        "an insert without credentials is answered 401, and carried out",
        _answers(_nobody, 401, leave="no-credentials"),
    ),
    Fault("access.bad-token", "unchecked", "any token will do", unchecked("token")),
    Fault("access.bad-token", "400", "an insert with a token that is none is answered 400", _answers(_stranger, 400)),
    Fault(
        "access.bad-token",
        "carried-out",
        "an insert with a token that is none is answered 401, and carried out",
        _answers(_stranger, 401, leave="token"),
    ),
    *_of_limited("access.forbidden", "forbidden", "permissions", "who may look only"),
    *_of_limited("access.scopes", "scoped", "scopes", "whose scopes do not cover it"),
    *_of_limited("access.labels", "labels", "label-permission", "who may set no labels"),
    *_of_limited("access.source", "source", "source-permission", "who may use no source"),
)
