"""Which images a run has made, kept in a file so that they can be deleted even if a worker dies."""

from __future__ import annotations

import json
import threading
from pathlib import Path


class Journal:
    """The images that one process has made and not yet deleted.

    Args:
        path: the file of this process; every entry is written before the request that it is about is sent.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def asked(self, project: str, name: str) -> None:
        """Notes that an image may exist from now on, or a moment later: its insert is about to be sent."""
        self._write("asked", project, name)

    def made(self, project: str, name: str) -> None:
        """Notes that the target has answered an insert, and may have made the image."""
        self._write("made", project, name)

    def deleted(self, project: str, name: str) -> None:
        """Notes that the target has accepted to delete an image."""
        self._write("deleted", project, name)

    def refused(self, project: str, name: str) -> None:
        """Notes that the target refused to make an image: what bears its name, if anything, is somebody else's."""
        self._write("refused", project, name)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, event: str, project: str, name: str) -> None:
        with self._lock:
            self._file.write(json.dumps([event, project, name]) + "\n")


def journalled(folder: Path) -> dict[tuple[str, str], str]:
    """All images that the journals of a folder tell of, by project and name, with the last event of each."""
    images: dict[tuple[str, str], str] = {}
    for path in sorted(folder.glob("*.journal")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                event, project, name = json.loads(line)
            except ValueError:
                continue
            images[project, name] = event
    return images
