"""The options that several commands share, each with its help."""

from __future__ import annotations

from typing import Annotated

import typer

Url = Annotated[str | None, typer.Option(help="Root URL of the implementation; without it the embedded emulator.")]
Project = Annotated[str | None, typer.Option(help="Project to work in (default: conformance).")]
SecondProject = Annotated[str | None, typer.Option(help="Another project, for the rules about isolation.")]
ApiVersion = Annotated[str | None, typer.Option(help="Version in the path: alpha, beta or v1 (default: beta).")]
Profile = Annotated[
    str | None,
    typer.Option(
        help="quick: while you write. ci: a gate, five times the random examples, the same ones everywhere. thorough: "
        "random; prints its seed and keeps failing examples. real: few requests, for a slow or billed target. (default: quick)"
    ),
]
Only = Annotated[list[str] | None, typer.Option(help="Judge only rules that match this glob; repeat for more.")]
Skip = Annotated[list[str] | None, typer.Option(help="Leave out rules that match this glob; repeat for more.")]
Seed = Annotated[str | None, typer.Option(help="Seed of the random examples.")]
Workers = Annotated[
    str | None,
    typer.Option("-n", help="Processes (default: 4; for the embedded emulator as many as processors, at most 4)."),
]
Shard = Annotated[
    str | None, typer.Option(help="Part I of N of the scenarios, as I/N; `conformance report` merges them.")
]
Out = Annotated[str | None, typer.Option(help="Folder for the results (default: compliance-report).")]
Waivers = Annotated[str | None, typer.Option(help="File of known failures (default: waivers.toml, if there).")]
UpdateWaivers = Annotated[
    bool | None,
    typer.Option("--update-waivers", help="Write that file: every rule that fails now is waived for 90 days."),
]
Strict = Annotated[bool | None, typer.Option("--strict", help="Deviations fail the run too.")]
RequireComplete = Annotated[
    bool | None, typer.Option("--require-complete", help="A rule that was never put to the test fails the run too.")
]
Require = Annotated[
    list[str] | None,
    typer.Option(
        help="Fail where the target refuses this field of an insert, such as licenses, that it may lack otherwise; repeat for more."
    ),
]
Config = Annotated[str | None, typer.Option(help="File with settings (default: conformance.toml, if there).")]
Header = Annotated[list[str] | None, typer.Option(help="Header to send with every request, as 'Name: value'.")]
Auth = Annotated[
    str | None,
    typer.Option(
        help="none; token (of CONFORMANCE_TOKEN or --credentials); adc (application default credentials); "
        "service-account (its key is in --credentials). (default: none)"
    ),
]
CredentialsFile = Annotated[
    str | None, typer.Option("--credentials", help="File with the token, read again when it expires, or with the key.")
]
QuotaProject = Annotated[str | None, typer.Option(help="Project that the requests are billed to.")]
CaBundle = Annotated[str | None, typer.Option(help="File of certificates to trust.")]
Deadline = Annotated[str | None, typer.Option(help="Seconds that one operation may take.")]
Rate = Annotated[str | None, typer.Option(help="Requests per second at most, over all workers.")]
MaxRequests = Annotated[str | None, typer.Option(help="Requests at most, deletions at the end included.")]
MaxImages = Annotated[str | None, typer.Option(help="Images that are made at most.")]
MaxTime = Annotated[
    str | None,
    typer.Option(
        help="Seconds after which no more is tried (default: several times what the target's pace foretells)."
    ),
]
MaxOutput = Annotated[str | None, typer.Option(help="MiB that the results may take at most (default: 64).")]
AllowLeftovers = Annotated[
    bool | None, typer.Option("--allow-leftovers", help="Go on where the target cannot delete what is made.")
]
Examples = Annotated[
    str | None,
    typer.Option(help="Folder, or redis:// URL, where failing examples are kept and tried first in the next run."),
]
FailFast = Annotated[bool | None, typer.Option("--fail-fast", help="Stop at the first failure.")]
SaveTraffic = Annotated[
    bool | None, typer.Option("--save-traffic/--no-save-traffic", help="Write traffic.har (default: yes).")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Send nothing to the target; show which requests, images and rules it would be."),
]
