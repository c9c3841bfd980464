"""Rules about requestId: however often a request is sent under one id, it is carried out once.

All evidence is in the trace: the moment of a replay is known from what was seen of the first request's operation
before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise, product
from typing import Any

from conformance.contract.clock import between
from conformance.contract.comparison import unasked
from conformance.contract.history import History, Mutation, Sighting, State, after, overlapping
from conformance.contract.requests import CONFLICT, accepted, for_the_fault, request_rule
from conformance.contract.rule import SHOWN, Finding, Rules, expect, is_set
from conformance.trace.exchange import Exchange
from conformance.trace.formats import is_uuid, same_instant, timestamp

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

ZERO = "00000000-0000-0000-0000-000000000000"
REFERENCE = "Query parameters > requestId"
SAME_OPERATION = "request-id.replay-same-operation"
ANSWERED_ALIKE = ("id", "name", "targetId", "insertTime")

_DECORATION = re.compile(r"^urn:uuid:|[-_{}\s]", re.IGNORECASE)
_YOUNG_VERSIONS = frozenset("678")
"""Versions of UUIDs that RFC 9562 added in 2024: many a validator is older."""


def _malformed(request_id: str) -> bool:
    return bool(request_id) and not is_uuid(request_id)


def _means_a_uuid(request_id: str) -> bool:
    """Whether a text is another way to write 128 bits than the canonical one, as lenient parsers read it."""
    return bool(re.fullmatch(r"[0-9a-fA-F]{32}", _DECORATION.sub("", request_id)))


RULES.add(
    request_rule(
        "request-id.zero-refused",
        "doc",
        "The zero UUID is refused, and no image exists.",
        REFERENCE,
        "The zero UUID is named as one that is not supported, so an insert with it cannot go through.",
        lambda view: view.parameter("requestId") == ZERO,
        no_image=True,
    )
)
RULES.add(
    request_rule(
        "request-id.malformed-refused",
        "doc",
        "A requestId that is no UUID is refused, and no image exists; by convention so is a UUID that is written "
        "otherwise.",
        REFERENCE,
        "A request ID has to be a valid UUID, so another text is refused; another way to write the same 128 "
        "bits is a matter of taste.",
        lambda view: _malformed(view.parameter("requestId")),
        no_image=True,
        conventional=lambda view: _means_a_uuid(view.parameter("requestId")),
    )
)
RULES.add(
    request_rule(
        "request-id.valid-accepted",
        "doc",
        "A UUID of versions 1 to 5 is accepted as requestId; by convention also one of versions 6 to 8.",
        REFERENCE,
        "Any valid UUID but zero will do; versions 6 to 8 are younger than many a validator, so only the "
        "first five are certain.",
        conventional=lambda view: view.parameter("requestId")[14:15] in _YOUNG_VERSIONS,
    )
)
RULES.add(
    request_rule(
        "request-id.refused-not-remembered",
        "conv",
        "An insert refused outright does not block a corrected insert with its requestId.",
        REFERENCE,
        "Only completed requests are said to be ignored when they come again; a refused one left nothing to "
        "be ignored.",
    )
)


# Replays


def _replays(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each replayed insert with the insert that it replays, where the first was answered before the second was sent."""
    for replay in history.inserts:
        first = replay.original
        if first is not None and first.exchange.answered and after(first.exchange, replay.exchange):
            yield first, replay


def _settled(replay: Mutation) -> bool:
    """Whether a replay got an answer that tells anything: not a call for patience, nor a refusal of access."""
    return replay.exchange.answered or replay.exchange.refused


def _name_held(history: History, group: Sequence[Mutation]) -> bool:
    """Whether another insert may have made an image of the name that requests are about."""
    return any(
        (other.project, other.image) == (group[0].project, group[0].image) and not other.exchange.rejected
        for other in history.inserts
        if other not in group
    )


def _deleted_before(history: History, first: Mutation, exchange: Exchange) -> bool:
    return any(
        change.method == "images.delete" and not after(exchange, change.exchange) for change in history.changes(first)
    )


def _last_seen(first: Mutation, exchange: Exchange) -> State | None:
    """The last state of an insert's operation that was seen before a request was sent."""
    states = [state for state in first.operation.glimpses if state.shows("status")] if first.operation else []
    return next((state for state in reversed(states) if after(state.exchange, exchange)), None)


def _same_answer(first: Mutation, replay: Mutation, message: str) -> Finding:
    """Whether a replay was ignored: it succeeds, and is about the same image.

    That it shows the same operation is convention, and what becomes of it where the first has failed.
    """
    original, again = first.answer or {}, replay.answer
    known: dict[str, Any] = {name: original.get(name) for name in ANSWERED_ALIKE}
    known["targetId"] = first.operation and next(
        (state.value["targetId"] for state in first.operation.states if is_set(state.value.get("targetId"))), None
    )
    told = replay.exchange.mask
    wanted = {name: value for name, value in known.items() if is_set(value) and (again is None or told.covers(name))}
    got = {name: (again or {}).get(name) for name in wanted}
    other = {name for name, value in wanted.items() if not _same_value(name, value, got[name])}
    polls = first.operation.states if first.operation else ()
    targets = [state.value.get("targetId") for state in polls if state.via.startswith("globalOperations.")]
    if got.get("targetId") in targets and {"id", "name"} <= wanted.keys() - other:
        other.discard("targetId")  # That an operation tells of two targets itself is another rule's matter.
    ignored = again is not None and "targetId" not in other and replay.outcome != "failed"
    return expect(
        again is not None and not other,
        message,
        first.exchange,
        replay.exchange,
        expected={"status": 200, **wanted},
        observed={"status": replay.exchange.status, **got},
        deviation=ignored or first.outcome == "failed",
    )


def _same_value(name: str, sent: Any, came: Any) -> bool:
    """Whether a replay shows a value again: a time in another form is the same, and a target that it does not know
    yet too."""
    unknown_yet = name == "targetId" and not is_set(came)
    return bool(sent == came) or unknown_yet or (name == "insertTime" and same_instant(str(sent), str(came)))


def _alike(first: Mutation, replay: Mutation) -> bool:
    """Whether the replay is the very same request, requestId and all."""
    return replay.same_bytes and first.request_id == replay.request_id


@RULES.rule(
    SAME_OPERATION,
    "doc",
    "An insert that is sent again with its requestId succeeds and is about the same image; by convention it shows "
    "the same operation.",
    REFERENCE,
    "A request that comes again with its ID is ignored, so it succeeds and is about the same image; "
    "which operation it is answered with is left open.",
)
def _same_operation(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        if _alike(first, replay) and _settled(replay) and not _deleted_before(history, first, replay.exchange):
            yield _same_answer(first, replay, "a replay answers another operation, or none")


@RULES.rule(
    "request-id.replay-while-running",
    "doc",
    "A replay sent while the operation is PENDING or RUNNING succeeds and is about the same image.",
    REFERENCE,
    "The server checks whether a request with that ID was received, not whether it is finished, so a "
    "replay in between is ignored like any other.",
)
def _while_running(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        seen = _last_seen(first, replay.exchange)
        if _alike(first, replay) and _settled(replay) and seen is not None and not seen.done:
            yield _same_answer(first, replay, f"a replay while the operation is {seen.status} is not recognised")


@RULES.rule(
    "request-id.replay-after-done",
    "doc",
    "A replay sent after the operation is DONE succeeds and is about the same image.",
    REFERENCE,
    "A completed request with the same ID is the very case in which the second one is said to be ignored.",
)
def _after_done(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        seen = _last_seen(first, replay.exchange)
        done = seen is not None and seen.done and not _deleted_before(history, first, replay.exchange)
        if done and _alike(first, replay) and _settled(replay):
            yield _same_answer(first, replay, "a replay after the operation is DONE is not recognised")


@RULES.rule(
    "request-id.replay-creates-nothing",
    "doc",
    "However often and however spaced an insert is replayed, exactly one image exists, and its id never changes.",
    REFERENCE,
    "The ID is there to prevent that a retry makes a duplicate, so however often it is sent there is one image.",
)
def _creates_nothing(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        replays = [replay for original, replay in _replays(history) if original is first and replay.same_content]
        if not replays or not first.image or first.outcome == "failed":
            continue
        # What other requests do to the image is their own matter: deletes, and inserts of its name that are no such
        # replays.
        ends = [
            change.exchange
            for change in history.changes(first)
            if change.method == "images.delete"
            or (change.method == "images.insert" and not (change.original is first and change.same_content))
        ]
        owner = history.identity(first, replays[0].exchange)
        replayed = {history.identifier(replay) for replay in replays} - {None, owner}
        for exchange in history.exchanges:
            route, image = exchange.route, exchange.resource
            later = any(after(replay.exchange, exchange) for replay in replays)
            early = not any(end.sent <= exchange.received for end in ends if after(first.exchange, end))
            if route is None or image is None or not later or not early or route.project != first.project:
                continue
            if route.method == "images.get" and route.name == first.image and owner and exchange.mask.covers("id"):
                echoed = is_set(image.get("id")) and image.get("id") == first.body.get("id")
                yield expect(
                    echoed or str(image.get("id")) == owner,
                    "a replay made the image anew",
                    first.exchange,
                    replays[0].exchange,
                    exchange,
                    expected={"id": owner},
                    observed={"id": image.get("id")},
                )
            if route.method == "images.get" and route.name in replayed:
                yield expect(
                    False,
                    "a replay made a second image",
                    first.exchange,
                    replays[0].exchange,
                    exchange,
                    expected=f"no image but the one with id {owner}",
                    observed={"name": image.get("name"), "id": image.get("id")},
                )
            if route.method == "images.list":
                items = _listed(history, exchange, first)
                yield expect(
                    len(items) <= 1,
                    "a replay made a second image of the name",
                    first.exchange,
                    replays[0].exchange,
                    exchange,
                    expected="one image",
                    observed=items,
                )
                yield from _no_twin(history, first, replays[0], exchange)


def _no_twin(history: History, first: Mutation, replay: Mutation, page: Exchange) -> Iterator[Finding]:
    """Judges that no image of another name has what was sent for this one alone: its name, in other fields."""
    marked = [name for name in ("description", "labels", "family") if _holds(first.body.get(name), first.image)]
    if not marked:
        return
    twins = [
        seen.name
        for seen in history.every_sighting
        if seen.exchange is page
        and seen.name not in (None, first.image)
        and any(_holds(seen.value.get(name), first.image) for name in marked)
    ]
    yield expect(
        not twins,
        "a replay made a second image under another name",
        first.exchange,
        replay.exchange,
        page,
        expected=f"{first.image} alone",
        observed=twins,
    )


def _holds(value: Any, text: str | None) -> bool:
    """Whether a text, or a value of a map, is this text."""
    return value == text or (isinstance(value, dict) and text in value.values())


def _listed(history: History, exchange: Exchange, first: Mutation) -> list[Any]:
    """The ids of the images with the name of an insert that a list holds; one that it holds twice counts once."""
    ids = [
        seen.value.get("id")
        for seen in history.every_sighting
        if seen.exchange is exchange and seen.name == first.image and seen.project == first.project
    ]
    return sorted(set(map(str, ids)))


@RULES.rule(
    "request-id.replay-after-delete",
    "conv",
    "A replay sent after the image was deleted does not bring it back.",
    REFERENCE,
    "How long an ID is remembered is left open; a retry that brings a deleted image back is what "
    "idempotency in Google's APIs is to prevent.",
    requires=(SAME_OPERATION, "request-id.replay-after-done"),
    yields_to=(SAME_OPERATION, "request-id.replay-after-done"),
    witness=SHOWN,
)
def _after_delete(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        gone = [
            change.operation.final.exchange
            for change in history.changes(first)
            if change.method == "images.delete" and change.operation and change.operation.final
        ]
        # A requestId in another case is the matter of another rule.
        same = replay.same_content and first.request_id == replay.request_id
        if not same or not any(after(end, replay.exchange) for end in gone):
            continue
        # The name may have been used again: by a new request, or by one whose answer was lost.
        births = [
            insert.exchange
            for insert in history.inserts
            if insert.image == first.image
            and insert is not first
            and not insert.exchange.refused
            and (insert.original is not first or not _same_id(insert, first) or not insert.exchange.answered)
        ]
        for exchange in history.gets:
            used = any(birth.sent <= exchange.received for birth in births)
            # What a second image of the name shows is the matter of another rule.
            twin = any(
                history.held_twice(first.project, first.image, end) for end in gone if after(end, replay.exchange)
            )
            if twin or used or not (exchange.route and exchange.route.name == first.image):
                continue
            if after(replay.exchange, exchange) and not _never_gone(history, first, replay, exchange):
                yield expect(
                    exchange.resource is None,
                    "a replay brought a deleted image back",
                    first.exchange,
                    replay.exchange,
                    exchange,
                    expected="HTTP 404",
                    observed=f"HTTP {exchange.status}",
                )


def _same_id(one: Mutation, two: Mutation) -> bool:
    """Whether two requests have one requestId, but for the case of its digits."""
    return (one.request_id or "").lower() == (two.request_id or "").lower()


def _never_gone(history: History, first: Mutation, replay: Mutation, look: Exchange) -> bool:
    """Whether a look shows the very image whose deletion left it there: that is no replay's doing."""
    absent = any(
        get.status == 404 and get.route and get.route.name == first.image and after(get, replay.exchange)
        for get in history.gets
    )
    return not absent and str((look.resource or {}).get("id")) == history.identifier(first)


@RULES.rule(
    "request-id.replay-other-body",
    "doc",
    "The same requestId with a changed body makes no second image and changes nothing of the first.",
    REFERENCE,
    "The ID alone identifies a request, so one that bears a used ID is ignored or refused, and in no case carried out.",
    requires=(SAME_OPERATION, "request-id.replay-after-done"),
    yields_to=(SAME_OPERATION, "request-id.replay-after-done"),
)
def _other_body(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        if replay.same_content or not _settled(replay) or _deleted_before(history, first, replay.exchange):
            continue
        own = replay.operation is not None and replay.operation is not first.operation
        other = history.identifier(replay) is None or history.identifier(replay) != history.identifier(first)
        yield expect(
            not (own and other and replay.outcome == "succeeded"),
            "a changed body under a used requestId was carried out",
            first.exchange,
            replay.exchange,
            expected="the first operation, or a refusal (4xx)",
            observed={"status": replay.exchange.status, "name": (replay.answer or {}).get("name")},
            deviation=history.identifier(replay) is None,
        )
        if replay.image and replay.image != first.image:
            yield from _second_image(history, first, replay)
        before = history.results(first)
        touched = any(
            change.method not in ("images.insert", "images.delete") and change.exchange.answered
            for change in history.changes(first)
        )
        later = [
            sighting
            for sighting in history.sightings
            if sighting.via == "images.get"
            and sighting.name == first.image
            and sighting.project == first.project
            and after(replay.exchange, sighting.exchange)
            and not _deleted_before(history, first, sighting.exchange)
        ]
        if before and later and not touched:
            yield _unchanged(before[-1], later[0], replay)


def _second_image(history: History, first: Mutation, replay: Mutation) -> Iterator[Finding]:
    """A changed name must not lead to an image of that name."""
    for exchange in history.gets:
        if exchange.route and exchange.route.name == replay.image and after(replay.exchange, exchange):
            yield expect(
                exchange.resource is None,
                "a changed body under a used requestId made a second image",
                first.exchange,
                replay.exchange,
                exchange,
                expected="HTTP 404",
                observed=f"HTTP {exchange.status}",
            )


def _unchanged(before: Sighting, later: Sighting, replay: Mutation) -> Finding:
    changed = unasked(before.value, later.value, ())
    return expect(
        not changed,
        "a changed body under a used requestId changed the first image",
        before.exchange,
        replay.exchange,
        later.exchange,
        expected={name: before.value.get(name) for name in changed},
        observed=changed,
    )


@RULES.rule(
    "request-id.replay-key-order",
    "doc",
    "The same body in another order of keys, or with other white space, is the same request.",
    REFERENCE,
    "The ID identifies the request, and the order of keys means nothing in JSON, so this is the same "
    "request made again.",
    requires=(SAME_OPERATION,),
    yields_to=(SAME_OPERATION,),
)
def _key_order(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        rewritten = replay.same_content and not replay.same_bytes and first.request_id == replay.request_id
        if rewritten and _settled(replay) and not _deleted_before(history, first, replay.exchange):
            yield _same_answer(first, replay, "a replay with its keys in another order is not recognised")


@RULES.rule(
    "request-id.case",
    "conv",
    "The case of a UUID's hexadecimal digits does not make it another id.",
    REFERENCE,
    "A UUID's digits mean the same in either case by RFC 9562, but the reference does not say how they are compared.",
    requires=(SAME_OPERATION,),
    yields_to=(SAME_OPERATION,),
)
def _case(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        deleted = _deleted_before(history, first, replay.exchange)
        if first.request_id != replay.request_id and replay.same_content and _settled(replay) and not deleted:
            yield _same_answer(first, replay, "a replay with its requestId in another case is not recognised")


def _fresh_inserts_of_taken_names(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each later insert of a name that an image has, without being a replay, with the insert that made the image."""
    for first in history.inserts:
        if first.operation is None or first.operation.mutation is not first or not first.image:
            continue
        for second in history.inserts:
            fresh = second.original is None and second.image == first.image and second.project == first.project
            if (
                fresh
                and after(first.exchange, second.exchange)
                and not _deleted_before(history, first, second.exchange)
            ):
                yield first, second


def _carried_out_anew(first: Mutation, second: Mutation, *, deviation: bool) -> Finding:
    return expect(
        second.operation is None or second.operation is not first.operation,
        "a new request is answered with the operation of an earlier one",
        first.exchange,
        second.exchange,
        expected="an operation of its own, or a conflict",
        observed={"status": second.exchange.status, "name": (second.answer or {}).get("name")},
        deviation=deviation,
    )


def _fresh_inserts_of_other_names(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each insert that is no replay, with an earlier one of another name: the one whose operation it is answered
    with, if there is."""
    for first, second in pairwise(history.inserts):
        owner = second.operation.mutation if second.operation else None
        other = first if owner in (None, second) or owner.method != second.method else owner
        fresh = second.original is None and second.image != other.image and second.project == other.project
        if fresh and after(other.exchange, second.exchange):
            yield other, second


def _new_requests(history: History, id: str, *, named: bool) -> Iterator[Finding]:
    """Judges the inserts with a requestId that is new, or those without any: each is carried out, or meets a
    conflict."""
    for first, second in chain(_fresh_inserts_of_taken_names(history), _fresh_inserts_of_other_names(history)):
        if bool(second.request_id) == named and _settled(second):
            yield _carried_out_anew(first, second, deviation=not named)
    for mutation in history.concerned(id):
        if mutation.exchange.intent is not None and mutation.exchange.intent.valid:
            yield from accepted(history, mutation)


@RULES.rule(
    "request-id.distinct",
    "doc",
    "A new requestId is a new request, however little it differs from another, and is not answered with the "
    "operation of an earlier one.",
    REFERENCE,
    "The ID identifies a request and is to be unique, so another ID tells of another request, which must "
    "not be taken for the first.",
)
def _distinct(history: History) -> Iterator[Finding]:
    return _new_requests(history, "request-id.distinct", named=True)


@RULES.rule(
    "request-id.absent",
    "doc",
    "An insert needs no requestId; by convention, nothing is deduplicated without one: a second insert is not "
    "answered with the operation of the first.",
    REFERENCE,
    "The ID is called optional, so an insert without one is a valid request; nothing says what else happens "
    "without one, and the real service answers a second insert of a name with a conflict.",
)
def _absent(history: History) -> Iterator[Finding]:
    return _new_requests(history, "request-id.absent", named=False)


@RULES.rule(
    "request-id.client-operation-id",
    "doc",
    "The clientOperationId of an operation is the requestId, by convention in the case in which it was sent; without "
    "one it is absent.",
    "Response body > clientOperationId",
    "clientOperationId is the value of requestId where one was provided, and is not there otherwise.",
)
def _client_operation_id(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        first = operation.mutation
        if first is None or first.original is not None or first.invalid:
            continue
        if len(first.exchange.request.query.get("requestId", ())) > 1:
            continue  # which of them counts is nowhere said
        for state in operation.states:
            came = state.value.get("clientOperationId")
            yield expect(
                came == first.request_id or (first.request_id == "" and not came),
                "clientOperationId is not the requestId that was sent"
                if first.request_id
                else "an operation has a clientOperationId although no requestId was sent",
                first.exchange,
                *(() if state.exchange is first.exchange else (state.exchange,)),
                expected=first.request_id or "no clientOperationId",
                observed=came,
                deviation=bool(first.request_id) and str(came).lower() == str(first.request_id).lower(),
            )


# Concurrency, lost responses, other methods


@RULES.rule(
    "request-id.replay-concurrent",
    "doc",
    "Simultaneous inserts with one requestId make one image; by convention every answer shows one operation.",
    REFERENCE,
    "The ID prevents duplicates whenever they come, so there is one image; whether one that comes too "
    "early is told to wait is left open.",
    requires=(SAME_OPERATION, "request-id.replay-while-running"),
    yields_to=(SAME_OPERATION, "request-id.replay-while-running"),
)
def _concurrent(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        if first.original is not None or not first.request_id:
            continue
        group = [first, *(other for other in history.inserts if other.original is first and other.same_content)]
        simultaneous = overlapping(group)
        if len(simultaneous) < 2 or not all(_settled(one) for one in simultaneous):
            continue
        answers = [one.answer or {} for one in simultaneous]
        operations = {(str(answer.get("name")), str(answer.get("id"))) for answer in answers}
        targets = {history.identifier(one) for one in simultaneous} - {None}
        # Whether one that comes too early is told so, and which operation the others show, is left open.
        served = [one for one in simultaneous if one.exchange.answered]
        if not served and {one.exchange.status for one in simultaneous} != {CONFLICT}:
            continue  # what refuses all of them has nothing to do with their requestId
        if not all(one.exchange.answered for one in simultaneous) and _name_held(history, group):
            continue  # one may have come while the name was taken, and another when it was free again
        patient = all(one.exchange.answered or one.exchange.status == CONFLICT for one in simultaneous)
        yield expect(
            all(one.answer is not None for one in simultaneous) and len(operations) == 1 and len(targets) <= 1,
            "simultaneous inserts with one requestId do not agree",
            *(one.exchange for one in simultaneous),
            expected="one operation and one image",
            observed={"operations": sorted(operations), "images": sorted(map(str, targets))},
            deviation=bool(served) and patient and len(targets) <= 1,
        )


@RULES.rule(
    "request-id.replay-after-lost-response",
    "doc",
    "After a lost response the retry finds the first request's outcome, whether it had arrived or not, and one image "
    "exists.",
    REFERENCE,
    "A request that timed out is the example that the reference itself gives for sending it again safely.",
)
def _after_lost_response(history: History) -> Iterator[Finding]:
    for replay in history.inserts:
        first = replay.original
        lost = first is not None and not 0 < first.exchange.status < 500
        if first is None or not lost or not replay.same_content or not _settled(replay) or replay.invalid:
            continue
        if history.trace.recorded and replay.exchange.refused and not _made_between(history, first, replay):
            continue  # what stood in its way is not known
        yield expect(
            replay.exchange.answered,
            "a retry after a lost response does not find the outcome of the first try",
            first.exchange,
            replay.exchange,
            expected="the operation of the first try",
            observed=f"HTTP {replay.exchange.status}",
            deviation=replay.exchange.status == CONFLICT and not _seen_before(history, first, replay.exchange),
        )
        listed = [
            _listed(history, exchange, first)
            for exchange in history.exchanges
            if exchange.method == "images.list" and exchange.answered and after(replay.exchange, exchange)
        ]
        for items in listed:
            yield expect(
                len(items) <= 1,
                "a retry after a lost response made a second image",
                first.exchange,
                replay.exchange,
                expected="one image",
                observed=items,
            )
        named = [
            seen
            for seen in history.every_sighting
            if seen.via == "images.get"
            and seen.name == first.image
            and is_set(seen.value.get("id"))
            and seen.exchange.sent >= first.exchange.sent
            and not _deleted_before(history, first, seen.exchange)
        ]
        for before, later in product(named, named):
            if after(before.exchange, replay.exchange) and after(replay.exchange, later.exchange):
                yield expect(
                    before.value.get("id") == later.value.get("id"),
                    "a retry after a lost response made a second image",
                    first.exchange,
                    before.exchange,
                    replay.exchange,
                    later.exchange,
                    expected=before.value.get("id"),
                    observed=later.value.get("id"),
                )


def _seen_before(history: History, insert: Mutation, exchange: Exchange) -> bool:
    """Whether the image of an insert was there before a request was sent, so that the insert was not under way any
    more."""
    return any(
        seen.name == insert.image and seen.project == insert.project and after(seen.exchange, exchange)
        for seen in history.every_sighting
    )


def _made_between(history: History, first: Mutation, replay: Mutation) -> bool:
    """Whether a retry conflicts with an image that the first try must have made: its creation lies between the two."""
    rivals = [
        other
        for other in history.inserts
        if other.image == first.image and other.original is not first and other is not first
    ]
    if replay.exchange.status != 409 or any(not rival.exchange.rejected for rival in rivals):
        return False
    made = (
        timestamp(seen.value.get("creationTimestamp"))
        for seen in history.showing("creationTimestamp")
        if seen.name == first.image and seen.project == first.project
    )
    return any(moment is not None and between(moment, first.exchange, replay.exchange) for moment in made)


@RULES.rule(
    "request-id.scoped-to-project",
    "conv",
    "One requestId in two projects is two requests.",
    REFERENCE,
    "The scope of an ID is left open; resources of different projects are independent of each other in Google's APIs.",
    needs=("second_project",),
)
def _scoped_to_project(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        for second in history.inserts:
            same = bool(first.request_id) and first.request_id == second.request_id
            if same and first.project != second.project and after(first.exchange, second.exchange) and _settled(second):
                if not for_the_fault(second):
                    continue  # the name may be taken there
                one, two = ({name: (own.answer or {}).get(name) for name in ("name", "id")} for own in (first, second))
                yield expect(
                    second.exchange.answered and one != two,
                    "a requestId of one project is taken for a replay in another",
                    first.exchange,
                    second.exchange,
                    expected="an operation of its own",
                    observed={"status": second.exchange.status, **two},
                )


@RULES.rule(
    "request-id.delete-replay",
    "conv",
    "A replayed delete with the same requestId answers the first delete's operation.",
    REFERENCE,
    "The page of delete has the same words on the ID, but not which answer a replay gets; one user "
    "reports the first operation.",
    requires=(SAME_OPERATION, "request-id.replay-after-done"),
    yields_to=(SAME_OPERATION, "request-id.replay-after-done"),
)
def _delete_replay(history: History) -> Iterator[Finding]:
    for replay in history.mutations:
        first = replay.original
        if replay.method != "images.delete" or first is None or first.image != replay.image:
            continue
        if first.exchange.answered and after(first.exchange, replay.exchange) and _settled(replay):
            yield _same_answer(first, replay, "a replayed delete is not recognised")


@RULES.rule(
    "request-id.scoped-to-method",
    "conv",
    "A delete with the requestId of an earlier insert is carried out or refused, never answered with the insert's "
    "operation.",
    REFERENCE,
    "An ID identifies a request, and a request to delete is none to insert; what the real service does "
    "was never recorded.",
)
def _scoped_to_method(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        for second in history.mutations:
            same = bool(first.request_id) and (second.request_id or "").lower() == (first.request_id or "").lower()
            if second.method == "images.delete" and same and second.project == first.project and _settled(second):
                yield expect(
                    second.answer is None or second.operation is not first.operation,
                    "a delete is answered with the operation of an insert",
                    first.exchange,
                    second.exchange,
                    expected="an operation of its own, or a refusal (4xx)",
                    observed=(second.answer or {}).get("name"),
                )
