"""The contract: what the API reference says, as data and as rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from conformance.contract.areas import CLIENT_RULES, DURABILITY_RULES, RULES
from conformance.contract.rule import Basis, Breach, Finding, Rule, matching

__all__ = [
    "Basis",
    "Breach",
    "Finding",
    "Rule",
    "all_but",
    "catalogue",
    "chosen",
    "client_catalogue",
    "durability_catalogue",
    "matching",
    "near",
    "selected",
]


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


@cache
def client_catalogue() -> Mapping[str, Rule]:
    """Every rule for clients by id: they judge who asks, and never the target."""
    return MappingProxyType({rule.id: rule for rule in CLIENT_RULES})


@cache
def durability_catalogue() -> Mapping[str, Rule]:
    """Every rule about a target that is killed and started again, by id: only `run --restart-between` tries them."""
    return MappingProxyType({rule.id: rule for rule in DURABILITY_RULES})


def near(name: str) -> str:
    """The rules whose ids are like a name that no rule has, as the end of a sentence; "" where none is."""
    names = difflib.get_close_matches(name, catalogue(), n=3)
    return f"; near to it {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else ""


def chosen(words: Iterable[str], among: Mapping[str, Rule] | None = None) -> set[str]:
    """The rules that at least one of these words means: a glob of ids, how ids begin, or `~` and a text of the
    statement.

    Args:
        words: the words.
        among: the rules to choose from; None for the catalogue.
    """
    rules = catalogue() if among is None else among
    return {rule.id for rule in rules.values() for word in words if _means(word, rule)}


def all_but(glob: str, *but: str) -> tuple[str, ...]:
    """The rules that a glob matches, but for those of some other globs, in the order of the catalogue."""
    found = matching([glob], catalogue()) - matching(but, catalogue())
    return tuple(rule for rule in catalogue() if rule in found)


def _means(word: str, rule: Rule) -> bool:
    if word.startswith("~"):
        return word[1:].casefold() in rule.statement.casefold()
    return rule.id.startswith(f"{word}.") or bool(matching([word], [rule.id]))


def selected(
    only: Iterable[str], skip: Iterable[str], clients: Iterable[str] = (), among: Mapping[str, Rule] | None = None
) -> set[str]:
    """The rules that a run is about.

    Args:
        only: words that mean rules; empty for all.
        skip: words that mean rules to leave out.
        clients: ids of clients, to leave out what none of them needs; empty for no such limit.
        among: the rules to choose from; None for the catalogue.
    """
    from conformance.contract.clients import rules_for  # noqa: PLC0415 - it names rules, and so needs them all first

    wanted, served, rules = tuple(only), tuple(clients), catalogue() if among is None else among
    found = (chosen(wanted, rules) if wanted else set(rules)) - chosen(tuple(skip), rules)
    return found & rules_for(served) if served else found
