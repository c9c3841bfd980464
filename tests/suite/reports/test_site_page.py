"""The matrix as a reader meets it, in a real browser: filters, keys and details work, and everyone can read it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.made import made
from helpers.reader import Reader

from conformance.contract import catalogue
from conformance.contract.clients import needed
from conformance.contract.levels import Level
from conformance.reports import site
from conformance.reports.columns import columns
from conformance.verdicts.snapshots import TEXT_MAXIMUM, snapshot
from conformance.verdicts.verdict import Exit

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HIT_MINIMUM = {1280: 24, 390: 44}
STOPS_MAXIMUM = 200
"""Elements that the tab key goes through, with twenty targets of some links each."""

FAULTS = {
    "one": {"image.id": "failed", "image.kind": "failed", "labels.set": "blocked"},
    "two": {"image.kind": "deviates", "labels.set": "not_exercised"},
    "<script>alert('three')</script>": {"life.get-after-done": "failed"},
}


def saved(folder: Path, targets: int = 0) -> Path:
    """Saves the page of three targets, or of so many, each with a run of before in which life.patch was broken."""
    runs = []
    for name, faults in {f"target-{number}": FAULTS["one"] for number in range(targets)}.items() or FAULTS.items():
        for day, verdicts in ((1, {**faults, "life.patch": "failed"}), (2, faults)):
            results = made(verdicts, Exit.NOT_CONFORMANT, started=f"2026-01-0{day}T00:00:00+00:00")
            runs.append(snapshot(results, name))
        runs.append(snapshot(made({}, partial="shard 1/2", started="2026-01-03T00:00:00+00:00"), name))
    found = columns(runs)
    reports = {site.report_of(column.shown) for column in found if column.shown.target != "two"}
    path = folder / "index.html"
    path.write_text(site.page(found, reports), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("three"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("twenty"), 20)


def shown(reader: Reader) -> set[str]:
    return {rule.removeprefix("rule-") for rule in reader.shown()}


@pytest.mark.parametrize(
    ("targets", "width", "scheme"),
    [
        *(("page", width, scheme) for width in HIT_MINIMUM for scheme in ("light", "dark")),
        *(("wide", 1280, "light"), ("wide", 390, "dark")),
    ],
)
def test_it_fits_is_silent_and_without_accessibility_fault(
    browser: Browser, request: pytest.FixtureRequest, targets: str, width: int, scheme: str
) -> None:
    reader = Reader(browser, request.getfixturevalue(targets), width, scheme)
    reader.page.locator("tr.rule button").nth(3).click()
    reader.page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= width
    assert reader.unreachable("button, input, select, summary, .link, thead a", HIT_MINIMUM[width]) == []
    assert reader.faults() == {}
    assert reader.complaints == []


def test_filters(browser: Browser, page: Path) -> None:
    reader = Reader(browser, page, 1280)
    everything = set(catalogue())
    assert shown(reader) == everything
    broken = {"image.id", "image.kind", "life.get-after-done"}
    for choice, rules in {
        "broken": broken,
        "passed": everything - broken - {"labels.set"},
        "differ": broken | {"labels.set"},
        "changed": {"life.patch"},
        "only:one": {"image.id"},
        "only:two": set(),
    }.items():
        reader.page.select_option("#show", choice)
        assert shown(reader) == rules, choice
    assert reader.page.inner_text("#shown") == f"0 of {len(everything)} rules"
    reader.page.select_option("#show", "")
    for field, value, expected in (
        ("#level", "core", Level.CORE.rules(catalogue())),
        ("#level", "standard", Level.STANDARD.rules(catalogue())),
        ("#level", "full", everything),
        ("#needs", "gcloud", needed("gcloud")),
        ("#area", "labels", {rule for rule in everything if rule.startswith("labels.")}),
        ("#basis", "conv", {name for name, rule in catalogue().items() if rule.basis == "conv"}),
    ):
        reader.page.select_option(field, value)
        assert shown(reader) == set(expected), value
        reader.page.select_option(field, "")
    reader.page.keyboard.press("/")
    reader.page.keyboard.type("image.id</b> is FAILED")
    assert shown(reader) == {"image.id"}
    reader.page.keyboard.press("Escape")
    assert shown(reader) == everything
    assert reader.complaints == []


def test_filters_stand_in_the_address(browser: Browser, page: Path) -> None:
    reader = Reader(browser, page, 1280)
    reader.page.get_by_text("1 broken only here").first.click()
    reader.page.wait_for_function("location.hash !== ''")
    reader.page.wait_for_function("document.querySelectorAll('tr.rule:not([hidden])').length < 9")
    alone = shown(reader)
    assert len(alone) == 1
    again = Reader(browser, page, 1280, place=reader.page.evaluate("location.hash") + "&basis=doc")
    assert shown(again) == alone
    assert again.page.input_value("#basis") == "doc"
    odd = Reader(browser, page, 1280, place="#show=nonsense&level=7&q=%E0%A4%A")
    assert odd.shown() == []
    assert reader.complaints == again.complaints == odd.complaints == []


def test_rule_opens_and_tells_what_each_target_did(browser: Browser, page: Path) -> None:
    reader = Reader(browser, page, 1280)
    row = reader.page.locator("[id='rule-image.kind']")
    row.locator("td").first.click()
    assert row.locator("button").get_attribute("aria-expanded") == "true"
    lines = reader.page.locator(".detail li").all_inner_texts()
    assert len(lines) == 3
    assert "<script>alert('three')</script>" in lines[2]
    assert any(line.startswith("one ✗ failed: <b>image.kind</b> is failed") for line in lines)
    link = reader.page.locator(".detail a")
    assert link.count() == 1, "the other one has no report"
    assert str(link.get_attribute("href")).endswith(".html#image.kind")
    assert reader.page.locator(".detail p").inner_text() == catalogue()["image.kind"].statement
    row.locator("button").click()
    assert reader.page.locator(".detail").count() == 0
    reader.page.locator("[id='rule-life.patch'] button").click()
    assert "was failed" in reader.page.locator(".detail").inner_text()
    assert reader.complaints == []


def test_link_of_a_change_opens_its_rule(browser: Browser, page: Path) -> None:
    reader = Reader(browser, page, 390)
    reader.page.select_option("#show", "only:two")
    reader.page.locator("details summary").first.click()
    reader.page.get_by_role("link", name="life.patch").first.click()
    reader.page.wait_for_selector(".detail", state="visible")
    assert reader.page.evaluate("document.activeElement.textContent") == "life.patch"
    direct = Reader(browser, page, 1280, place="#rule-labels.set")
    assert direct.page.locator("[id='rule-labels.set'] + .detail").is_visible()
    nowhere = Reader(browser, page, 1280, place="#rule-%E0%A4%A")
    assert direct.complaints == nowhere.complaints == reader.complaints == []


def test_keyboard_gets_through(browser: Browser, wide: Path) -> None:
    reader = Reader(browser, wide, 1280)
    stops = 0
    while stops == 0 or (reader.page.evaluate("document.activeElement !== document.body") and stops <= STOPS_MAXIMUM):
        reader.page.keyboard.press("Tab")
        stops += 1
    assert stops <= STOPS_MAXIMUM
    first = reader.page.locator("tr.rule button").first
    first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        reader.page.keyboard.press(key)
    assert reader.page.locator("tr.rule").nth(1).locator("button").get_attribute("aria-expanded") == "true"
    reader.page.keyboard.press("Home")
    assert first.evaluate("button => button === document.activeElement")


def test_page_of_twenty_targets_that_break_all_rules_stays_small() -> None:
    first = snapshot(made(dict.fromkeys(catalogue(), "failed"), Exit.NOT_CONFORMANT))
    first = first.model_copy(update={"told": dict.fromkeys(first.told, "x" * TEXT_MAXIMUM)})
    moments = [first.started + timedelta(days=day) for day in range(50)]
    runs = [
        first.model_copy(update={"target": f"implementation {number}", "started": moment})
        for number in range(20)
        for moment in moments
    ]
    found = columns(runs)
    assert (len(found), len(found[0].whole)) == (20, 50)
    assert len(site.page(found, set()).encode()) < 3_000_000
