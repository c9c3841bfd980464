"""Rules about what comes of an operation: it ends, its image is there or is not, and every method tells it alike."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from conformance.contract.areas.operation import GET, WAIT, of_images, unseen_inserts, watched_until
from conformance.contract.areas.operation_course import same_fields
from conformance.contract.history import History
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.operation import LIST, STATUS_ORDER, State
from conformance.contract.order import after
from conformance.contract.requests import CONFLICT
from conformance.contract.rule import SHOWN, Finding, Rules, expect, is_set
from conformance.trace.blots import BLOT, blotted_out

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


@RULES.rule(
    "operation.reaches-done",
    "conv",
    "An operation is DONE within the deadline of the profile.",
    "Response body > status",
    "How long an operation takes is not said; one that does not end within the deadline that the user "
    "gives is of no use to him.",
    requires=("operation.name", "operation.status"),
)
def _reaches_done(history: History) -> Iterator[Finding]:
    deadline = history.trace.deadline
    for operation in of_images(history) if deadline else ():
        last = operation.glimpses[-1].exchange
        waited = last.received - operation.glimpses[0].exchange.received
        if operation.final is not None:
            yield None
        elif waited >= deadline and _knows_status(operation.glimpses[-1]):
            yield expect(
                False,
                f"an operation was not DONE within {deadline:g} s",
                operation.glimpses[0].exchange,
                last,
                expected="DONE",
                observed=operation.glimpses[-1].value.get("status"),
            )


def _knows_status(state: State) -> bool:
    """Whether a state has none but a documented status: another one does not tell what it stands for."""
    return state.status in STATUS_ORDER or "status" not in state.value


@RULES.rule(
    "operation.success-means-ready",
    "doc",
    "An insert that is DONE without error has made an image: it exists, READY, with the id that targetId says.",
    "Fields > status",
    "The method creates an image, and a creation that has completed without error leaves one with status "
    "READY and the id of the target.",
    requires=("operation.reaches-done",),
)
def _success_means_ready(history: History) -> Iterator[Finding]:
    yield from _listed_ready(history)
    yield from _unseen_ready(history)
    for insert in history.created:
        final = insert.operation.final if insert.operation else None
        if final is None:
            continue  # that it succeeded, only its image tells
        ends = [change.exchange for change in history.changes(insert) if not after(change.exchange, insert.exchange)]
        ends += history.meddled_since(insert)
        for exchange in history.gets:
            assert exchange.route is not None
            # Whether an image is found by its id is the matter of life.get-by-id.
            by_id = exchange.answered and exchange.route.name == history.identifier(insert)
            named = exchange.route.name == insert.image or by_id
            ours = exchange.route.project == insert.project and named
            if not ours or not after(final.exchange, exchange) or any(end.sent <= exchange.received for end in ends):
                continue
            paused = history.trace.recorded and exchange.sent - final.exchange.received > LATE_SECONDS
            if paused and exchange.missing:
                break  # others may have deleted it before anybody looked
            image = exchange.resource
            if image is not None and image.get("name") not in (insert.image, None, BLOT):
                continue  # it is another image
            if (image is None and not exchange.missing) or history.held_twice(insert.project, insert.image, exchange):
                continue
            going = image is None or image.get("status") == "DELETING"
            known = [seen for seen in history.results(insert) if not after(exchange, seen.exchange)]
            if going and any(seen.value.get("status") == "READY" for seen in known):
                continue  # it was there, and what took it away is another rule's matter
            status = image.get("status") if image else f"HTTP {exchange.status}"
            identifier, target = (image or {}).get("id"), final.value.get("targetId")
            # What the server has taken over from the client is another rule's matter.
            echoed = {
                name
                for name in ("status", "id")
                if image and is_set(image.get(name)) and image[name] == insert.body.get(name)
            }
            unseen = {
                name
                for name in ("status", "id")
                if image is not None and (not exchange.mask.covers(name) or blotted_out(image.get(name)))
            } | history.trace.restless
            if exchange.enums_as_numbers:
                unseen.add("status")
            at, observed = (insert.exchange, final.exchange, exchange), {"status": status, "id": identifier}
            yield expect(
                "status" in echoed | unseen or status == "READY",
                "an insert succeeded, but its image is not there, or not READY",
                *at,
                expected={"status": "READY", "id": target},
                observed=observed,
            )
            if image and "id" not in echoed | unseen and is_set(target):
                yield expect(
                    str(identifier) == str(target),
                    "an insert succeeded, but its image has another id than its operation says",
                    *at,
                    expected={"status": "READY", "id": target},
                    observed=observed,
                )


def _unseen_ready(history: History) -> Iterator[Finding]:
    """Judges that the image of an insert which the recording does not hold is there and READY just after its end."""
    for operation, final, image in unseen_inserts(history):
        for look in history.gets:
            own = look.route and (look.route.project, look.route.name) == (operation.project, image)
            ready = any(
                seen.value.get("status") == "READY" and after(seen.exchange, look)
                for seen in history.showing("status")
                if (seen.name, seen.project) == (image, operation.project)
            )
            if not own or ready or not watched_until(operation, final, look):
                continue  # what became of one that was READY is the matter of other rules
            shown = [seen for seen in history.showing("status") if seen.exchange is look]
            later = any(
                seen.name == image and seen.project == operation.project and seen.exchange.sent >= look.sent
                for seen in history.glimpses
            )
            lost = look.missing and look.sent - final.exchange.received > MOMENT_SECONDS and not later
            if lost or any(seen.value.get("status") in ("PENDING", "FAILED") for seen in shown):
                yield expect(
                    False,
                    "an insert succeeded, but its image is not there, or not READY",
                    final.exchange,
                    look,
                    expected="READY",
                    observed=shown[0].value.get("status") if shown else f"HTTP {look.status}",
                )


def _listed_ready(history: History) -> Iterator[Finding]:
    """Judges that lists show the images of inserts that have succeeded READY, though perhaps not at once."""
    made = {(insert.project, history.identifier(insert)): insert for insert in history.created}
    for seen in history.showing("id", "status") if history.trace.recorded else ():
        insert = made.get((seen.project, str(seen.value.get("id"))))
        final = insert.operation.final if insert and insert.operation else None
        if insert is None or final is None or seen.via == "images.get" or not after(final.exchange, seen.exchange):
            continue
        status, soon = seen.value.get("status"), seen.exchange.sent - final.exchange.received <= LATE_SECONDS
        if history.doomed(seen) or (soon and status == "PENDING") or status == insert.body.get("status"):
            continue
        yield expect(
            status not in ("PENDING", "FAILED"),
            "an insert succeeded, but its image is not READY",
            insert.exchange,
            final.exchange,
            seen.exchange,
            expected="READY",
            observed=status,
        )


@RULES.rule(
    "operation.failure-means-none",
    "conv",
    "An insert that is DONE with an error has made no READY image.",
    "Response body > error",
    "What a failure leaves behind is not said, but an error and a usable image cannot both be true of one request.",
    witness=SHOWN,
)
def _failure_means_none(history: History) -> Iterator[Finding]:
    for insert in history.inserts:
        if insert.outcome != "failed" or insert.operation is None or insert.operation.final is None:
            continue
        if history.trace.recorded and insert.operation.final.value.get("httpErrorStatusCode") == CONFLICT:
            continue  # the image is the one that was in its way
        rivals = [
            other.exchange
            for other in history.inserts
            if other is not insert and other.image == insert.image and not other.exchange.refused
        ]
        for exchange in history.gets:
            if any(rival.sent <= exchange.received for rival in rivals):
                continue
            if (
                exchange.route
                and exchange.route.name == insert.image
                and after(insert.operation.final.exchange, exchange)
            ):
                image = exchange.resource
                looks, ended = history.seen_in(exchange), insert.operation.final.exchange
                if any(history.perhaps_older(insert, seen) or history.made_later(ended, seen) for seen in looks):
                    continue
                yield expect(
                    image is None or image.get("status") != "READY",
                    "an insert failed, and yet its image is READY",
                    insert.exchange,
                    insert.operation.final.exchange,
                    exchange,
                    expected="no READY image",
                    observed=image and {"id": image.get("id"), "status": image.get("status")},
                )
        final, target = insert.operation.final, history.identifier(insert)
        for seen in history.every_sighting if history.trace.recorded and target else ():
            # A list holds what others have made as well: the id tells whose it is.
            if (
                seen.via != "images.get"
                and str(seen.value.get("id")) == target
                and after(final.exchange, seen.exchange)
                and not any(rival.sent <= seen.exchange.received for rival in rivals)
            ):
                yield expect(
                    seen.value.get("status") != "READY",
                    "an insert failed, and yet its image is READY",
                    insert.exchange,
                    final.exchange,
                    seen.exchange,
                    expected="no READY image",
                    observed={"id": target, "status": seen.value.get("status")},
                )


@RULES.rule(
    "operation.wait",
    "conv",
    "wait finds an operation that get finds, answers the same one, and never an older state than was seen.",
    "globalOperations.wait",
    "wait is not described here; by its own page it answers the operation when it is done or after some two minutes.",
    needs=("wait",),
)
def _wait(history: History) -> Iterator[Finding]:
    yield from _waits_in_vain(history)
    yield from _waits_for_another(history)
    for operation in history.operations:
        furthest: State | None = None
        for state in operation.glimpses:
            if not state.shows("status") or (state.status and state.status not in STATUS_ORDER):
                continue
            if state.via == WAIT:
                seen = furthest if furthest and after(furthest.exchange, state.exchange) else None
                rank = STATUS_ORDER.get(seen.status, -1) if seen else -1
                yield expect(
                    STATUS_ORDER.get(state.status, -1) >= rank,
                    "wait answers an older state",
                    *((seen.exchange,) if seen else ()),
                    state.exchange,
                    expected=seen.status if seen else "any",
                    observed=state.status,
                )
            if furthest is None or STATUS_ORDER.get(state.status, -1) >= STATUS_ORDER.get(furthest.status, -1):
                furthest = state


def _waits_for_another(history: History) -> Iterator[Finding]:
    """Judges that wait answers the operation that it was asked for."""
    for wait in history.exchanges:
        route, answer = wait.route, wait.resource
        if route is None or answer is None or route.method != WAIT or wait.intent is not None:
            continue
        bearers = history.bearers(route.project, route.name)
        of_its_type = isinstance(answer.get("name"), str | None)  # else it is the matter of the rule about types
        if bearers and wait.mask.covers("name") and of_its_type:
            yield expect(
                answer.get("name") == bearers[0].name,
                "wait answers another operation",
                wait,
                expected=bearers[0].name,
                observed=answer.get("name"),
            )


def _waits_in_vain(history: History) -> Iterator[Finding]:
    """Waits that did not find an operation, though a get before and one after them did."""
    for wait in history.exchanges:
        route = wait.route
        if route is None or route.method != WAIT or not wait.missing or wait.intent is not None:
            continue
        for operation in history.bearers(route.project, route.name):
            seen = [state.exchange for state in operation.glimpses if state.via == GET]
            before = [look for look in seen if after(look, wait)]
            later = [look for look in seen if after(wait, look)]
            if before and later:
                yield expect(
                    False,
                    "wait does not find an operation that get finds",
                    before[-1],
                    wait,
                    later[0],
                    expected="the operation",
                    observed=f"HTTP {wait.status}",
                )


@RULES.rule(
    "operation.agrees",
    "doc",
    "The answer of an insert, get, wait and list tell the same story of an operation; by convention a list tells "
    "soon that it is DONE.",
    "Response body",
    "Insert, get, wait and list answer the same operation resource, so they cannot differ in what "
    "identifies it or in how it ended.",
)
def _agrees(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        for earlier, later in pairwise(operation.glimpses):
            if earlier.via != later.via and after(earlier.exchange, later.exchange):
                yield same_fields(earlier, later, "two methods tell different stories of one operation")
                if earlier.done and later.done and earlier.shows("error") and later.shows("error"):
                    yield expect(
                        earlier.failed == later.failed,
                        "two methods disagree on whether an operation failed",
                        earlier.exchange,
                        later.exchange,
                        expected="failed" if earlier.failed else "succeeded",
                        observed="failed" if later.failed else "succeeded",
                    )
                    codes = [_codes(state) for state in (earlier, later)]
                    yield expect(
                        None in codes or codes[0] == codes[1],
                        "two methods tell different errors of one operation",
                        earlier.exchange,
                        later.exchange,
                        expected=codes[0],
                        observed=codes[1],
                    )
                if earlier.done and later.via == LIST and later.shows("status") and later.status in STATUS_ORDER:
                    passed = later.exchange.sent - earlier.exchange.received
                    yield expect(
                        later.done or history.trace.recorded or passed <= MOMENT_SECONDS,
                        "a list shows an operation under way that was DONE before",
                        earlier.exchange,
                        later.exchange,
                        expected="DONE",
                        observed=later.status,
                        deviation=True,
                    )


def _codes(state: State) -> list[str] | None:
    """The codes of an operation's errors, as they are told; None where they are not."""
    error = state.value.get("error")
    errors = error.get("errors") if isinstance(error, dict) else None
    items = errors if isinstance(errors, list) else []
    codes = [item["code"] for item in items if isinstance(item, dict) and isinstance(item.get("code"), str)]
    told = codes and len(codes) == len(items) and not any(map(blotted_out, codes))
    return sorted(codes) if told else None
