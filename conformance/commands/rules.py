"""`conformance rules` and `explain`: the catalogue, and one rule in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.commands.selecting import matched
from conformance.config.settings import UsageError
from conformance.contract import Rule, catalogue, client_catalogue, durability_catalogue, near
from conformance.contract.clients import EVERY_CLIENT, hurt


def show_rules(words: Sequence[str], *, as_json: bool) -> None:
    """Lists rules.

    Args:
        words: that mean rules; empty for all rules for targets.
        as_json: whether to print JSON.

    Raises:
        UsageError: a word means no rule.
    """
    every = {**catalogue(), **client_catalogue(), **durability_catalogue()}
    shown = matched(words, "asked for", every) if words else dict(catalogue())
    if as_json:
        print(json.dumps([_row(rule) for rule in shown.values()], ensure_ascii=False, indent=1))
        return
    console = Console()
    if not console.is_terminal:
        for rule in shown.values():
            print(f"{rule.id}\t{rule.basis}\t{rule.statement}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("rule", "basis", "what holds"):
        table.add_column(title, overflow="fold")
    for rule in shown.values():
        table.add_row(escape(rule.id), rule.basis, escape(rule.statement))
    console.print(table)


def show_rule(rule: str) -> None:
    """Explains one rule in full.

    Args:
        rule: its id.

    Raises:
        UsageError: there is no such rule.
    """
    from conformance.emulator.faults import FAULTS  # noqa: PLC0415 - lists of rules need none

    found = catalogue().get(rule) or client_catalogue().get(rule) or durability_catalogue().get(rule)
    if found is None:
        raise UsageError(f"there is no rule '{rule}'{near(rule)}.")
    basis = {
        "doc": "doc: the API reference states it; a breach fails the run",
        "conv": "conv: the real service or Google's conventions do it; a breach is a deviation, and fails only under "
        "--strict",
    }
    print(f"{found.id}\n\n  {found.statement}\n")
    print(f"basis      {basis[found.basis]}")
    print(f"reference  {found.reference}")
    print(f"grounds    {found.grounds}")
    print(f"evidence   {'live runs and recorded traffic' if found.passive else 'live runs only'}")
    _hurt(found)
    if found.requires:
        print(f"stands on  {', '.join(found.requires)}")
    if found.needs:
        print(f"needs      {', '.join(found.needs)}")
    if rule in client_catalogue():
        print("\nrun it     conformance client --only", rule, "-- COMMAND")
        return
    if rule in durability_catalogue():
        print("\nrun it     conformance run --start COMMAND --restart-between")
        return
    caught = [fault for fault in FAULTS if fault.rule == found.id]
    print("\nfaults of the emulator that it catches:" if caught else "\nno fault of the emulator breaks it")
    for fault in caught:
        print(f"  {fault.id}: {fault.sentence}")
    print(f"\nrun it     conformance run --only {found.id}")


def _hurt(rule: Rule) -> None:
    """Prints which clients need a rule, for what, and how that is known."""
    if rule.id in EVERY_CLIENT:
        print("needed by  every client")
    for number, client in enumerate(() if rule.id in EVERY_CLIENT else hurt(rule.id)):
        print("          " if number else "needed by ", client.title)
        for one in client.reasons(rule.id):
            print(f"             {one.call} ({one.evidence})")


def _row(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "area": rule.area,
        "basis": rule.basis,
        "statement": rule.statement,
        "reference": rule.reference,
        "grounds": rule.grounds,
        "clients": [client.id for client in hurt(rule.id)],
    }
