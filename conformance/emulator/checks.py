"""What a request must keep: one check for each documented rule about fields, by name."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from conformance.emulator.errors import ApiError, invalid, required

NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
LABEL_KEY = re.compile(r"[^\W\d_][\w-]{0,62}")
PLACE = re.compile(r"[A-Za-z0-9-]+")
REGION = re.compile(r"us|eu|asia|[a-z]{2,4}\d|[a-z]+-[a-z]+\d{1,2}", re.IGNORECASE)
LABEL_VALUE = re.compile(r"[\w-]{0,63}")

STATES = {"ACTIVE", "DEPRECATED", "OBSOLETE", "DELETED"}
FEATURES = {
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
    "SEV_LIVE_MIGRATABLE",
    "SECURE_BOOT",
}
KEYS = ("imageEncryptionKey", "sourceDiskEncryptionKey", "sourceImageEncryptionKey", "sourceSnapshotEncryptionKey")
WRAPPED_BYTES = 256
FILE_LISTS = ("keks", "dbs", "dbxs")

OUTPUT_ONLY = (
    *("kind", "id", "creationTimestamp", "selfLink", "status", "sourceDiskId", "sourceImageId", "sourceSnapshotId"),
    *("satisfiesPzs", "satisfiesPzi", "enableConfidentialCompute", "labelFingerprint", "archiveSizeBytes"),
)
"""What the server alone sets of an image."""

TEXT, FLAG, NUMBER, TEXTS, MAP = "string", "boolean", "int64", "list of strings", "map of strings"
_FILE = {"content": TEXT, "fileType": TEXT}
_POLICY = {"locationRolloutPolicies": MAP, "defaultRolloutTime": TEXT}
_KEY = dict.fromkeys(("rawKey", "rsaEncryptedKey", "kmsKeyName", "sha256", "kmsKeyServiceAccount"), TEXT)

SHAPE: dict[str, Any] = {
    "name": TEXT,
    "description": TEXT,
    "sourceType": TEXT,
    "rawDisk": {"source": TEXT, "sha1Checksum": TEXT, "containerType": TEXT},
    "deprecated": {
        **dict.fromkeys(("state", "replacement", "deprecated", "obsolete", "deleted"), TEXT),
        "stateOverride": _POLICY,
    },
    "diskSizeGb": NUMBER,
    "sourceDisk": TEXT,
    "licenses": TEXTS,
    "family": TEXT,
    **dict.fromkeys(KEYS, _KEY),
    "labels": MAP,
    "guestOsFeatures": [{"type": TEXT}],
    "licenseCodes": [NUMBER],
    "sourceImage": TEXT,
    "sourceSnapshot": TEXT,
    "storageLocations": TEXTS,
    "shieldedInstanceInitialState": {"pk": _FILE, "keks": [_FILE], "dbs": [_FILE], "dbxs": [_FILE]},
    "rolloutOverride": _POLICY,
    "locked": FLAG,
    "architecture": TEXT,
    "userLicenses": TEXTS,
}
"""The JSON types of all fields that a client may set."""

Check = Callable[[dict[str, Any], dict[str, str]], None]


def is_time(value: str) -> bool:
    """Whether a text is an RFC 3339 timestamp."""
    if not TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value.upper()).replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def from_base64(value: str) -> bytes | None:
    """The bytes behind a base64 text, padded or not, of either alphabet; None for anything else."""
    text = value.rstrip("=").replace("-", "+").replace("_", "/")
    if value and not text:
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _types(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    _type_of("", body, SHAPE)


def well_typed(body: dict[str, Any]) -> bool:
    """Whether all fields of a body have the JSON types that the reference documents."""
    try:
        _types(body, {})
    except ApiError:
        return False
    return True


def _type_of(path: str, value: Any, shape: Any) -> None:
    """Raises where a value is not of the shape that the reference documents; null is always an absent field."""
    if value is None:
        return
    if isinstance(shape, dict):
        _wrong_unless(isinstance(value, dict), path, value, "an object")
        for key, part in shape.items():
            _type_of(f"{path}.{key}" if path else key, value.get(key), part)
    elif isinstance(shape, list):
        _wrong_unless(isinstance(value, list), path, value, "a list")
        for item in value:
            _type_of(path, item, shape[0])
    elif shape == TEXTS:
        _type_of(path, value, [TEXT])
    elif shape == MAP:
        _wrong_unless(isinstance(value, dict), path, value, "an object")
        _wrong_unless(all(isinstance(part, str | None) for part in value.values()), path, value, "a map of strings")
    elif shape == NUMBER:
        number = isinstance(value, int) and not isinstance(value, bool)
        text = isinstance(value, str) and re.fullmatch(r"-?\d{1,40}|", value)
        _wrong_unless(bool(number or text), path, value, "a whole number")
    elif shape == FLAG:
        _wrong_unless(isinstance(value, bool), path, value, "a boolean")
    else:
        _wrong_unless(isinstance(value, str), path, value, "a string")


def _wrong_unless(right: bool, path: str, value: Any, wanted: str) -> None:
    if not right:
        raise invalid(f"resource.{path}", type(value).__name__, f"It must be {wanted}.")


def _disk_size(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    _within("diskSizeGb", body.get("diskSizeGb"), 0)


def _license_codes(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    for code in body.get("licenseCodes") or []:
        _within("licenseCodes", code, -(2**63))


def _within(path: str, value: Any, least: int) -> None:
    """Raises for a number beyond the range of a field."""
    if value and isinstance(value, str | int) and not least <= int(value) < 2**63:
        raise invalid(f"resource.{path}", value, "It is out of range.")


def _name_required(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    if body.get("name") is None:
        raise required("resource.name")


def _name_length(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    name = body.get("name")
    if name is not None and not 1 <= len(name) <= 63:
        raise invalid("resource.name", name, "It must have 1 to 63 characters.")


def _name_pattern(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    name = body.get("name")
    if name and len(name) <= 63 and not NAME.fullmatch(name):
        raise invalid("resource.name", name, f"Must be a match of regex '{NAME.pattern}'")


def _family(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    family = body.get("family")
    if family and not NAME.fullmatch(family):
        raise invalid("resource.family", family, f"Must be a match of regex '{NAME.pattern}'")


def _one_of(path: str, allowed: set[str]) -> Check:
    *parents, name = path.split(".")

    def check(body: dict[str, Any], query: dict[str, str]) -> None:
        del query
        part: Any = body
        for parent in parents:
            part = part.get(parent) or {}
        if part.get(name) and part[name] not in allowed:
            raise invalid(f"resource.{path}", part[name], f"It must be one of {', '.join(sorted(allowed))}.")

    return check


def deprecation_times(status: dict[str, Any]) -> None:
    """Raises where a time of a deprecation is not RFC 3339."""
    for name in ("deprecated", "obsolete", "deleted"):
        if status.get(name) and not is_time(status[name]):
            raise invalid(f"resource.deprecated.{name}", status[name], "It must be an RFC 3339 timestamp.")


def _deprecation_times(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    deprecation_times(body.get("deprecated") or {})


def labels(body: dict[str, Any], query: dict[str, str] | None = None) -> None:
    """Raises where labels are beyond their limits."""
    del query
    values = body.get("labels") or {}
    if len(values) > 64:
        raise invalid("resource.labels", "", "There may be at most 64 labels.")
    for key, value in values.items():
        for text, pattern in ((key, LABEL_KEY), (value or "", LABEL_VALUE)):
            if not pattern.fullmatch(text) or text != text.lower():
                raise invalid("resource.labels", "", f"Label '{text}' violates format constraints.")


def _features(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    for item in body.get("guestOsFeatures") or []:
        types = str((item or {}).get("type") or "").split(",")
        if any(name.strip() not in FEATURES for name in types if name):
            raise invalid("resource.guestOsFeatures.type", item["type"], "There is no such feature.")


def _files(body: dict[str, Any]) -> list[dict[str, Any]]:
    state = body.get("shieldedInstanceInitialState") or {}
    files = [state.get("pk") or {}]
    for name in FILE_LISTS:
        files.extend(item or {} for item in state.get(name) or [])
    return files


def _file_content(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    for file in _files(body):
        if file.get("content") and from_base64(file["content"]) is None:
            raise invalid("resource.shieldedInstanceInitialState.content", "", "It must be base64.")


def _file_type(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    for file in _files(body):
        if file.get("fileType") and file["fileType"] not in ("BIN", "X509", "UNDEFINED"):
            raise invalid("resource.shieldedInstanceInitialState.fileType", file["fileType"], "It must be BIN or X509.")


def _rollout(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    policy = body.get("rolloutOverride") or {}
    for time in [policy.get("defaultRolloutTime"), *(policy.get("locationRolloutPolicies") or {}).values()]:
        if time and not is_time(time):
            raise invalid("resource.rolloutOverride", time, "It must be an RFC 3339 timestamp.")


def _raw_key(name: str) -> Check:
    def check(body: dict[str, Any], query: dict[str, str]) -> None:
        del query
        raw = (body.get(name) or {}).get("rawKey")
        if raw and len(from_base64(raw) or b"") != 32:
            raise invalid(f"resource.{name}.rawKey", "", "It must be base64 of 256 bits.")

    return check


def _one_key(name: str) -> Check:
    def check(body: dict[str, Any], query: dict[str, str]) -> None:
        del query
        key = body.get(name) or {}
        if key.get("rawKey") and key.get("rsaEncryptedKey"):
            raise invalid(f"resource.{name}", "", "Give rawKey or rsaEncryptedKey, not both.")

    return check


def _wrapped_key(name: str) -> Check:
    def check(body: dict[str, Any], query: dict[str, str]) -> None:
        del query
        wrapped = (body.get(name) or {}).get("rsaEncryptedKey")
        if wrapped and from_base64(re.sub(r"\s", "", wrapped)) is None:
            raise invalid(f"resource.{name}.rsaEncryptedKey", "", "It must be base64.")

    return check


def _wrapped_length(name: str) -> Check:
    def check(body: dict[str, Any], query: dict[str, str]) -> None:
        del query
        wrapped = (body.get(name) or {}).get("rsaEncryptedKey")
        content = from_base64(re.sub(r"\s", "", wrapped)) if wrapped else None
        if content is not None and len(content) != WRAPPED_BYTES:
            raise invalid(f"resource.{name}.rsaEncryptedKey", "", "It must be a key that is wrapped with 2048 bits.")

    return check


def sources_of(body: dict[str, Any]) -> list[str]:
    """The fields by which an insert names sources."""
    named = [name for name in ("sourceDisk", "sourceImage", "sourceSnapshot") if body.get(name)]
    return named + (["rawDisk"] if (body.get("rawDisk") or {}).get("source") else [])


def _source_required(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    if not sources_of(body):
        raise ApiError(400, "invalidUsage", "Invalid resource usage: 'Must specify exactly one source for an image.'.")


def _source_exclusive(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    if len(sources_of(body)) > 1:
        raise ApiError(400, "invalidUsage", "Invalid resource usage: 'Must specify exactly one source for an image.'.")


def _force_create(body: dict[str, Any], query: dict[str, str]) -> None:
    del body
    if query.get("forceCreate", "").lower() not in ("", "true", "false", "1", "0"):
        raise ApiError(400, "invalidParameter", f"Invalid value '{query['forceCreate']}' for forceCreate: no boolean.")


def request_id_zero(query: dict[str, str]) -> None:
    """Raises for the zero UUID."""
    if query.get("requestId") == "00000000-0000-0000-0000-000000000000":
        raise ApiError(400, "invalid", "Invalid value for field 'requestId': the zero UUID is not supported.")


def request_id_malformed(query: dict[str, str]) -> None:
    """Raises for what is no UUID."""
    if query.get("requestId") and not UUID.fullmatch(query["requestId"]):
        raise ApiError(400, "invalid", f"Invalid value for field 'requestId': '{query['requestId']}' is no UUID.")


def _replacement_kind(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    replacement = (body.get("deprecated") or {}).get("replacement")
    if replacement and "/images/" not in f"/{replacement}":
        raise invalid("resource.deprecated.replacement", replacement, "It must be an image.")


def _state_override(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    policy = (body.get("deprecated") or {}).get("stateOverride") or {}
    _zones_of(policy, "resource.deprecated.stateOverride")
    for time in [policy.get("defaultRolloutTime"), *(policy.get("locationRolloutPolicies") or {}).values()]:
        if time and not is_time(time):
            raise invalid("resource.deprecated.stateOverride", time, "It must be an RFC 3339 timestamp.")


def _rollout_zones(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    _zones_of(body.get("rolloutOverride") or {}, "resource.rolloutOverride")


def _zones_of(policy: dict[str, Any], path: str) -> None:
    for zone in policy.get("locationRolloutPolicies") or {}:
        if not re.fullmatch(r"(?:.*/)?zones/[^/]+", zone):
            raise invalid(path, zone, "It must be a zone, such as zones/us-central1-a.")


def _kms_key(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    name = (body.get("imageEncryptionKey") or {}).get("kmsKeyName")
    if name and not re.fullmatch(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/.+", name):
        raise invalid("resource.imageEncryptionKey.kmsKeyName", name, "It is no name of a key.")


def _places(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    for place in body.get("storageLocations") or []:
        if place and not PLACE.fullmatch(place):
            raise invalid("resource.storageLocations", place, "It is no name of a location.")


def _known_places(body: dict[str, Any], query: dict[str, str]) -> None:
    del query
    for place in body.get("storageLocations") or []:
        if place and PLACE.fullmatch(place) and not REGION.fullmatch(place):
            raise invalid("resource.storageLocations", place, "There is no such location.")


OF_DEPRECATIONS = (
    *("image.deprecated.state", "image.deprecated.timestamps"),
    *("deprecate.replacement-kind", "image.deprecated.state-override"),
)
"""The checks of a deprecation, by insert or by deprecate."""

BODY_CHECKS: dict[str, Check] = {
    "force-create.not-boolean": _force_create,
    "types": _types,
    "image.name.required": _name_required,
    "image.name.length": _name_length,
    "image.name.pattern": _name_pattern,
    "image.family.pattern": _family,
    "image.disk-size-gb.range": _disk_size,
    "image.license-codes.range": _license_codes,
    "image.source-type": _one_of("sourceType", {"RAW"}),
    "image.raw-disk.container-type": _one_of("rawDisk.containerType", {"TAR"}),
    "image.architecture": _one_of("architecture", {"ARM64", "X86_64"}),
    "image.deprecated.state": _one_of("deprecated.state", STATES),
    "image.deprecated.timestamps": _deprecation_times,
    "image.labels.limits": labels,
    "image.guest-os-features.type": _features,
    "image.shielded.base64": _file_content,
    "image.shielded.file-type": _file_type,
    "image.rollout-override.timestamps": _rollout,
    "image.rollout-override.zones": _rollout_zones,
    "deprecate.replacement-kind": _replacement_kind,
    "image.deprecated.state-override": _state_override,
    "image.kms-key-name.malformed": _kms_key,
    "image.storage-locations.malformed": _places,
    "image.storage-locations.unknown": _known_places,
    **{
        f"encryption.{rule}": make(name)
        for key, name in zip(("image", "source-disk", "source-image", "source-snapshot"), KEYS, strict=True)
        for rule, make in (
            (f"{key}.raw-key-length", _raw_key),
            (f"{key}.raw-or-rsa", _one_key),
            (f"{key}.rsa-base64", _wrapped_key),
            (f"{key}.rsa-length", _wrapped_length),
        )
    },
    "source.required": _source_required,
    "source.exclusive": _source_exclusive,
}
"""The checks of an insert in the order in which they are made; a check is named after the rule that it keeps."""


def check_insert(body: dict[str, Any], query: dict[str, str], unchecked: set[str]) -> None:
    """Makes every check but those left out.

    Where the types of fields are among these, the others may meet any JSON value, of which they have nothing to say.

    Raises:
        ApiError: the request is refused.
    """
    for name, check in BODY_CHECKS.items():
        if name not in unchecked:
            with contextlib.suppress(TypeError, AttributeError):
                check(body, query)
