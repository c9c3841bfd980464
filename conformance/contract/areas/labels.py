"""Rules about labels after the insert: setLabels and its fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from conformance.contract.comparison import unasked
from conformance.contract.fields import type_rules
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.mutation import PRECONDITION_FAILED, Mutation, overlapping
from conformance.contract.order import after
from conformance.contract.round_trip import same_labels, touched_by
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import holds_blot
from conformance.trace.exchange import Exchange
from conformance.trace.formats import decoded
from conformance.trace.losses import FINGERPRINTS, TIMES

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


REFERENCE = "Fields > labelFingerprint"
BAD_REQUEST = 400
CONFLICT = 409


def _updates(history: History) -> Iterator[Mutation]:
    return (mutation for mutation in history.mutations if mutation.method == "images.setLabels")


def seen_before(history: History, mutation: Mutation) -> Sighting | None:
    """The image as it was shown last before a request, if nothing else could change it until that had ended."""
    last = history.last_seen(mutation)
    if last is None:
        return None
    final = mutation.operation.final if mutation.operation else None
    end = final.exchange if final else mutation.exchange
    disturbed = any(
        change.exchange.sent <= end.received and not change.over_before(last.exchange)
        for change in history.changes(mutation)
    )
    return None if disturbed else last


@RULES.rule(
    "labels.set",
    "doc",
    "setLabels with the current fingerprint replaces the labels, and touches nothing else.",
    REFERENCE,
    "Labels can be modified by setLabels with an up-to-date fingerprint, so that succeeds, and what it "
    "sets is what the image then has.",
    requires=("image.label-fingerprint.format", *type_rules("labels")),
    needs=("set_labels",),
)
def _set(history: History) -> Iterator[Finding]:
    for update in _updates(history):
        before = seen_before(history, update)
        given = update.body.get("labelFingerprint")
        current = before is not None and is_set(given) and given == before.value.get("labelFingerprint")
        if update.exchange.intent is not None or update.view.broken_rules:
            continue
        if before is None and history.trace.recorded:
            yield from _replaced(history, update)
        if before is None or not current:
            continue
        if update.outcome in ("refused", "failed") and not _excused(history, update, before):
            yield expect(
                False,
                "setLabels with the current fingerprint is refused",
                before.exchange,
                update.exchange,
                expected="success",
                observed=f"HTTP {update.exchange.status}",
            )
        yield from _replaced(history, update)
        for last in history.results(update)[-1:]:
            late = history.late_fields(update, before, last) | history.perhaps_set_before(before, last)
            others = unasked(before.value, last.value, {"labels", *late, *history.trace.restless})
            yield expect(
                not others,
                "setLabels changes more than labels",
                before.exchange,
                update.exchange,
                last.exchange,
                expected={name: before.value.get(name) for name in others},
                observed=others,
            )


def _replaced(history: History, update: Mutation) -> Iterator[Finding]:
    """Whether an image shows the labels that were set, and none beside them."""
    for look in history.results(update, "labels"):
        if update.outcome == "failed" or not well_typed(look.value, "labels"):
            continue
        if history.joined(update, look):
            continue
        yield expect(
            same_labels(update.view.labels, look.value.get("labels"), history.users_labels(look)),
            "setLabels does not replace the labels",
            update.exchange,
            look.exchange,
            expected=update.view.labels,
            observed=history.own_labels(look),
        )


def _excused(history: History, update: Mutation, before: Sighting) -> bool:
    """Whether labels that cannot be set just now may have a reason: the image is not ready, or another client was
    faster.

    A recording whose fingerprints are all alike does not tell which one was current, and one without times not which
    of two changes from the same fingerprint came first.
    """
    if update.precondition_failed and (
        FINGERPRINTS in history.trace.lost or (TIMES in history.trace.lost and _rivalled(history, update))
    ):
        return True
    if update.precondition_failed and _outrun(history, update):
        return True
    if (update.exchange.missing or update.missed) and _gone(history, update, before):
        return True
    if before.value.get("status") != "READY" or _reasons(update.exchange) & {"resourceNotReady"}:
        return True
    failed = update.operation.final if update.operation and update.outcome == "failed" else None
    code = failed.value.get("httpErrorStatusCode") if failed else None
    # What fails for a reason of the server's own, for want of quota, or by an unclear 400 says nothing of the
    # fingerprint.
    return update in history.overtaken or (isinstance(code, int) and (code >= 500 or code in (400, 403, 429)))


def _gone(history: History, update: Mutation, before: Sighting) -> bool:
    """Whether others may have deleted an image of a recording: no later look finds it, and one finds none, or it was
    seen long before."""
    later = [
        exchange
        for exchange in history.gets
        if exchange.route and exchange.route.name == update.image and after(update.exchange, exchange)
    ]
    found = any((exchange.resource or {}).get("id") == before.value.get("id") for exchange in later)
    paused = update.exchange.sent - before.exchange.received > LATE_SECONDS
    missed = any(exchange.missing for exchange in later)
    return history.trace.recorded and not found and (missed or paused)


def _outrun(history: History, update: Mutation) -> bool:
    """Whether others may have changed labels of a recording since they were seen: neither does a later look tell, nor
    is the same fingerprint taken afterwards."""
    given = update.body.get("labelFingerprint")
    later = any(
        after(update.exchange, seen.exchange) for seen in history.looks_at(update) if seen.shows("labelFingerprint")
    )
    taken = any(
        other.outcome == "succeeded" and other.body.get("labelFingerprint") == given
        for other in history.changes(update)
        if after(update.exchange, other.exchange)
    )
    return history.trace.recorded and not later and not taken


def _rivalled(history: History, update: Mutation) -> bool:
    """Whether another request changed the labels from the same fingerprint."""
    given = update.body.get("labelFingerprint")
    return any(
        other.exchange.answered and other.body.get("labelFingerprint") == given
        for other in history.changes(update)
        if other.method == update.method
    )


@RULES.rule(
    "labels.fingerprint-changes",
    "doc",
    "The fingerprint changes with every change of labels; by convention with nothing else.",
    REFERENCE,
    "The fingerprint changes after every request that changes labels; that it stays otherwise is what a "
    "hash of labels suggests.",
    needs=("set_labels",),
)
def _fingerprint_changes(history: History) -> Iterator[Finding]:
    last: dict[tuple[str, str | None], Sighting] = {}
    yield from _taken_again(history)
    for sighting in history.showing("labels", "labelFingerprint"):
        if not is_set(sighting.value.get("labelFingerprint")):
            continue  # a list may leave it out, and that a get lacks it is the matter of its format
        key = (sighting.project, sighting.name)
        before = last.get(key)
        last[key] = sighting
        if before is None or before.value.get("id") != sighting.value.get("id"):
            continue
        changed = history.own_labels(before) != history.own_labels(sighting)
        alike = (before.value.get("labels") or {}) == (sighting.value.get("labels") or {})
        updated = any(
            (update.method == "images.setLabels" or _may_relabel(update))
            and update.image in (sighting.name, sighting.value.get("id"))
            and not update.exchange.rejected
            and not after(sighting.exchange, update.exchange)
            and not _long_over(update, before.exchange)
            for update in history.mutations
        )
        same = before.value.get("labelFingerprint") == sighting.value.get("labelFingerprint")
        updated = updated or (not changed and not same and history.touched_elsewhere(before, sighting))
        if changed or (alike and not updated):
            yield expect(
                same != changed,
                "the labels changed, but not their fingerprint"
                if changed
                else "the fingerprint changed, but not the labels",
                before.exchange,
                sighting.exchange,
                expected="another fingerprint" if changed else before.value.get("labelFingerprint"),
                observed=sighting.value.get("labelFingerprint"),
                deviation=not changed,
            )


def _taken_again(history: History) -> Iterator[Finding]:
    """Judges that the fingerprint of labels is not that of others, which the same image had before those in between."""
    known: dict[tuple[str, str, str], Sighting] = {}
    last: dict[tuple[str, str], Sighting] = {}
    for seen in history.showing("labels", "labelFingerprint") if history.trace.recorded else ():
        fingerprint, identifier = seen.value.get("labelFingerprint"), seen.value.get("id")
        if not (is_set(fingerprint) and is_set(identifier)) or holds_blot(seen.value):
            continue
        image = seen.project, str(identifier)
        before, last[image] = last.get(image), seen
        first = known.setdefault((*image, str(fingerprint)), seen)
        if before is None or before.value.get("labelFingerprint") == fingerprint or first is seen:
            continue  # that of the labels just before is the matter of the rule itself
        yield expect(
            history.own_labels(first) == history.own_labels(seen),
            "labels have the fingerprint that others had before",
            first.exchange,
            seen.exchange,
            expected="another fingerprint",
            observed=fingerprint,
            deviation=True,
        )


def _may_relabel(update: Mutation) -> bool:
    """Whether a request is a PATCH that sets labels, or does not tell what it sets."""
    touched = touched_by(update.exchange)
    return update.method == "images.patch" and (touched is None or "labels" in touched)


def _long_over(update: Mutation, look: Exchange) -> bool:
    """Whether a request had ended so long before a look that the look shows what came of it."""
    return update.ended is not None and look.sent - update.ended.received > MOMENT_SECONDS


@RULES.rule(
    "labels.fingerprint-required",
    "doc",
    "A stale or missing fingerprint is refused with 412 conditionNotMet, and the labels stay.",
    REFERENCE,
    "Without an up-to-date fingerprint the request is said to fail with 412 conditionNotMet.",
    needs=("set_labels",),
)
def _fingerprint_required(history: History) -> Iterator[Finding]:
    for first, second in _used_up(history) if history.trace.recorded else ():
        yield expect(
            False,
            "a fingerprint is taken twice, although the labels changed in between",
            first.exchange,
            second.exchange,
            expected="HTTP 412",
            observed=f"HTTP {second.exchange.status}",
        )
    for update in history.mutations:
        before = seen_before(history, update)
        if before is None or not _stale(history, update, before):
            continue
        if update.method == "images.patch" and update.outcome != "refused" and not _relabels(history, update, before):
            continue  # a PATCH may know nothing of labels, and leave out what it does not know
        works = any(
            other.outcome == "succeeded" and after(other.exchange, update.exchange) for other in _updates(history)
        )
        blamed = "fingerprint" in str(update.exchange.error).lower()
        if update.exchange.refused and update.exchange.status != PRECONDITION_FAILED and not (works or blamed):
            continue  # setLabels has not worked with any fingerprint
        if update.exchange.status >= 500:
            continue  # a server that stumbles tells nothing of what it thinks
        final = update.operation.final if update.operation else None
        late = (
            update.outcome == "failed"
            and final is not None
            and final.value.get("httpErrorStatusCode") in (412, None, 0)
        )
        asked = update.exchange.intent is not None or _refused_as_stale(update.exchange)
        # The operation may tell of it in the end, which a run waits for, and a recording may not show.
        taken = ("succeeded",) if history.trace.recorded else ("succeeded", "running")
        if asked or update.outcome in taken or update.exchange.status == PRECONDITION_FAILED or late:
            yield expect(
                update.exchange.status == PRECONDITION_FAILED or late,
                "a stale or missing fingerprint is not refused as such",
                before.exchange,
                update.exchange,
                expected="HTTP 412",
                observed=f"HTTP {update.exchange.status}",
            )
        reasons = _reasons(update.exchange)
        if update.exchange.status == PRECONDITION_FAILED and reasons:
            yield expect(
                "conditionNotMet" in reasons,
                "a stale or missing fingerprint is refused for another reason",
                update.exchange,
                expected="conditionNotMet",
                observed=sorted(reasons),
            )
        later = next(
            (
                seen
                for seen in history.sightings
                if seen.via == "images.get" and seen.name == before.name and after(update.exchange, seen.exchange)
            ),
            None,
        )
        if later is None or not _undisturbed(history, update, later):
            continue
        if (update.exchange.refused or late) and "labels" not in history.late_fields(update, before, later):
            yield expect(
                history.own_labels(later) == history.own_labels(before),
                "a refused setLabels changed the labels",
                update.exchange,
                later.exchange,
                expected=history.own_labels(before),
                observed=history.own_labels(later),
            )


def _refused_as_stale(exchange: Exchange) -> bool:
    """Whether a refusal is for the fingerprint, by another status than that of a precondition."""
    told = exchange.status == CONFLICT or (
        exchange.status == BAD_REQUEST and "fingerprint" in str(exchange.error).lower()
    )
    return told and "resourceNotReady" not in _reasons(exchange)


def _used_up(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each setLabels that was carried out with the fingerprint from which the one before it has changed the labels.

    That it has changed them is certain where a look just before it showed others.
    """
    done = [update for update in _updates(history) if update.outcome == "succeeded" and update.original is None]
    for first, second in pairwise(done):
        given, again = (update.body.get("labelFingerprint") for update in (first, second))
        final = first.operation.final if first.operation else None
        before = seen_before(history, first)
        if (first.project, first.image) != (second.project, second.image) or not is_set(given) or given != again:
            continue
        if before is None or given != before.value.get("labelFingerprint") or first.invalid or second.invalid:
            continue
        between = [change for change in history.changes(second) if change is not first]
        if final is None or any(
            not after(change.exchange, first.exchange) and not after(second.exchange, change.exchange)
            for change in between
        ):
            continue
        changed = not same_labels(first.view.labels, history.own_labels(before))
        soon = second.exchange.sent - final.exchange.received <= LATE_SECONDS
        if changed and soon and after(final.exchange, second.exchange):
            yield first, second


def _relabels(history: History, update: Mutation, before: Sighting) -> bool:
    """Whether labels are seen that a PATCH has set, be it instead of those there were or beside them."""
    there, sent = history.own_labels(before), update.view.labels
    beside = {key: value for key, value in {**there, **sent}.items() if value is not None}
    looks = [history.own_labels(look) for look in history.results(update, "labels")]
    return any(
        not same_labels(wanted, there) and any(same_labels(wanted, came) for came in looks) for wanted in (sent, beside)
    )


def _stale(history: History, update: Mutation, before: Sighting) -> bool:
    """Whether a request to change labels has another fingerprint than the image shows, or none; a PATCH need not have
    one."""
    intent = update.exchange.intent
    given, current = update.body.get("labelFingerprint"), before.value.get("labelFingerprint")
    if intent is not None and is_set(given) and decoded(given) == decoded(current):
        return False  # that it has not changed since is the matter of another rule
    if intent is not None or update.method not in ("images.setLabels", "images.patch"):
        return intent is not None and "labels.fingerprint-required" in intent.rules
    if update.original is not None or update.invalid or "labels" not in update.body:
        return False
    if not is_set(given) or not is_set(current):
        return update.method == "images.setLabels" and is_set(current)
    shown = (
        seen.value.get("labelFingerprint")
        for seen in history.showing("labelFingerprint")
        if seen.exchange.number >= before.exchange.number and after(seen.exchange, update.exchange)
    )
    if decoded(given) == decoded(current) or given in shown:
        return False
    # What no answer has shown may be what others have set since, and its sender has read elsewhere.
    pause = update.exchange.sent - before.exchange.received
    known = (seen.value.get("labelFingerprint") for seen in history.glimpses if seen.name == before.name)
    return not history.trace.recorded or pause <= LATE_SECONDS or given in known


def _undisturbed(history: History, update: Mutation, later: Sighting) -> bool:
    """Whether no other request can have changed the image between a request and a look at it."""
    return not any(
        change.exchange.sent <= later.exchange.received and not after(change.exchange, update.exchange)
        for change in history.changes(update)
    )


def _reasons(exchange: Exchange) -> set[str]:
    """The reasons that a refusal gives."""
    items = exchange.error.get("errors")
    found = (item.get("reason") for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
    return {reason for reason in found if isinstance(reason, str)}


@RULES.rule(
    "labels.concurrent",
    "doc",
    "Of simultaneous setLabels with one fingerprint no more than one wins; by convention one does.",
    REFERENCE,
    "The fingerprint is there for optimistic locking and changes with each request, so it is up to date "
    "for one of several at most.",
    requires=("labels.set", "labels.fingerprint-required"),
    yields_to=("labels.fingerprint-required",),
    needs=("set_labels",),
    passive=False,
)
def _concurrent(history: History) -> Iterator[Finding]:
    groups: dict[tuple[str | None, str], list[Mutation]] = {}
    for update in _updates(history):
        fingerprint = update.body.get("labelFingerprint")
        if is_set(fingerprint):  # the target's own, so that it may be of any type
            groups.setdefault((update.image, str(fingerprint)), []).append(update)
    for group in groups.values():
        simultaneous = overlapping(group)
        labels = {str(sorted(update.view.labels.items())) for update in simultaneous}
        if len(simultaneous) < 2 or len(labels) < len(simultaneous):
            continue
        # The winner may have been through before the others were sent: then it is none of those that overlap.
        winners = [update for update in group if update.outcome in ("succeeded", "running")]
        lost = [update for update in group if update.outcome == "unknown" or update.exchange.status != 412]
        if not winners and (lost or not _up_to_date(history, group)):
            continue  # somebody may have won, setLabels does not work at all, or all were right to lose
        ids = {history.identifier(update) for update in winners}
        if len(ids - {None}) > 1 or any(_changes_nothing(history, update) for update in winners):
            continue  # the name has had two images with this fingerprint, or it is up to date still
        yield expect(
            len(winners) == 1,
            f"{len(winners)} of {len(group)} simultaneous setLabels with one fingerprint won",
            *(update.exchange for update in simultaneous),
            expected="one",
            observed=len(winners),
            deviation=not winners,
        )


def _up_to_date(history: History, group: Sequence[Mutation]) -> bool:
    """Whether the fingerprint of these requests is the one shown last, and nothing else has changed the image since."""
    image = group[0].project, group[0].image
    given = decoded(group[0].body.get("labelFingerprint"))
    shown = [
        seen
        for seen in history.showing("labelFingerprint")
        if (seen.project, seen.name) == image and all(after(seen.exchange, update.exchange) for update in group)
    ]
    if not shown or decoded(shown[-1].value.get("labelFingerprint")) != given:
        return False
    return all(
        change in group or after(change.exchange, shown[-1].exchange)
        for change in history.mutations
        if (change.project, change.image) == image
    )


def _changes_nothing(history: History, update: Mutation) -> bool:
    """Whether a request sets the very labels that were seen beside its fingerprint."""
    given = decoded(update.body.get("labelFingerprint"))
    return any(
        same_labels(update.view.labels, history.own_labels(seen))
        for seen in history.glimpses
        if seen.shows("labels", "labelFingerprint") and (seen.project, seen.name) == (update.project, update.image)
        if decoded(seen.value.get("labelFingerprint")) == given and after(seen.exchange, update.exchange)
    )
