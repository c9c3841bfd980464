"""What is used of Hypothesis although it does not promise to keep it: why it is needed, and what happens without it.

It looks first whether what it needs is there, and does without where a new version has it no more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


def _hypothesis_providers() -> Any:
    """The module of Hypothesis that draws; None where it is not as it was."""
    try:
        from hypothesis.internal.conjecture import providers  # noqa: PLC0415 - it may be gone
    except ImportError:
        return None
    parts = ("_get_local_constants", "_local_constants", "CONSTANTS_CACHE")
    return providers if all(hasattr(providers, part) for part in parts) else None


@contextlib.contextmanager
def no_constants_of_modules() -> Iterator[None]:
    """Draws of Hypothesis depend on strategy and seed alone, for as long as the context lasts.

    Hypothesis likes to draw constants of the modules that a process has imported, and these differ from process to
    process; it has no setting for that. Without this, runs with other workers, or after other tests, draw other
    random examples.
    """
    providers = _hypothesis_providers()
    if providers is None:
        yield
        return
    usual, none = providers._get_local_constants, type(providers._local_constants)()
    providers._get_local_constants = lambda: none
    providers.CONSTANTS_CACHE.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = usual
        providers.CONSTANTS_CACHE.cache.clear()
