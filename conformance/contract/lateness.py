"""What a service may show late: which looks say nothing, since they came a moment too early."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from conformance.contract.mutation import Mutation, answers_no_operation
from conformance.contract.order import after
from conformance.contract.reading import Reading
from conformance.contract.round_trip import shows
from conformance.contract.rule import is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import BLOT
from conformance.trace.exchange import Exchange
from conformance.trace.losses import FINGERPRINTS, FRACTIONS, TIMES

MOMENT_SECONDS = 1.5
"""How long labels may take to be seen once they are set."""

LATE_SECONDS = 60.0
"""How long the first look after a change may show the image as it was before, where a later look shows the change."""


FAMILIES = frozenset({"images.getFromFamily", "imageFamilyViews.get"})
"""The API methods that answer an image of their own choice."""


class Lateness(Reading):
    """A reading that knows which of its looks came too early."""

    def _note_arrivals(self) -> None:
        super()._note_arrivals()
        lost = {
            exchange.route.name
            for exchange in self.exchanges
            if exchange.route and exchange.method == "globalOperations.get" and exchange.missing
        }
        for change in self.mutations:
            operation = change.operation
            if not self.trace.recorded and change.original is None and answers_no_operation(change.exchange):
                change.arrival = change.exchange
                continue
            if operation is None or operation.final or change.method == "images.insert" or change.original is not None:
                continue
            if self.trace.recorded or operation.name in lost:
                change.arrival = self._effect(change)

    def _effect(self, change: Mutation) -> Exchange | None:
        """The first look, not long after a change whose operation cannot be followed to its end, at which the image is
        another; None where something else may have made it so."""
        names = change.changed
        looks = [seen for seen in self.looks_at(change) if seen.shows(*names)] if names else []
        before = next((seen for seen in reversed(looks) if after(seen.exchange, change.exchange)), None)
        if before is None:
            return None
        later = (seen for seen in looks if after(change.exchange, seen.exchange))
        old = {name: _value(before, name) for name in names}
        found = next((seen for seen in later if {name: _value(seen, name) for name in names} != old), None)
        if found is None or found.exchange.sent - change.exchange.received > LATE_SECONDS:
            return None
        own = {change.image, self.identifier(change), found.name}
        alone = all(
            other is change
            or other.project != change.project
            or other.image not in own
            or after(found.exchange, other.exchange)
            or (other.ended and (other.ended is before.exchange or after(other.ended, before.exchange)))
            for other in self.mutations
        )
        return found.exchange if alone else None

    @cached_property
    def _by_image(self) -> dict[tuple[str, str | None], list[Sighting]]:
        """The sightings by project and by what the image is known by: its name, and its id."""
        found: dict[tuple[str, str | None], list[Sighting]] = defaultdict(list)
        for seen in self.glimpses:
            for known in {seen.name, str(seen.value.get("id"))}:
                found[seen.project, known].append(seen)
        return found

    def looks_at(self, change: Mutation) -> Sequence[Sighting]:
        """The sightings of the image that a request changes, by its name or its id, as they came."""
        key = (change.project, change.image, self.identifier(change))
        if key not in self._looks:
            looks = {id(seen): seen for known in key[1:] for seen in self._by_image.get((key[0], known), ())}
            self._looks[key] = sorted(looks.values(), key=lambda seen: seen.exchange.number)
        return self._looks[key]

    @cached_property
    def _looks(self) -> dict[tuple[str, str | None, str | None], list[Sighting]]:
        return {}

    @cached_property
    def _outdated(self) -> frozenset[int]:
        """The sightings, by identity, that show an image as it was before a change that is DONE.

        A service may show a change a moment late: labels for a moment, and any change once where the next look shows
        it.
        """
        late = (seen for change in self.mutations for seen in self._before_change(change))
        return frozenset(map(id, (*late, *self._lingering)))

    @cached_property
    def _lingering(self) -> tuple[Sighting, ...]:
        """The sightings of images just after their deletion was DONE, where a later look that asks the same does not
        show them."""
        return tuple(seen for change in self.mutations for seen in self._after_deletion(change))

    def _after_deletion(self, delete: Mutation) -> Iterator[Sighting]:
        end = delete.ended
        if delete.method != "images.delete" or end is None or delete.outcome != "succeeded":
            return
        deleted = self.deleted_ids(delete)
        # A look that tells no id is one at the image that was made anew, once there may be such a one.
        anew = [
            insert.exchange.sent
            for insert in self.mutations
            if insert.method == "images.insert" and not insert.exchange.rejected
            if (insert.project, insert.image) == (delete.project, delete.image)
            and after(delete.exchange, insert.exchange)
        ]
        shown = [
            seen
            for seen in self.looks_at(delete)
            if (
                str(seen.value["id"]) in deleted
                if deleted and is_set(seen.value.get("id"))
                else seen.exchange.received < min(anew, default=math.inf)
            )
        ]
        numbers = {seen.exchange.number for seen in shown}
        for seen in shown:
            passed = seen.exchange.sent - end.received
            if after(end, seen.exchange) and passed <= LATE_SECONDS:
                again = (look for look in self._by_url[seen.exchange.request.url] if after(seen.exchange, look))
                if any(look.missing or (look.answered and look.number not in numbers) for look in again):
                    yield seen

    def deleted_ids(self, delete: Mutation) -> frozenset[str]:
        """The ids that a deleted image may have had: the one that the operation tells, or else all that its name was
        seen to have before."""
        told = self.identifier(delete)
        if told is not None:
            return frozenset({told})
        before = [seen.value.get("id") for seen in self.looks_at(delete) if after(seen.exchange, delete.exchange)]
        return frozenset(str(identifier) for identifier in before if is_set(identifier))

    @cached_property
    def _by_url(self) -> dict[str, list[Exchange]]:
        """The requests that only look, by what they ask."""
        found: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in self.exchanges:
            if exchange.request.verb == "GET":
                found[exchange.request.url].append(exchange)
        return found

    def _before_change(self, change: Mutation) -> Iterator[Sighting]:
        """The first sightings after a change that do not show it yet, as far as that is allowed."""
        wanted = change.changed
        final = change.operation.final if change.operation else None
        if not wanted or final is None or change.outcome != "succeeded" or change.original is not None:
            return
        looks = self.looks_at(change)
        earlier = [seen for seen in looks if after(seen.exchange, change.exchange)]
        before = [
            other
            for other in self.changes(change)
            if other.exchange.number < change.exchange.number and wanted <= other.changed
        ]
        # What changes another field only says nothing of when this one is seen; a replay, and what fails, change
        # nothing.
        others = [
            other
            for other in self.changes(change)
            if not after(other.exchange, change.exchange)
            and other.outcome != "failed"
            and (wanted & other.changed or not other.changed)
            and not (other.original is not None and other.same_content)
            and not self._makes(other, change)
        ]
        # Of changes at one time any may be the last one, so that any of them shows that the look was late.
        together = [
            change,
            *(other for other in others if other.changed and not after(change.exchange, other.exchange)),
        ]
        ends = [other.exchange.sent for other in others if other not in together]
        end = min(ends, default=math.inf)
        later = [
            seen
            for seen in looks
            if seen.exchange.received < end and after(final.exchange, seen.exchange) and seen.shows(*wanted)
        ]
        known = [old for old in earlier if old.shows(*wanted)]
        # Of looks at one time either may be the last one.
        latest = max((old.exchange for old in known), key=lambda look: look.sent, default=change.exchange)
        last = [old for old in known if not after(old.exchange, latest)]
        shown = next((seen for seen in later if any(_shows(one, seen) for one in together)), None)
        for at, seen in enumerate(later):
            if any(_shows(one, seen) for one in together):
                continue
            passed = seen.exchange.sent - final.exchange.received
            soon = passed <= self._moment and (at == 0 or TIMES not in self.trace.lost)
            # Of two replicas one may know the new labels already, and the other answer the next look.
            if shown is not None and after(shown.exchange, seen.exchange) and not (soon and "labels" in wanted):
                continue
            # Where changes come soon after each other, what answers may be several of them behind.
            recent = [old for old in known if seen.exchange.sent - old.exchange.received <= MOMENT_SECONDS]
            olden = [*last, *recent]
            known_value = any(all(_value(old, name) == _value(seen, name) for name in wanted) for old in olden)
            torn = "labels" in wanted and not others and self._torn(change, earlier, seen)
            if torn or (olden and not known_value and not any(_shows(other, seen) for other in before)):
                return
            # What a family answers, it may choose a moment late: another image tells soon that it has caught up.
            chosen = soon and "deprecated" in wanted and seen.via in FAMILIES
            caught_up = chosen or (shown is not None and (soon or (passed <= LATE_SECONDS and at == 0)))
            # Where another change follows, there may have been no time for a second look, and where several clients
            # are at it each has a first one.
            cut_short = bool(ends) and (at == len(later) - 1 or self._crowded(change))
            if caught_up or (soon and ("labels" in wanted or cut_short)):
                yield seen

    def _torn(self, change: Mutation, earlier: Sequence[Sighting], seen: Sighting) -> bool:
        """Whether a look shows labels with a fingerprint that no earlier look had, though nothing but one request has
        changed the image since the last of these: then it is no late one."""
        fingerprint = _value(seen, "labelFingerprint")
        known = [_value(look, "labelFingerprint") for look in earlier]
        if not self.trace.recorded or not earlier or FINGERPRINTS in self.trace.lost:
            return False
        if fingerprint in known or any(value in (None, BLOT) for value in (fingerprint, *known)):
            return False
        last = earlier[-1].exchange
        return all(other.ended and after(other.ended, last) for other in self.changes(change))

    def _makes(self, insert: Mutation, change: Mutation) -> bool:
        """Whether a request made the image that another one changes: then it came first, however late it was
        answered."""
        identifier = self.identifier(insert)
        return insert.method == "images.insert" and identifier is not None and identifier == self.identifier(change)

    def _crowded(self, change: Mutation) -> bool:
        """Whether several clients were at work on an image when it was changed."""
        own = {change.image, self.identifier(change)}
        return any(
            exchange.route is not None
            and exchange.route.project == change.project
            and exchange.route.name in own
            and exchange is not change.exchange
            and not after(exchange, change.exchange)
            and not after(change.exchange, exchange)
            for exchange in self.exchanges
        )

    def late_fields(self, update: Mutation, before: Sighting, later: Sighting) -> frozenset[str]:
        """The fields that another change may have brought from one look to the next, though it was DONE before both.

        Args:
            update: the request that was made between the two looks.
            before: the look just before it, from which the other change was less than a moment ago.
            later: the look after it, which shows what the other change has set.
        """
        recent = (
            change
            for change in self.changes(update)
            if change.exchange.number < before.exchange.number
            and change.ended is not None
            and before.exchange.sent - change.ended.received <= MOMENT_SECONDS
            and change.outcome == "succeeded"
            and _shows(change, later)
            and not _shows(change, before)
        )
        return frozenset(name for change in recent for name in change.changed)

    @cached_property
    def _moment(self) -> float:
        """How long a moment seems: where times are whole seconds, up to one of them more than it was."""
        return MOMENT_SECONDS + (1.0 if self.trace.recorded and FRACTIONS in self.trace.lost else 0.0)

    @cached_property
    def outdated_looks(self) -> frozenset[int]:
        """The numbers of the gets that show an image as it was before the last change, as far as that is allowed."""
        return frozenset(
            seen.exchange.number for seen in self.glimpses if seen.via == "images.get" and id(seen) in self._outdated
        )

    @cached_property
    def lingering(self) -> frozenset[tuple[int, str, str | None]]:
        """The looks, by number, project and name of the image, that still showed it just after its deletion."""
        return frozenset((seen.exchange.number, seen.project, seen.name) for seen in self._lingering)

    @cached_property
    def too_late(self) -> frozenset[int]:
        """The numbers of the gets that still found an image just after its deletion was DONE, although a later look
        did not."""
        return frozenset(seen.exchange.number for seen in self._lingering if seen.via == "images.get")

    @cached_property
    def too_early(self) -> frozenset[int]:
        """The numbers of the gets that did not find an image just after its insert was DONE, although the next look
        did, or was not to be had."""
        found: set[int] = set()
        looks: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        for exchange in self.exchanges:
            if exchange.method == "images.get" and exchange.route:
                looks[exchange.route.project, exchange.route.name].append(exchange)
        for insert in self.created:
            final = insert.end
            deletes = [change.exchange for change in self.changes(insert) if change.method == "images.delete"]
            ends = [delete.sent for delete in deletes if not after(delete, insert.exchange)]
            for name in {insert.image or "", self.identifier(insert) or ""}:
                missed: list[Exchange] = []
                for look in looks.get((insert.project, name), ()):
                    if not after(final, look) or look.received >= min(ends, default=math.inf):
                        continue
                    if look.missing and look.sent - final.received <= LATE_SECONDS:
                        missed.append(look)
                    elif look.answered and look.number not in self.too_late:
                        found.update(early.number for early in missed)
                        break
                else:
                    # Where it was deleted then, there may have been no time for a look that finds it.
                    if ends and all(early.sent - final.received <= MOMENT_SECONDS for early in missed):
                        found.update(early.number for early in missed)
        return frozenset(found)

    def addresses(self, mutation: Mutation) -> frozenset[str | None]:
        """The names and ids by which the image of a request is called: where its operation tells no id, all that
        images of its name were seen to have."""
        title, identifier = self._titles.get((mutation.project, mutation.image or "")), self.identifier(mutation)
        ids = self._ids_by_name[mutation.project, mutation.image] if identifier is None else {identifier}
        return frozenset({mutation.image, title or mutation.image, identifier, *ids})

    @cached_property
    def _ids_by_name(self) -> dict[tuple[str, str | None], set[str]]:
        """The ids of images by their project and name."""
        found: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        for (project, identifier), name in self._titles.items():
            found[project, name].add(identifier)
        return found

    @cached_property
    def _titles(self) -> dict[tuple[str, str], str]:
        """The names of images by their project and id, as answers show them together."""
        return {
            (seen.project, str(seen.value["id"])): seen.name
            for seen in self.glimpses
            if seen.name and seen.value.get("id")
        }

    def changes(self, mutation: Mutation) -> Iterator[Mutation]:
        """The other requests that may have changed the same image: all on its name or id that weren't rejected, but for
        those that are answered with the operation of this one, as the same request sent again.

        In a recording a request may be refused since somebody whom it does not show has changed the image: it stands
        for that.
        """
        key = (mutation.project, self.addresses(mutation))
        if key not in self._changers:
            self._changers[key] = [
                other
                for other in self.mutations
                if other.project == key[0] and other.image in key[1]
                if not other.exchange.rejected or other in self.overtaken
            ]
        return (other for other in self._changers[key] if other is not mutation and not _again(mutation, other))

    @cached_property
    def _changers(self) -> dict[tuple[str, frozenset[str | None]], list[Mutation]]:
        return {}

    @cached_property
    def overtaken(self) -> frozenset[Mutation]:
        """The requests of a recording that failed their precondition, where the next look shows that others were
        faster."""
        refused = [mutation for mutation in self.mutations if self.trace.recorded and mutation.precondition_failed]
        return frozenset(mutation for mutation in refused if self._fingerprint_moved(mutation))

    def _fingerprint_moved(self, refused: Mutation) -> bool:
        looks = [seen for seen in self.looks_at(refused) if seen.shows("labelFingerprint")]
        earlier = [seen for seen in looks if after(seen.exchange, refused.exchange)]
        afterwards = [seen for seen in looks if after(refused.exchange, seen.exchange)]
        before = [_value(seen, "labelFingerprint") for seen in earlier]
        later = [_value(seen, "labelFingerprint") for seen in afterwards]
        if not before or not later or before[-1] == later[0]:
            return False
        if self._made_by_one_told(afterwards[0], refused):
            return False  # nobody else need have done it
        # One that was there before, and gives way again to the last one, is seen late.
        return not (later[0] in before and before[-1] in later)

    def _made_by_one_told(self, seen: Sighting, refused: Mutation) -> bool:
        """Whether the recording holds the change that has made the labels what a look shows, before a request that
        failed its precondition."""
        return any(
            (other.project, other.image) == (refused.project, refused.image)
            and other.outcome == "succeeded"
            and "labels" in other.changed
            and after(other.exchange, refused.exchange)
            and _shows(other, seen)
            for other in self.mutations
        )


def _shows(change: Mutation, seen: Sighting) -> bool:
    """Whether a sighting shows what a request has changed."""
    return shows(change.exchange, seen.value)


def _value(seen: Sighting, name: str) -> Any:
    """A field as a look shows it; that an image is ACTIVE need not be said."""
    value = seen.value.get(name)
    unsaid = name == "deprecated" and value == {"state": "ACTIVE"}
    return value if is_set(value) and not unsaid else None


def _again(mutation: Mutation, other: Mutation) -> bool:
    """Whether of two requests one is the other sent again, or both are a third one, and they are answered as such: with
    one operation, or not at all."""
    tries = [one.original or one for one in (mutation, other)]
    same = tries[0] is tries[1] and all(one.original is None or one.same_content for one in (mutation, other))
    own = mutation.operation
    return same and own is not None and (other.operation is None or other.operation is own)
