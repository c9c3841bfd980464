"""The report as a reader meets it, in a real browser: it works, it obeys its own policy, and everyone can read it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reports
from conformance.verdicts.results import Results
from reports import difference

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Request

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = (1280, 400)
TARGETS = ("conformant", "broken", "hostile")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


class Reader:
    """A page that is open, and what its console and dialogs have said."""

    def __init__(self, browser: Browser, path: Path, width: int, scheme: Any = "light") -> None:
        self.complaints: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", self._note)
        self.page.goto(path.as_uri())

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def _note(self, sent: Request) -> None:
        if not sent.url.startswith("file:"):
            self.complaints.append(sent.url)

    def shown(self) -> list[str]:
        """The rules that the filters let through."""
        ids: list[str] = self.page.eval_on_selector_all(".rule:not([hidden])", "rules => rules.map(rule => rule.id)")
        return ids


@pytest.fixture
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Saves the report of a fixture's results."""

    def save(target: str) -> Path:
        reports.write(request.getfixturevalue(target), tmp_path)
        return tmp_path / "report.html"

    return save


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("width", WIDTHS)
def test_page_fits_and_is_silent(browser: Browser, saved: Any, target: str, width: int) -> None:
    reader = Reader(browser, saved(target), width)
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= width
    assert reader.page.locator("h1").inner_text()
    assert reader.complaints == []


def test_answer_stays_text(browser: Browser, saved: Any) -> None:
    reader = Reader(browser, saved("hostile"), 1280)
    assert reader.page.locator("script").count() == 1
    assert "<script>alert('pwned')</script>" in reader.page.locator("article.breach").first.inner_text()
    assert reader.complaints == []


def test_filters_and_search(browser: Browser, saved: Any, broken: Results) -> None:
    reader = Reader(browser, saved("broken"), 1280)
    failed = [rule.id for rule in broken.rules if rule.verdict == "failed"]
    assert len(reader.shown()) == len(broken.rules)
    reader.page.select_option("#verdict", "failed")
    assert sorted(reader.shown()) == sorted(failed)
    reader.page.select_option("#area", "image")
    assert reader.shown() == [rule for rule in failed if rule.startswith("image.")]
    reader.page.select_option("#verdict", "")
    reader.page.select_option("#area", "")
    reader.page.select_option("#basis", "conv")
    assert set(reader.shown()) == {rule.id for rule in broken.rules if rule.basis == "conv"}
    reader.page.select_option("#basis", "")
    reader.page.keyboard.press("/")
    reader.page.keyboard.type("image.kind")
    assert "image.kind" in reader.shown()
    assert "family.latest" not in reader.shown()
    reader.page.keyboard.press("Escape")
    assert len(reader.shown()) == len(broken.rules)


def test_permalink_opens_its_rule(browser: Browser, saved: Any) -> None:
    path = saved("broken")
    reader = Reader(browser, path, 1280)
    reader.page.select_option("#verdict", "failed")
    reader.page.evaluate("location.hash = '#image.id'")
    reader.page.wait_for_selector("[id='image.id'][open]", state="visible")


def test_buttons_copy(browser: Browser, saved: Any, broken: Results) -> None:
    reader = Reader(browser, saved("broken"), 1280)
    reproduce = next(rule for rule in broken.rules if rule.id == "image.kind").breaches[0].reproduce
    buttons = reader.page.locator("[id='image.kind'] article.breach").first.locator("button")
    for number, kind in enumerate(("command", "shell", "pytest")):
        buttons.nth(number).click()
        buttons.nth(number).filter(has_text="Copied").wait_for()
        assert reader.page.evaluate("navigator.clipboard.readText()") == getattr(reproduce, kind)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("target", ["conformant", "broken"])
def test_no_serious_accessibility_fault(browser: Browser, saved: Any, target: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    reader = Reader(browser, saved(target), 1280, scheme)
    violations = axe.run(reader.page).response["violations"]
    serious = [fault for fault in violations if fault["impact"] in ("serious", "critical")]
    assert {fault["id"]: [node["html"][:200] for node in fault["nodes"][:3]] for fault in serious} == {}


def test_difference_is_a_page_too(browser: Browser, conformant: Results, broken: Results, tmp_path: Path) -> None:
    path = tmp_path / "changes.html"
    path.write_text(difference.html(difference.changes(conformant, broken), conformant, broken), encoding="utf-8")
    reader = Reader(browser, path, 400)
    assert reader.page.locator("tr.worse").count() >= 1
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert reader.complaints == []
