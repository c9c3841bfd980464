"""Rules about what an insert or a deprecation names: a replacement, zones and times of a rollout, a key, a place."""

from __future__ import annotations

import re
from typing import Any

from conformance.contract.fields import acceptance_rules
from conformance.contract.request_view import RequestView
from conformance.contract.requests import request_rule
from conformance.contract.rule import Rules
from conformance.trace.formats import is_timestamp

RULES = Rules()

_OTHER_KIND = re.compile(
    r"(?:^|/)(?:zones|regions)/[^/\s]+/(?:disks|instances)/[^/\s]+$|(?:^|/)global/(?:snapshots|networks|machineImages)/[^/\s]+$"
)
"""URLs of what is certainly no image."""

_ZONE = re.compile(r"(?:.*/)?zones/[^/\s]+")
_KMS_KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+(?:/cryptoKeyVersions/[^/]+)?")
_PLACE = re.compile(r"[A-Za-z0-9-]+")


def _policy(part: dict[str, Any], name: str) -> dict[str, Any]:
    policy = part.get(name)
    return policy if isinstance(policy, dict) else {}


def _zones(policy: dict[str, Any]) -> dict[str, Any]:
    zones = policy.get("locationRolloutPolicies")
    return zones if isinstance(zones, dict) else {}


def _bad_zones(policy: dict[str, Any]) -> bool:
    return any(not _ZONE.fullmatch(zone) for zone in _zones(policy))


def _bad_override(view: RequestView) -> bool:
    policy = _policy(view.deprecation, "stateOverride")
    times = [*_zones(policy).values(), policy.get("defaultRolloutTime")]
    return any(isinstance(time, str) and time and not is_timestamp(time) for time in times) or _bad_zones(policy)


RULES.add(
    request_rule(
        "deprecate.replacement-kind",
        "doc",
        "A replacement that is no image is refused.",
        "Fields > deprecated.replacement",
        "The suggested replacement must be of the same kind as the deprecated resource, which is an image.",
        lambda view: bool(_OTHER_KIND.search(str(view.deprecation.get("replacement") or ""))),
        methods=("images.insert", "images.deprecate"),
        dropped="deprecated",
        needs=("deprecate",),
    )
)
RULES.add(
    request_rule(
        "image.deprecated.state-override",
        "doc",
        "Times of a stateOverride that are not RFC 3339, and keys that are no zone, are refused, or the deprecation "
        "is left out.",
        "Fields > deprecated.stateOverride",
        "The policy expects RFC 3339 times by zones in the form of URLs, and is read-only for most users, who may "
        "see it left out.",
        _bad_override,
        methods=("images.insert", "images.deprecate"),
        dropped="deprecated",
        requires=acceptance_rules("deprecated"),
    )
)
RULES.add(
    request_rule(
        "image.rollout-override.zones",
        "doc",
        "Keys of a rollout policy that are no zone are refused, or the policy is left out as a whole.",
        "Fields > rolloutOverride.locationRolloutPolicies",
        "Only zones are supported as keys, in the form of URLs such as zones/us-central1-a; most users may see the "
        "policy left out.",
        lambda view: _bad_zones(_policy(view.body, "rolloutOverride")),
        dropped="rolloutOverride",
        requires=acceptance_rules("rolloutOverride"),
    )
)
RULES.add(
    request_rule(
        "image.kms-key-name.malformed",
        "conv",
        "A kmsKeyName that is not the name of a key in Cloud KMS is refused.",
        "Fields > imageEncryptionKey.kmsKeyName",
        "The page shows the form of such names by an example; that no other is taken is the way of Google's resource "
        "names.",
        lambda view: (
            bool(view.text("imageEncryptionKey", "kmsKeyName"))
            and not _KMS_KEY.fullmatch(view.text("imageEncryptionKey", "kmsKeyName"))
        ),
        requires=acceptance_rules("imageEncryptionKey.kmsKeyName"),
    )
)
RULES.add(
    request_rule(
        "image.storage-locations.malformed",
        "conv",
        "A storage location that has blanks or slashes in it is refused.",
        "Fields > storageLocations[]",
        "The page calls it a regional or multi-regional location, and their names have neither; that others are "
        "refused is left unsaid.",
        lambda view: any(
            isinstance(place, str) and place and not _PLACE.fullmatch(place) for place in view.items("storageLocations")
        ),
        requires=acceptance_rules("storageLocations"),
    )
)
RULES.add(
    request_rule(
        "image.storage-locations.unknown",
        "conv",
        "A storage location that is neither a region nor a multi-region is refused.",
        "Fields > storageLocations[]",
        "The page calls it a regional or multi-regional location, of which there is a fixed number; what becomes of "
        "other names is left unsaid.",
        requires=acceptance_rules("storageLocations"),
        looked_up=True,
        witness="image.storage-locations.accepted",
    )
)
