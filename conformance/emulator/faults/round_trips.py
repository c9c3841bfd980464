"""Faults in what comes back of an image: what clients have set, and what it was made from."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Collection
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Behaviour, Call, Resource
from conformance.emulator.faults.row import Change, Row, shown_image, stored, without


def _changed(name: str, change: Any) -> Change:
    """Changes one field of new images, if the client has set it."""

    def keep(fields: Resource, body: Resource) -> None:
        if body.get(name) and fields.get(name) is not None:
            fields[name] = change(copy.deepcopy(fields[name]))

    return stored(keep)


def _key_field(name: str, change: Any, methods: Collection[str] = ()) -> Change:
    """Changes a field of an image's key, in the answers of some methods; none for all."""

    def show(image: Resource, call: Call, times: int) -> None:
        del times
        key = image.get("imageEncryptionKey") or {}
        if key.get(name) and (not methods or call.method in methods):
            key[name] = change(key[name])

    return shown_image(show)


def _echo_key(fields: Resource, body: Resource) -> None:
    raw = (body.get("imageEncryptionKey") or {}).get("rawKey")
    if raw:
        fields["imageEncryptionKey"] = {**fields.get("imageEncryptionKey", {}), "rawKey": raw}


def _hash_by_other_alphabet(fields: Resource, body: Resource) -> None:
    raw = str((body.get("imageEncryptionKey") or {}).get("rawKey"))
    if set(raw) & set("+/") and fields.get("imageEncryptionKey"):
        digest = base64.b64encode(hashlib.sha256(base64.b64decode(re.sub("[+/]", "A", raw))).digest()).decode()
        fields["imageEncryptionKey"] = {**fields["imageEncryptionKey"], "sha256": digest}


def _echo_key_where(told: Callable[[Resource, Call], bool]) -> Change:
    """Shows the raw key with some answers, and with no others."""

    def change(behaviour: Behaviour) -> None:
        keys: dict[str, str] = {}

        def keep(fields: Resource, body: Resource) -> None:
            raw = (body.get("imageEncryptionKey") or {}).get("rawKey")
            if raw:
                keys[fields["name"]] = raw

        def show(image: Resource, call: Call, times: int) -> None:
            del times
            if image["name"] in keys and told(image, call):
                image["imageEncryptionKey"] = {**image.get("imageEncryptionKey", {}), "rawKey": keys[image["name"]]}

        stored(keep)(behaviour)
        shown_image(show)(behaviour)

    return change


def _echo_wrapped_key(fields: Resource, body: Resource) -> None:
    wrapped = (body.get("imageEncryptionKey") or {}).get("rsaEncryptedKey")
    if wrapped:
        fields["imageEncryptionKey"] = {**fields.get("imageEncryptionKey", {}), "rsaEncryptedKey": wrapped}


def _plain_number(text: str) -> str:
    return str(int(text)) if text.isdecimal() and text.isascii() else text


def _cut_second(labels: dict[str, str]) -> dict[str, str]:
    return {key: value[:32] if place == 1 else value for place, (key, value) in enumerate(labels.items())}


def _remember_sources(behaviour: Behaviour) -> None:
    """Shows the id of the first source that was used under a name, also when another image has that name."""
    known: dict[str, str] = {}

    def keep(fields: Resource, body: Resource) -> None:
        del body
        if fields.get("sourceImageId"):
            fields["sourceImageId"] = known.setdefault(fields["sourceImage"], fields["sourceImageId"])

    behaviour.on_store.append(keep)


def _inherit_source_id(name: str) -> Change:
    """Shows beside a source image the id of what that was made from itself."""
    known: dict[str, Any] = {}

    def keep(fields: Resource, body: Resource) -> None:
        source = str(body.get("sourceImage") or "").rpartition("/")[2]
        if source in known:
            fields[name] = known[source]
        if fields.get(name):
            known[fields["name"]] = fields[name]

    return stored(keep)


def _look_up_sources(behaviour: Behaviour) -> None:
    """Shows the id of the image that has the name of the source now."""
    now: dict[str, str] = {}

    def keep(fields: Resource, body: Resource) -> None:
        del body
        now[fields["name"]] = fields["id"]

    def show(image: Resource, call: Call, times: int) -> None:
        del call, times
        source = image.get("sourceImage", "").rpartition("/")[2]
        image.update({"sourceImageId": now[source]} if source in now else {})

    behaviour.on_store.append(keep)
    behaviour.on_image.append(show)


def _inherit(name: str) -> Change:
    """Gives an image a field of its source, where the client has left it open."""

    def change(behaviour: Behaviour) -> None:
        known: dict[str, Any] = {}

        def keep(fields: Resource, body: Resource) -> None:
            source = str(body.get("sourceImage")).rpartition("/")[2]
            if source in known and not body.get(name):
                fields[name] = known[source]
            if fields.get(name):
                known[fields["name"]] = fields[name]

        behaviour.on_store.append(keep)

    return change


def _store_unknown(fields: Resource, body: Resource) -> None:
    for name, value in body.items():
        if name not in checks.SHAPE and name not in checks.OUTPUT_ONLY:
            fields[name] = value


def _lose_digits(fields: Resource, body: Resource) -> None:
    del body
    fields["licenseCodes"] = [str(int(float(code))) for code in fields.get("licenseCodes") or []]


def _smaller(fields: Resource, body: Resource) -> None:
    if body.get("diskSizeGb"):
        fields["diskSizeGb"] = str(body["diskSizeGb"])


def _source_id(kind: str, made_up: Callable[[Resource], str]) -> Change:
    name = f"source{kind.capitalize()}Id"

    def show(image: Resource, call: Call, times: int) -> None:
        del call, times
        if image.get(name):
            image[name] = made_up(image)

    return shown_image(show)


def _made_up_source_id(kind: str) -> Change:
    """Shows another id of one source with each image, where only the images tell it."""
    made_up = _source_id(kind, lambda image: str(zlib.crc32(image["id"].encode()) + 1))

    def apply(behaviour: Behaviour) -> None:
        behaviour.unsupported.add(f"{kind}s.get")
        made_up(behaviour)

    return apply


ROUND_TRIPS: tuple[Row, ...] = (
    (
        "image.description.round-trip",
        "trimmed",
        "blanks at the ends of a description are cut off",
        _changed("description", str.strip),
    ),
    (
        "image.description.round-trip",
        "read-as-json",
        "a description that is JSON is written anew",
        _changed("description", lambda text: json.dumps(json.loads(text)) if text.startswith("{") else text),
    ),
    (
        "image.description.round-trip",
        "beside-a-key",
        "an image with a key of its own has no description",
        stored(lambda fields, body: fields.pop("description") if body["imageEncryptionKey"]["rawKey"] else None),
    ),
    (
        "image.description.round-trip",
        "beside-locations",
        "an image of licenses and a place has no description",
        stored(
            lambda fields, body: fields.pop("description") if body["licenses"] and body["storageLocations"] else None
        ),
    ),
    (
        "image.description.round-trip",
        "first-line",
        "only the first line of a description is kept",
        _changed("description", lambda text: text.split("\n")[0]),
    ),
    (
        "image.description.round-trip",
        "ascii",
        "a description loses what is not ASCII",
        _changed("description", lambda text: text.encode("ascii", "ignore").decode()),
    ),
    (
        "image.description.round-trip",
        "normalised",
        "a description is kept in composed characters",
        _changed("description", lambda text: unicodedata.normalize("NFC", text)),
    ),
    (
        "image.description.round-trip",
        "cut",
        "a description is cut at 2,048 characters",
        _changed("description", lambda text: text[:2048]),
    ),
    (
        "image.description.round-trip",
        "cut-at-nul",
        "a description ends at the character NUL",
        _changed("description", lambda text: text.split("\0")[0]),
    ),
    (
        "image.description.round-trip",
        "null-text",
        'the description "null" is taken for none',
        _changed("description", lambda text: None if text == "null" else text),
    ),
    (
        "image.description.round-trip",
        "as-number",
        "a description of digits loses the zeros before them",
        _changed("description", lambda text: str(int(text)) if text.isdecimal() else text),
    ),
    *(
        (
            f"image.{name}.round-trip",
            "inherited",
            f"an image that is sent without {name} has that of its source",
            _inherit(name),
        )
        for name in ("description", "family")
    ),
    (
        "image.description.round-trip",
        "lost-from-disks",
        "an image that is made from a disk loses its description",
        stored(lambda image, body: image.pop("description") if body.get("sourceDisk") else None),
    ),
    (
        "image.disk-size-gb.round-trip",
        "rounded",
        "sizes are rounded up to tens",
        _changed("diskSizeGb", lambda size: str(-(-int(size) // 10) * 10)),
    ),
    ("image.disk-size-gb.round-trip", "lost", "images show no size", without("diskSizeGb")),
    (
        "image.disk-size-gb.round-trip",
        "as-double",
        "sizes are kept as floating-point numbers",
        _changed("diskSizeGb", lambda size: str(int(float(size)))),
    ),
    ("image.family.round-trip", "lost", "the family is lost", _changed("family", lambda family: None)),
    (
        "image.labels.round-trip",
        "blank-dropped",
        "labels with an empty value are dropped",
        _changed("labels", lambda labels: {key: value for key, value in labels.items() if value}),
    ),
    (
        "image.labels.round-trip",
        "null-text",
        'labels with the value "null" are dropped',
        _changed("labels", lambda labels: {key: value for key, value in labels.items() if value != "null"}),
    ),
    (
        "image.labels.round-trip",
        "goog-dropped",
        "labels of the user that begin with goog- are dropped",
        _changed("labels", lambda labels: {key: value for key, value in labels.items() if not key.startswith("goog-")}),
    ),
    (
        "image.labels.round-trip",
        "normalised",
        "labels are kept in composed characters",
        _changed(
            "labels",
            lambda labels: {
                unicodedata.normalize("NFC", key): unicodedata.normalize("NFC", value or "")
                for key, value in labels.items()
            },
        ),
    ),
    (
        "image.labels.round-trip",
        "second-cut",
        "the value of the second label is cut to 32 characters",
        _changed("labels", _cut_second),
    ),
    (
        "image.labels.round-trip",
        "one-added",
        "a label is added",
        stored(lambda fields, body: fields.update(labels={**(fields.get("labels") or {}), "added": "by-fault"})),
    ),
    (
        "image.licenses.round-trip",
        "lost",
        "the licences that were sent are lost",
        _changed("licenses", lambda licenses: licenses[1:]),
    ),
    (
        "image.license-codes.round-trip",
        "lost",
        "the licence codes that were sent are lost",
        stored(lambda fields, body: fields.update(licenseCodes=[])),
    ),
    (
        "image.license-codes.exact",
        "double",
        "licence codes are read as doubles",
        stored(_lose_digits),
        ("image.license-codes.round-trip", "image.license-codes.format", "image.type.licenseCodes"),
    ),
    (
        "image.guest-os-features.round-trip",
        "lost",
        "the first feature is lost",
        _changed("guestOsFeatures", lambda items: items[1:]),
    ),
    (
        "image.storage-locations.round-trip",
        "fixed",
        "the storage location is always us",
        stored(lambda fields, body: fields.update(storageLocations=["us"])),
    ),
    (
        "image.shielded.round-trip",
        "dbxs-lost",
        "dbxs are lost",
        _changed("shieldedInstanceInitialState", lambda state: {**state, "dbxs": []}),
    ),
    (
        "image.shielded.round-trip",
        "type-lost",
        "pk becomes another fileType",
        _changed(
            "shieldedInstanceInitialState",
            lambda state: {**state, "pk": {**(state.get("pk") or {}), "fileType": "UNDEFINED"}},
        ),
    ),
    (
        "image.rollout-override.read-only",
        "changed",
        "a rollout policy comes back changed",
        _changed("rolloutOverride", lambda policy: {"defaultRolloutTime": "2031-01-01T00:00:00Z"}),
    ),
    ("image.locked.round-trip", "lost", "locked is lost", stored(lambda fields, body: fields.update(locked=False))),
    (
        "image.deprecated.round-trip",
        "from-the-beginning",
        "an image is DEPRECATED from the beginning",
        stored(
            lambda fields, body: None if body.get("deprecated") else fields.update(deprecated={"state": "DEPRECATED"})
        ),
    ),
    (
        "image.deprecated.round-trip",
        "without-times",
        "of the deprecation of an insert the state alone comes back",
        _changed("deprecated", lambda status: {"state": status.get("state") or "ACTIVE"}),
    ),
    (
        "image.deprecated.timestamps",
        "inserted-dates-act",
        "the state of an insert's deprecation is OBSOLETE where that date has passed",
        _changed(
            "deprecated",
            lambda status: {**status, "state": "OBSOLETE"} if status.get("obsolete", "9") < "2025" else status,
        ),
        ("image.deprecated.round-trip",),
    ),
    (
        "image.shielded.round-trip",
        "one-forbidden",
        "of the forbidden keys of secure boot the first alone comes back",
        _changed("shieldedInstanceInitialState", lambda state: {**state, "dbxs": state.get("dbxs", [])[:1]}),
    ),
    (
        "image.shielded.round-trip",
        "one-key",
        "of several key exchange keys only the first is kept",
        _changed("shieldedInstanceInitialState", lambda state: {**state, "keks": state.get("keks", [])[:1]}),
    ),
    (
        "image.description.round-trip",
        "separators",
        "the separators of lines of Unicode become newlines",
        _changed("description", lambda text: text.replace("\u2028", "\n")),
    ),
    (
        "image.description.round-trip",
        "zero-width",
        "characters without width are dropped from descriptions",
        _changed("description", lambda text: re.sub("[\u200b-\u200f]", "", text)),
    ),
    (
        "image.labels.round-trip",
        "numbers",
        "a value of a label that looks like a number comes back as one is written",
        _changed("labels", lambda labels: {key: _plain_number(value) for key, value in labels.items()}),
    ),
    (
        "image.user-licenses.round-trip",
        "changed",
        "user licences come back as others",
        _changed("userLicenses", lambda licenses: [f"{item}-other" for item in licenses]),
    ),
    (
        "image.architecture",
        "fixed",
        "the architecture is always X86_64",
        stored(lambda fields, body: fields.update(architecture="X86_64")),
    ),
    ("image.source-type", "missing", "sourceType is not there", without("sourceType")),
    ("encryption.image.sha256", "of-the-text", "sha256 is wrong", _key_field("sha256", lambda digest: digest[::-1])),
    (
        "encryption.image.sha256",
        "other-alphabet",
        "sha256 is wrong where the key has a sign that URLs spare",
        stored(_hash_by_other_alphabet),
    ),
    (
        "encryption.image.sha256",
        "other-in-lists",
        "sha256 is wrong in lists",
        _key_field("sha256", lambda digest: digest[::-1], ("images.list",)),
    ),
    (
        "encryption.image.kms-key-name",
        "cut",
        "the KMS key name is cut to its last part",
        _key_field("kmsKeyName", lambda name: name.rsplit("/", 1)[-1]),
    ),
    ("encryption.never-echoed", "in-image", "the raw key comes back with the image", stored(_echo_key)),
    (
        "encryption.never-echoed",
        "until-ready",
        "the raw key comes back with an image that is PENDING",
        _echo_key_where(lambda image, call: image["status"] == "PENDING"),
    ),
    (
        "encryption.never-echoed",
        "in-views",
        "the raw key comes back with an image that a view of its family shows",
        _echo_key_where(lambda image, call: call.method == "imageFamilyViews.get"),
    ),
    ("encryption.never-echoed", "wrapped", "the wrapped key comes back with the image", stored(_echo_wrapped_key)),
    ("transport.unknown-field", "stored", "unknown fields are stored and come back", stored(_store_unknown)),
    ("source.image.id", "missing", "sourceImageId is missing", without("sourceImageId")),
    ("source.image.id", "remembered", "sourceImageId is that of the first source of the name", _remember_sources),
    (
        "source.image.id",
        "looked-up-later",
        "sourceImageId is that of the image that has the name now",
        _look_up_sources,
    ),
    *(
        (
            "source.image.id",
            f"beside-{kind}",
            f"an image tells the source{kind.capitalize()}Id of its source image",
            _inherit_source_id(f"source{kind.capitalize()}Id"),
        )
        for kind in ("disk", "snapshot")
    ),
    ("source.disk.id", "missing", "sourceDiskId is missing", without("sourceDiskId")),
    ("source.snapshot.id", "missing", "sourceSnapshotId is missing", without("sourceSnapshotId")),
    *(
        (
            f"source.{kind}.id",
            "own-id",
            f"source{kind.capitalize()}Id is the id of the image itself",
            _source_id(kind, lambda image: image["id"]),
        )
        for kind in ("image", "disk", "snapshot")
    ),
    *(
        (
            f"source.{kind}.id",
            "other",
            f"source{kind.capitalize()}Id is the id of something else",
            _source_id(kind, lambda image: image["id"][::-1].replace("0", "7")),
        )
        for kind in ("image", "disk", "snapshot")
    ),
    *(
        (
            f"source.{kind}.id",
            "made-up",
            f"source{kind.capitalize()}Id is another one with each image, and {kind}s cannot be looked at",
            _made_up_source_id(kind),
        )
        for kind in ("disk", "snapshot")
    ),
    ("source.image.round-trip", "lost", "sourceImage does not come back", without("sourceImage")),
    ("source.disk.round-trip", "lost", "sourceDisk does not come back", without("sourceDisk")),
    ("source.snapshot.round-trip", "lost", "sourceSnapshot does not come back", without("sourceSnapshot")),
    ("source.raw-disk.round-trip", "lost", "rawDisk does not come back", without("rawDisk")),
    (
        "image.disk-size-gb",
        "number",
        "diskSizeGb is a number",
        shown_image(lambda image, call, times: image.update(diskSizeGb=int(image["diskSizeGb"]))),
        ("image.type.diskSizeGb",),
    ),
    ("image.disk-size-gb", "smaller", "an image can be smaller than its source", stored(_smaller)),
    (
        "image.license-codes.format",
        "numbers",
        "licence codes are numbers",
        shown_image(
            lambda image, call, times: image.update(
                licenseCodes=[int(code) for code in image.get("licenseCodes") or [7]]
            )
        ),
        ("image.type.licenseCodes",),
    ),
    (
        "image.licenses.round-trip",
        "first-only",
        "the first licence alone is kept",
        _changed("licenses", lambda licenses: [item for item in licenses if "debian-10" not in item]),
    ),
)
