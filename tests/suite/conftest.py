"""What the tests of the suite share: results of runs; hand-written traces are told in `helpers.story`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.commands.run import judge
from conformance.config.settings import Settings
from conformance.emulator.process import EmulatorProcess
from conformance.verdicts.results import Results

sys.path.insert(0, str(Path(__file__).parent))

HOSTILE = "<script>alert('pwned')</script>\x1b[31m]]>&\u202e\ud800"
TOKEN = "token-that-must-not-be-seen"


@pytest.fixture(scope="session")
def conformant() -> Results:
    """The results of a run against the correct emulator."""
    return judge(Settings(workers=1), focus=("image.kind",))


@pytest.fixture(scope="session")
def broken() -> Results:
    """The results of a run against a broken emulator, with a credential that the run was given."""
    with EmulatorProcess(faults=["image.kind/disk", "encryption.never-echoed/in-image"]) as emulator:
        settings = Settings(url=emulator.url, header=(f"Authorization: Bearer {TOKEN}",), workers=1)
        return judge(settings, focus=("image.kind", "encryption.never-echoed"), scripts=True)


@pytest.fixture(scope="session")
def hostile(broken: Results) -> Results:
    """The results of the broken emulator as a hostile target would have them."""
    changed = broken.to_json()
    changed["target"]["project"] = HOSTILE
    changed["summary"]["reason"] = HOSTILE
    for rule in changed["rules"]:
        for breach in rule["breaches"]:
            breach["message"] = breach["observed"] = HOSTILE
            bar = {"exchange": 1, "text": HOSTILE * 9, "start_ms": 0, "end_ms": 7, "role": "open"}
            breach["timeline"] = [bar, bar | {"start_ms": 6, "role": "impossible"}]
            for exchange in breach["exchanges"]:
                if exchange["response"]:
                    exchange["response"]["body"] = HOSTILE
    return Results.model_validate(changed)
