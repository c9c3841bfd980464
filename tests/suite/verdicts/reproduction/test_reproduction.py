"""A breach can be seen again: its scripts fail on the broken target, and pass on a correct one."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.bad_target import Answer, BadTarget, always
from helpers.story import REQUEST_ID, Story, image, operation, refusal

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract import Breach, catalogue
from conformance.contract.history import History
from conformance.contract.rule import expect
from conformance.emulator.faults import FAULTS
from conformance.emulator.process import EmulatorProcess
from conformance.trace.exchange import Intent, Response, Trace
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.reproduction import reproduction
from conformance.verdicts.reproduction import scripts as written
from conformance.verdicts.reproduction.fact import Fact
from conformance.verdicts.reproduction.facts import Inquiry
from conformance.verdicts.reproduction.leaves import leaves
from conformance.verdicts.reproduction.plan import plan

BROKEN = (
    "request-id.zero-refused/unchecked",
    "request-id.replay-same-operation/new-operation",
    "request-id.replay-concurrent/second-image",
    "image.name.pattern/underscore-accepted",
    "image.id/number",
    "image.labels.round-trip/one-added",
    "encryption.image.raw-key-length/unchecked",
    "operation.insert-time/hour-off",
    "operation.done-is-final/message-appears",
    "operation.error-shape/no-code",
    "operation.target-id/own-id",
    "operation.type.error.errors.errorDetails.help.links/text",
    "life.list-filter/ignored",
    "transport.json/html",
    "transport.incomplete-request/carried-out",
)
"""One fault for each way in which a breach is recognised."""

KEY = "SW1hZ2VzIGFyZSBlbmNyeXB0ZWQgd2l0aCBhIGtleSE="


def outcome(script: Path, url: str) -> int:
    """The exit status of a script against a target."""
    command = ["sh", str(script)]
    if script.suffix == ".py":
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(script)]
    environment = {**os.environ, "URL": url}
    return subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False).returncode


@pytest.mark.nightly
@pytest.mark.parametrize("fault", [fault.id for fault in FAULTS if fault.id in BROKEN])
def test_scripts_fail_on_the_broken_target_alone(fault: str, tmp_path: Path) -> None:
    rule = next(row.rule for row in FAULTS if row.id == fault)
    with EmulatorProcess(faults=[fault]) as broken, EmulatorProcess() as correct:
        settings = Settings(url=broken.url, second_project="other", sources=embedded_sources("conformance"), workers=1)
        results = judge(settings, (rule,), scripts=True)
        (row,) = (row for row in results.rules if row.id == rule)
        reproduce = row.breaches[0].reproduce
        for name, script in (("reproduce.sh", reproduce.shell), ("test_reproduce.py", reproduce.pytest)):
            path = tmp_path / name
            path.write_text(script, encoding="utf-8")
            assert outcome(path, broken.url) == 1, script
            assert outcome(path, correct.url) == 0, script


def test_there_is_a_fault_for_each_name() -> None:
    assert set(BROKEN) <= {fault.id for fault in FAULTS}


def test_script_needs_a_target(tmp_path: Path) -> None:
    found = scripts("image.kind", told(kind="compute#disk"))
    for name, script, status in (("reproduce.sh", found["shell"], 2), ("test_reproduce.py", found["pytest"], 1)):
        path = tmp_path / name
        path.write_text(script, encoding="utf-8")
        assert outcome(path, "http://127.0.0.1:1") == status


@pytest.mark.parametrize(("seconds", "tries"), [(120, 10), (0, 1)])
@pytest.mark.parametrize("suffix", ["sh", "py"])
def test_script_ends_whatever_is_answered(
    suffix: str, seconds: int, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for no operation where none comes back, and tries no more once its time is over."""
    monkeypatch.setattr(written, "TRYING_SECONDS", seconds)
    path = tmp_path / f"test_reproduce.{suffix}"
    name = "conformance-12345678-main-1"
    story = Story().insert(operation("PENDING"), name=name).poll(operation("DONE"))
    trace = story.get(image(name=name, kind="compute#disk"), name=name).trace()
    path.write_text(scripts("image.kind", trace)[{"sh": "shell", "py": "pytest"}[suffix]], encoding="utf-8")
    with BadTarget(always(Answer(200, b'{"items": []}'))) as bad:
        assert outcome(path, bad.url) == 0
    assert sum(asked.verb == "POST" for asked in bad.asked) == tries
    assert sum("/operations/" in asked.target for asked in bad.asked) == tries


def told(**changes: Any) -> Trace:
    """The story of an insert whose image, when it is looked at, has been changed."""
    story = Story().insert(operation("PENDING")).poll(operation("DONE"))
    return story.say("GET", "images/one", None, 200, image(**changes)).trace()


def first_breach(rule: str, trace: Trace) -> Breach:
    """The first breach of a rule in a trace."""
    return next(found for found in catalogue()[rule].judge(History(trace)) if found is not None)


def facts(rule: str, trace: Trace) -> list[Fact]:
    """The facts of the first breach of a rule, but for those about the status of answers."""
    found = Inquiry(catalogue()[rule], first_breach(rule, trace), trace).facts()
    return [fact for fact in found if not fact.path.startswith(":")]


def scripts(rule: str, trace: Trace) -> dict[str, str]:
    """The scripts for the first breach of a rule."""
    breach = first_breach(rule, trace)
    example = {
        "message": breach.message,
        "expected": breach.expected,
        "observed": breach.observed,
        "numbers": [exchange.number for exchange in breach.exchanges],
        "trace": trace.record,
    }
    return reproduction(catalogue()[rule], example, Settings(url="http://server"))


@pytest.mark.parametrize(
    ("rule", "changes", "fact"),
    [
        ("image.kind", {"kind": "compute#disk"}, Fact("is", 3, ".kind", '"compute#disk"')),
        ("image.kind", {"kind": None}, Fact("has", 3, ".kind", holds=False)),
        ("image.type.diskSizeGb", {"diskSizeGb": 10}, Fact("typed", 3, ".diskSizeGb", "number")),
        ("image.id", {"id": 2001}, Fact("typed", 3, ".id", "number")),
    ],
)
def test_decisive_part_of_an_answer_is_found(rule: str, changes: dict[str, Any], fact: Fact) -> None:
    assert facts(rule, told(**changes)) == [fact]


def test_long_list_costs_few_questions() -> None:
    """Others' images are left out before each part of an answer is tried."""
    others = [image(name=f"other-{number}", id=f"{3000 + number}") for number in range(400)]
    page = {"kind": "compute#imageList", "items": [*others[:200], image(kind="compute#disk"), *others[200:]]}
    trace = Story().insert(operation("DONE")).say("GET", "images", None, 200, page).get({}, status=404).trace()
    asked = 0
    judge = catalogue()["image.kind"].judge

    def counting(history: History) -> Iterable[Breach | None]:
        nonlocal asked
        asked += len(history.exchanges[1].items)
        return judge(history)

    rule = replace(catalogue()["image.kind"], judge=counting)
    found = Inquiry(rule, first_breach("image.kind", trace), trace).facts()
    assert Fact("is", 2, ".items[].kind", '"compute#disk"') in found
    assert asked < 2_000


FOREIGN = "conformance-12345678-gw1-4"
ECHO = image(name=FOREIGN, imageEncryptionKey={"rawKey": KEY})


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("images/family/f", ECHO),
        ("zones/us-central1-a/imageFamilyViews/f", {"image": ECHO}),
        ("images", {"kind": "compute#imageList", "items": [image(), ECHO]}),
    ],
)
def test_what_others_have_made_no_script_repeats(path: str, answer: dict[str, Any]) -> None:
    """On a fresh target there is nothing of it."""
    rule, secrets = "encryption.never-echoed", frozenset({KEY})
    look = Story().say("GET", path, None, 200, answer)
    assert not scripts(rule, replace(look.trace(), secrets=secrets))["shell"]
    own = Story().insert(operation("DONE"), name=FOREIGN).say("GET", path, None, 200, answer)
    assert scripts(rule, replace(own.trace(), secrets=secrets))["shell"]


def test_look_that_is_not_shown_counts_where_the_breach_rests_on_it() -> None:
    """A correct target carries out the same requests, and shows something else."""

    def judge(history: History) -> Iterable[Breach | None]:
        second = history.exchanges[-1].items[1:]
        yield expect(not second, "there are two", history.exchanges[0], expected="one", observed="two")

    page = {"kind": "compute#imageList", "items": [image(), image(id="2002")]}
    trace = Story().insert(operation("DONE")).say("GET", "images", None, 200, page).trace()
    rule = replace(catalogue()["image.kind"], judge=judge)
    (breach,) = (found for found in judge(History(trace)) if found is not None)
    assert Fact("has", 2, ".items[].kind", times=2) in Inquiry(rule, breach, trace).facts()


@pytest.mark.parametrize("body", [{"error": "gone"}, {"error": {"message": "gone"}}, ["gone"], "gone"])
def test_refusal_in_another_form_is_told_by_what_it_lacks(body: Any) -> None:
    """A correct target refuses the same request, so that its status says nothing."""
    rule, trace = catalogue()["transport.error-envelope"], Story().get(body, status=404).trace()
    assert Fact("has", 1, ".error.code", holds=False) in plan(rule, first_breach(rule.id, trace), trace).facts[-1]


def test_part_that_every_refusal_lacks_is_told() -> None:
    """The same request is refused by a correct target as well: with the part, and with everything else the same."""
    error = {"code": 400, "message": "Required field 'resource' not specified"}
    rule, trace = catalogue()["transport.error-list"], Story().get({"error": error}, status=400).trace()
    facts = plan(rule, first_breach(rule.id, trace), trace).facts
    assert any(fact.path.startswith(".error.errors") and not fact.holds for fact, _ in facts)


def test_facts_of_an_answer_are_those_of_the_wire() -> None:
    """An error that is answered 200 is an error to every rule, but a script sees 200."""
    rule, trace = catalogue()["transport.error-envelope"], Story().get(refusal(404, "notFound")).trace()
    facts = [fact for fact, _ in plan(rule, first_breach(rule.id, trace), trace).facts]
    assert [(fact.path, fact.token, fact.holds) for fact in facts if fact.path.startswith(":")] == [
        (":status", "200", True)
    ]


@pytest.mark.parametrize(
    ("rule", "story", "witnesses"),
    [
        (
            "request-id.replay-same-operation",
            Story().insert(operation("PENDING")).insert({}, code=409).get(image(status="PENDING")),
            [],
        ),
        (
            "source.image.not-ready",
            Story()
            .insert(operation("PENDING"))
            .insert(
                operation("DONE"),
                name="two",
                sourceImage="projects/p/global/images/one",
                intent=Intent(valid=False, rules=("source.image.not-ready",)),
            )
            .get(image(status="PENDING")),
            [3],
        ),
    ],
)
def test_only_what_a_request_uses_has_to_be_seen_pending(rule: str, story: Story, witnesses: list[int]) -> None:
    trace = story.trace()
    found = plan(catalogue()[rule], first_breach(rule, trace), trace).facts
    assert [fact.number for fact, _ in found if fact.token == '"PENDING"'] == witnesses


def test_leaves_are_those_of_the_json() -> None:
    value = {"a": [{"b": "x,y"}, {"b": 1.5}], "c": {"d.e": True, "": None}, "f": [], 'g"': "\\"}
    assert [(leaf.path, leaf.value) for leaf in leaves(json.dumps(value).encode())] == [
        (".a[].b", "x,y"),
        (".a[].b", 1.5),
        (".c.d.e", True),
        ('.g\\"', "\\"),
    ]
    assert leaves(b"<html>") == []


def test_replay_has_fresh_names_and_request_ids() -> None:
    trace = told(kind="compute#disk")
    steps = plan(catalogue()["image.kind"], first_breach("image.kind", trace), trace).steps
    assert [step.number for step in steps] == [1, 2, 3]
    assert steps[1].wait
    assert REQUEST_ID not in repr(steps)
    found = scripts("image.kind", trace)
    assert REQUEST_ID not in found["shell"] + found["pytest"]


def test_scripts_hold_no_key_and_import_nothing_of_ours() -> None:
    told_of = Story().insert(operation("DONE"), imageEncryptionKey={"rawKey": KEY})
    trace = told_of.say("GET", "images/one", None, 200, image(kind="compute#disk", description=KEY)).trace()
    trace = Trace(trace.exchanges, frozenset({KEY}))
    for rule in ("image.kind", "encryption.never-echoed"):
        found = scripts(rule, trace)
        assert KEY not in found["shell"] + found["pytest"]
        imported = {
            name.name.partition(".")[0]
            for node in ast.walk(ast.parse(found["pytest"]))
            if isinstance(node, ast.Import)
            for name in node.names
        }
        assert imported - sys.stdlib_module_names == {"pytest", "requests"}


def test_race_is_known_by_the_gravest_difference_of_its_answers() -> None:
    """Two operations on two images: no one field makes the answers agree."""
    story = Story().insert(operation("PENDING")).meanwhile()
    story.insert(operation("PENDING", id="1002", name="operation-2", targetId="2002", selfLink=None))
    trace, rule = story.trace(), catalogue()["request-id.replay-concurrent"]
    facts = [fact for fact, _ in plan(rule, first_breach(rule.id, trace), trace).facts]
    assert facts == [Fact("distinct", 1, ".targetId", race=True)]


@pytest.mark.parametrize(("again", "tries", "written"), [(3, 3, True), (1, 3, True), (0, 0, True), (0, 3, False)])
def test_what_was_never_seen_again_has_no_script(again: int, tries: int, written: bool) -> None:
    """It hangs on luck, so that a script proves nothing."""
    ledger = Ledger(catalogue())
    ledger.judge(told(kind="compute#disk"))
    ledger.confirm("image.kind", again, tries)
    collector = Collector(Settings(url="http://server"))
    collector.take({"ledger": ledger.drain()})
    (row,) = (row for row in collector.results(scripts=True).rules if row.id == "image.kind")
    reproduce = row.breaches[0].reproduce
    assert bool(reproduce.shell) is written
    assert not reproduce.trace


def test_hostile_answer_stays_a_comment_or_a_text() -> None:
    hostile = '$(touch pwned)`touch pwned`\'";\n"""\x1b[31m\u202e{{ 7 * 7 }}'
    found = scripts("image.kind", told(kind=hostile))
    ast.parse(found["pytest"])
    assert "49" not in found["shell"].splitlines()[1]
    checked = subprocess.run(["sh", "-n"], input=found["shell"], text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "\x1b" not in found["shell"] + found["pytest"]


def test_script_shows_a_hostile_name_as_it_is() -> None:
    """What turns the order of characters round would let a program look like another one."""
    turned = "key\u202e\u2066\x7f\x9b\u2028"
    found = scripts("image.labels.round-trip", told(labels={turned: "b"}))
    assert "\\u202e" in found["pytest"]
    assert "\\342\\200\\256" in found["shell"]
    assert not set(turned[3:]) & set(found["shell"] + found["pytest"])


def test_answer_of_any_depth_is_no_error() -> None:
    for depth in (300, 900, 5_000):
        body = json.dumps(image(kind="compute#disk"))[:-1] + ', "deep": ' + "[" * depth + "1" + "]" * depth + "}"
        trace = told(kind="compute#disk")
        last = trace.exchanges[-1]
        deep = replace(last, response=Response(200, {"content-type": "application/json"}, body.encode()))
        trace = replace(trace, exchanges=(*trace.exchanges[:-1], deep))
        breaches = [found for found in catalogue()["image.kind"].judge(History(trace)) if found is not None]
        assert not breaches or scripts("image.kind", trace)["command"]
