"""The scenarios: tests that act at a target, and let the rules judge; `conformance.scenarios` once installed."""
