"""What a command has in its environment that is started to talk to a target, and how it is told that it ended."""

from __future__ import annotations

import signal
from pathlib import Path


def endpoints(url: str) -> dict[str, str]:
    """How clients are told of a URL by their environment: this suite, gcloud, and Terraform."""
    return {
        "CONFORMANCE_URL": url,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": f"{url}/compute/v1/",
        "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{url}/compute/v1/",
    }


def told_end(program: str, status: int | None) -> str:
    """How a command ended, in words: with its status, which is negative for a signal."""
    name = f"the command '{Path(program).name}'"
    if status is None:
        return f"{name} did not run to its end"
    return f"{name} was ended by {signal.Signals(-status).name}" if status < 0 else f"{name} ended with status {status}"
