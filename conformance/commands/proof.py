"""Proves the suite: it must notice every fault of the emulator by the right rule, and stay silent on every fair
variant.

Where many faults come together, each is noticed, or a rule that is broken as well explains why it cannot be seen.
"""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from multiprocessing import get_context
from typing import Any, Literal

from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.contract import catalogue, matching
from conformance.emulator.compositions import COMPOSITIONS, NEEDS_THE_REST, Composition
from conformance.emulator.faults import FAULTS
from conformance.emulator.process import LIMITED, TOKEN, EmulatorProcess
from conformance.emulator.variants import VARIANTS
from conformance.verdicts.verdict import Verdict

_TOKENS: dict[str, Any] = dict(LIMITED)

PROJECT = "conformance"

COMBINED = 5
"""How many variants are switched on together in a random combination."""

Kind = Literal["fault", "variant", "composition"]

SILENT = (Verdict.BLOCKED, Verdict.NOT_EXERCISED, Verdict.NOT_APPLICABLE)
"""Verdicts that say that a rule could not be seen, and why."""


@dataclass(frozen=True)
class Server:
    """An emulator to put the suite to the test with: broken by one fault or by many, or fair in a way of its own.

    `faults` and `variants` are those that are on; `rules` are those that the faults break (none for a fair server);
    `also` are globs of the rules that may fail beside them: those broken by the same faults, or the conventions that
    a fair server departs from. A server that is `whole` is judged in all scenarios, not only in those of its rules.
    """

    id: str
    kind: Kind
    sentence: str
    faults: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    seed: int | None = None
    whole: bool = True

    @property
    def project(self) -> str:
        """The project that it keeps images of."""
        called = (variant.project for variant in VARIANTS if variant.id in self.variants and variant.project)
        return next(called, PROJECT)


@dataclass(frozen=True)
class Proof:
    """What the suite said of a server.

    `failed` are the rules that failed or deviated, `silent` those of the server's that could not be seen, `first` the
    requests until the right one failed (None if it did not), `error` why there is no verdict at all ("" if there is
    one).
    """

    server: Server
    failed: tuple[str, ...]
    exit_status: int
    requests: int
    seconds: float
    first: int | None = None
    error: str = ""
    silent: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the suite was right: each fault was noticed by its rule, and the fair server was left in peace.

        Of many faults some cannot be seen for others; but none may go for a rule that holds, and no other rule be
        blamed.
        """
        if self.error:
            return False
        if self.server.kind == "fault":
            return not self.missed
        if self.server.kind == "composition":
            return not self.missed and not self.needless
        return not self.needless and self.exit_status == 0

    @property
    def missed(self) -> tuple[str, ...]:
        """The rules that the server breaks, and that neither failed nor, of many, could not be seen."""
        unseen = self.silent if self.server.kind == "composition" else ()
        return tuple(rule for rule in self.server.rules if rule not in self.failed and rule not in unseen)

    @property
    def needless(self) -> tuple[str, ...]:
        """The rules that failed or deviated although the server keeps them."""
        expected = matching((*self.server.rules, *self.server.also), self.failed)
        return tuple(rule for rule in self.failed if rule not in expected)


@dataclass
class Matrix:
    """All proofs of one call, in the order of the tables of faults and variants."""

    profile: str
    proofs: list[Proof] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Proof]:
        """The proofs with faults, with many of them at once, or with variants."""
        return [proof for proof in self.proofs if proof.server.kind == kind]

    @property
    def unproven(self) -> list[str]:
        """The rules that no fault breaks."""
        return [rule for rule in catalogue() if rule not in {fault.rule for fault in FAULTS}]

    @property
    def wrong(self) -> list[Proof]:
        """Where the suite was wrong: a fault missed, a fair server blamed, no verdict."""
        return [proof for proof in self.proofs if not proof.holds]

    def to_json(self) -> dict[str, Any]:
        """The figures and every proof, as they stand in matrix.json."""
        faults, variants, compositions = self.of("fault"), self.of("variant"), self.of("composition")
        firsts = [proof.first for proof in faults if proof.first is not None]
        return {
            "profile": self.profile,
            "summary": {
                "faults": len(faults),
                "faults_caught": sum(proof.holds for proof in faults),
                "faults_blamed_on_their_rule_alone": sum(proof.holds and not proof.needless for proof in faults),
                "compositions": len(compositions),
                "composed_rules": sum(len(proof.server.rules) for proof in compositions),
                "composed_rules_named": sum(len({*proof.server.rules} & {*proof.failed}) for proof in compositions),
                "composed_rules_missed": sum(len(proof.missed) for proof in compositions),
                "fair_servers": len(variants),
                "false_alarms": sum(bool(proof.needless or proof.error) for proof in [*variants, *compositions]),
                "rules": len(catalogue()),
                "rules_with_a_caught_fault": len(
                    {rule for proof in faults if proof.holds for rule in proof.server.rules}
                ),
                "requests_to_first_breach_median": statistics.median(firsts) if firsts else None,
            },
            "proofs": [
                {
                    "server": proof.server.id,
                    "kind": proof.server.kind,
                    "sentence": proof.server.sentence,
                    "rule": proof.server.rules[0] if proof.server.kind == "fault" else "",
                    "seed": proof.server.seed,
                    "holds": proof.holds,
                    "failed": list(proof.failed),
                    "missed": list(proof.missed),
                    "silent": list(proof.silent),
                    "needless": list(proof.needless),
                    "exit_status": proof.exit_status,
                    "requests": proof.requests,
                    "requests_to_first_breach": proof.first,
                    "seconds": proof.seconds,
                    "error": proof.error,
                }
                for proof in self.proofs
            ],
        }


def servers(
    selected: Callable[[str], bool], seeds: Sequence[int], combinations: int, *, whole: bool = False
) -> Iterator[Server]:
    """The servers to prove the suite with.

    Args:
        selected: whether a fault or variant, by its id, is wanted.
        seeds: of the fair servers' random examples; without one they are run once, with those of every derandomised
            run.
        combinations: how many random combinations of variants to add for each seed.
        whole: whether a server with one fault is judged in all scenarios, not only in those of the rule that it breaks.
    """
    for fault in FAULTS:
        if selected(fault.id):
            yield Server(
                fault.id, "fault", fault.sentence, (fault.id,), rules=(fault.rule,), also=fault.also, whole=whole
            )
    yield from (_composed(row) for row in COMPOSITIONS if selected(row.id))
    variants = [variant for variant in VARIANTS if selected(variant.id)]
    for seed in seeds or (None,):
        suffix = "" if seed is None else f" (seed {seed})"
        for variant in variants:
            yield Server(
                f"{variant.id}{suffix}",
                "variant",
                variant.sentence,
                variants=(variant.id,),
                also=variant.deviates,
                seed=seed,
            )
        chance = random.Random(seed or 0)
        for _ in range(combinations if len(variants) > COMBINED else 0):
            chosen = sorted(chance.sample(variants, COMBINED), key=variants.index)
            names = tuple(variant.id for variant in chosen)
            deviates = tuple(rule for variant in chosen for rule in variant.deviates)
            yield Server(
                f"{'+'.join(names)}{suffix}", "variant", "all at once", variants=names, also=deviates, seed=seed
            )


def half_built(selected: Callable[[str], bool], seeds: Sequence[int], faults: int) -> Iterator[Server]:
    """Servers with many random faults at once, each of another rule, one server for each seed.

    Args:
        selected: whether a fault, by its id, is wanted.
        seeds: what each server's faults are drawn with.
        faults: how many a server has, or all that are wanted where they are fewer.
    """
    wanted = [
        fault.id
        for fault in FAULTS
        if selected(fault.id) and not any(fnmatchcase(fault.id, glob) for glob in NEEDS_THE_REST)
    ]
    for seed in seeds:
        drawn = random.Random(seed).sample(wanted, len(wanted))
        chosen = tuple({name.partition("/")[0]: name for name in drawn}.values())[:faults]
        yield _composed(Composition(f"half-built (seed {seed})", f"{len(chosen)} random faults at once", chosen))


def _composed(row: Composition) -> Server:
    """The server of a composition."""
    names = row.faults
    faults = [fault for fault in FAULTS if fault.id in names]
    variants = [variant for variant in VARIANTS if variant.id in row.variants]
    return Server(
        row.id,
        "composition",
        row.sentence,
        names,
        row.variants,
        tuple(dict.fromkeys(fault.rule for fault in faults)),
        (
            *row.also,
            *(rule for one in faults for rule in one.also),
            *(rule for one in variants for rule in one.deviates),
        ),
    )


def prove(wanted: Iterable[Server], profile: str, jobs: int, told: Callable[[Proof], None]) -> Matrix:
    """Runs the suite against servers, several at a time.

    Args:
        wanted: the servers.
        profile: how hard the suite tries.
        jobs: how many servers at a time.
        told: called with each proof as it is there.
    """
    order = list(wanted)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_quiet) as pool:
        futures = [pool.submit(attempt, server, profile) for server in order]
        for future in as_completed(futures):
            told(future.result())
        return Matrix(profile, [future.result() for future in futures])


def attempt(server: Server, profile: str) -> Proof:
    """Runs the suite against one server.

    Every rule judges; the scenarios are all, or only those of the rules that the server breaks if it is not `whole`.
    """
    from conformance.commands.run import SuiteError, judge  # noqa: PLC0415 - pytest is imported where it runs

    focus = () if server.whole else server.rules
    try:
        with EmulatorProcess(faults=server.faults, variants=server.variants, guarded=True) as emulator:
            settings = Settings(
                url=emulator.url,
                project=server.project,
                second_project=f"{PROJECT}-second",
                sources=embedded_sources(PROJECT),
                profile=profile,
                intermittent="fail",
                seed=server.seed,
                workers=1,
                auth="token",
                token=TOKEN,
                **_TOKENS,
            )
            results = judge(settings, focus)
    except SuiteError as error:
        return Proof(server, (), 4, 0, 0.0, error=str(error))
    rows = {row.id: row for row in results.rules}
    errors = [f"{name}: {row.reason}" for name, row in rows.items() if row.verdict is Verdict.ERROR]
    return Proof(
        server,
        tuple(name for name, row in rows.items() if row.verdict in (Verdict.FAILED, Verdict.DEVIATES)),
        results.summary.exit_status,
        results.cost.requests,
        results.run.seconds,
        rows[server.rules[0]].first_breach_after_requests if server.kind == "fault" else None,
        "\n".join(errors),
        tuple(name for name in server.rules if rows[name].verdict in SILENT),
    )


def _quiet() -> None:
    """Keeps pytest's output in worker processes off the terminal."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
