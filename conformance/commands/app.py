"""The command line."""

from __future__ import annotations

import io
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from conformance import __version__
from conformance.commands.options import takes_options
from conformance.config.loading import load_settings
from conformance.config.settings import Settings, UsageError
from conformance.emulator.command import emulator
from conformance.reports.text import harmless

STATUSES = """Exit status: 0 conformant · 1 not conformant · 2 wrong usage or configuration · 3 the target could not be
tested · 4 error in the suite itself · 130 interrupted"""

ELSEWHERE = """Each option can also stand in conformance.toml, by its name with underscores, or in the environment, as
CONFORMANCE_ with its name in capitals."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Conformance tests for implementations of Compute Engine images.insert (beta).",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"conformance {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(UsageError.status)


@app.command(
    epilog=f"Example: conformance run --url http://127.0.0.1:8080 --project my-project. {ELSEWHERE} {STATUSES}"
)
@takes_options("run")
def run(
    given: dict[str, Any],
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Send nothing to the target; show which requests, images and rules it would be."
        ),
    ] = False,
) -> None:
    """Judge an implementation, rule by rule."""
    settings = _checked(load_settings(given))
    if dry_run:
        from conformance.commands.dry_run import rehearse  # noqa: PLC0415 - pytest and Hypothesis take long to import

        raise typer.Exit(rehearse(settings))
    from conformance.commands.run import run as run_settings  # noqa: PLC0415 - the same

    raise typer.Exit(run_settings(settings))


@app.command(
    epilog=f"Example: conformance watch --start 'python my_emulator.py --port {{port}}' --folder src. {ELSEWHERE} "
    f"{STATUSES}"
)
@takes_options("watch")
def watch(
    given: dict[str, Any],
    folder: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Folder to watch; repeat for more. (default: the working directory)"),
    ] = None,
) -> None:
    """Judge an implementation again whenever a file changes, what failed first; Enter: at once, Ctrl-C: end."""
    settings = _checked(load_settings(given))
    folders = folder or [Path()]
    for place in folders:
        if not place.exists():
            raise UsageError(f"folder is '{place}' (set by --folder), which is not there.")
    from conformance.commands.watch import watch as watch_target  # noqa: PLC0415 - as for run

    raise typer.Exit(watch_target(settings, folders))


@app.command(
    epilog="Example: conformance sweep --url https://compute.googleapis.com --project p --older-than 3600 --yes. "
    f"{ELSEWHERE}"
)
@takes_options("sweep")
def sweep(
    given: dict[str, Any],
    older_than: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Only images made so many seconds ago, or earlier.")
    ] = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it they are listed only.")] = False,
) -> None:
    """Delete the images that earlier runs left behind at a target; nothing but what the suite has named is touched.

    Exit status 1: some are still there.
    """
    from conformance.commands.checking import authorised  # noqa: PLC0415 - as for checked settings
    from conformance.commands.sweep import sweep as sweep_target  # noqa: PLC0415 - wanted by this command alone

    raise typer.Exit(sweep_target(authorised(load_settings(given)), older_than, yes))


@app.command(epilog=f"Example: conformance check traffic.har --only 'operation.*'. {ELSEWHERE} {STATUSES}")
@takes_options("check")
def check(
    given: dict[str, Any],
    recording: Annotated[
        Path, typer.Argument(help="Recorded traffic: a HAR file, a cassette, a log, a dump, or a folder of these.")
    ],
    client: Annotated[
        bool, typer.Option("--client", help="Judge the clients that sent the requests instead, by the rules client.*.")
    ] = False,
) -> None:
    """Judge recorded traffic by every rule that needs no active test; no target is needed."""
    settings = _checked(load_settings(given), clients=client)
    from conformance.commands.check import run_check  # noqa: PLC0415 - what a command alone needs, it alone loads

    raise typer.Exit(run_check(recording, settings, client=client))


@app.command(
    epilog=f"Example: conformance tap --upstream http://127.0.0.1:8080 --until pytest tests/images. {ELSEWHERE} "
    f"{STATUSES}",
    context_settings={"allow_interspersed_args": False},
)
@takes_options("tap")
def tap(  # noqa: PLR0913 - the options of a command
    given: dict[str, Any],
    upstream: Annotated[str, typer.Option(metavar="URL", help="Root URL of the target.")],
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where clients connect to; port 0 for any that is free.")
    ] = "127.0.0.1:0",
    until: Annotated[
        bool, typer.Option("--until", help="Run the command behind this, and end with it; it is told the tap's URL.")
    ] = False,
    command: Annotated[list[str] | None, typer.Argument(metavar="COMMAND…", help="The command, with --until.")] = None,
    inject: Annotated[
        str,
        typer.Option(
            metavar="FAULTS",
            help="Faults that clients have to survive: lost-response:0.05,503:0.02,delay:200ms. Also 429, 500, 502, "
            "504.",
        ),
    ] = "",
    fail_on_coverage_below: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=SHARE",
            help="Fail where the traffic shows less: of method, request, enum, status or transition; repeat for more.",
        ),
    ] = None,
) -> None:
    """Judge the traffic between clients and their target: a proxy that passes every byte on, until Ctrl-C or a
    command ends.

    The command finds the URL of the tap in CONFORMANCE_URL, gcloud and Terraform find it in variables of their own.
    """
    if until and not command:
        raise UsageError("--until has no command behind it, such as `--until pytest tests/images`.")
    if command and not until:
        raise UsageError(f"'{command[0]}' is no option; a command to run meanwhile stands behind --until.")
    settings = _checked(load_settings(given))
    from conformance.commands.tap import run_tap, tap_options  # noqa: PLC0415 - what a command alone needs, it alone loads

    options = tap_options(upstream, listen, command or (), inject, fail_on_coverage_below or ())
    raise typer.Exit(run_tap(settings, options))


@app.command(
    epilog=f"Example: conformance client --scenario lost-response,503 -- python make_image.py. {ELSEWHERE} {STATUSES}",
    context_settings={"allow_interspersed_args": False},
)
@takes_options("client")
def client(
    given: dict[str, Any],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND…", help="Starts the client.")],
    scenario: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="429, 503, lost-response, slow-operation, conflict, unknown-enum; without it all of them.",
        ),
    ] = "",
) -> None:
    """Judge a client: it is started in front of an emulator where things go wrong, and has to keep the rules client.*.

    It finds the URL in CONFORMANCE_URL, gcloud and Terraform find it in variables of their own. All these rules are
    conventions: to break one is a deviation, and fails only under --strict.
    """
    settings = _checked(load_settings(given), clients=True)
    from conformance.commands.client import run_client, scenarios  # noqa: PLC0415 - what a command alone needs, it alone loads

    raise typer.Exit(run_client(settings, scenarios(scenario), command))


@app.command(epilog="Example: conformance rules 'request-id.*'")
def rules(
    globs: Annotated[
        list[str] | None, typer.Argument(help="Globs of rule ids, how ids begin, or ~ and a text; none for all rules.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the rules for targets; those for clients are listed by `client`."""
    from conformance.commands.rules import show_rules  # noqa: PLC0415 - what a command alone needs, it alone loads

    show_rules(globs or [], as_json=as_json)


@app.command(epilog="Example: conformance explain request-id.replay-after-done")
def explain(rule: Annotated[str, typer.Argument(help="The id of a rule.")]) -> None:
    """Explain one rule in full: what it says, where it comes from, what it stands on, and which faults it catches."""
    from conformance.commands.rules import show_rule  # noqa: PLC0415 - as for rules

    show_rule(rule)


@app.command(epilog="Example: conformance prove 'request-id.*' --out kill-matrix")
def prove(  # noqa: PLR0913 - the options of a command
    globs: Annotated[list[str] | None, typer.Argument(help="Globs of faults and variants; none for all.")] = None,
    profile: Annotated[str, typer.Option(metavar="[quick|ci|thorough]", help="How hard the suite tries.")] = "quick",
    workers: Annotated[int, typer.Option("-n", metavar="INTEGER", min=1, max=64, help="Servers judged at a time.")] = 2,
    seeds: Annotated[
        int, typer.Option(min=0, metavar="INTEGER", help="Judge fair servers with so many seeds; 0: as every run does.")
    ] = 0,
    combinations: Annotated[
        int, typer.Option(min=0, metavar="INTEGER", help="Random combinations of variants for each seed.")
    ] = 5,
    together: Annotated[
        int, typer.Option(min=0, metavar="INTEGER", help="So many random faults at once, for each seed; 0: each alone.")
    ] = 0,
    whole: Annotated[
        bool, typer.Option("--whole", help="Judge each fault in all scenarios, not only its rule's.")
    ] = False,
    shard: Annotated[str, typer.Option(metavar="I/N", help="Judge the I-th of every N servers only.")] = "",
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the matrix.")] = Path("kill-matrix"),
) -> None:
    """Prove the suite: it notices every fault by the right rule, and stays silent on every fair variant.

    Writes matrix.md, matrix.html and matrix.json. Exit status 1: a fault was missed, or a fair server blamed.
    """
    from conformance.commands.prove import run_proofs  # noqa: PLC0415 - pytest and Hypothesis take long to import

    raise typer.Exit(
        run_proofs(
            tuple(globs or ("*",)),
            profile,
            workers,
            seeds,
            combinations,
            shard,
            out,
            together=together,
            whole=whole,
        )
    )


@app.command(
    epilog="Examples: conformance report shard-1/results.json shard-2/results.json --out merged; conformance report "
    f"--matrix one/results.json other/results.json --history history --out site. {STATUSES}"
)
@takes_options("report")
def report(  # noqa: PLR0913 - the options of a command
    given: dict[str, Any],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RESULTS.json…",
            help="The results of a run, or of its shards; with --matrix of any runs, each also as NAME=RESULTS.json.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder for the reports. (default: compliance-report, or site)"),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print report.pdf too, a few pages; needs Chromium.")] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Write a site instead: rules by targets, of each its latest whole run.")
    ] = False,
    history: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="With --matrix: earlier runs, to which these are added."),
    ] = None,
) -> None:
    """Render the results of a run again, or merge those of its shards; or show many targets side by side.

    The exit status is that of the run; with --matrix it is 0.
    """
    words = files or []
    if matrix and (pdf or "reports" in given):
        raise UsageError("--matrix writes a site, which --pdf and --reports say nothing of; leave them out.")
    if history is not None and not matrix:
        raise UsageError("--history is of a site; write one with --matrix.")
    if matrix:
        from conformance.commands.site import publish  # noqa: PLC0415 - wanted by this command alone

        raise typer.Exit(publish(words, history, out or Path("site")))
    if not words:
        raise UsageError("RESULTS.json is missing: name the results of a run, or of its shards.")
    from conformance.commands.report import report_on  # noqa: PLC0415 - wanted by this command alone

    folder = out or Path("compliance-report")
    raise typer.Exit(report_on([Path(word) for word in words], folder, load_settings(given, alone=True), pdf=pdf))


@app.command("next", epilog="Example: conformance next compliance-report/results.json --json")
def show_next(
    results: Annotated[Path, typer.Argument(metavar="RESULTS.json", help="The results of a run.")] = Path(
        "compliance-report/results.json"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the one thing to mend that helps most: what is wrong, the smallest request, and the command that proves it
    mended.

    Exit status 1: there is something to mend.
    """
    from conformance.commands.next import show_next as show  # noqa: PLC0415 - wanted by this command alone

    raise typer.Exit(show(results, as_json=as_json))


@app.command(epilog="Example: conformance reproduce request-id.replay-after-done --out compliance-report")
def reproduce(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The id of a rule that a run has found broken.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of that run.")] = Path("compliance-report"),
) -> None:
    """Make the scripts that show the breach of one rule again, failures/RULE/reproduce.sh and test_reproduce.py.

    A run makes as many as a fifth of its time allows for, and keeps what the others can be made of. No target is
    needed.
    """
    from conformance.commands.reproduce import reproduce as make  # noqa: PLC0415 - wanted by this command alone

    raise typer.Exit(make(rule, out))


@app.command(epilog="Example: conformance drift compute.beta.json --since compute.beta.old.json")
def drift(
    document: Annotated[Path, typer.Argument(metavar="DISCOVERY.json", help="A revision of the discovery document.")],
    since: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="An earlier revision: descriptions that changed are told too."),
    ] = None,
) -> None:
    """Tell which fields, values, parameters and scopes of the API no rule judges yet, and which rules to read again.

    Exit status 1: there are some.
    """
    from conformance.commands.drift import show_drift  # noqa: PLC0415 - wanted by this command alone

    raise typer.Exit(show_drift(document, since))


@app.command(epilog="Example: conformance diff old/results.json new/results.json --markdown changes.md")
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="The results of the earlier run.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="The results of the later run.")],
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write the changes to, in Markdown.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write the changes to, as a page.")] = None,
) -> None:
    """Show what changed between two runs: which rules got better, got worse, appeared or vanished.

    Exit status 1: something got worse.
    """
    from conformance.commands.diff import compare_runs  # noqa: PLC0415 - wanted by this command alone

    raise typer.Exit(compare_runs(old, new, markdown, html))


@app.command(
    epilog="Example: conformance record --url https://compute.googleapis.com --project my-project --auth adc "
    f"--profile real --out golden. {ELSEWHERE}"
)
@takes_options("record")
def record(
    given: dict[str, Any],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Folder for the golden; an earlier one is replaced.")
    ] = Path("golden"),
) -> None:
    """Run the scenarios, and keep their cases with what the target answered: `compare` lays others beside it.

    Exit status 0: it is recorded, whatever the rules say of it. 3: the target could not be tested.
    """
    settings = _checked(load_settings(given))
    from conformance.commands.record import run_record  # noqa: PLC0415 - pytest and Hypothesis take long to import

    raise typer.Exit(run_record(settings, out))


@app.command(
    epilog="Example: conformance compare golden http://127.0.0.1:8080 --project my-project --waivers waivers.toml"
)
@takes_options("compare")
def compare(
    given: dict[str, Any],
    first: Annotated[
        str, typer.Argument(metavar="URL_A|GOLDEN", help="Root URL of an implementation, or a folder of `record`.")
    ],
    second: Annotated[
        str, typer.Argument(metavar="URL_B|GOLDEN", help="The one that is compared with it, in the same ways.")
    ],
) -> None:
    """Run the same scenarios on two targets, or the recorded cases of a golden on one, and show where they differ.

    Exit status 1: two targets disagree, or the second one breaks a rule, and no waiver covers it, where the golden
    keeps it.
    """
    from conformance.commands.compare import places, run_comparison  # noqa: PLC0415 - as for record

    raise typer.Exit(run_comparison(places(given, (first, second))))


app.command("emulator", epilog="Example: conformance emulator --port 8080")(emulator)


def _checked(settings: Settings, *, clients: bool = False) -> Settings:
    """The same settings, once all that they name is known to be there."""
    from conformance.commands.checking import checked  # noqa: PLC0415 - the catalogue takes long to import

    return checked(settings, clients=clients)


def main() -> None:
    """The console script: every mistake of the user ends in one sentence and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal may lack characters that a target has sent, and those of our own.
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(standalone_mode=False)
    except UsageError as error:
        status = _complain(str(error), error.status)
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:
        # Typer's own complaints about usage; which class they are depends on its version.
        if hasattr(error, "format_message"):
            status = _complain(error.format_message())
        else:
            traceback.print_exc()
            print("conformance: this is an error in the suite itself, not in the target.", file=sys.stderr)
            status = 4
    sys.exit(status if isinstance(status, int) else 0)


def _complain(sentence: str, status: int = UsageError.status) -> int:
    print(f"conformance: {harmless(sentence, lines=False)}", file=sys.stderr)
    return status
