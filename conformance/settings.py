"""What a run is to do: from options, environment, file and defaults, in this order, with one clear sentence for a mistake."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from conformance.profiles import PROFILES
from conformance.sources import SOURCE_KINDS, Sources, embedded_sources

FILE_NAME = "conformance.toml"
FILE_MAXIMUM = 2**20
PREFIX = "CONFORMANCE_"
IGNORED_VARIABLES = frozenset({"CONFORMANCE_TRACES"})

CAPABILITIES = ("csek", "deprecate", "family", "family_views", "list", "operations_list", "patch", "set_labels", "wait")
"""What a target may lack; anything else about it is not negotiable."""

_PROJECT = re.compile(
    r"(?:(?:[-a-z0-9]{1,63}\.)*[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?:)?(?:[0-9]{1,19}|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class UsageError(Exception):
    """A mistake in how the suite was called or configured: one sentence for the user, which ends with exit status 2."""


class Settings(BaseModel):
    """The settings of a run.

    `url` is the root of the target without `/compute/{version}`, None for the embedded emulator; `workers` None means as many
    as there are processors; `deadline` (seconds) None means the profile's; `rate` is requests per second.
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
    header: tuple[str, ...] = Field(default=(), repr=False)
    ca_bundle: str | None = None
    deadline: float | None = Field(default=None, gt=0, le=86_400)
    rate: float | None = Field(default=None, gt=0)
    fail_fast: bool = False
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

    @field_validator("project", "second_project")
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

    @field_validator("only", "skip", mode="before")
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
            ):
                raise ValueError("text of the form 'Name: value'")
        return tuple(values) if isinstance(values, list) else values

    @field_validator("ca_bundle")
    @classmethod
    def _check_bundle(cls, value: str | None) -> str | None:
        if value is not None and not Path(value).is_file():
            raise ValueError("a file of certificates that exists")
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
        return {name.strip(): value.strip() for name, _, value in pairs}

    def secrets(self) -> list[str]:
        """The values of those headers, as far as they are long enough to be told from other text."""
        return [value for value in self.request_headers().values() if len(value) > 6]

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON, secrets included: for workers only."""
        return self.model_dump(mode="json") | {"sources": asdict(self.sources)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Settings:
        """The inverse of to_json."""
        return cls(**value)

    @classmethod
    def load(
        cls,
        options: Mapping[str, Any],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Settings:
        """The settings of a run.

        Args:
            options: those that the user gave on the command line, by key; may hold `config`, the file to read.
            environment: the environment variables; None for those of this process.
            directory: where `conformance.toml` is looked for; None for the working directory.

        Raises:
            UsageError: something is set to what it cannot be.
        """
        given = dict(options)
        variables = os.environ if environment is None else environment
        path, named = _file_to_read(given.pop("config", None), variables, directory or Path.cwd())
        layers = (
            ({key: (value, f"by --{key.replace('_', '-')}") for key, value in given.items()}),
            _from_environment(variables),
            _from_file(path, named=named),
        )
        merged: dict[str, tuple[Any, str]] = {}
        for layer in reversed(layers):
            merged.update(layer)
        values = {key: value for key, (value, _) in merged.items()}
        try:
            settings = cls(**values)
        except ValidationError as error:
            raise _sentence(error, merged) from None
        return _completed(settings, sourced="sources" in values)


def _completed(settings: Settings, *, sourced: bool) -> Settings:
    """The settings with what follows from others: the embedded emulator brings a source of each kind and a second project."""
    sources = {**asdict(settings.sources), "project": settings.project}
    changes: dict[str, Any] = {"sources": Sources(**sources)}
    if settings.url is None:
        changes["second_project"] = settings.second_project or f"{settings.project}-second"
        changes["sources"] = Sources(**sources) if sourced else embedded_sources(settings.project)
    return settings.model_copy(update=changes)


def _file_to_read(option: Any, variables: Mapping[str, str], directory: Path) -> tuple[Path, str]:
    """The configuration file, and who named it ("" for the usual one, which need not exist)."""
    if option is not None:
        return Path(str(option)), "by --config"
    if f"{PREFIX}CONFIG" in variables:
        return Path(variables[f"{PREFIX}CONFIG"]), f"by {PREFIX}CONFIG"
    return directory / FILE_NAME, ""


def _from_environment(variables: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for name, text in variables.items():
        if not name.startswith(PREFIX) or name in IGNORED_VARIABLES or name == f"{PREFIX}CONFIG":
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in Settings.model_fields or key in ("sources", "capabilities"):
            raise UsageError(f"the environment variable {name} sets nothing{_nearest(key, PREFIX)}.")
        value: Any = [text] if key == "header" else text
        if Settings.model_fields[key].annotation is bool:
            if text.lower() not in (*_TRUE, *_FALSE):
                raise UsageError(f"{key} is '{text}' (set by {name}); allowed are true and false.")
            value = text.lower() in _TRUE
        found[key] = (value, f"by {name}")
    return found


def _from_file(path: Path, *, named: str) -> dict[str, tuple[Any, str]]:
    if not path.exists() and not named:
        return {}
    try:
        if path.stat().st_size > FILE_MAXIMUM:
            raise UsageError(f"the configuration file {path} is larger than 1 MB.")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"config is '{path}' (set {named or 'by its name'}), which cannot be read: {error.strerror}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the configuration file {path} is not valid TOML: {error}.") from None
    for key in table:
        if key not in Settings.model_fields:
            raise UsageError(f"the configuration file {path} has an unknown key '{key}'{_nearest(key)}.")
    return {key: (value, f"in {path}, key {key}") for key, value in table.items()}


def _nearest(key: str, prefix: str = "") -> str:
    names = difflib.get_close_matches(key, list(Settings.model_fields), n=1)
    return f"; did you mean {prefix}{names[0].upper() if prefix else names[0]}?" if names else ""


def _sentence(error: ValidationError, origins: Mapping[str, tuple[Any, str]]) -> UsageError:
    """The first mistake as one sentence; the values of headers are not repeated."""
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else "settings"
    value, origin = origins.get(key, (None, "by default"))
    allowed = first["msg"].removeprefix("Value error, ")
    allowed = allowed[:1].lower() + allowed[1:]
    shown = "not usable" if key == "header" else f"'{_brief(value)}'"
    verb = "allowed is" if first["type"] == "value_error" else "but"
    return UsageError(f"{key.replace('_', '-')} is {shown} (set {origin}); {verb} {allowed}.")


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def command_line(settings: Settings) -> str:
    """The command that repeats a run, without the values of headers, which may be secret."""
    words = ["conformance", "run"]
    default = Settings()
    for key, flag in (
        ("url", "--url"),
        ("project", "--project"),
        ("api_version", "--api-version"),
        ("profile", "--profile"),
        ("seed", "--seed"),
        ("deadline", "--deadline"),
        ("rate", "--rate"),
    ):
        value = getattr(settings, key)
        if value is not None and value != getattr(default, key):
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    if settings.second_project and settings.url:
        words += ["--second-project", settings.second_project]
    for flag, globs in (("--only", settings.only), ("--skip", settings.skip)):
        for glob in globs:
            words += [flag, glob]
    words += ["--strict"] if settings.strict else []
    words += ["--require-complete"] if settings.require_complete else []
    for name in settings.request_headers():
        words += ["--header", f"{name}: …"]
    return shlex.join(words)
