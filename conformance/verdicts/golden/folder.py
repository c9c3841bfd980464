"""The folder of a golden: an HTTP archive for each scenario, an index that says what run they are of, and the answers
in words, which are the same for each recording of the same target."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance import __version__
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings, UsageError
from conformance.trace import har
from conformance.trace.customer_keys import secrets_of
from conformance.trace.exchange import Exchange, Trace
from conformance.trace.json_text import NOT_JSON, parse_json
from conformance.trace.readers import NotARecordingError, sources
from conformance.verdicts.golden.steps import in_words
from conformance.verdicts.results import Results

SCHEMA_VERSION = 1
"""Of what is written; what a later version says is not guessed at."""

INDEX = "golden.json"
ANSWERS = "answers.txt"
SUFFIX = ".har"

FILE_MAXIMUM = 256 * 2**20
"""Bytes of a file that is read: no run writes as much."""

DEADLINE_MAXIMUM = 86_400.0
"""Seconds that an operation may have taken: no run allows more."""

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
"""What does not stand in the name of a file, whatever a scenario is called."""

Key = tuple[str, int]
"""A scenario, and the number of its case."""


class About(BaseModel):
    """What golden.json says: the run, and what decides which cases it draws.

    `cases` says how many cases of each scenario there are; `left_out` how many more there was no room for; `partial`
    why the run had not all its scenarios ("" where it had).
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    suite_version: str
    profile: str
    seed: int | None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    url: str
    project: str
    second_project: str | None = None
    api_version: str
    capabilities: dict[str, bool | str] = {}
    partial: str = ""
    left_out: Annotated[int, Field(ge=0)] = 0
    cases: dict[str, Annotated[int, Field(ge=0)]]

    @property
    def projects(self) -> dict[str, str]:
        """The projects of the run, each with the word that stands for it."""
        second = {self.second_project: "<second project>"} if self.second_project else {}
        return {**second, self.project: "<project>"}


@dataclass(frozen=True)
class Golden:
    """A golden as it was read: `cases` holds the trace of each case, `place` says where it is."""

    about: About
    cases: Mapping[Key, Trace]
    place: str = ""

    @property
    def missing(self) -> int:
        """How many cases the index tells of that are not there."""
        there = Counter(scenario for scenario, _ in self.cases)
        return sum(max(count - there[scenario], 0) for scenario, count in self.about.cases.items())


def about(results: Results, settings: Settings) -> About:
    """What is said of a run, before its cases are counted."""
    target = results.target
    return About(
        suite_version=__version__,
        profile=settings.profile,
        seed=settings.seed,
        only=settings.only,
        skip=settings.skip,
        clients=settings.clients,
        url=target.url,
        project=target.project,
        second_project=settings.second_project,
        api_version=target.api_version,
        capabilities=dict(sorted(target.capabilities.items())),
        partial=results.run.ending.reason,
        cases={},
    )


def check_place(folder: Path) -> None:
    """Makes sure that a golden may be written to a folder: it is new, empty, or a golden that is to be replaced.

    Raises:
        UsageError: it holds something else.
    """
    if folder.is_dir() and not (folder / INDEX).is_file() and any(folder.iterdir()):
        raise UsageError(f"out is '{folder}', which holds something else than a golden; name a new folder with --out.")


def write(traffic: Path, described: About, folder: Path) -> About:
    """Writes a golden from the traffic of a run, in place of an earlier one.

    What no case holds is left out: what was acted out again, and the deletions at the end. So are cases of which there
    was no room for all.

    Args:
        traffic: the run's own archive, without secrets.
        described: what is said of the run.
        folder: where to write to.

    Returns:
        The same, with the cases counted.

    Raises:
        OSError: the folder cannot be written to.
    """
    cases: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in _entries(traffic):
        key = _key(entry)
        if key is not None:
            cases[key].append(entry)
    whole = {key: entries for key, entries in sorted(cases.items()) if _whole(entries)}
    scenarios: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for (scenario, _), entries in whole.items():
        # In the order of the cases, whenever they were sent.
        scenarios[scenario] += sorted(entries, key=lambda entry: int(entry[har.OWN]["number"]))
    counts = Counter(scenario for scenario, _ in whole)
    described = described.model_copy(update={"cases": dict(counts), "left_out": len(cases) - len(whole)})
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"*{SUFFIX}"):
        path.unlink()
    for name, (scenario, entries) in zip(_names(scenarios), sorted(scenarios.items()), strict=True):
        for entry in entries:
            entry[har.OWN]["trace"] = f"{scenario} {entry[har.OWN]['case']}"
        har.write((json.dumps(entry, sort_keys=True) for entry in entries), folder / name)
    with (folder / ANSWERS).open("w", encoding="utf-8", errors="backslashreplace") as file:
        for (scenario, case), trace in _traces(whole).items():
            file.write(f"{scenario} {case}\n{in_words(trace, described.projects)}\n")
    text = json.dumps(described.model_dump(mode="json"), ensure_ascii=False, indent=1)
    (folder / INDEX).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    return described


def _names(scenarios: Iterable[str]) -> Iterator[str]:
    """A file name for each scenario, in the order of their names; no two are alike."""
    used: Counter[str] = Counter()
    for scenario in sorted(scenarios):
        plain = _UNFIT.sub("-", scenario).strip("-.")[:100] or "scenario"
        # Some file systems take capitals for small letters.
        used[plain.lower()] += 1
        number = used[plain.lower()]
        yield f"{plain}{f'~{number}' if number > 1 else ''}{SUFFIX}"


def read(folder: Path) -> Golden:
    """The golden in a folder, which may be from anybody.

    Raises:
        UsageError: it is none, or broken.
    """
    described = _read_index(folder / INDEX)
    found: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            if path.stat().st_size > FILE_MAXIMUM:
                raise UsageError(f"{path} is larger than {FILE_MAXIMUM // 2**20} MiB, which no golden is.")
            for entry in _entries(path):
                key = _key(entry)
                if key is None:
                    raise UsageError(f"{path} is no part of a golden: an entry does not say which case it is of.")
                found[key].append(entry)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
        except NotARecordingError as error:
            raise UsageError(f"{path} is no part of a golden: {error}.") from None
    whole = {key: entries for key, entries in sorted(found.items()) if _whole(entries)}
    if not whole:
        raise UsageError(f"the golden '{folder}' has no whole case.")
    try:
        return Golden(described, _traces(whole), str(folder))
    except har.UnreadableError as error:
        raise UsageError(f"'{folder}' is no golden: it has an entry {error}.") from None


def _read_index(path: Path) -> About:
    try:
        with path.open("rb") as file:
            value = parse_json(file.read(FILE_MAXIMUM))
    except OSError as error:
        raise UsageError(
            f"'{path.parent}' is no golden: {path.name} cannot be read ({error.strerror}); `conformance record` "
            "makes one."
        ) from None
    version = value.get("schema_version") if isinstance(value, dict) else None
    if value is not NOT_JSON and version not in (None, SCHEMA_VERSION):
        raise UsageError(f"{path} has schema_version {json.dumps(version)}, and this suite reads version 1.")
    try:
        described = About.model_validate(value)
    except ValidationError as error:
        place = "/".join(map(str, error.errors()[0]["loc"])) or "the file itself"
        raise UsageError(f"{path} is no index of a golden: {place} is not as `conformance record` writes it.") from None
    if described.profile not in PROFILES:
        raise UsageError(f"{path} has the profile {json.dumps(described.profile)}; known are {', '.join(PROFILES)}.")
    return described


def _entries(path: Path) -> Iterator[Mapping[str, Any]]:
    for source in sources(path)[0]:
        yield from source.entries()


def _key(entry: Mapping[str, Any]) -> Key | None:
    """The case that an entry is of; None where it is of none."""
    own = entry.get(har.OWN)
    scenario, case = (own.get("scenario"), own.get("case")) if isinstance(own, dict) else (None, None)
    whole = isinstance(case, int) and not isinstance(case, bool) and case > 0
    return (scenario, case) if isinstance(scenario, str) and isinstance(case, int) and whole else None


def _whole(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the entries of a case are all there, each with its bodies."""
    count = len(entries)
    there = {number for entry in entries if type(number := entry[har.OWN].get("number")) is int}
    whole = there == set(range(1, count + 1)) and entries[0][har.OWN].get("of") == count
    return whole and not any(map(har.bodiless, entries))


def _traces(cases: Mapping[Key, Sequence[Mapping[str, Any]]]) -> dict[Key, Trace]:
    """The traces of the cases; the keys that any of them sent must be seen in none.

    Raises:
        UnreadableError: one of the entries is none.
    """
    exchanges = {
        key: sorted((har.exchange_of(entry, entry[har.OWN]["number"]) for entry in entries), key=_number)
        for key, entries in cases.items()
    }
    keys = frozenset(secret for found in exchanges.values() for exchange in found for secret in secrets_of(exchange))
    return {key: Trace(tuple(found), keys, max(map(_deadline, cases[key]))) for key, found in exchanges.items()}


def _number(exchange: Exchange) -> int:
    return exchange.number


def _deadline(entry: Mapping[str, Any]) -> float:
    """How long an operation might have taken; no longer than any run allows."""
    deadline = entry[har.OWN].get("deadline")
    usable = isinstance(deadline, int | float) and 0 <= deadline <= DEADLINE_MAXIMUM
    return float(deadline) if usable else DEADLINE_MAXIMUM
