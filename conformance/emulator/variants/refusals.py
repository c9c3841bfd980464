"""Freedoms in what is refused, in what is taken beyond the reference, and in how a refusal is told."""

from __future__ import annotations

import re
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Answer, Behaviour, Call
from conformance.emulator.errors import ApiError, invalid
from conformance.emulator.faults.row import stored, switched, unchecked
from conformance.emulator.variants.row import Variant, answered, asked, refuse_if

ARCHIVE_SHA1 = "0123456789" * 4
DER_SEQUENCE, SIGNATURE_LIST = b"\x30\x82", bytes.fromhex("2616c4c14c509240aca941f936934328")
"""How certificates in DER, and lists of SHA-256 signatures begin."""

ACCEPTED = ("image.*.accepted",)
"""By convention such fields are accepted."""

SOURCES = ("sourceDisk", "sourceImage", "sourceSnapshot")


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}


def _beyond_ascii(body: dict[str, Any]) -> bool:
    labels = _part(body, "labels")
    return not all(str(text).isascii() for pair in labels.items() for text in pair)


def _features(body: dict[str, Any]) -> list[str]:
    items = body.get("guestOsFeatures")
    return [str(item.get("type")) for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _forged(body: dict[str, Any]) -> bool:
    """Whether a file of secure boot is neither a certificate nor a list of signatures, though it is base64."""
    state = _part(body, "shieldedInstanceInitialState")
    lists = [state.get(name) for name in checks.FILE_LISTS]
    files = [state.get("pk"), *(item for items in lists if isinstance(items, list) for item in items)]
    contents = [file.get("content") for file in files if isinstance(file, dict)]
    decoded = [checks.from_base64(text) for text in contents if isinstance(text, str) and text]
    return any(content is not None and not content.startswith((DER_SEQUENCE, SIGNATURE_LIST)) for content in decoded)


def _capital_families(behaviour: Behaviour) -> None:
    behaviour.unchecked.add("image.family.pattern")
    asked(_check_family)(behaviour)


def _check_family(call: Call) -> None:
    family = call.body.get("family") if isinstance(call.body, dict) else None
    if call.method == "images.insert" and isinstance(family, str):
        checks.BODY_CHECKS["image.family.pattern"]({"family": family.lower() if family.isascii() else family}, {})


def _short_url(body: dict[str, Any]) -> bool:
    return any(isinstance(body.get(name), str) and re.match(r"(?:zones|global)/", body[name]) for name in SOURCES)


def _verbs_of_the_page(call: Call) -> None:
    if call.verb == "HEAD" or "x-http-method-override" in call.headers:
        raise ApiError(405, "httpMethodNotAllowed", "There is no such method.")


def _by_id(call: Call) -> None:
    if call.method == "images.get" and call.name.isdecimal():
        raise invalid("image", call.name, "It must be a name.")


def _missing_disk_404(answer: Answer, call: Call) -> None:
    if call.method == "images.insert" and answer.status == 400 and "Referenced resource" in str(answer.body):
        answer.status = 404
        answer.body = ApiError(404, "notFound", answer.body["error"]["message"]).body()


def _loose_tongue(answer: Answer, call: Call) -> None:
    raw = _part(call.body, "imageEncryptionKey").get("rawKey") if isinstance(call.body, dict) else None
    if answer.status >= 400 and raw:
        answer.body["error"]["message"] += f" The key was {raw}."


def _raised(fields: dict[str, Any], body: dict[str, Any]) -> None:
    if body.get("diskSizeGb"):
        fields["diskSizeGb"] = str(body["diskSizeGb"])


def _below_source(body: dict[str, Any]) -> bool:
    return str(body.get("diskSizeGb")).isdecimal() and 0 < int(body["diskSizeGb"]) < 10


def _without_list(answer: Answer, call: Call) -> None:
    del call
    if answer.status >= 400:
        answer.body["error"] = {name: answer.body["error"][name] for name in ("code", "message")}
        answer.body["error"]["status"] = "INVALID_ARGUMENT"


def _leniently_checked(call: Call) -> None:
    """Takes whatever digits of a UUID are written, in braces or without dashes."""
    text = call.query.get("requestId", "")
    digits = re.sub(r"^urn:uuid:|[-_{}\s]", "", text)
    if re.fullmatch(r"[0-9a-fA-F]{32}", digits) and not checks.UUID.fullmatch(text):
        call.query["requestId"] = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _old_uuids(call: Call) -> None:
    text = call.query.get("requestId", "")
    if checks.UUID.fullmatch(text) and text[14] in "678":
        raise ApiError(400, "invalid", f"Invalid value for field 'requestId': '{text}' has an unknown version.")


ROWS: tuple[Variant, ...] = (
    Variant(
        "locked-refused",
        "locked is refused for want of a right",
        refuse_if(lambda body: body.get("locked"), "locked", 403),
        ACCEPTED,
    ),
    Variant(
        "own-architecture",
        "an architecture other than the source's is refused",
        refuse_if(lambda body: body.get("architecture") not in (None, "", "X86_64"), "resource.architecture"),
    ),
    Variant(
        "ascii-labels",
        "labels beyond ASCII are refused",
        refuse_if(_beyond_ascii, "resource.labels"),
        ("image.labels.limits",),
    ),
    Variant(
        "own-labels",
        "labels that begin with goog- are refused, they are the service's",
        refuse_if(lambda body: any(key.startswith("goog-") for key in _part(body, "labels")), "resource.labels"),
    ),
    Variant(
        "plain-descriptions",
        "descriptions with characters that control are refused",
        refuse_if(lambda body: "\0" in str(body.get("description")), "resource.description"),
    ),
    Variant(
        "checksum-checked",
        "a checksum that is not the archive's is refused",
        refuse_if(
            lambda body: _part(body, "rawDisk").get("sha1Checksum") not in (None, "", ARCHIVE_SHA1), "resource.rawDisk"
        ),
    ),
    Variant(
        "small-sizes-refused",
        "a size below the source's is refused",
        refuse_if(_below_source, "resource.diskSizeGb"),
    ),
    Variant("small-sizes-kept", "an image may be smaller than its source", stored(_raised), ("image.disk-size-gb",)),
    Variant(
        "prose-feature-refused",
        "the feature that the discovery document lacks is refused",
        refuse_if(lambda body: "SUSPEND_RESUME_COMPATIBLE" in _features(body), "resource.guestOsFeatures"),
        ("image.guest-os-features.type",),
    ),
    Variant(
        "single-features",
        "a feature's type is one feature, and several with commas between are refused",
        refuse_if(lambda body: any("," in text for text in _features(body)), "resource.guestOsFeatures"),
        ("image.guest-os-features.type",),
    ),
    Variant(
        "genuine-files",
        "files of secure boot that are no genuine ones are refused",
        refuse_if(_forged, "resource.shieldedInstanceInitialState"),
    ),
    Variant("capital-families", "capitals are accepted in families", _capital_families, ("image.family.pattern",)),
    Variant(
        "no-short-urls",
        "URLs of sources have to name their project",
        refuse_if(_short_url, "resource.source"),
        ("source.*.partial-url", "source.image.family-url"),
    ),
    Variant(
        "no-family-urls",
        "families are no sources of images",
        refuse_if(lambda body: "/family/" in str(body.get("sourceImage")), "resource.sourceImage"),
        ("source.image.family-url",),
    ),
    Variant(
        "any-container",
        "any containerType is accepted",
        unchecked("image.raw-disk.container-type"),
        ("image.raw-disk.container-type",),
    ),
    Variant(
        "any-file-type",
        "any fileType is accepted",
        unchecked("image.shielded.file-type"),
        ("image.shielded.file-type",),
    ),
    Variant(
        "busy-disks",
        "a disk that is in use is a source without forceCreate, too",
        unchecked("force-create.in-use"),
        ("force-create.in-use",),
    ),
    Variant(
        "any-location",
        "whatever could be the name of a location is accepted",
        unchecked("image.storage-locations.unknown"),
        ("image.storage-locations.unknown",),
    ),
    Variant(
        "opaque-wrapped-keys",
        "wrapped keys of any length are accepted",
        unchecked(*(check for check in checks.BODY_CHECKS if check.endswith(".rsa-length"))),
        ("encryption.*.rsa-length",),
    ),
    Variant("verbs-of-the-page", "HEAD, and headers that ask for another verb, are refused", asked(_verbs_of_the_page)),
    Variant("by-name-only", "images are found by name only", asked(_by_id), ("life.get-by-id",)),
    Variant("missing-disk-404", "a disk that does not exist is answered 404", answered(_missing_disk_404)),
    Variant("busy-images", "an image that is PENDING can be neither changed nor deleted", switched(busy_images=True)),
    Variant(
        "late-preconditions",
        "that a fingerprint is not the current one is told by the operation",
        switched(late_preconditions=True),
    ),
    Variant("late-misses", "that there is no image is told by the operation of a delete", switched(late_misses=True)),
    Variant("late-lookups", "what comes of looking up a source is told by the operation", switched(late_lookups=True)),
    Variant("late-conflicts", "that a name is taken is told by the operation", switched(late_conflicts=True)),
    Variant(
        "loose-tongue",
        "errors repeat the key that they are about",
        answered(_loose_tongue),
        ("encryption.never-echoed",),
    ),
    Variant(
        "errors-of-today",
        "errors have a status and no errors[]",
        answered(_without_list),
        ("transport.error-list",),
    ),
    Variant(
        "lenient-uuids",
        "UUIDs may be written in other ways",
        asked(_leniently_checked),
        ("request-id.malformed-refused", "request-id.client-operation-id"),
    ),
    Variant("old-uuids", "UUIDs of versions 6 to 8 are refused", asked(_old_uuids), ("request-id.valid-accepted",)),
)
