"""`conformance emulator`: serves the reference implementation."""

from __future__ import annotations

from typing import Annotated

import typer


def emulator(  # noqa: PLR0913 - the options of a command
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="INTEGER", help="Port to listen at; 0 for any that is free.")
    ] = 0,
    project: Annotated[
        list[str] | None, typer.Option(metavar="PROJECT", help="Project that exists; repeat for more. None: any.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="FAULT", help="Fault to break one rule with; repeat for more.")
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(metavar="VARIANT", help="Freedom of the contract to use; repeat for more.")
    ] = None,
    hardship: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="What clients have to live with, such as slow-operation; repeat for more."),
    ] = None,
    composition: Annotated[
        str, typer.Option(metavar="NAME", help="Many faults at once; --list-compositions lists them.")
    ] = "",
    token: Annotated[
        list[str] | None, typer.Option(metavar="TOKEN", help="Bearer token that is wanted; repeat for more. None: any.")
    ] = None,
    limited_token: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHO=TOKEN",
            help="Bearer token of a caller who may not do all: forbidden may look only, scoped has no scope to make "
            "images, labels may set none, source may use none. Needs --token.",
        ),
    ] = None,
    operation_seconds: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long an operation takes.")
    ] = 0.02,
    state: Annotated[
        str,
        typer.Option(metavar="FILE", help="SQLite database to keep all in, and to begin with. Without it nothing is."),
    ] = "",
    link_base: Annotated[
        str, typer.Option(metavar="URL", help="Scheme and host of links.")
    ] = "https://www.googleapis.com",
    list_faults: Annotated[bool, typer.Option("--list-faults", help="List the faults, and end.")] = False,
    list_compositions: Annotated[
        bool, typer.Option("--list-compositions", help="List the compositions with their faults, and end.")
    ] = False,
    list_variants: Annotated[bool, typer.Option("--list-variants", help="List the variants, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="List as JSON.")] = False,
    until_eof: Annotated[bool, typer.Option("--until-eof", hidden=True)] = False,
) -> None:
    """Serve the reference implementation, correct or broken on purpose.

    Prints `listening URL` once it answers. Example: conformance emulator --port 8080 --fault
    image.name.length/64-accepted
    """
    from conformance.emulator import serving  # noqa: PLC0415 - a server takes long to import, and help needs none

    if list_faults or list_variants or list_compositions:
        serving.show_rows(as_json=as_json, faults=list_faults, variants=list_variants, compositions=list_compositions)
        return
    behaviour = serving.Behaviour(
        seconds=operation_seconds,
        link_base=link_base,
        tokens=frozenset(token or ()),
        limited=serving.limited_tokens(limited_token or ()),
    )
    serving.change(behaviour, hardship or (), composition, (*(fault or ()), *(variant or ())))
    serving.serve(behaviour, tuple(project) if project else None, host, port, state, until_eof=until_eof)
