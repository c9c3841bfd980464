"""Which images a run has made, kept in a file so that they can be deleted even if a worker dies."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

Image = tuple[str, str]
"""An image by its project and its name."""


class Journal:
    """The images that one process has made and not yet deleted.

    Args:
        path: the file of this process; every entry is written before the request that it is about is sent.
    """

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def asked(self, project: str, name: str) -> None:
        """Notes that an image may exist from now on, or a moment later: its insert is about to be sent."""
        self._write("asked", project, name)

    def made(self, project: str, name: str) -> None:
        """Notes that the target has answered an insert, and may have made the image."""
        self._write("made", project, name)

    def identified(self, project: str, identifier: str) -> None:
        """Notes that the operation of an insert has named the id of its image."""
        self._write("identified", project, identifier)

    def deleted(self, project: str, name: str) -> None:
        """Notes that the target has accepted to delete an image."""
        self._write("deleted", project, name)

    def refused(self, project: str, name: str) -> None:
        """Notes that the target refused to make an image: what bears its name, if anything, is somebody else's."""
        self._write("refused", project, name)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, event: str, project: str, text: str) -> None:
        with self._lock:
            self._file.write(json.dumps([event, project, text]) + "\n")


@dataclass
class Journalled:
    """What the journals of a run tell: `events` has the last event of each image, `ids` their ids, each with its
    project."""

    events: dict[Image, str] = field(default_factory=dict)
    ids: set[Image] = field(default_factory=set)

    def last(self, *events: str) -> set[Image]:
        """The images of which one of these events is the last."""
        return {image for image, event in self.events.items() if event in events}


def journalled(folder: Path) -> Journalled:
    """What all journals of a folder tell."""
    told = Journalled()
    for path in sorted(folder.glob("*.journal")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                event, project, text = json.loads(line)
            except ValueError:
                continue
            if event == "identified":
                told.ids.add((project, text))
            else:
                told.events[project, text] = event
    return told
