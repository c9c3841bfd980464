"""Freedoms in what images and operations show: fields that may be absent, and ways in which values may be written."""

from __future__ import annotations

import base64
import itertools
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.faults.row import Change, shown_image, shown_operation, stored, switched, when_done
from conformance.emulator.variants.row import Variant, asked, both, together, without

TIMES = ("insertTime", "startTime", "endTime", "creationTimestamp")
IDS = ("id", "targetId", "sourceImageId", "sourceDiskId", "sourceSnapshotId")
LARGEST_ID = 2**64 - 1
IMAGE_FIELDS = (*checks.SHAPE, "sourceImageId", "sourceDiskId", "sourceSnapshotId")
OPERATION_FIELDS = (
    *("zone", "region", "clientOperationId", "error", "warnings", "httpErrorStatusCode", "httpErrorMessage"),
    *("operationGroupId", "creationTimestamp", "endTime"),
)

_count = itertools.count(1)


def _times(write: Callable[[str], str]) -> Change:
    """Writes all times otherwise."""

    def rewrite(resource: Resource) -> None:
        for name in TIMES:
            if resource.get(name):
                resource[name] = write(resource[name])

    return both(rewrite)


def _in_zone(zone: tzinfo, suffix: str) -> Callable[[str], str]:
    def write(text: str) -> str:
        whole, fraction, offset = re.fullmatch(r"(.{19})(\.\d+)?(.+)", text).groups()  # type: ignore[union-attr]
        local = datetime.fromisoformat(whole + offset.replace("Z", "+00:00")).astimezone(zone)
        return f"{local:%Y-%m-%dT%H:%M:%S}{fraction or ''}{suffix}"

    return write


def _finer_at_first(operation: Resource, call: Call, times: int) -> None:
    """Shows nanoseconds in the answer of a request, and what a database has kept of them afterwards."""
    del times
    if call.method.startswith("images."):
        for name in TIMES:
            if operation.get(name):
                operation[name] = re.sub(r"\.(\d+)", r".\g<1>000456", operation[name])


OK = 200


def _mirrored(identifier: object) -> object:
    """Another id for each id, in the upper half of what 64 bits hold."""
    return str(LARGEST_ID - int(identifier)) if isinstance(identifier, str) and identifier.isdecimal() else identifier


def _mirror(resource: Resource) -> None:
    for name in IDS:
        if resource.get(name):
            resource[name] = _mirrored(resource[name])


def _mirror_sources(answer: Answer, call: Call) -> None:
    """Disks and snapshots show the ids that images have from them."""
    if call.method in ("disks.get", "snapshots.get") and answer.status == OK:
        _mirror(answer.body)


def _mirror_back(call: Call) -> None:
    call.name = str(_mirrored(call.name))


def _link_by_id(name: str, identifier: str) -> Callable[[Resource, Call, int], None]:
    def hook(resource: Resource, call: Call, times: int) -> None:
        del call, times
        if resource.get(name) and resource.get(identifier):
            resource[name] = f"{resource[name].rpartition('/')[0]}/{resource[identifier]}"

    return hook


def _versioned(resource: Resource, version: str) -> None:
    for name, value in resource.items():
        if isinstance(value, str) and name.endswith("Link"):
            resource[name] = value.replace("/compute/beta/", f"/compute/{version}/")


def _renamed(operation: Resource, call: Call, times: int) -> None:
    del call, times
    name = operation["name"]
    operation["name"] = name[::-1]
    operation["selfLink"] = operation["selfLink"].replace(name, name[::-1])


def _named_back(call: Call) -> None:
    if call.method.startswith("globalOperations.") and not call.name.isdecimal():
        call.name = call.name[::-1]


def _unset(names: tuple[str, ...], value: object) -> Callable[[Resource, Call, int], None]:
    def hook(resource: Resource, call: Call, times: int) -> None:
        del call, times
        for name in names:
            resource.setdefault(name, value)

    return hook


def _restless(image: Resource, call: Call, times: int) -> None:
    del call
    image |= {"satisfiesPzs": bool(times % 2), "satisfiesPzi": bool(times % 3), "archiveSizeBytes": str(2**20 + times)}


def _sizes_when_ready(image: Resource, call: Call, times: int) -> None:
    del call, times
    if image["status"] == "PENDING":
        for name in ("diskSizeGb", "archiveSizeBytes", "storageLocations"):
            image.pop(name, None)


def _other_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _other_order(part) for name, part in reversed(value.items())}
    return [_other_order(item) for item in reversed(value)] if isinstance(value, list) else value


def _in_other_order(resource: Resource, call: Call, times: int) -> None:
    del call
    if times % 2:
        ordered = _other_order(resource)
        resource.clear()
        resource.update(ordered)


def _future(image: Resource, call: Call, times: int) -> None:
    del call, times
    image["guestOsFeatures"] = [*image.get("guestOsFeatures", []), {"type": "FEATURE_OF_TOMORROW"}]


def _more_warnings(operation: Resource, times: int) -> None:
    del times
    more = [
        {"message": "A warning without a code."},
        {"code": "WARNING_OF_TOMORROW", "message": "A warning of a new kind.", "data": [{"key": "scope", "value": ""}]},
    ]
    operation["warnings"] = [*operation.get("warnings", []), *more]


def _many_warnings(operation: Resource, times: int) -> None:
    del times
    more = [
        {"code": "EXPERIMENTAL_TYPE_USED", "message": "Take care.", "data": [{"key": "number", "value": str(number)}]}
        for number in range(300)
    ]
    operation["warnings"] = [*operation.get("warnings", []), *more]


def _service_labels(image: Resource, call: Call, times: int) -> None:
    del call, times
    image["labels"] = {**(image.get("labels") or {}), "goog-image-origin": "emulator"}


def _numbered(resource: Resource) -> None:
    for name, value in resource.items():
        if isinstance(value, str) and "/projects/conformance/" in value:
            resource[name] = value.replace("/projects/conformance/", "/projects/123456789012/")


def _revoked(image: Resource, call: Call, times: int) -> None:
    del call, times
    image.setdefault("shieldedInstanceInitialState", {"dbxs": [{"content": "AAAA", "fileType": "BIN"}]})


def _split(fields: Resource, body: Resource) -> None:
    del body
    types = [item.get("type", "").split(",") for item in fields.get("guestOsFeatures") or []]
    if types:
        fields["guestOsFeatures"] = [{"type": name.strip()} for names in types for name in names]


def _without_override(behaviour: Behaviour) -> None:
    """Takes the deprecation of an insert, or of deprecate, without its rollout policy."""

    def take(fields: Resource) -> None:
        status = fields.get("deprecated") or {}
        fields["deprecated"] = {name: value for name, value in status.items() if name != "stateOverride"} or None

    stored(lambda fields, body: take(fields))(behaviour)
    behaviour.on_change.append(lambda image, before, call: take(image.fields))


def _files(change: Callable[[Resource], object]) -> Change:
    """Changes the files of secure boot of an image."""

    def hook(image: Resource, call: Call, times: int) -> None:
        del call, times
        state = image.get("shieldedInstanceInitialState") or {}
        files = [state.get("pk"), *(file for name in checks.FILE_LISTS for file in state.get(name) or [])]
        for file in files:
            if file:
                change(file)

    return shown_image(hook)


def _url_safe(file: Resource) -> None:
    content = checks.from_base64(file.get("content") or "") or b""
    file["content"] = base64.urlsafe_b64encode(content).decode().rstrip("=")


def _key_without(name: str) -> Change:
    return shown_image(lambda image, call, times: (image.get("imageEncryptionKey") or {}).pop(name, None))


def _errors(change: Callable[[Resource], object]) -> Change:
    """Changes the errors of operations that have failed."""
    return when_done(
        lambda operation, times: [change(item) for item in (operation.get("error") or {}).get("errors", [])]
    )


def _code_alone(error: Resource) -> None:
    for name in error.keys() - {"code"}:
        del error[name]


def _lower_case(error: Resource) -> None:
    for detail in error.get("errorDetails", []):
        if "errorInfo" in detail:
            detail["errorInfo"]["reason"] = detail["errorInfo"]["reason"].lower()


def _progress(change: Callable[[int], object], *, done_only: bool = False) -> Change:
    def hook(operation: Resource, call: Call, times: int) -> None:
        del call, times
        if "progress" in operation:
            operation["progress"] = change(operation["progress"])
        if done_only and operation["status"] != "DONE":
            operation.pop("progress", None)

    return shown_operation(hook)


ROWS: tuple[Variant, ...] = (
    Variant("utc", "times are in UTC, with a Z", _times(_in_zone(UTC, "Z"))),
    Variant(
        "half-hour-zone",
        "times have an offset with half an hour in it",
        _times(_in_zone(timezone(timedelta(hours=5, minutes=30)), "+05:30")),
    ),
    Variant("lower-case-times", "times have a t and a z in lower case", _times(lambda text: text.lower())),
    Variant(
        "finer-at-first", "answers of requests show nanoseconds, later looks do not", shown_operation(_finer_at_first)
    ),
    Variant(
        "large-ids",
        "ids have all their 64 bits",
        together(both(_mirror), asked(_mirror_back), lambda behaviour: behaviour.on_answer.append(_mirror_sources)),
    ),
    Variant(
        "links-by-id",
        "links to images end with the image's id",
        together(shown_operation(_link_by_id("targetLink", "targetId")), shown_image(_link_by_id("selfLink", "id"))),
    ),
    Variant("v1-links", "links are those of API version v1", both(lambda resource: _versioned(resource, "v1"))),
    Variant(
        "operation-names",
        "operations have names of another shape",
        together(shown_operation(_renamed), asked(_named_back)),
    ),
    Variant(
        "counted-operations",
        "operations are named by a number that is counted",
        switched(operation_name=lambda moment: f"operation-{next(_count)}"),
    ),
    Variant(
        "nulls",
        "unset fields are null",
        together(shown_image(_unset(IMAGE_FIELDS, None)), shown_operation(_unset(OPERATION_FIELDS, None))),
    ),
    Variant(
        "blank-errors",
        "operations without an error have blank error fields",
        shown_operation(
            lambda operation, call, times: [
                operation.setdefault(name, value)
                for name, value in (("error", {}), ("httpErrorStatusCode", 0), ("httpErrorMessage", ""))
            ]
        ),
    ),
    Variant(
        "lean-images",
        "images show no flags, and no size of their archive",
        without(("satisfiesPzs", "satisfiesPzi", "enableConfidentialCompute", "archiveSizeBytes"), of=shown_image),
    ),
    Variant("restless-flags", "flags and the size of the archive change by themselves", shown_image(_restless)),
    Variant("sizes-when-ready", "images show sizes and places once they are READY", shown_image(_sizes_when_ready)),
    Variant(
        "etags", "resources have an etag of each moment", both(lambda resource: resource.update(etag=str(time.time())))
    ),
    Variant(
        "lists-in-any-order",
        "keys and lists are in another order at every second look",
        together(shown_image(_in_other_order), shown_operation(_in_other_order)),
    ),
    Variant("new-enum-values", "images have a feature that the reference does not list", shown_image(_future)),
    Variant("more-warnings", "operations end with warnings of their own", when_done(_more_warnings)),
    Variant("many-warnings", "operations end with hundreds of warnings", when_done(_many_warnings)),
    Variant("service-labels", "images have a label of the service's own", shown_image(_service_labels)),
    Variant(
        "active-state",
        "images that are not deprecated say that they are active",
        shown_image(lambda image, call, times: image.setdefault("deprecated", {"state": "ACTIVE"})),
    ),
    Variant("numbers-in-links", "links name the project by its number", both(_numbered)),
    Variant("revoked-files", "images have files of secure boot that nobody sent", shown_image(_revoked)),
    Variant("features-split", "features that were sent with commas come back one by one", stored(_split)),
    Variant("url-safe-base64", "files come back in the URL-safe alphabet, without padding", _files(_url_safe)),
    Variant("plain-errors", "errors of operations have a code and nothing else", _errors(_code_alone)),
    Variant("lower-case-reasons", "reasons of errors are in lower case", _errors(_lower_case)),
    Variant("progress-at-end", "progress is there when DONE only", _progress(lambda value: value, done_only=True)),
    Variant(
        "progress-jumps",
        "progress is 0 until it is 100",
        shown_operation(
            lambda operation, call, times: operation.update(progress=100 if operation["status"] == "DONE" else 0)
        ),
    ),
    Variant("progress-stays", "progress is 0, at the end too", _progress(lambda value: 0), ("operation.progress",)),
    Variant(
        "architecture-guessed",
        "images of which nobody told an architecture have one",
        shown_image(lambda image, call, times: image.setdefault("architecture", "X86_64")),
    ),
    Variant("progress-as-float", "progress is written with a decimal point", _progress(float)),
    Variant(
        "qualified-types",
        "operation types are in full, as compute.images.insert",
        shown_operation(
            lambda operation, call, times: operation.update(
                operationType=f"compute.images.{operation['operationType']}"
            )
        ),
    ),
    Variant(
        "own-types",
        "operation types are words of the server's own",
        shown_operation(
            lambda operation, call, times: operation.update(operationType=f"IMAGE_{operation['operationType'].upper()}")
        ),
        ("operation.type",),
    ),
    Variant(
        "bare-operations",
        "operations show no times, users, links or progress",
        without(
            (*TIMES, "user", "progress", "statusMessage", "description", "selfLink", "targetLink"), of=shown_operation
        ),
        ("operation.times", "operation.end-time", "operation.target-link"),
    ),
    Variant(
        "no-target-id",
        "operations show no targetId",
        without(("targetId",), of=shown_operation),
        ("operation.target-id",),
    ),
    Variant(
        "bare-images",
        "images show no sourceType, creationTimestamp or selfLink",
        without(("sourceType", "creationTimestamp", "selfLink"), of=shown_image),
        ("image.source-type", "image.creation-timestamp", "image.self-link"),
    ),
    Variant(
        "no-source-ids",
        "images show no ids of their sources",
        without(("sourceImageId", "sourceDiskId", "sourceSnapshotId"), of=shown_image),
        ("source.*.id",),
    ),
    Variant("no-key-hash", "customer keys show no hash", _key_without("sha256"), ("encryption.image.sha256",)),
    Variant(
        "kms-key-name-hidden",
        "images do not show their KMS key",
        _key_without("kmsKeyName"),
        ("encryption.image.kms-key-name",),
    ),
    Variant(
        "no-file-types",
        "files of secure boot show no type",
        _files(lambda file: file.pop("fileType", None)),
        ("image.shielded.round-trip",),
    ),
    Variant("state-override-dropped", "deprecations are taken without their rollout policy", _without_override),
    Variant(
        "locked-dropped",
        "locked is dropped",
        stored(lambda fields, body: fields.update(locked=None)),
        ("image.locked.round-trip",),
    ),
    Variant(
        "own-rollout",
        "rollout policies are the server's own",
        stored(
            lambda fields, body: (
                fields.update(rolloutOverride={"defaultRolloutTime": "2020-01-01T00:00:00Z"})
                if body.get("rolloutOverride")
                else None
            )
        ),
        ("image.rollout-override.read-only",),
    ),
)
