"""Which rules a command is about: those that the user named, or that earlier results tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.config.settings import Settings, UsageError
from conformance.contract import Rule, catalogue, chosen, near
from conformance.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from conformance.verdicts.results import Results

BY_SETTINGS = "set by {}, its environment variable or the configuration file"


def resolved(settings: Settings, rules: Mapping[str, Rule] | None = None) -> Settings:
    """The same settings, in which words for rules are known to mean some, and those of earlier results are named.

    Args:
        settings: of a run or a check.
        rules: those that there are; None for the catalogue.

    Raises:
        UsageError: a word means no rule, or the results that it names cannot be read.
    """
    changes: dict[str, tuple[str, ...]] = {}
    for key in ("only", "skip"):
        words = getattr(settings, key)
        named = tuple(name for word in words for name in _named(word, BY_SETTINGS.format(f"--{key}"), rules))
        if named != words:
            changes[key] = named
    if settings.last_failed or settings.failed_first:
        broken = _broken(settings.out / "results.json")
        if settings.last_failed and broken:
            only = changes.get("only", settings.only)
            changes["only"] = tuple(rule for rule in broken if not only or rule in chosen(only))
        changes["first"] = broken
    return settings.model_copy(update=changes)


def matched(words: Sequence[str], origin: str, rules: Mapping[str, Rule] | None = None) -> Mapping[str, Rule]:
    """The rules that the words mean.

    Args:
        words: globs of ids, areas, or `~` and a text.
        origin: where they were given.
        rules: those that there are; None for the catalogue.

    Raises:
        UsageError: one of them means no rule.
    """
    every = catalogue() if rules is None else rules
    for word in words:
        if not chosen([word], every):
            raise UsageError(f"no rule matches '{word}' ({origin}){near(word)}; `conformance rules` lists them.")
    found = chosen(words, every)
    return {name: rule for name, rule in every.items() if name in found}


def _named(word: str, origin: str, rules: Mapping[str, Rule] | None) -> tuple[str, ...]:
    """A word as it stands, or the rules with a verdict in a file of results."""
    verdict, at, file = word.partition("@")
    if not at:
        matched([word], origin, rules)
        return (word,)
    verdicts = [item.value for item in Verdict]
    if verdict not in verdicts:
        raise UsageError(f"'{word}' ({origin}) asks for the verdict '{verdict}'; allowed are {', '.join(verdicts)}.")
    found = tuple(rule for rule, own in _results(Path(file)).verdicts.items() if own.value == verdict)
    if not found:
        raise UsageError(f"no rule is {verdict} in {file} ('{word}', {origin}).")
    return found


def _broken(path: Path) -> tuple[str, ...]:
    """The rules that were broken in the last run; none where there was no run."""
    if not path.exists():
        return ()
    return tuple(rule for rule, verdict in _results(path).verdicts.items() if verdict.broken and rule in catalogue())


def _results(path: Path) -> Results:
    from conformance.verdicts.results import read_results  # noqa: PLC0415 - lists of rules need no results

    return read_results(path)
