"""An emulator that keeps its state knows behind a kill what it knew before."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from conformance.commands.started_target import NotStarted, StartedTarget

COMMAND = [sys.executable, "-m", "conformance", "emulator", "--port", "{port}"]
SOURCE = {"sourceImage": "global/images/base"}


def test_images_labels_deletions_operations_and_request_ids_outlive_a_kill(tmp_path: Path) -> None:
    command = shlex.join([*COMMAND, "--state", str(tmp_path / "state.db")])
    with StartedTarget(command, None, 30, tmp_path) as target:
        root = f"{target.url}/compute/beta/projects/p/global"

        def call(verb: str, path: str, body: Any = None) -> Any:
            return requests.request(verb, f"{root}/{path}", json=body, timeout=10).json()

        def done(operation: Any) -> Any:
            return call("POST", f"operations/{operation['name']}/wait")

        insert = "images?requestId=7d2d0119-8472-4e0e-b97a-b98573f145aa"
        kept = done(call("POST", insert, {"name": "kept", **SOURCE}))
        gone = done(call("POST", "images", {"name": "gone", **SOURCE}))
        done(call("POST", "images/kept/setLabels", {"labels": {"a": "b"}, "labelFingerprint": "42WmSpB8rSM="}))
        done(call("DELETE", "images/gone"))
        call("DELETE", f"operations/{gone['name']}")
        source, image, public = call("GET", "images/base"), call("GET", "images/kept"), "images?filter=name=kept"
        listed = call("GET", public)["items"]
        assert image["labels"] == {"a": "b"}

        target.restart()

        assert call("GET", "images/kept") == image
        assert call("GET", public)["items"] == listed
        assert call("GET", "images/base") == source
        assert call("GET", "images/gone")["error"]["code"] == 404
        assert call("GET", f"operations/{gone['name']}")["error"]["code"] == 404
        assert call("GET", f"operations/{kept['name']}") == kept
        assert call("POST", insert, {"name": "kept", **SOURCE}) == kept
        # A name that is free is free again, and its new image is another one.
        again = done(call("POST", "images", {"name": "gone", **SOURCE}))
        assert again["targetId"] != gone["targetId"]

        target.restart()

        assert call("GET", "images/gone")["id"] == again["targetId"]


def test_without_a_state_nothing_outlives_a_kill(tmp_path: Path) -> None:
    with StartedTarget(shlex.join(COMMAND), None, 30, tmp_path) as target:
        images = f"{target.url}/compute/beta/projects/p/global/images"
        requests.post(images, json={"name": "kept", **SOURCE}, timeout=10)
        assert requests.get(f"{images}/kept", timeout=10).status_code == 200
        target.restart()
        assert requests.get(f"{images}/kept", timeout=10).status_code == 404


def test_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("this is no database, and long enough to be seen as none" * 99, encoding="utf-8")
    command = shlex.join([*COMMAND, "--state", str(tmp_path / "state.db")])
    target = StartedTarget(command, None, 30, tmp_path)
    with pytest.raises(NotStarted, match="not usable: file is not a database"):
        target.__enter__()
