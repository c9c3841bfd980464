"""Rules about labels after the insert: setLabels and its fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.contract.comparison import own_labels, unasked
from conformance.contract.history import History, Mutation, Sighting, after, overlapping
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.trace.exchange import Exchange

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


REFERENCE = "Fields > labelFingerprint"
LABELS_SECONDS = 1.5
"""How long labels may take to be seen once they are set."""


def _updates(history: History) -> Iterator[Mutation]:
    return (mutation for mutation in history.mutations if mutation.method == "images.setLabels")


def seen_before(history: History, mutation: Mutation) -> Sighting | None:
    """The image as a get showed it last before a request, if nothing else could change it in between."""
    seen = [
        sighting
        for sighting in history.sightings
        if sighting.via == "images.get"
        and sighting.name == mutation.image
        and sighting.project == mutation.project
        and after(sighting.exchange, mutation.exchange)
    ]
    if not seen:
        return None
    last = seen[-1]
    disturbed = any(
        change.exchange.sent <= mutation.exchange.received and not _over(change, last.exchange)
        for change in history.changes(mutation)
    )
    return None if disturbed or not settled(history, last) else last


def settled(history: History, sighting: Sighting) -> bool:
    """Whether a sighting shows what setLabels had set before it: a service may show labels a moment after they were set."""
    updates = [
        update
        for update in _updates(history)
        if update.image in (sighting.name, sighting.value.get("id"))
        and update.project == sighting.project
        and update.outcome == "succeeded"
        and not after(sighting.exchange, update.exchange)
    ]
    return not updates or own_labels(sighting.value) == own_labels(updates[-1].body)


def _over(change: Mutation, exchange: Exchange) -> bool:
    """Whether a change was carried out for certain when a request was sent."""
    final = change.operation.final if change.operation else None
    return final is not None and after(final.exchange, exchange)


@RULES.rule(
    "labels.set",
    "doc",
    "setLabels with the current fingerprint replaces the labels, and touches nothing else.",
    REFERENCE,
    "Labels can be modified by setLabels with an up-to-date fingerprint, so that succeeds, and what it "
    "sets is what the image then has.",
    requires=("image.label-fingerprint.format",),
    needs=("set_labels",),
)
def _set(history: History) -> Iterator[Finding]:
    for update in _updates(history):
        before = seen_before(history, update)
        given = update.body.get("labelFingerprint")
        current = before is not None and is_set(given) and given == before.value.get("labelFingerprint")
        if before is None or not current or update.exchange.intent is not None or update.view.broken_rules:
            continue
        if update.outcome in ("refused", "failed"):
            yield expect(
                False,
                "setLabels with the current fingerprint is refused",
                before.exchange,
                update.exchange,
                expected="success",
                observed=f"HTTP {update.exchange.status}",
            )
        results = history.results(update)
        if results:
            wanted, last = update.view.labels, results[-1]
            shown = own_labels(last.value) == wanted
            if shown or last.exchange.sent - update.exchange.received > LABELS_SECONDS:
                yield expect(
                    shown,
                    "setLabels does not replace the labels",
                    update.exchange,
                    last.exchange,
                    expected=wanted,
                    observed=own_labels(last.value),
                )
            others = unasked(before.value, last.value, {"labels"})
            yield expect(
                not others,
                "setLabels changes more than labels",
                before.exchange,
                update.exchange,
                last.exchange,
                expected={name: before.value.get(name) for name in others},
                observed=others,
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
    for sighting in history.sightings:
        if sighting.via != "images.get" or history.sent(sighting, "labelFingerprint"):
            continue
        key = (sighting.project, sighting.name)
        before = last.get(key)
        last[key] = sighting
        if before is None or before.value.get("id") != sighting.value.get("id"):
            continue
        changed = own_labels(before.value) != own_labels(sighting.value)
        unlabelled = any(
            update.method in ("images.setLabels", "images.patch")
            and update.image in (sighting.name, sighting.value.get("id"))
            and not update.exchange.refused
            and update.exchange.number < sighting.exchange.number
            for update in history.mutations
        )
        same = before.value.get("labelFingerprint") == sighting.value.get("labelFingerprint")
        if changed or not unlabelled:
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


@RULES.rule(
    "labels.fingerprint-required",
    "doc",
    "A stale or missing fingerprint is refused with 412 conditionNotMet, and the labels stay.",
    REFERENCE,
    "Without an up-to-date fingerprint the request is said to fail with 412 conditionNotMet.",
    needs=("set_labels",),
)
def _fingerprint_required(history: History) -> Iterator[Finding]:
    for update in _updates(history):
        intent = update.exchange.intent
        before = seen_before(history, update)
        if intent is None or "labels.fingerprint-required" not in intent.rules or before is None:
            continue
        works = any(
            other.outcome == "succeeded" and after(other.exchange, update.exchange) for other in _updates(history)
        )
        if update.exchange.refused and update.exchange.status != 412 and not works:
            continue  # setLabels has not worked with any fingerprint
        final = update.operation.final if update.operation else None
        late = (
            update.outcome == "failed"
            and final is not None
            and final.value.get("httpErrorStatusCode") in (412, None, 0)
        )
        yield expect(
            update.exchange.status == 412 or late,
            "a stale or missing fingerprint is not refused as such",
            before.exchange,
            update.exchange,
            expected="HTTP 412",
            observed=f"HTTP {update.exchange.status}",
        )
        later = next(
            (
                seen
                for seen in history.sightings
                if seen.via == "images.get" and seen.name == update.image and after(update.exchange, seen.exchange)
            ),
            None,
        )
        if later is not None and (update.exchange.refused or late):
            yield expect(
                own_labels(later.value) == own_labels(before.value),
                "a refused setLabels changed the labels",
                update.exchange,
                later.exchange,
                expected=own_labels(before.value),
                observed=own_labels(later.value),
            )


@RULES.rule(
    "labels.concurrent",
    "doc",
    "Of simultaneous setLabels with one fingerprint, one wins.",
    REFERENCE,
    "The fingerprint is there for optimistic locking and changes with each request, so it is up to date "
    "for one of several at most.",
    needs=("set_labels",),
    passive=False,
)
def _concurrent(history: History) -> Iterator[Finding]:
    groups: dict[tuple[str | None, Any], list[Mutation]] = {}
    for update in _updates(history):
        groups.setdefault((update.image, update.body.get("labelFingerprint")), []).append(update)
    for group in groups.values():
        simultaneous = overlapping(group)
        labels = {str(sorted(update.view.labels.items())) for update in simultaneous}
        if len(simultaneous) < 2 or len(labels) < len(simultaneous):
            continue
        # The winner may have been through before the others were sent: then it is none of those that overlap.
        winners = [update for update in group if update.outcome in ("succeeded", "running")]
        lost = [update for update in group if update.outcome == "unknown" or update.exchange.status != 412]
        if lost and not winners:
            continue  # somebody may have won, or setLabels does not work at all
        yield expect(
            len(winners) == 1,
            f"{len(winners)} of {len(group)} simultaneous setLabels with one fingerprint won",
            *(update.exchange for update in simultaneous),
            expected="one",
            observed=len(winners),
            deviation=not winners,
        )
