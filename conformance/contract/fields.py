"""The fields of Image and Operation, as the API reference documents them: the one table that rules and strategies read.

A path is written `rawDisk.source`; `keks[]` stands for each item of a list, `labels{}` for each value of a map. Enums
are open in answers: a server may know more values than the reference lists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

FieldType = Literal["string", "boolean", "integer", "number", "object", "array", "map"]
SetBy = Literal["client", "server"]

DEPRECATION_STATES = ("ACTIVE", "DEPRECATED", "OBSOLETE", "DELETED")
FILE_TYPES = ("BIN", "X509")
GUEST_OS_FEATURES = (
    "VIRTIO_SCSI_MULTIQUEUE",
    "WINDOWS",
    "MULTI_IP_SUBNET",
    "UEFI_COMPATIBLE",
    "GVNIC",
    "SEV_CAPABLE",
    "SUSPEND_RESUME_COMPATIBLE",
    "SEV_LIVE_MIGRATABLE_V2",
    "SEV_SNP_CAPABLE",
    "TDX_CAPABLE",
    "IDPF",
)
ARCHITECTURES = ("ARM64", "X86_64")

NAME_PATTERN = "[a-z]([-a-z0-9]*[a-z0-9])?"
NAME_MAXIMUM = 63


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource.

    Args:
        path: where it stands in the resource.
        type: its JSON type; a `map` is an object with keys of the user's choice.
        format: int64, uint64, date-time, byte or uri; "" where the type says it all.
        set_by: whether a client may send it, or only the server sets it.
        enum: the values that the reference lists; empty where it lists none.
        pattern: what a text has to match from end to end; "" for any text.
        maximum: characters of a text at most; 0 for no limit.
        deprecated: whether the reference calls it deprecated.
        accepted: what it rests on that an insert with a valid value succeeds: `doc` where the value stands for
            itself, `conv` where it names something that the target may lack, or sets what it may reserve for others;
            "" where no rule says so.
    """

    path: str
    type: FieldType
    format: str = ""
    set_by: SetBy = "client"
    enum: tuple[str, ...] = ()
    pattern: str = ""
    maximum: int = 0
    deprecated: bool = False
    accepted: Literal["doc", "conv", ""] = ""


def _encryption_key(name: str, *, kms_accepted: Literal["conv", ""] = "") -> tuple[Field, ...]:
    return (
        Field(name, "object"),
        Field(f"{name}.rawKey", "string"),
        Field(f"{name}.rsaEncryptedKey", "string"),
        Field(f"{name}.kmsKeyName", "string", accepted=kms_accepted),
        Field(f"{name}.sha256", "string", set_by="server"),
        Field(f"{name}.kmsKeyServiceAccount", "string"),
    )


def _rollout_policy(name: str, *, accepted: Literal["conv", ""] = "") -> tuple[Field, ...]:
    return (
        Field(name, "object", accepted=accepted),
        Field(f"{name}.locationRolloutPolicies", "map"),
        Field(f"{name}.locationRolloutPolicies{{}}", "string", "date-time"),
        Field(f"{name}.defaultRolloutTime", "string", "date-time"),
    )


def _secure_boot_files(name: str) -> tuple[Field, ...]:
    path = f"shieldedInstanceInitialState.{name}"
    return (
        Field(f"{path}[]", "object"),
        Field(f"{path}[].content", "string", "byte"),
        Field(f"{path}[].fileType", "string", enum=FILE_TYPES),
    )


IMAGE_FIELDS: tuple[Field, ...] = (
    Field("kind", "string", set_by="server"),
    Field("id", "string", "uint64", set_by="server"),
    Field("creationTimestamp", "string", "date-time", set_by="server"),
    Field("name", "string", pattern=NAME_PATTERN, maximum=NAME_MAXIMUM),
    Field("description", "string", accepted="doc"),
    Field("sourceType", "string", enum=("RAW",), accepted="doc"),
    Field("rawDisk", "object"),
    Field("rawDisk.source", "string", "uri"),
    Field("rawDisk.sha1Checksum", "string", deprecated=True),
    Field("rawDisk.containerType", "string", enum=("TAR",)),
    Field("deprecated", "object", accepted="conv"),
    Field("deprecated.state", "string", enum=DEPRECATION_STATES),
    Field("deprecated.replacement", "string", "uri"),
    Field("deprecated.deprecated", "string", "date-time"),
    Field("deprecated.obsolete", "string", "date-time"),
    Field("deprecated.deleted", "string", "date-time"),
    *_rollout_policy("deprecated.stateOverride"),
    Field("status", "string", set_by="server", enum=("FAILED", "PENDING", "READY")),
    Field("archiveSizeBytes", "string", "int64", set_by="server"),
    Field("diskSizeGb", "string", "int64", accepted="doc"),
    Field("sourceDisk", "string", "uri"),
    Field("sourceDiskId", "string", set_by="server"),
    Field("licenses", "array", accepted="conv"),
    Field("licenses[]", "string", "uri"),
    Field("family", "string", pattern=NAME_PATTERN, maximum=NAME_MAXIMUM, accepted="doc"),
    *_encryption_key("imageEncryptionKey", kms_accepted="conv"),
    *_encryption_key("sourceDiskEncryptionKey"),
    Field("selfLink", "string", "uri", set_by="server"),
    Field("labels", "map", accepted="doc"),
    Field("labels{}", "string", maximum=NAME_MAXIMUM),
    Field("labelFingerprint", "string", "byte", set_by="server"),
    Field("guestOsFeatures", "array", accepted="doc"),
    Field("guestOsFeatures[]", "object"),
    Field("guestOsFeatures[].type", "string", enum=GUEST_OS_FEATURES),
    Field("licenseCodes", "array", accepted="conv"),
    Field("licenseCodes[]", "string", "int64"),
    Field("sourceImage", "string", "uri"),
    Field("sourceImageId", "string", set_by="server"),
    *_encryption_key("sourceImageEncryptionKey"),
    Field("sourceSnapshot", "string", "uri"),
    Field("sourceSnapshotId", "string", set_by="server"),
    *_encryption_key("sourceSnapshotEncryptionKey"),
    Field("storageLocations", "array", accepted="conv"),
    Field("storageLocations[]", "string"),
    Field("shieldedInstanceInitialState", "object"),
    Field("shieldedInstanceInitialState.pk", "object"),
    Field("shieldedInstanceInitialState.pk.content", "string", "byte"),
    Field("shieldedInstanceInitialState.pk.fileType", "string", enum=FILE_TYPES),
    Field("shieldedInstanceInitialState.keks", "array"),
    *_secure_boot_files("keks"),
    Field("shieldedInstanceInitialState.dbs", "array"),
    *_secure_boot_files("dbs"),
    Field("shieldedInstanceInitialState.dbxs", "array"),
    *_secure_boot_files("dbxs"),
    *_rollout_policy("rolloutOverride", accepted="conv"),
    Field("satisfiesPzs", "boolean", set_by="server"),
    Field("locked", "boolean", accepted="conv"),
    Field("architecture", "string", enum=ARCHITECTURES, accepted="doc"),
    Field("userLicenses", "array", accepted="conv"),
    Field("userLicenses[]", "string", "uri"),
    Field("enableConfidentialCompute", "boolean", set_by="server"),
    Field("satisfiesPzi", "boolean", set_by="server"),
)


SERVER_SET = frozenset(field.path for field in IMAGE_FIELDS if field.set_by == "server" and "." not in field.path)
"""The fields at the top of an image that only the server sets."""


def _answered(path: str, type: FieldType, format: str = "", **details: Any) -> Field:
    return Field(path, type, format, set_by="server", **details)


OPERATION_FIELDS: tuple[Field, ...] = (
    _answered("kind", "string"),
    _answered("id", "string", "uint64"),
    _answered("creationTimestamp", "string", deprecated=True),
    _answered("name", "string"),
    _answered("zone", "string"),
    _answered("clientOperationId", "string"),
    _answered("operationType", "string"),
    _answered("targetLink", "string"),
    _answered("targetId", "string", "uint64"),
    _answered("status", "string", enum=("PENDING", "RUNNING", "DONE")),
    _answered("statusMessage", "string"),
    _answered("user", "string"),
    _answered("progress", "integer"),
    _answered("insertTime", "string", "date-time"),
    _answered("startTime", "string", "date-time"),
    _answered("endTime", "string", "date-time"),
    _answered("error", "object"),
    _answered("error.errors", "array"),
    _answered("error.errors[]", "object"),
    _answered("error.errors[].code", "string"),
    _answered("error.errors[].location", "string"),
    _answered("error.errors[].message", "string"),
    _answered("error.errors[].errorDetails", "array"),
    _answered("error.errors[].errorDetails[]", "object"),
    _answered("error.errors[].errorDetails[].errorInfo", "object"),
    _answered("error.errors[].errorDetails[].errorInfo.reason", "string"),
    _answered("error.errors[].errorDetails[].errorInfo.domain", "string"),
    _answered("error.errors[].errorDetails[].errorInfo.metadatas", "map"),
    _answered("error.errors[].errorDetails[].errorInfo.metadatas{}", "string"),
    _answered("error.errors[].errorDetails[].quotaInfo", "object"),
    _answered("error.errors[].errorDetails[].quotaInfo.metricName", "string"),
    _answered("error.errors[].errorDetails[].quotaInfo.limitName", "string"),
    _answered("error.errors[].errorDetails[].quotaInfo.dimensions", "map"),
    _answered("error.errors[].errorDetails[].quotaInfo.dimensions{}", "string"),
    _answered("error.errors[].errorDetails[].quotaInfo.limit", "number"),
    _answered("error.errors[].errorDetails[].quotaInfo.futureLimit", "number"),
    _answered("error.errors[].errorDetails[].quotaInfo.rolloutStatus", "string"),
    _answered("error.errors[].errorDetails[].help", "object"),
    _answered("error.errors[].errorDetails[].help.links", "array"),
    _answered("error.errors[].errorDetails[].help.links[]", "object"),
    _answered("error.errors[].errorDetails[].help.links[].description", "string"),
    _answered("error.errors[].errorDetails[].help.links[].url", "string"),
    _answered("error.errors[].errorDetails[].localizedMessage", "object"),
    _answered("error.errors[].errorDetails[].localizedMessage.locale", "string"),
    _answered("error.errors[].errorDetails[].localizedMessage.message", "string"),
    _answered("warnings", "array"),
    _answered("warnings[]", "object"),
    _answered("warnings[].code", "string"),
    _answered("warnings[].message", "string"),
    _answered("warnings[].data", "array"),
    _answered("warnings[].data[]", "object"),
    _answered("warnings[].data[].key", "string"),
    _answered("warnings[].data[].value", "string"),
    _answered("httpErrorStatusCode", "integer"),
    _answered("httpErrorMessage", "string"),
    _answered("selfLink", "string"),
    _answered("region", "string"),
    _answered("description", "string"),
    _answered("operationGroupId", "string"),
    _answered("setCommonInstanceMetadataOperationMetadata", "object"),
    _answered("instancesBulkInsertOperationMetadata", "object"),
)
"""Of the two metadata objects of other methods only the presence matters here: an operation of images carries
neither."""


NEVER_ANSWERED = re.compile(r".*\.(?:rawKey|rsaEncryptedKey)|source\w+EncryptionKey.*")
"""Fields of an image that an answer must not have: other rules say so, and there is no type to judge."""


_LISTED = {
    "string": "a string",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "object": "an object",
    "map": "a map",
    "array": "an array",
    "int64": "a string in int64 format",
    "uint64": "a string in uint64 format",
    "date-time": "a string in RFC 3339 format",
    "byte": "a string in base64",
}


def listed_as(fields: Sequence[Field]) -> str:
    """What the reference lists a field as; the further fields are the items of a list, or the values of a map."""
    first, *inner = (_LISTED.get(field.format) or _LISTED[field.type] for field in fields)
    return f"{first} whose members are each {inner[-1]}" if inner else first


def rule_name(path: str) -> str:
    """The path of a field as it stands in rule ids: `shieldedInstanceInitialState.keks.content`."""
    return path.replace("[]", "").replace("{}", "")


def type_rules(*fields: str) -> tuple[str, ...]:
    """The rules about the types of fields of an image and of what is in them: a value of another type is their
    matter."""
    names = {rule_name(field.path) for field in IMAGE_FIELDS if not NEVER_ANSWERED.fullmatch(field.path)}
    found = {name for name in names if any(name == field or name.startswith(f"{field}.") for field in fields)}
    return tuple(f"image.type.{name}" for name in sorted(found))


def acceptance_id(path: str) -> str:
    """The id of the rule that a field is accepted: `image.disk-size-gb.accepted` of diskSizeGb."""
    name = path.rpartition(".")[2]
    return f"image.{re.sub('(?=[A-Z])', '-', name).lower()}.accepted"


def acceptance_rules(*paths: str) -> tuple[str, ...]:
    """The rules that say that fields of an image, what is in them or what they are in is accepted: refused, it is
    never seen."""
    return tuple(
        acceptance_id(field.path)
        for field in IMAGE_FIELDS
        if field.accepted and any(_holds(field.path, path) or _holds(path, field.path) for path in paths)
    )


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}.")
