"""What the suite costs, in counts that are the same on every machine: modules, requests, images, and judged traces."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.config.sources import embedded_sources
from conformance.emulator.process import EmulatorProcess
from conformance.verdicts.ledger import Ledger

LATE = frozenset(
    {"allure_commons", "conformance.emulator.app", "hypothesis", "ijson", "jinja2", "jsonschema", "pytest", "requests"}
    | {"starlette", "urllib3", "uvicorn", "watchfiles", "yaml"}
)
"""What only the command imports that uses it."""

REQUESTS, IMAGES, TRACES = 7_200, 580, 1_500
"""What profile quick needs at most of a correct target: an eighth more than today, for polls depend on the machine."""


def imported(*words: str) -> set[str]:
    """The modules that a command of the command line imports."""
    code = (
        "import sys; from conformance.commands.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("rules",), ("explain", "image.kind"), ("run", "--help")])
def test_what_a_command_does_not_need_is_not_imported(words: tuple[str, ...]) -> None:
    found = imported(*words)
    assert "conformance.commands.app" in found
    assert found & LATE == set()


@pytest.mark.slow
def test_a_run_asks_no_more_of_a_target_than_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = list[int]()
    usual = Ledger.judge

    def counted(self: Ledger, trace: object, spent: int = 0) -> object:
        judged.append(spent)
        return usual(self, trace, spent)  # type: ignore[arg-type]

    monkeypatch.setattr(Ledger, "judge", counted)
    with EmulatorProcess() as emulator:
        settings = Settings(url=emulator.url, sources=embedded_sources("conformance"), workers=1)
        results = judge(settings)
    assert 1_000 < results.cost.requests <= REQUESTS
    assert 100 < results.cost.images_created <= IMAGES
    assert 500 < len(judged) <= TRACES
