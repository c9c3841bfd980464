"""`conformance prove` from its options to its exit status: progress, the matrix in three forms, the figures."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from conformance.commands.proof import Proof, Server, half_built, prove, servers
from conformance.commands.writing import check_folder
from conformance.config.profiles import PROFILES
from conformance.config.settings import UsageError
from conformance.reports import matrix as rendered
from conformance.verdicts.verdict import Exit


def run_proofs(  # noqa: PLR0913 - the options of a command
    globs: tuple[str, ...],
    profile: str,
    workers: int,
    seeds: int,
    combinations: int,
    shard: str,
    out: Path,
    *,
    together: int = 0,
    whole: bool = False,
) -> int:
    """Judges the faults, compositions and variants that match a glob, and writes the matrix.

    Args:
        globs: of the ids of faults, compositions and variants.
        profile: how hard the suite tries.
        workers: servers judged at a time.
        seeds: how many seeds fair servers are judged with; 0 for one run without.
        combinations: random combinations of variants for each seed.
        shard: as I/N, to judge the I-th of every N servers only; "" for all.
        out: the folder for the matrix.
        together: how many random faults a server has, for each seed; 0 to judge each fault alone.
        whole: whether a server with one fault is judged in all scenarios.

    Returns:
        The exit status.

    Raises:
        UsageError: an option is what it cannot be.
    """
    if profile not in PROFILES:
        raise UsageError(f"profile is '{profile}' (set by --profile); allowed are {', '.join(PROFILES)}.")

    def selected(name: str) -> bool:
        return any(fnmatchcase(name, glob) for glob in globs)

    wanted: list[Server]
    if together:
        wanted = list(half_built(selected, range(1, max(seeds, 1) + 1), together))
    else:
        wanted = list(servers(selected, range(1, seeds + 1), combinations, whole=whole))
    part = re.fullmatch(r"([1-9][0-9]*)/([1-9][0-9]*)", shard or "1/1")
    if part is None or int(part[1]) > int(part[2]):
        raise UsageError(f"shard is '{shard}' (set by --shard); allowed is the number of this one and of all, as 1/4.")
    wanted = wanted[int(part[1]) - 1 :: int(part[2])]
    if not wanted:
        raise UsageError(
            f"no fault, composition or variant matches {' '.join(globs)}; `conformance emulator --list-faults` lists "
            "faults."
        )
    check_folder(out)
    console = Console()
    columns = (
        TextColumn("{task.completed}/{task.total} servers · {task.fields[wrong]} wrong"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("proving", total=len(wanted), wrong=0)

        def told(proof: Proof) -> None:
            if not proof.holds:
                console.print(f"WRONG {proof.server.id}: {proof.error or _wrong(proof)}", markup=False)
            bar.update(task, advance=1, wrong=bar.tasks[0].fields["wrong"] + (not proof.holds))

        found = prove(wanted, profile, workers, told)
    figures = found.to_json()
    (out / "matrix.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    (out / "matrix.md").write_text(rendered.markdown(figures), encoding="utf-8")
    (out / "matrix.html").write_text(rendered.html(figures), encoding="utf-8")
    for line in rendered.figures(figures):
        console.print(line, markup=False, highlight=False)
    console.print(f"matrix: {out / 'matrix.html'}", markup=False, highlight=False)
    unproven = found.unproven if globs == ("*",) and not together else []
    if unproven:
        console.print(f"no fault breaks {', '.join(unproven)}", markup=False)
    return Exit.NOT_CONFORMANT if found.wrong or unproven else Exit.CONFORMANT


def _wrong(proof: Proof) -> str:
    """What the suite missed, and what it blamed without need."""
    missed, needless = (", ".join(rules) for rules in (proof.missed, proof.needless))
    parts = [f"missed {missed}" if missed else "", f"needlessly failed {needless}" if needless else ""]
    return "; ".join(part for part in parts if part) or f"exit status {proof.exit_status}"
