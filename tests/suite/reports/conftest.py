"""A run in which nearly everything is broken, as reports have to bear it, and a browser to read them with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Exit, Outcome, Verdict

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FAILED, BLOCKED, LEFT = 300, 40, 675


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def disaster(broken: Results) -> Results:
    """300 rules fail with breaches of ten exchanges each, 40 more cannot be seen for it, and 675 images are left."""
    breach = next(rule for rule in broken.rules if rule.verdict is Verdict.FAILED).breaches[0]
    long = breach.model_copy(update={"exchanges": (*breach.exchanges, breach.exchanges[-1]) * 4})
    failed = {"verdict": Verdict.FAILED, "breach_count": 5_000, "breaches": (long,) * 14, "reason": ""}
    root = broken.rules[0].id
    blocked = {
        "verdict": Verdict.BLOCKED,
        "breaches": (),
        "breach_count": 0,
        "cause": root,
        "root": root,
        "reason": f"{root} is broken, and without it this rule cannot be seen",
    }
    rules = tuple(
        rule.model_copy(
            update={"root": rule.id, **failed} if place < FAILED else blocked if place < FAILED + BLOCKED else {}
        )
        for place, rule in enumerate(broken.rules)
    )
    counts = {verdict: sum(rule.verdict is verdict for rule in rules) for verdict in Verdict}
    summary = {
        "verdict": Outcome.NON_CONFORMANT,
        "exit_status": Exit.NOT_CONFORMANT,
        "reason": f"{FAILED} rules failed: {root} and {FAILED - 1} more",
        "counts": counts,
    }
    left = tuple(f"conformance-{number:08x}-main-{number}" for number in range(LEFT))
    return broken.model_copy(
        update={
            "rules": rules,
            "summary": broken.summary.model_copy(update=summary),
            "cost": broken.cost.model_copy(update={"images_left": left}),
        }
    )
