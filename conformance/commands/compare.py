"""`conformance compare`: the same scenarios on two targets, or on one that was recorded, and where they disagree."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance import __version__
from conformance.commands.checking import checked
from conformance.commands.record import recorded
from conformance.commands.run import SuiteError
from conformance.commands.writing import check_folder
from conformance.config.loading import load_settings
from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue, chosen, selected
from conformance.reports import writing
from conformance.reports.comparison import as_json, disagreements, show, show_comparison
from conformance.reports.text import counted, harmless
from conformance.verdicts.golden.comparison import Comparison, Side, compare, side
from conformance.verdicts.golden.folder import About, Golden, read
from conformance.verdicts.results import Results, write_results
from conformance.verdicts.verdict import Exit, Verdict
from conformance.verdicts.waivers import read_waivers, waived_rules

FOLDERS = ("first", "second")
"""Where the reports of the two targets are, below the folder for the results."""

FILE_NAME = "comparison.json"


@dataclass(frozen=True)
class Place:
    """What is compared: a golden, or a target that is asked now."""

    settings: Settings
    golden: Golden | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.golden.place if self.golden else str(self.settings.url)


def places(given: Mapping[str, Any], words: Sequence[str]) -> list[Place]:
    """What the two words of a user mean: a folder is a golden, all else the URL of a target.

    A target that is compared with a golden is sent the same cases: with its profile, its seed and its rules.

    Args:
        given: the options of the user, by key.
        words: the words.

    Raises:
        UsageError: they mean nothing, or an option contradicts a golden.
    """
    goldens = [read(Path(word)) if Path(word).is_dir() else None for word in words]
    golden = next(filter(None, goldens), None)
    like = _like(given, golden.about) if golden else dict(given)
    found = []
    for word, known in zip(words, goldens, strict=True):
        settings = checked(load_settings(like if known else {**like, "url": word}))
        if golden:
            settings = settings.model_copy(update={"seed": golden.about.seed})
        found.append(Place(settings, known))
    return found


def _like(given: Mapping[str, Any], about: About) -> dict[str, Any]:
    """The options with which a run draws the cases of a golden."""
    for key, value in (("profile", about.profile), ("seed", about.seed)):
        if key in given and str(given[key]) != str(value):
            raise UsageError(
                f"{key} is '{given[key]}' (set by --{key}), but the golden was recorded with "
                f"{'none' if value is None else repr(value)}; leave --{key} out."
            )
    like = {**given, "profile": about.profile, "api_version": about.api_version}
    if not {"only", "skip", "clients"} & given.keys():
        only = [word for word in about.only if chosen([word])]
        if about.only and not only:
            raise UsageError(f"the golden is of rules that there are no more: {', '.join(about.only)}.")
        like |= {"only": only, "skip": [word for word in about.skip if chosen([word])], "clients": about.clients}
    return like


def run_comparison(two: Sequence[Place]) -> int:
    """Compares two places, writes a report on each target that was asked, and says where they differ.

    Args:
        two: what is compared.

    Returns:
        The exit status. Of two targets: 0 where they agree, 1 where they do not. With a golden: 1 where the second one
        breaks a rule that the first one keeps, and no waiver covers it. 3 or 4 where one of them could not be judged.

    Raises:
        UsageError: the folder for the results cannot be written to.
    """
    out = two[0].settings.out
    check_folder(out)
    console = Console()
    judged: list[tuple[Golden, Results | None]] = []
    for place, folder in zip(two, FOLDERS, strict=True):
        try:
            found = (place.golden, None) if place.golden else _asked(place.settings, out / folder, console)
        except SuiteError as error:
            print(f"conformance: the scenarios could not be run: {error}", file=sys.stderr)
            return Exit.SUITE_ERROR
        if isinstance(found, Results):
            reason = harmless(found.summary.reason, lines=False)
            print(f"conformance: {place.name}: {reason}", file=sys.stderr)
            return found.summary.exit_status
        judged.append(found)
    settings = two[1].settings
    wanted = selected(settings.only, settings.skip, settings.clients)
    rules = {name: rule for name, rule in catalogue().items() if name in wanted}
    first, second = (side(golden, rules, results) for golden, results in judged)
    comparison = compare(first, second, _waived(second, two[1]))
    titles = [place.name for place in two]
    comparison.notes += [
        note for title, (golden, _) in zip(titles, judged, strict=True) for note in _notes(golden, title)
    ]
    (out / FILE_NAME).write_text(
        json.dumps(as_json(comparison, titles), ensure_ascii=False, indent=1) + "\n",
        encoding="utf-8",
        errors="backslashreplace",
    )
    return _said(comparison, two, [results for _, results in judged if results], console)


def _asked(settings: Settings, folder: Path, console: Console) -> tuple[Golden, Results] | Results:
    """A target's answers to the cases, and the results of the run; the results alone where they tell too little."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as place:
        results, written = recorded(settings, Path(place), console, scripts=True)
        if written is None:
            return results
        write_results(results, folder)
        writing.write(results, folder)
        return read(Path(place)), results


def _waived(target: Side, place: Place) -> set[str]:
    """The rules that the target may break."""
    if place.golden is None:
        return {rule for rule, (verdict, _) in target.verdicts.items() if verdict is Verdict.WAIVED}
    return set(waived_rules(read_waivers(place.settings), place.golden.about.url))


def _notes(golden: Golden, title: str) -> Iterator[str]:
    """What a reader should know of one of the two."""
    about = golden.about
    if about.suite_version != __version__:
        yield (
            f"{title} was recorded by version {about.suite_version} of the suite, and this is {__version__}: cases "
            "and rules may be others"
        )
    if about.partial:
        yield f"the run at {title} had not all its scenarios: {about.partial}"
    if about.left_out:
        yield f"{counted(about.left_out, 'case')} of {title} left out for want of room; --max-output gives more"
    if golden.missing:
        yield f"{title} lacks {counted(golden.missing, 'case')} that its index tells of"


def _said(comparison: Comparison, two: Sequence[Place], results: Sequence[Results], console: Console) -> int:
    """Says where the two differ; answers the exit status."""
    out = two[0].settings.out
    live = len(results) == len(two)
    if not comparison.standings:
        print(
            "conformance: nothing can be compared: the two have no case in common that a rule judges", file=sys.stderr
        )
        return Exit.UNTESTABLE
    show_comparison(comparison, [place.name for place in two], console)
    status = Exit.NOT_CONFORMANT if comparison.gating else Exit.CONFORMANT
    if live:
        found = disagreements(results[0], results[1])
        show(found, results[0], results[1], console)
        status = Exit.NOT_CONFORMANT if found else Exit.CONFORMANT
    folders = [str(out / folder) for place, folder in zip(two, FOLDERS, strict=True) if place.golden is None]
    console.print(f"reports: {' and '.join([*folders, str(out / FILE_NAME)])}", style="dim", soft_wrap=True)
    return status
