"""Where images are dear: one insert is evidence for many rules, and yet blame is exact and nothing is left behind."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from helpers.bad_target import Answer, Asked, BadTarget, changed, in_front_of
from helpers.command_line import names

from conformance.client.names import is_own
from conformance.commands.run import judge
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess

pytestmark = pytest.mark.nightly


SPARING = replace(PROFILES["real"], first_look=0.0, first_poll=0.004, last_poll=0.5)


def judged(emulator: EmulatorProcess, *rules: str) -> dict[str, str]:
    """The verdicts of the sparing scenarios for some rules."""
    settings = Settings(url=emulator.url, project="conformance", sources=embedded_sources("conformance"), workers=1)
    return dict(judge(settings, rules, profile=SPARING).verdicts)


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("image.raw-disk.sha1-checksum/refused", "image.raw-disk.sha1-checksum"),
        ("source.disk.full-url/refused", "source.disk.full-url"),
        ("transport.empty-field/null-refused", "transport.empty-field"),
    ],
)
def test_only_what_is_refused_is_blamed(fault: str, rule: str) -> None:
    with EmulatorProcess(faults=[fault]) as emulator:
        verdicts = judged(emulator, rule)
    assert {name for name, verdict in verdicts.items() if verdict in ("failed", "deviates")} == {rule}


@pytest.mark.parametrize("variant", ["unknown-refused", "output-only-refused", "no-customer-keys", "no-list"])
def test_what_a_target_may_refuse_costs_no_other_rule_its_evidence(variant: str) -> None:
    rules = ("image.labels.round-trip", "image.output-only.id", "source.disk.full-url", "transport.unknown-field")
    with EmulatorProcess(variants=[variant]) as emulator:
        verdicts = judged(emulator, *rules)
    assert {verdicts[rule] for rule in rules} == {"passed"}
    assert not {"failed", "deviates"} & set(verdicts.values())


def test_images_that_broken_requests_leave_are_deleted() -> None:
    with EmulatorProcess(faults=["life.failed-insert-leaves-nothing/stored"]) as emulator:
        judged(emulator, "request-id.malformed-refused")
        assert not any(map(is_own, names(emulator.url)))


def unfinished(asked: Asked, answer: Answer) -> Answer | None:
    """Answers wait at once, with an operation that has not ended."""
    if "/wait" not in asked.target:
        return None
    return replace(answer, body=answer.body.replace(b'"DONE"', b'"RUNNING"'))


@pytest.mark.parametrize("change", [unfinished, lambda asked, _: Answer(503) if "/wait" in asked.target else None])
def test_operations_are_seen_to_end_where_wait_is_of_no_use(change: Callable[[Asked, Answer], Answer | None]) -> None:
    with EmulatorProcess() as emulator, BadTarget(in_front_of(emulator.url, changed(change))) as target:
        settings = Settings(url=target.url, sources=embedded_sources("conformance"), workers=1, only=("life.insert",))
        results = judge(settings, profile=SPARING)
    assert results.verdicts["life.insert"] == "passed"
    assert not results.cost.images_left
