"""Rules about the fields of an image that the server sets, and about the types of all fields in answers."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.contract.areas.operation_course import shown_time
from conformance.contract.areas.source import COMES_BACK
from conformance.contract.areas.transport import values_at
from conformance.contract.clock import not_before
from conformance.contract.fields import IMAGE_FIELDS, NEVER_ANSWERED, OPERATION_FIELDS, Field, rule_name, type_rules
from conformance.contract.history import History, Sighting, after
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.trace.exchange import Exchange
from conformance.trace.formats import decoded, is_base64, is_int64, is_uint64, link, same_instant, timestamp

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


STATUSES = ("PENDING", "READY", "FAILED", "DELETING")

OUTPUT_ONLY = (
    *("kind", "id", "creationTimestamp", "selfLink", "status", "sourceDiskId", "sourceImageId", "sourceSnapshotId"),
    *("satisfiesPzs", "satisfiesPzi", "enableConfidentialCompute", "labelFingerprint"),
    *(
        f"{key}.sha256"
        for key in (
            "imageEncryptionKey",
            "sourceDiskEncryptionKey",
            "sourceImageEncryptionKey",
            "sourceSnapshotEncryptionKey",
        )
    ),
)
"""The fields whose values from a client are ignored or refused; the labels' fingerprint the server makes by itself."""


def _taken_over(path: str, history: History) -> Iterator[Finding]:
    plain = [
        value
        for insert, seen in history.comebacks
        if not _sent(insert.body, path)
        for value in values_at(seen.value, path)
    ]
    for insert in history.inserts:
        sent = _sent(insert.body, path)
        if not sent or insert.original is not None:
            continue
        if insert.outcome == "refused":
            yield None
        for sighting in history.results(insert):
            came = list(values_at(sighting.value, path))
            told = is_set(came) and came[0] == sent[0]
            innocent = sent[0] in plain or (isinstance(sent[0], bool) and not plain and not _baseline(history, path))
            if told and innocent:
                continue
            yield expect(
                not told,
                f"{path} is taken over from the client",
                insert.exchange,
                sighting.exchange,
                expected="a value of the server's own",
                observed=came[0] if came else None,
            )


def _sent(body: dict[str, Any], path: str) -> list[Any]:
    return [value for value in values_at(body, path) if is_set(value)]


def _baseline(history: History, path: str) -> bool:
    """Whether the trace shows an image that was made without a value for this field."""
    return any(not _sent(insert.body, path) for insert, _ in history.comebacks)


for _path in OUTPUT_ONLY:

    @RULES.rule(
        f"image.output-only.{_path}",
        "conv" if _path == "selfLink" else "doc",
        f"A value for {_path} sent by the client is ignored, or the request refused; it is never taken over.",
        f"Fields > {_path}",
        requires=COMES_BACK,
    )
    def _output_only(history: History, path: str = _path) -> Iterator[Finding]:
        return _taken_over(path, history)


def _successions(history: History) -> Iterator[tuple[Sighting, Sighting]]:
    """Each sighting of an image with the one before it, where nobody made or deleted an image of that name between them."""
    last: dict[tuple[str, str], Sighting] = {}
    inserted = {insert.image for insert in history.inserts}
    for sighting in history.sightings:
        # What a list shows of others' images may be another image each time.
        if sighting.name is None or (sighting.via != "images.get" and sighting.name not in inserted):
            continue
        key = (sighting.project, sighting.name)
        before = last.get(key)
        last[key] = sighting
        if before is None or not after(before.exchange, sighting.exchange):
            continue
        if not any(
            mutation.method in ("images.insert", "images.delete")
            and mutation.image in (sighting.name, before.value.get("id"))
            and mutation.project == sighting.project
            and not mutation.exchange.refused
            and mutation.exchange.sent <= sighting.exchange.received
            and mutation.exchange.received >= before.exchange.sent
            for mutation in history.mutations
        ):
            yield before, sighting


@RULES.rule("image.kind", "doc", "kind is compute#image.", "Fields > kind")
def _kind(history: History) -> Iterator[Finding]:
    for sighting in history.sightings:
        if not history.sent(sighting, "kind"):
            yield expect(
                sighting.value.get("kind") == "compute#image",
                "an image has another kind",
                sighting.exchange,
                expected="compute#image",
                observed=sighting.value.get("kind"),
            )


@RULES.rule("image.id", "doc", "id is a uint64 as a decimal string, unique, and never changing.", "Fields > id")
def _id(history: History) -> Iterator[Finding]:
    owners: dict[tuple[str, str], Sighting] = {}
    for sighting in history.sightings:
        if history.sent(sighting, "id"):
            continue
        identifier = sighting.value.get("id")
        yield expect(
            is_uint64(identifier),
            "the id of an image is no uint64 as a decimal string",
            sighting.exchange,
            expected="a decimal string",
            observed=identifier,
        )
        owner = owners.setdefault((sighting.project, str(identifier)), sighting)
        if is_uint64(identifier):
            yield expect(
                owner.name == sighting.name,
                "two images have one id",
                owner.exchange,
                sighting.exchange,
                expected=f"{identifier} for {owner.name} alone",
                observed=sighting.name,
            )
    for before, sighting in _successions(history):
        yield expect(
            before.value.get("id") == sighting.value.get("id"),
            "the id of an image changed",
            before.exchange,
            sighting.exchange,
            expected=before.value.get("id"),
            observed=sighting.value.get("id"),
        )


@RULES.rule(
    "image.creation-timestamp",
    "doc",
    "creationTimestamp is RFC 3339, not before the insert was sent, and never changing; by convention it is there.",
    "Fields > creationTimestamp",
)
def _creation_timestamp(history: History) -> Iterator[Finding]:
    for sighting in history.sightings:
        if not history.sent(sighting, "creationTimestamp"):
            created = sighting.value.get("creationTimestamp")
            yield expect(
                timestamp(created) is not None,
                "creationTimestamp is not RFC 3339" if is_set(created) else "creationTimestamp is missing",
                sighting.exchange,
                expected="RFC 3339, such as 2024-05-01T09:30:00.123-07:00",
                observed=created,
                deviation=not is_set(created),
            )
    for insert, sighting in history.comebacks:
        moment = timestamp(sighting.value.get("creationTimestamp"))
        if moment is not None and not is_set(insert.body.get("creationTimestamp")):
            yield expect(
                not_before(moment, insert.exchange),
                "an image is older than its insert",
                insert.exchange,
                sighting.exchange,
                expected=f"{shown_time(insert.exchange)} or later",
                observed=sighting.value.get("creationTimestamp"),
            )
    for before, sighting in _successions(history):
        earlier, later = (str(seen.value.get("creationTimestamp")) for seen in (before, sighting))
        if timestamp(earlier) is not None and timestamp(later) is not None:
            yield expect(
                same_instant(earlier, later),
                "the creationTimestamp of an image changed",
                before.exchange,
                sighting.exchange,
                expected=before.value.get("creationTimestamp"),
                observed=sighting.value.get("creationTimestamp"),
            )


@RULES.rule(
    "image.self-link",
    "conv",
    "selfLink is an absolute URL that names this project and image.",
    "JSON representation > selfLink",
    requires=type_rules("name", "selfLink"),
)
def _self_link(history: History) -> Iterator[Finding]:
    for sighting in history.sightings:
        if history.sent(sighting, "selfLink"):
            continue
        own = sighting.value.get("selfLink")
        path = link(own).split("/")
        yield expect(
            isinstance(own, str)
            and own.startswith(("https://", "http://"))
            and path[2:] in (["global", "images", sighting.name], ["global", "images", sighting.value.get("id")]),
            "selfLink does not name the image",
            sighting.exchange,
            expected=f"https://…/projects/{sighting.project}/global/images/{sighting.name}",
            observed=own,
        )


@RULES.rule(
    "image.status",
    "doc",
    "status is PENDING, READY, FAILED or DELETING; by convention READY is left for DELETING only.",
    "Fields > status",
)
def _status(history: History) -> Iterator[Finding]:
    for sighting in history.sightings:
        status = sighting.value.get("status")
        if history.sent(sighting, "status"):
            continue
        yield expect(
            status in STATUSES,
            "an image has an unknown status",
            sighting.exchange,
            expected=list(STATUSES),
            observed=status,
        )
    for before, sighting in _successions(history):
        if before.value.get("status") == "READY" and not history.sent(sighting, "status"):
            yield expect(
                sighting.value.get("status") in ("READY", "DELETING"),
                "an image that was READY is so no more",
                before.exchange,
                sighting.exchange,
                expected="READY",
                observed=sighting.value.get("status"),
                deviation=True,
            )


@RULES.rule(
    "image.archive-size-bytes",
    "doc",
    "archiveSizeBytes is an int64 as a decimal string.",
    "Fields > archiveSizeBytes",
)
def _archive_size(history: History) -> Iterator[Finding]:
    for sighting in history.sightings:
        size = sighting.value.get("archiveSizeBytes")
        if is_set(size) and not history.sent(sighting, "archiveSizeBytes"):
            yield expect(
                is_int64(size) and int(size) >= 0,
                "archiveSizeBytes is no int64 as a decimal string",
                sighting.exchange,
                expected="a decimal string",
                observed=size,
            )


@RULES.rule(
    "image.label-fingerprint.format",
    "doc",
    "labelFingerprint is base64, and present in every get.",
    "Fields > labelFingerprint",
)
def _fingerprint(history: History) -> Iterator[Finding]:
    for sighting in history.sightings:
        fingerprint = sighting.value.get("labelFingerprint")
        if history.sent(sighting, "labelFingerprint"):
            continue
        if sighting.via == "images.get" or is_set(fingerprint):
            yield expect(
                bool(decoded(fingerprint)),
                "labelFingerprint is missing, or no base64",
                sighting.exchange,
                expected="base64, such as " + base64.b64encode(bytes(8)).decode(),
                observed=fingerprint,
            )


# JSON types of answers

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "map": (dict,),
    "array": (list,),
}


def right_type(field: Field, value: Any) -> bool:
    """Whether a value in an answer has the documented JSON type and format of its field."""
    if field.type == "integer" and isinstance(value, float) and value.is_integer():
        return True  # JSON has no integers, only numbers without a fraction
    if not isinstance(value, _JSON_TYPES[field.type]) or (isinstance(value, bool) and field.type != "boolean"):
        return False
    match field.format:
        case "int64":
            return is_int64(value)
        case "uint64":
            return is_uint64(value)
        case "date-time":
            return timestamp(value) is not None
        case "byte":
            return is_base64(value)
    return True


Fields = Mapping[str, tuple[Field, ...]]
"""The fields of a table by the name that their rule has: a list and its items have one rule."""


TypeFindings = dict[str, list[Finding]]
"""What was found about the types of fields, by the name that their rule has."""


def _of_image(history: History, fields: Fields) -> TypeFindings:
    found: TypeFindings = defaultdict(list)
    for sighting in history.sightings:
        for name in _rules_of(fields, sighting.value):
            # What comes back where the client sent what only the server sets is the matter of another rule.
            top = name.partition(".")[0]
            if not (top in OUTPUT_ONLY and history.sent(sighting, top)):
                found[name] += _types(fields[name], sighting.exchange, sighting.value)
    return found


def _of_operation(history: History, fields: Fields) -> TypeFindings:
    found: TypeFindings = defaultdict(list)
    for state in history.states:
        for name in _rules_of(fields, state.value):
            found[name] += _types(fields[name], state.exchange, state.value)
    return found


def _rules_of(fields: Fields, value: dict[str, Any]) -> Iterator[str]:
    """The names in a table that may have to do with a resource, by its first keys."""
    return (name for name in fields if name.partition(".")[0] in value)


def _types(fields: tuple[Field, ...], exchange: Exchange, value: dict[str, Any]) -> Iterator[Finding]:
    for field in fields:
        for part in values_at(value, field.path):
            if is_set(part):
                yield expect(
                    right_type(field, part),
                    f"{field.path} has another JSON type or format than documented",
                    exchange,
                    expected=f"{field.type}{f' in {field.format} format' if field.format else ''}",
                    observed=part,
                )


OPERATION_NEVER = re.compile(r"zone|region|\w+OperationMetadata")
"""Fields that an operation of images must not have: other rules say so, and there is no type to judge."""


def _typed(fields: tuple[Field, ...], never: re.Pattern[str]) -> Fields:
    named: dict[str, tuple[Field, ...]] = {}
    for field in fields:
        if never.fullmatch(field.path):
            continue
        named[rule_name(field.path)] = (*named.get(rule_name(field.path), ()), field)
    return named


def _source_of(area: str, name: str) -> tuple[str, ...]:
    """The kind of source without which an image never has a field."""
    kinds = {"sourceDisk": "disk", "sourceSnapshot": "snapshot", "rawDisk": "raw_disk"}
    return tuple(f"source.{kind}" for field, kind in kinds.items() if area == "image" and name.startswith(field))


for _area, _typed_fields, _judge in (
    ("image", _typed(IMAGE_FIELDS, NEVER_ANSWERED), _of_image),
    ("operation", _typed(OPERATION_FIELDS, OPERATION_NEVER), _of_operation),
):

    def _found(
        history: History, judge: Callable[[History, Fields], TypeFindings] = _judge, fields: Fields = _typed_fields
    ) -> TypeFindings:
        return judge(history, fields)

    for _name in _typed_fields:

        @RULES.rule(
            f"{_area}.type.{_name}",
            "doc",
            f"{_name} has the documented JSON type and format in every answer.",
            f"{'Fields' if _area == 'image' else 'Response body'} > {_name}",
            needs=_source_of(_area, _name),
        )
        def _type(
            history: History,
            name: str = _name,
            area: str = _area,
            found: Callable[[History], TypeFindings] = _found,
        ) -> Iterator[Finding]:
            return iter(history.once(f"types of {area}", found).get(name, ()))
