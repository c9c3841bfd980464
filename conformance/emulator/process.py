"""The emulator as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType

END_SECONDS = 5.0

TOKEN = "embedded-emulator"  # noqa: S105 - of a server that nobody else can reach
LIMITED = {
    "forbidden_token": "embedded-emulator-viewer",
    "scoped_token": "embedded-emulator-scoped",
    "labels_token": "embedded-emulator-labels",
    "source_token": "embedded-emulator-source",
}
"""Tokens of callers who may not do all, by what they lack."""

"""No secrets: the emulator that asks for them is there for one run only."""


class EmulatorProcess:
    """A running emulator, for as long as the context lasts; it ends by itself when this process dies.

    Args:
        faults: the faults that it has.
        variants: the freedoms of the contract that it uses.
        operation_seconds: how long its operations take.
        hardships: what its clients have to live with.
        guarded: whether it asks for TOKEN, or one of LIMITED.

    Attributes:
        url: where it answers.

    Raises:
        RuntimeError: it did not start; the text says why.
    """

    def __init__(
        self,
        faults: Sequence[str] = (),
        variants: Sequence[str] = (),
        operation_seconds: float = 0.02,
        *,
        hardships: Sequence[str] = (),
        guarded: bool = False,
    ) -> None:
        self.url = ""
        self._arguments = [
            sys.executable,
            "-m",
            "conformance.emulator",
            "--until-eof",
            "--operation-seconds",
            str(operation_seconds),
        ]
        if guarded:
            self._arguments += ["--token", TOKEN]
            for name, token in LIMITED.items():
                self._arguments += ["--limited-token", f"{name.removesuffix('_token')}={token}"]
        for name in faults:
            self._arguments += ["--fault", name]
        for name in variants:
            self._arguments += ["--variant", name]
        for name in hardships:
            self._arguments += ["--hardship", name]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> EmulatorProcess:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, and arguments that are no shell's
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening "):
            _, errors = self._process.communicate()
            raise RuntimeError(f"the emulator did not start: {errors.strip()[-500:]}")
        self.url = line.split()[1]
        return self

    @property
    def pid(self) -> int:
        """The id of its process; 0 where it does not run."""
        return self._process.pid if self._process else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
