"""JUnit XML: one case for each rule."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from conformance.reports.text import harmless
from conformance.verdicts.results import BreachResult, Results, RuleResult

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(results: Results) -> str:
    """The results as JUnit XML: a suite for each area, a case for each rule.

    A failed rule is a failure, our own error an error, and all else that does not hold is skipped with its reason;
    under a strict run deviations are failures as well. Where the run fails for another reason than a rule, such as a
    waiver that is stale, a last case says so: a pipeline that reads nothing else sees what the exit status says.

    Args:
        results: of the run.
    """
    root = ElementTree.Element("testsuites", name="Compute Engine images")
    suites: dict[str, ElementTree.Element] = {}
    for rule in results.rules:
        _judge(_case(root, suites, rule.area, rule.id, rule.seconds), rule, strict=results.run.strict)
    if results.summary.exit_status and root.find(".//failure") is None and root.find(".//error") is None:
        verdict = _case(root, suites, "run", "verdict")
        ElementTree.SubElement(verdict, "failure", message=_text(f"{results.summary.title}: {results.summary.reason}"))
    _count(root, results)
    for suite in suites.values():
        _count(suite, results)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(
    root: ElementTree.Element, suites: dict[str, ElementTree.Element], suite: str, name: str, seconds: float = 0.0
) -> ElementTree.Element:
    if suite not in suites:
        suites[suite] = ElementTree.SubElement(root, "testsuite", name=suite)
    return ElementTree.SubElement(suites[suite], "testcase", classname=suite, name=name, time=f"{seconds:.3f}")


def _count(suite: ElementTree.Element, results: Results) -> None:
    cases = list(suite.iter("testcase"))
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(list(suite.iter(tag)))))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    suite.set("timestamp", results.run.started)


def _judge(case: ElementTree.Element, rule: RuleResult, *, strict: bool) -> None:
    tag = rule.verdict.under(strict=strict).junit
    if tag == "skipped":
        ElementTree.SubElement(case, tag, message=_text(f"{rule.verdict.label} {rule.reason}".strip()))
    elif tag:
        found = ElementTree.SubElement(case, tag, type=rule.verdict.value, message=_text(rule.told))
        found.text = _text(_story(rule, rule.shown) if rule.shown else rule.reason)


def _story(rule: RuleResult, breach: BreachResult) -> str:
    """The plainest example of a breach, as text."""
    lines = [rule.statement, f"expected: {breach.expected}", f"observed: {breach.observed}"]
    for exchange in breach.exchanges:
        request, response = exchange.request, exchange.response
        lines.append(f"{exchange.number}. {request.method} {request.url}")
        lines += [f"   {request.body}"] if request.body else []
        lines.append(f"   HTTP {response.status} {response.body}" if response else f"   {exchange.error}")
    return "\n".join(lines)


def _text(text: str) -> str:
    """A text that XML can hold."""
    return _NOT_XML.sub("�", harmless(text))
