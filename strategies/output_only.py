"""Values that a client sends for fields which only the server sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.config.sources import Sources
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import kind_bodies, minimal
from conformance.strategies import values

DIGEST = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
ELSEWHERE = "https://www.googleapis.com/compute/v1/projects/elsewhere/global/images/elsewhere"


@dataclass(frozen=True)
class OutputOnly:
    """One output-only field: the rule about it, and what a client that wants to set it sends, by its path.

    Args:
        path: of the field.
        values: what the client sends, each in a plain request.
        beside: what may stand beside the first of them, and have it taken over.
        of_any_source: whether the kind of the source may have it taken over.
    """

    path: str
    values: tuple[Any, ...]
    beside: tuple[Mapping[str, Any], ...] = ()
    of_any_source: bool = False

    @property
    def rule(self) -> str:
        """The rule that says the field is the server's."""
        return f"image.output-only.{self.path}"

    def cases(self, sources: Sources) -> Sequence[InsertRequest]:
        """Plain requests with one such value each."""
        plain = minimal(sources)
        bodies = [{**plain, **_nested(self.path, value)} for value in self.values]
        first = _nested(self.path, self.values[0])
        bodies += [{**plain, **_merged(more, first)} for more in self.beside]
        bodies += [{**body, **first} for body in kind_bodies(sources)[1:] if self.of_any_source]
        return [InsertRequest(body, note=f"a value for {self.path}") for body in bodies]


def _merged(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: _merged(one[name], two[name]) for name in one.keys() & two.keys()}
    return {**one, **two, **both}


def _nested(path: str, value: Any) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    return {name: _nested(rest, value) if rest else value}


OUTPUT_ONLY: tuple[OutputOnly, ...] = (
    OutputOnly("kind", ("compute#disk", "conformance#image")),
    OutputOnly("id", ("1", "12345678901234567890")),
    OutputOnly("creationTimestamp", ("2001-02-03T04:05:06.789-07:00", "2001-02-03T04:05:06Z")),
    OutputOnly("selfLink", (ELSEWHERE,)),
    OutputOnly("status", ("FAILED", "PENDING", "DELETING")),
    *(OutputOnly(f"{name}Id", ("42",), of_any_source=True) for name in ("sourceDisk", "sourceImage", "sourceSnapshot")),
    OutputOnly("satisfiesPzs", (True, False)),
    OutputOnly("satisfiesPzi", (True, False)),
    OutputOnly("enableConfidentialCompute", (True, False)),
    OutputOnly("labelFingerprint", ("AAAAAAAAAAE=",), beside=({"labels": {"colour": "blue"}},)),
    OutputOnly("archiveSizeBytes", ("7",)),
    OutputOnly(
        "imageEncryptionKey.sha256",
        (DIGEST,),
        beside=tuple(
            {"imageEncryptionKey": key} for key in ({"kmsKeyName": values.KMS_KEY}, {"rawKey": values.CUSTOMER_KEY})
        ),
    ),
    OutputOnly("sourceDiskEncryptionKey.sha256", (DIGEST,)),
    OutputOnly("sourceImageEncryptionKey.sha256", (DIGEST,)),
    OutputOnly("sourceSnapshotEncryptionKey.sha256", (DIGEST,)),
)
