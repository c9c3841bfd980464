"""The recordings that are read, each by a module of its own, and told apart by their content."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from conformance.trace.json_text import DEPTH_MAXIMUM
from conformance.trace.readers import archive, cassettes, gcloud, http_log, json_items, mitmproxy
from conformance.trace.readers.entry import Entry

__all__ = ["FORMATS", "Entry", "NotARecordingError", "Source", "sources"]

HEAD_BYTES = 2**20
"""So far into a file it is looked for what tells its format."""

GZIP = b"\x1f\x8b"


class NotARecordingError(ValueError):
    """A file is no recording that is read; the text says why."""


@dataclass(frozen=True)
class Format:
    """A kind of recording: what it is called, its reader, and how it is known: by its beginning, or by a key of a
    JSON text."""

    name: str
    read: Callable[[BinaryIO], Iterator[Entry]]
    beginning: re.Pattern[bytes] | None = None
    keys: tuple[str, ...] = ()


_VERBS = rb"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"

FORMATS = (
    Format("an HTTP archive (HAR 1.2)", archive.read, keys=("log",)),
    Format("a cassette of VCR.py, betamax or go-vcr in JSON", cassettes.read_json, keys=cassettes.LISTS),
    Format("a dump of mitmproxy", mitmproxy.read, mitmproxy.BEGINNING),
    Format(
        "an output of gcloud --log-http", gcloud.read, re.compile(rb"^\s*==== request start ====\s*$", re.MULTILINE)
    ),
    Format(
        "an HTTP log of k8s-config-connector",
        http_log.read,
        re.compile(rb"\A(?:\s|#.*\n|---)*+" + _VERBS + rb" https?://"),
    ),
    Format(
        "a cassette of VCR.py, VCR or go-vcr in YAML",
        cassettes.read_yaml,
        re.compile(rb"^['\"]?(?:http_)?interactions['\"]?:(?:\s|$)", re.MULTILINE),
    ),
)
"""Every kind that is read; the first counts that a file may be."""

TOO_DEEP = f"it is nested deeper than {DEPTH_MAXIMUM} levels"

MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8."""

READ = (
    "an HTTP archive (HAR 1.2), a cassette of VCR.py, betamax, VCR or go-vcr in YAML or JSON, an HTTP log of "
    "k8s-config-connector, an output of gcloud --log-http and a dump of mitmproxy, each also compressed by gzip, "
    "and a folder of these"
)
"""What is read, in words."""


@dataclass(frozen=True)
class Source:
    """A file of a recording, and its format."""

    path: Path
    format: Format

    def entries(self) -> Iterator[Entry]:
        """What it holds, one after the other.

        Raises:
            NotARecordingError: it is broken somewhere.
            OSError: it cannot be read.
        """
        try:
            with _opened(self.path) as file:
                yield from self.format.read(file)
        except gzip.BadGzipFile:
            raise NotARecordingError("it is compressed by gzip, and broken") from None
        except (EOFError, zlib.error):
            raise NotARecordingError("it is compressed by gzip, and ends too early") from None
        except json_items.Broken as error:
            raise NotARecordingError(f"it is not valid JSON: {_first_line(error)}") from None
        except RecursionError:
            raise NotARecordingError(TOO_DEEP) from None
        except ValueError as error:
            raise NotARecordingError(_first_line(error)) from None


def sources(path: Path) -> tuple[list[Source], int]:
    """The recordings that a path names: itself, or those of a folder and all below it, in the order of their names.

    Returns:
        The recordings, and how many files of the folder are none.

    Raises:
        NotARecordingError: there is none.
        OSError: it cannot be read.
    """
    if path.exists() and not (path.is_dir() or path.is_file()):
        raise NotARecordingError("it is neither a file nor a folder")  # a pipe that nobody writes to, for one
    if not path.is_dir():
        return [Source(path, _format(path))], 0
    found: list[Source] = []
    files = sorted(item for item in path.rglob("*") if item.is_file() and not _hidden(item.relative_to(path)))
    for file in files:
        try:
            found.append(Source(file, _format(file)))
        except NotARecordingError:
            continue
    if not found:
        raise NotARecordingError(f"none of its files is one; what is read is {READ}")
    return found, len(files) - len(found)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        magic = file.read(len(GZIP))
        file.seek(0)
        plain = cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb")) if magic == GZIP else file
        marked = plain.read(len(MARK)) == MARK
        plain.seek(0)
        yield cast(BinaryIO, io.BufferedReader(_PastMark(plain))) if marked else plain


class _PastMark(io.RawIOBase):
    """A text file behind the byte order mark with which some recorders begin it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._file.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        moved = self._file.seek(offset + (len(MARK) if whence == io.SEEK_SET else 0), whence)
        return moved - len(MARK)


def _format(path: Path) -> Format:
    try:
        with _opened(path) as file:
            head = file.read(HEAD_BYTES)
            file.seek(0)
            keys = json_items.keys(file) if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else iter(())
            for key in keys:
                for known in FORMATS:
                    if key in known.keys:
                        return known
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise NotARecordingError("it is compressed by gzip, and broken") from None
    except json_items.Broken as error:
        raise NotARecordingError(f"it is not valid JSON: {_first_line(error)}") from None
    except RecursionError:
        raise NotARecordingError(TOO_DEEP) from None
    except ValueError as error:
        raise NotARecordingError(_first_line(error)) from None
    for known in FORMATS:
        if known.beginning is not None and known.beginning.search(head):
            return known
    raise NotARecordingError(f"what is read is {READ}")


def _first_line(error: Exception) -> str:
    told = error.args[0] if error.args else ""
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(error)
    return text.partition("\n")[0] or "it is broken"
