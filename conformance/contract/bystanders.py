"""Other clients, of whom a recording does not tell: which looks show what one of them must have done.

Only between two looks can that be seen, where no request of the recording was at work: since an image was shown as it
was left, somebody else has changed it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

from conformance.contract.clock import between
from conformance.contract.comparison import own_labels, unasked
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS, Lateness
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.round_trip import changed_by, comes_back
from conformance.contract.rule import is_set
from conformance.contract.sighting import Sighting
from conformance.trace.exchange import Exchange
from conformance.trace.formats import timestamp
from conformance.trace.losses import SERVER_TIMES, TIMES
from conformance.trace.recorded_clock import served_at

CHANGEABLE = frozenset({"labels", "deprecated", "description", "family"})
"""The fields of an image that requests may change; of the others a change tells of no client."""


UNNOTICED_SECONDS = 10.0
"""How long it takes until others may have done something, where what is seen then looks like their work."""


class Bystanders(Lateness):
    """A reading that knows which of its looks show the work of other clients."""

    @cached_property
    def _meddled(self) -> dict[tuple[str, str | None], list[Sighting]]:
        """By project and image the looks that show what others have changed since the look before."""
        found: dict[tuple[str, str | None], list[Sighting]] = defaultdict(list)
        looks: dict[tuple[str, str | None], list[Sighting]] = defaultdict(list)
        for seen in self.glimpses if self.trace.recorded else ():
            if seen.mask.partial or id(seen) in self._outdated:
                continue
            earlier = looks[seen.project, seen.name]
            if (earlier and self._by_others(earlier, seen)) or self._long_left(earlier, seen) or self._superseded(seen):
                found[seen.project, seen.name].append(seen)
            earlier.append(seen)
        return found

    def _by_others(self, earlier: Sequence[Sighting], seen: Sighting) -> bool:
        """Whether others have changed an image since the last of some looks at it.

        Nobody sets labels by accident that go with a fingerprint of their own; for other fields it takes a pause that
        is too long for an image which is seen late.
        """
        before = earlier[-1]
        if self.remade(before, seen):
            return not self._made_here(before, seen)
        same = before.value.get("id") == seen.value.get("id") and after(before.exchange, seen.exchange)
        changed = unasked(before.value, seen.value, ()).keys()
        if not same or not changed or not changed <= CHANGEABLE:
            return False
        between = [
            change
            for change in self._requests_on(seen)
            if not after(seen.exchange, change.exchange) and not over(change, before.exchange)
        ]
        asked = {name for change in between for name in change.changed}
        # Where no times are told, any time may have passed from one look to the next, but not from a change to a look.
        untold = (
            TIMES in self.trace.lost
            and not self._asked_between(before, seen.exchange)
            and not self._shown_before(earlier, seen, changed)
        )
        paused = untold or _pause(before.exchange, between, seen.exchange) > LATE_SECONDS
        if paused or self._told_of(before, seen):
            return bool(changed - asked)
        fingerprint = seen.value.get("labelFingerprint")
        fresh = is_set(fingerprint) and all(look.value.get("labelFingerprint") != fingerprint for look in earlier)
        return changed == {"labels"} and not between and fresh

    def _asked_between(self, before: Sighting, exchange: Exchange, *, refused: bool = True) -> bool:
        """Whether any request to change an image, be it a replay or `refused`, was sent between a look at it and
        another exchange, or was at work then."""
        names = {before.name, str(before.value.get("id"))}
        return any(
            change.project == before.project
            and change.image in names
            and change.exchange is not exchange
            and (refused or not change.exchange.rejected)
            and not after(exchange, change.exchange)
            and (after(before.exchange, change.exchange) or not over(change, before.exchange))
            and not (change.exchange.rejected and after(change.exchange, before.exchange))
            for change in self.mutations
        )

    def _shown_before(self, earlier: Sequence[Sighting], seen: Sighting, names: Collection[str]) -> bool:
        """Whether a look shows of some fields what an earlier one showed: it may have come late."""
        return any(not unasked(look.value, seen.value, ()).keys() & set(names) for look in earlier)

    def _long_left(self, earlier: Sequence[Sighting], seen: Sighting) -> bool:
        """Whether a look is the first one after a request of the recording, but long after it, and shows something
        else of what that has set: others may have changed it. What is lost, or looks alike, nobody need have changed.
        """
        requests = [change for change in self._requests_on(seen) if over(change, seen.exchange)]
        last = requests[-1] if requests else None
        if last is None or TIMES in self.trace.lost or seen.exchange.sent - last.end.received <= LATE_SECONDS:
            return False
        if earlier and after(last.end, earlier[-1].exchange):
            return False
        sent = last.body if last.method in ("images.insert", "images.patch") else changed_by(last.exchange)
        return any(
            is_set(sent.get(name))
            and _another(sent[name], seen.value.get(name))
            and not comes_back(name, sent[name], seen.value.get(name), seen.project)
            for name in CHANGEABLE & sent.keys()
        )

    def _superseded(self, seen: Sighting) -> bool:
        """Whether a look shows an image that was made long after the recording's own of that name, by the server's own
        clock: others have put it in its place."""
        own = [
            insert
            for insert in self.inserts
            if (insert.project, insert.image) == (seen.project, seen.name)
            and not insert.exchange.rejected
            and not after(seen.exchange, insert.exchange)
        ]
        if not own or own[-1].outcome != "succeeded" or not over(own[-1], seen.exchange):
            return False
        target, final = self.identifier(own[-1]), own[-1].operation.final if own[-1].operation else None
        ended, born = _moment(final.value, "endTime") if final else None, _moment(seen.value, "creationTimestamp")
        if target is None or ended is None or born is None or str(seen.value.get("id")) in (target, "None"):
            return False
        return born - ended > LATE_SECONDS

    def _made_here(self, before: Sighting, seen: Sighting) -> bool:
        """Whether an insert of the recording made the image that a look shows, after another look: its operation has
        that id, or, if it tells a wrong one, was at work when the image was made."""
        return any(
            (insert.project, insert.image) == (seen.project, seen.name)
            and not after(insert.exchange, before.exchange)
            and (self.identifier(insert) == str(seen.value.get("id")) or _made_in_its_course(insert, seen))
            for insert in self.inserts
        )

    def _told_of(self, before: Sighting, seen: Sighting) -> bool:
        """Whether an operation of others tells that they have changed an image between two looks at it."""
        own, known = f"/images/{seen.name}", str(seen.value.get("id"))
        for state in self.foreign:
            began = _moment(state.value, "insertTime")
            since = served_at(before.exchange) or before.exchange.received
            ours = str(state.value.get("targetLink")).endswith(own) and state.value.get("targetId") in (known, None)
            if ours and began is not None and since - 1.0 <= began and state.value.get("operationType") != "insert":
                return True
        return False

    def _requests_on(self, seen: Sighting) -> Iterator[Mutation]:
        names = {seen.name, str(seen.value.get("id"))}
        return (
            change
            for change in self.mutations
            if change.project == seen.project and change.image in names and not change.exchange.rejected
        )

    def beginning(self, before: Sighting, seen: Sighting) -> bool:
        """Whether two looks stand so close to the beginning of a recording that a request may have been under way which
        it does not hold."""
        if not self.trace.recorded:
            return False
        first, second = before.exchange, seen.exchange
        since = max(first.sent - self.exchanges[0].sent, second.sent - first.received)
        return since <= MOMENT_SECONDS

    def perhaps_set_before(self, before: Sighting, seen: Sighting) -> frozenset[str]:
        """The fields that a request from before a recording may have set between two looks: so the next one after the
        first of them shows it, at the beginning."""
        looks = (look for look in self.glimpses if (look.project, look.name) == (before.project, before.name))
        following = next((look for look in looks if after(before.exchange, look.exchange)), seen)
        fields = CHANGEABLE if self.beginning(before, following) else ()
        return frozenset(
            name for name in fields if is_set(seen.value.get(name)) and seen.value[name] == following.value.get(name)
        )

    def touched_elsewhere(self, before: Sighting, seen: Sighting) -> bool:
        """Whether a request that another story of the recording tells of may have changed an image between two looks at
        it: a story has looks at sources, without all that was done to them."""
        names = {seen.name, str(seen.value.get("id"))}
        own = {(change.exchange.sent, change.exchange.request.url) for change in self.mutations}
        since = before.exchange.sent - LATE_SECONDS
        return any(
            change.route is not None
            and change.route.name in names
            and since <= change.sent <= seen.exchange.received
            and (change.sent, change.request.url) not in own
            for change in self.trace.changes
        )

    @cached_property
    def meddled_looks(self) -> frozenset[int]:
        """The numbers of the exchanges that show what others have changed."""
        return frozenset(seen.exchange.number for looks in self._meddled.values() for seen in looks)

    def meddled_between(self, project: str, name: str | None, since: int, until: int) -> bool:
        """Whether one of the looks at an image after the exchange of one number, up to that of another, shows what
        others have changed."""
        return any(since < seen.exchange.number <= until for seen in self._meddled.get((project, name), ()))

    def meddled_since(self, mutation: Mutation) -> Iterator[Exchange]:
        """The exchanges after a request that show what others have changed of its image."""
        own = {mutation.image, self.identifier(mutation)}
        for (project, name), looks in self._meddled.items():
            for seen in looks if project == mutation.project else ():
                if (name in own or str(seen.value.get("id")) in own) and after(mutation.exchange, seen.exchange):
                    yield seen.exchange

    def left_alone(self, mutation: Mutation, until: Exchange) -> bool:
        """Whether the image of a request was out of sight so long before another, or not found, that others may have
        deleted it."""
        own = self.addresses(mutation)
        if self.trace.recorded and self._missed_since(mutation, own, until):
            return True
        times = [seen.exchange.received for seen in self.glimpses if seen.name in own and after(seen.exchange, until)]
        times += [change.exchange.received for change in self.changes(mutation) if after(change.exchange, until)]
        states = mutation.operation.glimpses if mutation.operation else []
        times += [state.exchange.received for state in states if after(state.exchange, until)]
        return self.trace.recorded and until.sent - max([mutation.exchange.received, *times]) > LATE_SECONDS

    def perhaps_older(self, insert: Mutation, seen: Sighting) -> bool:
        """Whether an image of the name of an insert, seen after it, may have been there before: neither was it missing
        then, nor does its time of creation or its id say that this insert has made it."""
        if not self.trace.recorded or (is_set(seen.value.get("id")) and seen.value["id"] == self.identifier(insert)):
            return False
        looks = [
            look
            for look in self.exchanges
            if look.method == "images.get" and look.route and (look.answered or look.missing)
            if (look.route.project, look.route.name) == (insert.project, insert.image)
            if after(look, insert.exchange)
        ]
        told = not {TIMES, SERVER_TIMES} & self.trace.lost
        made = timestamp(seen.value.get("creationTimestamp")) if told else None
        young = made is not None and between(made, insert.exchange, seen.exchange, self.trace.ahead)
        return not young and not any(look.missing for look in looks[-1:])

    def vacant(self, insert: Mutation) -> bool:
        """Whether an image of the name of an insert was looked for in vain just before it, and just after it but not at
        once, and was never shown since: then nobody has used the name in between."""
        own, sent, ended = (insert.project, insert.image), insert.exchange.sent, insert.exchange.received
        missed = [
            look
            for look in self.exchanges
            if look.method == "images.get" and look.route and look.missing
            if (look.route.project, look.route.name) == own
        ]
        before = any(after(look, insert.exchange) and sent - look.received <= UNNOTICED_SECONDS for look in missed)
        later = any(MOMENT_SECONDS < look.sent - ended <= UNNOTICED_SECONDS for look in missed)
        shown = any((seen.project, seen.name) == own and seen.exchange.received > sent for seen in self.glimpses)
        return before and later and not shown

    def _missed_since(self, mutation: Mutation, own: Collection[str | None], until: Exchange) -> bool:
        """Whether the last request for an image before another did not find it."""
        looks = [
            (exchange, exchange.missing)
            for exchange in self.exchanges
            if exchange.method == "images.get" and exchange.route and exchange.route.name in own
        ]
        looks += [
            (change.exchange, _misses(change))
            for change in self.mutations
            if change.image in own and change.method != "images.insert"
        ]
        between = [
            (exchange, missed)
            for exchange, missed in looks
            if after(mutation.exchange, exchange) and after(exchange, until) and exchange.response is not None
        ]
        return bool(between) and max(between, key=lambda look: look[0].number)[1]

    def joined(self, mutation: Mutation, seen: Sighting) -> bool:
        """Whether others may have added labels to those of a request: ones that nothing has told of before, some time
        after it has ended."""
        wanted, came = mutation.view.labels, own_labels(seen.value)
        more = came.keys() - wanted.keys()
        kept = all((came.get(key) or "") == (value or "") for key, value in wanted.items())
        if not self.trace.recorded or not more or not kept:
            return False
        if seen.exchange.sent - mutation.end.received <= UNNOTICED_SECONDS:
            return False
        shown = (own_labels(look.value) for look in self.glimpses if after(look.exchange, seen.exchange))
        sent = (change.view.labels for change in self.mutations)
        return not any(more & labels.keys() for labels in (*shown, *sent))

    def soon(self, mutation: Mutation, seen: Sighting) -> bool:
        """Whether a look came so soon after the end of a request that nobody else has changed anything since."""
        return not self.trace.recorded or seen.exchange.sent - mutation.end.received <= UNNOTICED_SECONDS

    def made_later(self, ended: Exchange, seen: Sighting) -> bool:
        """Whether an image of a recording was made so long after a request had ended that others may have made it."""
        born, since = _moment(seen.value, "creationTimestamp"), served_at(ended) or ended.received
        return self.trace.recorded and born is not None and born - since > UNNOTICED_SECONDS

    def remade_since(self, refused: Exchange, seen: Sighting) -> bool:
        """Whether a look of a recording shows an image that was made after a request for its name was refused."""
        born = _moment(seen.value, "creationTimestamp")
        return self.trace.recorded and born is not None and born > refused.received

    def remade(self, before: Sighting, seen: Sighting) -> bool:
        """Whether others may have deleted an image between two looks, and made another of its name."""
        if self._untold and is_set(seen.value.get("id")):
            return self.replaced(before, str(seen.value["id"]), seen.exchange)
        born, earlier = (_moment(look.value, "creationTimestamp") for look in (seen, before))
        if not self.trace.recorded or born is None or before.value.get("id") == seen.value.get("id"):
            return False
        if seen.exchange.sent - before.exchange.received > LATE_SECONDS:
            return born > before.exchange.received
        # Sooner it has to be younger than both the other image and the look at that.
        shown = served_at(before.exchange) or before.exchange.received + self.trace.ahead
        return earlier is not None and born > max(shown, earlier)

    @cached_property
    def _untold(self) -> bool:
        """Whether no time is told at all, neither by the recorder nor by the service."""
        return self.trace.recorded and {TIMES, SERVER_TIMES} <= self.trace.lost

    def replaced(self, before: Sighting, told: str, exchange: Exchange) -> bool:
        """Whether others may have put the image of an id that an exchange tells in the place of one that was seen
        before, where no times are told at all.

        An id that was told more than once is no accident, nor is one that never comes back; and no request of the
        recording was at work in between.
        """
        old = str(before.value["id"]) if is_set(before.value.get("id")) else None
        if not self._untold or old is None or old == told or self._asked_between(before, exchange, refused=False):
            return False
        named, known = (before.project, before.name), f"/images/{before.name}"
        shown = [
            (str(look.value["id"]), look.exchange)
            for look in self.glimpses
            if (look.project, look.name) == named and is_set(look.value.get("id"))
        ]
        shown += [
            (str(look.value["sourceImageId"]), look.exchange)
            for look in self.glimpses
            if str(look.value.get("sourceImage")).endswith(known) and is_set(look.value.get("sourceImageId"))
        ]
        shown += [
            (target, insert.end)
            for insert in self.inserts
            if (insert.project, insert.image) == named and (target := self.identifier(insert)) is not None
        ]
        earlier = [identifier for identifier, look in shown if after(look, exchange)]
        later = [identifier for identifier, look in shown if after(exchange, look)]
        return earlier.count(old) > 1 and old not in later

    def remade_before(self, request: Exchange, seen: Sighting) -> bool:
        """Whether others have put the image that a look shows in the place of the one seen last before a request, and
        had made it when that was sent."""
        own = (seen.project, seen.name)
        looks = (look for look in reversed(self.glimpses) if (look.project, look.name) == own)
        before = next((look for look in looks if after(look.exchange, request)), None)
        born = timestamp(seen.value.get("creationTimestamp"))
        if before is None or born is None or not self.remade(before, seen):
            return False
        return not between(born, request, seen.exchange, self.trace.ahead)

    @cached_property
    def newborn_looks(self) -> frozenset[int]:
        """The numbers of the exchanges that show images which others have made under the names of deleted ones."""
        deletes = [
            change for change in self.mutations if change.method == "images.delete" and change.outcome == "succeeded"
        ]
        return frozenset(seen.exchange.number for delete in deletes for seen in self.born_after(delete))

    def born_after(self, delete: Mutation) -> Iterator[Sighting]:
        """The looks at an image that others have made since a delete, under the name of the deleted one."""
        final = delete.operation.final if delete.operation else None
        if final is None or not self.trace.recorded:
            return
        began, known = _moment(final.value, "insertTime"), self.identifier(delete)
        own = [
            insert.exchange
            for insert in self.inserts
            if (insert.project, insert.image) == (delete.project, delete.image)
            and not insert.exchange.rejected
            and not after(insert.exchange, delete.exchange)
        ]
        for seen in self.glimpses:
            born = _moment(seen.value, "creationTimestamp")
            if (seen.project, seen.name) != (delete.project, delete.image) or not after(final.exchange, seen.exchange):
                continue
            mine = any(exchange.sent <= seen.exchange.received for exchange in own)
            younger = self._untold or (born is not None and began is not None and born >= began)
            if mine or not younger or not known:
                continue
            if is_set(seen.value.get("id")) and str(seen.value["id"]) != known:
                yield seen


def _made_in_its_course(insert: Mutation, seen: Sighting) -> bool:
    """Whether an image was made, by the server's own clock, while an insert of its name that has succeeded was at
    work."""
    final = insert.operation.final if insert.operation and insert.outcome == "succeeded" else None
    if final is None:
        return False
    began, ended = (_moment(final.value, name) for name in ("insertTime", "endTime"))
    made = _moment(seen.value, "creationTimestamp")
    return began is not None and made is not None and ended is not None and began <= made <= ended


def _another(sent: Any, came: Any) -> bool:
    """Whether a value is another one, and not what is left of the one that was sent, or that in another form."""
    if isinstance(sent, dict):
        return isinstance(came, dict) and any(
            is_set(came.get(key)) and (not is_set(sent.get(key)) or _another(str(sent[key]), str(came[key])))
            for key in came
        )
    one, two = str(sent).casefold(), str(came).casefold()
    return is_set(came) and one not in two and two not in one


def _misses(change: Mutation) -> bool:
    """Whether a request did not find its image."""
    return change.exchange.missing or change.missed


def over(change: Mutation, exchange: Exchange) -> bool:
    """Whether a request had come to its end for certain when another was sent."""
    final = change.operation.final if change.operation else None
    return final is not None and after(final.exchange, exchange)


def _pause(before: Exchange, between: Sequence[Mutation], seen: Exchange) -> float:
    """The longest time between two looks in which no request was at work."""
    longest, busy = 0.0, before.received
    for change in between:
        longest = max(longest, change.exchange.sent - busy)
        states = change.operation.glimpses if change.operation else []
        busy = max([busy, change.exchange.received, *(state.exchange.received for state in states[-1:])])
    return max(longest, seen.sent - busy)


def _moment(value: dict[str, Any], name: str) -> float | None:
    moment = timestamp(value.get(name))
    return moment.timestamp() if moment else None
