"""Settings from options, environment, file and defaults, in this order, with one clear sentence for a mistake."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from conformance.config.limited_tokens import LIMITED_TOKENS
from conformance.config.options import FILE_KEYS, VARIABLES, declared, flag
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings, UsageError
from conformance.config.sources import Sources, embedded_sources
from conformance.config.toml import read_table

FILE_NAME = "conformance.toml"
PREFIX = "CONFORMANCE_"
IGNORED_VARIABLES = frozenset({"CONFORMANCE_TRACES"})

SECRET = frozenset({"header", "token", *LIMITED_TOKENS})
"""Settings whose values are not repeated, not even where they are wrong."""

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def load_settings(
    options: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    alone: bool = False,
) -> Settings:
    """The settings of a run.

    Args:
        options: those that the user gave on the command line, by key; may hold `config`, the file to read.
        environment: the environment variables; None for those of this process.
        directory: where `conformance.toml` is looked for; None for the working directory.
        alone: whether the options alone count, for a command to which the target of a run means nothing.

    Raises:
        UsageError: something is set to what it cannot be.
    """
    given = dict(options)
    variables = os.environ if environment is None else environment
    path, named = _file_to_read(given.pop("config", None), variables, directory or Path.cwd())
    layers = (
        {key: (value, f"by {flag(key)}") for key, value in given.items()},
        {} if alone else _from_environment(variables),
        {} if alone else _from_file(path, named=named),
    )
    merged: dict[str, tuple[Any, str]] = {}
    for layer in reversed(layers):
        merged.update(layer)
    values: dict[str, Any] = {key: value for key, (value, _) in merged.items()}
    values["config"] = (str(path) if named else FILE_NAME) if path.exists() else None
    values["explicit"] = {key for layer in layers[:2] for key in layer}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise _sentence(error, merged) from None
    return _completed(settings, sourced="sources" in values)


def _completed(settings: Settings, *, sourced: bool) -> Settings:
    """The settings with what follows from others: the embedded emulator brings a source of each kind and a second
    project."""
    sources = {**asdict(settings.sources), "project": settings.project}
    changes: dict[str, Any] = {"sources": Sources(**sources)}
    if settings.seed is None and not PROFILES[settings.profile].derandomised:
        changes["seed"] = secrets.randbelow(2**32)
    if settings.embedded:
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
        if key not in VARIABLES:
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
        table = read_table(path, "configuration file")
    except OSError as error:
        raise UsageError(
            f"config is '{path}' (set {named or 'by its name'}), which cannot be read: {error.strerror}."
        ) from None
    for key in table:
        if key not in FILE_KEYS:
            raise UsageError(f"the configuration file {path} has an unknown key '{key}'{_nearest(key)}.")
    return {key: (value, f"in {path}, key {key}") for key, value in table.items()}


def _nearest(key: str, prefix: str = "") -> str:
    short = [row.key for row in declared() if f"-{key}" in row.flags]
    names = short or difflib.get_close_matches(key, VARIABLES if prefix else FILE_KEYS, n=1)
    return f"; did you mean {prefix}{names[0].upper() if prefix else names[0]}?" if names else ""


def _sentence(error: ValidationError, origins: Mapping[str, tuple[Any, str]]) -> UsageError:
    """The first mistake as one sentence; the values of headers are not repeated."""
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else "settings"
    value, origin = origins.get(key, (None, "by default"))
    allowed = first["msg"].removeprefix("Value error, ")
    allowed = allowed[:1].lower() + allowed[1:]
    shown = "not usable" if key in SECRET else f"'{_brief(value)}'"
    verb = "allowed is" if first["type"] == "value_error" else "but"
    return UsageError(f"{key.replace('_', '-')} is {shown} (set {origin}); {verb} {allowed}.")


def _brief(value: Any) -> str:
    words = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    text = ", ".join(value) if words else value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
