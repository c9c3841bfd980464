"""The results of a run from those of its shards: the same verdicts, counts and exit status as if it had not been
split."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue
from conformance.trace.cost import Cost
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger, Tally
from conformance.verdicts.results import Latency, Results, RuleResult
from conformance.verdicts.verdict import Verdict
from conformance.verdicts.waivers import EMBEDDED, known

SHARED = (
    ("run", ("seed", "profile", "suite_version", "strict", "require_complete", "require", "level")),
    ("target", ("url", "project", "api_version", "name", "version")),
)
"""What shards of one run have in common."""


def merged(parts: Mapping[Path, Results]) -> Results:
    """The results of one run from those of its shards.

    Args:
        parts: the results of each shard, by the file that they were read from.

    Raises:
        UsageError: they are not the shards of one run, each once.
    """
    _check(parts)
    # The order of the files says nothing.
    shards = sorted(parts.values(), key=lambda part: int((part.run.shard or "").partition("/")[0]))
    results = _collector(shards).results()
    run = shards[0].run.model_copy(
        update={
            "started": min(part.run.started for part in shards),
            "finished": max(part.run.finished for part in shards),
            "seconds": max(part.run.seconds for part in shards),
            "command": _without_shard(shards[0].run.command),
            "shard": None,
            "ending": results.run.ending,
            "complaints": results.run.complaints,
        }
    )
    named = shards[0].target.model_dump(include={"name", "version"})
    target = results.target.model_copy(update=named)
    return results.model_copy(update={"run": run, "target": target, "latency": _latency(shards)})


def _check(parts: Mapping[Path, Results]) -> None:
    first, *others = parts.items()
    for path, part in others:
        for section, keys in SHARED:
            for key in keys:
                one, other = (getattr(getattr(results, section), key) for results in (first[1], part))
                if one != other:
                    raise UsageError(
                        f"{first[0]} and {path} are not of one run: {section}.{key} is "
                        f"{json.dumps(one)} in the one and {json.dumps(other)} in the other."
                    )
    seen: dict[str, Path] = {}
    for path, part in parts.items():
        shard = part.run.shard
        if shard is None:
            raise UsageError(f"{path} is a whole run, and no shard of one; `conformance diff` compares runs.")
        if shard in seen:
            raise UsageError(f"{seen[shard]} and {path} are both shard {shard} of the run.")
        seen[shard] = path
    count = next(iter(seen)).rpartition("/")[2]
    missing = [f"{number}/{count}" for number in range(1, int(count) + 1) if f"{number}/{count}" not in seen]
    if missing or len(seen) != int(count):
        raise UsageError(
            f"shards are missing, or of another number of shards than {count}: {', '.join(missing) or 'too many'}."
        )


def _collector(shards: Sequence[Results]) -> Collector:
    """A collector that knows what the shards know, to conclude as it concludes of any run."""
    run, target = shards[0].run, shards[0].target
    settings = Settings(
        url=None if target.url == EMBEDDED else target.url,
        project=target.project,
        api_version=target.api_version,
        strict=run.strict,
        require_complete=run.require_complete,
        level=run.level,
        require=run.require,
        intermittent=run.intermittent,
    )
    collector = Collector(settings, known(row for part in shards for row in part.waivers))
    collector.begin()
    collector.selected = {rule for part in shards for rule, found in part.verdicts.items() if found != Verdict.LEFT_OUT}
    collector.left = [name for part in shards for name in part.cost.images_left]
    collector.unknown = [name for part in shards for name in part.cost.images_unknown]
    collector.complaints = _each_once(complaint for part in shards for complaint in part.run.complaints)
    _take_ending(collector, shards)
    _take_findings(collector, shards)
    ledger = Ledger(catalogue())
    for part in shards:
        for row in part.rules:
            if row.verdict is Verdict.ERROR:
                ledger.errors.setdefault(row.id, row.reason)
            if row.observations or row.breach_count:
                ledger.tallies[row.id].add(_tally(row))
        ledger.answers.update(part.answers)
        collector.take({"seconds": {row.id: row.seconds for row in part.rules}})
        cost = part.cost
        collector.take({"cost": vars(Cost(cost.requests, cost.retries, cost.images_created, cost.seconds_waiting))})
    collector.take({"ledger": ledger.drain()})
    return collector


def _take_ending(collector: Collector, shards: Sequence[Results]) -> None:
    """Why the run ended early: it could not be tested where no shard could, and was lost where only some could not."""
    endings = [part.run.ending for part in shards]
    untestable = [ending.untestable for ending in endings if ending.untestable]
    if len(untestable) == len(endings):
        collector.untestable = untestable[0]
    collector.lost = next((reason for ending in endings if (reason := ending.lost or ending.untestable)), "")
    collector.crashed = next((ending.crashed for ending in endings if ending.crashed), "")
    collector.died = next((ending.died for ending in endings if ending.died), "")
    collector.spent = next((ending.spent for ending in endings if ending.spent), "")
    collector.interrupted = any(ending.interrupted for ending in endings)


def _take_findings(collector: Collector, shards: Sequence[Results]) -> None:
    """What the target can do: what one shard has found to be there is there."""
    found = [item for part in shards for item in part.target.capabilities.items()]
    present = _each_once(name for name, state in found if state is True)
    collector.findings.present = present
    collector.findings.absent = {
        name: state for name, state in reversed(found) if isinstance(state, str) and name not in present
    }
    reasons = [part.target.broken for part in shards]
    collector.findings.broken = reasons[0] if all(reasons) else ""


def _tally(row: RuleResult) -> Tally:
    """What a row of the results was made from."""
    return Tally(
        row.observations,
        row.breach_count,
        row.deviation_count,
        row.first_breach_after_requests,
        [breach.model_dump(mode="json") for breach in row.breaches],
        dict(row.beside),
        row.broken_again,
        row.tried_again,
    )


def _latency(shards: Sequence[Results]) -> dict[str, Latency]:
    """The latency of each method: counts add up, medians are weighted by them, and of the high marks the highest is
    kept."""
    latency: dict[str, Latency] = {}
    for method in sorted({method for part in shards for method in part.latency}):
        entries = [part.latency[method] for part in shards if method in part.latency]
        count = sum(entry.count for entry in entries)
        latency[method] = Latency(
            count=count,
            p50_ms=round(sum(entry.p50_ms * entry.count for entry in entries) / count, 2) if count else 0.0,
            p95_ms=max(entry.p95_ms for entry in entries),
            max_ms=max(entry.max_ms for entry in entries),
        )
    return latency


def _each_once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _without_shard(command: str) -> str:
    words = shlex.split(command)
    if "--shard" in words:
        at = words.index("--shard")
        del words[at : at + 2]
    return shlex.join(words)
