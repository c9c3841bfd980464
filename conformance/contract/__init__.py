"""The contract: what the API reference says, as data and as rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from conformance.contract.areas import RULES
from conformance.contract.rule import Basis, Breach, Finding, Rule, matching

__all__ = ["Basis", "Breach", "Finding", "Rule", "catalogue", "chosen", "matching", "near", "selected"]


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule of the contract by id, area by area.

    Raises:
        ValueError: two rules have one id.
    """
    rules = {rule.id: rule for rule in RULES}
    if len(rules) < len(RULES):
        raise ValueError("two rules have one id")
    return MappingProxyType(rules)


def near(name: str) -> str:
    """The rules whose ids are like a name that no rule has, as the end of a sentence; "" where none is."""
    names = difflib.get_close_matches(name, catalogue(), n=3)
    return f"; near to it {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else ""


def chosen(words: Iterable[str]) -> set[str]:
    """The rules that at least one of these words means: a glob of ids, an area, or `~` and a text of the statement."""
    return {rule.id for rule in catalogue().values() for word in words if _means(word, rule)}


def _means(word: str, rule: Rule) -> bool:
    if word.startswith("~"):
        return word[1:].casefold() in rule.statement.casefold()
    return word == rule.area or bool(matching([word], [rule.id]))


def selected(only: Iterable[str], skip: Iterable[str]) -> set[str]:
    """The rules that `only` means (all, where it is empty), without those that `skip` means."""
    wanted = tuple(only)
    return (chosen(wanted) if wanted else set(catalogue())) - chosen(tuple(skip))
