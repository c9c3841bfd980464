"""Rules for clients: what a good one does keeps them all, and each bad habit breaks the rule that is about it, and no
other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import pytest
from helpers.story import REQUEST_ID, ROOT, START, Story, image, operation, refusal

from conformance.contract import catalogue, client_catalogue
from conformance.trace.exchange import ABANDONED, LOST, Exchange, Request, Trace
from conformance.verdicts.ledger import Ledger

OTHER_ID = "923e4567-e89b-42d3-a456-426614174000"
UNKNOWN = operation("SUSPENDED")
DELETE = {"operationType": "delete", "name": "operation-2", "id": "1002"}


class Client(Story):
    """A story as its client meets it: answers may be lost, or say when to come again, and are 0.2 s apart unless told
    otherwise."""

    def say(self, *arguments: Any, **named: Any) -> Self:
        """Adds an exchange after a pause."""
        self.pause(0.2)
        super().say(*arguments, **named)
        return self

    def now(self) -> Self:
        """The next exchange comes at once."""
        self.pause(-0.2)
        return self

    def _change(self, **changes: Any) -> Self:
        self._exchanges[-1] = replace(self._exchanges[-1], **changes)
        return self

    def lost(self) -> Self:
        """The last answer was kept from the client by a tap."""
        return self._change(injected=LOST)

    def unanswered(self) -> Self:
        """The last request got no answer that anybody knows of."""
        return self._change(response=None, failure=ABANDONED)

    def asks(self, seconds: str) -> Self:
        """The last answer said when to come again."""
        response = self._exchanges[-1].response
        assert response is not None
        return self._change(response=replace(response, headers={**response.headers, "retry-after": seconds}))

    def delete(self, status: str = "DONE", request_id: str = OTHER_ID) -> Self:
        """A delete of image `one`, which is DONE at once."""
        return self.say("DELETE", f"images/one?requestId={request_id}", None, 200, operation(status, **DELETE))

    def label(self, fingerprint: str, code: int = 200) -> Self:
        """Labels set on the state that a fingerprint stands for."""
        answer = (
            operation(operationType="setLabels", name="operation-3", id="1003")
            if code == 200
            else refusal(code, "conditionNotMet")
        )
        return self.say("POST", "images/one/setLabels", {"labels": {}, "labelFingerprint": fingerprint}, code, answer)

    def give_up(self) -> Self:
        """An insert of another image that is answered in the target's place, and not tried again."""
        body = {"name": "two", "sourceImage": "global/images/base"}
        self.say("POST", "images", body, 503, refusal(503, "backendError"))
        return self._change(injected="503")

    def judged(self, *, recorded: bool = False) -> tuple[set[str], set[str]]:
        """The rules that the client breaks, and those that it was judged by."""
        ledger = Ledger(client_catalogue())
        found = ledger.judge(Trace(tuple(self._exchanges), recorded=recorded))
        assert not ledger.errors, ledger.errors
        return {rule.id for rule, _ in found}, {name for name, tally in ledger.tallies.items() if tally.observations}


def begun(**named: Any) -> Client:
    """An insert whose operation is under way."""
    story = Client()
    story.insert(operation("PENDING"), **named)
    return story


def ended(story: Client) -> Client:
    """The operation is followed to its end, and the image deleted."""
    story.poll(operation())
    return story.delete()


def twice(first_id: str | None, second_id: str | None, *, code: int = 0) -> Client:
    """An insert that is tried again after its answer was lost, or after an error."""
    story = Client()
    if code:
        story.insert(refusal(code, "backendError"), code=code, request_id=first_id)
    else:
        story.insert(operation("PENDING"), request_id=first_id)
        story.lost()
    story.insert(operation("PENDING"), request_id=second_id)
    return ended(story)


def looked_before(second_id: str) -> Client:
    """An insert that is made anew once the client has looked, and found no image."""
    story = Client()
    story.insert(None)
    story.unanswered()
    story.get(refusal(404, "notFound"), status=404)
    story.insert(operation("PENDING"), request_id=second_id)
    return ended(story)


def hurried(looks: int) -> Client:
    story = begun()
    for _ in range(looks):
        story.now()
        story.poll(operation("RUNNING"))
    return ended(story)


def made() -> Client:
    story = begun()
    story.poll(operation())
    return story


def done_at_once(looks: int) -> Client:
    story = Client().insert(operation())
    for _ in range(looks):
        story.poll(operation())
    return story.delete()


def conflict(*, look: str | None, sends: str) -> Client:
    story = made()
    story.label("b2xk", 412)
    if look:
        story.get(image(labelFingerprint=look))
    return story.label(sends).delete()


def refused(code: int, seconds: str, pause: float) -> Client:
    story = Client()
    story.insert(refusal(code, "backendError"), code=code)
    if seconds:
        story.asks(seconds)
    story.now().pause(pause)
    story.insert(operation("PENDING"))
    return ended(story)


GOOD: dict[str, tuple[str, Callable[[], Client]]] = {
    "same id after a lost answer": ("client.retry-keeps-request-id", lambda: twice(REQUEST_ID, REQUEST_ID)),
    "same id in capitals": ("client.retry-keeps-request-id", lambda: twice(REQUEST_ID, REQUEST_ID.upper())),
    "same id after an error": ("client.retry-keeps-request-id", lambda: twice(REQUEST_ID, REQUEST_ID, code=503)),
    "another id after a look": ("client.lost-answer-followed-up", lambda: looked_before(OTHER_ID)),
    "another id after a refusal": ("client.retry-after", lambda: twice(REQUEST_ID, OTHER_ID, code=429)),
    "two requests": ("client.request-id-unique", lambda: ended(begun())),
    "followed to the end": ("client.polls-until-done", lambda: ended(begun())),
    "no look after the end": ("client.polls-no-further", lambda: ended(begun())),
    "one look after an end at once": ("client.polls-no-further", lambda: done_at_once(looks=1)),
    "with pauses": ("client.poll-pace", lambda: ended(begun().poll(operation("RUNNING")).poll(operation("RUNNING")))),
    "in a hurry once": ("client.poll-pace", lambda: hurried(2)),
    "fresh fingerprint": ("client.conflict-fresh-get", lambda: conflict(look="bmV3", sends="bmV3")),
    "waits for its time": ("client.retry-after", lambda: refused(503, "2", 2.0)),
    "waits for a date": ("client.retry-after", lambda: refused(503, "Thu, 01 Jan 2026 00:00:02 GMT", 2.0)),
    "waits after too many": ("client.retry-after", lambda: refused(429, "", 0.15)),
    "unknown status": ("client.survives-unknown", lambda: ended(begun().poll(UNKNOWN))),
    "unknown field": ("client.survives-unknown", lambda: ended(begun().poll(operation("RUNNING", future={})))),
    "unknown field of an image": ("client.survives-unknown", lambda: made().get(image(future=1)).delete()),
    "all deleted": ("client.nothing-left", lambda: ended(begun())),
}

BAD: dict[str, tuple[str, Callable[[], Client]]] = {
    "another id after a lost answer": ("client.retry-keeps-request-id", lambda: twice(REQUEST_ID, OTHER_ID)),
    "no id at the first try": ("client.retry-keeps-request-id", lambda: twice(None, REQUEST_ID)),
    "no id at the second try": ("client.retry-keeps-request-id", lambda: twice(REQUEST_ID, None)),
    "no id at all after an error": ("client.retry-keeps-request-id", lambda: twice(None, None, code=500)),
    "one id for two images": (
        "client.request-id-unique",
        lambda: ended(begun()).say(
            "POST", f"images?requestId={REQUEST_ID}", {"name": "two"}, 409, refusal(409, "alreadyExists")
        ),
    ),
    "insert given up": ("client.lost-answer-followed-up", lambda: ended(begun()).give_up()),
    "left while it runs": ("client.polls-until-done", lambda: begun().poll(operation("RUNNING")).delete()),
    "never looked at": ("client.polls-until-done", lambda: begun().delete()),
    "look after the end": ("client.polls-no-further", lambda: ended(made().poll(operation()))),
    "looks after an end at once": ("client.polls-no-further", lambda: done_at_once(looks=2)),
    "no pauses": ("client.poll-pace", lambda: hurried(3)),
    "no look after a conflict": ("client.conflict-fresh-get", lambda: conflict(look=None, sends="bmV3")),
    "stale after a look": ("client.conflict-fresh-get", lambda: conflict(look="bmV3", sends="b2xk")),
    "too soon": ("client.retry-after", lambda: refused(503, "2", 1.0)),
    "before the date": ("client.retry-after", lambda: refused(503, "Thu, 01 Jan 2026 00:00:02 GMT", 1.0)),
    "at once after too many": ("client.retry-after", lambda: refused(429, "", 0.0)),
    "stops at something unknown": ("client.survives-unknown", lambda: made().delete().get(image(future=1))),
    "image left behind": ("client.nothing-left", made),
}


@pytest.mark.parametrize(("rule", "told"), GOOD.values(), ids=GOOD)
def test_good_clients_are_not_blamed(rule: str, told: Callable[[], Client]) -> None:
    broken, judged = told().judged()
    assert broken == set()
    assert rule in judged


@pytest.mark.parametrize(("rule", "told"), BAD.values(), ids=BAD)
def test_bad_habits_break_their_rule_alone(rule: str, told: Callable[[], Client]) -> None:
    broken, _ = told().judged()
    assert broken == {rule}


def test_each_rule_has_good_and_bad_clients() -> None:
    rules = set(client_catalogue())
    assert {rule for rule, _ in GOOD.values()} == rules
    assert {rule for rule, _ in BAD.values()} == rules


def test_what_needs_an_end_is_not_judged_by_a_recording_that_may_lack_it() -> None:
    story = Client()
    story.insert(operation("PENDING"))
    assert story.judged()[0] == {"client.polls-until-done", "client.nothing-left"}
    assert story.judged(recorded=True)[0] == set()


def test_answers_that_nobody_got_tell_nothing() -> None:
    story = begun()
    story.poll(operation()).lost()
    story.poll(operation())
    assert story.delete().judged()[0] == set()


def test_rules_for_clients_judge_no_target() -> None:
    assert not set(client_catalogue()) & set(catalogue())
    assert {rule.area for rule in client_catalogue().values()} == {"client"}
    assert {rule.basis for rule in client_catalogue().values()} == {"conv"}


def test_requests_of_other_apis_are_passed_over() -> None:
    story = Client()
    request = Request("GET", ROOT.replace("global", "zones/z/disks/d"))
    story._exchanges.append(Exchange(1, request, None, ABANDONED, START, START))
    assert story.judged() == (set(), set())
