"""Rules about what a request may say: what is valid is accepted, what is not is refused and changes nothing.

Each such rule is one row: its text, and a predicate that recognises a request that breaks it. The same predicate
judges live scenarios and recorded traffic.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Set
from typing import Any

from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.rule import SHOWN, Basis, Breach, Broken, Finding, Judge, Rule, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.exchange import INCOMPLETE, SUITE_NAME, Exchange

INSERT = ("images.insert",)

BAD_REQUEST = 400

CONFLICT = 409

TEMPORARY = frozenset({CONFLICT, 412})
"""Refusals that say something of the target's state rather than of the request."""

TRIES = 3
"""What fails so often as if by chance fails for a reason."""

MISSING = frozenset({404, 405})
"""Refusals that say that something is not there: a source, or the method itself."""

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"[-\w]+")
_INVALID_VALUE = re.compile(r"[Ii]nvalid value for field '(?:resource\.)?([\w.]+)'")


def request_rule(  # noqa: C901, PLR0913 - a rule is a row of this many columns, and judges with what they hold
    id: str,
    basis: Basis,
    statement: str,
    reference: str,
    grounds: str,
    broken: Broken | None = None,
    *,
    methods: tuple[str, ...] = INSERT,
    dropped: str = "",
    no_image: bool = False,
    status: int = 0,
    conventional: Broken | None = None,
    looked_up: bool = False,
    also: Judge | None = None,
    requires: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    witness: str = "life.insert",
    accepts: str = "",
) -> Rule:
    """A rule about requests.

    Args:
        id, basis, statement, reference, grounds, requires, needs, accepts: as for Rule.
        witness: as for Rule; by default that an insert without the fault succeeds.
        broken: tells that a request breaks the rule; None where only a scenario can know.
        methods: the API methods whose requests it applies to.
        dropped: a field that the target may leave out as a whole instead of refusing the request.
        no_image: whether the rule itself says that no image may exist after the refusal.
        status: the one HTTP status that the refusal must have; 0 for any, or a failed operation.
        conventional: tells that what becomes of a request is mere convention, so that a breach is a deviation.
        looked_up: whether the fault may be that something is not there, so that 404 refuses it.
        also: judges what else the rule says, of the image that was made.
    """

    def judge(history: History) -> Iterator[Finding]:
        for mutation in history.concerned(id):
            intent = mutation.exchange.intent
            if mutation.method not in methods:
                continue
            if intent is not None and id in intent.rules:
                if not intent.valid:
                    yield from refused(history, mutation)
                else:
                    yield from accepted(history, mutation, deviation=_true(conventional, mutation))
            elif mutation.original is None:
                yield from refused(history, mutation)
        if also is not None:
            yield from also(history)

    fields = frozenset(_WORD.findall(reference.rpartition(" > ")[2]))

    def refused(history: History, mutation: Mutation) -> Iterator[Finding]:
        deviation = _true(conventional, mutation)
        if mutation.outcome in ("refused", "failed"):
            if not for_the_fault(mutation, frozenset() if looked_up else MISSING, fields):
                return
            leak = leaked(history, mutation) if no_image else None
            if leak is not None:
                yield leak_breach(mutation, leak)
            elif status and mutation.exchange.refused:
                wanted = mutation.exchange.status == status
                yield expect(
                    wanted,
                    "the refusal has another status",
                    mutation.exchange,
                    expected=f"HTTP {status}",
                    observed=_answer(mutation),
                    deviation=deviation,
                )
            else:
                yield None
        elif mutation.exchange.answered and (mutation.outcome in ("succeeded", "unknown") or made(history, mutation)):
            seen = history.results(mutation)
            if dropped and seen and not any(is_set(sighting.value.get(dropped)) for sighting in seen):
                yield None
                return
            yield expect(
                False,
                "a request that breaks this rule is carried out",
                *_shown(mutation),
                *[sighting.exchange for sighting in seen[:1]],
                expected="a refusal (4xx), or an operation that fails",
                observed=_answer(mutation),
                deviation=deviation,
            )

    passive = broken is not None or also is not None
    witness = witness if witness != id else ""
    general = ("life.failed-insert-leaves-nothing",) if no_image else ()
    return Rule(
        id,
        basis,
        statement,
        reference,
        grounds,
        judge,
        requires,
        needs,
        passive,
        broken,
        methods,
        witness,
        general,
        accepts,
        concerning if also is None else None,
    )


def concerning(history: History) -> Collection[str]:
    """The rules that requests of a history break by what they say, or were sent for."""
    return history.concerning


def for_the_fault(mutation: Mutation, elsewhere: Set[int] = MISSING, fields: Set[str] = frozenset()) -> bool:
    """Whether a refusal may be for a fault of the request: others say nothing of what the target thinks of it, nor do
    operations that fail for a reason of the server's own, such as quota.

    Args:
        mutation: a request that was refused, or whose operation failed.
        elsewhere: statuses that tell of something else, unless the error names one of the fields.
        fields: the names of the fields that are at fault.
    """
    final = mutation.operation.final if mutation.operation else None
    told: Any = final.value.get("httpErrorStatusCode") if final else mutation.exchange.status
    if not isinstance(told, int):
        return True
    if told in TEMPORARY:
        return False
    if told not in elsewhere and not mutation.by_chance:
        return True
    error = final.value.get("error") if final else mutation.exchange.error
    return bool(fields & set(_WORD.findall(str(error))))


def blamed_though_right(field: str, right: Broken, conventional: Broken | None = None) -> Judge:
    """Judges the inserts of a recording: no refusal blames a field whose value is certainly right.

    Args:
        field: the field of the body, or the parameter, as a refusal names it.
        right: tells that a request has a right value of it.
        conventional: tells that it is right by mere convention.
    """

    def judge(history: History) -> Iterator[Finding]:
        for insert in history.inserts if history.trace.recorded else ():
            exchange = insert.exchange
            if exchange.answered and right(insert.view):
                yield None
            if exchange.intent is not None or exchange.status != BAD_REQUEST or _blamed(exchange) != field:
                continue
            if right(insert.view):
                yield expect(
                    False,
                    f"a valid {field} is refused",
                    exchange,
                    expected="success",
                    observed=_answer(insert),
                    deviation=_true(conventional, insert),
                )

    return judge


def _blamed(exchange: Exchange) -> str:
    """The field whose value a refusal calls invalid; "" where it names none."""
    found = _INVALID_VALUE.search(str(exchange.error.get("message")))
    details = exchange.error.get("details")
    for detail in details if isinstance(details, list) else ():
        metadata = detail.get("metadatas", detail.get("metadata")) if isinstance(detail, dict) else None
        if isinstance(metadata, dict) and detail.get("reason") == "INVALID_FIELD_VALUE":
            return str(metadata.get("field")).removeprefix("resource.")
    return found[1] if found else ""


def _true(predicate: Broken | None, mutation: Mutation) -> bool:
    return predicate is not None and predicate(mutation.view)


def accepted(history: History, mutation: Mutation, *, deviation: bool = False) -> Iterator[Finding]:
    """What a valid request shows: it has to succeed, unless its name is taken, or it fails by chance."""
    if mutation.outcome == "succeeded":
        yield None
    elif (mutation.by_chance and not _again_and_again(history, mutation)) or _comes_too_early(history, mutation):
        return
    elif mutation.outcome in ("refused", "failed") and not _name_taken(history, mutation):
        yield expect(
            False,
            "a valid request is refused" if mutation.outcome == "refused" else "a valid request fails",
            *_shown(mutation),
            expected="success",
            observed=_answer(mutation),
            deviation=deviation,
            follows=(SHOWN,) if _uses_what_is_pending(history, mutation) else (),
        )


def _again_and_again(history: History, mutation: Mutation) -> bool:
    """Whether a request that failed as if by chance has failed so each time that it was made."""
    same = [
        other
        for other in history.mutations
        if other.method == mutation.method and other.project == mutation.project and other.original is None
        if {**other.body, "name": None} == {**mutation.body, "name": None}
    ]
    return len(same) >= TRIES and all(other.by_chance for other in same)


def _comes_too_early(history: History, mutation: Mutation) -> bool:
    """Whether a request was refused for an image, or a family, of which no image was ever seen to be ready: its insert
    was still under way when it was last seen, or did not come to anything."""
    said = set(_NAME.findall(f"{mutation.exchange.request.path} {mutation.view.text('sourceImage')}"))
    return any(
        insert.outcome != "succeeded"
        and not conflicts(insert)
        and not made(history, insert)
        and {insert.image, insert.view.text("family")} & said
        for insert in history.inserts
        if insert is not mutation and after(insert.exchange, mutation.exchange)
    )


def _uses_what_is_pending(history: History, mutation: Mutation) -> bool:
    """Whether a request is about an image, or names one, that was seen PENDING after its insert was DONE, and was not
    seen READY before the request: a target may refuse it for that."""
    request = mutation.exchange.request
    said = set(_NAME.findall(f"{request.path} {(request.body or b'').decode(errors='replace')}"))
    for insert in history.created:
        if insert is mutation or insert.image not in said or not (insert.operation and insert.operation.final):
            continue
        seen = [
            look.value.get("status")
            for look in history.every_sighting
            if look.name == insert.image
            and look.project == insert.project
            and after(insert.end, look.exchange)
            and after(look.exchange, mutation.exchange)
        ]
        if seen[-1:] == ["PENDING"]:
            return True
    return False


def _name_taken(history: History, insert: Mutation) -> bool:
    """Whether a conflict is no wonder: the name may have been used before, be it by an earlier try of the same insert.

    The names that the suite gives are nobody else's; any other may be taken by an image that the trace does not show.
    """
    if not conflicts(insert):
        return False
    fresh = insert.image is not None and bool(SUITE_NAME.fullmatch(insert.image))
    return (
        insert.exchange.retried
        or not fresh
        or any(
            other.image == insert.image and other.project == insert.project
            for other in history.inserts
            if other is not insert and not after(insert.exchange, other.exchange)
        )
    )


def made(history: History, insert: Mutation) -> bool:
    """Whether the image of an insert was seen READY, whatever its operation says."""
    return insert.method == "images.insert" and any(
        sighting.name == insert.image
        and sighting.project == insert.project
        and sighting.value.get("status") == "READY"
        and after(insert.exchange, sighting.exchange)
        for sighting in history.every_sighting
    )


def leaked(history: History, insert: Mutation) -> Sighting | None:
    """The image that a refused or failed insert left behind all the same; None where none was seen."""
    if insert.method != "images.insert" or not insert.image:
        return None
    if conflicts(insert):
        return None  # with an image that the trace does not tell of
    others = [
        other
        for other in history.inserts
        if other is not insert and other.image == insert.image and not other.exchange.rejected
    ]
    if others or _made_unseen(history, insert) or _cut_off(history, insert):
        return None
    # The image of an insert whose operation failed may stay FAILED, or take a while to be removed.
    gone = ("FAILED",) if insert.operation is None else ("FAILED", "PENDING", "DELETING")
    end = insert.operation.final.exchange if insert.operation and insert.operation.final else insert.exchange
    return next(
        (
            sighting
            for sighting in history.every_sighting
            if sighting.name == insert.image
            and sighting.project == insert.project
            and after(end, sighting.exchange)
            and sighting.value.get("status") not in gone
            and not history.perhaps_older(insert, sighting)
            and not history.made_later(end, sighting)
        ),
        None,
    )


def _made_unseen(history: History, insert: Mutation) -> bool:
    """Whether an operation tells that a request which the trace does not hold makes an image of the name."""
    return any(
        operation.mutation is None
        and operation.project == insert.project
        and operation.first.value.get("operationType") == "insert"
        and operation.first.identity.get("target") == insert.image
        for operation in history.operations
    )


def _cut_off(history: History, insert: Mutation) -> bool:
    """Whether another insert of the name was cut off in mid-body: `transport.incomplete-request` judges what that
    made."""
    bodies = (exchange.request.json for exchange in history.exchanges if exchange.failure == INCOMPLETE)
    return any(isinstance(body, dict) and body.get("name") == insert.image for body in bodies)


def conflicts(insert: Mutation) -> bool:
    """Whether an insert was refused, or failed, since there was an image of the name already."""
    final = insert.operation.final if insert.operation else None
    return CONFLICT in (insert.exchange.status, final and final.value.get("httpErrorStatusCode"))


def leak_breach(insert: Mutation, leak: Sighting) -> Breach:
    """The breach that a refused insert which left an image behind is."""
    return Breach(
        "the insert is refused, and yet the image exists",
        "no image",
        f"an image with id {leak.value.get('id')} and status {leak.value.get('status')}",
        (insert.exchange, leak.exchange),
    )


def _shown(mutation: Mutation) -> tuple[Exchange, ...]:
    final = mutation.operation.final if mutation.operation else None
    if final is None or final.exchange is mutation.exchange:
        return (mutation.exchange,)
    return (mutation.exchange, final.exchange)


def _answer(mutation: Mutation) -> str:
    """What became of a request, for the reader of a breach."""
    final = mutation.operation.final if mutation.operation else None
    if mutation.exchange.answered:
        status = final.value.get("httpErrorStatusCode") if final else None
        ending = f"and its operation ends DONE with error {status}" if final and final.failed else "and succeeds"
        return f"HTTP {mutation.exchange.status}, {ending if final else 'with no failed operation'}"
    message = mutation.exchange.error.get("message")
    return f"HTTP {mutation.exchange.status}" + (f": {message}" if isinstance(message, str) else "")
