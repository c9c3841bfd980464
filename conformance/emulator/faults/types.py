"""Faults of type: one field of an answer has a value of another JSON type than the API reference says."""

from __future__ import annotations

from conformance.emulator.behaviour import Call, Resource
from conformance.emulator.faults.row import Change, Fault, put, shown_image, shown_operation

NUMBER, TEXT = 17, "text"

IMAGE: tuple[tuple[str, object], ...] = (
    ("kind", NUMBER),
    ("id", NUMBER),
    ("creationTimestamp", NUMBER),
    ("name", NUMBER),
    ("description", NUMBER),
    ("sourceType", NUMBER),
    ("rawDisk", TEXT),
    ("rawDisk.source", NUMBER),
    ("rawDisk.sha1Checksum", NUMBER),
    ("rawDisk.containerType", NUMBER),
    ("deprecated", TEXT),
    ("deprecated.state", NUMBER),
    ("deprecated.replacement", NUMBER),
    ("deprecated.deprecated", NUMBER),
    ("deprecated.obsolete", NUMBER),
    ("deprecated.deleted", NUMBER),
    ("deprecated.stateOverride", TEXT),
    ("deprecated.stateOverride.locationRolloutPolicies", TEXT),
    ("deprecated.stateOverride.defaultRolloutTime", NUMBER),
    ("status", NUMBER),
    ("archiveSizeBytes", NUMBER),
    ("diskSizeGb", NUMBER),
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
    ("labelFingerprint", NUMBER),
    ("guestOsFeatures", TEXT),
    ("guestOsFeatures[].type", NUMBER),
    ("licenseCodes", TEXT),
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
    ("architecture", NUMBER),
    ("userLicenses", TEXT),
    ("satisfiesPzs", TEXT),
    ("satisfiesPzi", TEXT),
    ("enableConfidentialCompute", TEXT),
)

_DETAILS = "error.errors[].errorDetails[]"

OPERATION: tuple[tuple[str, object], ...] = (
    ("kind", NUMBER),
    ("id", NUMBER),
    ("creationTimestamp", NUMBER),
    ("name", NUMBER),
    ("clientOperationId", NUMBER),
    ("operationType", NUMBER),
    ("targetLink", NUMBER),
    ("targetId", NUMBER),
    ("status", NUMBER),
    ("statusMessage", NUMBER),
    ("user", NUMBER),
    ("progress", TEXT),
    ("insertTime", NUMBER),
    ("startTime", NUMBER),
    ("endTime", NUMBER),
    ("error", TEXT),
    ("error.errors", TEXT),
    ("error.errors[].code", NUMBER),
    ("error.errors[].location", NUMBER),
    ("error.errors[].message", NUMBER),
    ("error.errors[].errorDetails", TEXT),
    (f"{_DETAILS}.errorInfo", TEXT),
    (f"{_DETAILS}.errorInfo.reason", NUMBER),
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
    ("warnings", TEXT),
    ("warnings[].code", NUMBER),
    ("warnings[].message", NUMBER),
    ("warnings[].data", TEXT),
    ("warnings[].data[].key", NUMBER),
    ("warnings[].data[].value", NUMBER),
    ("httpErrorStatusCode", TEXT),
    ("httpErrorMessage", NUMBER),
    ("selfLink", NUMBER),
    ("description", NUMBER),
    ("operationGroupId", NUMBER),
)
"""Paths with a value of a wrong type; `[]` stands for the items of a list."""


def _in_images(path: str, value: object) -> Change:
    return shown_image(lambda image, call, times: put(image, path, value))


def _in_operations(path: str, value: object) -> Change:
    def hook(operation: Resource, call: Call, times: int) -> None:
        del call, times
        if _has_its_place(operation, path):
            put(operation, path, value)

    return shown_operation(hook)


def _has_its_place(operation: Resource, path: str) -> bool:
    """Whether an operation can have the field at this moment: endTime when it is DONE, errors when it has failed."""
    if path.startswith(("error", "httpError")):
        return "error" in operation
    if path.startswith("warnings"):
        return bool(operation.get("warnings"))
    return path != "endTime" or operation["status"] == "DONE"


def _row(resource: str, path: str, value: object, change: Change) -> Fault:
    kind = "number" if value == NUMBER else "text"
    return Fault(f"{resource}.type.{path.replace('[]', '')}", kind, f"{path} is a {kind}", change)


FAULTS: tuple[Fault, ...] = (
    *(_row("image", path, value, _in_images(path, value)) for path, value in IMAGE),
    *(_row("operation", path, value, _in_operations(path, value)) for path, value in OPERATION),
)
