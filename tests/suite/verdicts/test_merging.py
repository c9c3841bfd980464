"""However a run is split, into shards or over workers, and in whatever order its parts come in, it comes to the
same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.config.settings import Settings
from conformance.contract import catalogue
from conformance.verdicts.collector import Collector
from conformance.verdicts.findings import Findings
from conformance.verdicts.ledger import Ledger, Tally
from conformance.verdicts.merging import merged
from conformance.verdicts.results import Results
from conformance.verdicts.waivers import Waiver

RULES = (
    "life.insert",
    "image.kind",
    "image.id",
    "image.family.accepted",
    "operation.kind",
    "request-id.replay-same-operation",
    "request-id.replay-after-delete",
    "transport.empty-body",
    "labels.set",
    "labels.fingerprint-changes",
)
"""Rules of both bases: some stand on others, yield to them, or prove something by them."""

URL = "http://127.0.0.1:1"


def counted(rule: str, observations: int, breaches: int, deviations: int, first: int | None) -> dict[str, Any]:
    """What one scenario counts of one rule, as it travels to the controller."""
    beside = {"life.insert": breaches} if breaches and rule != "life.insert" else {}
    example = {
        "message": f"{rule} is broken",
        "expected": "",
        "observed": "",
        "exchanges": [],
        "numbers": [],
        "size": [1],
        "timeline": [],
    }
    return {
        "ledger": {
            "tallies": {
                rule: vars(Tally(observations, breaches, deviations, first, [example] if breaches else [], beside))
            },
            "errors": {},
            "answers": {"images.get 404": observations},
        },
        "seconds": {rule: 0.25},
        "cost": {"requests": observations, "retries": 0, "images": 1, "waiting": 0.5, "latencies": {}},
    }


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    """What a scenario counts: a rule that holds, is broken, deviates, or makes the suite fail."""
    rule = draw(st.sampled_from(RULES))
    observations = draw(st.integers(1, 3))
    breaches = draw(st.integers(0, observations))
    payload = counted(rule, observations, breaches, draw(st.integers(0, breaches)), 0 if breaches else None)
    tries = draw(st.integers(0, 3)) if breaches else 0
    payload["ledger"]["tallies"][rule] |= {"again": draw(st.integers(0, tries)), "tries": tries}
    if draw(st.integers(0, 15)) == 0:
        payload["ledger"]["errors"] = {rule: "a mistake of ours"}
    return payload


def judged(parts: Sequence[dict[str, Any]], findings: Findings, waivers: Sequence[Waiver], **options: Any) -> Results:
    """The results of a run, or of a shard, that counts this."""
    collector = Collector(Settings(url=URL, **options), waivers)
    collector.begin()
    collector.findings = findings
    for part in parts:
        collector.take(part)
    return collector.results()


def essence(results: Results) -> dict[str, Any]:
    """What has to be the same however a run is split."""
    rows = {
        row.id: (
            row.verdict,
            row.cause,
            row.root,
            row.reason,
            row.seconds,
            row.observations,
            row.breach_count,
            row.deviation_count,
            row.confirmation,
            [breach.message for breach in row.breaches],
        )
        for row in results.rules
    }
    states = {waiver.rule: waiver.state for waiver in results.waivers}
    return {
        "rows": rows,
        "summary": results.summary,
        "cost": results.cost,
        "waivers": states,
        "notes": results.notes,
        "answers": results.answers,
    }


FINDINGS = st.builds(
    Findings,
    absent=st.dictionaries(st.sampled_from(["set_labels", "wait"]), st.just("the target does not offer it")),
    present=st.just(["list"]),
    broken=st.sampled_from(["", "", "the operation of a plain insert fails"]),
)
OPTIONS = st.fixed_dictionaries(
    {
        "strict": st.booleans(),
        "require_complete": st.booleans(),
        "only": st.sampled_from([(), ("image.*", "life.*")]),
        "require": st.sampled_from([(), ("family",)]),
        "intermittent": st.sampled_from(["fail", "report"]),
    }
)
WAIVERS = st.lists(
    st.builds(
        Waiver,
        rule=st.sampled_from(["image.*", "labels.set", "operation.kind"]),
        target=st.sampled_from(["http://127.0.0.1:*", "https://elsewhere/*"]),
        reason=st.just("known"),
        link=st.just("https://issues.example.com/1"),
        expires=st.sampled_from([datetime.now(UTC).date() + timedelta(days) for days in (30, -30)]),
    ),
    max_size=2,
    unique_by=lambda waiver: waiver.rule,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(payloads(), max_size=8), FINDINGS, WAIVERS, OPTIONS, st.integers(1, 4), st.data())
def test_merged_shards_are_the_run_that_was_not_split(  # noqa: PLR0913 - all that a run depends on
    parts: list[dict[str, Any]],
    findings: Findings,
    waivers: list[Waiver],
    options: dict[str, Any],
    count: int,
    data: st.DataObject,
) -> None:
    whole = judged(parts, findings, waivers, **options)
    places = data.draw(st.lists(st.integers(1, count), min_size=len(parts), max_size=len(parts)))
    order = data.draw(st.permutations(range(1, count + 1)))
    shards = {}
    for number in order:
        own = [part for part, place in zip(parts, places, strict=True) if place == number]
        found = judged(own, findings, waivers, shard=f"{number}/{count}", **options)
        shards[Path(f"{number}.json")] = Results.model_validate(found.to_json())
    again = merged(shards)
    assert essence(again) == essence(whole)
    assert again.run.shard is None
    assert again.target == whole.target


@settings(deadline=None, max_examples=50)
@given(st.lists(payloads(), max_size=8), st.integers(1, 4), st.data())
def test_workers_count_what_one_process_counts(parts: list[dict[str, Any]], count: int, data: st.DataObject) -> None:
    alone = judged(parts, Findings(), ())
    ledgers = [Ledger(catalogue()) for _ in range(count)]
    for part in parts:
        data.draw(st.sampled_from(ledgers)).merge(part["ledger"])
    costs = [{"cost": part["cost"], "seconds": part["seconds"]} for part in parts]
    drained = [{"ledger": ledger.drain()} for ledger in data.draw(st.permutations(ledgers))]
    assert essence(judged([*costs, *drained], Findings(), ())) == essence(alone)


def test_two_shards_that_deviate_make_no_failed_run() -> None:
    """A documented rule of which merely a part deviates stays a deviation when its shards are merged."""
    holds = counted("image.id", 1, 0, 0, None)
    parts = [[counted("image.kind", 3, 2, 2, 0), holds], [counted("image.kind", 2, 1, 1, 0), holds]]
    shards = {
        Path(f"{number}.json"): judged(part, Findings(), (), shard=f"{number}/2")
        for number, part in enumerate(parts, 1)
    }
    assert [part.summary.exit_status for part in shards.values()] == [0, 0]
    again = merged(shards)
    assert again.verdicts["image.kind"] == "deviates"
    assert again.summary.exit_status == 0
