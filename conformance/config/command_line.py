"""The command that repeats a run."""

from __future__ import annotations

import shlex

from conformance.config.settings import Settings

VALUES = (
    "url",
    "project",
    "api_version",
    "profile",
    "seed",
    "shard",
    "auth",
    "credentials",
    "quota_project",
    "waivers",
    "deadline",
    "rate",
    "max_requests",
    "max_images",
    "max_time",
    "max_output",
    "examples",
)
SWITCHES = ("strict", "require_complete", "allow_leftovers")
GLOBS = ("only", "skip", "require")


def command_line(settings: Settings) -> str:
    """The command that repeats a run, without the values of headers and tokens, which are secret.

    Args:
        settings: of the run.
    """
    words = ["conformance", "run"]
    default = Settings()
    for key in VALUES:
        value = getattr(settings, key)
        if value is not None and value != getattr(default, key):
            words += [_flag(key), f"{value:g}" if isinstance(value, float) else str(value)]
    if settings.second_project and settings.url:
        words += ["--second-project", settings.second_project]
    for key in GLOBS:
        for glob in getattr(settings, key):
            words += [_flag(key), glob]
    words += [_flag(key) for key in SWITCHES if getattr(settings, key)]
    for item in settings.header:
        words += ["--header", f"{item.partition(':')[0].strip()}: …"]
    return shlex.join(words)


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"
