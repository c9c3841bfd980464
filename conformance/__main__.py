"""`python -m conformance` does what `conformance` does."""

from conformance.commands.app import main

main()
