"""Rules of area `client`: what the other side of the contract does. They judge clients, and never a target.

A client knows only the answers that it got: one that a tap has kept from it, or a lost connection, leaves open what
was done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS, Field
from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.operation import Operation, State
from conformance.contract.rule import Finding, Rules, expect
from conformance.trace.exchange import LOST, Exchange

RULES = Rules()

POLL_SECONDS = 0.1
"""The shortest sensible pause between two looks at an operation: with a quota of 20 looks a second it is half of it."""

HASTY_LOOKS = 3
"""So many looks in a row without a pause are a habit; fewer may be chance."""

LIMIT_SECONDS = 0.1
"""The pause that an answer 429 without Retry-After asks for, at least."""

TOLERANCE = 0.9
"""Of a pause that was asked for, what counts as kept: clocks and timers are not exact."""

POLLS = ("globalOperations.get", "globalOperations.wait")
RESTATED = ("images.setLabels", "images.patch")
"""The changes that say on which state of the image they rest."""


@RULES.rule(
    "client.retry-keeps-request-id",
    "conv",
    "A change that is tried again after a lost answer or a server error carries the requestId of the first try.",
    "Query parameters > requestId",
    "The reference offers requestId so that a request can be repeated whose answer did not arrive; with another "
    "one, or none, the target has to take it for a second request.",
)
def _retry_keeps_request_id(history: History) -> Iterator[Finding]:
    for first in history.mutations:
        again = _next_try(history, first) if _leaves_open(first.exchange) else None
        if again is not None:
            yield expect(
                bool(first.request_id) and (again.request_id or "").lower() == (first.request_id or "").lower(),
                "a change is tried again with another requestId"
                if again.request_id
                else "a change is tried again without a requestId",
                first.exchange,
                again.exchange,
                expected=f"requestId={first.request_id}" if first.request_id else "one requestId with both requests",
                observed=f"requestId={again.request_id}" if again.request_id else "no requestId",
            )


@RULES.rule(
    "client.request-id-unique",
    "conv",
    "Different requests never share a requestId.",
    "Query parameters > requestId",
    "The reference asks for a unique requestId, and a target that knows it already ignores the second request.",
)
def _request_id_unique(history: History) -> Iterator[Finding]:
    first: dict[tuple[str, str, str], Mutation] = {}
    for mutation in history.mutations:
        if mutation.request_id:
            known = first.setdefault((mutation.project, mutation.method, mutation.request_id.lower()), mutation)
            yield expect(
                _says_the_same(known, mutation),
                "two different requests carry the same requestId",
                known.exchange,
                mutation.exchange,
                expected="a requestId of its own",
                observed=f"requestId={mutation.request_id}",
            )


@RULES.rule(
    "client.lost-answer-followed-up",
    "conv",
    "A client whose insert got no answer finds out what became of it: it tries again, looks for the image, or "
    "deletes it.",
    "Query parameters > requestId",
    "An insert may have been carried out although its answer was lost, and its image costs money whether anybody "
    "knows of it or not.",
    passive=False,
)
def _lost_answer_followed_up(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        if insert.image and _leaves_open(insert.exchange):
            later = (exchange for exchange in history.exchanges if exchange.number > insert.exchange.number)
            yield expect(
                any(_concerns(exchange, insert) for exchange in later),
                "an insert whose answer was lost is given up, and nobody looks for its image",
                insert.exchange,
                expected="another try, a look, or a delete",
                observed="nothing",
            )


@RULES.rule(
    "client.polls-until-done",
    "conv",
    "An operation is followed until it is DONE.",
    "Response body > status",
    "Only an operation that is DONE tells whether the change was made: before that it can still fail.",
    passive=False,
)
def _polls_until_done(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        seen = _seen(operation)
        if seen and operation.named and not any(look.status == 404 for look in _looks(history, operation)):
            yield expect(
                any(state.done for state in seen),
                "an operation is left before it is DONE",
                seen[-1].exchange,
                expected="DONE",
                observed=seen[-1].status,
            )


@RULES.rule(
    "client.polls-no-further",
    "conv",
    "An operation that was seen DONE is not asked for again; once only where the answer to the change said DONE "
    "already.",
    "Response body > status",
    "DONE is the last status of an operation: another look can tell nothing new, and counts against the quota. "
    "Google's own gcloud looks once before it trusts the answer to the change.",
)
def _polls_no_further(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        done = next((state.exchange for state in _seen(operation) if state.done), None)
        if done is not None:
            at_once = done.method not in POLLS
            more = [look for look in _looks(history, operation) if look.sent > done.received][at_once:]
            yield expect(
                not more,
                "an operation is asked for again after it was DONE",
                done,
                *more[:1],
                expected="no look after DONE",
                observed=f"{len(more)} more",
            )


@RULES.rule(
    "client.poll-pace",
    "conv",
    f"Looks at an operation are {POLL_SECONDS:g} s apart, or more: no {HASTY_LOOKS} in a row come sooner.",
    "Response body > status",
    "Google's own clients begin with a second between looks, and the quota is 20 looks a second for a whole project.",
)
def _poll_pace(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        looks = [look for look in _looks(history, operation) if look.method == "globalOperations.get"]
        hasty: list[Exchange] = []
        for earlier, later in pairwise(looks):
            # How soon to come again after a refusal is another rule's matter.
            soon = earlier.answered and later.sent - earlier.received < POLL_SECONDS * TOLERANCE
            hasty = [*(hasty or [earlier]), later] if soon else []
            if len(hasty) == HASTY_LOOKS:
                break
        if len(looks) > 1:
            yield expect(
                len(hasty) < HASTY_LOOKS,
                "an operation is asked for without a pause",
                *hasty,
                expected=f"{POLL_SECONDS:g} s between looks",
                observed=f"{HASTY_LOOKS} looks within {hasty[-1].sent - hasty[0].sent:.3f} s" if hasty else "",
            )


@RULES.rule(
    "client.conflict-fresh-get",
    "conv",
    "A change that was answered 412 is tried again on a fresh state: the image is got first, and its fingerprint sent.",
    "Fields > labelFingerprint",
    "The reference has labelFingerprint for optimistic locking, and says that a get shows the latest one.",
)
def _conflict_fresh_get(history: History) -> Iterator[Finding]:
    for refused in history.mutations:
        if refused.method not in RESTATED or refused.exchange.status != 412 or not _got(refused.exchange):
            continue
        again = next((item for item in _later(history, refused) if item.method == refused.method), None)
        if again is None:
            continue
        between = [
            seen
            for seen in history.glimpses
            if seen.name == refused.image
            and seen.exchange.sent >= refused.exchange.received
            and seen.exchange.received <= again.exchange.sent
            and _got(seen.exchange)
        ]
        shown = between[-1].value.get("labelFingerprint") if between else None
        sent = again.body.get("labelFingerprint")
        yield expect(
            bool(between) and (sent == shown or sent != refused.body.get("labelFingerprint")),
            "a change that was answered 412 is tried again with the same stale fingerprint"
            if between
            else "a change that was answered 412 is tried again without a look at the image",
            refused.exchange,
            again.exchange,
            expected=f"labelFingerprint {shown}" if between else "a get before",
            observed=f"labelFingerprint {sent}",
        )


@RULES.rule(
    "client.retry-after",
    "conv",
    "A request that was answered 429, or with Retry-After, is not sent again before its time.",
    "Response body",
    "HTTP has Retry-After for this (RFC 9110, 10.2.3), and the quota of Compute Engine is refilled with time alone.",
)
def _retry_after(history: History) -> Iterator[Finding]:
    following: dict[tuple[Any, ...], list[Exchange]] = defaultdict(list)
    for exchange in history.exchanges:
        following[_same(exchange)].append(exchange)
    for tries in following.values():
        for first, again in pairwise(tries):
            pause = _pause(first)
            if pause is not None and again.sent >= first.received:
                yield expect(
                    again.sent - first.received >= pause * TOLERANCE,
                    "a request is sent again before the time that the answer named"
                    if _asked(first)
                    else "a request is sent again at once although there were too many",
                    first,
                    again,
                    expected=f"a pause of {pause:g} s",
                    observed=f"{again.sent - first.received:.3f} s",
                )


@RULES.rule(
    "client.survives-unknown",
    "conv",
    "A field or an enum value that the client does not know breaks nothing: an operation that shows one is followed "
    "all the same.",
    "Response body",
    "Google adds fields and enum values to its APIs at any time, and asks clients to take them (AIP-180).",
    passive=False,
)
def _survives_unknown(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        seen = _seen(operation)
        done = next((state for state in seen if state.done), None)
        strange = next((state for state in seen if not state.done and _unknown(state.value, OPERATION_FIELDS)), None)
        if strange is not None and (done is None or strange.exchange.number < done.exchange.number):
            yield expect(
                any(look.number > strange.exchange.number for look in _looks(history, operation)),
                "an operation is left once it shows something unknown",
                strange.exchange,
                expected="another look",
                observed=_unknown(strange.value, OPERATION_FIELDS),
            )
    for seen_image in history.glimpses:
        unknown = _unknown(seen_image.value, IMAGE_FIELDS) if _got(seen_image.exchange) else ""
        if unknown:
            yield expect(
                any(exchange.number > seen_image.exchange.number for exchange in history.exchanges),
                "the client stops once an image shows something unknown",
                seen_image.exchange,
                expected="what the client would do else",
                observed=unknown,
            )
            break


@RULES.rule(
    "client.nothing-left",
    "conv",
    "In the end no image is left that the client has made.",
    "Method",
    "Each image costs money until it is deleted: one that the client has lost sight of, or left after a failure, "
    "is paid for by somebody who does not know of it.",
    passive=False,
)
def _nothing_left(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        if not insert.exchange.answered or not insert.exchange.reached or insert.outcome == "failed":
            continue
        if insert.original is not None and insert.original.exchange.answered:
            continue
        names = {insert.image, str((insert.answer or {}).get("targetId"))}
        deleted = any(
            delete.method == "images.delete" and delete.image in names and delete.exchange.answered
            for delete in _later(history, insert, of_image=False)
        )
        yield expect(
            deleted,
            "an image is left behind",
            insert.exchange,
            expected="a delete",
            observed=f"image {insert.image}",
        )


# What a client knows


def _got(exchange: Exchange) -> bool:
    """Whether the client got the answer."""
    return exchange.response is not None and exchange.injected != LOST


def _leaves_open(exchange: Exchange) -> bool:
    """Whether the client cannot know whether its request was carried out."""
    return not _got(exchange) or exchange.status >= 500


def _seen(operation: Operation) -> list[State]:
    """The states of an operation that the client got, in the order of sending."""
    states = [state for state in operation.glimpses if _got(state.exchange)]
    return sorted(states, key=lambda state: state.exchange.number)


def _looks(history: History, operation: Operation) -> list[Exchange]:
    """The requests for one operation."""

    def by_name(found: History) -> dict[tuple[str, str], list[Exchange]]:
        looks: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        for exchange in found.exchanges:
            if exchange.method in POLLS and exchange.route:
                looks[exchange.route.project, exchange.route.name].append(exchange)
        return looks

    looks = history.once("client looks", by_name)
    names = {operation.name, operation.first.identity.get("id", "")}
    found = [look for name in names for look in looks.get((operation.project, name), ())]
    return sorted(found, key=lambda look: look.number)


def _later(history: History, mutation: Mutation, *, of_image: bool = True) -> Iterator[Mutation]:
    """The changes behind one, of the same image or of any in its project."""
    for other in history.mutations:
        behind = other.exchange.number > mutation.exchange.number and other.project == mutation.project
        if behind and (not of_image or other.image == mutation.image):
            yield other


def _next_try(history: History, first: Mutation) -> Mutation | None:
    """The next time that the client sends a change, unless it looked meanwhile what had become of the first."""
    again = next((other for other in _later(history, first) if _says_the_same(first, other)), None)
    if again is None or again.exchange.sent < first.exchange.received:
        return None
    informed = any(
        first.exchange.number < exchange.number < again.exchange.number
        and exchange.method in ("images.get", "images.list")
        and _concerns(exchange, first)
        and _got(exchange)
        for exchange in history.exchanges
    )
    return None if informed else again


def _says_the_same(one: Mutation, other: Mutation) -> bool:
    """Whether two changes ask for the same."""
    return (one.method, one.image, one.body) == (other.method, other.image, other.body)


def _concerns(exchange: Exchange, insert: Mutation) -> bool:
    """Whether a request has to do with the image of an insert."""
    route = exchange.route
    if route is None or route.project != insert.project:
        return False
    body = exchange.request.json if exchange.method == "images.insert" else None
    named = body.get("name") if isinstance(body, dict) else route.name
    return exchange.method in ("images.list", "globalOperations.list") or named == insert.image


def _same(exchange: Exchange) -> tuple[Any, ...]:
    """What two tries of one request have in common."""
    return (exchange.request.verb, exchange.request.path, exchange.request.body)


def _asked(exchange: Exchange) -> str:
    """What the answer says of when to come again; "" for nothing."""
    return exchange.response.headers.get("retry-after", "") if exchange.response and _got(exchange) else ""


def _pause(exchange: Exchange) -> float | None:
    """How long the client has to wait with another try, in seconds; None where it has not."""
    asked = _asked(exchange)
    if asked.strip().isdecimal():
        return float(asked)
    if asked:
        try:
            moment = parsedate_to_datetime(asked)
        except ValueError:
            return None
        return max(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - exchange.received, 0.0)
    return LIMIT_SECONDS if exchange.status == 429 and _got(exchange) else None


def _unknown(value: dict[str, Any], fields: tuple[Field, ...]) -> str:
    """What an answer shows that the reference does not have: a field at its top, or a value of an enum there; "" for
    nothing."""
    tops = {field.path: field for field in fields if not any(sign in field.path for sign in ".[{")}
    for name, part in value.items():
        if name not in tops:
            return f"field {name}"
        if tops[name].enum and isinstance(part, str) and part not in tops[name].enum:
            return f"{name} {part}"
    return ""
