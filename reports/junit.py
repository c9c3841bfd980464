"""JUnit XML: one case for each rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from conformance.verdicts.verdict import Verdict
from reports.text import harmless

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(results: Mapping[str, Any]) -> str:
    """The results as JUnit XML: a suite for each area, a case for each rule.

    A failed rule is a failure, our own error an error, and all else that does not hold is skipped with its reason; under a
    strict run deviations are failures as well.

    Args:
        results: what results.json holds.
    """
    strict = results["run"]["strict"]
    root = ElementTree.Element("testsuites", name="Compute Engine images")
    suites: dict[str, ElementTree.Element] = {}
    for rule in results["rules"]:
        area = rule["area"]
        if area not in suites:
            suites[area] = ElementTree.SubElement(root, "testsuite", name=area)
        case = ElementTree.SubElement(suites[area], "testcase", classname=area, name=rule["id"], time="0")
        _judge(case, rule, strict=strict)
    for suite in [root, *suites.values()]:
        suite.set("tests", str(len(list(suite.iter("testcase")))))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(name, str(len(list(suite.iter(tag)))))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _judge(case: ElementTree.Element, rule: Mapping[str, Any], *, strict: bool) -> None:
    verdict = Verdict(rule["verdict"])
    tag = verdict.under(strict=strict).junit
    if tag == "skipped":
        ElementTree.SubElement(case, tag, message=_text(f"{verdict.label} {rule['reason']}".strip()))
    elif tag:
        breach = rule["breaches"][0] if rule["breaches"] and verdict.broken else None
        message = breach["message"] if breach else rule["reason"]
        found = ElementTree.SubElement(case, tag, type=verdict.value, message=_text(message))
        found.text = _text(_story(rule, breach) if breach else rule["reason"])


def _story(rule: Mapping[str, Any], breach: Mapping[str, Any]) -> str:
    """The smallest example of a breach, as text."""
    lines = [rule["statement"], f"expected: {breach['expected']}", f"observed: {breach['observed']}"]
    for exchange in breach["exchanges"]:
        request, response = exchange["request"], exchange["response"]
        lines.append(f"{exchange['number']}. {request['method']} {request['url']}")
        lines += [f"   {request['body']}"] if request["body"] else []
        lines.append(f"   HTTP {response['status']} {response['body']}" if response else f"   {exchange['error']}")
    return "\n".join(lines)


def _text(text: str) -> str:
    """A text that XML can hold."""
    return _NOT_XML.sub("�", harmless(text))
