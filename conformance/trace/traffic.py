"""What a run sends and is answered, kept for `traffic.har`: written as it happens, without secrets."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Set
from pathlib import Path

from conformance.trace.exchange import Trace
from conformance.trace.har import entries
from conformance.trace.redaction import redacted

SUFFIX = ".traffic"


class Traffic:
    """The traces of one process of a run.

    Args:
        path: the file of this process; each line is an entry of an HTTP archive.
        process: the name of the process, part of the name of each trace.
        secrets: texts that must not be seen, beside the keys that are sent; may grow.
    """

    def __init__(self, path: Path, process: str, secrets: Set[str] = frozenset()) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._process = process
        self._secrets = secrets
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, trace: Trace, name: str) -> None:
        """Keeps a trace, under a name that need not be unique."""
        unique = f"{name} {self._process}-{next(self._numbers)}"
        lines = [json.dumps(redacted(entry, trace.secrets | self._secrets)) for entry in entries(trace, unique)]
        with self._lock:
            self._file.writelines(f"{line}\n" for line in lines)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def kept(folder: Path) -> Iterator[str]:
    """The entries of all processes of a run, each as the JSON text of one line."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open(encoding="utf-8") as file:
            yield from file
