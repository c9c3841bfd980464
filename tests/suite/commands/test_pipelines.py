"""The pipelines that the README shows are what their services take, and name options that there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conformance.config.options import declared

PROJECT = Path(__file__).parents[3]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PIPELINES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
SCHEMAS = ("github-workflows", "github-workflows", "gitlab-ci", "gitlab-ci")


@pytest.mark.parametrize("place", range(len(PIPELINES)))
def test_pipeline_is_valid(place: int, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(PIPELINES[place], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{SCHEMAS[place]}", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_options_and_inputs_are_there() -> None:
    options = re.findall(r"conformance run.*", "".join(PIPELINES))
    assert options
    assert {option for line in options for option in re.findall(r" --([a-z-]+)", line)} <= {
        name.removeprefix("--") for row in declared() for name in row.flags
    }
    action = yaml.safe_load((PROJECT / ".github/actions/conformance/action.yml").read_text(encoding="utf-8"))
    (judge,) = (step for step in yaml.safe_load(PIPELINES[0])["jobs"]["judge"]["steps"] if step.get("id"))
    assert judge["with"].keys() <= action["inputs"].keys()
    assert set(re.findall(r"outputs\.([\w-]+)", PIPELINES[0])) <= action["outputs"].keys()
    (included,) = yaml.safe_load(PIPELINES[2])["include"]
    head = (PROJECT / included["file"]).read_text(encoding="utf-8").partition("\n---\n")[0]
    inputs = yaml.safe_load(head)["spec"]["inputs"]
    wanted = {name for name, row in inputs.items() if "default" not in row}
    assert wanted <= included["inputs"].keys() <= inputs.keys()
