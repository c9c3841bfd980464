"""What a run is to do, and what each setting may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from conformance.config.client_names import CLIENT_NAMES
from conformance.config.limited_tokens import LIMITED_TOKENS
from conformance.config.option import Option
from conformance.config.profiles import PROFILES
from conformance.config.report_names import REPORTS, usual
from conformance.config.sources import SOURCE_KINDS, Sources
from conformance.trace.formats import decoded

AT_TARGET = ("sweep", "record")
"""The commands, beside `run`, that take what says where a target is and who asks."""

FILE_MAXIMUM = 2**20
"""Bytes of a file that a user writes by hand."""

LABEL_MAXIMUM = 80
"""Characters of what an implementation is called."""

COUNT_MAXIMUM = 10**9
"""Requests or images that a limit may allow: more than any run makes, and what every counter can hold."""

REQUESTS_MINIMUM = 100
"""Fewer requests do not suffice to look at the target and to delete what was made."""

CAPABILITIES = (
    "access",
    "csek",
    "deprecate",
    "family",
    "family_views",
    "list",
    "operations_list",
    "patch",
    "set_labels",
    "wait",
    *LIMITED_TOKENS,
)
"""What a target may lack; anything else about it is not negotiable."""

_PROJECT = re.compile(
    r"(?:(?:[-a-z0-9]{1,63}\.)*[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?:)?(?:[0-9]{1,19}|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
)
_TOKEN = re.compile(r"[!-~]+")
_SHARD = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class UsageError(Exception):
    """A mistake in how the suite was called or configured: one sentence for the user, which ends with this exit
    status."""

    status = 2


class Settings(BaseModel):
    """The settings of a run: one table of what can be set, from which the options of the commands and of pytest are
    made.

    `url` is the root of the target without `/compute/{version}`, None for the embedded emulator; `workers` None means
    what suits the target; `deadline` (seconds) None means the profile's; `rate` is requests per second; `max_time` is
    in seconds, `max_output` in MiB; `credentials` is a file with the token or the key of the service account;
    the tokens beside `token` are those of callers who may not do all; `examples` is where failing examples are kept;
    `config` is the file that was read, None for none; `first` are rules to begin with; `explicit` are the settings
    that stand on the command line or in the environment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, hide_input_in_errors=True)

    url: Annotated[
        str | None,
        Option("Root URL of the implementation", AT_TARGET, metavar="URL", default="the embedded emulator"),
    ] = None
    start: Annotated[
        str | None,
        Option(
            "Command that starts the implementation, and is stopped with its children in the end; {port}, and the "
            "variable PORT, are a port for it. Where it answers elsewhere --url says where",
            metavar="COMMAND",
            pytest=False,
        ),
    ] = None
    ready_timeout: Annotated[
        float,
        Field(gt=0, le=3600),
        Option("Seconds within which it has to answer", metavar="SECONDS", pytest=False),
    ] = 30.0
    restart_between: Annotated[
        bool,
        Option(
            "After all scenarios kill what --start began, start it again, and judge by the rules durability.* what is "
            "still there; apart, in durability/. They fail only under --strict",
            pytest=False,
        ),
    ] = False
    project: Annotated[
        str,
        Option(
            "Project to work in; in a recording, what placeholders such as PROJECT_ID stand for",
            ("sweep", "record", "compare", "check"),
            metavar="PROJECT",
        ),
    ] = "conformance"
    second_project: Annotated[
        str | None,
        Option("Another project, for the rules about isolation", ("sweep", "record", "compare"), metavar="PROJECT"),
    ] = None
    api_version: Annotated[str, Option("Version in the path", AT_TARGET, choices=("alpha", "beta", "v1"))] = "beta"
    target_name: Annotated[
        str,
        Option("What the implementation is called in the matrix", ("check", "tap"), metavar="NAME", default="its URL"),
    ] = ""
    target_version: Annotated[
        str, Option("The version of the implementation, told beside its name", ("check", "tap"), metavar="VERSION")
    ] = ""
    profile: Annotated[
        str,
        Option(
            "quick: while you write. ci: a gate, five times the random examples, the same ones everywhere. "
            "thorough: random; prints its seed and keeps failing examples. real: few requests, for a slow or "
            "billed target",
            ("record", "compare"),
            choices=tuple(PROFILES),
        ),
    ] = "quick"
    only: Annotated[
        tuple[str, ...],
        Option(
            "Judge only these rules: a glob of ids, how ids begin, ~ and a text of what they say, or "
            "VERDICT@RESULTS.json",
            ("check", "tap", "client", "record", "compare"),
            metavar="RULES",
        ),
    ] = ()
    skip: Annotated[
        tuple[str, ...],
        Option(
            "Leave these rules out, named in the same ways",
            ("check", "tap", "client", "record", "compare"),
            metavar="RULES",
        ),
    ] = ()
    clients: Annotated[
        tuple[str, ...],
        Option(
            f"Judge only what these clients need: {', '.join(CLIENT_NAMES)}",
            ("check", "tap", "record", "compare"),
            flags=("--for",),
            metavar="CLIENTS",
        ),
    ] = ()
    last_failed: Annotated[
        bool, Option("Judge only the rules that were broken in the results of the last run, in --out", pytest=False)
    ] = False
    failed_first: Annotated[bool, Option("Begin with the rules that were broken in the last run", pytest=False)] = False
    since: Annotated[
        str | None,
        Option(
            "Results of an earlier run: what got worse since then comes first", metavar="RESULTS.json", pytest=False
        ),
    ] = None
    seed: Annotated[int | None, Option("Seed of what is random", ("tap", "record", "compare"))] = None
    workers: Annotated[
        int | None,
        Field(ge=1, le=256),
        Option(
            "Processes",
            ("record",),
            flags=("-n", "--workers"),
            default="4; for the embedded emulator as many as processors, at most 4",
            pytest=False,
        ),
    ] = None
    shard: Annotated[
        str | None, Option("Part I of N of the scenarios; `conformance report` merges them", metavar="I/N")
    ] = None
    out: Annotated[Path, Option("Folder for the results", ("check", "tap", "client", "compare"))] = Path(
        "compliance-report"
    )
    update_waivers: Annotated[
        bool, Option("Write the file of --waivers: every rule that fails now is waived for 90 days", pytest=False)
    ] = False
    waivers: Annotated[
        str | None,
        Option("File of known failures", ("check", "compare"), metavar="FILE", default="waivers.toml, if there"),
    ] = None
    lock: Annotated[
        str | None,
        Option(
            "File of what the target could do: the run fails where it can do less",
            metavar="FILE",
            default="capabilities.lock, if there",
            pytest=False,
        ),
    ] = None
    update_lock: Annotated[bool, Option("Write that file: what the target can do now", pytest=False)] = False
    strict: Annotated[bool, Option("Deviations fail the run too", ("check", "tap", "client"), pytest=False)] = False
    level: Annotated[
        str | None,
        Option(
            "Fail only where the target has not reached this level. core: a client can make, poll, get and delete "
            "an image, and a retry is safe. standard: what the reference says of no optional capability. full: all "
            "of it, and no deviation",
            choices=("core", "standard", "full"),
            default="every rule counts",
            pytest=False,
        ),
    ] = None
    require_complete: Annotated[
        bool, Option("A rule that was never put to the test fails the run too", pytest=False)
    ] = False
    require: Annotated[
        tuple[str, ...],
        Option(
            "Fail where the target refuses this field of an insert, such as licenses, that it may lack otherwise",
            metavar="FIELD",
        ),
    ] = ()
    intermittent: Annotated[
        str | None,
        Option(
            "What a breach does that is not seen again when it is tried again. fail: as any other. report: it is a "
            "deviation",
            choices=("fail", "report"),
            default="fail with profile ci, else report",
        ),
    ] = None
    config: Annotated[
        str | None,
        Option(
            "File with settings",
            (*AT_TARGET, "check", "tap", "client", "compare"),
            metavar="FILE",
            default="conformance.toml, if there",
        ),
    ] = None
    header: Annotated[
        tuple[str, ...],
        Field(repr=False),
        Option("Header to send with every request", AT_TARGET, metavar="'NAME: VALUE'"),
    ] = ()
    auth: Annotated[
        str,
        Option(
            "token: of CONFORMANCE_TOKEN or --credentials. adc: application default credentials. service-account: "
            "its key is in --credentials",
            AT_TARGET,
            choices=("none", "token", "adc", "service-account"),
        ),
    ] = "none"
    credentials: Annotated[
        str | None,
        Option("File with the token, read again when it expires, or with the key", AT_TARGET, metavar="FILE"),
    ] = None
    token: Annotated[str | None, Field(repr=False)] = None
    forbidden_token: Annotated[str | None, Field(repr=False)] = None
    scoped_token: Annotated[str | None, Field(repr=False)] = None
    labels_token: Annotated[str | None, Field(repr=False)] = None
    source_token: Annotated[str | None, Field(repr=False)] = None
    quota_project: Annotated[
        str | None, Option("Project that the requests are billed to", AT_TARGET, metavar="PROJECT")
    ] = None
    ca_bundle: Annotated[str | None, Option("File of certificates to trust", (*AT_TARGET, "tap"), metavar="FILE")] = (
        None
    )
    deadline: Annotated[
        float | None,
        Field(gt=0, le=86_400),
        Option("Seconds that one operation may take", AT_TARGET, default="the profile's"),
    ] = None
    rate: Annotated[float | None, Field(gt=0), Option("Requests per second at most, over all workers", AT_TARGET)] = (
        None
    )
    max_requests: Annotated[
        int | None,
        Field(ge=REQUESTS_MINIMUM, le=COUNT_MAXIMUM),
        Option("Requests at most, deletions at the end included", ("record", "compare")),
    ] = None
    max_images: Annotated[
        int | None, Field(ge=1, le=COUNT_MAXIMUM), Option("Images that are made at most", ("record", "compare"))
    ] = None
    max_time: Annotated[
        float | None,
        Field(gt=0),
        Option(
            "Seconds after which no more is tried",
            ("record",),
            default="several times what the target's pace foretells",
        ),
    ] = None
    max_output: Annotated[
        float,
        Field(ge=1),
        Option("MiB that the results may take at most", ("tap", "client", "record", "compare"), pytest=False),
    ] = 64.0
    allow_leftovers: Annotated[
        bool, Option("Go on where the target cannot delete what is made", ("record",), pytest=False)
    ] = False
    examples: Annotated[
        str | None,
        Option(
            "Folder, or redis:// URL, where failing examples are kept and tried first in the next run", metavar="PLACE"
        ),
    ] = None
    fail_fast: Annotated[bool, Option("Stop at the first failure", ("tap",), pytest=False)] = False
    reports: Annotated[
        tuple[str, ...],
        Option(
            f"Reports to write beside results.json: {', '.join(REPORTS)}, or none; several with commas",
            ("check", "tap", "client", "report"),
            metavar="NAMES",
            default="all but traffic.gz and attestation; of a run with profile quick without allure and traffic too",
            pytest=False,
        ),
    ] = ()
    format: Annotated[
        str | None,
        Option(
            "What is printed: text; github: annotations as well; gitlab: a report of code quality; json: the results",
            ("check", "tap", "client"),
            choices=("text", "github", "gitlab", "json"),
            default="github in GitHub's workflows, else text",
            pytest=False,
        ),
    ] = None
    sources: Sources = Sources()
    capabilities: dict[str, bool] = Field(default_factory=dict)
    first: tuple[str, ...] = ()
    explicit: frozenset[str] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _check_number(cls, value: Any, about: ValidationInfo) -> Any:
        """A TOML file may say true or false, which Python takes for 1 and 0."""
        kind = cls.model_fields[str(about.field_name)].annotation
        if isinstance(value, bool) and {int, float} & {kind, *get_args(kind)}:
            raise ValueError("a number")
        return value

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value.strip())
            usable = (
                parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
            )
            if not value.isascii():
                from urllib3.util import parse_url  # noqa: PLC0415 - few hosts have other letters

                parse_url(value)
        except ValueError:
            usable = False
        if not usable or parts.username or parts.query or parts.fragment:
            raise ValueError("an http:// or https:// URL with a host, without credentials, query or fragment")
        return re.sub(r"/compute/[a-z0-9]+$", "", value.strip().rstrip("/"))

    @field_validator("project", "second_project", "quota_project")
    @classmethod
    def _check_project(cls, value: str | None) -> str | None:
        if value is not None and not _PROJECT.fullmatch(value):
            raise ValueError("a project id, such as my-project, or a project number")
        return value

    @field_validator("target_name", "target_version")
    @classmethod
    def _check_label(cls, value: str) -> str:
        if len(value) > LABEL_MAXIMUM or not value.isprintable():
            raise ValueError(f"a text in one line, of {LABEL_MAXIMUM} characters at most")
        return value.strip()

    @field_validator("api_version", "profile", "auth", "intermittent", "format", "level")
    @classmethod
    def _check_choice(cls, value: str | None, about: ValidationInfo) -> str | None:
        choices = next(
            option.choices for option in cls.model_fields[str(about.field_name)].metadata if isinstance(option, Option)
        )
        if value is not None and value not in choices:
            raise ValueError(_listed(choices))
        return value

    @field_validator("token", *LIMITED_TOKENS)
    @classmethod
    def _check_token(cls, value: str | None) -> str | None:
        if value is not None and not _TOKEN.fullmatch(value):
            raise ValueError("a token as it stands behind 'Bearer ', without blanks")
        return value

    @field_validator("shard")
    @classmethod
    def _check_shard(cls, value: str | None) -> str | None:
        found = _SHARD.fullmatch(value) if value is not None else None
        if value is not None and (found is None or not 1 <= int(found[1]) <= int(found[2])):
            raise ValueError("the number of this shard and how many there are, such as 1/4")
        return value

    @field_validator("examples")
    @classmethod
    def _check_examples(cls, value: str | None) -> str | None:
        if value is not None and (not value or (Path(value).exists() and not Path(value).is_dir())):
            raise ValueError("a folder, or a URL that begins with redis://")
        return value

    @field_validator("only", "skip", "clients", "require", "reports", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(item, str) for item in values):
            return value
        return tuple(glob.strip() for item in values for glob in item.split(",") if glob.strip())

    @field_validator("reports")
    @classmethod
    def _check_reports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(name not in REPORTS for name in value) and value != ("none",):
            raise ValueError(_listed((*REPORTS, "none")))
        return value

    @field_validator("clients")
    @classmethod
    def _check_clients(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(name not in CLIENT_NAMES for name in value):
            raise ValueError(_listed(tuple(CLIENT_NAMES)))
        return value

    @field_validator("header", mode="before")
    @classmethod
    def _check_header(cls, value: Any) -> Any:
        values = (value,) if isinstance(value, str) else value
        for item in values if isinstance(values, list | tuple) else ():
            name, colon, text = str(item).partition(":")
            if (
                not colon
                or not _HEADER_NAME.fullmatch(name.strip())
                or not text.strip()
                or "\n" in text
                or "\r" in text
                or not text.isascii()
            ):
                raise ValueError("text of the form 'Name: value'")
        return tuple(values) if isinstance(values, list) else values

    @field_validator("ca_bundle", "credentials", "waivers", "since")
    @classmethod
    def _check_file(cls, value: str | None, about: ValidationInfo) -> str | None:
        if (
            value is not None
            and not Path(value).is_file()
            and not (about.field_name == "waivers" and about.data.get("update_waivers"))
        ):
            raise ValueError("a file that exists")
        return value

    @field_validator("capabilities", mode="before")
    @classmethod
    def _check_capabilities(cls, value: Any) -> Any:
        for name in value if isinstance(value, Mapping) else ():
            if name not in CAPABILITIES:
                raise ValueError(f"a table with the keys {_listed(CAPABILITIES)}")
        return value

    @field_validator("sources", mode="before")
    @classmethod
    def _check_sources(cls, value: Any) -> Any:
        for name, text in value.items() if isinstance(value, Mapping) else ():
            if name not in (*SOURCE_KINDS, "project") or not isinstance(text, str | None):
                raise ValueError(f"a table of texts with the keys {_listed(SOURCE_KINDS)}")
        return Sources(**value) if isinstance(value, Mapping) else value

    @property
    def embedded(self) -> bool:
        """Whether the emulator that comes with the suite is judged."""
        return self.url is None and self.start is None

    @property
    def wanted_reports(self) -> tuple[str, ...]:
        """The reports that are to be written."""
        if self.reports == ("none",):
            return ()
        return self.reports or usual(self.profile)

    @property
    def recorded_traffic(self) -> Path | None:
        """The same for commands that record what others send: there is no other way to see it again."""
        return self.traffic or (None if self.reports else self.out / REPORTS["traffic"])

    @property
    def traffic(self) -> Path | None:
        """The file that the traffic is to be written to; None where it is not."""
        wanted = next((name for name in ("traffic", "traffic.gz") if name in self.wanted_reports), None)
        return self.out / REPORTS[wanted] if wanted else None

    def request_headers(self) -> dict[str, str]:
        """The headers that the user wants sent with every request."""
        pairs = (item.partition(":") for item in self.header)
        headers = {name.strip(): value.strip() for name, _, value in pairs}
        return {"X-Goog-User-Project": self.quota_project, **headers} if self.quota_project else headers

    @property
    def authorised(self) -> bool:
        """Whether requests say who sends them."""
        return self.auth != "none" or any(name.lower() == "authorization" for name in self.request_headers())

    @property
    def intermittent_fails(self) -> bool:
        """Whether a breach fails the run that was not seen again when it was tried again."""
        return (self.intermittent or ("fail" if self.profile == "ci" else "report")) == "fail"

    @property
    def budgeted(self) -> bool:
        """Whether the run may end before all scenarios had their turn."""
        told = any(limit is not None for limit in (self.max_requests, self.max_images, self.max_time))
        return told or PROFILES[self.profile].max_requests is not None

    @property
    def limited_tokens(self) -> dict[str, str]:
        """The tokens of callers who may not do all, as far as they are known, by the settings that they are."""
        return {name: token for name in LIMITED_TOKENS if (token := getattr(self, name))}

    def secrets(self) -> list[str]:
        """What must not be seen of these settings, as far as it is long enough to be told from other text.

        Of the user's headers that is each word of their values, and what is encoded in those of basic authentication.
        """
        found = {self.token or "", *self.limited_tokens.values()}
        for value in self.request_headers().values():
            scheme, *words = value.split() if value != self.quota_project else ("",)
            basic = (decoded(words[0]) or b"").decode(errors="ignore") if scheme.lower() == "basic" and words else ""
            found |= {value if scheme else "", *words, basic, basic.partition(":")[2]}
        return sorted(secret for secret in found if len(secret) > 6)

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON, secrets included: for workers only."""
        return self.model_dump(mode="json") | {"sources": asdict(self.sources)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Settings:
        """The inverse of to_json."""
        return cls(**value)


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
