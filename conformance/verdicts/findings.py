"""What was found out about a target before anything is judged: which capabilities it has."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """What the preflight found.

    `absent` are capabilities with the reason; `broken` says why no image can be made ("" if one can), `stays` why none that is
    made can be deleted ("" if it can), and `stop` why the run does not go on ("" if it does).
    """

    absent: dict[str, str] = field(default_factory=dict)
    present: list[str] = field(default_factory=list)
    broken: str = ""
    stays: str = ""
    stop: str = ""

    def note(self, capability: str, *, present: bool, reason: str) -> None:
        """Notes whether the target has a capability, or why it hasn't."""
        if present:
            self.present.append(capability)
        else:
            self.absent[capability] = reason
