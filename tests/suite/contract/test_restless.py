"""What tells images apart tells nothing where a target shows it otherwise at every look: no rule but its own is
broken by that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from helpers.story import Story, image, operation, time_of

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.trace.exchange import Trace
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.verdict import Verdict

LABELS = {"labels": {"a": "b"}, "labelFingerprint": image()["labelFingerprint"]}
OTHER = "2999"


def made() -> Story:
    """An image that was made and seen."""
    return Story().insert(operation()).get(image())


STORIES: dict[str, Callable[[], Story]] = {
    "labels.set": lambda: made().change("setLabels", LABELS).get(image(id=OTHER, labels=LABELS["labels"])),
    "life.patch": lambda: made().change("patch", {"description": "new"}).get(image(id=OTHER, description="new")),
    "life.get-by-id": lambda: made().get(image(id=OTHER), name="2001"),
    "operation.success-means-ready": lambda: Story().insert(operation()).get(image(id=OTHER)),
    "operation.target-id": lambda: Story().insert(operation()).get(image(id=OTHER)),
    "request-id.replay-creates-nothing": lambda: made().insert(operation()).get(image(id=OTHER)),
    "request-id.replay-other-body": lambda: made().insert(operation(), description="x").get(image(id=OTHER)),
}


def blamed(trace: Trace) -> set[str]:
    ledger = Ledger(catalogue())
    found = ledger.judge(trace)
    assert not ledger.errors, ledger.errors
    return {rule.id for rule, _ in found}


@pytest.mark.parametrize("rule", STORIES)
def test_id_that_changes_by_itself_is_the_matter_of_its_own_rule(rule: str) -> None:
    trace = STORIES[rule]().trace()
    assert rule in blamed(trace)
    assert blamed(replace(trace, restless=frozenset({"id"}))) <= {"image.id"}


@pytest.mark.parametrize(("polled", "alike"), [(time_of(2), False), (time_of(1), True)])
def test_operation_whose_insert_time_changes_by_itself_is_not_another_in_a_replay(polled: str, *, alike: bool) -> None:
    """It is the matter of the replay where only that shows another time."""
    first = operation("PENDING", insertTime=time_of(1))
    story = Story().insert(first).poll(operation("RUNNING", insertTime=polled))
    story.insert(operation(insertTime=time_of(2))).poll(operation(insertTime=polled))
    assert ("request-id.replay-same-operation" in story.broken()) == alike


def test_trace_that_travels_between_processes_keeps_what_is_restless() -> None:
    trace = replace(made().trace(), restless=frozenset({"id"}))
    assert Trace.from_record(trace.record).restless == {"id"}


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["image.id/changes", "image.creation-timestamp/of-the-look"])
def test_target_that_makes_it_anew_at_each_look_breaks_one_rule_in_a_whole_run(fault: str) -> None:
    with EmulatorProcess(faults=(fault,)) as emulator:
        results = judge(Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1))
    broken = {rule for rule, verdict in results.verdicts.items() if verdict in (Verdict.FAILED, Verdict.DEVIATES)}
    assert broken == {fault.partition("/")[0]}
