"""Labels, their fingerprint, and what else a client may change: on hand-written traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from helpers.story import Story, change, image, operation, refusal

from conformance.contract import catalogue
from conformance.contract.lateness import MOMENT_SECONDS
from conformance.trace.exchange import Intent, Trace
from conformance.verdicts.ledger import Ledger

Step = Callable[[Story], Story]

NEW = "AAAAAAAAAAA="
CURRENT = image()["labelFingerprint"]
BLUE = {"colour": "blue"}
STALE = refusal(412, "conditionNotMet")
RELABELLED = {"labels": {}, "labelFingerprint": CURRENT}


def made(**fields: Any) -> Story:
    """The image `one`, made and seen."""
    return Story().insert(operation("PENDING"), **fields).poll(operation()).get(image(**fields))


@pytest.mark.parametrize(
    ("between", "shown", "verdict"),
    [
        (lambda story: story, {}, "kept"),
        (lambda story: story, {"labelFingerprint": NEW}, "deviates"),
        (lambda story: story.change("setLabels", RELABELLED), {"labelFingerprint": NEW}, "silent"),
        (lambda story: story.change("patch", {"labels": {}}), {"labelFingerprint": NEW}, "silent"),
        (lambda story: story.change("patch", {"description": "x"}), {"labelFingerprint": NEW}, "deviates"),
        (lambda story: story.change("setLabels", RELABELLED, answer=STALE, code=412), {"labelFingerprint": NEW}, None),
        (lambda story: story.change("setLabels", RELABELLED, name="two"), {"labelFingerprint": NEW}, "deviates"),
        (lambda story: story.change("deprecate", {}), {"labelFingerprint": NEW}, "deviates"),
        (lambda story: story, {"labels": BLUE}, "broken"),
        (lambda story: story, {"labels": BLUE, "labelFingerprint": NEW}, "kept"),
    ],
)
def test_fingerprint_changes_with_the_labels(between: Step, shown: dict[str, Any], verdict: str | None) -> None:
    told = between(made()).get(image(**shown)).verdict("labels.fingerprint-changes")
    assert told == (verdict or "deviates")


@pytest.mark.parametrize("left_out", [{"labelFingerprint"}, {"labels"}, {"labels", "labelFingerprint"}])
def test_what_a_list_leaves_out_has_not_changed(left_out: set[str]) -> None:
    item = {name: value for name, value in image(labels=BLUE).items() if name not in left_out}
    page = {"kind": "compute#imageList", "items": [item]}
    story = made(labels=BLUE).say("GET", "images", None, 200, page).get(image(labels=BLUE))
    assert not story.broken() & {rule for rule in story.broken() if rule.startswith(("labels.", "life.", "image."))}
    assert story.verdict("labels.fingerprint-changes") == "kept"


OLD: dict[str, Any] = {"labels": BLUE}
RED = {"labels": {"colour": "red"}, "labelFingerprint": NEW}


@pytest.mark.parametrize(
    ("given", "code", "verdict"),
    [
        (NEW, 200, "silent"),
        (CURRENT, 200, "broken"),
        (None, 200, "broken"),
        (CURRENT, 500, "silent"),
        (CURRENT, 400, "broken"),
        (CURRENT, 412, "kept"),
    ],
)
def test_fingerprint_that_has_not_changed_is_not_stale(given: str | None, code: int, verdict: str) -> None:
    """That it has not is the matter of another rule, whatever the scenario was about; so is a server that stumbles."""
    stale = Intent(valid=False, rules=("labels.fingerprint-required",))
    first = {"labels": RED["labels"], "labelFingerprint": CURRENT}
    story = made(labels=BLUE).change("setLabels", first).get(image(**RED))
    answer = {200: change("setLabels", 9), 412: STALE}.get(code, {})
    story.say("POST", "images/one/setLabels", {"labels": BLUE, "labelFingerprint": given}, code, answer, stale)
    assert story.verdict("labels.fingerprint-required") == verdict


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        ((RED, OLD, RED, OLD, RED), "kept"),
        ((OLD, RED, OLD), "kept"),
        ((RED, OLD), "kept"),
        ((RED, {"labels": {"colour": "green"}}, RED), "broken"),
        ((RED, MOMENT_SECONDS, OLD), "broken"),
        ((RED, OLD, MOMENT_SECONDS, OLD), "broken"),
    ],
)
def test_old_labels_may_be_seen_for_a_moment_between_the_new_ones(looks: tuple[Any, ...], verdict: str) -> None:
    story = made(**OLD).change("setLabels", {"labels": RED["labels"], "labelFingerprint": CURRENT})
    for look in looks:
        story = story.pause(look) if isinstance(look, float) else story.get(image(**look))
    assert story.verdict("labels.set") == verdict
    assert story.verdict("labels.fingerprint-changes") == "kept" or verdict == "broken"


def test_labels_from_before_several_changes_may_be_seen_for_a_moment() -> None:
    green = {"labels": {"colour": "green"}, "labelFingerprint": "AAAAAAAAAAE="}
    story = made(**OLD).change("setLabels", {"labels": RED["labels"], "labelFingerprint": CURRENT}).get(image(**RED))
    story = story.change("setLabels", {"labels": green["labels"], "labelFingerprint": NEW})
    assert story.get(image(**OLD)).get(image(**green)).verdict("labels.set") == "kept"
    assert story.pause(MOMENT_SECONDS).get(image(**OLD)).verdict("labels.set") == "broken"


@pytest.mark.parametrize(
    ("answer", "shown", "verdict"),
    [
        (None, {"labels": {"colour": "green"}, "labelFingerprint": "AAAAAAAAAAE="}, "broken"),
        (None, RED, "silent"),
        (STALE, RED, "kept"),
        (refusal(400, "invalid"), RED, "kept"),
    ],
    ids=["carried out", "knows nothing of labels", "refused", "takes no labels"],
)
def test_patch_with_a_stale_fingerprint(answer: Any, shown: dict[str, Any], verdict: str) -> None:
    story = made(**OLD).change("setLabels", {"labels": RED["labels"], "labelFingerprint": CURRENT}).get(image(**RED))
    code = answer["error"]["code"] if answer else 200
    story.change("patch", {"labels": {"colour": "green"}, "labelFingerprint": CURRENT}, answer=answer, code=code)
    assert story.get(image(**shown)).verdict("labels.fingerprint-required") == verdict


@pytest.mark.parametrize("pause", [0.2, 2 * MOMENT_SECONDS])
def test_labels_that_an_insert_has_set_are_old_once_they_were_changed_however_late_it_is_answered(pause: float) -> None:
    """The image was there to be changed before its insert was answered: its first labels are no later ones."""
    story = Story().insert(operation(), **OLD).get(image(**OLD))
    story.change("setLabels", {"labels": RED["labels"], "labelFingerprint": CURRENT}).pause(pause).get(image(**OLD))
    story.change("setLabels", {"labels": {}, "labelFingerprint": CURRENT}, answer=STALE, code=412)
    first, *others = story.trace().exchanges
    ledger = Ledger({"labels.set": catalogue()["labels.set"]})
    found = ledger.judge(Trace((replace(first, received=first.sent + 0.1), *others), deadline=5.0))
    assert bool(found) == (pause > MOMENT_SECONDS)


def test_who_sees_the_old_fingerprint_once_more_may_be_refused() -> None:
    story = made(**OLD).change("setLabels", {"labels": RED["labels"], "labelFingerprint": CURRENT})
    story = story.get(image(**RED)).get(image(**OLD))
    story = story.change("setLabels", {"labels": {}, "labelFingerprint": CURRENT}, answer=STALE, code=412)
    assert story.verdict("labels.set") == "kept"


def rivals(story: Story, *codes: int, given: Any = CURRENT) -> Story:
    """Simultaneous setLabels with one fingerprint, each with labels of its own."""
    for number, code in enumerate(codes):
        body = {"labels": {"n": str(number)}, "labelFingerprint": given}
        answer = {200: None, 412: STALE, 503: {}}[code]
        story.change("setLabels", body, answer=answer, code=code).meanwhile()
    return story.pause(1)


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        ((200, 412), "kept"),
        ((200, 200), "broken"),
        ((412, 412), "deviates"),
        ((412, 503), "silent"),
        ((200,), "silent"),
    ],
)
def test_one_of_simultaneous_set_labels_wins(codes: tuple[int, ...], verdict: str) -> None:
    assert rivals(made(), *codes).verdict("labels.concurrent") == verdict


@pytest.mark.parametrize("given", [7, [CURRENT], {"value": CURRENT}])
def test_fingerprint_may_be_of_any_type_that_the_target_has_given_it(given: Any) -> None:
    assert rivals(made(), 200, 200, given=given).verdict("labels.concurrent") == "broken"


def test_two_win_where_one_sets_what_was_seen_though_another_change_was_still_to_be_seen() -> None:
    old = {"state": "OBSOLETE"}
    story = made(labels={"n": "0"}).change("deprecate", old).get(image(labels={"n": "0"}))
    told = rivals(story, 200, 200).get(image(labels={"n": "1"}, labelFingerprint=NEW, deprecated=old))
    assert told.verdict("labels.concurrent") == "silent"
    assert rivals(made(labels=BLUE), 200, 200).verdict("labels.concurrent") == "broken"


@pytest.mark.parametrize(
    ("between", "shown", "verdict"),
    [
        (0.0, {"deprecated": {"state": "OBSOLETE"}}, "kept"),
        (0.0, {"deprecated": {"state": "DELETED"}}, "broken"),
        (0.0, {"deprecated": {"state": "OBSOLETE"}, "description": "fine"}, "broken"),
        (MOMENT_SECONDS, {"deprecated": {"state": "OBSOLETE"}}, "broken"),
    ],
)
def test_one_of_two_changes_a_moment_before_the_labels_may_be_seen_after_them(
    between: float, shown: dict[str, Any], verdict: str
) -> None:
    first = {"state": "DEPRECATED"}
    story = made().change("deprecate", first).meanwhile().change("deprecate", {"state": "OBSOLETE"}).pause(between)
    story = story.get(image(deprecated=first)).change("setLabels", {"labels": BLUE, "labelFingerprint": CURRENT})
    assert story.get(image(labels=BLUE, labelFingerprint=NEW, **shown)).verdict("labels.set") == verdict


@pytest.mark.parametrize(("pause", "verdict"), [(0.0, "kept"), (MOMENT_SECONDS, "broken")])
def test_labels_of_a_moment_before_are_not_those_of_a_refused_request(pause: float, verdict: str) -> None:
    first = {"labels": BLUE, "labelFingerprint": CURRENT}
    story = made().change("setLabels", first).meanwhile()
    story.change("setLabels", {"labels": {"colour": "red"}, "labelFingerprint": CURRENT})
    story.pause(pause).get(image(labels={"colour": "red"}, labelFingerprint=NEW))
    story.change("setLabels", {"labels": {"colour": "green"}, "labelFingerprint": CURRENT}, answer=STALE, code=412)
    seen = image(labels=BLUE, labelFingerprint="AAAAAAAAAAE=")
    assert story.get(seen).verdict("labels.fingerprint-required") == verdict


def test_insert_that_failed_does_not_end_the_moment_in_which_old_labels_are_seen() -> None:
    story = made().change("setLabels", {"labels": BLUE, "labelFingerprint": CURRENT})
    story.get(image(labels=BLUE, labelFingerprint=NEW))
    failed: dict[str, Any] = {"error": {"errors": [{"code": "ALREADY_EXISTS"}]}, "httpErrorStatusCode": 409}
    story.insert(operation(**failed, id="1005", name="operation-5", clientOperationId=None), request_id=None)
    assert not story.get(image()).broken() & {"life.model", "labels.set"}


@pytest.mark.parametrize(
    ("before", "judged"),
    [
        (lambda story: story, True),
        (lambda story: story.get(image(labelFingerprint=NEW)), False),
        (lambda story: story.get(image(labelFingerprint=NEW)).get(image()), True),
        (lambda story: story.change("patch", {"labels": BLUE}), False),
        (lambda story: story.change("patch", {"labels": BLUE}).get(image(labels=BLUE)), True),
        (lambda story: story.change("patch", {"labels": BLUE}, name="two"), True),
        (lambda story: story.within("q").change("patch", {"labels": BLUE}).within("p"), True),
        (lambda story: story.get(image(name="two", labelFingerprint=NEW), name="two"), True),
    ],
)
def test_all_may_lose_whose_fingerprint_is_out_of_date(before: Step, judged: bool) -> None:
    told = rivals(before(made()), 412, 412).verdict("labels.concurrent")
    assert told == ("deviates" if judged else "silent")


def test_all_may_lose_where_nobody_was_shown_the_fingerprint() -> None:
    story = Story().insert(operation("PENDING")).poll(operation())
    assert rivals(story, 412, 412).verdict("labels.concurrent") == "silent"


LOCKED = image(locked=True)
UNLOCK: Step = lambda story: story.change("patch", {"locked": False})  # noqa: E731 - a step of a story


@pytest.mark.parametrize(
    ("before", "patch", "later", "verdict"),
    [
        (lambda story: story.get(LOCKED), UNLOCK, lambda story: story.get(LOCKED), "kept"),
        (lambda story: story.get(LOCKED), UNLOCK, lambda story: story.get(image()), "broken"),
        (lambda story: story, UNLOCK, lambda story: story.get(image()), "silent"),
        (lambda story: story.get(LOCKED), UNLOCK, lambda story: story, "silent"),
        (lambda story: story.get(LOCKED).get(image()), UNLOCK, lambda story: story.get(image()), "silent"),
        (lambda story: story.get(LOCKED), UNLOCK, lambda story: story.within("q").get(image()), "silent"),
        (lambda story: story.get(LOCKED), UNLOCK, lambda story: story.get(image(name="two"), name="two"), "silent"),
        (
            lambda story: story.get(LOCKED),
            UNLOCK,
            lambda story: story.say("GET", "images/one?fields=name", None, 200, {"name": "one"}),
            "silent",
        ),
        (
            lambda story: story.get(LOCKED),
            lambda story: story.change("patch", {"description": "x"}),
            lambda story: story.get(image()),
            "silent",
        ),
        (
            lambda story: story.get(LOCKED),
            lambda story: story.change("patch", {"locked": False}, answer={}, code=503),
            lambda story: story.get(image()),
            "silent",
        ),
        (
            lambda story: story.get(LOCKED),
            lambda story: story.change("patch", {"locked": False}, answer=refusal(400, "invalid"), code=400),
            lambda story: story.get(image()),
            "broken",
        ),
    ],
)
def test_patch_leaves_a_lock_alone(before: Step, patch: Step, later: Step, verdict: str) -> None:
    story = Story().insert(operation("PENDING"), locked=True).poll(operation())
    assert later(patch(before(story))).verdict("image.locked.forbids") == verdict


def test_fingerprint_that_is_never_shown_does_not_change() -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).get(image(labelFingerprint=None))
    story.change("patch", {"labels": {"a": "b"}}).pause(5).get(image(labelFingerprint=None, labels={"a": "b"}))
    assert story.verdict("labels.fingerprint-changes") == "silent"
    assert story.verdict("image.label-fingerprint.format") == "broken"
