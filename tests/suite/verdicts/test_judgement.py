"""From what was counted to verdicts: evidence of a rule's own fails it, and says what it follows from."""

import json

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal

from conformance.contract import Rule, catalogue
from conformance.trace.exchange import Intent
from conformance.verdicts.judgement import Judgement, judgements
from conformance.verdicts.ledger import Ledger, Tally
from conformance.verdicts.verdict import Verdict


def rule(name: str, basis: str = "doc", **more: tuple[str, ...] | str) -> Rule:
    """A rule of a small catalogue, which is never asked to judge."""
    return Rule(name, basis, "holds", "nowhere", "since", lambda history: (), **more)  # type: ignore[arg-type]


def judged(*rules: Rule, **tallies: Tally) -> dict[str, Judgement]:
    """The verdicts on rules named `a`, `b` and so on."""
    book = {each.id: each for each in rules}
    ledger = Ledger(book)
    ledger.tallies.update(tallies)
    return judgements(book, ledger, {})


def test_rule_with_evidence_of_its_own_fails_and_names_its_root() -> None:
    found = judged(rule("a"), rule("b", requires=("a",)), a=Tally(4, 1), b=Tally(4, 2, beside={"a": 2}))
    assert (found["b"].verdict, found["b"].root) == (Verdict.FAILED, "a")
    assert (found["a"].verdict, found["a"].root) == (Verdict.FAILED, "a")


def test_rule_whose_breaches_are_shown_elsewhere_is_its_own_root() -> None:
    found = judged(rule("a"), rule("b", requires=("a",)), a=Tally(4, 1), b=Tally(4, 2, beside={"": 2}))
    assert (found["b"].verdict, found["b"].root) == (Verdict.FAILED, "b")


def test_rule_whose_breaches_another_one_led_to_names_it() -> None:
    """Even where it does not stand on it: the judge has seen that."""
    found = judged(rule("a"), rule("b"), a=Tally(4, 1), b=Tally(4, 2, beside={"a": 2}))
    assert (found["b"].verdict, found["b"].root) == (Verdict.FAILED, "a")
    assert judged(rule("a"), rule("b"), a=Tally(4, 1), b=Tally(4, 3, beside={"a": 1}))["b"].root == "b"


@pytest.mark.parametrize(("seen", "root"), [("PENDING", "operation.success-means-ready"), ("READY", "")])
def test_refusal_of_what_is_done_and_pending_follows_from_that(seen: str, root: str) -> None:
    """An operation was DONE too early: that its image can be used by nobody yet is no other fault."""
    used = Intent(valid=True, rules=("deprecate.use-obsolete",))
    story = Story().insert(operation("DONE")).get(image(status="PENDING")).get(image(status=seen))
    link = "projects/p/global/images/one"
    story.insert(refusal(400, "invalid"), code=400, name="two", sourceImage=link, request_id=None, intent=used)
    ledger = Ledger(catalogue())
    ledger.judge(story.trace())
    assert ledger.tallies["deprecate.use-obsolete"].beside == ({root: 1} if root else {})
    found = judgements(catalogue(), ledger, {})
    assert found["deprecate.use-obsolete"].root == (root or "deprecate.use-obsolete")


@pytest.mark.parametrize(
    ("rule_id", "field", "value"),
    [("image.id", "id", 2001), ("image.disk-size-gb", "diskSizeGb", 10)],
)
def test_value_of_another_type_is_one_fault(rule_id: str, field: str, value: int) -> None:
    ledger = Ledger(catalogue())
    ledger.judge(Story().insert(operation("DONE")).get(image(**{field: value})).trace())
    found = judgements(catalogue(), ledger, {})
    assert (found[rule_id].verdict, found[rule_id].root) == (Verdict.FAILED, f"image.type.{field}")


@pytest.mark.parametrize(
    ("rule_id", "field", "value"),
    [
        ("operation.id", "id", 1001),
        ("operation.progress", "progress", "100"),
        ("request-id.client-operation-id", "clientOperationId", 7),
    ],
)
def test_value_of_another_type_is_one_fault_of_an_operation(rule_id: str, field: str, value: object) -> None:
    ledger = Ledger(catalogue())
    ledger.judge(Story().insert(operation("DONE", **{field: value})).trace())
    found = judgements(catalogue(), ledger, {})
    assert (found[rule_id].verdict, found[rule_id].root) == (Verdict.FAILED, f"operation.type.{field}")


def test_roots_are_followed_to_their_end() -> None:
    chain = (rule("a"), rule("b", requires=("a",)), rule("c", requires=("b",)))
    found = judged(*chain, a=Tally(2, 2), b=Tally(2, 2, beside={"": 2}), c=Tally(2, 2, beside={"b": 2}))
    assert found["c"].root == "a"


def test_rule_that_could_not_be_seen_is_blocked() -> None:
    chain = (rule("a"), rule("b", requires=("a",)), rule("c", requires=("b",)))
    found = judged(*chain, a=Tally(2, 1))
    for name in ("b", "c"):
        assert (found[name].verdict, found[name].cause, found[name].root) == (Verdict.BLOCKED, "a", "a")


@pytest.mark.parametrize(
    ("tally", "verdict"),
    [
        (Tally(3, 3, deviations=3), Verdict.BLOCKED),
        (Tally(3, 1, deviations=1), Verdict.NOT_EXERCISED),
        (Tally(3, 1), Verdict.BLOCKED),
    ],
    ids=["never held", "deviates at times", "broken at times"],
)
def test_what_deviates_at_times_keeps_nothing_from_being_seen(tally: Tally, verdict: Verdict) -> None:
    assert judged(rule("a"), rule("b", requires=("a",)), a=tally)["b"].verdict is verdict


@pytest.mark.parametrize(
    ("seen", "verdict"), [({}, Verdict.BLOCKED), ({"life.insert": Tally(1)}, Verdict.NOT_EXERCISED)]
)
def test_where_no_insert_ends_all_that_nobody_saw_is_blocked_by_that(seen: dict[str, Tally], verdict: Verdict) -> None:
    """Other operations may end, so that the rule holds at times."""
    rules = (rule("operation.reaches-done", "conv"), rule("life.insert"), rule("labels.set"))
    found = judged(*rules, **{"operation.reaches-done": Tally(9, 3)}, **seen)
    assert found["labels.set"].verdict is verdict
    assert found["labels.set"].root == ("operation.reaches-done" if verdict is Verdict.BLOCKED else "")


@pytest.mark.parametrize(("status", "verdict"), [(400, Verdict.NOT_EXERCISED), (200, Verdict.BLOCKED)])
def test_rule_whose_own_method_always_fails_is_blocked_by_nothing_else(status: int, verdict: Verdict) -> None:
    book = catalogue()
    needed = next(name for name in book["labels.set"].requires if name != "labels.set")
    ledger = Ledger(book)
    ledger.tallies[needed] = Tally(9, 1)
    ledger.answers[f"images.setLabels {status}"] = 3
    found = judgements(book, ledger, {})["labels.set"]
    assert found.verdict is verdict
    assert (found.reason == "every images.setLabels was answered HTTP 400") == (status == 400)


def test_keeping_a_rule_proves_nothing_where_its_witness_never_held() -> None:
    """A target whose get always answers 404 passes no rule by it."""
    pair = (rule("a"), rule("b", witness="a"))
    assert judged(*pair, a=Tally(3, 3), b=Tally(5))["b"].verdict is Verdict.BLOCKED
    assert judged(*pair, a=Tally(3, 2), b=Tally(5))["b"].verdict is Verdict.PASSED
    assert judged(*pair, b=Tally(5))["b"].verdict is Verdict.PASSED


def test_deviation_never_causes_a_failure() -> None:
    pair = (rule("a", "conv"), rule("b", requires=("a",)))
    found = judged(*pair, a=Tally(3, 3), b=Tally(5, 5, beside={"": 5}))
    assert (found["b"].verdict, found["b"].cause) == (Verdict.BLOCKED, "a")
    found = judged(*pair, a=Tally(3, 1), b=Tally(5, 5, beside={"a": 5}))
    assert (found["b"].verdict, found["b"].root) == (Verdict.FAILED, "b")


@pytest.mark.parametrize(
    ("wide", "beside", "verdict"),
    [
        (9, {"a": 3}, Verdict.BLOCKED),
        (9, {"a": 2, "": 1}, Verdict.FAILED),
        (3, {"a": 3}, Verdict.FAILED),
    ],
)
def test_rule_yields_to_one_that_says_it_better(wide: int, beside: dict[str, int], verdict: Verdict) -> None:
    """Where each of its breaches is shown by an answer that breaks that one, too, and that one is broken elsewhere as
    well."""
    pair = (rule("a"), rule("b", yields_to=("a",)))
    assert judged(*pair, a=Tally(20, wide), b=Tally(5, 3, beside=beside))["b"].verdict is verdict


def test_rule_yields_to_one_that_never_held() -> None:
    pair = (rule("a"), rule("b", yields_to=("a",)))
    assert judged(*pair, a=Tally(2, 2), b=Tally(5, 5, beside={"": 5}))["b"].verdict is Verdict.BLOCKED


def test_rule_yields_to_what_its_answers_show_rather_than_to_any_that_never_held() -> None:
    rules = (rule("a"), rule("b"), rule("c", yields_to=("a", "b")))
    found = judged(*rules, a=Tally(2, 2), b=Tally(20, 9), c=Tally(5, 5, beside={"b": 4, "": 1}))
    assert (found["c"].verdict, found["c"].cause) == (Verdict.BLOCKED, "b")


def test_failure_is_not_left_to_a_deviation_that_it_does_not_show() -> None:
    """A convention that a target never keeps hides no breach of the reference that has nothing to do with it."""
    pair = (rule("a", "conv"), rule("b", yields_to=("a",)))
    assert judged(*pair, a=Tally(2, 2), b=Tally(5, 5, beside={"": 5}))["b"].verdict is Verdict.FAILED
    assert judged(*pair, a=Tally(2, 2), b=Tally(5, 5, beside={"a": 5}))["b"].verdict is Verdict.BLOCKED


def test_what_a_rule_lacked_is_told() -> None:
    """The field never came back, every request was answered with one status, no operation failed."""
    story = Story().insert(operation("PENDING")).poll(operation()).get(image())
    story.say("POST", "images/one/setLabels", {"labels": {}, "labelFingerprint": "x"}, 400, refusal(400, "invalid"))
    ledger = Ledger(catalogue())
    ledger.judge(story.trace())
    found = judgements(catalogue(), ledger, {})
    assert found["image.type.satisfiesPzs"].reason == "the field never came back"
    assert found["labels.concurrent"].reason == "every images.setLabels was answered HTTP 400"
    assert found["operation.http-error-code"].reason == "no operation failed"


def test_what_was_counted_travels_between_processes() -> None:
    story = Story().insert(operation("PENDING")).poll(operation()).get(image(status="PENDING", description="added"))
    story.insert(refusal(409, "conflict"), code=409, request_id=REQUEST_ID)
    there, here = Ledger(catalogue()), Ledger(catalogue())
    there.judge(story.trace())
    counted = {name: vars(tally) for name, tally in there.tallies.items()}
    answers = dict(there.answers)
    for _ in range(2):
        again = Ledger(catalogue())
        again.judge(story.trace())
        here.merge(json.loads(json.dumps(again.drain(), default=str)))
    assert {name: 2 * count for name, count in answers.items()} == dict(here.answers)
    for name, tally in here.tallies.items():
        assert tally.beside == {key: 2 * count for key, count in counted[name]["beside"].items()}
