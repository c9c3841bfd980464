"""`conformance drift`: what a revision of Google's discovery document has that no rule judges yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.config.settings import UsageError
from conformance.contract import catalogue
from conformance.contract.discovery import REVISION, Difference, NoDiscoveryError, changed_since, drift
from conformance.reports.text import harmless
from conformance.verdicts.verdict import Exit

DOCUMENT_MAXIMUM = 64 * 2**20
"""Bytes of a discovery document that are read; Google's is a tenth of that."""


def show_drift(document: Path, since: Path | None) -> int:
    """Tells what is new, changed or gone, and which rules have to be read again.

    Args:
        document: the discovery document.
        since: an earlier revision, to compare descriptions with; None for none.

    Returns:
        The exit status: 1 where something is not judged yet.

    Raises:
        UsageError: a file cannot be read, or is no discovery document of this API.
    """
    new = _read(document)
    try:
        found = drift(new)
        if since is not None:
            found += changed_since(_read(since), new)
    except NoDiscoveryError as error:
        raise UsageError(f"{document} is no discovery document of Compute Engine: {error}.") from None
    revision = harmless(str(new.get("revision", "unknown")), lines=False)
    print(f"revision {revision}; the rules were written beside {REVISION}")
    for one in found:
        print(f"{one.kind:<8} {harmless(one.about, lines=False)}: {harmless(one.detail, lines=False)}")
        rules = _rules_about(one)
        if rules:
            print(f"         read again: {', '.join(rules)}")
    if not found:
        print("nothing that the rules do not know")
    return Exit.NOT_CONFORMANT if found else Exit.CONFORMANT


def _rules_about(difference: Difference) -> list[str]:
    """The rules that rest on the place of a field in the reference."""
    if not difference.field:
        return []
    paths = {difference.field, difference.field.partition(".")[0]}
    return [rule.id for rule in catalogue().values() if paths & set(rule.reference.rpartition(" > ")[2].split(", "))]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(DOCUMENT_MAXIMUM))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, Mapping):
        raise UsageError(f"{path} is no JSON object; a discovery document is wanted.")
    return value
