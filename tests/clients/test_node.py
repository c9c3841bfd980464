"""@google-cloud/compute for Node, without gRPC, runs on the emulator."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "node"
SECONDS_MAXIMUM = 60
"""After which Node is stopped; it is done long before."""

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules" / "@google-cloud" / "compute").is_dir(),
        reason="@google-cloud/compute is not installed: `npm install` in tests/clients/node",
    ),
]


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_image_lives_from_insert_to_delete(version: str, server: str, project: str) -> None:
    told = subprocess.run(
        ["node", "life.mjs", server, version, project],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS_MAXIMUM,
        check=True,
    ).stdout
    assert json.loads(told) == {
        "inserted": "DONE",
        "made": ["READY", "20"],
        "conflict": 409,
        "invalid": 400,
        "failed": "RESOURCE_NOT_FOUND",
        "listed": ["base", "base-encrypted", "base-locked", "one"],
        "labels": {"colour": "red"},
        "stale": 412,
        "state": "DEPRECATED",
        "missing": 404,
    }
