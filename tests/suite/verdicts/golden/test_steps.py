"""Cases laid side by side: what is compared by its kind, and what by its value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from helpers.story import REQUEST_ID, Story, image, operation, refusal

from conformance.contract import catalogue
from conformance.trace.exchange import Trace
from conformance.verdicts.golden.comparison import Comparison, Difference, Relation, compare, side
from conformance.verdicts.golden.folder import About, Golden
from conformance.verdicts.golden.steps import STATUS, steps

PROJECTS = {"p": "<project>"}
OWN, OTHER = "conformance-0a1b2c3d-gw0-7-z", "conformance-ffffffff-main-12--0"
ELSEWHERE = "http://other:8080/compute/v1/projects/q/global"


def story(name: str = OWN, request_id: str = REQUEST_ID, polls: int = 1, **changes: Any) -> Story:
    """An insert that was followed to its end, and the image."""
    link = f"https://www.googleapis.com/compute/beta/projects/p/global/images/{name}"
    own = {"targetLink": link, "clientOperationId": request_id}
    told = Story().insert(operation("PENDING", **own), name=name, request_id=request_id)
    for _ in range(polls):
        told.poll(operation("RUNNING", **own))
    told.poll(operation(**own))
    return told.get(image(name=name, selfLink=link, **changes), name=name)


def golden(*traces: Trace, project: str = "p") -> Golden:
    """A golden of one scenario."""
    about = About(
        suite_version="1",
        profile="quick",
        seed=None,
        url="http://server",
        project=project,
        api_version="beta",
        cases={"test": len(traces)},
    )
    return Golden(about, {("test", number): trace for number, trace in enumerate(traces, 1)})


def laid(recorded: Trace, target: Trace, project: str = "p") -> Comparison:
    """What comes of comparing two traces of a case."""
    return compare(side(golden(recorded), catalogue()), side(golden(target, project=project), catalogue()))


def differences(recorded: Trace, target: Trace) -> list[Difference]:
    """Where they differ, whatever rules say of it."""
    found = laid(recorded, target)
    of_rules = [item for standing in found.standings for item in standing.differences]
    return list({item.path: item for item in [*(item for item, _ in found.free), *of_rules]}.values())


def moved(trace: Trace) -> Trace:
    """The same in another project, on another host, in another version."""
    exchanges = []
    for exchange in trace.exchanges:
        assert exchange.response is not None
        url = exchange.request.url.replace("http://server/compute/beta/projects/p/global", ELSEWHERE)
        body = (exchange.request.body or b"").replace(b"projects/p/", b"projects/q/") or None
        answer = exchange.response.body.replace(
            b"https://www.googleapis.com/compute/beta/projects/p", b"//x/projects/q"
        )
        exchanges.append(
            replace(
                exchange,
                request=replace(exchange.request, url=url, body=body),
                response=replace(exchange.response, body=answer),
            )
        )
    return replace(trace, exchanges=tuple(exchanges))


def test_what_differs_by_nature_is_no_difference() -> None:
    one = story().trace()
    two = story(
        OTHER,
        "9a1b2c3d-1111-4222-8333-444455556666",
        polls=4,
        id="987654321",
        creationTimestamp="2027-05-05T05:05:05+02:00",
        labelFingerprint="AAAA",
        sourceImage="projects/other/global/images/debian",
        sourceImageId="1",
        archiveSizeBytes="5",
        diskSizeGb="20",
    ).trace()
    assert not differences(one, two)
    found = compare(side(golden(one), catalogue()), side(golden(moved(two), project="q"), catalogue()))
    assert not found.free
    assert found.compared == 1


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"description": "another"}, "description"),
        ({"labels": {"a": "b"}}, "labels.a"),
        ({"id": "no number"}, "id"),
        ({"creationTimestamp": "yesterday"}, "creationTimestamp"),
        ({"labelFingerprint": "?"}, "labelFingerprint"),
        ({"guestOsFeatures": [{"type": "GVNIC"}]}, "guestOsFeatures[0].type"),
    ],
)
def test_any_other_value_and_another_kind_is_a_difference(changes: dict[str, Any], path: str) -> None:
    found = differences(story().trace(), story(**changes).trace())
    assert [item.path for item in found] == [path]
    assert found[0].asked == "GET projects/<project>/global/images/<name 1>"


def test_order_of_a_list_has_no_meaning() -> None:
    features = [{"type": "GVNIC"}, {"type": "WINDOWS"}]
    one, two = (story(guestOsFeatures=order).trace() for order in (features, features[::-1]))
    assert not differences(one, two)


def test_size_that_was_asked_for_is_compared_by_its_value() -> None:
    def sized(shown: str) -> Trace:
        return Story().insert(operation(), diskSizeGb="10").get(image(diskSizeGb=shown)).trace()

    assert [item.path for item in differences(sized("10"), sized("20"))] == ["diskSizeGb"]


def test_where_statuses_differ_nothing_else_is_told() -> None:
    good = Story().insert(operation()).trace()
    bad = Story().insert(refusal(400, "invalid"), code=400).trace()
    assert [(item.path, item.recorded, item.target) for item in differences(good, bad)] == [(STATUS, 200, 400)]


def test_polls_are_one_step_and_its_last_answer_counts() -> None:
    told = list(steps(story(polls=3).trace(), PROJECTS))
    assert [len(step.numbers) for step in told] == [1, 4, 1]
    assert told[1].label == "look at projects/<project>/global/operations/<operation of change 1>"
    assert told[1].fields["status"] == ("DONE", "DONE")


def test_how_far_an_operation_or_an_image_is_is_chance() -> None:
    begun = Story().insert(operation("PENDING", startTime=None, targetId=None)).get(image(status="PENDING")).trace()
    ended = Story().insert(operation()).get(image()).trace()
    assert not differences(begun, ended)


def test_who_wins_a_race_is_chance() -> None:
    def race(winner: int) -> Trace:
        told = Story()
        for number in range(2):
            won = number == winner
            told.insert(operation() if won else refusal(409, "alreadyExists"), code=200 if won else 409)
        trace = told.get(image(description=str(winner))).trace()
        one, two, look = trace.exchanges
        return replace(trace, exchanges=(replace(one, received=two.received), two, look))

    assert not list(steps(race(0), PROJECTS))
    assert not differences(race(0), race(1))


def test_replay_that_is_answered_another_operation_puts_no_later_one_out() -> None:
    def replayed(answered: str) -> Trace:
        told = Story().insert(operation()).insert(operation(name=answered))
        return (
            told.insert(operation(name="operation-9"), name="two")
            .say("GET", "operations/operation-9", None, 200, {})
            .trace()
        )

    labels = [list(steps(replayed(name), PROJECTS))[-1].label for name in ("operation-1", "operation-2")]
    assert labels == ["look at projects/<project>/global/operations/<operation of change 3>"] * 2


def test_list_is_compared_by_the_images_of_the_case() -> None:
    def listed(*items: dict[str, Any], **more: str) -> Trace:
        return (
            story().say("GET", "images", None, 200, {"kind": "compute#imageList", "items": list(items), **more}).trace()
        )

    own, other = image(name=OWN), image(name="of-others", description="x")
    assert not differences(listed(own), listed(other, own, nextPageToken="t"))
    found = differences(listed(own), listed(other, {**own, "description": "y"}))
    assert [item.path for item in found] == ["items[<name 1>].description"]


def test_relations_name_who_keeps_the_rule() -> None:
    good, bad = (Story().insert(operation(kind=kind)).trace() for kind in ("compute#operation", "compute#image"))
    relations = [
        next(item for item in laid(*pair).standings if item.rule.id == "operation.kind")
        for pair in ((good, good), (good, bad), (bad, good), (bad, bad))
    ]
    assert [(standing.relation, standing.gates) for standing in relations] == [
        (Relation.BOTH_CONFORM, False),
        (Relation.TARGET_WRONG, True),
        (Relation.RECORDING_WRONG, False),
        (Relation.BOTH_BREAK, False),
    ]
    (difference,) = relations[1].differences
    assert (difference.path, difference.recorded, difference.target) == ("kind", "compute#operation", "compute#image")


def test_what_is_broken_at_times_only_and_what_is_waived_does_not_gate() -> None:
    good, bad = (Story().insert(operation(kind=kind)).trace() for kind in ("compute#operation", "compute#image"))
    recorded, target = (side(golden(trace), catalogue()) for trace in (good, bad))
    at_times = replace(target, at_times=frozenset({"operation.kind"}))
    gating = [compare(recorded, target), compare(recorded, at_times), compare(recorded, target, {"operation.kind"})]
    assert [[standing.rule.id for standing in found.gating] for found in gating] == [["operation.kind"], [], []]


def test_difference_is_told_once_and_is_what_the_breach_names() -> None:
    def polled(kind: str, user: str) -> Trace:
        told = Story().insert(operation())
        for _ in range(2):
            told.poll(operation(kind=kind, statusMessage=user)).get(image())
        return told.trace()

    found = laid(polled("compute#operation", "a"), polled("compute#image", ""))
    (standing,) = found.gating
    assert [item.path for item in standing.differences] == ["kind"]
    assert [(item.path, times) for item, times in found.free] == [("statusMessage", 2)]


def test_cases_are_paired_by_how_they_begin() -> None:
    one, two = (Story().insert(operation(), description=text).trace() for text in ("one", "two"))
    recorded, target = (side(golden(*traces), catalogue()) for traces in ((one, two), (two,)))
    found = compare(recorded, target)
    assert (found.compared, found.only_recorded, found.only_target) == (1, 1, 0)
    assert not found.free


def test_rule_that_the_target_breaks_in_a_case_of_its_own_is_told() -> None:
    one = Story().insert(operation()).trace()
    two = Story().insert(operation(kind="compute#image"), description="another").trace()
    found = compare(side(golden(one), catalogue()), side(golden(one, two), catalogue()))
    assert "operation.kind" in found.unmatched
    assert not found.gating
