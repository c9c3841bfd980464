"""Templates are compiled once, where Python keeps its own compiled modules, and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.reports.assets import pages


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for compiled modules, which is not there yet."""
    folder = tmp_path / "compiled"
    monkeypatch.setattr(sys, "pycache_prefix", str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return folder


def page() -> str:
    """A page without content."""
    environment = pages()
    environment.filters["harmless"] = str
    return environment.get_template("difference.html.j2").render(sentence="nothing changed", changes=[])


def kept(folder: Path) -> dict[Path, bytes]:
    """The files that are there."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_template_is_compiled_once(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = page()
    assert "nothing changed" in first
    assert len(kept(compiled)) == 1
    monkeypatch.setattr("jinja2.Environment.compile", lambda *_, **__: pytest.fail("compiled again"))
    assert page() == first


def test_nothing_is_kept_where_python_keeps_nothing(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert page()
    assert not compiled.exists()


def test_folder_that_cannot_be_written_is_no_error(compiled: Path) -> None:
    compiled.write_text("a file where the folder would be", encoding="utf-8")
    assert page()


def test_what_was_kept_and_is_damaged_is_made_anew(compiled: Path) -> None:
    first = page()
    ((path, whole),) = kept(compiled).items()
    path.write_bytes(whole[: len(whole) // 2])
    assert page() == first
    assert kept(compiled) == {path: whole}
