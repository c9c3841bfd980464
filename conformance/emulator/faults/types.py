"""Faults of type: one field of an answer has a value of another JSON type than the API reference says."""

from __future__ import annotations

from collections.abc import Callable

from conformance.emulator.behaviour import Call, Resource
from conformance.emulator.faults.row import Change, Fault, put, shown_image, shown_operation

NUMBER, TEXT = 17, "text"

Row = tuple[str, object] | tuple[str, object, str]

IMAGE: tuple[Row, ...] = (
    ("kind", NUMBER, "image.kind"),
    ("id", NUMBER, "image.id"),
    ("creationTimestamp", NUMBER, "image.creation-timestamp"),
    ("name", NUMBER),
    ("description", NUMBER),
    ("sourceType", NUMBER, "image.source-type"),
    ("rawDisk", TEXT),
    ("rawDisk.source", NUMBER),
    ("rawDisk.sha1Checksum", NUMBER),
    ("rawDisk.containerType", NUMBER),
    ("deprecated", TEXT),
    ("deprecated.state", NUMBER, "image.deprecated.timestamps"),
    ("deprecated.replacement", NUMBER),
    ("deprecated.deprecated", NUMBER),
    ("deprecated.obsolete", NUMBER),
    ("deprecated.deleted", NUMBER),
    ("deprecated.stateOverride", TEXT),
    ("deprecated.stateOverride.locationRolloutPolicies", TEXT),
    ("deprecated.stateOverride.defaultRolloutTime", NUMBER),
    ("status", NUMBER, "image.status,operation.success-means-ready"),
    ("archiveSizeBytes", NUMBER, "image.archive-size-bytes"),
    ("diskSizeGb", NUMBER, "image.disk-size-gb"),
    ("sourceDisk", NUMBER),
    ("sourceDiskId", NUMBER),
    ("licenses", TEXT),
    ("family", NUMBER),
    ("imageEncryptionKey", TEXT),
    ("imageEncryptionKey.kmsKeyName", NUMBER),
    ("imageEncryptionKey.sha256", NUMBER),
    ("imageEncryptionKey.kmsKeyServiceAccount", NUMBER),
    ("selfLink", NUMBER),
    ("labels", TEXT),
    ("labelFingerprint", NUMBER, "image.label-fingerprint.format"),
    ("guestOsFeatures", TEXT),
    ("guestOsFeatures[].type", NUMBER),
    ("licenseCodes", TEXT, "image.license-codes.format"),
    ("sourceImage", NUMBER),
    ("sourceImageId", NUMBER),
    ("sourceSnapshot", NUMBER),
    ("sourceSnapshotId", NUMBER),
    ("storageLocations", TEXT),
    ("shieldedInstanceInitialState", TEXT),
    ("shieldedInstanceInitialState.pk", TEXT),
    ("shieldedInstanceInitialState.pk.content", NUMBER),
    ("shieldedInstanceInitialState.pk.fileType", NUMBER),
    ("shieldedInstanceInitialState.keks", TEXT),
    ("shieldedInstanceInitialState.keks[].content", NUMBER),
    ("shieldedInstanceInitialState.keks[].fileType", NUMBER),
    ("shieldedInstanceInitialState.dbs", TEXT),
    ("shieldedInstanceInitialState.dbs[].content", NUMBER),
    ("shieldedInstanceInitialState.dbs[].fileType", NUMBER),
    ("shieldedInstanceInitialState.dbxs", TEXT),
    ("shieldedInstanceInitialState.dbxs[].content", NUMBER),
    ("shieldedInstanceInitialState.dbxs[].fileType", NUMBER),
    ("rolloutOverride", TEXT),
    ("rolloutOverride.locationRolloutPolicies", TEXT),
    ("rolloutOverride.defaultRolloutTime", NUMBER),
    ("locked", TEXT),
    ("architecture", NUMBER, "image.architecture"),
    ("userLicenses", TEXT),
    ("satisfiesPzs", TEXT),
    ("satisfiesPzi", TEXT),
    ("enableConfidentialCompute", TEXT),
)

_DETAILS = "error.errors[].errorDetails[]"

OPERATION: tuple[Row, ...] = (
    ("kind", NUMBER, "operation.kind"),
    ("id", NUMBER, "operation.id"),
    ("creationTimestamp", NUMBER),
    ("name", NUMBER, "operation.name"),
    ("clientOperationId", NUMBER, "request-id.client-operation-id"),
    ("operationType", NUMBER, "operation.type"),
    ("targetLink", NUMBER, "operation.target-link"),
    ("targetId", NUMBER),
    ("status", NUMBER, "operation.status"),
    ("statusMessage", NUMBER),
    ("user", NUMBER),
    ("progress", TEXT, "operation.progress"),
    ("insertTime", NUMBER, "operation.times"),
    ("startTime", NUMBER, "operation.times"),
    ("endTime", NUMBER, "operation.times"),
    ("error", TEXT, "operation.error-shape"),
    ("error.errors", TEXT, "operation.error-shape"),
    ("error.errors[].code", NUMBER, "operation.error-shape"),
    ("error.errors[].location", NUMBER),
    ("error.errors[].message", NUMBER, "operation.error-shape"),
    ("error.errors[].errorDetails", TEXT),
    (f"{_DETAILS}.errorInfo", TEXT),
    (f"{_DETAILS}.errorInfo.reason", NUMBER, "operation.error-shape"),
    (f"{_DETAILS}.errorInfo.domain", NUMBER),
    (f"{_DETAILS}.errorInfo.metadatas", TEXT),
    (f"{_DETAILS}.quotaInfo", TEXT),
    (f"{_DETAILS}.quotaInfo.metricName", NUMBER),
    (f"{_DETAILS}.quotaInfo.limitName", NUMBER),
    (f"{_DETAILS}.quotaInfo.dimensions", TEXT),
    (f"{_DETAILS}.quotaInfo.limit", TEXT),
    (f"{_DETAILS}.quotaInfo.futureLimit", TEXT),
    (f"{_DETAILS}.quotaInfo.rolloutStatus", NUMBER),
    (f"{_DETAILS}.help", TEXT),
    (f"{_DETAILS}.help.links", TEXT),
    (f"{_DETAILS}.help.links[].description", NUMBER),
    (f"{_DETAILS}.help.links[].url", NUMBER),
    (f"{_DETAILS}.localizedMessage", TEXT),
    (f"{_DETAILS}.localizedMessage.locale", NUMBER),
    (f"{_DETAILS}.localizedMessage.message", NUMBER),
    ("warnings", TEXT, "operation.warning-shape,deprecate.use-obsolete"),
    ("warnings[].code", NUMBER, "operation.warning-shape"),
    ("warnings[].message", NUMBER, "operation.warning-shape"),
    ("warnings[].data", TEXT, "operation.warning-shape,deprecate.use-obsolete"),
    ("warnings[].data[].key", NUMBER, "operation.warning-shape"),
    ("warnings[].data[].value", NUMBER, "operation.warning-shape,deprecate.use-obsolete"),
    ("httpErrorStatusCode", TEXT, "operation.http-error-code"),
    ("httpErrorMessage", NUMBER),
    ("selfLink", NUMBER, "operation.self-link"),
    ("description", NUMBER),
    ("operationGroupId", NUMBER),
)
"""Paths with a value of a wrong type, and the rules whose matter that is too; `[]` stands for the items of a list."""


def _in_images(path: str, value: object) -> Change:
    def hook(image: Resource, call: Call, times: int) -> None:
        del call, times
        if not path.startswith("source") or path in image:
            put(image, path, _wrong(image.get(path), value))

    return shown_image(hook)


def _wrong(right: object, value: object) -> object:
    """A wrong value for a field: an identifier as the number that it is, else the value of the table."""
    return int(right) if value == NUMBER and isinstance(right, str) and right.isdecimal() else value


def _in_operations(path: str, value: object) -> Change:
    def hook(operation: Resource, call: Call, times: int) -> None:
        del call, times
        if _has_its_place(operation, path):
            put(operation, path, _wrong(operation.get(path), value))

    return shown_operation(hook)


def _has_its_place(operation: Resource, path: str) -> bool:
    """Whether an operation can have the field at this moment: endTime when it is DONE, errors when it has failed."""
    if path.startswith(("error", "httpError")):
        error = operation.get("error")
        return bool(error.get("errors") if isinstance(error, dict) else error)
    if path.startswith("warnings"):
        return bool(operation.get("warnings"))
    return path != "endTime" or operation["status"] == "DONE"


def _fault(resource: str, change: Callable[[str, object], Change], path: str, value: object, also: str = "") -> Fault:
    kind = "number" if value == NUMBER else "text"
    others = tuple(also.split(",")) if also else ()
    return Fault(f"{resource}.type.{path.replace('[]', '')}", kind, f"{path} is a {kind}", change(path, value), others)


FAULTS: tuple[Fault, ...] = (
    *(_fault("image", _in_images, *row) for row in IMAGE),
    *(_fault("operation", _in_operations, *row) for row in OPERATION),
)
