"""The plugin that pytest finds wherever the suite is installed: silent, and all but free, unless it is asked for."""

from __future__ import annotations

import pytest

URL, WANTED = "conformance_target_url", "conformance_rules"
"""The names of the options to pytest."""

NO_TARGET = (
    "there is no target to test: --conformance-url, CONFORMANCE_URL or conformance.toml says where it is, or a fixture "
    "conformance_target in a conftest.py of the folder that pytest is given, or above it."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the two options."""
    group = parser.getgroup("conformance", "conformance of an implementation of Compute Engine images")
    group.addoption(
        "--conformance-url",
        dest=URL,
        metavar="URL",
        help="Root URL of an implementation: each rule becomes a test of it, beside your own. All other settings are "
        "those of `conformance run`, from conformance.toml and the environment.",
    )
    group.addoption(
        "--conformance",
        dest=WANTED,
        action="store_true",
        help="The same for the URL that your own fixture conformance_target answers.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Loads the rules if they are asked for."""
    if config.getoption(URL) or config.getoption(WANTED):
        from conformance.testing import rules  # noqa: PLC0415 - nobody else has to pay for it

        rules.register(config)


@pytest.fixture(scope="session")
def conformance_target(pytestconfig: pytest.Config) -> str:
    """The root URL of the target; to be overridden where the tests start it themselves."""
    from conformance.config.loading import load_settings  # noqa: PLC0415 - as above
    from conformance.config.settings import UsageError  # noqa: PLC0415 - as above

    given = pytestconfig.getoption(URL)
    try:
        url = load_settings({"url": given} if given else {}).url
    except UsageError as error:
        pytest.fail(str(error), pytrace=False)
    if url is None:
        pytest.fail(NO_TARGET, pytrace=False)
    return url
