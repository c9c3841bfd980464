"""One run from settings to exit status: scenarios through pytest, results, reports, and what the terminal says."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from rich.console import Console

import reports
from conformance.plugin import GivenSettings
from conformance.progress import Progress
from conformance.results import Exit, write_results
from conformance.settings import Settings, UsageError

WORKERS_MAXIMUM = 4
"""Workers used unless told otherwise: beyond that the target is the bottleneck."""

_CONTROLLER = "conformance-run"


def scenarios() -> Path:
    """Where the scenarios are: within the package once it is installed, in `tests/api` of a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "scenarios"
    return installed if installed.is_dir() else package.parent / "tests" / "api"


def run(settings: Settings) -> int:
    """Judges a target and writes the results.

    Args:
        settings: of the run.

    Returns:
        The exit status.

    Raises:
        UsageError: the output folder cannot be written to.
    """
    _check_writable(settings.out)
    console = Console(stderr=False)
    progress = Progress(console)
    given = GivenSettings(settings)
    signal.signal(signal.SIGTERM, _interrupt)
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(_cache()))
    plugins: list[Any] = [progress]
    with progress, contextlib.redirect_stderr(io.StringIO()) as complaints:
        status = _pytest(settings, given, plugins)
    collector = progress.collector
    if collector is None or progress.failures:
        reason = "\n".join(progress.failures) or complaints.getvalue().strip()
        print(f"conformance: the scenarios could not be run: {reason}", file=sys.stderr)
        return Exit.SUITE_ERROR
    if collector.untestable:
        print(f"conformance: {collector.untestable}", file=sys.stderr)
        return Exit.UNTESTABLE
    collector.interrupted = collector.interrupted or status == pytest.ExitCode.INTERRUPTED and not collector.lost
    results = collector.results()
    write_results(results, settings.out)
    reports.write(results, settings.out)
    reports.summary(results, console)
    console.print(f"[dim]report: {settings.out / 'report.html'}[/dim]", soft_wrap=True)
    return int(results["summary"]["exit_status"])


def _pytest(settings: Settings, given: GivenSettings, plugins: list[Any]) -> int:
    workers = settings.workers or min(os.cpu_count() or 1, WORKERS_MAXIMUM)
    folder = scenarios()
    arguments = [
        str(folder),
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        "-c",
        os.devnull,
        "--import-mode=importlib",
        "-p",
        "conformance.plugin",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
    ]
    if workers > 1:
        arguments += ["-n", str(workers), "--dist", "worksteal"]
    holder = type(given).__name__
    registrar = _Registrar(holder, given)
    return int(pytest.main(arguments, plugins=[registrar, *plugins]))


class _Registrar:
    """Registers the settings under a name before the plugin looks for them."""

    def __init__(self, name: str, given: GivenSettings) -> None:
        self._name = name
        self._given = given

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._given, self._name)


def _cache() -> Path:
    """Where Hypothesis keeps its tables of Unicode, so that it leaves nothing in the working directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compute-images-conformance"


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"out is '{folder}', which cannot be written to ({error.strerror}); name another folder with --out") from None
