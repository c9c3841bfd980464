"""The rule about what happens at one time: an order of the requests explains all that was answered, image by image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.contract.history import History
from conformance.contract.image_calls import Story, Told, stories
from conformance.contract.image_model import LOOK, MISSING, TAKEN, UNKNOWN, image_model
from conformance.contract.linearizability import STEPS_MAXIMUM, Linearization, linearize
from conformance.contract.rule import Bar, Breach, Finding, Role, Rules

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

STEPS_OF_A_PROOF = 20_000
"""Steps that may be spent on finding out whether a breach is one without some of the looks as well."""

FOUNDATIONS = (
    *("life.insert", "life.get-after-done", "operation.name", "operation.status", "operation.reaches-done"),
    *("operation.target-id", "image.labels.round-trip", "request-id.replay-same-operation"),
)
"""Rules without which nobody knows what the answers tell."""

PRECISE = (
    *("image.name.unique", "life.concurrent-same-name", "life.concurrent-delete", "life.concurrent-inserts"),
    *("life.delete", "life.isolation", "life.failed-insert-leaves-nothing", "life.list-once", "life.model"),
    *("labels.set", "labels.concurrent", "labels.fingerprint-required", "labels.fingerprint-changes"),
    *("deprecate.state", "deprecate.round-trip", "image.deprecated.state"),
    *("request-id.replay-concurrent", "request-id.replay-creates-nothing", "request-id.replay-after-delete"),
    *(
        "request-id.delete-replay",
        "request-id.change-replay",
        "operation.success-means-ready",
        "transport.project-isolation",
    ),
)
"""Rules that say more precisely what is wrong."""


@RULES.rule(
    "life.linearizable",
    "conv",
    "Some order of the requests explains all answers about an image, and each change takes effect between its "
    "request and DONE.",
    "Response body",
    "An operation is there to be polled until it is DONE, so a change has happened by then; answers that no order of "
    "the requests explains leave clients without anything to rely on.",
    requires=FOUNDATIONS,
    yields_to=PRECISE,
)
def _linearizable(history: History) -> Iterator[Finding]:
    for story in stories(history):
        found = _order(story)
        if found.possible is not None:
            yield None if found.possible else _breach(story, found)


def _order(story: Sequence[Told], steps: int = STEPS_MAXIMUM) -> Linearization:
    return linearize([told.call for told in story], UNKNOWN, image_model, steps)


def _breach(story: Story, found: Linearization) -> Breach:
    """The breach of a story in which no order gets past a call: with the changes until then, and the looks that
    matter."""
    assert found.stuck is not None
    last = story[found.stuck]
    needed = _fewest(_until(story, last), last)
    order = _order(needed).order
    explained = [needed[position] for position in order]
    shown = {
        exchange.number: exchange
        for told in needed
        for exchange in (told.exchange, told.end, *told.replays)
        if exchange is not last.exchange and exchange.sent <= last.exchange.received
    }
    bars = [_bar(told, explained, last) for told in needed]
    return Breach(
        "no order of the requests explains this answer",
        "one order of all requests, in which each change takes effect between its request and DONE",
        f"{_text(last)}, which no order of what came before it and at the same time explains",
        (*(shown[number] for number in sorted(shown)), last.exchange),
        timeline=tuple(bars),
    )


def _until(story: Story, last: Told) -> Story:
    """A story until a call ends: whether changes that were under way then had taken effect is open."""
    end = last.call.end
    return tuple(
        told if told.call.end <= end else replace(told, call=replace(told.call, end=math.inf, certain=False))
        for told in story
        if told.call.start <= end and (told.changes or told.call.end <= end)
    )


def _fewest(story: Story, last: Told) -> Story:
    """A story without the looks that do not matter for its being impossible; a change may be what makes it so, and
    stays."""
    for told in [told for told in story if not told.changes and told is not last]:
        fewer = tuple(other for other in story if other is not told)
        if _order(fewer, steps=STEPS_OF_A_PROOF).possible is False:
            story = fewer
    return story


def _bar(told: Told, explained: Sequence[Told], last: Told) -> Bar:
    place = explained.index(told) + 1 if told in explained else None
    role: Role = "impossible" if told is last else "explained" if place else "open"
    return Bar(told.exchange.number, _text(told), told.exchange.sent, told.end.received, role, place)


def _text(told: Told) -> str:
    """A call in a few words: what was asked, and what was answered."""
    method = told.exchange.method.removeprefix("images.")
    asked, answer = told.call.argument, told.call.result
    if asked.method in (TAKEN, MISSING) or (asked.method == LOOK and answer is None):
        status = told.exchange.status
        return f"{method}: {'not in it' if method == 'list' else f'HTTP {status}'}"
    facts = answer if asked.method == LOOK and answer is not None else asked.facts
    parts = [f"labels {facts.labels}"] if facts.labels else []
    parts += [facts.deprecation] if facts.deprecation and asked.method != "images.insert" else []
    identifier = answer.id if answer else None
    parts += [f"id {identifier}"] if identifier and asked.method in (LOOK, "images.insert", "images.delete") else []
    return f"{method}: {', '.join(parts)}" if parts else method
