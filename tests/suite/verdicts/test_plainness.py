"""The example that is shown of a broken rule is the plainest, whatever the order in which examples are found."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from helpers.story import Story, image, operation

from conformance.contract import Breach, catalogue
from conformance.contract.history import History
from conformance.trace.exchange import Exchange, Intent, Trace
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.plainness import Plainness

RULE = "operation.kind"
INVALID = Intent(valid=False, rules=("transport.wrong-type.name",))
BROKEN = operation("DONE", kind="compute#image")

PLAIN = Story().insert(BROKEN).trace()
WITH_A_FIELD = Story().insert(BROKEN, description="the first").trace()
WITH_LOOKS = Story().insert(BROKEN).get(image(), status=404).get(image(), status=404).trace()
HOSTILE = Story().insert(BROKEN, family="f\u202e").trace()
AFTER_NONSENSE = Story().insert({}, code=400, intent=INVALID, request_id=None, name=7).insert(BROKEN).trace()
NONSENSE = Story().insert(BROKEN, intent=INVALID, family=7).trace()
ORDER = (PLAIN, WITH_A_FIELD, WITH_LOOKS, AFTER_NONSENSE, HOSTILE, NONSENSE)


def shown(*traces: Trace) -> Trace:
    """The trace of the example that is shown once all have been judged, in this order."""
    ledger = Ledger({RULE: catalogue()[RULE]})
    for trace in traces:
        ledger.judge(trace)
    record = ledger.tallies[RULE].examples[0]["trace"]
    return next(trace for trace in traces if trace.record == record)


@pytest.mark.parametrize(("plainer", "other"), list(itertools.pairwise(ORDER)))
def test_plainer_example_is_shown(plainer: Trace, other: Trace) -> None:
    assert shown(plainer, other) is shown(other, plainer) is plainer


def test_body_that_is_no_json_is_not_plain() -> None:
    """Nor one that is nested so deep that few readers take it for JSON."""
    deep = Story().insert(BROKEN, description="plain").trace().exchanges[0]
    for body in (b"{", b'{"name": ' + b"[" * 300 + b"]" * 300 + b"}"):
        spoiled = replace(deep, request=replace(deep.request, body=body))
        assert Plainness(Trace((spoiled,))).of(_breach(spoiled)) > Plainness(WITH_LOOKS).of(
            _breach(*WITH_LOOKS.exchanges)
        )


def _breach(*exchanges: Exchange) -> Breach:
    return Breach("broken", "", "", exchanges)


def test_equally_plain_examples_have_an_order_of_their_own() -> None:
    one, other = (Story().insert(BROKEN, description=text).trace() for text in ("ab", "ba"))
    assert shown(one, other) is shown(other, one)


def test_names_do_not_count() -> None:
    """They are longer or shorter from run to run, as workers and numbers have it."""
    names = ("conformance-12345678-main-9", "conformance-12345678-gw0-1024")
    for one, other in (names, names[::-1]):
        red = Story().insert(BROKEN, name=one, family="red").trace()
        blue = Story().insert(BROKEN, name=other, family="ruby").trace()
        assert shown(red, blue) is shown(blue, red) is red


def test_answer_about_what_nobody_in_it_has_asked_for_is_shown_last() -> None:
    """No script can repeat what shows the image of somebody else, or an operation on it."""
    link = "https://www.googleapis.com/compute/beta/projects/p/global/images/conformance-12345678-gw1-4"
    assert shown(Story().insert({**BROKEN, "targetLink": link}).trace(), NONSENSE) is NONSENSE


def test_list_of_what_others_have_made_is_shown_last() -> None:
    rule, twins = catalogue()["image.name.unique"], {"kind": "compute#imageList", "items": [image(), image(id="2002")]}
    bare = Story().say("GET", "images", None, 200, twins).trace()
    own = Story().insert(operation("DONE")).say("GET", "images", None, 200, twins).trace()
    ranks = [Plainness(trace).of(_breach(trace.exchanges[-1])) for trace in (own, bare)]
    assert ranks == sorted(ranks)
    assert all(any(rule.judge(History(trace))) for trace in (own, bare))


def test_failure_is_shown_before_a_mere_deviation() -> None:
    """The verdict rests on it."""
    grave, slight = (
        Plainness(trace).of(Breach("broken", "", "", trace.exchanges, deviation=deviation))
        for trace, deviation in ((NONSENSE, False), (PLAIN, True))
    )
    assert grave < slight
