"""`conformance emulator`: serves the reference implementation."""

from __future__ import annotations

import asyncio
import difflib
import json
import socket
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
import uvicorn

from conformance.compat import answer_in_http_1_0
from conformance.emulator.app import create_app
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.compositions import COMPOSITIONS, Composition
from conformance.emulator.faults import FAULTS
from conformance.emulator.faults.row import Change
from conformance.emulator.hardships import HARDSHIPS
from conformance.emulator.variants import VARIANTS

_NAMES = tuple(row.id for row in COMPOSITIONS)
_HARDSHIPS = {row.id: row.change for row in HARDSHIPS}


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
        typer.Option(metavar="NAME", help=f"What clients have to live with: {', '.join(_HARDSHIPS)}; repeat for more."),
    ] = None,
    composition: Annotated[str, typer.Option(metavar="NAME", help=f"Many faults at once: {', '.join(_NAMES)}.")] = "",
    token: Annotated[
        list[str] | None, typer.Option(metavar="TOKEN", help="Bearer token that is wanted; repeat for more. None: any.")
    ] = None,
    viewer_token: Annotated[
        list[str] | None,
        typer.Option(metavar="TOKEN", help="Bearer token of a caller who may look only; needs --token."),
    ] = None,
    operation_seconds: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long an operation takes.")
    ] = 0.02,
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

    Prints `listening URL` once it answers. Example: conformance emulator --port 8080 --fault image.name.length/64-accepted
    """
    if list_faults or list_variants or list_compositions:
        _list(as_json=as_json, faults=list_faults, variants=list_variants, compositions=list_compositions)
        return
    behaviour = Behaviour(
        seconds=operation_seconds,
        link_base=link_base,
        tokens=frozenset(token or ()),
        viewers=frozenset(viewer_token or ()),
    )
    for name in hardship or ():
        if name not in _HARDSHIPS:
            raise typer.BadParameter(f"there is no hardship '{name}'; there are {', '.join(_HARDSHIPS)}.")
        _HARDSHIPS[name](behaviour)
    changes: dict[str, Change] = {row.id: row.change for row in FAULTS} | {row.id: row.change for row in VARIANTS}
    composed = _composition(composition) if composition else None
    more = (*composed.faults, *composed.variants) if composed else ()
    for name in (*more, *(fault or ()), *(variant or ())):
        if name not in changes:
            near = difflib.get_close_matches(name, changes, n=3, cutoff=0.3)
            raise typer.BadParameter(
                f"there is no fault or variant '{name}'; near to it are {', '.join(near) or 'none'}."
            )
        changes[name](behaviour)
    if behaviour.http_1_0:
        try:
            answer_in_http_1_0()
        except NotImplementedError as error:
            raise typer.BadParameter(f"{error}.") from None
    _serve(behaviour, tuple(project) if project else None, host, port, until_eof=until_eof)


def _composition(name: str) -> Composition:
    found = next((row for row in COMPOSITIONS if row.id == name), None)
    if found is None:
        raise typer.BadParameter(f"there is no composition '{name}'; there are {', '.join(_NAMES)}.")
    return found


def _list(*, as_json: bool, faults: bool, variants: bool, compositions: bool) -> None:
    rows: list[dict[str, Any]] = []
    if faults:
        rows += [{"id": fault.id, "rule": fault.rule, "sentence": fault.sentence} for fault in FAULTS]
    if variants:
        rows += [{"id": row.id, "sentence": row.sentence, "deviates": list(row.deviates)} for row in VARIANTS]
    if compositions:
        rows += [
            {"id": row.id, "sentence": row.sentence, "faults": list(row.faults), "variants": list(row.variants)}
            for row in COMPOSITIONS
        ]
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            print(f"{row['id']:<64} {row['sentence']}")


def _serve(behaviour: Behaviour, projects: Sequence[str] | None, host: str, port: int, *, until_eof: bool) -> None:
    listener = _listener(host, port)
    app = create_app(behaviour, tuple(projects) if projects else None)
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        http="httptools",
        lifespan="off",
        server_header=False,
        timeout_keep_alive=behaviour.idle_seconds,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        if until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: setattr(server, "should_exit", True))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        bound = listener.getsockname()
        print(f"listening http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}", flush=True)
        await task

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        return


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise typer.BadParameter(f"cannot listen at {host}:{port}: {error.strerror}.") from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
