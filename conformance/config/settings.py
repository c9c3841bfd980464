"""What a run is to do, and what each setting may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from conformance.config.profiles import PROFILES
from conformance.config.sources import SOURCE_KINDS, Sources
from conformance.trace.formats import decoded

AUTH_KINDS = ("none", "token", "adc", "service-account")

FILE_MAXIMUM = 2**20
"""Bytes of a file that a user writes by hand."""

REQUESTS_MINIMUM = 100
"""Fewer requests do not suffice to look at the target and to delete what was made."""

CAPABILITIES = (
    "access",
    "csek",
    "deprecate",
    "family",
    "family_views",
    "forbidden_token",
    "list",
    "operations_list",
    "patch",
    "set_labels",
    "wait",
)
"""What a target may lack; anything else about it is not negotiable."""

_PROJECT = re.compile(
    r"(?:(?:[-a-z0-9]{1,63}\.)*[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?:)?(?:[0-9]{1,19}|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
)
_TOKEN = re.compile(r"[!-~]+")
_SHARD = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class UsageError(Exception):
    """A mistake in how the suite was called or configured: one sentence for the user, which ends with this exit status."""

    status = 2


class Settings(BaseModel):
    """The settings of a run.

    `url` is the root of the target without `/compute/{version}`, None for the embedded emulator; `workers` None means what suits
    the target; `deadline` (seconds) None means the profile's; `rate` is requests per second; `max_time` is in
    seconds, `max_output` in MiB; `credentials` is a file with the token or the key of the service account; `forbidden_token` is
    that of a caller who may not make images; `examples` is where failing examples are kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, hide_input_in_errors=True)

    url: str | None = None
    project: str = "conformance"
    second_project: str | None = None
    api_version: str = "beta"
    profile: str = "quick"
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    seed: int | None = None
    workers: int | None = Field(default=None, ge=1, le=256)
    out: Path = Path("compliance-report")
    strict: bool = False
    require_complete: bool = False
    require: tuple[str, ...] = ()
    update_waivers: bool = False
    waivers: str | None = None
    shard: str | None = None
    header: tuple[str, ...] = Field(default=(), repr=False)
    auth: str = "none"
    credentials: str | None = None
    token: str | None = Field(default=None, repr=False)
    forbidden_token: str | None = Field(default=None, repr=False)
    quota_project: str | None = None
    ca_bundle: str | None = None
    deadline: float | None = Field(default=None, gt=0, le=86_400)
    rate: float | None = Field(default=None, gt=0)
    max_requests: int | None = Field(default=None, ge=REQUESTS_MINIMUM)
    max_images: int | None = Field(default=None, ge=1)
    max_time: float | None = Field(default=None, gt=0)
    max_output: float = Field(default=64.0, ge=1)
    examples: str | None = None
    fail_fast: bool = False
    allow_leftovers: bool = False
    save_traffic: bool = True
    sources: Sources = Sources()
    capabilities: dict[str, bool] = Field(default_factory=dict)

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

    @field_validator("api_version")
    @classmethod
    def _check_version(cls, value: str) -> str:
        if value not in ("alpha", "beta", "v1"):
            raise ValueError("alpha, beta or v1")
        return value

    @field_validator("profile")
    @classmethod
    def _check_profile(cls, value: str) -> str:
        if value not in PROFILES:
            raise ValueError(_listed(tuple(PROFILES)))
        return value

    @field_validator("auth")
    @classmethod
    def _check_auth(cls, value: str) -> str:
        if value not in AUTH_KINDS:
            raise ValueError(_listed(AUTH_KINDS))
        return value

    @field_validator("token", "forbidden_token")
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

    @field_validator("only", "skip", "require", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list | tuple) or not all(isinstance(item, str) for item in values):
            return value
        return tuple(glob.strip() for item in values for glob in item.split(",") if glob.strip())

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

    @field_validator("ca_bundle", "credentials", "waivers")
    @classmethod
    def _check_file(cls, value: str | None, about: ValidationInfo) -> str | None:
        if (
            value is not None
            and not Path(value).is_file()
            and not (about.field_name == "waivers" and about.data["update_waivers"])
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
    def budgeted(self) -> bool:
        """Whether the run may end before all scenarios had their turn."""
        told = any(limit is not None for limit in (self.max_requests, self.max_images, self.max_time))
        return told or PROFILES[self.profile].max_requests is not None

    def secrets(self) -> list[str]:
        """What must not be seen of these settings, as far as it is long enough to be told from other text.

        Of the user's headers that is each word of their values, and what is encoded in those of basic authentication.
        """
        found = {self.token or "", self.forbidden_token or ""}
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
