"""What in the answers makes a breach: found by asking the rule itself.

Each part of an answer is changed in turn, and the rule judges the changed trace. Where the breach is gone, that part
was decisive: it becomes a fact, simple enough for a script to check. A breach is seen again when all of its facts
hold in new answers.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from functools import partial, reduce
from typing import Any

from conformance.contract import Breach, Rule
from conformance.contract.history import History
from conformance.trace.exchange import ABANDONED, Exchange, Response, Trace
from conformance.trace.json_text import NOT_JSON, parse_json
from conformance.verdicts.reproduction.fact import Fact, json_type, seen, shape, volatile
from conformance.verdicts.reproduction.leaves import Leaf, Place, changed, leaves, without
from conformance.verdicts.reproduction.samples import (
    ABSENT,
    LEAVES_MAXIMUM,
    Samples,
    beyond,
    comparable,
    missing_parts,
    other_value,
    refusal,
    retyped,
)
from conformance.verdicts.strangers import is_strange, said, shown

REFUSALS = (400, 404, 409, 412)
"""Statuses of refusals, the likeliest first."""

WITHOUT_ACCESS = (401, 403)
"""Statuses of refusals for want of access, which few rules judge."""

ITEMS_MAXIMUM = 20
"""Items of a list that are tried alone."""

LOOKS = ("images.get", "images.getFromFamily", "images.list", "imageFamilyViews.get")
"""The methods that show images."""

STATES = frozenset({"PENDING", "RUNNING", "DONE", "READY", "FAILED"})

TELLING = ("name", "id", "targetId", "insertTime", "status")
"""Fields by which two answers are told apart, the most telling first."""


DISTINCT = ("targetId", "targetLink", "name", "id")
"""Fields by which several answers to one request are told apart, the gravest first."""


class Inquiry:
    """Asks a rule which parts of a trace its breach rests on.

    Args:
        rule: the rule that was broken.
        breach: the breach.
        trace: the trace that it was found in.
        end: when to give it up, by the monotonic clock.
    """

    def __init__(self, rule: Rule, breach: Breach, trace: Trace, end: float = math.inf) -> None:
        self._rule = rule
        self._breach = breach
        self._trace = trace
        self._end = end
        self._everywhere = False
        self._shorten()
        self._answers = {
            exchange.number: leaves(exchange.response.body) if exchange.response else []
            for exchange in self._trace.exchanges
        }
        self._samples = Samples(self._trace, breach.expected, self._answers)

    def facts(self) -> list[Fact]:
        """The facts of the breach: none where no part of an answer decides."""
        shown = {exchange.number for exchange in self._breach.exchanges}
        found = self._facts(shown)
        if all(fact.path == ":class" for fact in found):
            found += self._facts(self._looks_needed() - shown)
        if all(fact.path == ":class" for fact in found):
            self._everywhere = True
            found += self._facts(shown)
        # What is true of one item of a list need not be true of the list.
        texts = {number: [(leaf.path, leaf.token) for leaf in answer] for number, answer in self._answers.items()}
        return [fact for fact in dict.fromkeys(found) if seen(fact, texts)]

    def _looks_needed(self) -> set[int]:
        """The looks at images without which the rule does not find the breach."""
        exchanges = self._trace.exchanges
        return {
            look.number
            for look in exchanges
            if look.method in LOOKS and self._gone_from(tuple(one for one in exchanges if one is not look))
        }

    def _facts(self, numbers: Set[int]) -> list[Fact]:
        found: list[Fact] = []
        for exchange in (exchange for exchange in self._trace.exchanges if exchange.number in numbers):
            if exchange.response is None:
                found += [Fact("is", exchange.number, ":class", "0")] if exchange.failure != ABANDONED else []
                continue
            found += self._of_status(exchange, exchange.response)
            found += self._of_form(exchange, exchange.response)
            value = exchange.response.json
            if isinstance(value, dict):
                decisive = [*self._of_leaves(exchange), *self._of_containers(exchange, value)]
                decisive += [*self._of_absences(exchange, value), *self._of_expectation(exchange, value)]
                found += decisive or [*self._of_whole(exchange, value)] or self._of_refusal(exchange)
            elif value is not NOT_JSON:
                found += self._of_refusal(exchange)
        return found

    def rests_on_others(self) -> bool:
        """Whether the breach is gone without the images, and the operations on some, that the trace has not made: no
        script can repeat it."""
        numbers = {exchange.number for exchange in self._breach.exchanges}
        text, changes = said(self._trace), {}
        for exchange in (exchange for exchange in self._trace.exchanges if exchange.number in numbers):
            if (
                exchange.method in LOOKS
                and not exchange.items
                and any(is_strange(one, text) for one in shown(exchange))
            ):
                return True
            ours = [item for item in exchange.items if not is_strange(item, text)]
            if len(ours) < len(exchange.items):
                changes[exchange.number] = _with_body(exchange, {**(exchange.resource or {}), "items": ours})
        return bool(changes) and self._gone(changes)

    def _shorten(self) -> None:
        """Leaves out of the trace what the breach does not rest on, and what costs time with each question: requests
        that came later, and others' images in lists."""
        shown = [exchange.number for exchange in self._breach.exchanges]
        last = max((item.received for item in self._trace.exchanges if item.number in shown), default=0.0)
        self._take(tuple(exchange for exchange in self._trace.exchanges if exchange.sent <= last))
        for exchange in self._trace.exchanges:
            shorter: Exchange | None = exchange
            while shorter is not None and len(shorter.items) > ITEMS_MAXIMUM:
                shorter = next(filter(self._put, _shorter_lists(shorter, self._trace)), None)

    def _put(self, exchange: Exchange) -> bool:
        """Takes another exchange in the place of the one of its number, if the breach is there still."""
        return self._take(
            tuple(exchange if other.number == exchange.number else other for other in self._trace.exchanges)
        )

    def _take(self, exchanges: tuple[Exchange, ...]) -> bool:
        """Takes other exchanges for those of the trace, if the breach is there still."""
        trace = replace(self._trace, exchanges=exchanges)
        try:
            kept = self._shown_by(trace)
        except Exception:
            return False
        self._trace = trace if kept else self._trace
        return kept

    def race(self, group: Sequence[Exchange]) -> list[Fact]:
        """The facts of several answers at once, to requests that were sent at the same moment."""
        won = [exchange for exchange in group if exchange.answered]
        first = group[0].number
        for status in REFUSALS if len(won) > 1 else ():
            refused = {item.number: replace(item, response=refusal(status)) for item in won[1:]}
            if self._gone(refused):
                return [Fact("is", first, ":class", "2", times=2, race=True)]
        losers = {item.number: replace(item, response=won[0].response) for item in group if won and not item.answered}
        if losers and self._gone(losers):
            return [Fact("is", first, ":class", "4", race=True)]
        for leaf in self._answers[won[0].number] if won else ():
            alike = {
                exchange.number: _with_body(exchange, changed(exchange.resource, leaf.place, leaf.value))
                for exchange in won[1:]
                if exchange.resource is not None and leaf.key in exchange.resource
            }
            if self._gone(alike):
                return [Fact("distinct", first, leaf.path, race=True)]
        if won and self._gone({exchange.number: replace(exchange, response=won[0].response) for exchange in won[1:]}):
            answers = [exchange.resource or {} for exchange in won]
            telling = (key for key in DISTINCT if len({str(answer.get(key)) for answer in answers}) > 1)
            return [Fact("distinct", first, f".{key}", race=True) for key in telling][:1]
        return []

    def _gone(self, changes: dict[int, Exchange]) -> bool:
        """Whether the rule, once these exchanges are changed, no longer finds the breach.

        Raises:
            TimeoutError: asking has taken too long.
        """
        return self._gone_from(tuple(changes.get(exchange.number, exchange) for exchange in self._trace.exchanges))

    def _gone_from(self, exchanges: tuple[Exchange, ...]) -> bool:
        """Whether the rule does not find the breach in these exchanges.

        Raises:
            TimeoutError: asking has taken too long.
        """
        if time.monotonic() > self._end:
            raise TimeoutError
        try:
            return not self._shown_by(replace(self._trace, exchanges=exchanges))
        except Exception:
            return False

    def _shown_by(self, trace: Trace) -> bool:
        """Whether the rule finds the breach in a trace."""
        findings = self._rule.judge(History(trace))
        return any(finding is not None and self._alike(finding) for finding in findings)

    def _alike(self, other: Breach) -> bool:
        """Whether a breach is the same as the one in question, as far as the same can be said of another trace."""
        shown, seen = (sorted(exchange.number for exchange in item.exchanges) for item in (self._breach, other))
        return _kind(other) == _kind(self._breach) and (seen[-1:] == shown[-1:] or set(seen) < set(shown))

    def _gone_with(self, exchange: Exchange, place: Place, change: Callable[[Any], Any]) -> bool:
        """Whether the breach is gone once something is changed at a place: of this answer, or of every one that has
        it."""
        also = [other for other in self._trace.exchanges if self._everywhere and other.number != exchange.number]
        changes = {exchange.number: _with_body(exchange, change(_json(exchange)))}
        for other in also:
            if any(leaf.place == place for leaf in self._answers[other.number]):
                changes[other.number] = _with_body(other, change(_json(other)))
        return self._gone(changes)

    def _of_status(self, exchange: Exchange, response: Response) -> Iterator[Fact]:
        number = exchange.number
        if exchange.answered:
            better = [
                status for status in REFUSALS if self._gone({number: replace(exchange, response=refusal(status))})
            ]
            if 400 in better:
                yield Fact("is", number, ":class", "2")
            elif better:
                yield Fact("is", number, ":status", str(better[0]), holds=False)
            return
        others = [status for status in (*REFUSALS, *WITHOUT_ACCESS) if status != response.status]
        if any(self._gone({number: replace(exchange, response=replace(response, status=status))}) for status in others):
            yield Fact("is", number, ":status", str(response.status))
        elif any(self._gone({number: replace(exchange, response=answer)}) for answer in self._successes(exchange)):
            yield Fact("is", number, ":class", str(response.status // 100))

    def _successes(self, exchange: Exchange) -> Iterator[Response]:
        """Answers that the request might have got, had it succeeded."""
        for other in self._trace.exchanges:
            if (
                other.answered
                and other.response is not None
                and (other.method == exchange.method or other is self._trace.exchanges[0])
            ):
                yield other.response
        yield Response(200, {"content-type": "application/json"}, ABSENT)

    def _of_form(self, exchange: Exchange, response: Response) -> Iterator[Fact]:
        headers = {**response.headers, "content-type": "application/json"}
        proper = json.dumps(exchange.error or {"kind": "compute#image"}).encode()
        if self._gone({exchange.number: replace(exchange, response=replace(response, headers=headers))}):
            yield Fact("is", exchange.number, ":type", "application/json", holds=False)
        if not self._answers[exchange.number] and self._gone(
            {exchange.number: replace(exchange, response=replace(response, body=proper, headers=headers))}
        ):
            yield Fact("is", exchange.number, ":json", "yes", holds=False)

    def _of_leaves(self, exchange: Exchange) -> Iterator[Fact]:
        """A fact for each leaf that decides; where none does alone, for those that are wrong in several places at
        once."""
        answer = self._answers[exchange.number][:LEAVES_MAXIMUM]
        alone = [fact for leaf in answer for fact in self._of_leaf(exchange, leaf, [leaf.place])]
        yield from alone
        twins: dict[tuple[str, str], list[Leaf]] = defaultdict(list)
        for leaf in () if alone else answer:
            twins[leaf.path, leaf.token].append(leaf)
        for alike in twins.values():
            if len(alike) > 1:
                yield from self._of_leaf(exchange, alike[0], [leaf.place for leaf in alike])

    def _of_containers(self, exchange: Exchange, value: dict[str, Any]) -> Iterator[Fact]:
        """A fact for a list or object that should be something else, or not be there."""
        for key, part in value.items():
            place: Place = (key,)
            path = next((leaf.path for leaf in self._answers[exchange.number] if leaf.place[0] == key), "")
            if not path or not isinstance(part, list | dict):
                continue
            if isinstance(part, list) and len(part) > 1 and self._too_many(exchange, value, key):
                yield Fact("has", exchange.number, path, times=2)
            elif self._gone_with(exchange, place, partial(without, place=place)):
                yield Fact("has", exchange.number, path)

    def _too_many(self, exchange: Exchange, value: dict[str, Any], key: str) -> bool:
        """Whether one item of a list, alone, would have been right."""
        alone = ({**value, key: [item]} for item in value[key][:ITEMS_MAXIMUM])
        return any(self._gone({exchange.number: _with_body(exchange, answer)}) for answer in alone)

    def _of_expectation(self, exchange: Exchange, value: dict[str, Any]) -> Iterator[Fact]:
        """A fact where several fields at once are not what the rule says was expected."""
        expected, observed = (parse_json(text.encode()) for text in (self._breach.expected, self._breach.observed))
        if not isinstance(expected, dict) or not isinstance(observed, dict) or len(expected) < 2:
            return
        if any(value.get(key) != part for key, part in observed.items()):
            return
        if self._gone({exchange.number: _with_body(exchange, {**value, **expected})}):
            present = {(leaf.path, leaf.token) for leaf in self._answers[exchange.number]}
            for leaf in leaves(json.dumps(expected, ensure_ascii=False).encode()):
                if (leaf.path, leaf.token) not in present and not volatile(leaf.path, leaf.token):
                    yield Fact("is", exchange.number, leaf.path, leaf.token, holds=False)
                    return

    def _of_whole(self, exchange: Exchange, value: dict[str, Any]) -> Iterator[Fact]:
        """A fact where an answer as a whole should have been that to an earlier request."""
        for earlier in self._breach.exchanges:
            if earlier.number >= exchange.number or earlier.resource is None:
                continue
            if self._gone({exchange.number: replace(exchange, response=earlier.response)}):
                key = next((key for key in TELLING if key in value and earlier.resource.get(key) != value[key]), "")
                yield from (
                    [Fact("differs", exchange.number, f".{key}", other=(earlier.number, f".{key}"))] if key else []
                )
                return

    def _of_refusal(self, exchange: Exchange) -> list[Fact]:
        """A fact where a refusal has not the form of one at all."""
        if exchange.answered or not self._gone({exchange.number: replace(exchange, response=refusal(exchange.status))}):
            return []
        present = {leaf.path for leaf in self._answers[exchange.number]}
        lacking = [leaf.path for leaf in leaves(refusal(exchange.status).body) if leaf.path not in present]
        return [Fact("has", exchange.number, path, holds=False) for path in lacking[:1]]

    def _of_leaf(self, exchange: Exchange, leaf: Leaf, places: Sequence[Place]) -> Iterator[Fact]:
        """A fact for a value, which stands at these places."""
        number, path = exchange.number, leaf.path

        def gone(new: Any) -> bool:
            return self._gone_with(
                exchange,
                leaf.place,
                lambda value: reduce(lambda part, place: changed(part, place, new), places, value),
            )

        if gone(other_value(leaf.value)):
            yield from self._value_facts(exchange, leaf)
            return
        good = next((new for new in self._samples.good(exchange, leaf) if gone(new)), None)
        if good is not None:
            yield self._unlike(
                exchange,
                leaf,
                good,
                either=comparable(leaf.value, good) and not gone(beyond(good, leaf.value)),
            )
        elif gone(retyped(leaf.value)) or gone([]) or gone({}):
            yield Fact("typed", number, path, json_type(leaf.value))
        elif self._gone_with(exchange, leaf.place, lambda value: without(value, leaf.place)):
            constant = not volatile(path, leaf.token)
            yield Fact("is", number, path, leaf.token) if constant else Fact("has", number, path)

    def _value_facts(self, exchange: Exchange, leaf: Leaf) -> Iterator[Fact]:
        """The fact for a leaf whose very value decides; none for one that merely names a thing of the target's for
        later."""
        number = exchange.number
        if not volatile(leaf.path, leaf.token) or self._said(leaf, number):
            times = sum(other.path == leaf.path and other.token == leaf.token for other in self._answers[number])
            yield Fact("is", number, leaf.path, leaf.token, times=times)
            return
        twins = [
            (at, other.path) for at, answer in self._answers.items() for other in answer if other.token == leaf.token
        ]
        if twins[0][0] < number:
            yield Fact("same", number, leaf.path, other=twins[0])
        elif twins == [(number, leaf.path)] and not self._said(leaf):
            yield Fact("shaped", number, leaf.path, shape(leaf.token))

    def _said(self, leaf: Leaf, until: float = math.inf) -> bool:
        """Whether the client has said this value, in the requests up to a number."""
        text = leaf.token.strip('"')
        return any(
            text.encode() in (exchange.request.body or b"") or text in exchange.request.url
            for exchange in self._trace.exchanges
            if exchange.number <= until
        )

    def _unlike(self, exchange: Exchange, leaf: Leaf, good: Any, *, either: bool) -> Fact:
        """A fact for a leaf that is wrong in being unlike a good value: greater or less than it, or `either`."""
        number, token = exchange.number, json.dumps(good, ensure_ascii=False)
        if json_type(leaf.value) != json_type(good):
            return Fact("typed", number, leaf.path, json_type(leaf.value))
        shown = {item.number for item in self._breach.exchanges}
        for earlier, path in self._places(token, number, leaf):
            if not either and comparable(leaf.value, good):
                at, other = (number, leaf.path), (earlier, path)
                low, high = (at, other) if leaf.value < good else (other, at)
                return Fact("less", *low, other=high)
            alike = path == leaf.path and earlier in shown
            if either or alike or volatile(leaf.path, token):
                return Fact("differs", number, leaf.path, other=(earlier, path))
        if comparable(leaf.value, good) and isinstance(good, str):
            return Fact("far", number, leaf.path)
        if volatile(leaf.path, leaf.token):
            return Fact("shaped", number, leaf.path, shape(leaf.token))
        # Operations that go on are in one state or another; those that have ended are DONE.
        if leaf.value in STATES - {"DONE"} and good in STATES:
            return Fact("is", number, leaf.path, token, holds=False)
        return Fact("is", number, leaf.path, leaf.token)

    def _places(self, token: str, number: int, leaf: Leaf) -> list[tuple[int, str]]:
        """Where else a value was answered: in the exchanges of the breach first, then where an operation names its
        target."""
        shown = {exchange.number for exchange in self._breach.exchanges}
        found = [
            (at, other.path)
            for at, answer in self._answers.items()
            for other in answer
            if at <= max(shown) and other.token == token and (at, other.path) != (number, leaf.path)
        ]
        return sorted(
            found, key=lambda place: (".target" not in place[1], place[0] not in shown or place[1] != leaf.path)
        )

    def _of_absences(self, exchange: Exchange, value: dict[str, Any]) -> Iterator[Fact]:
        for place, part, exact in missing_parts(self._trace, exchange, value, self._breach.expected):
            if not self._gone({exchange.number: _with_body(exchange, changed(value, place, part))}):
                continue
            inner = leaves(json.dumps(part, ensure_ascii=False).encode())
            if not inner:
                continue
            prefix = "".join("[]" if isinstance(step, int) else f".{step}" for step in place)
            present = {(leaf.path, leaf.token) for leaf in self._answers[exchange.number]}
            lacking = [leaf for leaf in inner if (prefix + leaf.path, leaf.token) not in present] or inner
            if exact and place[-1] in value:
                yield Fact("is", exchange.number, prefix + lacking[0].path, lacking[0].token, holds=False)
            else:
                yield Fact("has", exchange.number, prefix + lacking[0].path, holds=False)
            if place != ("error",):
                return


def _kind(breach: Breach) -> str:
    return re.sub(r"\d+", "", breach.message)


def _shorter_lists(exchange: Exchange, trace: Trace) -> Iterator[Exchange]:
    """A list with those of its images alone that the requests name, with the first half, with the other half."""
    text = said(trace)
    items, page = exchange.items, exchange.resource
    half = len(items) // 2
    for part in ([item for item in items if str(item.get("name")) in text], items[:half], items[half:]):
        if len(part) < len(items):
            yield _with_body(exchange, {**(page or {}), "items": part})


def _json(exchange: Exchange) -> Any:
    return exchange.response.json if exchange.response else None


def _with_body(exchange: Exchange, value: Any) -> Exchange:
    assert exchange.response is not None
    return replace(exchange, response=replace(exchange.response, body=json.dumps(value).encode()))
