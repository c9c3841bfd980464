"""Registers the plugin, so that plain `pytest` runs the conformance scenarios as well as the tests of the suite
itself."""

pytest_plugins = ["conformance.scenario.pytest_plugin"]
