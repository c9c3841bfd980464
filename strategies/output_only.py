"""Values that a client sends for fields which only the server sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conformance.config.sources import Sources
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import minimal

DIGEST = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
ELSEWHERE = "https://www.googleapis.com/compute/v1/projects/elsewhere/global/images/elsewhere"


@dataclass(frozen=True)
class OutputOnly:
    """One output-only field: the rule about it, and what a client that wants to set it sends, by its path."""

    path: str
    values: tuple[Any, ...]

    @property
    def rule(self) -> str:
        """The rule that says the field is the server's."""
        return f"image.output-only.{self.path}"

    def cases(self, sources: Sources) -> Sequence[InsertRequest]:
        """Plain requests with one such value each."""
        return [
            InsertRequest({**minimal(sources), **_nested(self.path, value)}, note=f"{self.path}: {value!r}")
            for value in self.values
        ]


def _nested(path: str, value: Any) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    return {name: _nested(rest, value) if rest else value}


OUTPUT_ONLY: tuple[OutputOnly, ...] = (
    OutputOnly("kind", ("compute#disk", "conformance#image")),
    OutputOnly("id", ("1", "12345678901234567890")),
    OutputOnly("creationTimestamp", ("2001-02-03T04:05:06.789-07:00", "2001-02-03T04:05:06Z")),
    OutputOnly("selfLink", (ELSEWHERE,)),
    OutputOnly("status", ("FAILED", "PENDING", "DELETING")),
    OutputOnly("sourceDiskId", ("42",)),
    OutputOnly("sourceImageId", ("42",)),
    OutputOnly("sourceSnapshotId", ("42",)),
    OutputOnly("satisfiesPzs", (True, False)),
    OutputOnly("satisfiesPzi", (True, False)),
    OutputOnly("enableConfidentialCompute", (True, False)),
    OutputOnly("labelFingerprint", ("AAAAAAAAAAE=",)),
    OutputOnly("archiveSizeBytes", ("7",)),
    OutputOnly("imageEncryptionKey.sha256", (DIGEST,)),
    OutputOnly("sourceDiskEncryptionKey.sha256", (DIGEST,)),
    OutputOnly("sourceImageEncryptionKey.sha256", (DIGEST,)),
    OutputOnly("sourceSnapshotEncryptionKey.sha256", (DIGEST,)),
)
