"""The reports that a run may write beside results.json."""

from __future__ import annotations

REPORTS = {
    "html": "report.html",
    "markdown": "summary.md",
    "junit": "junit.xml",
    "badge": "badge.svg",
    "ctrf": "ctrf.json",
    "sarif": "conformance.sarif",
    "gitlab": "gl-code-quality-report.json",
    "scripts": "failures",
    "allure": "allure-results",
    "traffic": "traffic.har",
    "traffic.gz": "traffic.har.gz",
    "attestation": "attestation.json",
}
"""What each is called, and the file or folder that it is written to."""

DEAR = frozenset({"allure", "traffic"})
"""Hundreds of files, or megabytes, which few want after each of many quick runs."""

ON_REQUEST = frozenset({"traffic.gz", "attestation"})
"""Reports that are written only where they are named."""


def usual(profile: str) -> tuple[str, ...]:
    """The reports that are written unless told otherwise.

    Args:
        profile: of the run.
    """
    return tuple(name for name in REPORTS if name not in ON_REQUEST and (profile != "quick" or name not in DEAR))
