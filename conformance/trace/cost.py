"""What requests cost."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Cost:
    """What requests cost so far: counts, seconds spent waiting, and milliseconds of each answered request by method."""

    requests: int = 0
    retries: int = 0
    images: int = 0
    waiting: float = 0.0
    latencies: dict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))

    def add(self, other: Cost) -> None:
        """Takes over what another process has spent."""
        self.requests += other.requests
        self.retries += other.retries
        self.images += other.images
        self.waiting += other.waiting
        for method, values in other.latencies.items():
            self.latencies[method].extend(values)
