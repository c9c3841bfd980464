"""Known failures: rules that may fail at a target for now, each with a reason, and the day when that ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from conformance.config.settings import Settings, UsageError
from conformance.config.toml import read_table
from conformance.contract import catalogue, matching, near
from conformance.verdicts.judgement import Judgement
from conformance.verdicts.results import WaiverResult, WaiverState
from conformance.verdicts.verdict import Exit, Verdict

FILE_NAME = "waivers.toml"
EMBEDDED = "embedded emulator"
DAYS = 90
"""How long a waiver holds that --update-waivers writes."""

COMPLAINTS: Mapping[WaiverState, str] = {
    "stale": "is stale: no rule that it names fails any more",
    "expired": "has expired",
    "matches no rule": "matches no rule",
}


class Waiver(BaseModel):
    """A known failure.

    Args:
        rule: glob of the rules that may fail.
        target: glob of the URLs of the targets at which they may, all unless told; `embedded emulator` is a target too.
        reason: why.
        link: where that is told in full, if anywhere.
        expires: the last day on which they may.
        intermittent: whether they may at times only: a breach that is seen again each time is not covered.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1, hide_input_in_errors=True)

    rule: str
    target: str = "*"
    reason: str
    link: str | None = None
    expires: date
    intermittent: bool = False

    @field_validator("link")
    @classmethod
    def _check_link(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("it should be a URL that begins with http:// or https://")
        return value

    def covers(self, url: str | None) -> bool:
        """Whether it is about a target; None stands for the embedded emulator."""
        return fnmatchcase(url or EMBEDDED, self.target)


WANTED = tuple(name for name, field in Waiver.model_fields.items() if field.is_required())


def waivers_file(settings: Settings) -> Path:
    """The file that a run takes its waivers from, which need not exist."""
    return Path(settings.waivers or FILE_NAME)


def read_waivers(settings: Settings) -> tuple[Waiver, ...]:
    """The waivers that a run has been given.

    Raises:
        UsageError: the file cannot be read, or something in it is missing or wrong.
        UnmatchedError: a waiver matches no rule.
    """
    path = waivers_file(settings)
    if not path.exists() and (settings.waivers is None or settings.update_waivers):
        return ()
    try:
        table = read_table(path, "waivers file")
    except OSError as error:
        raise UsageError(f"the waivers file {path} cannot be read: {error.strerror}.") from None
    rows = table.get("waiver", [])
    if set(table) - {"waiver"} or not isinstance(rows, list):
        raise UsageError(f"the waivers file {path} may hold tables [[waiver]] and nothing else.")
    return tuple(_waiver(row, f"waiver {number} of {path}") for number, row in enumerate(rows, 1))


class UnmatchedError(UsageError):
    """A waiver matches no rule: what it was written for is not there, or is misspelt."""

    status = Exit.NOT_CONFORMANT


def _waiver(row: Any, place: str) -> Waiver:
    try:
        waiver = Waiver.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = f"{first['loc'][0]}: " if first["loc"] else ""
        text = first["msg"].removeprefix("Value error, ")
        raise UsageError(
            f"{place} is not usable: {key}{text[:1].lower()}{text[1:]}; {', '.join(WANTED)} are wanted; target, link "
            "and intermittent are optional."
        ) from None
    if not matching([waiver.rule], catalogue()):
        raise UnmatchedError(f"{place} matches no rule: '{waiver.rule}'{near(waiver.rule)}.")
    return waiver


def known(rows: Iterable[WaiverResult]) -> list[Waiver]:
    """Waivers read back from results, each once."""
    return list(dict.fromkeys(Waiver(**row.model_dump(include=set(Waiver.model_fields))) for row in rows))


def waived_rules(waivers: Iterable[Waiver], url: str | None, *, intermittent: bool = False) -> frozenset[str]:
    """The rules that may fail at a target today; `intermittent` adds those that may at times only."""
    globs = [
        waiver.rule
        for waiver in waivers
        if waiver.covers(url) and waiver.expires >= _today() and (intermittent or not waiver.intermittent)
    ]
    return frozenset(matching(globs, catalogue()))


def waive(judgements: Mapping[str, Judgement], waivers: Sequence[Waiver], url: str | None) -> dict[str, Judgement]:
    """The judgements, with the failures and deviations waived that a waiver covers.

    Args:
        judgements: the verdict on each rule.
        waivers: those of the run.
        url: of the target; None for the embedded emulator.
    """
    found = dict(judgements)
    for waiver in waivers:
        for rule in waived_rules([waiver], url, intermittent=True):
            covered = found[rule].intermittent or not waiver.intermittent
            if covered and found[rule].verdict in (Verdict.FAILED, Verdict.DEVIATES):
                link = f"{waiver.link}, " if waiver.link else ""
                reason = f"{waiver.reason} ({link}until {waiver.expires})"
                found[rule] = Judgement(Verdict.WAIVED, reason, root=rule)
    return found


def state(waiver: Waiver, judgements: Mapping[str, Judgement], url: str | None, *, whole: bool) -> WaiverState:
    """What has become of a waiver in a run.

    Args:
        waiver: the waiver.
        judgements: the verdict on each rule, waived ones included.
        url: of the target; None for the embedded emulator.
        whole: whether the run had all its scenarios: a shard alone cannot tell that no rule fails any more.
    """
    named = matching([waiver.rule], judgements)
    verdicts = {judgements[rule].verdict for rule in named}
    if not named:
        return "matches no rule"
    if not waiver.covers(url):
        return "unused"
    if waiver.expires < _today():
        return "expired"
    if Verdict.WAIVED in verdicts:
        return "in use"
    # What is broken at times only may hold in this run.
    return (
        "stale"
        if whole
        and not waiver.intermittent
        and Verdict.PASSED in verdicts
        and not verdicts & {Verdict.BLOCKED, Verdict.ERROR}
        else "unused"
    )


def updated(
    waivers: Sequence[Waiver],
    judgements: Mapping[str, Judgement],
    failures: Mapping[str, str],
    url: str | None,
    *,
    whole: bool,
) -> list[Waiver]:
    """The waivers with which a run would pass: those of other targets and those in use, and one for every other
    failure.

    Args:
        waivers: those of the run.
        judgements: the verdict on each rule.
        failures: what failed and is not waived, with what was seen.
        url: of the target; None for the embedded emulator.
        whole: whether the run had all its scenarios.
    """
    kept = [waiver for waiver in waivers if state(waiver, judgements, url, whole=whole) in ("in use", "unused")]
    end = _today() + timedelta(DAYS)
    target = _lasting(url)
    return kept + [
        Waiver(
            rule=rule,
            target=target,
            reason=f"failed on {_today()}: {seen}",
            expires=end,
            intermittent=judgements[rule].intermittent,
        )
        for rule, seen in failures.items()
    ]


def _lasting(url: str | None) -> str:
    """A glob of the targets at which a waiver holds that was written at one: a server on this machine may have
    another port tomorrow."""
    local = url is not None and urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    return "*" if local else escape(url or EMBEDDED)


def write_waivers(waivers: Iterable[Waiver], path: Path) -> None:
    """Writes the file.

    Raises:
        UsageError: it cannot be written.
    """
    tables = []
    for waiver in waivers:
        row = waiver.model_dump(mode="json", exclude_defaults=True)
        lines = [f"{key} = {value if key == 'expires' else _toml(value)}" for key, value in row.items()]
        tables.append("\n".join(["[[waiver]]", *lines]))
    try:
        path.write_text("\n\n".join(tables) + ("\n" if tables else ""), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the waivers file {path} cannot be written: {error.strerror}.") from None


def _toml(value: str | bool) -> str:
    """A value as TOML has it: JSON's form, but for the one control character that JSON leaves as it is."""
    if isinstance(value, bool):
        return json.dumps(value)
    return json.dumps(value.encode(errors="replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")


def _today() -> date:
    return datetime.now(UTC).date()
