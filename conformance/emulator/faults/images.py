"""Faults in what the server sets of an image: taken over from the client, or wrong."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Behaviour, Call, Resource
from conformance.emulator.clock import written
from conformance.emulator.faults.round_trips import ROUND_TRIPS
from conformance.emulator.faults.row import Change, Fault, Row, shown_image, stored, without
from conformance.emulator.store import Image

_TAKEN = "fault: taken from the client"


def _patched_over(name: str) -> Change:
    """Takes a field over from a PATCH that only the server sets."""

    def change(behaviour: Behaviour) -> None:
        sent: dict[tuple[str, str], object] = {}

        def note(call: Call) -> None:
            if call.method == "images.patch" and name in call.body:
                sent[call.project, call.name] = call.body.pop(name)

        def keep(image: Image, before: Resource, call: Call) -> None:
            del before
            if (call.project, call.name) in sent:
                image.fields[_TAKEN] = {name: sent.pop((call.project, call.name))}

        behaviour.on_request.append(note)
        behaviour.on_change.append(keep)
        behaviour.on_image.append(lambda image, call, times: image.update(image.pop(_TAKEN, {})))

    return change


def _taken_over(name: str, beside: str = "name", shown: Callable[[Any], Any] = lambda value: value) -> Change:
    """Takes a field over from the client that only the server sets, where the client sends another beside it; its
    value may be `shown` in another form."""

    def change(behaviour: Behaviour) -> None:
        behaviour.on_store.append(keep)
        behaviour.on_image.append(show)

    def keep(fields: Resource, body: Resource) -> None:
        if body.get(name) is not None and body.get(beside):
            fields[_TAKEN] = {name: shown(body[name])}

    def show(image: Resource, call: Call, times: int) -> None:
        del call, times
        image.update(image.pop(_TAKEN, {}))

    return change


def _hash_taken_over(key: str, beside: str = "sha256") -> Change:
    """Takes the hash of a key over from the client, where the client sends another part of the key beside it."""

    def keep(fields: Resource, body: Resource) -> None:
        if (body.get(key) or {}).get("sha256") and body[key].get(beside):
            fields[key] = {**(fields.get(key) or {}), "sha256": body[key]["sha256"]}

    return stored(keep)


def _always(name: str, value: Any) -> Change:
    return shown_image(lambda image, call, times: image.update({name: value}))


def _id_of_name(fields: Resource, body: Resource) -> None:
    del body
    fields["id"] = str(zlib.crc32(str(fields["name"]).encode()))


def _time_of_the_first(behaviour: Behaviour) -> None:
    first: dict[str, str] = {}

    def keep(fields: Resource, body: Resource) -> None:
        del body
        fields["creationTimestamp"] = first.setdefault(fields["name"], fields["creationTimestamp"])

    stored(keep)(behaviour)


_SERVER_FIELDS: tuple[Row, ...] = (
    ("image.kind", "disk", "kind is compute#disk", _always("kind", "compute#disk")),
    ("image.kind", "missing", "kind is missing", without("kind")),
    (
        "image.id",
        "number",
        "id is a number",
        shown_image(lambda image, call, times: image.update(id=int(image["id"]))),
        ("image.type.id",),
    ),
    (
        "image.id",
        "changes",
        "id changes from get to get",
        shown_image(lambda image, call, times: image.update(id=str(int(image["id"]) + times))),
    ),
    ("image.id", "by-name", "an image has the id of the last one of its name", stored(_id_of_name)),
    (
        "image.raw-disk.container-type",
        "shown-as-zip",
        "archives are shown as ZIP",
        shown_image(lambda image, call, times: image["rawDisk"].update(containerType="ZIP")),
    ),
    (
        "image.creation-timestamp",
        "no-offset",
        "creationTimestamp has no offset",
        shown_image(lambda image, call, times: image.update(creationTimestamp=image["creationTimestamp"][:19])),
        ("image.type.creationTimestamp",),
    ),
    (
        "image.creation-timestamp",
        "of-the-first",
        "an image has the creationTimestamp of the first one of its name",
        _time_of_the_first,
    ),
    (
        "image.creation-timestamp",
        "of-the-look",
        "creationTimestamp is when the image is looked at",
        shown_image(lambda image, call, times: image.update(creationTimestamp=written(time.time()))),
    ),
    (
        "image.creation-timestamp",
        "epoch",
        "creationTimestamp is 1970",
        _always("creationTimestamp", "1970-01-01T00:00:00.000Z"),
    ),
    (
        "image.creation-timestamp",
        "future",
        "creationTimestamp is years away",
        _always("creationTimestamp", "2040-01-01T00:00:00.000Z"),
    ),
    (
        "image.self-link",
        "relative",
        "selfLink is a relative URL",
        shown_image(lambda image, call, times: image.update(selfLink=image["selfLink"].split("/compute/")[1])),
    ),
    (
        "image.self-link",
        "other",
        "selfLink names another image",
        shown_image(lambda image, call, times: image.update(selfLink=image["selfLink"] + "-other")),
    ),
    (
        "image.status",
        "unknown",
        "status is AVAILABLE",
        shown_image(
            lambda image, call, times: (
                image.update(status="AVAILABLE") if image["status"] == "PENDING" or times > 2 else None
            )
        ),
        ("operation.success-means-ready",),
    ),
    (
        "image.archive-size-bytes",
        "number",
        "archiveSizeBytes is a number",
        _always("archiveSizeBytes", 1073741824),
        ("image.type.archiveSizeBytes",),
    ),
    ("image.label-fingerprint.format", "missing", "labelFingerprint is missing", without("labelFingerprint")),
    ("image.type.labels", "list", "labels is a list", _always("labels", [{"key": "k", "value": "v"}])),
)

FAULTS: tuple[Fault, ...] = (
    *(
        Fault(f"image.output-only.{name}", "taken-over", f"{name} is taken over from the client", _taken_over(name))
        for name in checks.OUTPUT_ONLY
    ),
    *(
        Fault(
            f"image.output-only.{name}", "patched-over", f"{name} is taken over from a PATCH", _patched_over(name), also
        )
        for name, also in (("sourceImageId", ()), ("creationTimestamp", ("image.creation-timestamp",)))
    ),
    Fault(
        "image.output-only.labelFingerprint",
        "beside-labels",
        "labelFingerprint is taken over from a client that sends labels as well",
        _taken_over("labelFingerprint", "labels"),
    ),
    Fault(
        "image.output-only.sourceImageId",
        "as-a-number",
        "sourceImageId is taken over from the client, and shown as a number",
        _taken_over("sourceImageId", shown=int),
        ("image.type.sourceImageId",),
    ),
    *(
        Fault(
            f"image.output-only.{key}.sha256",
            "taken-over",
            f"{key}.sha256 is taken over from the client",
            _hash_taken_over(key),
        )
        for key in checks.KEYS
    ),
    Fault(
        "image.output-only.imageEncryptionKey.sha256",
        "beside-the-key",
        "the hash of a key is taken over from a client that sends the key as well",
        _hash_taken_over("imageEncryptionKey", "rawKey"),
        ("encryption.image.sha256",),
    ),
    *(Fault(*row) for row in (*ROUND_TRIPS, *_SERVER_FIELDS)),
)
