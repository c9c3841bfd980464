"""What happens at one time has an order, image by image: on hand-made traces whose requests overlap."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from helpers.story import ROOT, START, image, operation, refusal
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract import Breach, catalogue
from conformance.contract.lateness import MOMENT_SECONDS
from conformance.contract.mutation import Mutation, overlapping
from conformance.contract.order import after
from conformance.trace.exchange import Exchange, Request, Response, Trace
from conformance.verdicts.ledger import Ledger

RULE = "life.linearizable"
LATER = MOMENT_SECONDS + 10
"""When what was done within the first seconds has to be seen everywhere."""

DELETE, ANSWER = Request("DELETE", f"{ROOT}/images/one", {}, None), Response(200, {}, b"{}")

GONE = refusal(404, "notFound")
PLAIN = {"name": "one", "sourceImage": "projects/p/global/images/base"}


def fingerprint(n: int) -> str:
    """The fingerprint of labels."""
    return base64.b64encode(b"labels %d" % n).decode()


FIRST, SECOND = fingerprint(0), fingerprint(1)


class Told:
    """A trace whose exchanges may overlap: each is told with its beginning and its end, in seconds from the start."""

    def __init__(self, *, recorded: bool = False) -> None:
        self._exchanges: list[Exchange] = []
        self._recorded = recorded

    def say(  # noqa: PLR0913 - an exchange is made of this much
        self, start: float, end: float, verb: str, path: str, body: Any = None, status: int = 200, answer: Any = None
    ) -> Told:
        """Any exchange."""
        content = None if body is None else json.dumps(body).encode()
        request = Request(verb, f"{ROOT}/{path}", {"Content-Type": "application/json"}, content)
        headers = {"content-type": "application/json; charset=UTF-8"}
        response = Response(status, headers, json.dumps(answer).encode()) if status else None
        failure = "" if status else "the answer was lost"
        self._exchanges.append(Exchange(0, request, response, failure, START + start, START + end))
        return self

    def change(  # noqa: PLR0913
        self,
        start: float,
        end: float,
        verb: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        target: str = "2001",
        named: str = "",
        request_id: str = "",
        **of: Any,
    ) -> Told:
        """A change whose answer shows it DONE at once, unless it is refused or `of` says otherwise."""
        name = named or f"operation-{len(self._exchanges)}"
        kind = "delete" if verb == "DELETE" else path.rpartition("/")[2]
        done = operation(name=name, id=f"9{len(self._exchanges)}", targetId=target, operationType=kind)
        answer = (
            refusal(status, "refused") if status != 200 else {**done, "clientOperationId": request_id or None, **of}
        )
        query = f"?requestId={request_id}" if request_id else ""
        return self.say(start, end, verb, path + query, body, status, answer)

    def insert(self, start: float, end: float, **more: Any) -> Told:
        """An insert of image `one`."""
        labels = more.pop("labels", {"n": "0"})
        return self.change(start, end, "POST", "images", {**PLAIN, "labels": labels}, **more)

    def delete(self, start: float, end: float, **more: Any) -> Told:
        """Its deletion."""
        return self.change(start, end, "DELETE", "images/one", **more)

    def label(self, start: float, end: float, n: int, fingerprint: str = FIRST, **more: Any) -> Told:
        """setLabels: the label n gets a value."""
        body = {"labels": {"n": str(n)}, "labelFingerprint": fingerprint}
        return self.change(start, end, "POST", "images/one/setLabels", body, **more)

    def deprecate(self, start: float, end: float, state: str = "DEPRECATED", **more: Any) -> Told:
        """Its deprecation."""
        return self.change(start, end, "POST", "images/one/deprecate", {"state": state}, **more)

    def get(self, start: float, end: float, n: int = 0, state: str = "", **fields: Any) -> Told:
        """A get that shows it with a value of the label n, and a state."""
        shown = _shown(n, state, **fields)
        return self.say(start, end, "GET", "images/one", answer=shown)

    def miss(self, start: float, end: float) -> Told:
        """A get that does not find it."""
        return self.say(start, end, "GET", "images/one", status=404, answer=GONE)

    def listed(self, start: float, end: float, *items: dict[str, Any], query: str = "", **more: Any) -> Told:
        """A list."""
        answer = {"kind": "compute#imageList", "items": list(items), **more}
        return self.say(start, end, "GET", f"images{query or '?filter=name=one'}", answer=answer)

    def judged(self, rule: str = RULE) -> tuple[int, list[Breach]]:
        """How often a rule was put to the test, and its breaches."""
        order = sorted(self._exchanges, key=lambda exchange: exchange.sent)
        exchanges = (Exchange(**{**vars_of(one), "number": number}) for number, one in enumerate(order, 1))
        ledger = Ledger({rule: catalogue()[rule]})
        found = ledger.judge(Trace(tuple(exchanges), deadline=0 if self._recorded else 5, recorded=self._recorded))
        assert not ledger.errors, ledger.errors
        return ledger.tallies[rule].observations, [breach for _, breach in found]


def vars_of(exchange: Exchange) -> dict[str, Any]:
    return {name: getattr(exchange, name) for name in Exchange.__dataclass_fields__}


def _shown(n: int = 0, state: str = "", **fields: Any) -> dict[str, Any]:
    deprecated = {"state": state} if state else None
    return image(**{"labels": {"n": str(n)}, "labelFingerprint": fingerprint(n), "deprecated": deprecated, **fields})


def made(**more: Any) -> Told:
    return Told(**more).insert(0, 0.1)


def both(**more: Any) -> Told:
    """An image whose labels are set to 1, and that is deprecated, at one time."""
    return made(**more).label(1, 2, 1).deprecate(1.1, 2.1)


ITEM = _shown(1, "DEPRECATED")

FAIR: dict[str, Callable[[], Told]] = {
    "values of a wrong type, the matter of another rule": lambda: (
        both()
        .get(LATER, LATER + 1, 1, deprecated={"state": 17})
        .get(LATER + 2, LATER + 3, 1, deprecated="DEPRECATED")
        .get(LATER + 4, LATER + 5, 1, "DEPRECATED", labels=["n"])
    ),
    "both are seen": lambda: both().get(LATER, LATER + 1, 1, "DEPRECATED"),
    "neither is seen while they are under way": lambda: both().get(1.2, 1.3),
    "one of them is seen while they are under way": lambda: both().get(1.2, 1.3, 1).get(1.4, 1.5, 1, "DEPRECATED"),
    "the old labels are seen for a moment": lambda: both().get(2.2, 2.3).get(LATER, LATER + 1, 1, "DEPRECATED"),
    "new, then old, then new within a moment": lambda: (
        both().get(2.2, 2.3, 1, "DEPRECATED").get(2.4, 2.5).get(LATER, LATER + 1, 1, "DEPRECATED")
    ),
    "not found for a moment": lambda: (
        Told().insert(0, 1).insert(0.5, 0.9, status=409).miss(1.2, 1.3).get(LATER, LATER + 1)
    ),
    "of two changes with one fingerprint one wins": lambda: (
        made().label(1, 2, 1).label(1, 2, 2, status=412).get(LATER, LATER + 1, 1)
    ),
    "one fingerprint after the other": lambda: (
        both()
        .get(LATER, LATER + 1, 1, "DEPRECATED", labelFingerprint=SECOND)
        .label(LATER + 2, LATER + 3, 2, SECOND)
        .get(2 * LATER, 2 * LATER + 1, 2, "DEPRECATED")
    ),
    "two deletes at once come to one": lambda: made().delete(1, 2).delete(1.5, 2.5).miss(LATER, LATER + 1),
    "a name that is taken while it is given up": lambda: (
        made().delete(1, 2).miss(1.1, 1.2).insert(1.5, 1.6, status=409).miss(LATER, LATER + 1)
    ),
    "a name that is taken while it is given": lambda: (
        Told().insert(0, 1).miss(0.1, 0.2).insert(0.3, 0.4, status=409).miss(0.5, 0.6).get(LATER, LATER + 1)
    ),
    "a conflict with an insert that fails in the end": lambda: (
        Told()
        .insert(0, 1, error={"errors": [{"code": "QUOTA"}]}, httpErrorStatusCode=403)
        .insert(0.3, 0.4, status=409)
        .delete(0.5, 0.6, status=404)
        .miss(LATER, LATER + 1)
    ),
    "an insert that fails since its image was deleted": lambda: (
        made()
        .delete(1, 1.2)
        .insert(1.1, 4, target="2002", error={"errors": [{"code": "ABORTED"}]}, httpErrorStatusCode=400)
        .delete(2, 3, target="2002")
        .miss(LATER, LATER + 1)
    ),
    "made anew while the old one goes": lambda: (
        made().delete(1, 3).insert(2, 4, target="2002", labels={"n": "5"}).get(LATER, LATER + 1, 5, id="2002")
    ),
    "fingerprints that are counted for each image": lambda: (
        made()
        .get(0.5, 0.6)
        .delete(1, 3)
        .insert(2, 4, target="2002", labels={"n": "5"})
        .label(5, 6, 1, FIRST, target="2002")
        .get(LATER + 5, LATER + 6, 1, id="2002")
    ),
    "a lost delete that was carried out": lambda: (
        both().say(5, 6, "DELETE", "images/one", status=0).get(7, 8, 1, "DEPRECATED").miss(LATER, LATER + 1)
    ),
    "a lost delete that was not": lambda: (
        both().say(5, 6, "DELETE", "images/one", status=0).get(LATER, LATER + 1, 1, "DEPRECATED")
    ),
    "a delete answered 503 that was carried out": lambda: (
        both().say(5, 6, "DELETE", "images/one", status=503, answer=refusal(503, "backendError")).miss(LATER, LATER + 1)
    ),
    "replays of one request": lambda: (
        Told()
        .insert(0, 1, request_id=uuid_of(1), named="a")
        .insert(0.1, 1.1, request_id=uuid_of(1), named="a")
        .delete(3, 4)
        .insert(5, 6, request_id=uuid_of(1), named="a")
        .miss(2 * LATER, 2 * LATER + 1)
    ),
    "a replay that finds what a lost request did": lambda: (
        Told()
        .say(0, 1, "POST", f"images?requestId={uuid_of(1)}", PLAIN, 0)
        .say(0.5, 2, "POST", f"images?requestId={uuid_of(1)}", PLAIN, 200, operation(name="a"))
        .get(LATER, LATER + 1, labels=None)
    ),
    "an image that is deleted in a list": lambda: both().delete(3, 4).listed(LATER, LATER + 1),
    "lists and gets": lambda: both().listed(LATER, LATER + 1, ITEM),
    "a list that is not all": lambda: both().listed(LATER, LATER + 1, nextPageToken="more"),
    "a list of others": lambda: both().listed(LATER, LATER + 1, query="?filter=name=two"),
    "labels of the service": lambda: both().get(
        LATER, LATER + 1, state="DEPRECATED", labels={"n": "1", "goog-terraform-provisioned": "true"}
    ),
    "some fields": lambda: both().say(LATER, LATER + 1, "GET", "images/one?fields=id", answer={"id": "2001"}),
}
BREACHES: dict[str, tuple[Callable[[], Told], str]] = {
    "a lost update": (lambda: both().get(LATER, LATER + 1, 0, "DEPRECATED"), "get"),
    "another lost update": (lambda: both().get(LATER, LATER + 1, 1), "get"),
    "a stale read": (lambda: both().listed(LATER, LATER, ITEM).get(LATER + 1, LATER + 2), "get"),
    "a write that comes back": (
        lambda: (
            both()
            .get(3, 3.1, 1, "DEPRECATED", labelFingerprint=SECOND)
            .label(4, 5, 2, SECOND)
            .get(LATER + 5, LATER + 6, 1, "DEPRECATED")
        ),
        "get",
    ),
    "a deleted image comes back": (lambda: both().delete(3, 4).get(LATER + 4, LATER + 5, 1, "DEPRECATED"), "get"),
    "a phantom in a list": (lambda: both().delete(3, 4).listed(LATER + 4, LATER + 5, _shown(7, id="2007")), "list"),
    "a list without the image": (lambda: both().listed(LATER, LATER + 1), "list"),
    "deleted twice": (lambda: both().delete(3, 4).delete(LATER, LATER + 1), "delete"),
    "one fingerprint for two": (lambda: made().get(0.5, 0.6).label(1, 2, 1).label(1.5, 2.5, 2), "setLabels"),
    "a replay that is carried out": (
        lambda: (
            both()
            .deprecate(3, 4, "OBSOLETE", request_id=uuid_of(2))
            .deprecate(5, 6, "DELETED")
            .deprecate(7, 8, "OBSOLETE", request_id=uuid_of(2))
            .get(LATER + 8, LATER + 9, 1, "OBSOLETE")
        ),
        "get",
    ),
    "an image is deleted that nobody made": (
        lambda: (
            made()
            .delete(1, 1.2)
            .insert(1.1, 4, target="2002", error={"errors": [{"code": "ABORTED"}]}, httpErrorStatusCode=400)
            .delete(2, 3, target="2003")
            .miss(LATER, LATER + 1)
        ),
        "delete",
    ),
    "gone by nobody's doing": (lambda: both().miss(LATER, LATER + 1), "get"),
    "a conflict with nothing": (
        lambda: both().delete(3, 4).insert(LATER + 4, LATER + 5, status=409),
        "insert",
    ),
    "the wrong one of two images": (
        lambda: both().delete(3, 4).insert(5, 6, target="2002").get(LATER + 6, LATER + 7, 1, "DEPRECATED"),
        "get",
    ),
}


def uuid_of(number: int) -> str:
    return str(uuid.UUID(int=number + (4 << 76) + (8 << 60)))


@pytest.mark.parametrize("name", FAIR)
def test_an_order_explains(name: str) -> None:
    assert FAIR[name]().judged() == (1, [])


@pytest.mark.parametrize("name", BREACHES)
def test_no_order_explains(name: str) -> None:
    tell, culprit = BREACHES[name]
    observations, breaches = tell().judged()
    assert observations == len(breaches) == 1
    (breach,) = breaches
    impossible = [bar for bar in breach.timeline if bar.role == "impossible"]
    assert [bar.text.partition(":")[0] for bar in impossible] == [culprit]
    assert breach.exchanges[-1].number == impossible[0].exchange
    assert {bar.exchange for bar in breach.timeline} <= {exchange.number for exchange in breach.exchanges}
    places = [bar.place for bar in breach.timeline if bar.role == "explained"]
    assert sorted(filter(None, places)) == list(range(1, len(places) + 1))


def test_looks_that_do_not_matter_are_not_shown() -> None:
    (breach,) = both().get(LATER, LATER + 1, 1, "DEPRECATED").get(LATER + 5, LATER + 6, 0, "DEPRECATED").judged()[1]
    assert [bar.text.partition(":")[0] for bar in breach.timeline] == ["insert", "setLabels", "deprecate", "get"]


def test_what_is_the_matter_of_other_rules() -> None:
    one_by_one = made().label(1, 2, 1).get(LATER, LATER + 1, 0)
    shared = Told().insert(0, 1).insert(0.5, 1.5, target="2002").get(LATER, LATER + 1)
    for told in (one_by_one, shared):
        assert told.judged() == (0, [])


def test_nothing_is_assumed_of_what_came_before_a_recording() -> None:
    def told() -> Told:
        return Told(recorded=True).label(1, 2, 1).deprecate(1.1, 2.1)

    assert told().get(LATER, LATER + 1, 1, "DEPRECATED").judged() == (1, [])
    assert len(told().get(LATER, LATER + 1, 0, "DEPRECATED").judged()[1]) == 1
    assert told().insert(LATER, LATER + 1, status=409).judged() == (1, [])


def test_in_a_recording_a_list_need_not_be_all() -> None:
    assert both(recorded=True).listed(LATER, LATER + 1).judged() == (1, [])


OTHERS: dict[str, tuple[str, Callable[[], Told]]] = {
    "a client that has seen old labels a moment after another change": (
        "labels.set",
        lambda: (
            made()
            .get(0.5, 0.6)
            .label(1, 1.1, 1)
            .deprecate(1.2, 1.3)
            .get(1.4, 1.5, state="DEPRECATED")
            .label(1.6, 1.7, 2, status=412)
            .get(LATER, LATER + 1, 1, "DEPRECATED")
        ),
    ),
    "old labels in a list while a get shows the new ones": (
        "labels.fingerprint-required",
        lambda: (
            made()
            .get(0.5, 0.6)
            .label(1, 1.1, 1)
            .get(1.2, 1.5, 1)
            .listed(1.3, 1.4, _shown())
            .label(1.6, 1.7, 2, SECOND)
            .get(LATER, LATER + 1, 2)
        ),
    ),
    "labels that are set again": (
        "labels.concurrent",
        lambda: made().get(0.5, 0.6).label(1, 2, 0).label(1, 2, 1),
    ),
    "two images of one name with one fingerprint": (
        "labels.concurrent",
        lambda: (
            made().label(1, 2, 1).delete(1.1, 1.3).insert(1.4, 1.6, target="2002").label(1.5, 1.9, 2, target="2002")
        ),
    ),
    "a replay after the image was deleted": (
        "life.concurrent-delete",
        lambda: (
            Told()
            .insert(0, 1, request_id=uuid_of(1), named="a")
            .delete(2, 3)
            .insert(2.1, 3.1, request_id=uuid_of(1), named="a")
            .insert(2.1, 3.1, status=409)
            .miss(LATER, LATER + 1)
        ),
    ),
    "a delete that was sent before the insert was answered": (
        "life.list-once",
        lambda: Told().insert(0, 1).delete(0.5, 2).listed(3, 4),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_rules_leave_what_happens_at_one_time_in_peace(name: str) -> None:
    rule, tell = OTHERS[name]
    assert tell().judged(rule)[1] == []


def test_delete_that_was_under_way_when_the_recording_began() -> None:
    """The image that two inserts meet may be one that is being deleted; a run shows all that was under way."""

    def met(*, recorded: bool) -> list[Breach]:
        told = Told(recorded=recorded).insert(0, 0.1, status=409).insert(0.05, 0.15, status=409)
        return told.delete(LATER, LATER + 0.1, status=404).judged()[1]

    assert not met(recorded=True)
    assert met(recorded=False)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6), st.booleans()), max_size=8))
def test_requests_that_overlap_are_found_as_by_comparing_each_with_each(spans: list[tuple[int, int, bool]]) -> None:
    mutations = [
        Mutation(Exchange(number, DELETE, ANSWER if answered else None, "", sent, sent + took), "p", "one", None)
        for number, (sent, took, answered) in enumerate(sorted(spans, key=lambda span: span[0]), 1)
    ]

    def apart(one: Mutation, two: Mutation) -> bool:
        return one is two or after(one.exchange, two.exchange) or after(two.exchange, one.exchange)

    assert overlapping(mutations) == [one for one in mutations if not all(apart(one, two) for two in mutations)]
