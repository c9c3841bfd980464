"""Why a rule was never put to the test: what the target did not do, or did not show."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from conformance.contract import Rule

METHODS: tuple[tuple[str, str], ...] = (
    ("labels.*", "images.setLabels"),
    ("deprecate.*", "images.deprecate"),
    ("family.view-*", "imageFamilyViews.get"),
    ("family.*", "images.getFromFamily"),
    ("life.patch", "images.patch"),
    ("life.list-*", "images.list"),
    ("life.delete", "images.delete"),
    ("operation.wait", "globalOperations.wait"),
    ("image.*", "images.get"),
    ("source.*", "images.get"),
    ("life.*", "images.get"),
)
"""The API method whose answers show a rule, by globs of rules; the first that matches counts."""

LACKING: tuple[tuple[str, str], ...] = (
    ("source.image.not-ready", "no image was seen before it was READY"),
    ("encryption.required-for-source", "no image showed that a customer key protects it"),
    ("encryption.image.*", "no image with such a key could be made and looked at"),
    ("life.linearizable", "no changes of one image were under way at the same time"),
    ("operation.type.error*", "no operation that failed had the field"),
    ("operation.type.httpError*", "no operation failed"),
    ("operation.type.warnings*", "no operation had a warning with the field"),
    ("operation.type.*", "no operation had the field"),
    ("operation.warning-shape", "no operation had a warning"),
    ("operation.error-shape", "no operation failed"),
    ("operation.http-error-*", "no operation failed"),
    ("operation.failure-means-none", "no insert was taken and failed"),
    ("image.type.*", "the field never came back"),
    ("image.archive-size-bytes", "the field never came back"),
    ("image.license-codes.format", "the field never came back"),
    ("image.*.round-trip", "no image that was made with the field was seen"),
    ("request-id.replay-while-running", "no operation was under way when its insert was sent again"),
    ("request-id.refused-not-remembered", "no insert with a fault was refused"),
    ("transport.refuse-at-once", "no insert with a fault was refused for it"),
    ("transport.error-*", "no answer was an error in that form"),
)
"""What a rule lacked, by globs of rules; the first that matches counts."""


def lacking(rule: Rule, answers: Mapping[str, int]) -> str:
    """What a rule lacked that was never put to the test.

    Args:
        rule: the rule.
        answers: how often an API method was answered with a status, by both, such as `images.get 404`.
    """
    text = next((text for glob, text in LACKING if fnmatchcase(rule.id, glob)), "")
    return refused_always(rule, answers) or text or "no scenario of this run put the rule to the test"


def refused_always(rule: Rule, answers: Mapping[str, int]) -> str:
    """That the method whose answers show a rule never succeeded, in words; "" where it did; the arguments are those of
    `lacking`."""
    method = _method(rule)
    statuses = [answer.split()[1] for answer in answers if answer.split()[0] == method]
    if not statuses or any(status.startswith("2") for status in statuses):
        return ""
    return f"every {method} was answered {' or '.join(f'HTTP {status}' for status in sorted(statuses))}"


def is_about_images_seen(rule: Rule) -> bool:
    """Whether it is the image itself that shows a rule, and not an answer to a method of its own."""
    return _method(rule) in ("", "images.get")


def _method(rule: Rule) -> str:
    return next((method for glob, method in METHODS if fnmatchcase(rule.id, glob)), "")
