"""The emulator as a server: with what it is made wrong or different, and how it listens."""

from __future__ import annotations

import asyncio
import difflib
import json
import socket
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer
import uvicorn

from conformance.emulator.access import LIMITED
from conformance.emulator.app import create_app
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.compat import answer_in_http_1_0, one_connection_at_a_time
from conformance.emulator.compositions import COMPOSITIONS, Composition
from conformance.emulator.faults import FAULTS
from conformance.emulator.faults.row import Change
from conformance.emulator.hardships import HARDSHIPS
from conformance.emulator.state import State
from conformance.emulator.variants import VARIANTS

_NAMES = tuple(row.id for row in COMPOSITIONS)
_HARDSHIPS = {row.id: row.change for row in HARDSHIPS}


__all__ = ["Behaviour", "change", "limited_tokens", "serve", "show_rows"]


def limited_tokens(words: Iterable[str]) -> dict[str, str]:
    """The tokens of callers who may not do all, with what these are.

    Args:
        words: each as `WHO=TOKEN`.

    Raises:
        typer.BadParameter: a word is of another form.
    """
    found = {}
    for word in words:
        who, _, token = word.partition("=")
        if who not in LIMITED or not token:
            raise typer.BadParameter(f"'{word}' is not of the form WHO=TOKEN, where WHO is {', '.join(LIMITED)}.")
        found[token] = who
    return found


def change(behaviour: Behaviour, hardships: Iterable[str], composition: str, names: Iterable[str]) -> None:
    """Makes an emulator wrong or different.

    Args:
        behaviour: of the emulator.
        hardships: ids of what clients have to live with.
        composition: the id of many faults; "" for none.
        names: ids of faults and variants.

    Raises:
        typer.BadParameter: there is none of a name.
    """
    for name in hardships:
        if name not in _HARDSHIPS:
            raise typer.BadParameter(f"there is no hardship '{name}'; there are {', '.join(_HARDSHIPS)}.")
        _HARDSHIPS[name](behaviour)
    changes: dict[str, Change] = {row.id: row.change for row in FAULTS} | {row.id: row.change for row in VARIANTS}
    composed = _composition(composition) if composition else None
    more = (*composed.faults, *composed.variants) if composed else ()
    for name in (*more, *names):
        if name not in changes:
            near = difflib.get_close_matches(name, changes, n=3, cutoff=0.3)
            raise typer.BadParameter(
                f"there is no fault or variant '{name}'; near to it are {', '.join(near) or 'none'}."
            )
        changes[name](behaviour)
    try:
        if behaviour.http_1_0:
            answer_in_http_1_0()
        if behaviour.one_connection:
            one_connection_at_a_time()
    except NotImplementedError as error:
        raise typer.BadParameter(f"{error}.") from None


def _composition(name: str) -> Composition:
    found = next((row for row in COMPOSITIONS if row.id == name), None)
    if found is None:
        raise typer.BadParameter(f"there is no composition '{name}'; there are {', '.join(_NAMES)}.")
    return found


def show_rows(*, as_json: bool, faults: bool, variants: bool, compositions: bool) -> None:
    """Prints what an emulator can be made: each with its id and a sentence."""
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


def serve(  # noqa: PLR0913 - all that a server is told
    behaviour: Behaviour,
    projects: Sequence[str] | None,
    host: str,
    port: int,
    state: str = "",
    *,
    until_eof: bool,
) -> None:
    """Serves until it is stopped, or until its input ends; prints where, once it answers.

    Args:
        behaviour: what is otherwise than the API reference has it.
        projects: those that exist; None for any.
        host: where to listen.
        port: the same; 0 for any that is free.
        state: the file that all is kept in; "" for none.
        until_eof: whether the end of the input ends it.

    Raises:
        typer.BadParameter: it cannot listen there, or the file is no such database.
    """
    listener = _listener(host, port)
    try:
        kept = State(state) if state else None
    except sqlite3.Error as error:
        raise typer.BadParameter(f"state is '{state}', which is not usable: {error}.") from None
    app = create_app(behaviour, tuple(projects) if projects else None, kept)
    config = uvicorn.Config(
        app,
        log_level="critical",
        access_log=False,
        http=one_connection_at_a_time() if behaviour.one_connection else "httptools",
        lifespan="off",
        server_header=False,
        date_header=not behaviour.own_date,
        timeout_keep_alive=behaviour.idle_seconds,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        if until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: setattr(server, "should_exit", True))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        bound = listener.getsockname()
        print(f"listening http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}", flush=True)
        await task

    try:
        asyncio.run(run())
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
