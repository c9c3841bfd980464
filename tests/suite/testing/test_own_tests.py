"""The suite in the tests of its users: every rule is a test of pytest like any other, and what their tests exchange is
judged. The project here is theirs, with what the README tells them to write."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
CHAPTER = README.partition("### In your own tests\n")[2].partition("\n### ")[0]
CONTAINER, EXCHANGE = re.findall(r"```python\n(.*?)```", CHAPTER, re.DOTALL)

TWO = ("conformance::image.kind", "conformance::image.id")
"""The ids of two tests, the first of which finds a fault here."""

OWN = "def test_of_their_own():\n    pass\n"

DOCKER = """
from conformance.emulator.process import EmulatorProcess

class DockerContainer:
    def __init__(self, image):
        assert image == "my-emulator:latest"
        self._emulator = EmulatorProcess()

    def with_exposed_ports(self, port):
        assert port == 8080
        return self

    def __enter__(self):
        self._emulator.__enter__()
        return self

    def __exit__(self, *reason):
        self._emulator.__exit__(*reason)

    def get_container_host_ip(self):
        return "127.0.0.1"

    def get_exposed_port(self, port):
        return self._emulator.url.rpartition(":")[2]
"""
"""What the recipe uses of Testcontainers, with an emulator for a container."""


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    with EmulatorProcess(faults=["image.kind/disk"]) as emulator:
        yield emulator.url


@pytest.fixture(scope="module")
def right() -> Iterator[str]:
    with EmulatorProcess() as emulator:
        yield emulator.url


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text(OWN, encoding="utf-8")
    return tmp_path


def run(project: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """pytest in the project, with the plugin and no other, whether or not the suite is installed here."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CONFORMANCE_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-p", "conformance.testing.plugin", "-rA", *options]
    return subprocess.run(
        command,
        cwd=project,
        env={**clean, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_unused_it_loads_nothing() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import conformance.testing.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["conformance", "conformance.testing", "conformance.testing.plugin"]


def test_unasked_it_is_silent(project: Path) -> None:
    done = run(project, "tests")
    assert "1 passed" in done.stdout
    assert "conformance" not in done.stdout.replace("conformance.testing.plugin", "")


def test_every_rule_is_a_test(project: Path) -> None:
    done = run(project, "--conformance-url", "http://127.0.0.1:9", "--collect-only", "-q")
    ids = {line for line in done.stdout.splitlines() if "::" in line}
    rules = {f"conformance::{rule}" for rule in catalogue()}
    assert ids == {*rules, "conformance::verdict", "tests/test_own.py::test_of_their_own"}


def test_broken_rule_shows_all_that_it_takes_to_mend_it(project: Path, broken: str) -> None:
    done = run(project, "--conformance-url", broken, *TWO, "tests", "--junitxml", "junit.xml")
    assert "FAILED conformance::image.kind" in done.stdout
    assert "PASSED conformance::image.id" in done.stdout
    assert "PASSED tests/test_own.py::test_of_their_own" in done.stdout
    assert catalogue()["image.kind"].statement in done.stdout
    assert "expected compute#image\n" in done.stdout
    assert "observed compute#disk\n" in done.stdout
    assert re.search(rf"^ +curl .*-X GET {broken}/compute/beta/\S+/images/\S+$", done.stdout, re.MULTILINE)
    assert f"again: conformance run --url {broken} --only image.kind\n" in done.stdout
    cases = ElementTree.parse(project / "junit.xml").getroot().iter("testcase")
    assert {case.get("name") for case in cases if case.find("failure") is not None} == {"image.kind"}

    again = run(project, "--conformance-url", broken, "--lf")
    assert re.search(r"= 1 failed, \d+ deselected", again.stdout), again.stdout


def test_node_id_and_workers(project: Path, broken: str) -> None:
    options = ("--conformance-url", broken, "-p", "xdist.plugin", "-n", "2")
    done = run(project, *options, *TWO, "conformance::verdict")
    assert "FAILED conformance::image.kind" in done.stdout
    assert "PASSED conformance::image.id" in done.stdout
    assert "FAILED conformance::verdict" in done.stdout
    assert "2 failed, 1 passed" in done.stdout
    assert f"of {len(catalogue())} rules tested; 1 rule failed: image.kind" in done.stdout


def test_what_is_not_tested_is_skipped_and_tells_why(project: Path, right: str) -> None:
    (project / "conformance.toml").write_text("[capabilities]\npatch = false\n", encoding="utf-8")
    done = run(project, "--conformance-url", right, "conformance::life.patch", "conformance::image.kind")
    assert "PASSED conformance::image.kind" in done.stdout
    assert re.search(r"^SKIPPED .*not applicable: .*patch", done.stdout, re.MULTILINE), done.stdout


def test_known_failure_is_expected(project: Path, broken: str) -> None:
    waiver = '[[waiver]]\nrule = "image.kind"\nreason = "it is a disk"\nexpires = 2999-01-01\n'
    (project / "waivers.toml").write_text(waiver, encoding="utf-8")
    done = run(project, "--conformance-url", broken, "-m", "conformance", "conformance::image.kind")
    assert done.returncode == 0
    assert "XFAIL conformance::image.kind - waived: an image has another kind" in done.stdout


def test_target_that_does_not_answer_is_told_once(project: Path) -> None:
    done = run(project, "--conformance-url", "http://127.0.0.1:9", *TWO, "tests")
    assert done.returncode == 1
    assert re.search(r"= 1 failed, 1 passed, 1 skipped", done.stdout), done.stdout
    assert "127.0.0.1:9" in done.stdout


def test_without_a_target_the_rules_fail(project: Path) -> None:
    done = run(project, "--conformance", "-k", "image.kind")
    assert done.returncode == 1
    assert "there is no target to test" in done.stdout


def test_mistake_is_one_sentence(project: Path) -> None:
    done = run(project, "--conformance-url", "ftp://nowhere")
    assert done.returncode == 4
    assert done.stderr.startswith("ERROR: url is 'ftp://nowhere' (set by --url)")


def test_container_of_the_recipe(project: Path) -> None:
    package = project / "testcontainers" / "core"
    package.mkdir(parents=True)
    (package / "container.py").write_text(DOCKER, encoding="utf-8")
    (project / "tests" / "conftest.py").write_text(CONTAINER, encoding="utf-8")
    done = run(project, "--conformance", "-k", "image.kind", "tests")
    assert "PASSED conformance::image.kind" in done.stdout, done.stdout


def test_exchange_of_the_recipe(project: Path, right: str) -> None:
    (project / "tests" / "test_images.py").write_text(EXCHANGE, encoding="utf-8")
    done = run(project, "tests", CONFORMANCE_URL=right)
    assert "PASSED tests/test_images.py" in done.stdout, done.stdout
    with EmulatorProcess(faults=["transport.error-envelope/text"]) as emulator:
        done = run(project, "tests", CONFORMANCE_URL=emulator.url, CONFORMANCE_STRICT="true")
    assert "FAILED tests/test_images.py" in done.stdout, done.stdout
    assert "transport.error-envelope deviates" in done.stdout
