"""Results read back from files: rendered again, shards merged into the run that they are of, runs compared."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from rich.console import Console

import reports
from conformance.config.settings import Settings, UsageError
from conformance.contract import catalogue
from conformance.verdicts.collector import Collector, Exit, write_results
from conformance.verdicts.ledger import EXAMPLES_KEPT, Ledger, Tally
from conformance.verdicts.verdict import Verdict
from conformance.verdicts.waivers import EMBEDDED, known
from reports import difference

SHARED = (
    ("run", ("seed", "profile", "suite_version", "strict", "require_complete")),
    ("target", ("url", "project", "api_version")),
)
"""What shards of one run have in common."""


def report_on(paths: Sequence[Path], out: Path) -> int:
    """Renders results again, merged where they are of several shards.

    Args:
        paths: files with the results of a run, or of its shards.
        out: the folder for the reports.

    Returns:
        The exit status of the run.

    Raises:
        UsageError: a file is no results.json, or the files are not the shards of one run.
    """
    parts = {path: read_results(path) for path in paths}
    results = merged(parts) if len(paths) > 1 else next(iter(parts.values()))
    try:
        write_results(results, out)
        reports.write(results, out)
    except OSError as error:
        raise UsageError(
            f"out is '{out}', which cannot be written to ({error.strerror}); name another folder with --out."
        ) from None
    console = Console()
    reports.summary(results, console)
    console.print(f"[dim]report: {out / 'report.html'}[/dim]", soft_wrap=True)
    return int(results["summary"]["exit_status"])


def compare_runs(old: Path, new: Path, markdown: Path | None, html: Path | None) -> int:
    """Shows what changed between two runs.

    Args:
        old: the results of the earlier run.
        new: those of the later one.
        markdown, html: files to write the changes to as well; None for none.

    Returns:
        The exit status: 1 where something got worse.

    Raises:
        UsageError: a file is no results.json, or cannot be written.
    """
    before, after = read_results(old), read_results(new)
    found = difference.changes(before, after)
    difference.show(found, Console())
    for path, render in ((markdown, difference.markdown), (html, difference.html)):
        try:
            if path is not None:
                path.write_text(render(found, before, after), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return Exit.NOT_CONFORMANT if difference.worsened(found) else Exit.CONFORMANT


def read_results(path: Path) -> dict[str, Any]:
    """The results in a file.

    Args:
        path: of a results.json.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not JSON; a results.json of `conformance run` is wanted.") from None
    version = value.get("schema_version") if isinstance(value, dict) else None
    if version not in (None, 1):
        raise UsageError(f"{path} has schema_version {json.dumps(version)}, and this suite reads version 1.")
    mistake = next(_validator().iter_errors(value), None)
    if mistake is not None:
        place = "/".join(map(str, mistake.absolute_path)) or "the file itself"
        raise UsageError(f"{path} is no results.json of `conformance run`: {place} breaks its JSON Schema.")
    results: dict[str, Any] = value
    return results


def _validator() -> Draft202012Validator:
    return Draft202012Validator(
        json.loads(files("reports").joinpath("results.schema.json").read_text(encoding="utf-8"))
    )


def merged(parts: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any]:
    """The results of one run from those of its shards.

    Args:
        parts: the results of each shard, by the file that they were read from.

    Raises:
        UsageError: they are not the shards of one run, each once.
    """
    _check(parts)
    shards = list(parts.values())
    collector = _collector(shards)
    results = collector.results()
    run = shards[0]["run"]
    started, finished = min(part["run"]["started"] for part in shards), max(part["run"]["finished"] for part in shards)
    results["run"] = {
        **run,
        "started": started,
        "finished": finished,
        "seconds": max(part["run"]["seconds"] for part in shards),
        "command": _without_shard(run["command"]),
        "shard": None,
    }
    results["target"] = {**shards[0]["target"], "capabilities": _capabilities(shards)}
    results["latency"] = _latency(shards)
    rows = [{row["id"]: row for row in part["rules"]} for part in shards]
    for row in results["rules"]:
        row["breaches"] = _breaches([shard[row["id"]] for shard in rows if row["id"] in shard])
    return results


def _check(parts: Mapping[Path, Mapping[str, Any]]) -> None:
    first, *others = parts.items()
    for path, part in others:
        for section, keys in SHARED:
            for key in keys:
                if part[section][key] != first[1][section][key]:
                    raise UsageError(
                        f"{first[0]} and {path} are not of one run: {section}.{key} is "
                        f"{json.dumps(first[1][section][key])} in the one and {json.dumps(part[section][key])} in the other."
                    )
    seen: dict[str, Path] = {}
    for path, part in parts.items():
        shard = part["run"]["shard"]
        if shard is None:
            raise UsageError(f"{path} is a whole run, and no shard of one; `conformance diff` compares runs.")
        if shard in seen:
            raise UsageError(f"{seen[shard]} and {path} are both shard {shard} of the run.")
        seen[shard] = path
    count = first[1]["run"]["shard"].rpartition("/")[2]
    missing = [f"{number}/{count}" for number in range(1, int(count) + 1) if f"{number}/{count}" not in seen]
    if missing or len(seen) != int(count):
        raise UsageError(
            f"shards are missing, or of another number of shards than {count}: {', '.join(missing) or 'too many'}."
        )


def _collector(shards: Sequence[Mapping[str, Any]]) -> Collector:
    """A collector that knows what the shards know, to conclude as it concludes of any run."""
    run = shards[0]["run"]
    target = shards[0]["target"]["url"]
    settings = Settings(
        url=None if target == EMBEDDED else target, strict=run["strict"], require_complete=run["require_complete"]
    )
    collector = Collector(settings, known(row for part in shards for row in part["waivers"]))
    collector.begin()
    ledger = Ledger(catalogue())
    for part in shards:
        capabilities = part["target"]["capabilities"]
        collector.findings.absent.update(
            {name: found for name, found in capabilities.items() if isinstance(found, str)}
        )
        collector.left += part["cost"]["images_left"]
        summary = part["summary"]
        collector.interrupted |= summary["exit_status"] == Exit.INTERRUPTED
        collector.lost = collector.lost or (summary["reason"] if summary["exit_status"] == Exit.UNTESTABLE else "")
        for row in part["rules"]:
            if row["verdict"] == Verdict.ERROR:
                ledger.errors.setdefault(row["id"], row["reason"])
            if row["observations"] or row["breach_count"]:
                ledger.tallies[row["id"]].add(_tally(row))
        cost = part["cost"]
        collector.take(
            {
                "cost": {
                    "requests": cost["requests"],
                    "retries": cost["retries"],
                    "images": cost["images_created"],
                    "waiting": cost["seconds_waiting"],
                    "latencies": {},
                }
            }
        )
    collector.take({"ledger": ledger.drain()})
    collector.selected = {row["id"] for part in shards for row in part["rules"] if row["verdict"] != Verdict.LEFT_OUT}
    return collector


def _tally(row: Mapping[str, Any]) -> Tally:
    """What a row of the results was made from, but for its examples."""
    breaches = row["breach_count"]
    return Tally(
        row["observations"],
        breaches,
        breaches if row["verdict"] == Verdict.DEVIATES else 0,
        row["first_breach_after_requests"],
    )


def _breaches(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    smallest: dict[str, dict[str, Any]] = {}
    for breach in sorted(
        (breach for row in rows for breach in row["breaches"]), key=lambda item: len(item["exchanges"])
    ):
        smallest.setdefault(breach["message"], breach)
    return list(smallest.values())[:EXAMPLES_KEPT]


def _capabilities(shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: found for part in shards for name, found in part["target"]["capabilities"].items()}


def _latency(shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The latency of each method: counts add up, medians are weighted by them, and of the high marks the highest is kept."""
    latency: dict[str, Any] = {}
    for method in sorted({method for part in shards for method in part["latency"]}):
        entries = [part["latency"][method] for part in shards if method in part["latency"]]
        count = sum(entry["count"] for entry in entries)
        latency[method] = {
            "count": count,
            "p50_ms": round(sum(entry["p50_ms"] * entry["count"] for entry in entries) / count, 2) if count else 0.0,
            "p95_ms": max(entry["p95_ms"] for entry in entries),
            "max_ms": max(entry["max_ms"] for entry in entries),
        }
    return latency


def _without_shard(command: str) -> str:
    words = shlex.split(command)
    if "--shard" in words:
        at = words.index("--shard")
        del words[at : at + 2]
    return shlex.join(words)
