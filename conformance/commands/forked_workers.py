"""Workers of pytest-xdist that begin as copies of a process which has imported what they need.

By itself each of them takes half a second of the processor before its first request.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import shlex
import signal
import socket
import sys
import tempfile
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from execnet.gateway_io import popen_bootstrapline

POPEN = "popen"
"""The specification of a worker that starts from nothing."""

IMPORTED = ("xdist.remote", "hypothesis", "conformance.scenario.pytest_plugin", "conformance.strategies")
"""What workers need beyond what the process of the run has imported."""

HAND_OVER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect(sys.argv[1])
    socket.send_fds(server, [b"."], [0, 1, 2])
"""
"""What is started in the place of a worker: it hands its standard streams over, and ends."""


@contextlib.contextmanager
def worker_specification() -> Iterator[str]:
    """How pytest-xdist is to start workers: as copies of this process, where that is safe, for as long as this lasts.

    Only Linux promises it, and only of a process of one thread: another one may hold a lock, which nobody would
    release in the copy.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        yield POPEN
        return
    with tempfile.TemporaryDirectory() as folder:
        address = str(Path(folder) / "workers")
        server, alive = _server(address)
        try:
            command = shlex.join([sys.executable, "-I", "-S", "-c", HAND_OVER, address])
            yield f"{POPEN}//python={command}" if server else POPEN
        finally:
            os.close(alive)
            if server:
                os.waitpid(server, 0)


def _server(address: str) -> tuple[int, int]:
    """Starts the process that workers are copies of; answers its id, 0 where it could not be started, for the path of
    a socket has little room, and the file that keeps it alive as long as it is open."""
    reading, writing = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(address)
        except OSError:
            os.close(reading)
            return 0, writing
        listener.listen()
        server = os.fork()
        if server == 0:
            os.close(writing)
            _serve(listener, reading)
    os.close(reading)
    return server, writing


def _serve(listener: socket.socket, alive: int) -> NoReturn:
    """Makes a worker for each that asks, until the run ends, be it that it is killed: then they end as well."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    workers = []
    try:
        for module in IMPORTED:
            importlib.import_module(module)
        while alive not in select.select([listener.fileno(), alive], [], [])[0]:
            connection = listener.accept()[0]
            with connection:
                descriptors = socket.recv_fds(connection, 1, 3)[1]
            worker = os.fork()
            if worker == 0:
                listener.close()
                os.close(alive)
                _work(descriptors)
            workers.append(worker)
            for descriptor in descriptors:
                os.close(descriptor)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)
    finally:
        os._exit(0)


def _work(descriptors: list[int]) -> NoReturn:
    """Does what a Python does that execnet has started, with these standard streams."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = os.fdopen(0, "r", closefd=False)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        sys.argv = ["-c"]
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(popen_bootstrapline, vars(main))  # noqa: S102 - it is what execnet starts a Python with
    finally:
        os._exit(0)
