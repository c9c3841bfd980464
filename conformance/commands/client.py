"""`conformance client`: a client is started in front of an emulator that makes it hard for it, and what it did is
judged."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path

from conformance.client.tap.archive import archive
from conformance.client.tap.log import Log
from conformance.client.tap.proxy import Tap
from conformance.client.tap.script import SCRIPTS, Script
from conformance.client.tap.session import NoCommandError, Stop, keep_open
from conformance.commands.check import repeated_by
from conformance.commands.endpoints import endpoints, told_end
from conformance.commands.outcome import conclude, terminal
from conformance.commands.writing import check_folder
from conformance.config.command_line import command_line, of_rule
from conformance.config.settings import Settings, UsageError
from conformance.contract import client_catalogue
from conformance.emulator.hardships import HARDSHIPS
from conformance.emulator.process import EmulatorProcess
from conformance.trace.cost import Cost
from conformance.trace.credentials import credentials_of
from conformance.trace.customer_keys import secrets_of
from conformance.trace.exchange import Trace
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Verdict

SCENARIOS = (*SCRIPTS, *(row.id for row in HARDSHIPS))
"""What can be made hard for a client: faults on the way, and what the service itself may do."""

OPERATION_SECONDS = 0.5
"""How long an operation takes, so that a client has to look more than once."""


def scenarios(text: str) -> tuple[str, ...]:
    """The scenarios that the user asked for; all where none are named.

    Raises:
        UsageError: there is no such scenario.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in SCENARIOS:
            raise UsageError(f"scenario is '{name}' (set by --scenario); allowed are {', '.join(SCENARIOS)}.")
    return names or SCENARIOS


def run_client(settings: Settings, chosen: Collection[str], command: Sequence[str]) -> int:
    """Runs a client to its end, judges what it did, writes the results, and says on the terminal what came out.

    Args:
        settings: which rules to judge by, and where to write to.
        chosen: the scenarios.
        command: starts the client.

    Returns:
        The exit status.

    Raises:
        UsageError: the command cannot be started, or the results cannot be written.
    """
    check_folder(settings.out)
    collector = Collector(settings, rules=client_catalogue())
    collector.begin()
    hardships = [row.id for row in HARDSHIPS if row.id in chosen]
    with (
        EmulatorProcess(operation_seconds=OPERATION_SECONDS, hardships=hardships) as emulator,
        closing(Log(emulator.url)) as log,
    ):
        tap = Tap(emulator.url, log.append, Script(chosen))
        try:
            session = asyncio.run(keep_open(tap, ("127.0.0.1", 0), command, endpoints, Stop()))
        except NoCommandError as error:
            raise UsageError(f"the command behind --: {error}.") from None
        collector.interrupted = session.interrupted
        collector.complaints.append(told_end(command[0], session.status))
        results = judge_clients(log, collector)
        if settings.recorded_traffic:
            archive(log, settings.recorded_traffic, collector.hidden, int(settings.max_output * 2**20))
    words = ["--scenario", ",".join(chosen)]
    behind = f" -- {shlex.quote(command[0])}{' …' if len(command) > 1 else ''}"
    rules = (repeated_by(row, of_rule(settings, row.id, "client", words) + behind) for row in results.rules)
    changes = {
        "rules": tuple(rules),
        "run": results.run.model_copy(update={"command": command_line(settings, "client", words) + behind}),
        "target": results.target.model_copy(update={"url": f"the client '{Path(command[0]).name}'"}),
    }
    return conclude(results.model_copy(update=changes), settings, terminal(settings))


def judge_clients(log: Log, collector: Collector) -> Results:
    """Judges clients by all that they did, from their start to their end.

    Args:
        log: what they exchanged.
        collector: of the rules for clients; takes what is found.
    """
    exchanges = sorted((exchange for exchange, _ in log.read()), key=lambda exchange: exchange.number)
    keys = frozenset(key for exchange in exchanges for key in secrets_of(exchange))
    credentials = {text for exchange in exchanges for text in credentials_of(exchange)}
    rules = {name: rule for name, rule in collector.rules.items() if name in collector.selected}
    ledger, cost = Ledger(rules, credentials), Cost()
    ledger.judge(Trace(tuple(exchanges), keys))
    cost.requests = sum(exchange.route is not None for exchange in exchanges)
    inserts = (exchange for exchange in exchanges if exchange.method == "images.insert" and exchange.resource)
    # A replay makes no image.
    cost.images = len({str((insert.resource or {}).get("targetId")) for insert in inserts})
    if not cost.requests:
        collector.untestable = "the client sent no request of this API to CONFORMANCE_URL"
    collector.take({"ledger": ledger.drain(), "cost": vars(cost), "hidden": credentials | keys})
    results = collector.results()
    project = next((exchange.route.project for exchange in exchanges if exchange.route), "")
    rows = tuple(
        row.model_copy(update={"reason": "the client was never in need of it"})
        if row.verdict is Verdict.NOT_EXERCISED
        else row.model_copy(update={"confirmation": ""})
        for row in results.rules
    )
    return results.model_copy(
        update={
            "rules": rows,
            "run": results.run.model_copy(update={"profile": "client"}),
            "target": results.target.model_copy(update={"project": project}),
        }
    )
