"""The action, the job for GitLab and the container do what they say: what their steps hand to a shell is run here."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from conformance.emulator.process import EmulatorProcess

PROJECT = Path(__file__).parents[3]
ACTION = PROJECT / ".github" / "actions" / "conformance"
JOB = PROJECT / ".gitlab" / "conformance.yml"
CONTAINER = (PROJECT / ".github" / "Containerfile").read_text(encoding="utf-8")
ONLY = "image.kind,image.id"


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    with EmulatorProcess(faults=["image.kind/disk"]) as emulator:
        yield emulator.url


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of programs with the suite of this checkout, as an installation would have it."""
    folder = tmp_path / "runner" / "conformance" / "bin"
    folder.mkdir(parents=True)
    for name, words in (("python", '"$@"'), ("conformance", '-m conformance "$@"'), ("pip", '-c "pass"')):
        program = folder / name
        program.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}\n", encoding="utf-8")
        program.chmod(0o755)
    return folder


def shell(script: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a step as GitHub and GitLab do: it ends at the first command that fails."""
    kept = ("CONFORMANCE_", "PYTEST_", "GITHUB_", "CI_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def step(
    number: int, given: Mapping[str, str], folder: Path
) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """Runs a step of the action with inputs; answers how it ended, and its outputs."""
    action = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    assert given.keys() <= action["inputs"].keys()
    inputs = {name: given.get(name, row["default"]) for name, row in action["inputs"].items()}
    found = action["runs"]["steps"][number]
    environment = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: inputs[match[1]], value)
        for name, value in found["env"].items()
    }
    assert "${{" not in found["run"] + "".join(environment.values())
    runner = {
        "RUNNER_TEMP": str(folder / "runner"),
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ACTION),
        "GITHUB_OUTPUT": str(folder / "outputs"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    done = shell(found["run"], folder, {**runner, **environment})
    written = (folder / "outputs").read_text(encoding="utf-8") if (folder / "outputs").exists() else ""
    return done, dict(line.split("=", 1) for line in written.splitlines())


# GitHub


def test_action_is_valid_and_its_outputs_are_made() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions"]
    done = subprocess.run([*command, str(ACTION / "action.yml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    action = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    assert all(row["value"] == f"${{{{ steps.judge.outputs.{name} }}}}" for name, row in action["outputs"].items())


@pytest.mark.usefixtures("tools")
def test_action_judges_annotates_and_tells(broken: str, tmp_path: Path) -> None:
    done, outputs = step(1, {"url": broken, "only": ONLY, "profile": "quick", "out": "a b"}, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "::error title=image.kind failed::" in done.stdout
    assert "image.kind" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    declared = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))["outputs"]
    assert outputs.keys() == declared.keys()
    assert (outputs["verdict"], outputs["exit-status"]) == ("non-conformant", "1")
    assert outputs["headline"].startswith("non-conformant (partial): 2 of ")
    counts = json.loads(outputs["counts"])
    assert (counts["failed"], counts["passed"]) == (1, 1)
    for name in ("report", "badge"):
        assert (tmp_path / outputs[name]).is_file()


@pytest.mark.usefixtures("tools")
def test_action_starts_the_target_and_takes_options(tmp_path: Path) -> None:
    start = f"{shlex.quote(sys.executable)} -m conformance emulator --port {{port}}"
    given = {"start": start, "profile": "quick", "options": f"--only {ONLY} --reports 'html,badge'"}
    done, outputs = step(1, given, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert outputs["verdict"] == "conformant"


@pytest.mark.usefixtures("tools")
def test_action_that_is_misused_has_a_status_and_no_verdict(tmp_path: Path) -> None:
    done, outputs = step(1, {"url": "ftp://nowhere"}, tmp_path)
    assert done.returncode == 2
    assert "url is 'ftp://nowhere'" in done.stderr
    assert outputs == {"exit-status": "2"}


@pytest.mark.slow
def test_action_installs_the_suite_that_it_comes_with(tmp_path: Path) -> None:
    done, _ = step(0, {"python": sys.executable}, tmp_path)
    assert done.returncode == 0, done.stderr
    installed = tmp_path / "runner" / "conformance" / "bin" / "conformance"
    said = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout.startswith("conformance ")


# GitLab


def job(**given: str) -> dict[str, Any]:
    """The job as GitLab makes it of the inputs."""
    head, text = JOB.read_text(encoding="utf-8").split("\n---\n")
    inputs = {name: given.get(name, row.get("default")) for name, row in yaml.safe_load(head)["spec"]["inputs"].items()}
    assert given.keys() <= inputs.keys()
    filled = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: str(inputs[match[1]]), text)
    found: dict[str, Any] = yaml.safe_load(filled)
    return found


def test_job_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(yaml.safe_dump(job(suite="git+https://example.com/conformance.git")), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_job_judges_and_leaves_its_reports(broken: str, tools: Path, tmp_path: Path) -> None:
    (found,) = job(
        suite="suite", url=broken, profile="quick", options=f"--only {ONLY} --reports html,junit,gitlab"
    ).values()
    environment = {**found["variables"], "PATH": f"{tools}:{os.environ['PATH']}", "CI": "true"}
    done = shell("\n".join(found["script"]), tmp_path, environment)
    assert done.returncode == 1, done.stderr
    kept = found["artifacts"]["reports"]
    failures = ElementTree.parse(tmp_path / kept["junit"]).getroot().iter("failure")
    assert len(list(failures)) == 1
    assert [row["check_name"] for row in json.loads((tmp_path / kept["codequality"]).read_text())] == ["image.kind"]


# Container


def test_container_serves_the_emulator_and_tells_its_health(tools: Path, tmp_path: Path) -> None:
    def words(instruction: str) -> list[str]:
        found: list[str] = json.loads(re.findall(rf"^{instruction}.*?(\[.*\])$", CONTAINER, re.MULTILINE)[-1])
        return found

    assert words("CMD")[-2:] == ["--port", "8080"]
    command = [*words("ENTRYPOINT"), *words("CMD")[:-1], "0"]
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip().rpartition(":")[2]
        health = [word.replace("8080", port) for word in words("HEALTHCHECK")]
        assert subprocess.run(health, env=environment, check=False).returncode == 0
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert subprocess.run(health, env=environment, check=False, capture_output=True).returncode != 0
