"""Stories, races and lost connections: what is told reaches every turn, and the rules about it know good from bad."""

import contextlib
import socket
import threading
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, change, image, operation, refusal, time_of

from conformance.client.lost_connections import lose
from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.strategies.retries import MOMENTS, plain_plans
from conformance.strategies.stories import ACTIONS, STEPS_OF_A_WALK, pairs, walks
from conformance.trace.exchange import INCOMPLETE, MUTATIONS, Request, Trace
from conformance.trace.fate import Fate
from conformance.verdicts.ledger import Ledger


def test_walks_lead_from_every_action_to_every_action() -> None:
    told = walks()
    assert pairs(told) == set(product(ACTIONS, ACTIONS))
    assert max(map(len, told)) <= STEPS_OF_A_WALK + 2


def test_plain_plans_meet_every_moment_and_every_fate() -> None:
    attempts = [attempt for plan in plain_plans() for attempt in plan]
    assert {attempt.moment for attempt in attempts} == set(MOMENTS)
    assert {attempt.fate for attempt in attempts} == {None, *Fate}


def test_planted_error_of_three_steps_is_shown_by_these_three() -> None:
    """The description is lost when an image is deprecated for the second time."""
    with EmulatorProcess(faults=("life.model/description-forgotten",)) as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1, profile="ci")
        results = judge(settings, focus=("life.model",))
    row = next(row for row in results.rules if row.id == "life.model")
    assert row.verdict == "failed"
    shown = [exchange.method for exchange in row.breaches[0].exchanges if exchange.method in MUTATIONS]
    assert shown == ["images.insert", "images.deprecate", "images.deprecate"]


# The model


def deprecation(status: str = "DONE") -> dict[str, Any]:
    """The operation of a deprecation of image `one`."""
    return operation(status, id="1002", name="operation-2", operationType="setDeprecation", clientOperationId=None)


def lived(**changes: Any) -> Story:
    """An image that is made, deprecated and looked at; the changes are to the last look."""
    old = {"state": "DEPRECATED"}
    story = Story().insert(operation(), description="text").get(image(description="text"))
    story.say("POST", "images/one/deprecate", old, 200, deprecation())
    story.get(image(description="text", deprecated=old))
    story.say("POST", "images/one/deprecate", old, 200, deprecation() | {"id": "1003", "name": "operation-3"})
    return story.get(image(**{"description": "text", "deprecated": old, **changes}))


def test_story_that_agrees_with_the_model() -> None:
    assert "life.model" in lived().kept()


@pytest.mark.parametrize("changes", [{"description": None}, {"family": "new"}, {"labels": {"a": "b"}}])
def test_story_that_disagrees_with_the_model(changes: dict[str, Any]) -> None:
    assert "life.model" in lived(**changes).broken()


@pytest.mark.parametrize(("first", "right"), [("POST", True), ("GET", False)])
def test_operation_that_wait_knows_may_be_seen_by_get_a_moment_later(first: str, *, right: bool) -> None:
    path = "operations/operation-1"
    story = Story().insert(operation("RUNNING"))
    story.say(first, f"{path}/wait" if first == "POST" else path, None, 200, operation("RUNNING"))
    story.say("GET", path, None, 404, refusal(404, "notFound")).poll(operation())
    assert ("operation.name" not in story.broken()) == right


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [((0.0, 2.0), "deviates"), ((2.0,), "kept"), ((0.0, 0.5), "kept"), ((2.0, 2.0), "kept")],
    ids=["never", "perhaps forgotten", "perhaps not yet", "perhaps forgotten twice"],
)
def test_operation_that_is_done_at_once_is_found_as_well(looks: tuple[float, ...], verdict: str) -> None:
    story = lived()
    for patience in looks:
        story.pause(patience).say("GET", "operations/operation-3", None, 404, refusal(404, "notFound"))
    assert story.verdict("operation.name") == verdict


def test_operation_that_a_list_alone_shows_is_not_found_by_its_name() -> None:
    changed = change("deprecate", 9)
    story = lived().change("deprecate", {"state": "OBSOLETE"}, answer=changed)
    for patience in (0.0, 2.0):
        story.pause(patience).say("GET", f"operations/{changed['name']}", None, 404, refusal(404, "notFound"))
        listed = {"kind": "compute#operationList", "items": [changed]}
        story.say("GET", f"operations?filter=name={changed['name']}", None, 200, listed)
    assert story.verdict("operation.name") == "deviates"


@pytest.mark.parametrize(
    ("looks", "shown", "verdict"),
    [
        ((2.0, 0.1), "READY", "kept"),
        ((2.0, 0.1), "FAILED", "kept"),
        ((2.0, 0.1), "PENDING", "broken"),
        ((0.0, 2.0), "READY", "broken"),
    ],
    ids=["perhaps forgotten", "forgotten after a failure", "not over", "never"],
)
def test_operation_that_nobody_followed_in_time(looks: tuple[float, ...], shown: str, verdict: str) -> None:
    story = Story().insert(operation("PENDING"))
    for patience in looks:
        story.pause(patience).get(image(status=shown))
        story.say("GET", "operations/operation-1", None, 404, refusal(404, "notFound"))
    assert story.verdict("operation.name") == verdict


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ([{"code": "QUOTA_EXCEEDED", "message": "No."}], "broken"),
        ([{"code": "RESOURCE_NOT_FOUND", "message": "In other words."}], "kept"),
        ([{"message": "Not there."}], "kept"),
        ([{"code": "RESOURCE_NOT_FOUND"}, {"code": "QUOTA_EXCEEDED"}], "broken"),
    ],
)
def test_methods_tell_the_same_errors_of_an_operation(errors: list[dict[str, str]], verdict: str) -> None:
    failed = operation(error={"errors": [{"code": "RESOURCE_NOT_FOUND", "message": "Not there."}]})
    story = Story().insert(operation("RUNNING")).poll(failed)
    listed = {"kind": "compute#operationList", "items": [{**failed, "error": {"errors": errors}}]}
    story.say("GET", "operations?filter=name=operation-1", None, 200, listed)
    assert story.verdict("operation.agrees") == verdict


@pytest.mark.parametrize(
    ("patience", "status", "verdict"), [(2.0, "RUNNING", "deviates"), (0.1, "RUNNING", "kept"), (2.0, "DONE", "kept")]
)
def test_list_may_tell_a_moment_later_that_an_operation_is_done(patience: float, status: str, verdict: str) -> None:
    story = Story().insert(operation("RUNNING")).poll(operation()).pause(patience)
    listed = {"kind": "compute#operationList", "id": "operations", "items": [operation(status)]}
    story.say("GET", "operations?filter=name=operation-1", None, 200, listed)
    assert story.verdict("operation.agrees") == verdict


@pytest.mark.parametrize(
    ("told", "verdict"), [("setDeprecation", "kept"), ("update", "kept"), ("insert", "broken"), ("delete", "broken")]
)
def test_type_of_another_method(told: str, verdict: str) -> None:
    story = Story().insert(operation()).get(image())
    story.say("POST", "images/one/deprecate", {"state": "ACTIVE"}, 200, deprecation() | {"operationType": told})
    assert story.verdict("operation.type") == verdict


@pytest.mark.parametrize(("patience", "right"), [(0.0, True), (2.0, False)])
def test_image_that_is_deleted_before_it_was_looked_for_again(patience: float, *, right: bool) -> None:
    """It may be seen a moment late, and nobody waited for that moment."""
    deleted = operation(id="1002", name="operation-2", operationType="delete", clientOperationId=None)
    story = Story().insert(operation()).pause(patience).get(refusal(404, "notFound"), status=404)
    story.say("DELETE", "images/one", None, 200, deleted)
    assert ("operation.success-means-ready" not in story.broken()) == right


@pytest.mark.parametrize("looks", [("old", "none", "new"), ("none", "old", "new"), ("old", "old", "none", "new")])
def test_image_made_anew_is_seen_late_where_the_deleted_one_is_still_shown(looks: tuple[str, ...]) -> None:
    gone: dict[str, Any] = {"id": "1002", "name": "operation-2", "operationType": "delete", "clientOperationId": None}
    anew = operation(id="1003", name="operation-3", targetId="2002", clientOperationId=None)
    story = Story().insert(operation()).get(image())
    story.say("DELETE", "images/one", None, 200, operation(**gone))
    story.insert(anew, request_id=None)
    for look in looks:
        if look == "none":
            story.get(refusal(404, "notFound"), status=404)
        else:
            story.get(image() if look == "old" else image(id="2002"))
    assert not {"operation.success-means-ready", "life.model", "life.delete"} & story.broken()


def test_request_that_was_numbered_first_may_have_been_sent_after_its_replay() -> None:
    """Of two deletes with one requestId the second reached the target first, and an image is gone from then on."""
    gone: dict[str, Any] = {"id": "1002", "name": "operation-2", "operationType": "delete", "clientOperationId": None}
    path = f"images/one?requestId={REQUEST_ID}"
    story = Story().insert(operation()).get(image())
    story.say("DELETE", path, None, 200, operation(**gone)).say("DELETE", path, None, 200, operation(**gone))
    story.say("POST", "images/one/deprecate", {"state": "DEPRECATED"}, 404, refusal(404, "notFound"))
    made, look, late, early, missed = story.trace().exchanges
    begin = early.received
    moved = (
        replace(late, sent=begin + 9.0, received=begin + 9.1),
        replace(early, sent=begin, received=begin + 9.05),
        replace(missed, sent=begin + 4.0, received=begin + 4.1),
    )
    ledger = Ledger(catalogue())
    assert "life.linearizable" not in {rule.id for rule, _ in ledger.judge(Trace((made, look, *moved)))}
    assert ledger.tallies["life.linearizable"].observations


STATES = ("DEPRECATED", "OBSOLETE")


@pytest.mark.parametrize(("last", "right"), [("OBSOLETE", True), ("DEPRECATED", True), (None, False)])
def test_change_is_seen_late_where_another_was_made_at_that_time(last: str | None, *, right: bool) -> None:
    """The first look shows neither of two changes of one moment; either of them may be the last."""
    story = Story().insert(operation()).get(image())
    for number, state in enumerate(STATES):
        answer = deprecation() | {"id": f"100{number + 2}", "name": f"operation-{number + 2}"}
        story.say("POST", "images/one/deprecate", {"state": state}, 200, answer)
    story.get(image()).pause(2.0).get(image(deprecated={"state": last} if last else None))
    *before, one, two, look, again = story.trace().exchanges
    moved = replace(two, sent=one.sent, received=one.received)
    found = {rule.id for rule, _ in Ledger(catalogue()).judge(Trace((*before, one, moved, look, again)))}
    assert bool(found & {"deprecate.state", "life.linearizable"}) != right


@pytest.mark.parametrize(("late", "right"), [(None, True), ({"state": "ACTIVE"}, True), ({"state": "DELETED"}, False)])
def test_late_look_may_say_that_an_image_is_active_or_nothing(late: dict[str, str] | None, *, right: bool) -> None:
    story = Story().insert(operation()).get(image(deprecated=None)).change("deprecate", {"state": "OBSOLETE"})
    story.get(image(deprecated=late)).get(image(deprecated={"state": "OBSOLETE"}))
    assert bool(story.broken() & {"deprecate.state", "deprecate.round-trip", "life.model"}) != right


@pytest.mark.parametrize("crowded", [True, False])
def test_each_of_several_clients_may_see_a_change_late_before_the_next_one(*, crowded: bool) -> None:
    story = Story().insert(operation()).get(image())
    if crowded:
        story.get(image()).meanwhile()
    story.change("deprecate", {"state": "DEPRECATED"}).get(image()).get(image()).get(image())
    story.change("deprecate", {"state": "OBSOLETE"}).get(image(deprecated={"state": "OBSOLETE"}))
    assert ("deprecate.state" not in story.broken()) == crowded


@pytest.mark.parametrize(("seen", "right"), [("DEPRECATED", True), ("DELETED", False)])
def test_late_look_may_show_a_change_before_the_last_one_that_nobody_had_seen(seen: str, *, right: bool) -> None:
    story = Story().insert(operation()).get(image()).change("deprecate", {"state": "DEPRECATED"})
    story.change("deprecate", {"state": "OBSOLETE"}).get(image(deprecated={"state": seen}))
    story.get(image(deprecated={"state": "OBSOLETE"}))
    assert bool(story.broken() & {"deprecate.state", "life.model"}) != right


@pytest.mark.parametrize(("second", "right"), [(operation(clientOperationId=None), True), (None, False)])
def test_insert_that_is_taken_for_the_first_one_of_its_name(second: dict[str, Any] | None, *, right: bool) -> None:
    story = Story().insert(operation(clientOperationId=None), request_id=None).get(image())
    fresh = operation(id="1002", name="operation-2", targetId="2002", clientOperationId=None)
    story.insert(second or fresh, request_id=None)
    assert bool(story.broken() & {"life.model", "image.name.unique"}) != right


@pytest.mark.parametrize(("asked", "verdict"), [("2001", "kept"), ("one", "broken")])
def test_model_says_nothing_of_an_image_that_is_not_found_by_its_id(asked: str, verdict: str) -> None:
    lost = refusal(404, "notFound")
    assert (
        lived().get(lost, status=404, name=asked).pause(61).get(lost, status=404, name=asked).verdict("life.model")
        == verdict
    )


def test_model_knows_which_images_are_there() -> None:
    deleted = operation(id="1002", name="operation-2", operationType="delete", clientOperationId=None)
    gone = Story().insert(operation()).get(image()).say("DELETE", "images/one", None, 200, deleted)
    assert "life.model" in gone.get(refusal(404, "notFound"), status=404).kept()
    assert "life.model" in gone.get(image()).broken()


# Families


def family_of(*steps: str, answer: str, patience: float = 2.0) -> set[str]:
    """The rules that a family breaks which, asked ("?") while images are made ("+one") and deleted ("-one"), answers
    one.

    It is asked after some seconds of `patience`.
    """
    story = Story()
    link = "https://www.googleapis.com/compute/beta/projects/p/global/images/"
    for number, step in enumerate(steps):
        name = step[1:]
        if step == "?":
            story.pause(patience).get(image(name=answer, selfLink=link + answer, family="f"), name="family/f")
            continue
        done: dict[str, Any] = {
            "id": f"10{number}",
            "name": f"operation-{number}",
            "targetLink": link + name,
            "clientOperationId": None,
        }
        done |= {"insertTime": time_of(number / 50), "targetId": f"20{steps.index('+' + name)}"}
        if step[0] == "+":
            story.insert(operation(**done), request_id=None, name=name, family="f")
        else:
            story.say("DELETE", f"images/{name}", None, 200, operation(**done, operationType="delete"))
    return story.broken()


@pytest.mark.parametrize(
    ("steps", "answer", "right"),
    [
        (["+one", "+two", "?"], "two", True),
        (["+one", "+two", "?"], "one", False),
        (["+one", "+two", "-two", "?"], "one", True),
        (["+one", "+two", "-two", "?"], "two", False),
        (["+one", "+two", "?", "-two"], "two", True),
        (["+one", "+two", "?", "-two"], "one", False),
        (["+one", "-one", "+two", "+one", "?"], "one", True),
        (["+one", "-one", "+one", "+two", "?"], "two", True),
    ],
)
def test_latest_image_of_a_family(steps: list[str], answer: str, right: bool) -> None:
    assert ("family.latest" in family_of(*steps, answer=answer)) != right


def test_family_may_show_a_change_a_moment_later() -> None:
    assert "family.latest" not in family_of("+one", "+two", "?", answer="one", patience=0.5)


# Lists


def paged(*pages: tuple[int, str | None, list[str]]) -> set[str]:
    """The rules that a list of all images breaks: each page with its status, the token that it gives, and its
    images."""
    story, token = Story().insert(operation()).get(image()), ""
    for status, following, names in pages:
        items = [image(name=name, id="2001" if name == "one" else "3001") for name in names]
        body = {"kind": "compute#imageList", "items": items, "nextPageToken": following}
        answer = {key: value for key, value in body.items() if value} if status == 200 else refusal(status, "invalid")
        story.say("GET", f"images{f'?pageToken={token}' if token else ''}", None, status, answer)
        token = following or ""
    return story.broken() & {"life.list-once"}


@pytest.mark.parametrize(
    ("pages", "right"),
    [
        ([(200, None, ["one", "other"])], True),
        ([(200, "a", ["other"]), (200, None, ["one"])], True),
        ([(200, "a", ["other"]), (200, "b", ["another"])], True),
        ([(200, None, ["other"])], False),
        ([(200, "a", ["one"]), (200, None, ["one"])], False),
        ([(200, "a", ["one"]), (200, "a", ["one"])], False),
        ([(200, "a", ["one"]), (400, None, [])], False),
    ],
)
def test_list_holds_an_image_once(pages: list[tuple[int, str | None, list[str]]], right: bool) -> None:
    assert (not paged(*pages)) == right


# Requests that are cut off


def cut_off(status: int) -> Trace:
    """An insert whose body never arrived in full, and a look at what there is."""
    story = Story().insert(operation()).get(image() if status == 200 else refusal(404, "notFound"), status=status)
    insert, *looks = story.trace().exchanges
    return Trace((replace(insert, response=None, failure=INCOMPLETE), *looks))


@pytest.mark.parametrize(("status", "breaches"), [(404, 0), (200, 1)])
def test_incomplete_request_is_not_carried_out(status: int, breaches: int) -> None:
    ledger = Ledger({"transport.incomplete-request": catalogue()["transport.incomplete-request"]})
    assert len(ledger.judge(cut_off(status))) == breaches
    assert ledger.tallies["transport.incomplete-request"].observations == 1


def test_image_that_a_request_has_made_which_was_cut_off_is_not_left_by_its_refused_retry() -> None:
    story = Story().insert(operation()).insert(refusal(400, "invalid"), code=400).get(image())
    cut, *others = story.trace().exchanges
    ledger = Ledger(catalogue())
    trace = Trace((replace(cut, response=None, failure=INCOMPLETE), *others))
    assert {rule.id for rule, *_ in ledger.judge(trace)} == {"transport.incomplete-request"}


# Deletes against inserts


def race(*outcomes: tuple[str, int], there: bool, named: bool = True) -> Trace:
    """An image, simultaneous requests on its name, and a look: each request with its status; `named` tells whether
    operations have targetIds."""
    story = Story().insert(operation(), request_id=None).get(image())
    for number, (verb, status) in enumerate(outcomes):
        kind = "insert" if verb == "POST" else "delete"
        target = "2001" if kind == "delete" else f"300{number}"
        done = operation(id=f"5{number}", name=f"operation-5{number}", operationType=kind, targetId=target)
        done = {key: value for key, value in done.items() if named or key != "targetId"}
        answer = done if status == 200 else refusal(status, "conflict" if status == 409 else "notFound")
        if verb == "POST":
            story.insert(answer, code=status, request_id=None)
        else:
            story.say("DELETE", "images/one", None, status, answer)
    story.get(image(id="3001") if there else refusal(404, "notFound"), status=200 if there else 404)
    exchanges = story.trace().exchanges
    start = exchanges[2].sent
    overlapping = [
        replace(one, sent=start, received=start + 0.5) if 2 <= at < len(exchanges) - 1 else one
        for at, one in enumerate(exchanges)
    ]
    overlapping[-1] = replace(overlapping[-1], sent=start + 1, received=start + 1.1)
    return Trace(tuple(overlapping))


@pytest.mark.parametrize(
    ("outcomes", "there", "explained"),
    [
        ([("DELETE", 200), ("POST", 409)], False, True),
        ([("DELETE", 200), ("POST", 200)], True, True),
        ([("DELETE", 200), ("DELETE", 404), ("POST", 409)], False, True),
        ([("DELETE", 200), ("DELETE", 200), ("POST", 409)], False, True),
        ([("DELETE", 200), ("POST", 200)], False, False),
        ([("DELETE", 404), ("POST", 200)], True, False),
        ([("DELETE", 200), ("POST", 200), ("POST", 200)], True, False),
        ([("DELETE", 200), ("POST", 409)], True, False),
    ],
)
def test_races_of_deletes_and_inserts(outcomes: list[tuple[str, int]], there: bool, explained: bool) -> None:
    ledger = Ledger({"life.concurrent-delete": catalogue()["life.concurrent-delete"]})
    found = ledger.judge(race(*outcomes, there=there))
    assert ledger.tallies["life.concurrent-delete"].observations == 1
    assert (not found) == explained


@pytest.mark.parametrize("there", [False, True])
def test_deletes_that_do_not_tell_which_image_they_deleted(*, there: bool) -> None:
    ledger = Ledger({"life.concurrent-delete": catalogue()["life.concurrent-delete"]})
    outcomes = (("DELETE", 200), ("DELETE", 200), ("POST", 200))
    assert not ledger.judge(race(*outcomes, there=there, named=False))
    assert ledger.judge(race(*outcomes[1:], there=False, named=False))


def test_inserts_that_are_answered_one_operation_have_made_one_image() -> None:
    """A target that knows an insert without a requestId again by its name."""
    exchanges = list(race(("DELETE", 200), ("POST", 200), ("POST", 200), there=True, named=False).exchanges)
    answers = [exchange for exchange in exchanges if exchange.method == "images.insert"][1:]
    again = replace(answers[1], response=answers[0].response)
    trace = Trace(tuple(again if exchange is answers[1] else exchange for exchange in exchanges))
    ledger = Ledger({"life.concurrent-delete": catalogue()["life.concurrent-delete"]})
    assert not ledger.judge(trace)
    assert ledger.judge(Trace(tuple(exchanges)))


# Connections that are lost


@pytest.mark.parametrize("fate", Fate)
def test_client_sends_what_its_fate_lets_it_send(fate: Fate) -> None:
    """A server that answers at once sees the whole request, or the half of its body that is sent."""
    body = b'{"name": "one"}' * 20
    arrived = bytearray()

    def serve(listener: socket.socket) -> None:
        wire, _ = listener.accept()
        with wire:
            while part := _received(wire):
                arrived.extend(part)
                if arrived.endswith(body):
                    with contextlib.suppress(ConnectionError):
                        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/path?requestId={REQUEST_ID}"
        reason = lose(Request("POST", url, {"X-Own": "1"}, body), {"User-Agent": "suite"}, fate, None)
        server.join(10)
    head, _, content = bytes(arrived).partition(b"\r\n\r\n")
    assert content == (body[: len(body) // 2] if fate is Fate.HALF_SENT else body)
    assert head.startswith(f"POST /path?requestId={REQUEST_ID} HTTP/1.1".encode())
    assert f"Content-Length: {len(body)}".encode() in head
    assert (reason == INCOMPLETE) == (fate is Fate.HALF_SENT)


def _received(wire: socket.socket) -> bytes:
    try:
        return wire.recv(65536)
    except ConnectionError:
        return b""
