"""What differs between two targets by nature, and is compared by its kind: the one table of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.trace.formats import integer, is_base64, is_timestamp, is_uint64
from conformance.trace.links import named


@dataclass(frozen=True)
class Kind:
    """A kind of value: what stands for each value that is `of` it."""

    name: str
    of: Callable[[Any], bool]

    def __str__(self) -> str:
        """What stands for a value."""
        return f"<{self.name}>"


def _said(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


TIME = Kind("time", is_timestamp)
ID = Kind("id", is_uint64)
FINGERPRINT = Kind("fingerprint", lambda value: bool(value) and is_base64(value))
TEXT = Kind("text", _said)
TOKEN = Kind("token", _said)
SIZE = Kind("size", lambda value: integer(value) is not None)
SOURCE = Kind("source", lambda value: named(value) is not None)
OPERATION = Kind("name of an operation", _said)

IMAGE: Mapping[str, Kind] = {
    "id": ID,
    "creationTimestamp": TIME,
    "labelFingerprint": FINGERPRINT,
    "archiveSizeBytes": SIZE,
    "diskSizeGb": SIZE,
    "sourceImage": SOURCE,
    "sourceImageId": ID,
    "sourceDisk": SOURCE,
    "sourceDiskId": ID,
    "sourceSnapshot": SOURCE,
    "sourceSnapshotId": ID,
    "rawDisk.source": SOURCE,
    "deprecated.deprecated": TIME,
    "deprecated.obsolete": TIME,
    "deprecated.deleted": TIME,
}
"""Fields of an image: a source is configured for each target, and with it come its id and sizes."""

OPERATION_FIELDS: Mapping[str, Kind] = {
    "id": ID,
    "name": OPERATION,
    "targetId": ID,
    "insertTime": TIME,
    "startTime": TIME,
    "endTime": TIME,
    "creationTimestamp": TIME,
    "user": TEXT,
    "operationGroupId": TEXT,
    "statusMessage": TEXT,
    "description": TEXT,
    "httpErrorMessage": TEXT,
    "error.errors[].message": TEXT,
    "warnings[].message": TEXT,
}

REQUEST: Mapping[str, Kind] = {
    "labelFingerprint": FINGERPRINT,
    "sourceImage": SOURCE,
    "sourceDisk": SOURCE,
    "sourceSnapshot": SOURCE,
    "rawDisk.source": SOURCE,
}
"""Fields of a body that is sent."""

OTHERS: Mapping[str, Kind] = {
    "id": TEXT,
    "nextPageToken": TOKEN,
    "etag": TOKEN,
    "error.message": TEXT,
    "error.errors[].message": TEXT,
    "error.details": TEXT,
}
"""Fields of lists, views and errors."""

LATE_IMAGE = frozenset({"status", "archiveSizeBytes", "diskSizeGb"})
"""What an image shows once it is READY, or FAILED."""

LATE_OPERATION = frozenset(
    {"status", "progress", "startTime", "endTime", "statusMessage", "targetId", "error", "warnings"}
    | {"httpErrorStatusCode", "httpErrorMessage"}
)
"""What an operation shows as it goes on: how far it is when it is looked at is chance."""
