"""The print edition, made by a browser that is at hand, or a sentence that says why not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from helpers.command_line import conformance

from conformance.config.settings import UsageError
from conformance.reports.pdf import BROWSERS, print_page
from conformance.verdicts.results import Results, write_results


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium on this machine")
def test_report_is_printed(broken: Results, tmp_path: Path) -> None:
    write_results(broken, tmp_path)
    done = conformance("report", "results.json", "--out", "again", "--pdf", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "again/report.pdf" in done.stdout
    printed = (tmp_path / "again" / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4


def test_without_a_browser_it_is_said(broken: Results, tmp_path: Path) -> None:
    write_results(broken, tmp_path)
    done = conformance("report", "results.json", "--out", "again", "--pdf", folder=tmp_path, PATH="")
    if Path(BROWSERS[-1]).exists():
        pytest.skip("a browser stands beside the PATH")
    assert done.returncode == 2
    assert "--pdf needs Chromium" in done.stderr
    assert "print it" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("printer", ["false", "no-such-program"])
def test_browser_that_prints_nothing_is_named(tmp_path: Path, printer: str) -> None:
    (tmp_path / "report.html").write_text("<p>", encoding="utf-8")
    with pytest.raises(UsageError, match=rf"{printer} did not print"):
        print_page(tmp_path / "report.html", tmp_path / "report.pdf", printer)
