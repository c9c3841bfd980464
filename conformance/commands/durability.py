"""`run --restart-between`: what a target still knows that was killed and started again. It is judged apart."""

from __future__ import annotations

import shutil

from rich.console import Console
from rich.text import Text

from conformance.client.api import Api
from conformance.client.budget import BudgetSpent
from conformance.client.cleanup import delete_all
from conformance.client.transport import TargetLost
from conformance.commands.check import repeated_by
from conformance.commands.started_target import NotStarted, StartedTarget
from conformance.config.command_line import command_line
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.contract import durability_catalogue
from conformance.contract.areas.durability import IMAGES, OPERATIONS, REQUEST_IDS, RUNNING
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal
from conformance.reports import writing
from conformance.reports.text import counted, harmless
from conformance.scenario.obstacles import Untestable
from conformance.scenario.process import Process, new_ground
from conformance.scenario.steps import accepted
from conformance.trace.exchange import Trace
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.results import Results, write_results
from conformance.verdicts.verdict import Exit, Verdict

FOLDER = "durability"
NOTHING = "the target showed nothing of it before it was killed"


def judge_durability(settings: Settings, target: StartedTarget) -> Results:
    """Kills a target, starts it again, and answers what is to be said of it.

    Args:
        settings: of the run.
        target: the target, which runs.
    """
    whole = {"only": (), "skip": (), "clients": (), "shard": None, "level": None, "update_waivers": False}
    own = settings.model_copy(update={**whole, "url": target.url, "out": settings.out / FOLDER})
    collector = Collector(own, rules=durability_catalogue())
    collector.begin()
    ground = new_ground(own, target.url, PROFILES[own.profile])
    process, ledger = Process(ground, "restart"), Ledger(durability_catalogue())
    try:
        try:
            ground.findings = process.preflight()
            collector.untestable = ground.findings.broken or ground.findings.stop
            if not collector.untestable:
                ledger.judge(_acted(process, target))
        except (Untestable, NotStarted) as reason:
            collector.untestable = str(reason)
        except (TargetLost, BudgetSpent) as reason:
            collector.lost = str(reason)
        process.stop()
        left = delete_all(process.target, ground.folder, process.before, lost=bool(collector.ending.reason))
        collector.left, collector.unknown = left.there, left.unknown
        collector.take({**process.drain(), "ledger": ledger.drain()})
        process.close()
    finally:
        shutil.rmtree(ground.folder, ignore_errors=True)
    results = collector.results()
    command = command_line(settings)
    rows = (
        row.model_copy(update={"reason": NOTHING} if row.verdict is Verdict.NOT_EXERCISED else {"confirmation": ""})
        for row in results.rules
    )
    run = results.run.model_copy(update={"command": command})
    return results.model_copy(update={"rules": tuple(repeated_by(row, command) for row in rows), "run": run})


def _acted(process: Process, target: StartedTarget) -> Trace:
    """Makes an image, begins another, kills the target, and looks what it knows of both."""
    api, names, sources = Api(process.target), process.target.names, process.scenario(FOLDER).sources
    request = InsertRequest(minimal(sources), name=names.fresh(), request_id=names.request_id())
    made = api.create(request)
    done = made.operation.get("name")
    begun = InsertRequest(minimal(sources), name=names.fresh())
    if isinstance(done, str):
        api.operation(done)
    under_way = api.insert(begun)
    target.restart()
    api.get(made.name, intent=accepted(IMAGES))
    if isinstance(done, str):
        api.operation(done, intent=accepted(OPERATIONS))
    api.insert(request, intent=accepted(REQUEST_IDS))
    running = under_way.resource or {}
    if isinstance(running.get("name"), str) and running.get("status") != "DONE":
        api.finish(under_way)
        api.operation(running["name"], intent=accepted(RUNNING))
        api.get(str(begun.name), intent=accepted(RUNNING))
    return api.trace()


def tell_durability(results: Results, settings: Settings, console: Console) -> int:
    """Writes what was found beside the results of the run, and says it.

    Args:
        results: what was found.
        settings: of the run.
        console: where to say it.

    Returns:
        The exit status that it asks for: a rule that is broken counts under --strict only, a target that does not
        come back always.
    """
    out = settings.out / FOLDER
    write_results(results, out)
    writing.write(results, out, settings.wanted_reports)
    summary = results.summary
    broken = [row for row in results.rules if row.shown]
    tested = summary.coverage.tested
    said = f"{len(broken)} of {counted(tested, 'rule')} broken" if broken else f"{counted(tested, 'rule')} held"
    said = summary.reason if summary.exit_status is Exit.UNTESTABLE else said
    console.print(Text(f"after a restart: {harmless(said, lines=False)}; see {out}"), soft_wrap=True)
    for row in broken:
        console.print(Text(f"  {row.verdict.symbol} {row.id}: {harmless(row.told, lines=False)}"), soft_wrap=True)
    return summary.exit_status
