"""What a body may hold beside a source, and what of it has to come back; each row goes into a plain body."""

from __future__ import annotations

from typing import Any

from strategies import secure_boot, values

EXTRAS: tuple[dict[str, Any], ...] = (
    {"licenses": [values.LICENSE]},
    {"licenseCodes": [str(values.EXACT_LICENSE_CODE)]},
    {"licenseCodes": [str(values.EXACT_LICENSE_CODE + 2**55)]},
    {"userLicenses": [values.LICENSE]},
    {"storageLocations": ["eu"]},
    {"imageEncryptionKey": {"kmsKeyName": values.KMS_KEY, "kmsKeyServiceAccount": values.SERVICE_ACCOUNT}},
    {
        "rolloutOverride": {
            "defaultRolloutTime": "2030-01-02T03:04:05Z",
            "locationRolloutPolicies": {"zones/us-central1-a": "2030-01-02T03:04:05Z"},
        }
    },
    {
        "deprecated": {
            "state": "DEPRECATED",
            "replacement": "projects/debian-cloud/global/images/debian-12",
            "deprecated": "2001-02-03T04:05:06Z",
            "obsolete": "2030-01-02T03:04:05Z",
            "deleted": "2031-01-02T03:04:05Z",
            "stateOverride": {
                "defaultRolloutTime": "2001-02-03T04:05:06Z",
                "locationRolloutPolicies": {"zones/us-central1-a": "2001-02-03T04:05:06Z"},
            },
        }
    },
    {"deprecated": {"state": "ACTIVE", "deleted": "2001-02-03T04:05:06Z"}},
    {"locked": True},
    {"architecture": "ARM64", "family": "conformance-family", "labels": {"colour": "blue"}},
    {"guestOsFeatures": [{"type": "GVNIC"}, {"type": "UEFI_COMPATIBLE"}, {"type": "WINDOWS"}]},
    {
        "shieldedInstanceInitialState": {
            "pk": secure_boot.file("X509"),
            "keks": [secure_boot.file("X509")],
            "dbs": [secure_boot.file("X509"), secure_boot.file("BIN")],
            "dbxs": [secure_boot.file("BIN", 1)],
        }
    },
)
"""A target may refuse these for what they name; what it takes has to come back."""

TEXTS = (
    "plain",
    "  blanks at both ends  ",
    "first line\nsecond line\r\nthird\ttab",
    "ends with a newline\n",
    "é ü 漢字 العربية 🖼 \u0301",
    '<b>&amp;</b> "quoted" \\ back',
)

LABELS = {"plain": "value", "empty": "", "with-dash_and_line": "0-9_z", "k" * 63: "v" * 63}

UNKNOWN: tuple[dict[str, Any], ...] = (
    {"conformanceUnknown": "value"},
    {"conformanceUnknown": {"nested": ["value"]}},
    {"shieldedInstanceInitialState": {"pk": secure_boot.file("X509"), "conformanceUnknown": "value"}},
    {"guestOsFeatures": [{"type": "GVNIC", "conformanceUnknown": "value"}]},
)
"""Fields that the API does not have."""

DISK_SIZES = ("1", "2000", 2000)
