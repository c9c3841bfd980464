"""What a run sends and is answered, kept for `traffic.har`: written as it happens, without secrets."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import threading
from collections.abc import Iterator, Set
from pathlib import Path
from typing import BinaryIO

from conformance.trace.exchange import Trace
from conformance.trace.har import entries
from conformance.trace.redaction import redacted

SUFFIX = ".traffic"


CUT = ".cut"
"""The end of the name of a file that tells how many entries there was no more room for."""

STARTED = slice(len('{"startedDateTime": "'), len('{"startedDateTime": "2026-01-01T00:00:00.000000'))
"""Where the line of an entry says when its request was sent."""

BODILESS_SHARE = 0.8
"""Of the room, what entries with their bodies may take; those that come later are kept without."""


class Traffic:
    """The traces of one process of a run.

    Args:
        path: the file of this process; each line is an entry of an HTTP archive.
        process: the name of the process, part of the name of each trace.
        secrets: texts that must not be seen, beside the keys that are sent; may grow.
        room: bytes that the file may take.
    """

    def __init__(self, path: Path, process: str, secrets: Set[str] = frozenset(), room: float = math.inf) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8")
        self._process = process
        self._secrets = secrets
        self._room = room
        self._written = 0
        self._left_out = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, trace: Trace, name: str, case: int = 0) -> None:
        """Keeps a trace.

        Args:
            trace: what was exchanged.
            name: need not be unique.
            case: the number of the case of the scenario `name` that this is; 0 where it is none.
        """
        unique = f"{name} {self._process}-{next(self._numbers)}"
        bodies = self._written < self._room * BODILESS_SHARE
        for entry in entries(trace, unique, bodies=bodies, case=(name, case) if case else None):
            line = json.dumps(redacted(entry, trace.secrets | self._secrets)) + "\n"
            with self._lock:
                if self._written + len(line) > self._room:
                    self._left_out += 1
                    continue
                self._written += len(line)
                self._file.write(line)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        if self._left_out:
            self._path.with_suffix(CUT).write_text(str(self._left_out), encoding="utf-8")


def kept(folder: Path) -> Iterator[str]:
    """The entries of all processes of a run in the order of sending, each as the JSON text of one line."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in sorted(folder.glob(f"*{SUFFIX}"))]
        order = sorted((line[STARTED], number, at) for number, file in enumerate(files) for at, line in _lines(file))
        for _, number, at in order:
            files[number].seek(at)
            yield files[number].readline().decode()


def left_out(folder: Path) -> int:
    """How many entries of a run there was no more room for."""
    return sum(int(path.read_text(encoding="utf-8")) for path in folder.glob(f"*{CUT}"))


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, each with its place."""
    at = 0
    for line in file:
        yield at, line
        at += len(line)
