"""The report as a reader meets it, in a real browser: it works, it obeys its own policy, and everyone can read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from helpers.reader import Reader

from conformance.reports import difference, html
from conformance.reports.pasted import curl, httpie
from conformance.verdicts.results import Results

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDTHS = (1280, 390)
TARGETS = ("conformant", "broken", "disaster", "hostile")
HIT_MINIMUM = {1280: 24, 390: 44}
"""Pixels that a pointer and a finger need; a cell of the map has its share of the gap as well."""

STOPS_MAXIMUM = 80
"""Elements that the tab key goes through on a page as it opens."""


@pytest.fixture(scope="module")
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Saves the page of a fixture's results, each once."""
    folder = tmp_path_factory.mktemp("pages")

    def save(target: str) -> Path:
        path = folder / f"{target}.html"
        if not path.exists():
            text = html.render(request.getfixturevalue(target))
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        return path

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
    assert "<script>alert('pwned')</script>" in str(reader.page.locator("article.breach").first.text_content())
    assert reader.complaints == []


def chip(reader: Reader, value: str) -> Any:
    """The chip that filters by a verdict or an area."""
    return reader.page.locator(f'.chip[data-value="{value}"]')


def test_filters_and_search(browser: Browser, saved: Any, broken: Results) -> None:
    reader = Reader(browser, saved("broken"), 1280)
    failed = [rule.id for rule in broken.rules if rule.verdict == "failed"]
    assert len(reader.shown()) == len(broken.rules)
    assert chip(reader, "failed").inner_text() == f"✗{len(failed)} failed"
    chip(reader, "failed").click()
    assert chip(reader, "failed").get_attribute("aria-pressed") == "true"
    assert sorted(reader.shown()) == sorted(failed)
    chip(reader, "image").click()
    assert reader.shown() == [rule for rule in failed if rule.startswith("image.")]
    assert reader.page.input_value("#area") == "image"
    assert reader.page.locator(f"[id='{reader.shown()[0]}']").is_visible()
    assert reader.page.locator("#failures").is_visible()
    assert not reader.page.locator("#unjudged").is_visible()
    chip(reader, "failed").click()
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
    assert reader.complaints == []


def test_filters_stand_in_the_address(browser: Browser, saved: Any, broken: Results) -> None:
    path = saved("broken")
    reader = Reader(browser, path, 1280)
    chip(reader, "failed").click()
    chip(reader, "image").click()
    reader.page.fill("#search", "kind & more")
    address = reader.page.evaluate("location.hash")
    assert address == "#q=kind+%26+more&verdict=failed&area=image"
    reader.page.go_back()
    assert reader.page.evaluate("location.hash") == "#verdict=failed"
    failed = [rule.id for rule in broken.rules if rule.verdict == "failed"]
    assert sorted(reader.shown()) == sorted(failed)
    again = Reader(browser, path, 1280, place="#verdict=failed&area=image")
    assert again.shown() == [rule for rule in failed if rule.startswith("image.")]
    assert chip(again, "failed").get_attribute("aria-pressed") == "true"
    odd = Reader(browser, path, 1280, place="#verdict=nonsense&other=1&q=%E0%A4%A")
    assert odd.shown() == []
    assert odd.complaints == again.complaints == []


def test_failures_come_first_and_are_links(browser: Browser, saved: Any, disaster: Results) -> None:
    reader = Reader(browser, saved("disaster"), 1280)
    assert reader.page.locator("#failures").bounding_box()["y"] < 700  # type: ignore[index]
    broken = [rule.id for rule in disaster.rules if rule.verdict == "failed"]
    links = reader.page.eval_on_selector_all(".failures a.name", "links => links.map(link => link.hash.slice(1))")
    assert set(broken) <= set(links)
    reader.page.locator(".failures a.name").first.click()
    assert reader.page.locator(f"[id='{links[0]}'] .breach").first.is_visible()
    assert reader.page.evaluate("document.activeElement.parentElement.id") == links[0]
    order = reader.page.evaluate("[...document.querySelectorAll('main h2')].map(title => title.id)")
    assert order[:4] == ["failures", "map", "unjudged", "rules"]


@pytest.mark.parametrize("place", ["", "#verdict=failed"])
@pytest.mark.parametrize("width", WIDTHS)
def test_fingers_hit(browser: Browser, saved: Any, width: int, place: str) -> None:
    reader = Reader(browser, saved("broken"), width, place=place)
    found = "button, input, select, summary, a.name, a.cell"
    assert reader.page.locator(found).count() > 300
    assert reader.unreachable(found, HIT_MINIMUM[width]) == []


def test_keyboard_gets_through(browser: Browser, saved: Any, conformant: Results) -> None:
    reader = Reader(browser, saved("conformant"), 1280)
    reader.page.keyboard.press("Tab")
    assert reader.page.evaluate("document.activeElement.textContent") == "Skip to the failures"
    assert reader.page.locator(".skip a").first.bounding_box()["x"] >= 0  # type: ignore[index]
    stops = 1
    while reader.page.evaluate("document.activeElement !== document.body") and stops <= STOPS_MAXIMUM:
        reader.page.keyboard.press("Tab")
        stops += 1
    assert stops <= STOPS_MAXIMUM
    reader.page.locator(".cell").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        reader.page.keyboard.press(key)
    reader.page.keyboard.press("Enter")
    second = conformant.rules[1].id
    assert reader.page.evaluate("location.hash") == f"#{second}"
    assert reader.page.locator(f"[id='{second}'][open]").is_visible()


def test_print_edition_is_short(browser: Browser, saved: Any, disaster: Results) -> None:
    reader = Reader(browser, saved("disaster"), 1280)
    pages = re.findall(rb"/Type\s*/Page\b", reader.page.pdf(prefer_css_page_size=True))
    assert 2 <= len(pages) <= 4
    reader.page.emulate_media(media="print")
    reader.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    named = reader.page.eval_on_selector_all(
        ".failures a.name", "links => links.filter(link => link.checkVisibility()).map(link => link.hash.slice(1))"
    )
    assert {rule.id for rule in disaster.rules if rule.verdict == "failed"} <= set(named)
    text = reader.page.inner_text("body")
    for told in ("675 images left behind", "another rule is broken", disaster.digest, disaster.run.suite_version):
        assert told in text
    for shown in (".catalogue", ".map-section", "#search", ".copies"):
        assert not reader.page.locator(shown).first.is_visible(), shown


def test_permalink_opens_its_rule(browser: Browser, saved: Any) -> None:
    path = saved("broken")
    reader = Reader(browser, path, 1280)
    chip(reader, "failed").click()
    reader.page.evaluate("location.hash = '#image.id'")
    reader.page.wait_for_selector("[id='image.id'][open]", state="visible")
    assert Reader(browser, path, 390, place="#image.id").page.locator("[id='image.id'][open]").is_visible()


def test_buttons_copy(browser: Browser, saved: Any, broken: Results) -> None:
    reader = Reader(browser, saved("broken"), 1280, place="#image.kind")
    breach = next(rule for rule in broken.rules if rule.id == "image.kind").breaches[0]
    first = breach.exchanges[0].request
    for label, copied in (
        ("Copy as curl", curl(first)),
        ("Copy as HTTPie", httpie(first)),
        ("Copy the command that judges this rule", breach.reproduce.command),
        ("Copy as shell script", breach.reproduce.shell),
        ("Copy as pytest file", breach.reproduce.pytest),
    ):
        button = reader.page.locator("[id='image.kind'] article.breach").first.get_by_text(label, exact=True).first
        handle = button.element_handle()
        button.click()
        reader.page.wait_for_function("button => button.textContent === 'Copied'", arg=handle)
        assert reader.page.evaluate("navigator.clipboard.readText()") == copied


@pytest.mark.parametrize(
    ("target", "look"),
    [
        *(("broken", look) for look in ("1280 light", "1280 dark", "390 light", "390 dark", "1280 print")),
        *(("conformant", "1280 light"), ("conformant", "390 dark")),
        *(("disaster", "1280 light"), ("disaster", "390 dark"), ("disaster", "1280 print")),
    ],
)
def test_no_accessibility_fault(browser: Browser, saved: Any, target: str, look: str) -> None:
    width, scheme = look.split()
    reader = Reader(
        browser, saved(target), int(width), "light" if scheme == "print" else scheme, place="#verdict=failed"
    )
    reader.page.emulate_media(media="print" if scheme == "print" else "screen")
    reader.page.evaluate(
        "[...document.querySelectorAll('.rule:not([hidden])')].slice(0, 3).map(rule => rule.open = true)"
    )
    assert reader.faults() == {}


def test_difference_is_a_page_too(browser: Browser, conformant: Results, broken: Results, tmp_path: Path) -> None:
    path = tmp_path / "changes.html"
    path.write_text(difference.html(difference.changes(conformant, broken), conformant, broken), encoding="utf-8")
    reader = Reader(browser, path, 390)
    assert reader.page.locator("tr.worse").count() >= 1
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert reader.complaints == []
