"""The options of `conformance run` as options of pytest."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import typer

from conformance.config import options

OPTIONS: dict[str, Any] = {
    "url": options.Url,
    "project": options.Project,
    "second-project": options.SecondProject,
    "api-version": options.ApiVersion,
    "profile": options.Profile,
    "only": options.Only,
    "skip": options.Skip,
    "require": options.Require,
    "seed": options.Seed,
    "shard": options.Shard,
    "waivers": options.Waivers,
    "out": options.Out,
    "config": options.Config,
    "header": options.Header,
    "auth": options.Auth,
    "credentials": options.CredentialsFile,
    "quota-project": options.QuotaProject,
    "ca-bundle": options.CaBundle,
    "deadline": options.Deadline,
    "rate": options.Rate,
    "max-requests": options.MaxRequests,
    "max-images": options.MaxImages,
    "max-time": options.MaxTime,
    "max-output": options.MaxOutput,
    "examples": options.Examples,
}
"""Those that pytest has none of its own for."""


def add_options(parser: pytest.Parser) -> None:
    """Adds the options.

    Args:
        parser: of pytest's command line.
    """
    group = parser.getgroup("conformance", "conformance of an implementation of Compute Engine images")
    for name, kind in OPTIONS.items():
        values, details = get_args(kind)
        assert isinstance(details, typer.models.OptionInfo)
        repeated: dict[str, Any] = {"action": "append"} if values == (list[str] | None) else {}
        group.addoption(f"--{name}", dest=_key(name), default=None, help=details.help, **repeated)


def given_options(config: pytest.Config) -> dict[str, Any]:
    """The options that the user gave, by the name of the setting.

    Args:
        config: of pytest.
    """
    options_given = {name.replace("-", "_"): config.getoption(_key(name)) for name in OPTIONS}
    return {name: value for name, value in options_given.items() if value is not None}


def _key(name: str) -> str:
    return f"conformance_{name.replace('-', '_')}"
