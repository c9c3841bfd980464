"""The recipe of CONTRIBUTING.md for a new rule is true: followed to the letter, its rule notices its fault."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
RECIPE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Add a rule")[2]
STEP = re.compile(r"^\d\. In `(?P<file>[^`]+)`.*?```python\n(?P<code>.*?)```", re.DOTALL | re.MULTILINE)
TABLE = re.compile(r"^_ROWS.* = \(\n", re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in which the recipe was followed."""
    for part in ("conformance", "strategies", "reports", "tests/api", "pyproject.toml"):
        source = PROJECT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        copy(source, tmp_path / part)
    for step in STEP.finditer(RECIPE):
        file = tmp_path / step["file"]
        text = file.read_text(encoding="utf-8")
        table = TABLE.search(text)
        place = table.end() if table else len(text)
        file.write_text(f"{text[:place]}\n{step['code']}{text[place:]}", encoding="utf-8")
    return tmp_path


def test_recipe_touches_three_files() -> None:
    assert len({step["file"] for step in STEP.finditer(RECIPE)}) == 3


def test_rule_of_the_recipe_notices_its_fault(project: Path) -> None:
    proved = subprocess.run(
        [sys.executable, "-m", "conformance", "prove", "operation.user/*", "-n", "1"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "1 of 1 fault" in proved.stdout
