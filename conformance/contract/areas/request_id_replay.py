"""Rules about replays: an insert with a requestId that comes again is ignored, whenever and however it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conformance.contract.comparison import unasked
from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.operation import State
from conformance.contract.order import after
from conformance.contract.rule import SHOWN, Finding, Rules, expect, is_set
from conformance.trace.exchange import Exchange
from conformance.trace.formats import same_instant

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""
REFERENCE = "Query parameters > requestId"
SAME_OPERATION = "request-id.replay-same-operation"
LOOKS = ("globalOperations.get", "globalOperations.wait", "globalOperations.list")
ANSWERED_ALIKE = ("id", "name", "targetId", "insertTime")


# Replays


def _replays(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each replayed insert with the one that it replays, where that was answered before it was sent."""
    yield from _pairs(history.inserts)


def _pairs(mutations: Iterable[Mutation]) -> Iterator[tuple[Mutation, Mutation]]:
    """Each replay with the first of its tries that was answered, where that answer had come before: be it the request
    itself or, where its answer was lost, the same one sent again."""
    served: dict[int, Mutation] = {}
    for replay in mutations:
        first = replay.original
        if first is None:
            continue
        known = first if first.exchange.answered else served.get(id(first))
        if known is not None and after(known.exchange, replay.exchange):
            yield known, replay
        if replay.exchange.answered and replay.same_bytes:
            served.setdefault(id(first), replay)


def settled(replay: Mutation) -> bool:
    """Whether a replay got an answer that tells anything: not a call for patience, nor a refusal of access."""
    return replay.exchange.answered or replay.exchange.refused


def deleted_before(history: History, first: Mutation, exchange: Exchange) -> bool:
    """Whether the image of an insert may have been deleted before a request."""
    return any(
        change.method == "images.delete" and not after(exchange, change.exchange) for change in history.changes(first)
    )


def _last_seen(first: Mutation, exchange: Exchange) -> State | None:
    """The last state of an insert's operation that was seen before a request was sent."""
    states = [state for state in first.operation.glimpses if state.shows("status")] if first.operation else []
    return next((state for state in reversed(states) if after(state.exchange, exchange)), None)


def _under_way_after(first: Mutation, replay: Exchange) -> bool:
    """Whether an insert's operation was under way still when a replay had been answered: one that nobody has seen so
    may have been DONE before the replay came, and then it is as any other that comes late."""
    states = first.operation.states if first.operation else ()
    return any(state.shows("status") and not state.done and after(replay, state.exchange) for state in states)


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
    targets = [state.value.get("targetId") for state in polls if state.via in LOOKS]
    if got.get("targetId") in targets and {"id", "name"} <= wanted.keys() - other:
        other.discard("targetId")  # That an operation tells of two targets itself is another rule's matter.
    times = [original.get("insertTime"), *(state.value.get("insertTime") for state in polls if state.via in LOOKS)]
    if any(not _same_value("insertTime", times[0], time) for time in times if is_set(time)):
        other.discard("insertTime")  # So is that it changes by itself.
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
    """Whether the replay is the very same request, requestId and all, and no new try of what has failed."""
    return replay.same_bytes and first.request_id == replay.request_id and not _tried_again(first, replay)


def _tried_again(first: Mutation, replay: Mutation) -> bool:
    """Whether a replay was begun anew since the first request has failed: whether an ID is used up by that is left
    open."""
    failed = first.outcome == "failed" and after(first.end, replay.exchange)
    return failed and replay.exchange.answered and replay.operation is not first.operation


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
        if _alike(first, replay) and settled(replay) and not deleted_before(history, first, replay.exchange):
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
        if _alike(first, replay) and settled(replay) and seen is not None and not seen.done:
            finding = _same_answer(first, replay, f"a replay while the operation is {seen.status} is not recognised")
            if finding is None or _under_way_after(first, replay.exchange):
                yield finding


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
        done = seen is not None and seen.done and not deleted_before(history, first, replay.exchange)
        if done and _alike(first, replay) and settled(replay):
            yield _same_answer(first, replay, "a replay after the operation is DONE is not recognised")


def _unchanged(history: History, first: Mutation, replay: Mutation, message: str) -> Iterator[Finding]:
    """Whether an image is after a replay what it was before, where nothing else could change it in between."""
    gets = [
        seen
        for seen in history.sightings
        if seen.via == "images.get" and (seen.project, seen.name) == (first.project, first.image)
    ]
    before = next((seen for seen in reversed(gets) if after(seen.exchange, replay.exchange)), None)
    later = next((seen for seen in gets if after(replay.exchange, seen.exchange)), None)
    # What an image shows before it is made may be less than what it shows then.
    if before is None or later is None or first.ended is None or not after(first.ended, before.exchange):
        return
    disturbed = any(
        change.exchange.sent <= later.exchange.received and not change.over_before(before.exchange)
        for change in history.changes(first)
        if change.original is not first
    )
    if disturbed or any(after(before.exchange, look) for look in history.meddled_since(first)):
        return
    changed = unasked(before.value, later.value, history.trace.restless)
    yield expect(
        not changed,
        message,
        before.exchange,
        replay.exchange,
        later.exchange,
        expected={name: before.value.get(name) for name in changed},
        observed=changed,
    )


@RULES.rule(
    "request-id.replay-creates-nothing",
    "doc",
    "However often and however spaced an insert is replayed, exactly one image exists, and nothing of it changes.",
    REFERENCE,
    "The ID is there to prevent that a retry makes a duplicate, so however often it is sent there is one image; and a "
    "request that is ignored changes nothing of it.",
)
def _creates_nothing(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        replays = [replay for original, replay in _replays(history) if original is first and replay.same_content]
        if not replays or not first.image or first.outcome == "failed":
            continue
        # What other requests do to the image is their own matter: deletes, and inserts of its name that are no such
        # replays.
        for replay in replays:
            yield from _unchanged(history, first, replay, "a replay changed the image")
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
            if route.method == "images.get" and any(history.doomed(seen) for seen in history.seen_in(exchange)):
                continue
            looks = history.seen_in(exchange)
            if any(history.remade_before(replays[0].exchange, seen) for seen in looks if seen.name == first.image):
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
                items = listed_ids(history, exchange, first)
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
        for seen in history.seen_in(page)
        if not seen.mask.partial
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


def listed_ids(history: History, exchange: Exchange, first: Mutation) -> list[Any]:
    """The ids of the images with the name of an insert that a list holds, but for those that were being deleted; one
    that it holds twice counts once."""
    ids = [
        seen.value.get("id")
        for seen in history.seen_in(exchange)
        if not seen.mask.partial and seen.name == first.image and seen.project == first.project
        if not history.doomed(seen)
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
            if change.method == "images.delete"
            and change.operation
            and change.operation.final
            and not after(change.operation.final.exchange, first.exchange)
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
        get.missing and get.route and get.route.name == first.image and after(get, replay.exchange)
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
        if replay.same_content or not settled(replay) or deleted_before(history, first, replay.exchange):
            continue
        own = replay.operation is not None and replay.operation is not first.operation
        told, known = history.identifier(replay), history.identifier(first)
        if told or known or not own:  # an operation of its own may be about the first image, and may not tell
            yield expect(
                not (own and (told is None or told != known) and replay.outcome == "succeeded"),
                "a changed body under a used requestId was carried out",
                first.exchange,
                replay.exchange,
                expected="the first operation, or a refusal (4xx)",
                observed={"status": replay.exchange.status, "name": (replay.answer or {}).get("name")},
                deviation=told is None,
            )
        if replay.image and replay.image != first.image:
            yield from _second_image(history, first, replay)
        yield from _unchanged(history, first, replay, "a changed body under a used requestId changed the first image")


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


@RULES.rule(
    "request-id.replay-key-order",
    "doc",
    "The same body in another order of keys, or with other white space, is the same request.",
    REFERENCE,
    "The ID identifies the request, and the order of keys means nothing in JSON, so this is the same "
    "request made again.",
    requires=(SAME_OPERATION, "request-id.replay-after-done"),
    yields_to=(SAME_OPERATION, "request-id.replay-after-done"),
)
def _key_order(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        rewritten = replay.same_content and not replay.same_bytes and first.request_id == replay.request_id
        if rewritten and settled(replay) and not deleted_before(history, first, replay.exchange):
            yield _same_answer(first, replay, "a replay with its keys in another order is not recognised")


@RULES.rule(
    "request-id.case",
    "conv",
    "The case of a UUID's hexadecimal digits does not make it another id.",
    REFERENCE,
    "A UUID's digits mean the same in either case by RFC 9562, but the reference does not say how they are compared.",
    requires=(SAME_OPERATION, "request-id.replay-after-done"),
    yields_to=(SAME_OPERATION, "request-id.replay-after-done"),
)
def _case(history: History) -> Iterator[Finding]:
    for first, replay in _replays(history):
        deleted = deleted_before(history, first, replay.exchange)
        if first.request_id != replay.request_id and replay.same_content and settled(replay) and not deleted:
            yield _same_answer(first, replay, "a replay with its requestId in another case is not recognised")


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
    deletes = (change for change in history.mutations if change.method == "images.delete")
    for first, replay in _pairs(deletes):
        if first.image == replay.image and not _tried_again(first, replay) and settled(replay):
            yield _same_answer(first, replay, "a replayed delete is not recognised")


@RULES.rule(
    "request-id.change-replay",
    "conv",
    "A patch or a deprecate that comes again with its requestId changes nothing, whatever has been changed since.",
    REFERENCE,
    "The pages of both methods have the same words on the ID: a request that is ignored undoes nothing of what came "
    "after it.",
)
def _change_replay(history: History) -> Iterator[Finding]:
    changes = (change for change in history.mutations if change.method in ("images.patch", "images.deprecate"))
    for first, replay in _pairs(changes):
        if first.image == replay.image and replay.same_content and first.outcome == "succeeded" and settled(replay):
            yield from _unchanged(history, first, replay, "a change that comes again is carried out again")
