"""`conformance run --dry-run`: the same run against the embedded emulator, to see what it would send."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from rich.console import Console

from conformance.commands.run import judge
from conformance.config.limited_tokens import LIMITED_TOKENS
from conformance.config.profiles import PROFILES
from conformance.config.settings import Settings
from conformance.config.sources import SOURCE_KINDS, Sources, embedded_sources
from conformance.reports.text import counted
from conformance.verdicts.results import Results
from conformance.verdicts.verdict import Exit


def rehearse(settings: Settings) -> int:
    """Shows what a run would send to its target, without sending it anything.

    The emulator stands in for the target: it has the sources and the second project that are configured, and every
    capability that is not switched off. Only how often operations are looked at depends on the target's own pace.

    Args:
        settings: of the run.

    Returns:
        The exit status.
    """
    # It need not wait as long for its operations as the target would have to.
    quick = PROFILES["quick"]
    pace = replace(
        PROFILES[settings.profile], first_look=quick.first_look, first_poll=quick.first_poll, last_poll=quick.last_poll
    )
    results = judge(rehearsed(settings), profile=pace)
    console = Console()
    console.print(f"plan for {settings.url or results.target.url}, project {settings.project}", markup=False)
    for line in plan(results):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if settings.rate:
        seconds = results.cost.requests / settings.rate
        console.print(f"  at {settings.rate:g} requests per second it takes {seconds:.0f} s or longer", markup=False)
    return Exit.CONFORMANT


def rehearsed(settings: Settings) -> Settings:
    """The settings of a run against the emulator that is as good as the one that is meant.

    Args:
        settings: of the run that is meant.
    """
    project = settings.project
    embedded = asdict(embedded_sources(project))
    missing = [kind for kind in SOURCE_KINDS if not settings.embedded and not settings.sources.available(kind)]
    changes: dict[str, Any] = {
        "sources": Sources(**{**embedded, **dict.fromkeys(missing)}),
        "capabilities": dict(settings.capabilities),
        **dict.fromkeys(("url", "start", "ca_bundle", "rate", "max_time", "credentials", "token", *LIMITED_TOKENS)),
        "auth": "none",
        "header": (),
    }
    if not settings.embedded:
        known = {name: name in settings.limited_tokens for name in LIMITED_TOKENS}
        changes["capabilities"] |= {"access": settings.authorised, **known}
    return settings.model_copy(update=changes)


def plan(results: Results) -> list[str]:
    """What a run sends, makes and reaches, line by line.

    Args:
        results: of the rehearsal.
    """
    cost, rows = results.cost, results.rules
    lines = [f"{counted(cost.requests, 'request')}, {counted(cost.images_created, 'image')}:"]
    lines += [f"{found.count:6,} {method}" for method, found in results.latency.items()]
    areas = Counter(row.area for row in rows if row.observations)
    lines.append(f"{counted(areas.total(), 'rule')} put to the test:")
    lines += [f"{count:6,} {area}.*" for area, count in areas.items()]
    rest = Counter((row.verdict, row.reason) for row in rows if not row.observations)
    for (verdict, reason), count in rest.most_common():
        lines.append(f"{counted(count, 'rule')} {verdict.label}: {reason}")
    return lines
