"""`python -m conformance.emulator` does what `conformance emulator` does."""

import typer

from conformance.emulator.command import emulator

typer.run(emulator)
