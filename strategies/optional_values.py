"""Valid values of the optional fields of an insert, by path; what a target takes of them has to come back."""

from __future__ import annotations

from typing import Any

from conformance.strategies import secure_boot, values

TEXTS = (
    "plain",
    "  blanks at both ends  ",
    "first line\nsecond line\r\nthird\ttab\u2028fourth line",
    "ends with a newline\n",
    "é ü 漢字 العربية 🖼 \u0301, 👩\u200d👧, zero\u200bwidth",
    '<b>&amp;</b> "quoted" \\ back, %41+%20',
    "composed \u00e9 \u212b, decomposed e\u0301 A\u030a, compatible \ufb01",
    '{"it\'s":[2.50,"%s {0} ${HOME}"]}',
    "0042",
    "null",
    "d" * 80,
)
"""Descriptions; a text in another normal form of Unicode is another text."""

WHOLE: tuple[dict[str, Any], ...] = (
    *({"description": "d" * (length - 1) + "."} for length in (2_048, 2_049, 100_000)),
    {"description": "before NUL\0 and after"},
    {"labels": {"goog-terraform-provisioned": "true"}},
    {"labels": {"\u1f71": "value", "key": "\uf900"}},
)
"""What a target may refuse, as too long or not its users' matter; what it takes of it has to come back whole."""

HUGE_SIZE = str(2**53 + 1)
"""A size in GB that a target may refuse as too large; no double holds it."""

LABELS = {
    "plain": "value",
    "empty": "",
    "with-dash_and_line": "0-9_z",
    "number": "007",
    "null": "null",
    "constructor": "true",
    "k" * 63: "v" * 63,
    "k" * 62 + "l": "v" * 62 + "w",
    "k" * 62: "v" * 62,
    "a-b": "dash",
    "a_b": "line",
}
"""Labels at their limits, and some that differ in one place only."""

_POLICY = {
    "defaultRolloutTime": "2030-01-02T03:04:05Z",
    "locationRolloutPolicies": {"zones/us-central1-a": "2030-01-02T03:04:05Z"},
}

OPTIONAL: dict[str, tuple[dict[str, Any], ...]] = {
    "description": tuple({"description": text} for text in TEXTS),
    "labels": ({"labels": {"colour": "blue"}}, {"labels": LABELS}),
    "family": ({"family": "conformance-family"},),
    "sourceType": ({"sourceType": "RAW"},),
    "guestOsFeatures": (
        {"guestOsFeatures": [{"type": "UEFI_COMPATIBLE"}]},
        {"guestOsFeatures": [{"type": "GVNIC"}, {"type": "UEFI_COMPATIBLE"}, {"type": "VIRTIO_SCSI_MULTIQUEUE"}]},
    ),
    "licenses": ({"licenses": [values.LICENSE]},),
    "licenseCodes": (
        {"licenseCodes": [str(values.EXACT_LICENSE_CODE)]},
        {"licenseCodes": [str(values.EXACT_LICENSE_CODE + 2**55)]},
        {"licenseCodes": [str(2**63 - 1)]},
    ),
    "userLicenses": ({"userLicenses": [values.LICENSE]},),
    "storageLocations": ({"storageLocations": ["eu"]},),
    "imageEncryptionKey.kmsKeyName": (
        {"imageEncryptionKey": {"kmsKeyName": values.KMS_KEY}},
        {"imageEncryptionKey": {"kmsKeyName": values.KMS_KEY, "kmsKeyServiceAccount": values.SERVICE_ACCOUNT}},
    ),
    "rolloutOverride": ({"rolloutOverride": _POLICY},),
    "deprecated": (
        {
            "deprecated": {
                "state": "DEPRECATED",
                "replacement": values.REPLACEMENT,
                "deprecated": "2001-02-03T04:05:06Z",
                "obsolete": "2030-01-02T03:04:05Z",
                "deleted": "2031-01-02T03:04:05Z",
            }
        },
        {
            "deprecated": {
                "state": "ACTIVE",
                "deprecated": "2001-02-03T04:05:06Z",
                "obsolete": "2002-02-03T04:05:06Z",
                "deleted": "2003-02-03T04:05:06Z",
            }
        },
        *({"deprecated": {"state": state}} for state in ("ACTIVE", "OBSOLETE", "DELETED")),
        {"deprecated": {"state": "DEPRECATED", "stateOverride": _POLICY}},
    ),
    "locked": ({"locked": True},),
}
"""Bodies for each field, the plainest first. Sizes and architectures depend on the source: scenarios find valid
ones."""

SHIELDED = {
    "shieldedInstanceInitialState": {
        "pk": secure_boot.file("X509"),
        "keks": [secure_boot.file("X509"), secure_boot.file("BIN")],
        "dbs": [secure_boot.file("X509"), secure_boot.file("BIN")],
        "dbxs": [secure_boot.file("BIN", 1), secure_boot.file("BIN")],
    }
}
"""A whole initial state, each of its lists told from the others by what is in it."""

SEVERAL: tuple[dict[str, Any], ...] = (
    {"licenses": [values.LICENSE, values.OTHER_LICENSE]},
    {"licenseCodes": [str(values.EXACT_LICENSE_CODE), "1000205", "1001008"]},
    {"userLicenses": [values.LICENSE, values.OTHER_LICENSE]},
    {"guestOsFeatures": [{"type": name} for name in ("IDPF", "UEFI_COMPATIBLE", "GVNIC", "WINDOWS")]},
)
"""Lists of several items; a target may refuse them, for it need not know all of them."""

FIELDS: tuple[dict[str, Any], ...] = (
    {"description": TEXTS[0], "family": "conformance-family", "labels": {"colour": "blue", "empty": ""}},
    {"locked": True},
    {"guestOsFeatures": [{"type": "GVNIC"}, {"type": "UEFI_COMPATIBLE"}], **SHIELDED},
    {"licenses": [values.LICENSE], "licenseCodes": [str(values.EXACT_LICENSE_CODE)]},
    {"storageLocations": ["eu"]},
    {"diskSizeGb": "2000"},
)
"""Fields whose values fit any source, in as few bodies as a target will take."""

UNKNOWN: tuple[dict[str, Any], ...] = (
    {"conformanceUnknown": "value"},
    {"conformanceUnknown": {"nested": ["value"]}},
    {"shieldedInstanceInitialState": {"pk": secure_boot.file("X509"), "conformanceUnknown": "value"}},
    {"shieldedInstanceInitialState": {"pk": {**secure_boot.file("X509"), "conformanceUnknown": "value"}}},
    {"guestOsFeatures": [{"type": "GVNIC", "conformanceUnknown": "value"}]},
    {"imageEncryptionKey": {"kmsKeyName": values.KMS_KEY, "conformanceUnknown": "value"}},
)
"""Fields that the API does not have."""

DISK_SIZES = ("1", "2000", 2000)


def written(number: int) -> tuple[Any, ...]:
    """A whole number in ways that a lenient reader may take, and may refuse; whoever takes them has to read this
    number."""
    return (str(number), number, f"+{number}", f"0{number}", float(number), f"{number}.0", f"{number}e0")
