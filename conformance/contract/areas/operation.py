"""Rules about what an operation says of itself and of the request behind it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.bystanders import UNNOTICED_SECONDS
from conformance.contract.history import History
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.operation import Operation, State
from conformance.contract.order import after
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import blotted_out
from conformance.trace.exchange import NOT_RECORDED, Exchange
from conformance.trace.formats import is_uint64, timestamp
from conformance.trace.links import named, same_project
from conformance.trace.losses import IDS, SERVER_TIMES, TIMES

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


GET, WAIT = "globalOperations.get", "globalOperations.wait"
FORGOTTEN_SECONDS = 3600.0
"""How long an operation that was still under way has not been told of until it may be over, and kept no more."""

OPERATION_TYPES = {"images.insert": "insert", "images.delete": "delete"}
DOCUMENTED_TYPES = frozenset({"insert", "update", "delete"})
METADATA = ("setCommonInstanceMetadataOperationMetadata", "instancesBulkInsertOperationMetadata")
METADATA_UNION = (*METADATA, "getVersionOperationMetadata", "getHealthOperationMetadata")
ERROR_FIELDS = ("error", "httpErrorStatusCode", "httpErrorMessage")


def has(state: State, name: str) -> bool:
    """Whether a field of an operation holds anything; a number 0 is as good as nothing in the error fields."""
    value = state.value.get(name)
    return is_set(value) and not (name in ERROR_FIELDS and value == 0)


def of_images(history: History) -> Iterator[Operation]:
    """The operations that a method of images answered."""
    return (operation for operation in history.operations if operation.mutation is not None and operation.glimpses)


@RULES.rule(
    "operation.kind",
    "doc",
    "kind is compute#operation.",
    "Response body > kind",
    "The kind of an operation is said to be always the same text.",
)
def _kind(history: History) -> Iterator[Finding]:
    for state in history.stating("kind"):
        yield expect(
            state.value.get("kind") == "compute#operation",
            "an operation has another kind",
            state.exchange,
            expected="compute#operation",
            observed=state.value.get("kind"),
        )


@RULES.rule(
    "operation.id",
    "doc",
    "id is a uint64 as a decimal string, unique to the request.",
    "Response body > id",
    "The id is described as a unique uint64 that the server defines, so two operations cannot share one.",
    requires=("operation.type.id",),
)
def _id(history: History) -> Iterator[Finding]:
    for state in history.stating("id"):
        yield expect(
            is_uint64(state.value.get("id")),
            "the id of an operation is no uint64 as a decimal string",
            state.exchange,
            expected="a decimal string",
            observed=state.value.get("id"),
        )
    owners: dict[tuple[str, str], Operation] = {}
    for operation in of_images(history):
        for state in [state for state in operation.glimpses if state.shows("id")][:1]:
            identifier = state.value.get("id")
            other = (
                owners.setdefault((operation.project, str(identifier)), operation) if is_set(identifier) else operation
            )
            yield expect(
                other is operation,
                "two operations have one id",
                other.glimpses[0].exchange,
                state.exchange,
                expected="an id of its own",
                observed=identifier,
            )


@RULES.rule(
    "operation.name",
    "doc",
    "name is present, and addresses the operation; by convention also one that is DONE at once, "
    "and for more than a minute when it is DONE.",
    "Response body > name",
    "Each operation has a name, and the page sends the reader to globalOperations for the rest, which "
    "finds operations by it; how long one that has completed is kept is left open.",
)
def _name(history: History) -> Iterator[Finding]:
    for mutation in history.mutations:
        if mutation.answer is not None and mutation.exchange.mask.covers("name"):
            name, paths = mutation.answer.get("name"), mutation.exchange.paths_for_names
            yield expect(
                isinstance(name, str) and bool(name) and not paths,
                "an operation has a path for a name" if paths else "an operation has no name",
                mutation.exchange,
                expected="a name",
                observed=paths[0] if paths else name,
            )
    for exchange in history.exchanges:
        route = exchange.route
        if route is None or route.method not in (GET, WAIT) or exchange.intent is not None:
            continue
        bearers = history.bearers(route.project, route.name)
        if exchange.resource is not None and bearers:
            if route.method == WAIT:
                continue  # what wait answers is the matter of its own rule
            yield expect(
                not exchange.mask.covers("name") or exchange.resource.get("name") == bearers[0].name,
                "an operation answers under the name of another",
                exchange,
                expected=bearers[0].name,
                observed=exchange.resource.get("name"),
            )
        elif exchange.refused:
            yield from (_addressed(history, bearers[0], exchange) if bearers else ())
    yield from _one_name_for_several(history)


def _addressed(history: History, operation: Operation, look: Exchange) -> Iterator[Finding]:
    """Whether an operation that was not found may have been there no more, or not yet: it may be seen a moment
    late."""
    origin = operation.mutation.exchange if operation.mutation else None
    if history.forgotten(operation, look):
        return
    shown = _shown_done(history, operation, look)
    if shown is not None:
        yield expect(
            False,
            "an operation is not found that was DONE less than a minute before",
            shown.exchange,
            look,
            expected="the operation",
            observed=f"HTTP {look.status}",
            deviation=True,
        )
        return
    if origin is None or not after(origin, look) or look.method == WAIT:
        return
    passed = look.sent - origin.received
    seen = [state.exchange for state in operation.glimpses if state.via in (GET, WAIT)]
    found_later = any(after(look, exchange) for exchange in seen)
    # That wait knows it already says nothing of when a get does.
    found_before = any(after(exchange, look) and exchange.method == look.method for exchange in seen)
    if not found_before and passed <= (LATE_SECONDS if found_later else MOMENT_SECONDS * history.trace.recorded):
        return
    done = operation.final is not None and after(operation.final.exchange, look)
    if done and not found_later and (seen or not _asked_in_time(history, operation, look)):
        return  # one that has completed is kept for a limited time only
    if operation.final is None and _came_too_late(history, operation, look):
        return
    yield expect(
        False,
        "the name of an operation does not address it",
        origin,
        look,
        expected="the operation",
        observed=f"HTTP {look.status}",
        deviation=found_later or done,
    )


def _shown_done(history: History, operation: Operation, look: Exchange) -> State | None:
    """In a recording the look that found an operation DONE less than a minute before one that did not find it: how
    long it is kept is left open, but nobody keeps it for seconds only."""
    if not history.trace.recorded or TIMES in history.trace.lost or not look.missing:
        return None
    final = operation.final
    if final is None or look.sent - final.exchange.received > LATE_SECONDS:
        return None
    for state in operation.glimpses:
        # That wait knows it already says nothing, for a moment, of when a get does.
        settled = state.via == look.method or look.sent - state.exchange.received > MOMENT_SECONDS
        if state.done and state.via in (GET, WAIT) and settled and after(state.exchange, look):
            return state
    return None


def _asked_in_time(history: History, operation: Operation, look: Exchange) -> bool:
    """Whether a get came too soon after an operation was DONE for it to be forgotten, and this look too late for it not
    to be known yet."""
    assert operation.final is not None
    end = operation.final.exchange
    return look.sent - end.received > MOMENT_SECONDS and any(
        other.method == look.method
        and other.request.url == look.request.url
        and other.refused
        and after(end, other)
        and other.sent - end.received <= MOMENT_SECONDS
        for other in history.exchanges
    )


def _came_too_late(history: History, operation: Operation, look: Exchange) -> bool:
    """Whether an operation that nobody followed in time may have been over, and forgotten, when it was looked for:
    unless its image was still being made a moment before."""
    change = operation.mutation
    if change is None:
        return False
    if history.trace.recorded:
        told = [change.exchange, *(state.exchange for state in operation.glimpses if after(state.exchange, look))]
        return TIMES not in history.trace.lost and look.sent - told[-1].received > FORGOTTEN_SECONDS
    begin = change.exchange.received
    asked = (other for other in history.exchanges if other.request.url == look.request.url)
    made = history.looks_at(change) if change.method == "images.insert" else ()
    return all(other.sent - begin > MOMENT_SECONDS for other in asked) and not any(
        seen.value.get("status") == "PENDING" and look.sent - seen.exchange.received <= MOMENT_SECONDS
        for seen in made
        if after(seen.exchange, look)
    )


def _one_name_for_several(history: History) -> Iterator[Finding]:
    """A name stands for one operation: neither is it given to a second, nor does a look at it show another."""
    first: dict[tuple[str, str], Operation] = {}
    for operation in history.operations:
        if operation.mutation is None:
            continue
        owner = first.setdefault((operation.project, operation.name), operation)
        if owner is not operation and _gone_before(history, owner, operation):
            first[operation.project, operation.name] = owner = operation
        if operation.named:
            yield expect(
                owner is operation,
                "several operations have one name",
                owner.first.exchange,
                operation.first.exchange,
                expected="a name of its own",
                observed=operation.name,
            )
        for stranger in operation.strangers:
            if stranger.via == WAIT and stranger.value.get("name") != operation.name:
                continue  # wait answers another operation, and says so
            yield expect(
                False,
                "the name of an operation addresses another",
                operation.first.exchange,
                stranger.exchange,
                expected=operation.first.identity,
                observed=stranger.identity,
            )


def _gone_before(history: History, owner: Operation, other: Operation) -> bool:
    """Whether an operation was over, and found no more or deleted, before another of its name began: it is kept for a
    limited time, and then its name is free."""
    begun = other.first.exchange
    return owner.final is not None and (
        history.forgotten(owner, begun)
        or any(
            look.method in (GET, WAIT)
            and look.missing
            and look.route is not None
            and (look.route.project, look.route.name) == (owner.project, owner.name)
            and after(owner.final.exchange, look)
            and after(look, begun)
            for look in history.exchanges
        )
    )


@RULES.rule(
    "operation.type",
    "doc",
    "operationType is no other method's than the request's; by convention it is insert for an insert, delete for a "
    "delete.",
    "Response body > operationType",
    "operationType is the type of the operation, with insert and delete as its examples, so one of these "
    "for the other is untrue; other words are unusual.",
)
def _type(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        method = operation.mutation.method if operation.mutation else ""
        wanted = OPERATION_TYPES.get(method)
        for state in operation.glimpses if method else ():
            if not state.shows("operationType"):
                continue
            told = state.value.get("operationType")
            word = told.rpartition(".")[2] if isinstance(told, str) else ""
            yield expect(
                word == wanted if wanted else word not in OPERATION_TYPES.values(),
                "an operation has another type than its request",
                state.exchange,
                expected=wanted or f"a type for {method}",
                observed=told,
                deviation=word not in DOCUMENTED_TYPES,
            )


@RULES.rule(
    "operation.target-link",
    "conv",
    "targetLink names the image of the request.",
    "JSON representation > targetLink",
    "The page lists the field without a word on it; the discovery document calls it the URL of the "
    "resource that is modified, and gcloud follows it.",
)
def _target_link(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        mutation = operation.mutation
        assert mutation is not None
        if not mutation.image or mutation.invalid:
            continue
        for state in operation.glimpses:
            target = state.value.get("targetLink")
            if blotted_out(target):
                continue
            if not is_set(target):
                if state.done and state.shows("targetLink"):
                    yield expect(
                        False, "a finished operation has no targetLink", state.exchange, expected=mutation.image
                    )
                continue
            behind = history.names.get(mutation.image)
            if mutation.image.isdecimal() and behind is None:
                continue  # addressed by an id whose name was not seen
            first = mutation.original.image if mutation.original else None
            known = {mutation.image, history.identifier(mutation), behind, first}
            found = named(target)
            if found and found[1].rpartition("/")[2].isdecimal() and history.identifier(mutation) is None:
                continue  # a link by the id of the image, which nothing tells
            yield expect(
                found is not None
                and found[1] in {f"global/images/{name}" for name in known}
                and same_project(found[0], mutation.project),
                "targetLink names another resource than the request",
                state.exchange,
                expected=f"…/projects/{mutation.project}/global/images/{mutation.image}",
                observed=target,
            )


@RULES.rule(
    "operation.target-id",
    "doc",
    "targetId is the image's id; by convention it is there when the operation is DONE.",
    "Response body > targetId",
    "targetId identifies the incarnation of the target, so it is that image's own id; when it is there is left open.",
)
def _target_id(history: History) -> Iterator[Finding]:
    for insert in history.created:
        assert insert.operation is not None
        for state in insert.operation.glimpses:
            if state.done and state.shows("targetId"):
                yield expect(
                    has(state, "targetId"),
                    "a finished operation has no targetId",
                    state.exchange,
                    expected="the id of the image",
                    observed=state.value.get("targetId"),
                    deviation=True,
                )
        targets = {str(state.value.get("targetId")): state for state in reversed(insert.operation.glimpses)}
        looks = () if "id" in history.trace.restless else history.results(insert, "id")
        seen = {str(sighting.value.get("id")): sighting for sighting in reversed(looks)}
        for identifier, sighting in seen.items():
            if sighting.name != insert.image or history.echoes(sighting, "id"):
                continue
            for target, state in targets.items():
                yield expect(
                    not is_set(state.value.get("targetId")) or target == identifier,
                    "targetId is not the id of the image",
                    state.exchange,
                    sighting.exchange,
                    expected=identifier,
                    observed=target,
                )
    yield from _targets_of_failures(history)
    yield from _targets_of_changes(history)
    yield from _targets_of_unseen_inserts(history)
    yield from _targets_of_unfollowed_inserts(history)


def _targets_of_unfollowed_inserts(history: History) -> Iterator[Finding]:
    """The target of an insert whose operation a recording does not follow to its end is the image of its name that is
    seen soon after, and was not made before."""
    trace = history.trace
    timed = trace.recorded and not {TIMES, SERVER_TIMES} & trace.lost and "id" not in trace.restless
    for insert in history.inserts if timed else ():
        operation, answer = insert.operation, insert.answer or {}
        if insert.outcome != "running" or operation is None or operation.mutation is not insert:
            continue
        told, began = answer.get("targetId"), timestamp(answer.get("insertTime"))
        if not is_set(told) or blotted_out(told) or began is None or any(history.changes(insert)):
            continue
        for seen in history.showing("id", "creationTimestamp"):
            born = timestamp(seen.value.get("creationTimestamp"))
            soon = 0 <= seen.exchange.sent - insert.exchange.received <= UNNOTICED_SECONDS
            ours = (seen.project, seen.name) == (insert.project, insert.image) and is_set(seen.value.get("id"))
            if ours and soon and born and (born - began).total_seconds() > -MOMENT_SECONDS:
                yield expect(
                    str(told) == str(seen.value["id"]),
                    "targetId is not the id of the image",
                    insert.exchange,
                    seen.exchange,
                    expected=seen.value["id"],
                    observed=told,
                )


def _targets_of_failures(history: History) -> Iterator[Finding]:
    """The target of an insert that fails is no image of another name."""
    names = {} if "id" in history.trace.restless or IDS in history.trace.lost else history.names
    for insert in history.inserts:
        operation = insert.operation
        if insert.outcome != "failed" or operation is None or operation.mutation is not insert or insert.image is None:
            continue
        for state in operation.glimpses:
            target = state.value.get("targetId")
            other = names.get(str(target)) if is_set(target) and state.shows("targetId") else None
            yield expect(
                other in (None, insert.image),
                "targetId of an insert that failed is the id of another image",
                state.exchange,
                expected="the id of no image, or none",
                observed=f"{target}, the id of {other}",
            )


def _targets_of_unseen_inserts(history: History) -> Iterator[Finding]:
    """The target of an insert that came before the recording is the image that was made in its course, or that is seen
    just after its end."""
    for operation, final, image in unseen_inserts(history):
        target = final.value.get("targetId")
        looks = history.showing("id") if is_set(target) and "id" not in history.trace.restless else ()
        for seen in looks:
            ours = (seen.project, seen.name) == (operation.project, image) and is_set(seen.value.get("id"))
            if ours and (_made_by(final, seen) or watched_until(operation, final, seen.exchange)):
                yield expect(
                    str(target) == str(seen.value["id"]),
                    "targetId is not the id of the image",
                    final.exchange,
                    seen.exchange,
                    expected=seen.value["id"],
                    observed=target,
                )


def unseen_inserts(history: History) -> Iterator[tuple[Operation, State, str]]:
    """The operations of inserts that a recording does not hold, which ended without an error: each with its end and
    the name of its image, where the recording neither makes nor deletes one of that name."""
    for operation in history.operations if history.trace.recorded else ():
        final = operation.final if operation.mutation is None else None
        if final is None or final.failed or not final.shows("error") or final.value.get("operationType") != "insert":
            continue
        target = named(final.value.get("targetLink"))
        folder, _, name = target[1].rpartition("/") if target else ("", "", "")
        touched = any(
            (change.project, change.image) == (operation.project, name)
            for change in history.mutations
            if change.method in ("images.insert", "images.delete")
        ) or any(
            other.mutation is None
            and other.project == operation.project
            and other.first.value.get("operationType") == "delete"
            and named(other.first.value.get("targetLink")) == target
            for other in history.operations
        )
        if target and folder == "global/images" and same_project(target[0], operation.project) and not touched:
            yield operation, final, name


def _made_by(final: State, seen: Sighting) -> bool:
    """Whether an image was made in the course of an insert of its name, by the server's own clock."""
    times = (final.value.get("insertTime"), seen.value.get("creationTimestamp"), final.value.get("endTime"))
    began, made, ended = map(timestamp, times)
    return began is not None and made is not None and ended is not None and began <= made < ended


def watched_until(operation: Operation, final: State, look: Exchange) -> bool:
    """Whether an insert was seen to end so shortly before a look that nobody can have deleted what it made."""
    pause = look.sent - final.exchange.received
    under_way = any(not state.done and after(state.exchange, final.exchange) for state in operation.glimpses)
    return under_way and 0 <= pause <= UNNOTICED_SECONDS


def _targets_of_changes(history: History) -> Iterator[Finding]:
    """The target of a change is the image that a look showed last, where nobody may have put another in its place."""
    for change in history.mutations:
        operation = change.operation if change.operation and change.operation.mutation is change else None
        told = [state for state in operation.glimpses if is_set(state.value.get("targetId"))] if operation else []
        final = (operation.final if operation else None) or next(iter(told), None)
        if change.method == "images.insert" or change.original is not None or final is None or final.failed:
            continue
        if final.done and final.shows("targetId") and change.outcome == "succeeded":
            yield expect(
                is_set(final.value.get("targetId")),
                "a finished operation has no targetId",
                final.exchange,
                expected="the id of the image",
                observed=final.value.get("targetId"),
                deviation=True,
            )
        looks = [
            seen
            for seen in history.showing("id")
            if seen.name == change.image and seen.project == change.project and is_set(seen.value.get("id"))
            if not history.doomed(seen)
        ]
        last = next((seen for seen in reversed(looks) if after(seen.exchange, change.exchange)), None)
        target = final.value.get("targetId")
        if change.image and change.image.isdecimal() and is_set(target) and "id" not in history.trace.restless:
            yield expect(
                str(target) == change.image,
                "targetId is not the id that the request names",
                change.exchange,
                final.exchange,
                expected=change.image,
                observed=target,
            )
        if last is None or not is_set(target):
            continue
        kept = any(after(final.exchange, seen.exchange) and seen.value["id"] == last.value["id"] for seen in looks)
        if not kept and change.exchange.sent - last.exchange.received > LATE_SECONDS:
            continue
        replaced = any(
            other.method in ("images.insert", "images.delete")
            and not after(other.exchange, last.exchange)
            and not after(final.exchange, other.exchange)
            for other in history.changes(change)
        )
        gone = change.method == "images.delete" and history.replaced(last, str(target), change.exchange)
        if not replaced and not gone and not history.echoes(last, "id") and "id" not in history.trace.restless:
            yield expect(
                str(target) == str(last.value["id"]),
                "targetId is not the id of the image",
                last.exchange,
                final.exchange,
                expected=last.value["id"],
                observed=target,
            )


@RULES.rule(
    "operation.self-link",
    "conv",
    "selfLink addresses the same operation.",
    "JSON representation > selfLink",
    "The page lists the field without a word on it; the discovery document calls it the URL of the "
    "resource, and Libcloud polls it.",
)
def _self_link(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        for state in operation.glimpses:
            own = state.value.get("selfLink")
            if is_set(own) and operation.named and not blotted_out(own):
                found = named(own)
                names = (operation.name, state.value.get("id"))
                yield expect(
                    found is not None
                    and found[1] in {f"global/operations/{name}" for name in names}
                    and same_project(found[0], operation.project),
                    "selfLink addresses something else",
                    state.exchange,
                    expected=f"…/projects/{operation.project}/global/operations/{operation.name}",
                    observed=own,
                )


@RULES.rule(
    "operation.not-found",
    "conv",
    "get of an operation that does not exist answers 404.",
    "Response body",
    "The statuses of globalOperations.get are not on this page; a resource that is missing gets 404 in Google's APIs.",
    passive=False,
)
def _not_found(history: History) -> Iterator[Finding]:
    for exchange in history.exchanges:
        about = exchange.intent is not None and "operation.not-found" in exchange.intent.rules
        if about and exchange.failure != NOT_RECORDED:
            yield expect(
                exchange.status == 404 and not exchange.shows_nothing,
                "an operation that does not exist is not answered 404",
                exchange,
                expected="HTTP 404",
                observed=f"HTTP {exchange.response.status if exchange.response else 0}",
            )


@RULES.rule(
    "operation.scope",
    "doc",
    "A global operation has neither zone nor region.",
    "Response body > zone",
    "zone and region are said to apply to zonal and regional operations only, and images are global.",
)
def _scope(history: History) -> Iterator[Finding]:
    for state in history.stating():
        scopes = {name: state.value.get(name) for name in ("zone", "region") if has(state, name)}
        yield expect(
            not scopes, "a global operation has a zone or region", state.exchange, expected={}, observed=scopes
        )


@RULES.rule(
    "operation.metadata-union",
    "doc",
    "At most one member of the metadata union is there.",
    "Response body > metadata",
    "The metadata is a union of which one member at most may be there.",
)
def _metadata_union(history: History) -> Iterator[Finding]:
    for state in history.stating():
        present = [name for name in METADATA_UNION if has(state, name)]
        yield expect(
            len(present) <= 1,
            "an operation has several members of a union",
            state.exchange,
            expected="at most one",
            observed=present,
        )


@RULES.rule(
    "operation.metadata-scope",
    "doc",
    "An operation of images carries no metadata of instances or of setCommonInstanceMetadata.",
    "Response body > metadata",
    "The metadata are specific to other methods, so an operation on an image has none of them to tell.",
)
def _metadata_scope(history: History) -> Iterator[Finding]:
    for operation in of_images(history):
        for state in operation.glimpses:
            present = [name for name in METADATA if has(state, name)]
            yield expect(
                not present,
                "an operation of images carries the metadata of another method",
                state.exchange,
                expected=[],
                observed=present,
            )
