"""Targets that take a moment to show what they have done, or that ask for patience: the client looks again before
rules judge."""

import json

import pytest

from conformance.client.transport import asks_for_patience
from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess
from conformance.emulator.variants import PROJECT_NUMBER
from conformance.trace.exchange import Response

pytestmark = pytest.mark.nightly


FOCUS = ("operation.name", "operation.success-means-ready", "deprecate.state", "life.patch", "source.image.round-trip")


@pytest.mark.parametrize(
    "variant",
    ["late-operations", "late-images", "late-changes", "late-deletions", "mishaps", "rate-limits", "project-number"],
)
def test_fair_target_breaks_no_rule(variant: str) -> None:
    with EmulatorProcess(variants=(variant,)) as emulator:
        project = PROJECT_NUMBER if variant == "project-number" else "conformance"
        settings = Settings(url=emulator.url, project=project, sources=embedded_sources("conformance"), workers=1)
        results = judge(settings, FOCUS)
    verdicts = results.verdicts
    assert {verdicts[rule] for rule in FOCUS} == {"passed"}
    assert not [rule for rule, verdict in verdicts.items() if verdict in ("failed", "deviates", "error")]


@pytest.mark.parametrize(
    ("status", "reason", "patient"),
    [
        (429, "rateLimitExceeded", True),
        (503, "backendError", True),
        (403, "rateLimitExceeded", True),
        (403, "userRateLimitExceeded", True),
        (403, "quotaExceeded", False),
        (403, "forbidden", False),
        (404, "notFound", False),
    ],
)
def test_who_asks_for_patience(status: int, reason: str, *, patient: bool) -> None:
    body = {"error": {"code": status, "message": "x", "errors": [{"reason": reason, "message": "x"}]}}
    assert asks_for_patience(Response(status, {}, json.dumps(body).encode())) == patient
