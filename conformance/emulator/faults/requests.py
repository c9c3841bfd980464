"""Faults in what is refused: requests that should be, are not; and the other way round."""

from __future__ import annotations

import re
import secrets
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.errors import ApiError, invalid
from conformance.emulator.faults.refusals import refuse
from conformance.emulator.faults.row import Change, Fault, switched, unchecked, unless_gone, when_done

SPARE_SOURCE = "projects/debian-cloud/global/images/debian-12-bookworm-v20261101"


def _allow(check: str, exempt: Any) -> Change:
    """Makes a check let some requests pass; `exempt` gets body and query."""

    def change(behaviour: Behaviour) -> None:
        behaviour.unchecked.add(check)
        behaviour.on_request.append(guard)

    def guard(call: Call) -> None:
        if call.method == "images.insert" and isinstance(call.body, dict):
            with unless_gone():
                if not exempt(call.body, call.query):
                    checks.BODY_CHECKS[check](call.body, call.query)

    return change


def _request_ids_like(pattern: str) -> Change:
    """Takes every text of a pattern for a UUID."""

    def change(behaviour: Behaviour) -> None:
        behaviour.unchecked.add("request-id.malformed-refused")
        refuse(
            lambda body, query: query.get("requestId") and not re.fullmatch(pattern, query["requestId"]), "requestId"
        )(behaviour)

    return change


def _out_of_reach(behaviour: Behaviour) -> None:
    """Makes images with names of 64 characters, which no path may have."""

    def guard(call: Call) -> None:
        if call.method != "images.insert" and len(call.name) == 64:
            raise invalid("image", call.name, "It has more than 63 characters.")

    _allow("image.name.length", _has_64_characters)(behaviour)
    behaviour.on_request.append(guard)


def _has_64_characters(body: dict[str, Any], query: Any) -> bool:
    del query
    return not isinstance(body.get("name"), str) or len(body["name"]) == 64


def _drop_wrong_type(path: str) -> Change:
    """Takes a value of a wrong type for one field as if the field were absent."""
    name = path.partition(".")[0]

    def guard(call: Call) -> None:
        if call.method != "images.insert" or not isinstance(call.body, dict) or call.body.get(name) is None:
            return
        try:
            checks.BODY_CHECKS["types"]({name: call.body[name]}, {})
        except ApiError as error:
            if f"'resource.{path}'" in error.message:
                _mend(call.body, name)

    return lambda behaviour: behaviour.on_request.append(guard)


def _mend(body: dict[str, Any], name: str) -> None:
    del body[name]
    if name == "name":
        body["name"] = f"conformance-fault-mended-{secrets.token_hex(8)}"
    if name in ("sourceImage", "sourceDisk", "sourceSnapshot", "rawDisk") and not checks.sources_of(body):
        body["sourceImage"] = SPARE_SOURCE


def _raw(status: int, matching: Any) -> Change:
    """Answers bodies that are no JSON object with a status of its own."""

    def change(answer: Answer, call: Call) -> None:
        if call.method == "images.insert" and answer.status == 400 and matching(call, answer):
            answer.status = status
            answer.body["error"]["code"] = status

    return lambda behaviour: behaviour.on_answer.append(change)


def _malformed(call: Call, answer: Answer) -> bool:
    return call.body is None and "Parse Error" in str(answer.body)


def _keep_refused_names(behaviour: Behaviour) -> None:
    """Takes the names of refused inserts as used."""
    refused: set[tuple[str, str]] = set()

    def note(answer: Answer, call: Call) -> None:
        if call.method == "images.insert" and answer.status == 400 and isinstance(call.body, dict):
            refused.add((call.project, str(call.body.get("name"))))

    def guard(call: Call) -> None:
        if (
            call.method == "images.insert"
            and isinstance(call.body, dict)
            and (call.project, str(call.body.get("name"))) in refused
        ):
            raise ApiError(409, "alreadyExists", "The name is taken.")

    behaviour.on_request.append(guard)
    behaviour.on_answer.append(note)


def _keep_failed_names(behaviour: Behaviour) -> None:
    """Takes the name of an insert whose operation fails for that of an image."""
    taken: set[str] = set()

    def keep(operation: Resource, times: int) -> None:
        del times
        if "error" in operation and operation["operationType"] == "insert":
            taken.add(operation["targetLink"].rpartition("/")[2])

    def refuse_again(call: Call) -> None:
        name = call.body.get("name") if isinstance(call.body, dict) else None
        if call.method == "images.insert" and isinstance(name, str) and name in taken:
            raise ApiError(409, "alreadyExists", "The resource already exists.")

    when_done(keep)(behaviour)
    behaviour.on_request.append(refuse_again)


def _deleted_sources(behaviour: Behaviour) -> None:
    """Takes an image that was deleted as a source."""

    def note(call: Call) -> None:
        if call.method == "images.delete":
            behaviour.unchecked.add(f"source.image.unknown/{call.name}")

    behaviour.on_request.append(note)


def _typed_paths(shape: dict[str, Any], prefix: str = "") -> list[str]:
    """The path of every field of the table of types."""
    paths: list[str] = []
    for name, part in shape.items():
        paths.append(f"{prefix}{name}")
        inner = part[0] if isinstance(part, list) else part
        if isinstance(inner, dict):
            paths.extend(_typed_paths(inner, f"{prefix}{name}."))
    return paths


_CHECKS_LEFT_OUT: tuple[tuple[str, str], ...] = (
    ("request-id.zero-refused", "the zero UUID is accepted"),
    ("request-id.malformed-refused", "any text is accepted as requestId"),
    ("force-create.not-boolean", "any text is accepted as forceCreate"),
    ("force-create.in-use", "a disk that is in use is a source without forceCreate"),
    ("source.required", "an insert without a source is accepted"),
    ("source.exclusive", "an insert with two sources is accepted"),
    ("source.raw-disk.malformed", "any text is accepted as rawDisk.source"),
    ("source.image.not-ready", "an image that is not READY is accepted as a source"),
    *(
        (f"source.{kind}.unknown", f"a {kind} that does not exist is accepted as a source")
        for kind in ("image", "disk", "snapshot")
    ),
    *(
        (f"source.{kind}.malformed", f"any text is accepted as the URL of a source {kind}")
        for kind in ("image", "disk", "snapshot")
    ),
    ("image.name.length", "names of any length are accepted"),
    ("image.name.pattern", "any text is accepted as a name"),
    ("image.family.pattern", "any text is accepted as a family"),
    ("image.source-type", "any sourceType is accepted"),
    ("image.raw-disk.container-type", "any containerType is accepted"),
    ("image.architecture", "any architecture is accepted"),
    ("image.deprecated.state", "any state of deprecation is accepted"),
    ("image.deprecated.timestamps", "times of a deprecation are not checked"),
    ("image.labels.limits", "labels are not checked"),
    ("image.rollout-override.zones", "any text is accepted as a zone of a rollout"),
    ("deprecate.replacement-kind", "a disk is accepted as the replacement of an image"),
    ("image.deprecated.state-override", "rollouts of a deprecation are not checked"),
    ("image.kms-key-name.malformed", "any text is accepted as the name of a key"),
    ("image.storage-locations.malformed", "any text is accepted as a location"),
    ("image.storage-locations.unknown", "a location that there is not is accepted"),
    ("image.disk-size-gb.range", "sizes beyond 64 bits, and below 0, are accepted"),
    ("image.license-codes.range", "licence codes beyond 64 bits are accepted"),
    ("image.guest-os-features.type", "any feature type is accepted"),
    ("image.shielded.base64", "secure boot keys are not checked for base64"),
    ("image.shielded.file-type", "any fileType is accepted"),
    ("image.rollout-override.timestamps", "times of a rollout are not checked"),
    ("image.locked.forbids", "a locked image is accepted as a source"),
    ("deprecate.use-obsolete", "an OBSOLETE image is accepted as a source"),
    ("encryption.required-for-source", "an encrypted source can be used without its key"),
    *((name, f"the check {name} is left out") for name in checks.BODY_CHECKS if name.startswith("encryption.")),
)


def _refuse_deletion(call: Call) -> None:
    if call.method == "images.deprecate" and isinstance(call.body, dict) and call.body.get("state") == "DELETED":
        raise invalid("resource.state", "DELETED", "It is refused by a fault.")


def _refuse_offsets(call: Call) -> None:
    if (
        call.method == "images.deprecate"
        and isinstance(call.body, dict)
        and re.search(r"[+-]\d\d:\d\d\Z", str(call.body.get("deleted")))
    ):
        raise invalid("resource.deleted", call.body["deleted"], "It is refused by a fault.")


def _refuse_chunks(call: Call) -> None:
    if call.headers.get("transfer-encoding"):
        raise ApiError(411, "lengthRequired", "The length of the body is required.")


FAULTS: tuple[Fault, ...] = (
    Fault(
        "transport.incomplete-request",
        "carried-out",
        "what arrived of an insert is carried out although the client hung up in its middle",
        switched(takes_incomplete=True),
    ),
    Fault("life.insert", "refused", "every insert is refused", refuse(lambda body, query: True, "resource")),
    *(Fault(rule, "unchecked", sentence, unchecked(rule)) for rule, sentence in _CHECKS_LEFT_OUT),
    *(
        Fault(
            f"transport.wrong-type.{path}",
            "ignored",
            f"a value of a wrong type for {path} is ignored",
            _drop_wrong_type(path),
        )
        for path in _typed_paths(checks.SHAPE)
        if not path.endswith(".sha256")
    ),
    Fault(
        "image.name.required",
        "made-up",
        "an insert without a name makes up one",
        lambda behaviour: behaviour.on_request.append(
            lambda call: (
                call.body.setdefault("name", f"conformance-made-up-{secrets.token_hex(8)}")
                if call.method == "images.insert" and isinstance(call.body, dict)
                else None
            )
        ),
    ),
    Fault(
        "image.name.length",
        "64-accepted",
        "a name of 64 characters is accepted",
        _allow("image.name.length", _has_64_characters),
    ),
    Fault(
        "image.name.length",
        "64-out-of-reach",
        "a name of 64 characters is accepted, but in no path",
        _out_of_reach,
    ),
    Fault(
        "image.name.length",
        "63-refused",
        "a name of 63 characters is refused",
        refuse(lambda body, query: len(str(body.get("name"))) == 63, "resource.name"),
    ),
    Fault(
        "image.name.length",
        "1-refused",
        "a name of one character is refused",
        refuse(lambda body, query: len(str(body.get("name"))) == 1, "resource.name"),
    ),
    *(
        Fault(
            "image.name.pattern",
            name,
            sentence,
            _allow(
                "image.name.pattern", lambda body, query, pattern=pattern: re.search(pattern, str(body.get("name")))
            ),
        )
        for name, sentence, pattern in (
            ("trailing-dash-accepted", "a name that ends with a dash is accepted", r"-\Z"),
            ("newline-accepted", "a name with a newline at its end is accepted", r"\n\Z"),
            ("inner-capital-accepted", "a capital inside of a name is accepted", r"[A-Z][a-z0-9]"),
            ("upper-case-accepted", "upper case is accepted in names", r"[A-Z]"),
            ("leading-digit-accepted", "a name that begins with a digit is accepted", r"\A[0-9]"),
            ("underscore-accepted", "an underscore is accepted in names", r"_"),
            ("unicode-accepted", "letters and digits of any script are accepted in names", r"[^\x00-\x7f]"),
        )
    ),
    Fault(
        "image.name.pattern",
        "double-dash-refused",
        "a name with two dashes in a row is refused",
        refuse(lambda body, query: "--" in str(body.get("name")), "resource.name"),
    ),
    Fault(
        "image.rollout-override.timestamps",
        "of-one-zone",
        "times of a rollout are checked where they are for one zone alone",
        _allow(
            "image.rollout-override.timestamps",
            lambda body, query: len(body["rolloutOverride"].get("locationRolloutPolicies") or {}) > 1,
        ),
    ),
    Fault(
        "image.locked.forbids",
        "by-family",
        "a locked image is a source where its family names it",
        unchecked("image.locked.forbids/by-family"),
    ),
    Fault(
        "image.name.pattern",
        "forced",
        "any name is accepted where the insert is forced",
        _allow("image.name.pattern", lambda body, query: query.get("forceCreate") == "true"),
    ),
    Fault(
        "image.locked.forbids",
        "relabelled",
        "a locked image is a source once its labels were set",
        unchecked("image.locked.forbids/relabelled"),
    ),
    Fault(
        "encryption.required-for-source",
        "relabelled",
        "an encrypted image can be used without its key once its labels were set",
        unchecked("encryption.required-for-source/relabelled"),
    ),
    Fault(
        "encryption.required-for-source",
        "by-family",
        "an encrypted source can be used without its key where its family names it",
        unchecked("encryption.required-for-source/by-family"),
    ),
    Fault(
        "encryption.image.raw-key-length",
        "signs-refused",
        "a rawKey with a sign that URLs spare is refused",
        refuse(
            lambda body, query: bool(set(str((body.get("imageEncryptionKey") or {}).get("rawKey"))) & set("+/")),
            "resource.imageEncryptionKey.rawKey",
        ),
    ),
    Fault(
        "encryption.required-for-source",
        "by-own-key",
        "an encrypted source can be used where its key is given as that of the new image",
        unchecked("encryption.required-for-source/by-own-key"),
    ),
    Fault(
        "encryption.required-for-source",
        "by-hash",
        "an encrypted source can be used with the hash of its key",
        unchecked("encryption.required-for-source/by-hash"),
    ),
    Fault(
        "encryption.required-for-source",
        "any-key",
        "any key opens an encrypted disk",
        unchecked("encryption.required-for-source/any-sourceDisk-key"),
    ),
    Fault(
        "image.locked.forbids",
        "patched",
        "a patch may unlock a locked image",
        unchecked("image.locked.forbids/patch"),
    ),
    Fault(
        "image.deprecated.timestamps",
        "dates-act",
        "an image whose time of deletion has passed is no source any more",
        unchecked("image.deprecated.timestamps/dates-act"),
    ),
    Fault(
        "image.deprecated.state",
        "deleted-refused",
        "deprecate refuses the state DELETED",
        lambda behaviour: behaviour.on_request.append(_refuse_deletion),
    ),
    Fault(
        "image.deprecated.timestamps",
        "offset-refused",
        "deprecate refuses times that are not in UTC",
        lambda behaviour: behaviour.on_request.append(_refuse_offsets),
    ),
    Fault(
        "image.name.unique",
        "while-pending",
        "a name is taken only 20 ms after its insert",
        switched(conflicts=lambda age: age > 0.02),
        (
            "life.concurrent-*",
            "image.id",
            "image.creation-timestamp",
            "image.status",
            "operation.success-means-ready",
            "operation.target-id",
        ),
    ),
    Fault(
        "source.required",
        "empty-taken",
        "an empty text is accepted as a source",
        _allow("source.required", lambda body, query: body.get("sourceImage") == ""),
    ),
    Fault(
        "source.required",
        "by-size",
        "an insert with a size in the place of a source makes an empty image",
        _allow("source.required", lambda body, query: body.get("diskSizeGb")),
    ),
    Fault(
        "image.name.required",
        "null-taken",
        "null as a name makes up one",
        lambda behaviour: behaviour.on_request.append(
            lambda call: (
                call.body.update(name=f"conformance-made-up-{secrets.token_hex(8)}")
                if call.method == "images.insert" and isinstance(call.body, dict) and call.body.get("name", "") is None
                else None
            )
        ),
    ),
    Fault(
        "image.deprecated.timestamps",
        "no-calendar",
        "the 30th of February is accepted as a time",
        _allow(
            "image.deprecated.timestamps",
            lambda body, query: checks.TIME.fullmatch(str((body.get("deprecated") or {}).get("deleted"))),
        ),
    ),
    Fault(
        "image.labels.limits",
        "bytes",
        "labels are limited to 63 bytes",
        refuse(
            lambda body, query: any(
                len(str(text).encode()) > 63 for pair in (body.get("labels") or {}).items() for text in pair
            ),
            "resource.labels",
        ),
    ),
    Fault(
        "transport.json-form",
        "chunks-refused",
        "a body that comes in chunks is refused",
        lambda behaviour: behaviour.on_request.append(_refuse_chunks),
    ),
    Fault(
        "image.name.unique",
        "overwrites",
        "a second insert of a name replaces the first image",
        switched(conflicts=lambda age: False),
    ),
    Fault(
        "image.name.unique",
        "twins",
        "a second insert of a name makes a second image of that name",
        switched(conflicts=lambda age: False, keeps_twins=True),
    ),
    Fault(
        "request-id.malformed-refused",
        "any-digits",
        "any 36 digits and dashes are accepted as requestId",
        _request_ids_like("[-0-9a-fA-F]{36}"),
    ),
    Fault(
        "request-id.malformed-refused",
        "as-name",
        "a UUID in the form of a URN is accepted as requestId",
        _request_ids_like("(?:urn:uuid:)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    ),
    Fault(
        "request-id.valid-accepted",
        "version-4-only",
        "only UUIDs of version 4 are accepted",
        refuse(lambda body, query: query.get("requestId") and query["requestId"][14] != "4", "requestId"),
    ),
    Fault(
        "force-create.boolean",
        "true-refused",
        "forceCreate=true is refused",
        refuse(lambda body, query: query.get("forceCreate") == "true", "forceCreate"),
        ("force-create.in-use",),
    ),
    Fault(
        "force-create.in-use",
        "true-ignored",
        "a disk that is in use is no source with forceCreate=true, either",
        unchecked("force-create.in-use/true"),
    ),
    Fault(
        "source.image.family-url",
        "oldest",
        "a family as sourceImage stands for its oldest image",
        unchecked("source.image.family-url/oldest"),
    ),
    Fault(
        "source.disk.unknown",
        "by-name",
        "a sourceDisk is found by its name, whatever its zone",
        unchecked("source.disk.unknown/by-name"),
    ),
    Fault("source.image.unknown", "deleted", "an image that was deleted is a source still", _deleted_sources),
    Fault(
        "source.image.full-url",
        "refused",
        "full URLs are refused as sourceImage",
        refuse(lambda body, query: str(body.get("sourceImage")).startswith("http"), "resource.sourceImage"),
    ),
    Fault(
        "source.image.partial-url",
        "refused",
        "a sourceImage without its project is refused",
        refuse(lambda body, query: str(body.get("sourceImage")).startswith("global/"), "resource.sourceImage"),
    ),
    Fault(
        "source.disk.full-url",
        "refused",
        "full URLs are refused as sourceDisk",
        refuse(lambda body, query: str(body.get("sourceDisk")).startswith("http"), "resource.sourceDisk"),
    ),
    Fault(
        "source.disk.partial-url",
        "refused",
        "a sourceDisk without its project is refused",
        refuse(lambda body, query: str(body.get("sourceDisk")).startswith("zones/"), "resource.sourceDisk"),
    ),
    Fault(
        "source.snapshot.full-url",
        "refused",
        "full URLs are refused as sourceSnapshot",
        refuse(lambda body, query: str(body.get("sourceSnapshot")).startswith("http"), "resource.sourceSnapshot"),
    ),
    Fault(
        "source.snapshot.partial-url",
        "refused",
        "a sourceSnapshot without its project is refused",
        refuse(lambda body, query: str(body.get("sourceSnapshot")).startswith("global/"), "resource.sourceSnapshot"),
    ),
    Fault(
        "source.image.family-url",
        "refused",
        "an image family is refused as sourceImage",
        refuse(lambda body, query: "/family/" in str(body.get("sourceImage")), "resource.sourceImage"),
    ),
    Fault(
        "source.raw-disk",
        "refused",
        "rawDisk.source is refused",
        refuse(
            lambda body, query: checks.sources_of(body) == ["rawDisk"] and len(body["rawDisk"]) == 1, "resource.rawDisk"
        ),
    ),
    Fault(
        "image.raw-disk.sha1-checksum",
        "refused",
        "a checksum is refused",
        refuse(lambda body, query: (body.get("rawDisk") or {}).get("sha1Checksum"), "resource.rawDisk.sha1Checksum"),
    ),
    Fault(
        "transport.malformed-json",
        "422",
        "a body that is not JSON is answered 422",
        _raw(422, _malformed),
    ),
    Fault(
        "transport.body-not-object",
        "422",
        "a JSON body that is no object is answered 422",
        _raw(422, lambda call, answer: call.body is not None and not isinstance(call.body, dict)),
    ),
    Fault(
        "transport.empty-body",
        "411",
        "an empty body is answered 411",
        _raw(411, lambda call, answer: call.body is None and call.headers.get("content-length", "0") == "0"),
    ),
    Fault(
        "transport.refuse-at-once",
        "late",
        "faults of fields make operations fail instead of being refused",
        switched(late_refusals=True),
    ),
    Fault(
        "life.failed-insert-leaves-nothing",
        "name-taken",
        "the name of a refused insert is not free",
        _keep_refused_names,
    ),
    Fault(
        "life.failed-insert-leaves-nothing",
        "failed-name-taken",
        "the name of an insert whose operation fails is not free",
        _keep_failed_names,
    ),
    Fault(
        "life.failed-insert-leaves-nothing",
        "stored",
        "a refused insert makes its image all the same",
        switched(stored_when_refused=True),
    ),
)
