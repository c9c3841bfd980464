"""Filters of lists for names, as the suite and ordinary clients send them."""

from __future__ import annotations

import re

ONE_NAME = re.compile(r'name\s*=\s*"?([-a-z0-9]+)"?')
"""A filter for one name and nothing else."""

_NAME = r'\(?\s*name\s*(?:=|\seq\s)\s*(?P<quote>["\']?)(?P<name>[-a-z0-9]+)(?P=quote)\s*\)?'
_NAME_OR_START = re.compile(_NAME + r"|name eq (?P<start>[-a-z0-9]+)\.\*(?P<end>[-a-z0-9]*)")


def passes(expression: str, name: str) -> bool:
    """Whether an image of a name certainly passes a filter: there is none, or it is for this name, or for all that
    begin and end so."""
    found = _NAME_OR_START.fullmatch(expression)
    if found is None:
        return not expression
    return name == found["name"] if found["name"] else name.startswith(found["start"]) and name.endswith(found["end"])


def is_pattern(expression: str) -> bool:
    """Whether a filter is for all names that begin and end so, and not for one name."""
    found = _NAME_OR_START.fullmatch(expression)
    return found is not None and found["name"] is None
