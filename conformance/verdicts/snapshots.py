"""What a matrix of many targets keeps of each of their runs, and the folder in which it is gathered over time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from conformance.config.settings import UsageError
from conformance.verdicts.results import Results, RuleResult, Summary
from conformance.verdicts.verdict import Verdict
from conformance.verdicts.whole_files import write_whole

DATES_MAXIMUM = 100
"""Runs of one target that are read from a history: the latest."""

TEXT_MAXIMUM = 160
"""Characters that are kept of what a rule's first breach says, and of other texts of a run."""

RECORDED = ("recording", "tap")
"""Profiles of what others sent: what it does not show nobody has tried."""

UNJUDGED = (Verdict.NOT_EXERCISED, Verdict.NOT_APPLICABLE, Verdict.LEFT_OUT)
"""Verdicts that do not count in a score."""

RuleId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A rule by its id, as it may stand in pages and addresses."""

_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


def _in_utc(moment: AwareDatetime) -> AwareDatetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of the range of dates") from None


class Snapshot(BaseModel):
    """One run of one target, as a matrix shows it.

    Attributes:
        target: what the target is called.
        version: which version of it, in its user's words; "" where that was not said.
        url: where it was.
        key: distinguishes the runs that began in the same second.
        rules: the rules with each verdict.
        told: for rules that do not hold, how that was first seen.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    target: Annotated[str, Field(min_length=1)]
    version: str
    url: str
    started: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    key: Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
    profile: str
    suite_version: str
    summary: Summary
    rules: dict[Verdict, tuple[RuleId, ...]]
    told: dict[RuleId, str]

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each rule."""
        return {rule: verdict for verdict, rules in self.rules.items() for rule in rules}

    @property
    def partial(self) -> str:
        """What kept the run from trying all rules; "" for a whole one."""
        shows = "a recording, which shows only a part of the rules"
        return self.summary.coverage.partial or (shows if self.profile in RECORDED else "")

    @property
    def judged(self) -> int:
        """How many rules came to a verdict, or would have if no other one were broken."""
        return sum(len(rules) for verdict, rules in self.rules.items() if verdict not in UNJUDGED)

    @property
    def score(self) -> float:
        """How many of a hundred of these rules hold."""
        return 100 * len(self.rules.get(Verdict.PASSED, ())) / self.judged if self.judged else 0.0

    @property
    def slug(self) -> str:
        """The target in names of files, another one for each."""
        if _PLAIN.fullmatch(self.target):
            return self.target
        digest = hashlib.sha256(self.target.encode("utf-8", "backslashreplace")).hexdigest()[:8]
        readable = re.sub(r"[^a-z0-9]+", "-", self.target.lower()).strip("-")[:40]
        return f"{readable}_{digest}" if readable else f"target_{digest}"

    @property
    def stamp(self) -> str:
        """The run in names of files: these are in the order of time."""
        return f"{self.started:%Y%m%dT%H%M%SZ}-{self.key}"


def snapshot(results: Results, name: str = "") -> Snapshot:
    """What is kept of a run.

    Args:
        results: of the run.
        name: what the target is called; "" for its own name, or where it has none its URL.

    Raises:
        UsageError: the run judged clients, began at no time, or names what is no rule.
    """
    run, target = results.run, results.target
    if run.profile == "client":
        raise UsageError(f"the run {run.id} has judged a client; a matrix compares targets.")
    identity = " ".join((run.id, run.started, run.finished, run.shard or "", run.command))
    try:
        return Snapshot(
            target=_cut(name or target.name or target.url.partition("://")[2] or target.url) or "unnamed",
            version=_cut(target.version),
            url=_cut(target.url),
            started=run.started,  # type: ignore[arg-type] # the model reads it
            key=hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest()[:8],
            profile=run.profile,
            suite_version=run.suite_version,
            summary=results.summary.model_copy(update={"reason": _cut(results.summary.reason)}),
            rules={
                verdict: found
                for verdict in Verdict
                if (found := tuple(rule.id for rule in results.rules if rule.verdict is verdict))
            },
            told={rule.id: _cut(rule.told) for rule in results.rules if _worth_telling(rule)},
        )
    except ValidationError as error:
        undated = error.errors()[0]["loc"][0] == "started"
        wrong = f"began at '{run.started}', no time with a zone" if undated else "names a rule that can be none"
        raise UsageError(f"the run {run.id} {wrong}.") from None


def _worth_telling(rule: RuleResult) -> bool:
    return rule.verdict not in (Verdict.PASSED, *UNJUDGED) and bool(rule.told)


def _cut(text: str) -> str:
    """A text in one line, short and without halves of characters."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    return line if len(line) <= TEXT_MAXIMUM else f"{line[: TEXT_MAXIMUM - 1]}…"


def keep(found: Snapshot, folder: Path) -> None:
    """Puts a snapshot into a history; one that is there already is the same.

    Args:
        found: the snapshot.
        folder: of the history: a folder for each target, with a file for each run.

    Raises:
        OSError: the folder cannot be written to.
    """
    text = json.dumps(found.model_dump(mode="json"), ensure_ascii=True, indent=1) + "\n"
    write_whole(folder / found.slug / f"{found.stamp}.json", text.encode())


def kept(folder: Path) -> Iterator[Snapshot]:
    """The snapshots of a history, the latest of each target.

    Args:
        folder: of the history.

    Raises:
        UsageError: a file of it cannot be read, or holds something else.
    """
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        for path in sorted(place.glob("*.json"))[-DATES_MAXIMUM:]:
            yield _read(path)


def _read(path: Path) -> Snapshot:
    origin = "file of a history that `conformance report --matrix` has written"
    try:
        return Snapshot.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        place = "/".join(map(str, error.errors()[0]["loc"])) or "the file itself"
        raise UsageError(f"{path} is no {origin}: {place} is wrong.") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is no {origin}: it is not JSON.") from None
