"""How a reader can see a breach again: the exchanges as curl commands, and the command that judges just this rule."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.settings import Settings, command_line

_HEAD = """#!/bin/sh
# What was sent when the rule {rule} was broken, request by request.
# Usage: URL=http://127.0.0.1:8080 sh reproduce.sh
: "${{URL:?set URL to the root of the implementation}}"
"""


def reproduction(rule: str, exchanges: Sequence[Mapping[str, Any]], settings: Settings) -> dict[str, str]:
    """The ways to reproduce a breach.

    Args:
        rule: the id of the rule.
        exchanges: the exchanges that show the breach, as they stand in results.json.
        settings: of the run that found it.
    """
    only = settings.model_copy(update={"only": (rule,), "skip": ()})
    return {"shell": _shell(rule, exchanges), "pytest": "", "command": command_line(only)}


def _shell(rule: str, exchanges: Sequence[Mapping[str, Any]]) -> str:
    return _HEAD.format(rule=rule) + "\n".join(_curl(exchange) for exchange in exchanges) + "\n"


def _curl(exchange: Mapping[str, Any]) -> str:
    request = exchange["request"]
    _, found, path = request["url"].partition("/compute/")
    url = f'"$URL"{shlex.quote("/compute/" + path)}' if found else shlex.quote(request["url"])
    parts = ["curl", "-sS", "-i", "-X", request["method"]]
    for name, value in request["headers"].items():
        parts += ["-H", shlex.quote(f"{name}: {value}")]
    if request["body"]:
        parts += ["--data-binary", shlex.quote(request["body"])]
    answer = exchange["response"]
    came = f"HTTP {answer['status']}" if answer else str(exchange["error"])
    return f"\n# {exchange['number']}. {exchange['method']}; the answer was: {came}\n{' '.join(parts)} {url}\necho"
