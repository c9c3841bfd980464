"""What was found out about a target before anything is judged: which capabilities it has."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Findings:
    """What the preflight found.

    Args:
        absent: the capabilities that the target lacks, each with the reason.
        present: the others.
        broken: why no image can be made; "" if one can.
        stays: why none that is made can be deleted; "" if it can.
        stop: why the run does not go on; "" if it does.
        shapes: the shapes that names may have; empty for those that a run begins with.
        sources: what images are made from instead of what is configured, by the keys of `[sources]`; empty for as
            configured.
        remark: what a reader should know of that; "" where there is nothing.
        refused: the fields that the target refuses, with whatever value, though scenarios would use them by the way.
        restless: the fields that tell one image from another, but which the target shows otherwise at every look.
        nameless: whether images are had by their ids alone, and not by their names.
        single: whether the target serves one connection at a time, and none beside one that is idle.
    """

    absent: dict[str, str] = field(default_factory=dict)
    present: list[str] = field(default_factory=list)
    broken: str = ""
    stays: str = ""
    stop: str = ""
    shapes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    restless: list[str] = field(default_factory=list)
    nameless: bool = False
    single: bool = False
    sources: dict[str, str | None] = field(default_factory=dict)
    remark: str = ""

    def note(self, capability: str, *, present: bool, reason: str) -> None:
        """Notes whether the target has a capability, or why it hasn't."""
        if present:
            self.present.append(capability)
        else:
            self.absent[capability] = reason
