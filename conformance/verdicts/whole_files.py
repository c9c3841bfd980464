"""Files that are there whole or not at all, for whoever reads them meanwhile."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file, in the place of an earlier one; makes its folder where that is missing.

    Args:
        path: of the file.
        content: what it is to hold.

    Raises:
        OSError: it cannot be written; the earlier one is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
