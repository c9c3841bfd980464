"""The command line as tests use it, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests


def conformance(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CONFORMANCE_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def names(url: str, project: str = "conformance") -> set[str]:
    """The images of a project that the suite has made."""
    answer: dict[str, Any] = requests.get(f"{url}/compute/beta/projects/{project}/global/images", timeout=10).json()
    return {item["name"] for item in answer["items"] if item["name"].startswith("conformance-")}
