"""What was found out about a target before anything is judged: which capabilities it has."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """What the preflight found: `absent` capabilities with the reason; `broken` says why no image can be made ("" if one can)."""

    absent: dict[str, str] = field(default_factory=dict)
    present: list[str] = field(default_factory=list)
    broken: str = ""

    def note(self, capability: str, *, present: bool, reason: str) -> None:
        """Notes whether the target has a capability, or why it hasn't."""
        if present:
            self.present.append(capability)
        else:
            self.absent[capability] = reason
