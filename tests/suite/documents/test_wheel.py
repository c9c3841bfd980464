"""What is installed clashes with nothing, lacks nothing, and is the same from a checkout and from a source archive."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.emulator.process import EmulatorProcess

pytest.importorskip("hatchling")

PROJECT = Path(__file__).parents[3]


def built(kind: str, source: Path, folder: Path) -> Path:
    """A distribution made of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, capture_output=True, check=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(built("wheel", PROJECT, tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer would unpack it."""
    folder = tmp_path_factory.mktemp("site")
    wheel.extractall(folder)  # noqa: S202 - we have made it ourselves
    return folder


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with EmulatorProcess() as emulator:
        yield emulator.url


def run(installed: Path, folder: Path, *words: str) -> str:
    """What a module says with the wheel in place of the checkout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CONFORMANCE_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-P", "-m", *words],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


def test_one_name_is_installed(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"conformance"}


def test_source_archive_makes_the_same_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    with tarfile.open(built("sdist", PROJECT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.glob("*/pyproject.toml")
    assert {path.name for path in source.parent.iterdir()} >= {"reports", "strategies", "tests"}
    again = zipfile.ZipFile(built("wheel", source.parent, tmp_path / "wheel"))
    assert set(again.namelist()) == set(wheel.namelist())


def test_wheel_runs_and_reports(installed: Path, url: str, tmp_path: Path) -> None:
    said = run(installed, tmp_path, "conformance", "run", "--url", url, "--only", "image.kind")
    assert "1 passed" in said
    assert "</html>" in (tmp_path / "compliance-report" / "report.html").read_text(encoding="utf-8")


def test_wheel_brings_both_ways_of_pytest(installed: Path, url: str, tmp_path: Path) -> None:
    options = ("-p", "conformance.scenario.pytest_plugin", "--pyargs", "conformance.scenarios", "--only", "image.kind")
    assert "1 passed" in run(installed, tmp_path, "pytest", *options, "--url", url)
    # Nothing names the plugin here: pytest finds it by its entry point.
    assert "1 passed" in run(installed, tmp_path, "pytest", "--conformance-url", url, "conformance::image.kind")
