"""What the tests of client libraries share: an emulator behind a tap, whose traffic every rule judges."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.trace.exchange import Trace
from conformance.verdicts.ledger import Ledger

sys.path.insert(0, str(Path(__file__).parents[1] / "suite"))

from helpers.tapped import tapped


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The URL of an emulator."""
    with EmulatorProcess() as process:
        yield process.url


@pytest.fixture
def server(emulator: str) -> Iterator[str]:
    """The URL of an emulator, all of whose traffic keeps every rule."""
    with tapped(emulator) as tap:
        yield tap.url
    ledger = Ledger(catalogue())
    exchanges = sorted(tap.exchanges, key=lambda exchange: exchange.number)
    breaches = [(rule.id, breach.message) for rule, breach in ledger.judge(Trace(tuple(exchanges)))]
    assert not ledger.errors
    assert not breaches


@pytest.fixture
def project() -> str:
    """A project that no other test uses."""
    return f"clients-{uuid.uuid4().hex[:8]}"
