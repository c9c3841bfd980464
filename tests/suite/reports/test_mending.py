"""What to mend first: roots before what hangs on them, many of a kind told once, the start of a client's life before
its end."""

from typing import Any

from conformance.reports import markdown
from conformance.reports.mending import steps
from conformance.verdicts.results import BreachResult, ExchangeResult, Reproduction, Request, Results, RuleResult
from conformance.verdicts.verdict import Verdict


def rule(name: str, verdict: Verdict = Verdict.FAILED, root: str = "", body: str = "") -> RuleResult:
    """A rule as results have it, broken by one exchange with a body."""
    request = Request(method="POST", url="http://target/compute/beta/projects/p/global/images", headers={}, body=body)
    exchange = ExchangeResult(
        number=1, method="images.insert", request=request, response=None, error=None, started="", seconds=0.0
    )
    breach = BreachResult(
        message=f"{name} is broken",
        expected="",
        observed="",
        exchanges=(exchange,),
        reproduce=Reproduction(shell="", pytest="", command=""),
    )
    return RuleResult(
        id=name,
        area=name.partition(".")[0],
        basis="doc",
        statement="holds",
        reference="nowhere",
        verdict=verdict,
        reason="",
        root=root or (name if verdict.broken else ""),
        observations=1,
        breach_count=int(verdict.broken),
        deviation_count=0,
        first_breach_after_requests=1,
        breaches=(breach,) if verdict.broken else (),
    )


def told(results: Results, *rules: RuleResult) -> list[Any]:
    """The steps for some rules: the titles, and how many hang on each."""
    changed = results.model_copy(update={"rules": rules})
    return [(step.title, len(step.following)) for step in steps(changed)]


def test_what_most_hangs_on_comes_first(conformant: Results) -> None:
    rules = (
        rule("labels.set"),
        rule("life.get-after-done"),
        rule("family.latest", root="life.get-after-done"),
        rule("life.list-once", Verdict.BLOCKED, root="life.get-after-done"),
    )
    assert told(conformant, *rules) == [
        ("life.get-after-done: life.get-after-done is broken", 2),
        ("labels.set: labels.set is broken", 0),
    ]


def test_failures_come_before_deviations_and_insert_before_keys(conformant: Results) -> None:
    rules = (
        rule("life.list-kind", Verdict.DEVIATES),
        rule("encryption.image.sha256"),
        rule("operation.name"),
        rule("life.insert"),
    )
    titles = [title.partition(":")[0] for title, _ in told(conformant, *rules)]
    assert titles == ["life.insert", "operation.name", "encryption.image.sha256", "life.list-kind"]


def test_many_of_a_kind_are_told_once(conformant: Results) -> None:
    fields = ("name", "labels", "family", "description")
    rules = [rule(f"transport.wrong-type.{name}", Verdict.DEVIATES, body="x" * len(name)) for name in fields]
    changed = conformant.model_copy(update={"rules": tuple(rules)})
    (step,) = steps(changed)
    assert step.title == "4 rules: values of the wrong JSON type are accepted"
    assert step.first.id == "transport.wrong-type.name"


def test_summary_says_what_to_mend_first(conformant: Results) -> None:
    changed = conformant.model_copy(update={"rules": (rule("labels.set"), rule("life.insert"))})
    page = markdown.render(changed)
    assert page.index("Mend first") < page.index("1. life.insert") < page.index("2. labels.set")
