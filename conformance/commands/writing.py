"""Where a command writes to is checked before it does anything else, with the same sentence in each."""

from __future__ import annotations

from pathlib import Path

from conformance.config.settings import UsageError


def check_folder(folder: Path, option: str = "--out") -> None:
    """Makes sure that a folder can be written to; makes it where it is missing.

    Args:
        folder: the folder.
        option: the one that names it.

    Raises:
        UsageError: it cannot be written to.
    """
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(folder, option, error, "folder") from None


def check_file(file: Path, option: str) -> bool:
    """Makes sure that a file can be written, and leaves it as it is; answers that it can.

    Args:
        file: the file.
        option: the one that names it.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        missing = not file.exists()
        with file.open("ab"):
            pass
        if missing:
            file.unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(file, option, error, "file") from None
    return True


def _unwritable(place: Path, option: str, error: OSError | ValueError, kind: str) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else error
    name = option.removeprefix("--")
    return UsageError(f"{name} is '{place}', which cannot be written to ({reason}); name another {kind} with {option}.")
