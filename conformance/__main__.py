"""`python -m conformance` does what `conformance` does."""

from conformance.cli import main

main()
