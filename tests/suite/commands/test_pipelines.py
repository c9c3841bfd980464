"""The pipelines that the README shows are what their services take, and name options that there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.config.options import declared

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
PIPELINES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("place", "schema"), [(0, "vendor.github-workflows"), (1, "vendor.gitlab-ci")])
def test_pipeline_is_valid(place: int, schema: str, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(PIPELINES[place], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    options = re.findall(r"conformance run.*", PIPELINES[place])
    assert options
    assert {option for line in options for option in re.findall(r" --([a-z-]+)", line)} <= {
        name.removeprefix("--") for row in declared() for name in row.flags
    }
