"""A page as a reader meets it in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page, Request


class Reader:
    """A page that is open, and what its console and dialogs have said."""

    def __init__(self, browser: Browser, path: Path, width: int, scheme: Any = "light", place: str = "") -> None:
        self.complaints: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", self._note)
        self.page.goto(path.as_uri() + place)

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

    def unreachable(self, selector: str, least: int) -> list[Any]:
        """The visible elements that are smaller, in pixels, than a pointer or a finger needs."""
        boxes: list[Any] = self.page.eval_on_selector_all(
            selector,
            """(found) => found.filter((one) => one.checkVisibility()).map((one) => {
                const box = one.getBoundingClientRect();
                const gap = one.matches('.cell') ? parseFloat(getComputedStyle(one.parentElement).columnGap) : 0;
                return [one.outerHTML.slice(0, 90), Math.min(box.width, box.height) + (box.height < 40 ? 0 : gap)];
            })""",
        )
        assert boxes
        return [box for box in boxes if box[1] < least]

    def faults(self) -> dict[str, list[str]]:
        """What axe finds wrong, with the first elements of each kind."""
        import pytest  # noqa: PLC0415 - for tests alone

        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
        found = axe.run(self.page).response["violations"]
        return {fault["id"]: [node["html"][:200] for node in fault["nodes"][:3]] for fault in found}
