"""Rules about the fields of an image that the client sets: what is accepted, and what is refused."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator
from typing import Any

from conformance.contract.areas.image_name import bad_name, right_name
from conformance.contract.bystanders import over
from conformance.contract.fields import (
    ARCHITECTURES,
    DEPRECATION_STATES,
    FILE_TYPES,
    GUEST_OS_FEATURES,
    NAME_MAXIMUM,
    acceptance_rules,
)
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.lateness import LATE_SECONDS, MOMENT_SECONDS
from conformance.contract.order import after
from conformance.contract.request_view import RequestView
from conformance.contract.requests import blamed_though_right, request_rule
from conformance.contract.round_trip import SHIELDED_LISTS, feature_types
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import blotted_out, filled
from conformance.trace.formats import is_base64, is_timestamp, timestamp
from conformance.trace.recorded_clock import served_at

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""
LABELS_MAXIMUM = 64
DEPRECATION_TIMES = ("deprecated", "obsolete", "deleted")

# What a server may take: the values of the reference, and those that the discovery document has beside them.
TAKEN_STATES = frozenset(DEPRECATION_STATES)
TAKEN_ARCHITECTURES = frozenset({*ARCHITECTURES, "ARCHITECTURE_UNSPECIFIED"})
TAKEN_FILE_TYPES = frozenset({*FILE_TYPES, "UNDEFINED"})
TAKEN_FEATURES = frozenset(
    {
        *GUEST_OS_FEATURES,
        *("BARE_METAL_LINUX_COMPATIBLE", "BMSAI_CAPABLE", "CCA_CAPABLE", "FEATURE_TYPE_UNSPECIFIED", "SECURE_BOOT"),
        *("SEV_LIVE_MIGRATABLE", "SNP_SVSM_CAPABLE", "SUSPEND_SAFE_FPR"),
    }
)


def _files(view: RequestView) -> list[dict[str, Any]]:
    state = view.part("shieldedInstanceInitialState")
    files = [state.get("pk")]
    for name in SHIELDED_LISTS:
        files.extend(view.items(name, within="shieldedInstanceInitialState"))
    return [file for file in files if isinstance(file, dict)]


def _no_base64(view: RequestView) -> bool:
    return any(isinstance(file.get("content"), str) and not is_base64(file["content"]) for file in _files(view))


def _times(policy: Any) -> list[Any]:
    """All times of a rollout policy."""
    if not isinstance(policy, dict):
        return []
    locations = policy.get("locationRolloutPolicies")
    values = list(locations.values()) if isinstance(locations, dict) else []
    return [value for value in (*values, policy.get("defaultRolloutTime")) if isinstance(value, str) and value]


def is_label(text: Any, *, key: bool) -> bool:
    """Whether a text keeps the limits of a label's key or value; characters whose class is debatable are let pass."""
    if not isinstance(text, str):
        return True
    if len(text) > NAME_MAXIMUM or (key and (not text or text[0] in "0123456789_-")):
        return False
    return not any(
        (character not in "_-" and unicodedata.category(character)[0] in "PSZC")
        or unicodedata.category(character) in ("Lu", "Lt")
        for character in text
    )


def _bad_labels(view: RequestView) -> bool:
    labels = view.labels
    return len(labels) > LABELS_MAXIMUM or not all(
        is_label(key, key=True) and is_label(value, key=False) for key, value in labels.items()
    )


def _unknown_features(view: RequestView) -> bool:
    return not feature_types(view.items("guestOsFeatures")) <= TAKEN_FEATURES


def _features_in_prose(view: RequestView) -> bool:
    """Whether a type of a feature is none of the enum that the field is, though the page tells of it."""
    texts = [item.get("type") for item in view.items("guestOsFeatures") if isinstance(item, dict)]
    return any(isinstance(text, str) and ("," in text or text == "SUSPEND_RESUME_COMPATIBLE") for text in texts)


def _container_type_shown(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks_of("rawDisk"):
        archive = sighting.value.get("rawDisk")
        shown = archive.get("containerType") if isinstance(archive, dict) else None
        if is_set(shown) and isinstance(shown, str) and not blotted_out(shown):
            yield expect(
                shown in ("TAR", insert.view.text("rawDisk", "containerType")),
                "an archive is shown to be of another format than TAR",
                insert.exchange,
                sighting.exchange,
                expected="TAR",
                observed=shown,
                deviation=True,
            )


def _source_type_comes_back(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks_of("sourceType"):
        if not well_typed(sighting.value, "sourceType"):
            continue
        shown = sighting.value.get("sourceType")
        yield expect(
            shown == "RAW",
            "the source type of an image must be RAW" if is_set(shown) else "an image does not show its source type",
            insert.exchange,
            sighting.exchange,
            expected="RAW",
            observed=shown,
            deviation=not is_set(shown),
        )
    for sighting in history.showing("sourceType") if history.trace.recorded else ():
        shown = sighting.value.get("sourceType")
        if is_set(shown) and isinstance(shown, str):
            yield expect(
                shown == "RAW",
                "the source type of an image must be RAW",
                sighting.exchange,
                expected="RAW",
                observed=shown,
            )


RULES.add(
    request_rule(
        "image.source-type",
        "doc",
        "RAW is accepted, and any other sourceType is neither accepted nor shown; by convention RAW always is.",
        "Fields > sourceType",
        "RAW is called the default and the only valid value, so nothing else may be taken or shown; that it "
        "is always shown is left unsaid.",
        lambda view: view.text("sourceType") not in ("", "RAW"),
        also=lambda history: itertools.chain(
            _source_type_comes_back(history),
            blamed_though_right("sourceType", lambda view: view.text("sourceType") == "RAW")(history),
        ),
    )
)
RULES.add(
    request_rule(
        "image.raw-disk.container-type",
        "doc",
        "TAR is accepted as rawDisk.containerType; by convention any other value is refused, and none is shown.",
        "Fields > rawDisk.containerType",
        "TAR is what the format should be, so it is accepted; that nothing else is, a mere should does not say.",
        lambda view: view.text("rawDisk", "containerType") not in ("", "TAR"),
        conventional=lambda view: view.text("rawDisk", "containerType") not in ("", "TAR"),
        also=_container_type_shown,
    )
)
RULES.add(
    request_rule(
        "image.raw-disk.sha1-checksum",
        "doc",
        "The true SHA-1 checksum of the archive is accepted.",
        "Fields > rawDisk.sha1Checksum",
        "The checksum of the archive is optional and may be provided, deprecated though it is, so a true one "
        "is accepted.",
        needs=("source.raw_disk", "source.raw_disk_sha1"),
    )
)
RULES.add(
    request_rule(
        "image.deprecated.state",
        "doc",
        "deprecate accepts ACTIVE, DEPRECATED, OBSOLETE and DELETED as states; an unknown state is refused, or "
        "dropped by an insert.",
        "Fields > deprecated.state",
        "The four states are listed as all that there can be; the discovery document calls the field output "
        "only for an insert, so there it may be dropped or refused.",
        lambda view: (
            isinstance(view.deprecation.get("state"), str) and view.deprecation["state"] not in TAKEN_STATES | {""}
        ),
        methods=("images.insert", "images.deprecate"),
        dropped="deprecated",
    )
)


def _dates_change_nothing(history: History) -> Iterator[Finding]:
    for mutation in history.mutations:
        if mutation.method not in ("images.insert", "images.deprecate") or mutation.outcome != "succeeded":
            continue
        sent = mutation.view.deprecation
        if not any(timestamp(sent.get(name)) for name in DEPRECATION_TIMES):
            continue
        for sighting in history.results(mutation):
            if not well_typed(sighting.value, "deprecated"):
                continue
            wanted = sent.get("state") or "ACTIVE"
            status = filled(sighting.value.get("deprecated"), {"state": wanted})
            state = status.get("state") if isinstance(status, dict) else None
            yield expect(
                (state or "ACTIVE") in (wanted, "ACTIVE"),
                "the dates of a deprecation changed the state",
                mutation.exchange,
                sighting.exchange,
                expected=wanted,
                observed=state,
            )


def _dates_come_true(history: History) -> Iterator[Finding]:
    """Judges that an image of a recording has the same state before and after a date of its deprecation, between two
    looks at it with no request in between."""
    last: dict[tuple[str, str], Sighting] = {}
    for seen in history.sightings if history.trace.recorded else ():
        key = seen.project, str(seen.value.get("id"))
        before, last[key] = last.get(key), seen
        if before is None or not after(before.exchange, seen.exchange):
            continue
        then, now = before.value.get("deprecated"), seen.value.get("deprecated")
        since, until = (served_at(look.exchange) or look.exchange.sent for look in (before, seen))
        if not isinstance(then, dict) or not isinstance(now, dict) or until - since > LATE_SECONDS:
            continue
        names = {before.name, str(before.value.get("id"))}
        asked = any(change.image in names and not over(change, before.exchange) for change in history.mutations)
        due = [moment.timestamp() for name in DEPRECATION_TIMES if (moment := timestamp(then.get(name)))]
        come = any(since - MOMENT_SECONDS <= moment <= until + MOMENT_SECONDS for moment in due)
        asked = asked or history.touched_elsewhere(before, seen)
        if come and not asked and {**then, "state": ""} == {**now, "state": ""}:
            yield expect(
                then.get("state") == now.get("state"),
                "the state of an image changed when a date of its deprecation had come",
                before.exchange,
                seen.exchange,
                expected=then.get("state"),
                observed=now.get("state"),
            )


RULES.add(
    request_rule(
        "image.deprecated.timestamps",
        "doc",
        "Times of a deprecation that are not RFC 3339 are refused; valid ones change no status, even in the past.",
        "Fields > deprecated.deprecated",
        "The times are RFC 3339, and for information only: the state changes by a request and by nothing else.",
        lambda view: any(
            isinstance(view.deprecation.get(name), str)
            and view.deprecation[name]
            and not is_timestamp(view.deprecation[name])
            for name in DEPRECATION_TIMES
        ),
        methods=("images.insert", "images.deprecate"),
        dropped="deprecated",
        also=lambda history: itertools.chain(_dates_change_nothing(history), _dates_come_true(history)),
    )
)
RULES.add(
    request_rule(
        "image.family.pattern",
        "doc",
        "A family of RFC 1035 is accepted, any other refused; that capitals are refused as well is convention.",
        "Fields > family",
        "A family has to comply with RFC 1035, whose labels have letters, digits and inner hyphens, 63 at "
        "most; that capitals are refused it does not say.",
        lambda view: bad_name(view.text("family")) or len(view.text("family")) > NAME_MAXIMUM,
        conventional=lambda view: (
            not bad_name(view.text("family").lower())
            and len(view.text("family")) <= NAME_MAXIMUM
            and view.text("family").isascii()
            and not view.text("family").islower()
        ),
        also=blamed_though_right("family", lambda view: right_name(view.text("family"))),
    )
)
RULES.add(
    request_rule(
        "image.labels.limits",
        "conv",
        "Label keys have 1 to 63 lower-case letters, digits, _ and -, a letter first; values 0 to 63; at most 64 "
        "labels.",
        "Fields > labels",
        "The limits of labels stand in other pages of the documentation, and the real service quotes them "
        "when it refuses one.",
        _bad_labels,
        methods=("images.insert", "images.setLabels", "images.patch"),
    )
)
RULES.add(
    request_rule(
        "image.guest-os-features.type",
        "doc",
        "The listed types of guest OS features are accepted, by convention also several with commas between; an "
        "unknown one is refused.",
        "Fields > guestOsFeatures[].type",
        "The feature types are listed as the values to choose from; several with commas between are no value of an "
        "enum, as the field is called, and one of the list is missing from the discovery document.",
        _unknown_features,
        conventional=lambda view: not _unknown_features(view) and _features_in_prose(view),
    )
)
RULES.add(
    request_rule(
        "image.shielded.base64",
        "doc",
        "Content of a secure boot key that is no base64 is refused; by convention a genuine file in base64 is "
        "accepted.",
        "Fields > shieldedInstanceInitialState.pk.content",
        "The content of each file is called a base64-encoded string, so what is none is refused; which files a target "
        "takes for genuine is its own to say.",
        _no_base64,
        conventional=lambda view: not _no_base64(view),
    )
)
RULES.add(
    request_rule(
        "image.shielded.file-type",
        "conv",
        "BIN and X509 are accepted as fileType of a secure boot key; an unknown one is refused.",
        "Fields > shieldedInstanceInitialState.pk.fileType",
        "The page has no list of file types; BIN and X509 are those of the discovery document.",
        lambda view: any(
            isinstance(file.get("fileType"), str) and file["fileType"] not in TAKEN_FILE_TYPES | {""}
            for file in _files(view)
        ),
    )
)
RULES.add(
    request_rule(
        "image.rollout-override.timestamps",
        "doc",
        "Times of a rollout policy that are not RFC 3339 are refused, or the policy is left out as a whole.",
        "Fields > rolloutOverride.defaultRolloutTime",
        "The policy expects RFC 3339 times, and is read-only for most users, who may see it refused or left out.",
        lambda view: any(not is_timestamp(time) for time in _times(view.body.get("rolloutOverride"))),
        dropped="rolloutOverride",
    )
)


def _architecture_comes_back(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks_of("architecture"):
        sent = insert.view.text("architecture")
        if sent in ARCHITECTURES and well_typed(sighting.value, "architecture"):
            yield expect(
                sighting.value.get("architecture") == sent,
                "the architecture that was sent does not come back",
                insert.exchange,
                sighting.exchange,
                expected=sent,
                observed=sighting.value.get("architecture"),
            )


RULES.add(
    request_rule(
        "image.architecture",
        "doc",
        "ARM64 and X86_64 come back as sent where the target takes them for the source; any other architecture is "
        "refused.",
        "Fields > architecture",
        "ARM64 and X86_64 are called the valid values, so others are refused, and what is taken is shown; "
        "which of them fits a source is the server's to say.",
        lambda view: bool(view.text("architecture")) and view.text("architecture") not in TAKEN_ARCHITECTURES,
        also=_architecture_comes_back,
    )
)


def _stays_locked(history: History) -> Iterator[Finding]:
    yield from _made_of_locked(history)
    for patch in history.mutations:
        if patch.method != "images.patch" or "locked" not in patch.body or patch.outcome == "unknown":
            continue
        looks = [
            seen
            for seen in history.every_sighting
            if seen.via == "images.get"
            and (seen.name, seen.project) == (patch.image, patch.project)
            and "fields" not in seen.exchange.request.query
        ]
        before = [seen for seen in looks if after(seen.exchange, patch.exchange)]
        later = [seen for seen in looks if after(patch.exchange, seen.exchange)]
        if before and later and before[-1].value.get("locked") is True:
            yield expect(
                later[0].value.get("locked") is True,
                "a patch unlocks a locked image",
                before[-1].exchange,
                patch.exchange,
                later[0].exchange,
                expected=True,
                observed=later[0].value.get("locked"),
            )


def _made_of_locked(history: History) -> Iterator[Finding]:
    """Judges that a recording makes no image from one that it shows to be locked."""
    shown = [seen for seen in history.showing("id", "locked") if seen.value.get("locked") is True]
    for insert in history.created if shown and history.trace.recorded else ():
        used = {str(seen.value.get("sourceImageId")) for seen in history.results(insert)}
        locked = next((one for one in shown if is_set(one.value.get("id")) and str(one.value["id"]) in used), None)
        if locked is not None and insert.exchange.intent is None:
            yield expect(
                False,
                "an image is made from a locked one",
                locked.exchange,
                insert.exchange,
                insert.end,
                expected="a refusal (4xx), or an operation that fails",
                observed=f"HTTP {insert.exchange.status}",
            )


RULES.add(
    request_rule(
        "image.locked.forbids",
        "doc",
        "No image is made from a locked image, and locked cannot be changed.",
        "Fields > locked",
        "A locked image is listed as prohibited from being a source, and from a change of the flag.",
        also=_stays_locked,
        requires=acceptance_rules("locked"),
    )
)
