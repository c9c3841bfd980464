"""What results.json holds, as a typed model: the source of all reports.

The JSON Schema that ships with the product is made from it, by `python -m conformance.reports.schema`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.config.settings import UsageError
from conformance.contract import Basis
from conformance.contract.rule import Role
from conformance.verdicts.migrations import migrated
from conformance.verdicts.verdict import Exit, Outcome, Verdict
from conformance.verdicts.whole_files import write_whole

SCHEMA_VERSION = 2
FILE_NAME = "results.json"
FILE_MAXIMUM = 256 * 2**20
"""Bytes of a file that is read as results: several times what a run writes."""

IN_THE_WAY_SHOWN = 3
"""Rules that are named of those in the way of a level."""

WaiverState = Literal["in use", "unused", "stale", "expired", "matches no rule"]
"""What has become of a waiver in a run."""

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
RuleId = Annotated[str, Field(pattern=r"^[a-z]+([.-][A-Za-z0-9]+)*$")]
"""It is printed, and names a folder."""


class _Part(BaseModel):
    """A part of the results; what a later version of the suite adds is passed over."""

    model_config = ConfigDict(frozen=True)


class Ending(_Part):
    """Why a run ended before all scenarios had their turn; "" and false for what did not happen.

    Attributes:
        untestable: why nothing could be tested.
        lost: why the target was lost in the middle of the run.
        crashed: how the target has ended that the suite had started.
        died: which process of the run was killed from outside.
        interrupted: whether the user stopped the run.
        spent: which budget was used up, or that the run was to stop at the first failure.
    """

    untestable: str = ""
    lost: str = ""
    crashed: str = ""
    died: str = ""
    interrupted: bool = False
    spent: str = ""

    @property
    def reason(self) -> str:
        """The gravest reason, in words; "" for a run that did not end early."""
        return (
            self.crashed
            or self.untestable
            or self.lost
            or self.died
            or ("the run was interrupted" if self.interrupted else "")
            or self.spent
        )


class Run(_Part):
    """What the run was; `seconds` from its start to its end, `complaints` what went wrong beside the scenarios."""

    id: str
    started: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    finished: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    seconds: Amount
    seed: int | None
    profile: Literal["quick", "ci", "thorough", "real", "recording", "tap", "client"]
    suite_version: str
    command: str
    shard: str | None
    strict: bool
    require_complete: bool
    level: Literal["core", "standard", "full"] | None = None
    require: tuple[str, ...] = ()
    intermittent: Literal["fail", "report"] = "fail"
    ending: Ending = Ending()
    complaints: tuple[str, ...] = ()


class Target(_Part):
    """What was judged; `broken` says why no image can be made there ("" where one can), `origin` where a recording
    comes from; `name` and `version` are what the user calls it ("" where that was not said)."""

    url: str
    project: str
    api_version: str
    capabilities: Annotated[dict[str, bool | str], Field(description="true, or the reason why the target lacks it")]
    broken: str = ""
    origin: str = ""
    name: str = ""
    version: str = ""


class Coverage(_Part):
    """How many rules were put to the test, of how many; `partial` says what kept the run from trying all ("" where
    nothing did)."""

    tested: Count = 0
    rules: Count = 0
    partial: str = ""


class Standing(_Part):
    """The level that the target has reached ("" for none), the next one ("" for none above), and the rules that stand
    between."""

    reached: Literal["", "core", "standard", "full"] = ""
    following: Literal["", "core", "standard", "full"] = ""
    in_the_way: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The same in a sentence."""
        reached = f"level {self.reached}" if self.reached else "no level reached"
        if not self.following:
            return reached
        shown = ", ".join(self.in_the_way[:IN_THE_WAY_SHOWN])
        more = len(self.in_the_way) - IN_THE_WAY_SHOWN
        verb = "is" if len(self.in_the_way) == 1 else "are"
        return f"{reached}; in the way of {self.following} {verb} {shown}{f' and {more} more' if more > 0 else ''}"


class ClientResult(_Part):
    """A client that people use, and the rules in its way: none where it works."""

    id: str
    title: str
    in_the_way: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The same in a few words."""
        many = len(self.in_the_way)
        if not many:
            return f"{self.title}: works"
        rules = self.in_the_way[0] if many == 1 else f"{many} rules"
        return f"{self.title}: {rules} in the way"


class Summary(_Part):
    """What came out; `standing` is None where not all rules had their turn."""

    verdict: Outcome
    exit_status: Exit
    reason: str
    counts: dict[Verdict, Count]
    coverage: Coverage = Coverage()
    standing: Standing | None = None
    clients: tuple[ClientResult, ...] = ()

    @property
    def headline(self) -> str:
        """The verdict with its coverage, as every report has it in its head."""
        return f"{self.title}: {self.extent}" if self.coverage.rules else self.title

    @property
    def title(self) -> str:
        """The verdict, and whether it is one on a part of the rules only."""
        return f"{self.verdict} (partial)" if self.coverage.partial else self.verdict.value

    @property
    def served(self) -> str:
        """The clients that work, and what is in the way of the others."""
        return " · ".join(client.words for client in self.clients)

    @property
    def extent(self) -> str:
        """The coverage in words."""
        return f"{self.coverage.tested} of {self.coverage.rules} rules tested"

    @property
    def colour(self) -> str:
        """The colour of the verdict; green is for whole runs that end with status 0."""
        green = not self.coverage.partial and self.exit_status is Exit.CONFORMANT
        return "grey" if self.verdict is Outcome.CONFORMANT and not green else self.verdict.colour


class Cost(_Part):
    """What the run cost the target."""

    requests: Count
    retries: Count
    images_created: Count
    images_left: tuple[str, ...]
    images_unknown: tuple[str, ...] = Field(
        default=(), description="images of which the target does not say whether they are there"
    )
    seconds_waiting: Amount


class Latency(_Part):
    """How fast one method was answered."""

    count: Count
    p50_ms: Amount
    p95_ms: Amount
    max_ms: Amount


class WaiverResult(_Part):
    """A waiver that the run was given, and what became of it."""

    rule: str
    target: str = "*"
    reason: str
    link: str | None = None
    expires: date
    intermittent: bool = False
    state: WaiverState


class Shown(_Part):
    """How much of one kind of things traffic has shown: methods, fields of requests, values of enums, statuses,
    transitions."""

    shown: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return len(self.shown) / (len(self.shown) + len(self.missing) or 1)


class Request(_Part):
    """What was sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class Response(_Part):
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: str


class ExchangeResult(_Part):
    """One request with its answer, without secrets; `error` says why there is none."""

    number: Count
    method: str
    request: Request
    response: Response | None
    error: str | None
    started: str
    seconds: Amount


class Reproduction(_Part):
    """How to see a breach again: two scripts, and the command that judges just its rule.

    The scripts are "" where none can show it, or none is made yet: `trace` is then what `conformance reproduce` makes
    them of.
    """

    shell: str
    pytest: str = ""
    command: str
    trace: str = ""


class BarResult(_Part):
    """One call of a timeline, from its request to its end as it was seen.

    Attributes:
        exchange: the number of its request.
        text: what was asked, and what was answered.
        role: `explained` where it has a place in the order that explains most, `open` where it may have come later or
            not at all, `impossible` where no order gets past it.
        place: its place in that order.
    """

    exchange: Count
    text: str
    start_ms: Amount
    end_ms: Amount
    role: Role
    place: Count | None = None


class BreachResult(_Part):
    """One breach; `size` is its rank by plainness, the plainest first.

    `timeline` holds calls that overlapped, where it is their order that is wrong.
    """

    message: str
    expected: str
    observed: str
    exchanges: tuple[ExchangeResult, ...]
    reproduce: Reproduction
    size: tuple[int, ...] = ()
    timeline: tuple[BarResult, ...] = ()

    @property
    def trace(self) -> str:
        """Its exchanges as JSON for reading."""
        return json.dumps(
            [exchange.model_dump(mode="json") for exchange in self.exchanges], ensure_ascii=False, indent=1
        )


class RuleResult(_Part):
    """One rule of the catalogue, and what the run says of it.

    `cause` and `root` are those of its Judgement; `seconds` is its share of the scenarios that put it to the test;
    `deviation_count` says how many of its breaches merely deviate from a convention, and `beside` how many were shown
    by answers that break other rules as well, as Tally has it.
    `confirmation` says what came of trying a breach again: `confirmed 3/3`, `intermittent 1/3`, `unconfirmed` where
    that could not be, and "" where there is none, or only a recording of it; `broken_again` of `tried_again` times it
    was seen again.
    """

    id: RuleId
    area: str
    basis: Basis
    statement: str
    reference: str
    grounds: str = ""
    verdict: Verdict
    reason: str
    cause: str = ""
    root: str = ""
    seconds: Amount = 0.0
    observations: Count
    breach_count: Count
    deviation_count: Count
    beside: dict[str, Count] = {}
    confirmation: str = ""
    broken_again: Count = 0
    tried_again: Count = 0
    first_breach_after_requests: int | None
    breaches: tuple[BreachResult, ...]

    @property
    def shown(self) -> BreachResult | None:
        """The breach that tells why the rule is broken; None for a rule that is not, or that another one blocks."""
        return self.breaches[0] if self.breaches and self.verdict.broken else None

    @property
    def confirmed(self) -> str:
        """What came of trying its breach again, as it follows the verdict; "" where nothing is to be said."""
        return f", {self.confirmation}" if self.confirmation and self.verdict.broken else ""

    @property
    def told(self) -> str:
        """Why the rule does not hold, in one sentence."""
        return self.shown.message if self.shown else self.reason


class Since(_Part):
    """What changed since an earlier run: rules that got worse, and rules that got better."""

    run: str
    worse: tuple[str, ...] = ()
    better: tuple[str, ...] = ()


class Results(_Part):
    """Everything that a run found out; `since` compares it with an earlier run, where one was named."""

    schema_version: Literal[2] = 2
    run: Run
    target: Target
    summary: Summary
    cost: Cost
    answers: Annotated[dict[str, Count], Field(description="how often each method was answered with each status")] = {}
    latency: dict[str, Latency]
    shown: Annotated[dict[str, Shown], Field(description="what the traffic of a tap has shown of the API")] = {}
    notes: tuple[str, ...]
    since: Since | None = None
    waivers: tuple[WaiverResult, ...]
    rules: tuple[RuleResult, ...]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each rule."""
        return {rule.id: rule.verdict for rule in self.rules}

    @property
    def digest(self) -> str:
        """The SHA-256 of results.json, in hexadecimal digits."""
        return hashlib.sha256(self.encoded()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """What results.json holds."""
        return self.model_dump(mode="json")

    def encoded(self) -> bytes:
        """The bytes of results.json."""
        text = json.dumps(self.to_json(), ensure_ascii=False, indent=1)
        # Half a character, as hostile answers have it, becomes the escape that JSON has for it.
        return text.encode("utf-8", "backslashreplace")


def json_schema() -> dict[str, Any]:
    """The JSON Schema of results.json."""
    made = Results.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": f"results.json of conformance run, version {SCHEMA_VERSION}",
        "required": ["schema_version", *made["required"]],
    }


def write_results(results: Results, folder: Path) -> Path:
    """Writes results.json, whole or not at all.

    Raises:
        OSError: the folder cannot be written to.
    """
    path = folder / FILE_NAME
    write_whole(path, results.encoded())
    return path


def read_results(path: Path) -> Results:
    """The results in a file, of this suite or of an earlier one.

    Args:
        path: of a results.json.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAXIMUM + 1)
        if len(content) > FILE_MAXIMUM:
            raise UsageError(f"{path} is larger than {FILE_MAXIMUM // 2**20} MiB, which no results are.")
        value = json.loads(content.decode())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not JSON; a results.json of `conformance run` is wanted.") from None
    if isinstance(value, dict):
        value = migrated(value)
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version not in (None, SCHEMA_VERSION):
        known = f"versions 1 to {SCHEMA_VERSION}"
        raise UsageError(f"{path} has schema_version {json.dumps(version)}, and this suite reads {known}.")
    try:
        return Results.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, first["loc"])) or "the file itself"
        raise UsageError(f"{path} is no results.json of `conformance run`: {place} breaks its JSON Schema.") from None
