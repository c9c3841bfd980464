"""One run from settings to exit status: scenarios through pytest, results, reports, and what the terminal says."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest
from rich.console import Console

from conformance.client.names import NAME_PREFIX
from conformance.commands.durability import judge_durability, tell_durability
from conformance.commands.forked_workers import POPEN, worker_specification
from conformance.commands.outcome import conclude, terminal
from conformance.commands.started_target import StartedTarget, Watch
from conformance.commands.writing import check_file, check_folder
from conformance.config.profiles import Profile
from conformance.config.settings import Settings
from conformance.contract import selected
from conformance.reports.difference import since
from conformance.scenario.examples import cache, open_examples
from conformance.scenario.process import TRAFFIC_SHARE
from conformance.scenario.pytest_plugin.checkpoint import Checkpoint
from conformance.scenario.pytest_plugin.controller import GivenSettings
from conformance.scenario.pytest_plugin.interruption import Interruption
from conformance.scenario.pytest_plugin.progress import Progress
from conformance.verdicts.lock import held_to, lock_file, read_lock, write_lock
from conformance.verdicts.results import Results, read_results
from conformance.verdicts.verdict import Exit
from conformance.verdicts.waivers import known, waivers_file, write_waivers

WORKERS = 4
"""Workers used unless told otherwise. At a target they mostly wait, so it takes more than there are processors to
keep it busy; the embedded emulator works on the same processors as they do."""

JUDGED = (Exit.CONFORMANT, Exit.NOT_CONFORMANT)
"""How a run ends that has judged its target to the end."""

FEW_RULES = 4
"""So few rules are judged in one process: to start others would take longer than the scenarios."""


def scenarios() -> Path:
    """Where the scenarios are: within the package once it is installed, in `tests/api` of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "scenarios"
    return installed if installed.is_dir() else package.parent / "tests" / "api"


def run(settings: Settings) -> int:
    """Judges a target, writes the results, and says on the terminal what came out.

    Args:
        settings: of the run.

    Returns:
        The exit status.

    Raises:
        UsageError: the results of --since cannot be read, the output folder cannot be written to, or examples cannot
        be kept where they should be.
    """
    check_folder(settings.out)
    if settings.update_waivers:
        check_file(waivers_file(settings), "--waivers")
    open_examples(settings)
    if settings.update_lock:
        check_file(lock_file(settings), "--lock")
    lock = read_lock(settings)
    earlier = read_results(Path(settings.since)) if settings.since else None
    console = terminal(settings)
    with Interruption(lambda: left_undone(settings)) as interruption:
        try:
            results, after = _judged(settings, console, interruption)
        except SuiteError as error:
            print(f"conformance: the scenarios could not be run: {error}", file=sys.stderr)
            return Exit.SUITE_ERROR
        if lock is not None:
            results = held_to(lock, results)
        if earlier is not None:
            results = results.model_copy(update={"since": since(earlier, results)})
        if settings.update_waivers and results.summary.exit_status in (Exit.CONFORMANT, Exit.NOT_CONFORMANT):
            write_waivers(known(results.waivers), waivers_file(settings))
        if settings.update_lock:
            _write_lock(results, settings)
        status = conclude(results, settings, console)
        told = tell_durability(after, settings, console) if after is not None else Exit.CONFORMANT
        return status or told


def _write_lock(results: Results, settings: Settings) -> None:
    """Writes down what the target can do, where the run tells all of it."""
    path, summary = lock_file(settings), results.summary
    if summary.coverage.partial or summary.exit_status not in (Exit.CONFORMANT, Exit.NOT_CONFORMANT):
        print(f"conformance: {path} is not written: the run tells a part of what the target can do", file=sys.stderr)
        return
    try:
        write_lock(results, path)
    except OSError as error:
        print(f"conformance: {path} could not be written: {error.strerror}", file=sys.stderr)


def _judged(settings: Settings, console: Console, interruption: Interruption) -> tuple[Results, Results | None]:
    """Judges the target, which is started first, and stopped in the end, where the settings say how.

    Returns:
        The results, and what is to be said of it after a restart; None where none was asked for.
    """
    with contextlib.ExitStack() as stack:
        plugins: list[object] = [interruption, Checkpoint(settings.out)]
        url, target = settings.url, None
        if settings.start is not None:
            target = stack.enter_context(StartedTarget(settings.start, url, settings.ready_timeout, settings.out))
            plugins.append(Watch(target))
            url = target.url
        at_target = settings.model_copy(update={"url": url})
        results = judge(
            at_target,
            console=console,
            traffic=settings.traffic,
            scripts="scripts" in settings.wanted_reports,
            plugins=plugins,
        )
        if target is None or not settings.restart_between or results.summary.exit_status not in JUDGED:
            return results, None
        return results, judge_durability(settings, target)


def left_undone(settings: Settings, known: str = "") -> str:
    """What is said where a run is stopped at once.

    Args:
        settings: of the run.
        known: what becomes of what is known; "" where it is in the folder for the results.
    """
    known = known or f"what was known is in '{settings.out}'"
    if settings.url is None or settings.start is not None:
        return f"stopped at once; {known}."
    words = ["conformance", "sweep", "--url", settings.url, "--project", settings.project]
    return (
        f"stopped at once; images named {NAME_PREFIX}-… may be left at the target: `{shlex.join(words)}` lists them; "
        f"{known}."
    )


class SuiteError(Exception):
    """The scenarios could not be run at all: an error of ours, not of the target."""


def judge(  # noqa: PLR0913 - everything that can be said about a run
    settings: Settings,
    focus: Collection[str] = (),
    console: Console | None = None,
    traffic: Path | None = None,
    *,
    profile: Profile | None = None,
    scripts: bool = False,
    traffic_share: float = TRAFFIC_SHARE,
    plugins: Iterable[object] = (),
) -> Results:
    """Judges a target, and answers the results.

    Args:
        settings: of the run.
        focus: run only the scenarios that put one of these rules to the test, yet judge what happens by every rule.
        console: where to show how far the run is; None to show nothing.
        traffic: the file to write the traffic to, as an HTTP archive; None to keep none.
        profile: what the run may spend; None for what the settings say.
        scripts: whether to write the scripts that reproduce breaches.
        traffic_share: how much of the room for the results the traffic may take.
        plugins: further plugins of pytest.

    Raises:
        SuiteError: the scenarios could not be run.
    """
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache()))
    workers = settings.workers or _usual_workers(settings)
    progress = Progress(console or Console(quiet=True))
    given = GivenSettings(settings, frozenset(focus), traffic, profile, traffic_share)
    with contextlib.ExitStack() as stack:
        registrar = _Registrar(given, stack.enter_context(worker_specification()) if workers > 1 else POPEN)
        stack.enter_context(progress)
        complaints = stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        status = pytest.main(_arguments(settings, workers), plugins=[registrar, progress, *plugins])
        collector = progress.collector
        if collector is None or progress.failures:
            raise SuiteError("\n".join(progress.failures) or complaints.getvalue().strip())
        collector.interrupted = collector.interrupted or (status == pytest.ExitCode.INTERRUPTED and not collector.lost)
        return collector.results(scripts=scripts, told=progress.explained)


def _arguments(settings: Settings, workers: int) -> list[str]:
    folder = scenarios()
    alone = [f"--rootdir={folder}", f"--confcutdir={folder}", "-c", os.devnull, "--import-mode=importlib"]
    # The last two collect garbage at the end of a process, for warnings that nobody here reads.
    left_out = ("cacheprovider", "terminal", "unraisableexception", "threadexception")
    plugins = ["-p", "conformance.scenario.pytest_plugin", *(f"-pno:{name}" for name in left_out), "--assert=plain"]
    # Where a budget may end the run, scenarios have to begin in their order, all workers taken together.
    share = ["--dist", "load", "--maxschedchunk", "1"] if settings.budgeted else ["--dist", "worksteal"]
    spread = ["-n", str(workers), *share] if workers > 1 else []
    return [str(folder), *alone, *plugins, *spread]


def _usual_workers(settings: Settings) -> int:
    if len(selected(settings.only, settings.skip, settings.clients)) <= FEW_RULES:
        return 1
    return min(os.cpu_count() or 1, WORKERS) if settings.embedded else WORKERS


class _Registrar:
    """Registers the settings under a name before the plugin looks for them, and tells how workers are started."""

    def __init__(self, given: GivenSettings, worker: str) -> None:
        self._given = given
        self._worker = worker

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._given, GivenSettings.__name__)
        config.option.tx = [self._worker for _ in config.option.tx]
