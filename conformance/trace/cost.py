"""What requests cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Cost:
    """What requests cost so far: counts, seconds spent waiting, and milliseconds of each answered request by method."""

    requests: int = 0
    retries: int = 0
    images: int = 0
    waiting: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
