"""Rules about the fields of an image that the client sets: what is accepted, what is refused, what comes back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from conformance.contract.areas.source import COMES_BACK, sources
from conformance.contract.fields import (
    ARCHITECTURES,
    DEPRECATION_STATES,
    FILE_TYPES,
    GUEST_OS_FEATURES,
    NAME_MAXIMUM,
    NAME_PATTERN,
    acceptance_rules,
    type_rules,
)
from conformance.contract.history import History, Sighting, after
from conformance.contract.json_types import well_typed
from conformance.contract.request_view import RequestView
from conformance.contract.requests import request_rule
from conformance.contract.round_trip import SHIELDED_LISTS, comes_back, feature_types, same_shielded
from conformance.contract.rule import Basis, Finding, Rules, expect, is_set
from conformance.trace.formats import is_base64, is_int64, is_timestamp, timestamp

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


NAME = re.compile(NAME_PATTERN)
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

EXACT_MAXIMUM = 2**53
"""Up to here a JSON number survives a parser that reads it as a double."""


def _files(view: RequestView) -> list[dict[str, Any]]:
    state = view.part("shieldedInstanceInitialState")
    files = [state.get("pk")]
    for name in SHIELDED_LISTS:
        files.extend(view.items(name, within="shieldedInstanceInitialState"))
    return [file for file in files if isinstance(file, dict)]


def _no_base64(view: RequestView) -> bool:
    return any(isinstance(file.get("content"), str) and not is_base64(file["content"]) for file in _files(view))


def _bad_name(name: str) -> bool:
    return bool(name) and not NAME.fullmatch(name)


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


RULES.add(
    request_rule(
        "image.name.required",
        "doc",
        "An insert without a name gets an error, and there is no image.",
        "Fields > name",
        "name is the one field marked as required, so an insert without it cannot make an image.",
        lambda view: view.is_object and view.body.get("name") is None,
        no_image=True,
    )
)
RULES.add(
    request_rule(
        "image.name.pattern",
        "doc",
        "Every name that matches [a-z]([-a-z0-9]*[a-z0-9])? is accepted, and every other is refused.",
        "Fields > name",
        "The regular expression for names is given in full, so it decides what is a name and what is none.",
        lambda view: _bad_name(view.text("name")),
    )
)
RULES.add(
    request_rule(
        "image.name.length",
        "doc",
        "Names of 1 to 63 characters are accepted; an empty one and one of 64 are refused.",
        "Fields > name",
        "Names are said to have 1 to 63 characters, so both limits are within and their neighbours beyond.",
        lambda view: view.body.get("name") == "" or len(view.text("name")) > NAME_MAXIMUM,
    )
)


@RULES.rule(
    "image.name.unique",
    "conv",
    "A second insert of a name in a project answers 409, while the first is under way as well, and leaves its image "
    "as it was.",
    "Fields > name",
    "That names are unique in a project is left unsaid; the real service answers 409 with alreadyExists.",
)
def _unique(history: History) -> Iterator[Finding]:
    yield from _twins(history)
    for first in history.created:
        deletes = [change.exchange for change in history.changes(first) if change.method == "images.delete"]
        for second in history.inserts:
            fresh = second.original is None and second.image == first.image and second.project == first.project
            if not fresh or second.invalid or not after(first.exchange, second.exchange):
                continue
            if any(not after(second.exchange, delete) for delete in deletes) or second.operation is first.operation:
                continue
            conflict = second.exchange.status == 409 or (
                second.outcome == "failed" and second.operation is not None and _conflicted(second.operation.final)
            )
            if second.exchange.refused and "requestId" in str(second.exchange.error):
                continue  # It is the requestId that is refused, for what it looks like.
            if second.outcome in ("refused", "failed", "succeeded") and not second.exchange.retried:
                yield expect(
                    conflict,
                    "a second insert of a name must answer a conflict",
                    first.exchange,
                    second.exchange,
                    expected="409, at once or on the operation",
                    observed=f"HTTP {second.exchange.status}, {second.outcome}",
                )
            kept = history.identity(first, second.exchange)
            for sighting in history.every_sighting:
                seen_later = sighting.via == "images.get" and after(second.exchange, sighting.exchange)
                if seen_later and conflict and sighting.name == first.image and kept and not deletes:
                    yield expect(
                        str(sighting.value.get("id")) == kept or history.echoes(sighting, "id"),
                        "the second insert of a name replaced the first image",
                        second.exchange,
                        sighting.exchange,
                        expected=kept,
                        observed=sighting.value.get("id"),
                    )


def _twins(history: History) -> Iterator[Finding]:
    """Two images of one name on one page of a list."""
    first: dict[tuple[int, str, str | None], Sighting] = {}
    for seen in history.every_sighting:
        if seen.via == "images.list" and seen.name and history.held_twice(seen.project, seen.name, seen.exchange):
            before = first.setdefault((seen.exchange.number, seen.project, seen.name), seen)
            if before.value.get("id") != seen.value.get("id"):
                yield expect(
                    False,
                    "two images have one name",
                    seen.exchange,
                    expected=f"one image {seen.name}",
                    observed=[before.value.get("id"), seen.value.get("id")],
                )


def _conflicted(final: Any) -> bool:
    return final is not None and final.value.get("httpErrorStatusCode") in (409, None, 0)


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


RULES.add(
    request_rule(
        "image.source-type",
        "doc",
        "RAW is accepted, and any other sourceType is neither accepted nor shown; by convention RAW always is.",
        "Fields > sourceType",
        "RAW is called the default and the only valid value, so nothing else may be taken or shown; that it "
        "is always shown is left unsaid.",
        lambda view: view.text("sourceType") not in ("", "RAW"),
        also=_source_type_comes_back,
    )
)
RULES.add(
    request_rule(
        "image.raw-disk.container-type",
        "doc",
        "TAR is accepted as rawDisk.containerType; by convention any other value is refused.",
        "Fields > rawDisk.containerType",
        "TAR is what the format should be, so it is accepted; that nothing else is, a mere should does not say.",
        lambda view: view.text("rawDisk", "containerType") not in ("", "TAR"),
        conventional=lambda view: view.text("rawDisk", "containerType") not in ("", "TAR"),
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
            status = sighting.value.get("deprecated")
            state = status.get("state") if isinstance(status, dict) else None
            wanted = sent.get("state") or "ACTIVE"
            yield expect(
                (state or "ACTIVE") in (wanted, "ACTIVE"),
                "the dates of a deprecation changed the state",
                mutation.exchange,
                sighting.exchange,
                expected=wanted,
                observed=state,
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
        also=_dates_change_nothing,
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
        lambda view: _bad_name(view.text("family")) or len(view.text("family")) > NAME_MAXIMUM,
        conventional=lambda view: (
            not _bad_name(view.text("family").lower())
            and len(view.text("family")) <= NAME_MAXIMUM
            and view.text("family").isascii()
            and not view.text("family").islower()
        ),
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


# What comes back


_ROUND_TRIPS: tuple[tuple[str, Basis, str, str, str], ...] = (
    (
        "image.description.round-trip",
        "doc",
        "description",
        "The description comes back as sent.",
        "The description is the client's own text, provided with the insert, so the image shows that "
        "text and no other.",
    ),
    (
        "image.deprecated.round-trip",
        "conv",
        "deprecated",
        "The deprecation status of the insert comes back.",
        "The reference lists the field in the body, the discovery document calls it output only, so "
        "that an insert can set it is habit of emulators.",
    ),
    (
        "image.licenses.round-trip",
        "doc",
        "licenses",
        "The licences sent are among those that come back.",
        "licenses holds the licences that apply to the image, so those that an insert gave are among them.",
    ),
    (
        "image.license-codes.round-trip",
        "conv",
        "licenseCodes",
        "The licence codes sent are among those that come back.",
        "licenseCodes tells which licences are attached and is not marked as output only, but no "
        "recording shows a client set it.",
    ),
    (
        "image.family.round-trip",
        "doc",
        "family",
        "The family comes back.",
        "family is the name of the family to which the image belongs, so the one of the insert is shown.",
    ),
    (
        "image.labels.round-trip",
        "doc",
        "labels",
        "Labels come back, none dropped or changed, and none added but goog-… ones.",
        "labels are those to apply to the image, so exactly these are shown, but for those that the "
        "service adds under its own prefix.",
    ),
    (
        "image.guest-os-features.round-trip",
        "doc",
        "guestOsFeatures",
        "The guest OS features sent are among those that come back.",
        "guestOsFeatures is the list of features to enable, so those of the insert are in it, beside "
        "what the source brings.",
    ),
    (
        "image.storage-locations.round-trip",
        "doc",
        "storageLocations",
        "The storage location sent comes back.",
        "storageLocations is the place where the image is stored, so a place that was asked for and taken is shown.",
    ),
    (
        "image.rollout-override.read-only",
        "conv",
        "rolloutOverride",
        "A rollout policy that was sent comes back as sent, or not at all.",
        "The policy is read-only but for users on a list, so that it comes back as sent or not at all "
        "is what follows for either, though not said.",
    ),
    (
        "image.locked.round-trip",
        "conv",
        "locked",
        "locked comes back.",
        "The flag is meant for images of the marketplace, and nobody promises that an ordinary project may set it.",
    ),
    (
        "image.user-licenses.round-trip",
        "conv",
        "userLicenses",
        "The user licences sent are among those that come back, if any do.",
        "The list may be changed later and is missing from the discovery document, so it may be left "
        "out, but what is shown should be what was sent.",
    ),
)


def _comes_back(name: str, history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks_of(name):
        sent, came = insert.body.get(name), sighting.value.get(name)
        if not well_typed(sighting.value, name) or (isinstance(sent, list) and None in sent):
            continue  # an item that is null is none, and what becomes of a list with such is left open
        if is_set(sent):
            yield expect(
                comes_back(name, sent, came, insert.project),
                f"the {name} that was sent does not come back",
                insert.exchange,
                sighting.exchange,
                expected=sent,
                observed=came,
            )
        elif name == "labels":
            yield expect(
                comes_back(name, {}, came, insert.project),
                "an image made without labels has labels that nobody gave it",
                insert.exchange,
                sighting.exchange,
                expected={},
                observed=came,
            )


@RULES.rule(
    "image.storage-locations.case",
    "conv",
    "A storage location comes back in the case in which it was sent.",
    "Fields > storageLocations[]",
    "The page names no case; the real service answers its locations in lower case, as it takes them, and clients "
    "compare texts.",
    requires=(*COMES_BACK, "image.storage-locations.round-trip", *acceptance_rules("storageLocations")),
)
def _storage_case(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks_of("storageLocations"):
        came = sighting.value.get("storageLocations")
        places = [place for place in came if isinstance(place, str)] if isinstance(came, list) else []
        for sent in insert.view.items("storageLocations"):
            same = [place for place in places if place.lower() == str(sent).lower()]
            if same:
                yield expect(
                    sent in same,
                    "a storage location comes back in another case",
                    insert.exchange,
                    sighting.exchange,
                    expected=sent,
                    observed=same[0],
                )


for _id, _basis, _field, _statement, _grounds in _ROUND_TRIPS:

    @RULES.rule(
        _id,
        _basis,
        _statement,
        f"Fields > {_field}",
        _grounds,
        requires=(*COMES_BACK, *type_rules(_field), *acceptance_rules(_field)),
    )
    def _round_trip(history: History, name: str = _field) -> Iterator[Finding]:
        return _comes_back(name, history)


@RULES.rule(
    "image.shielded.round-trip",
    "doc",
    "pk, keks, dbs and dbxs come back with the same bytes; by convention with the same file types.",
    "Fields > shieldedInstanceInitialState",
    "The state holds the raw content of each key file, so the same bytes are shown; the types of files "
    "the page does not list.",
    requires=(*COMES_BACK, *type_rules("shieldedInstanceInitialState")),
)
def _shielded(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks_of("shieldedInstanceInitialState"):
        sent, came = (
            insert.view.part("shieldedInstanceInitialState"),
            sighting.value.get("shieldedInstanceInitialState"),
        )
        if not sent or not well_typed(sighting.value, "shieldedInstanceInitialState"):
            continue
        same_bytes = same_shielded(sent, came)
        yield expect(
            same_bytes and same_shielded(sent, came, type_too=True),
            f"the {'file types' if same_bytes else 'files'} of secure boot that were sent do not come back",
            insert.exchange,
            sighting.exchange,
            expected=sent,
            observed=came,
            deviation=same_bytes,
        )


# Sizes and licence codes


@RULES.rule(
    "image.disk-size-gb",
    "doc",
    "diskSizeGb is an int64 as a string in answers; by convention a size below the source's is refused or raised.",
    "Fields > diskSizeGb",
    "The size is an int64 in a string; that it is no less than the source's is left unsaid, though the "
    "real service will not cut a disk.",
    requires=COMES_BACK,
)
def _disk_size(history: History) -> Iterator[Finding]:
    for sighting in history.showing("diskSizeGb"):
        size = sighting.value.get("diskSizeGb")
        if is_set(size):
            yield expect(
                is_int64(size) and int(size) >= 0,
                "diskSizeGb must be a whole number of GB as a string",
                sighting.exchange,
                expected='an int64 as a string, such as "10"',
                observed=size,
            )
    for insert, sighting in history.comebacks:
        floor = source_size(history, insert.view)
        size = sighting.value.get("diskSizeGb")
        if floor and is_set(insert.body.get("diskSizeGb")) and is_int64(size):
            yield expect(
                int(size) >= floor,
                "the image is smaller than its source",
                insert.exchange,
                sighting.exchange,
                expected=f"at least {floor}",
                observed=size,
                deviation=True,
            )


def source_size(history: History, view: RequestView) -> int:
    """The size of a source in GB, as an image shows it that was made from it without a size of its own; 0 if
    unknown."""
    for other, sighting in history.comebacks:
        same = sources(other.view) == sources(view) and all(
            other.body.get(name) == view.body.get(name)
            for name in ("sourceDisk", "sourceImage", "sourceSnapshot", "rawDisk")
        )
        size = sighting.value.get("diskSizeGb")
        if same and not is_set(other.body.get("diskSizeGb")) and is_int64(size):
            return int(size)
    return 0


@RULES.rule(
    "image.license-codes.format",
    "doc",
    "Licence codes are int64 as decimal strings in answers.",
    "Fields > licenseCodes[]",
    "Licence codes are listed as int64 in strings, so a number or another text in an answer contradicts the page.",
)
def _license_codes(history: History) -> Iterator[Finding]:
    for sighting in history.showing("licenseCodes"):
        codes = sighting.value.get("licenseCodes")
        if is_set(codes):
            yield expect(
                isinstance(codes, list) and all(is_int64(code) for code in codes),
                "licenceCodes must hold decimal strings",
                sighting.exchange,
                expected='a list such as ["3853522013536123851"]',
                observed=codes,
            )


@RULES.rule(
    "image.license-codes.exact",
    "doc",
    "A licence code above 2^53 comes back digit for digit, or not at all.",
    "Fields > licenseCodes[]",
    "Licence codes are int64, so each one is a value of its own, and a near one names another licence.",
    requires=(*COMES_BACK, *acceptance_rules("licenseCodes")),
)
def _exact(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks:
        sent = [int(code) for code in insert.view.items("licenseCodes") if is_int64(str(code))]
        came = [int(str(code)) for code in sighting.value.get("licenseCodes") or [] if is_int64(str(code))]
        for code in (code for code in sent if code > EXACT_MAXIMUM):
            near = [other for other in came if other != code and abs(other - code) <= code // EXACT_MAXIMUM * 2 + 2]
            yield expect(
                code in came or not near,
                "a licence code lost digits on its way",
                insert.exchange,
                sighting.exchange,
                expected=str(code),
                observed=[str(other) for other in near],
            )
