"""The report's print edition as a PDF, made by a browser that is at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from conformance.config.settings import UsageError

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
SECONDS_MAXIMUM = 120


def browser() -> str:
    """The browser that prints.

    Raises:
        UsageError: there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        names = ", ".join(BROWSERS[:-1])
        raise UsageError(
            f"--pdf needs Chromium or a browser made of it, and none of {names} is on the PATH; "
            "install one, or open report.html in any browser and print it."
        )
    return found


def print_page(page: Path, out: Path, printer: str) -> None:
    """Prints a page into a file.

    Args:
        page: the report.
        out: the PDF.
        printer: the browser, as `browser` finds it.

    Raises:
        UsageError: the browser made none.
    """
    out.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
        ]
        # As root the browser has no sandbox; the page loads nothing, and runs no script but its own.
        options += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [printer, *options, f"--print-to-pdf={out.resolve()}", page.resolve().as_uri()]
        try:
            said = subprocess.run(command, capture_output=True, timeout=SECONDS_MAXIMUM, check=False)  # noqa: S603
            reason = said.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
    if not out.exists():
        raise UsageError(f"{printer} did not print {page}: {reason or 'it did not say why'}.")
