"""`conformance watch`: judges again whenever files change, what failed first."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text
from watchfiles import DefaultFilter
from watchfiles import watch as changes

from conformance.commands.run import run
from conformance.config.settings import Settings
from conformance.contract import catalogue, selected
from conformance.reports.terminal import Terminal
from conformance.verdicts.results import FILE_NAME, read_results
from conformance.verdicts.verdict import Exit, Verdict

SHOWN_MAXIMUM = 10
"""Rules that are named of those whose verdict has changed."""


def watch(settings: Settings, folders: Sequence[Path]) -> int:
    """Judges a target, and again after each change of a file or when Enter is pressed, until Ctrl-C ends it.

    Each time the rules that were broken are judged first, then those of the same areas, then all: the next step is
    taken only where the last one shows no breach.

    Args:
        settings: of the runs.
        folders: the files and folders that are watched.

    Returns:
        The exit status: that of an interrupted run.

    Raises:
        UsageError: as of a run.
    """
    console = Terminal()
    known: dict[str, Verdict] = {}
    enter = _Enter()
    while True:
        for only in _stages(settings, known):
            status = run(settings.model_copy(update={"only": only, "first": _broken(known)}))
            if status in (Exit.INTERRUPTED, Exit.SUITE_ERROR):
                return status
            found = _verdicts(settings.out / FILE_NAME, status)
            _show_changes(known, found, console)
            known |= found
            if status != Exit.CONFORMANT:
                break
        where = ", ".join(map(str, folders))
        console.print(Text(f"waiting for a change in {where}; Enter: again · Ctrl-C: end", style="dim"), soft_wrap=True)
        _wait(folders, settings.out, enter)


def _stages(settings: Settings, known: Mapping[str, Verdict]) -> Iterator[tuple[str, ...]]:
    """What is judged one after the other: rules that were broken, their areas, all that the settings select."""
    rules = selected(settings.only, settings.skip, settings.clients)
    broken = rules & set(_broken(known))
    areas = {catalogue()[rule].area for rule in broken}
    near = {rule for rule in rules if catalogue()[rule].area in areas}
    if broken:
        yield tuple(sorted(broken))
    if broken < near < rules:
        yield tuple(sorted(near))
    if broken != rules:
        yield settings.only


def _broken(known: Mapping[str, Verdict]) -> tuple[str, ...]:
    return tuple(rule for rule, verdict in known.items() if verdict.broken)


def _verdicts(path: Path, status: int) -> dict[str, Verdict]:
    """What the last run found out; nothing where the target could not be tested."""
    if status == Exit.UNTESTABLE:
        return {}
    return {rule: verdict for rule, verdict in read_results(path).verdicts.items() if verdict.tested}


def _show_changes(before: Mapping[str, Verdict], now: Mapping[str, Verdict], console: Console) -> None:
    """Says which rules are mended, and which are newly broken, since each was judged last."""
    rows: tuple[tuple[str, str, Callable[[Verdict, Verdict], bool]], ...] = (
        ("mended", "green", lambda old, new: old.broken and not new.broken),
        ("newly broken", "red", lambda old, new: new.broken and not old.broken),
    )
    for title, colour, holds in rows:
        rules = [rule for rule, verdict in now.items() if rule in before and holds(before[rule], verdict)]
        if rules:
            more = f" and {len(rules) - SHOWN_MAXIMUM} more" if len(rules) > SHOWN_MAXIMUM else ""
            text = f"{title}: {', '.join(rules[:SHOWN_MAXIMUM])}{more}"
            console.print(Text(text, style=f"bold {colour}"), soft_wrap=True)


class _Enter:
    """Tells when Enter is pressed, where somebody sits at the terminal."""

    def __init__(self) -> None:
        self.pressed = threading.Event()
        if sys.stdin is not None and sys.stdin.isatty():
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for _ in sys.stdin:
                self.pressed.set()


def _wait(folders: Sequence[Path], out: Path, enter: _Enter) -> None:
    """Waits for a change of a file that no run has written, or for Enter."""
    enter.pressed.clear()
    for _ in changes(*folders, watch_filter=DefaultFilter(ignore_paths=[out.resolve()]), stop_event=enter.pressed):
        return
