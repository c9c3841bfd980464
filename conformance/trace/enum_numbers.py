"""Enums as numbers, which a client may ask for with `enum-encoding=int`: the names that the numbers stand for.

The client libraries number the values of Compute Engine's enums by a hash of their names, so a name tells its number.
"""

from __future__ import annotations

from typing import Any

_ENUMS = frozenset(
    {"status", "sourceType", "architecture", "containerType", "state", "fileType", "type", "code", "rolloutStatus"}
)
"""The fields of images and operations that are enums, or texts of a closed list, wherever they stand."""

_NAMES = (
    *("PENDING", "RUNNING", "DONE", "READY", "FAILED", "DELETING", "RAW", "TAR", "ARM64", "X86_64"),
    *("ACTIVE", "DEPRECATED", "OBSOLETE", "DELETED", "BIN", "X509", "UNDEFINED", "IN_PROGRESS"),
    *("VIRTIO_SCSI_MULTIQUEUE", "WINDOWS", "MULTI_IP_SUBNET", "UEFI_COMPATIBLE", "GVNIC", "SEV_CAPABLE", "IDPF"),
    *("SUSPEND_RESUME_COMPATIBLE", "SEV_LIVE_MIGRATABLE", "SEV_LIVE_MIGRATABLE_V2", "SEV_SNP_CAPABLE", "TDX_CAPABLE"),
    *("SECURE_BOOT", "CCA_CAPABLE", "BARE_METAL_LINUX_COMPATIBLE", "SNP_SVSM_CAPABLE"),
    *("DEPRECATED_RESOURCE_USED", "NO_RESULTS_ON_PAGE", "UNREACHABLE", "PARTIAL_SUCCESS", "CLEANUP_FAILED"),
    *("DISK_SIZE_LARGER_THAN_IMAGE_SIZE", "FIELD_VALUE_OVERRIDEN", "NOT_CRITICAL_ERROR", "RESOURCE_NOT_DELETED"),
)


def number_of(name: str) -> int:
    """The number that stands for a value of an enum."""
    number = 0
    for character in name:
        number = (number * 31 + ord(character)) & 0xFFFFFFFF
    return number & 0x1FFFFFFF


_BY_NUMBER = {number_of(name): name for name in _NAMES}


def with_names(value: Any) -> Any:
    """An answer with names in the place of the numbers of its enums, as far as their names are known."""
    if isinstance(value, list):
        return [with_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _BY_NUMBER.get(part, part) if key in _ENUMS and _is_number(part) else with_names(part)
        for key, part in value.items()
    }


def holds_number(value: Any) -> bool:
    """Whether an enum of an answer is a number still."""
    if isinstance(value, list):
        return any(holds_number(item) for item in value)
    if not isinstance(value, dict):
        return False
    return any((key in _ENUMS and _is_number(part)) or holds_number(part) for key, part in value.items())


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
