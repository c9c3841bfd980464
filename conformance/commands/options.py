"""The options of the settings' table as options of a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from conformance.config.option import DeclaredOption
from conformance.config.options import declared


def takes_options(command: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command its options: its function gets what the user gave of them in the argument `given`, by key.

    Values go to the settings as they were written: these say in one sentence what is wrong, and where it was set.

    Args:
        command: its name.
    """
    rows = declared(command)

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(**values: Any) -> None:
            given = {row.key: values.pop(row.key) for row in rows}
            function(given={key: value for key, value in given.items() if value not in (None, [])}, **values)

        own = [item for item in inspect.signature(function, eval_str=True).parameters.values() if item.name != "given"]
        arguments = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own]
        run.__signature__ = inspect.Signature([*map(_parameter, rows), *arguments])  # type: ignore[attr-defined]
        return run

    return decorate


def _parameter(row: DeclaredOption) -> inspect.Parameter:
    kind: Any = bool if row.kind is bool else list[str] if row.repeated else str
    shown = None if row.kind is bool else row.metavar
    option = typer.Option(*row.flags, help=row.help, metavar=shown, show_default=False)
    return inspect.Parameter(
        row.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )
