"""Rules about the fields of an image that the server sets."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from conformance.contract.areas.labels import seen_before
from conformance.contract.areas.operation_times import shown_time
from conformance.contract.areas.source import COMES_BACK, SOURCE_FIELDS, source_ids, sources
from conformance.contract.clock import not_after, not_before
from conformance.contract.comparison import CHANGE_BY_THEMSELVES
from conformance.contract.deleted_images import remade
from conformance.contract.fields import (
    type_rules,
)
from conformance.contract.history import History
from conformance.contract.json_types import values_at, well_typed
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.formats import as_text, decoded, is_int64, is_uint64, same_instant, timestamp
from conformance.trace.links import named, same_project
from conformance.trace.losses import TIMES

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


STATUSES = ("PENDING", "READY", "FAILED", "DELETING")

RESOLUTION = timedelta(seconds=1)
"""What times of one server may be off that are told in whole seconds."""

TICK_SECONDS = 0.02
"""How long the clock of a server may stand still, in seconds: two images that are made meanwhile have one time."""

OUTPUT_ONLY = (
    *("kind", "id", "creationTimestamp", "selfLink", "status", "sourceDiskId", "sourceImageId", "sourceSnapshotId"),
    *("satisfiesPzs", "satisfiesPzi", "enableConfidentialCompute", "labelFingerprint", "archiveSizeBytes"),
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


NO_LABELS_FINGERPRINT = "42WmSpB8rSM="
"""What the real service shows as the fingerprint of no labels at all."""


def _taken_over(path: str, history: History) -> Iterator[Finding]:
    plain = [
        as_text(value)
        for insert, seen in history.comebacks_of(path.partition(".")[0])
        if not _sent(insert.body, path)
        for value in values_at(seen.value, path)
    ]
    for insert in history.inserts:
        sent = _sent(insert.body, path)
        if not sent or insert.original is not None:
            continue
        if insert.outcome == "refused":
            yield None
        for sighting in history.results(insert, path.partition(".")[0]):
            came = list(values_at(sighting.value, path))
            told = is_set(came) and as_text(came[0]) == sent[0]
            innocent = sent[0] in plain or (isinstance(sent[0], bool) and not plain and not _baseline(history, path))
            if told and (innocent or _right_anyway(path, history, insert, sighting)):
                continue
            yield expect(
                not told,
                f"{path} is taken over from the client",
                insert.exchange,
                sighting.exchange,
                expected="a value of the server's own",
                observed=came[0] if came else None,
            )


def _patched_over(path: str, history: History) -> Iterator[Finding]:
    """Judges what a PATCH sends, whose own page is another: clients change what a get has shown, and send all of it."""
    for patch in history.mutations if path not in CHANGE_BY_THEMSELVES else ():
        sent = as_text(patch.body.get(path))
        if patch.method != "images.patch" or patch.outcome != "succeeded" or not is_set(sent):
            continue
        before = seen_before(history, patch)
        if before is None or not before.shows(path) or as_text(before.value.get(path)) == sent:
            continue
        for sighting in history.results(patch, path)[-1:]:
            yield expect(
                as_text(sighting.value.get(path)) != sent,
                f"{path} is taken over from a PATCH",
                before.exchange,
                patch.exchange,
                sighting.exchange,
                expected=before.value.get(path),
                observed=sighting.value.get(path),
                deviation=True,
            )


def _right_anyway(path: str, history: History, insert: Mutation, made: Sighting) -> bool:
    """Whether a value from the client is what the server gives by itself: clients send back what a get has shown
    them."""
    name, _, part = path.partition(".")
    value = as_text(made.value.get(name))
    match name:
        case "kind":
            return bool(value == "compute#image")
        case "status":
            return bool(value == "READY")
        case "selfLink":
            return _names(value, made)
        case "labelFingerprint":
            return _fingerprint_of_labels(value, history, insert, made)
        case "sourceDiskId" | "sourceImageId" | "sourceSnapshotId":
            known = source_ids(history, insert, made)
            fits = [f"{SOURCE_FIELDS.get(kind)}Id" for kind in sources(insert.view)] == [name]
            return value in known if known else fits and history.trace.recorded and is_uint64(value)
        case "archiveSizeBytes":
            # A copy of a describe may name the size of the same source; only a run knows what it has made up.
            return history.trace.recorded and is_int64(value)
        case "satisfiesPzs" | "satisfiesPzi" | "enableConfidentialCompute":
            return history.trace.recorded and value is False
    raw = decoded(insert.view.text(name, "rawKey")) if part == "sha256" else None
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode() if raw else None
    return digest is not None and list(values_at(made.value, path)) == [digest]


def _fingerprint_of_labels(value: Any, history: History, insert: Mutation, made: Sighting) -> bool:
    """Whether a fingerprint is that of the image's labels, as far as other images show, or the client may have been
    shown it."""
    labels = history.own_labels(made)
    if any(
        seen.value.get("labelFingerprint") == value and seen.name != made.name and history.own_labels(seen) == labels
        for seen in history.showing("labels", "labelFingerprint")
    ):
        return True
    return history.trace.recorded if insert.view.labels else bool(value == NO_LABELS_FINGERPRINT)


def _sent(body: dict[str, Any], path: str) -> list[Any]:
    return [as_text(value) for value in values_at(body, path) if is_set(value)]


def _baseline(history: History, path: str) -> bool:
    """Whether the trace shows an image that was made without a value for this field."""
    return any(not _sent(insert.body, path) for insert, _ in history.comebacks)


_MADE_BY_THE_SERVER = {
    "archiveSizeBytes": "The size is that of an archive which only the server has stored, though the page does not "
    "mark it as output only.",
    "selfLink": "The page lists selfLink without a word on it; the discovery document marks it as output only.",
    "labelFingerprint": "The fingerprint is generated by the server from the labels, so one that a client makes up "
    "cannot be the image's.",
    "enableConfidentialCompute": "The flag is said to come from the source disk and not from the user, so a value "
    "from a client has no effect.",
}
"""Why values of the client have no effect, where the page says it otherwise than of the other fields."""

for _path in OUTPUT_ONLY:

    @RULES.rule(
        f"image.output-only.{_path}",
        "conv" if _path in ("selfLink", "archiveSizeBytes") else "doc",
        f"A value for {_path} sent by the client is ignored, or the request refused; it is never taken over.",
        f"Fields > {_path}",
        _MADE_BY_THE_SERVER.get(
            _path, f"The page marks {_path} as output only, so a value from a client has no effect."
        ),
        requires=COMES_BACK,
    )
    def _output_only(history: History, path: str = _path) -> Iterator[Finding]:
        yield from _taken_over(path, history)
        yield from _patched_over(path, history)


def _successions(history: History, field: str) -> Iterator[tuple[Sighting, Sighting]]:
    """Each sighting of an image that tells of a field with the one before it, where nobody made or deleted it between
    them."""
    last: dict[tuple[str, str], Sighting] = {}
    inserted = {insert.image for insert in history.inserts}
    for sighting in history.showing(field):
        # That a list still shows a deleted image is the matter of another rule.
        if sighting.name is None or (sighting.via != "images.get" and history.doomed(sighting)):
            continue
        key = (sighting.project, sighting.name)
        before = last.get(key)
        last[key] = sighting
        if before is None or not after(before.exchange, sighting.exchange) or history.remade(before, sighting):
            continue
        # What a list shows of others' images may be another image each time, unless it is of the same id or the same
        # moment.
        strange = sighting.via != "images.get" and sighting.name not in inserted
        if strange and not any(
            is_set(sighting.value.get(name)) and sighting.value.get(name) == before.value.get(name)
            for name in ("id", "creationTimestamp")
        ):
            continue
        if not any(
            mutation.method in ("images.insert", "images.delete")
            and mutation.image in (sighting.name, before.value.get("id"))
            and mutation.project == sighting.project
            and not mutation.exchange.rejected
            and mutation.exchange.sent <= sighting.exchange.received
            and mutation.exchange.received >= before.exchange.sent
            for mutation in history.mutations
        ):
            yield before, sighting


@RULES.rule(
    "image.kind",
    "doc",
    "kind is compute#image.",
    "Fields > kind",
    "The kind of an image is said to be always the same text.",
)
def _kind(history: History) -> Iterator[Finding]:
    for sighting in history.showing("kind"):
        if not history.echoes(sighting, "kind") or sighting.value.get("kind") == "compute#image":
            yield expect(
                sighting.value.get("kind") == "compute#image",
                "an image has another kind",
                sighting.exchange,
                expected="compute#image",
                observed=sighting.value.get("kind"),
                deviation=sighting.via == "images.list"
                and not is_set(sighting.value.get("kind")),  # a list's own kind tells
            )


@RULES.rule(
    "image.id",
    "doc",
    "id is a uint64 as a decimal string, unique, and never changing; by convention it is there from the beginning.",
    "Fields > id",
    "The id is the unique identifier that the server defines, a uint64 in a string, so it belongs to one "
    "image for good.",
    requires=type_rules("id"),
)
def _id(history: History) -> Iterator[Finding]:
    owners: dict[tuple[str, str], Sighting] = {}
    for sighting in history.showing("id"):
        if history.echoes(sighting, "id"):
            continue
        identifier = sighting.value.get("id")
        yield expect(
            is_uint64(identifier),
            "the id of an image is no uint64 as a decimal string",
            sighting.exchange,
            expected="a decimal string",
            observed=identifier,
            deviation=not is_set(identifier) and sighting.value.get("status") == "PENDING",
        )
        owner = owners.setdefault((sighting.project, str(identifier)), sighting)
        if is_uint64(identifier) and owner.name and sighting.name:
            yield expect(
                owner.name == sighting.name,
                "two images have one id",
                owner.exchange,
                sighting.exchange,
                expected=f"{identifier} for {owner.name} alone",
                observed=sighting.name,
            )
    yield from _id_of_a_deleted_image(history)
    for before, sighting in _successions(history, "id"):
        given = not is_set(before.value.get("id")) and before.value.get("status") == "PENDING"
        yield expect(
            given or before.value.get("id") == sighting.value.get("id"),
            "the id of an image changed",
            before.exchange,
            sighting.exchange,
            expected=before.value.get("id"),
            observed=sighting.value.get("id"),
        )


def _id_of_a_deleted_image(history: History) -> Iterator[Finding]:
    """Judges that an image which takes the name of a deleted one does not take its id: these tell the two
    apart."""
    for insert, deleted in remade(history, "id"):
        for sighting in history.results(insert, "id"):
            identifier = str(sighting.value.get("id"))
            same = next((one.shown[identifier] for one in deleted if identifier in one.shown), None)
            if not history.echoes(sighting, "id"):
                yield expect(
                    same is None,
                    "an image has the id of a deleted one of its name",
                    *((same.exchange,) if same else ()),
                    insert.exchange,
                    sighting.exchange,
                    expected="an id of its own",
                    observed=sighting.value.get("id"),
                )


@RULES.rule(
    "image.creation-timestamp",
    "doc",
    "creationTimestamp is RFC 3339, not before the insert was sent, nor an earlier image of the name was deleted, nor "
    "after it is shown, and never changing; by convention it is there.",
    "Fields > creationTimestamp",
    "The field tells in RFC 3339 when the image was created, which is once, not before it was asked for, and past "
    "when it is told; its presence is left unsaid.",
)
def _creation_timestamp(history: History) -> Iterator[Finding]:
    for sighting in history.showing("creationTimestamp"):
        if not history.echoes(sighting, "creationTimestamp"):
            created = sighting.value.get("creationTimestamp")
            yield expect(
                timestamp(created) is not None,
                "creationTimestamp is not RFC 3339" if is_set(created) else "creationTimestamp is missing",
                sighting.exchange,
                expected="RFC 3339, such as 2024-05-01T09:30:00.123-07:00",
                observed=created,
                deviation=not is_set(created),
            )
    for sighting in history.showing("creationTimestamp") if TIMES not in history.trace.lost else ():
        moment = timestamp(sighting.value.get("creationTimestamp"))
        if moment is not None and not history.echoes(sighting, "creationTimestamp"):
            yield expect(
                not_after(moment, sighting.exchange, history.trace.ahead),
                "an image is to be created in the future",
                sighting.exchange,
                expected=f"{shown_time(sighting.exchange)} or earlier",
                observed=sighting.value.get("creationTimestamp"),
            )
    for insert, sighting in history.comebacks_of("creationTimestamp"):
        moment = timestamp(sighting.value.get("creationTimestamp"))
        if moment is not None and not history.echoes(sighting, "creationTimestamp"):
            yield expect(
                not_before(moment, insert.exchange, history.trace.ahead),
                "an image is older than its insert",
                insert.exchange,
                sighting.exchange,
                expected=f"{shown_time(insert.exchange)} or later",
                observed=sighting.value.get("creationTimestamp"),
            )
    yield from _time_of_a_deleted_image(history)
    for before, sighting in _successions(history, "creationTimestamp"):
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


def _time_of_a_deleted_image(history: History) -> Iterator[Finding]:
    """Judges that an image which takes the name of a deleted one does not take its time of creation: the server says
    itself when that was deleted, whatever other clocks say."""
    for insert, deleted in remade(history, "creationTimestamp"):
        delete, seen = deleted[-1].delete, deleted[-1].last
        for sighting in history.results(insert, "creationTimestamp"):
            born = timestamp(sighting.value.get("creationTimestamp"))
            if born is None or history.echoes(sighting, "creationTimestamp"):
                continue
            final = delete.operation.final if delete.operation else None
            ended = timestamp(final.value.get("insertTime")) if final else None
            earlier = timestamp(seen.value.get("creationTimestamp"))
            # Two images may be made in one second, and in one tick of a clock where it can hold a deletion.
            apart = insert.exchange.sent - seen.exchange.received
            same = born == earlier and born.microsecond != 0 and apart > TICK_SECONDS
            yield expect(
                not same and (ended is None or born > ended - RESOLUTION),
                "an image is older than the deletion of another of its name",
                seen.exchange,
                delete.exchange,
                insert.exchange,
                sighting.exchange,
                expected=f"after {final.value.get('insertTime') if final else earlier}",
                observed=sighting.value.get("creationTimestamp"),
            )


@RULES.rule(
    "image.self-link",
    "conv",
    "selfLink is an absolute URL that names this project and image.",
    "JSON representation > selfLink",
    "The page lists selfLink without a word on it; by the discovery document it is the URL that the "
    "server defined for the resource.",
    requires=type_rules("name", "selfLink"),
)
def _self_link(history: History) -> Iterator[Finding]:
    for sighting in history.showing("selfLink"):
        typed = well_typed(sighting.value, "selfLink") and well_typed(sighting.value, "name")
        if sighting.name is None or history.echoes(sighting, "selfLink") or not typed:
            continue
        own = sighting.value.get("selfLink")
        yield expect(
            isinstance(own, str) and own.startswith(("https://", "http://")) and _names(own, sighting),
            "selfLink does not name the image",
            sighting.exchange,
            expected=f"https://…/projects/{sighting.project}/global/images/{sighting.name}",
            observed=own,
        )


def _names(link: Any, sighting: Sighting) -> bool:
    """Whether a link names an image, by its name or its id."""
    found = named(link)
    own = {f"global/images/{name}" for name in (sighting.name, sighting.value.get("id")) if name}
    return found is not None and found[1] in own and same_project(found[0], sighting.project)


@RULES.rule(
    "image.status",
    "doc",
    "status is PENDING, READY, FAILED or DELETING; by convention READY and FAILED are left for DELETING only.",
    "Fields > status",
    "FAILED, PENDING and READY are listed as the possible values, and the discovery document adds "
    "DELETING; that READY and FAILED stay is left unsaid.",
)
def _status(history: History) -> Iterator[Finding]:
    # What a family answers has a status that there is even where it is an image that nobody knows.
    looks = {id(seen): seen for seen in history.showing("status")}
    looks |= {
        id(seen): seen
        for seen in history.glimpses
        if seen.via == "images.getFromFamily" and isinstance(seen.value.get("status"), str)
    }
    for sighting in looks.values():
        status = sighting.value.get("status")
        if history.echoes(sighting, "status"):
            continue
        yield expect(
            status in STATUSES,
            "an image has an unknown status",
            sighting.exchange,
            expected=list(STATUSES),
            observed=status,
        )
    for before, sighting in _successions(history, "status"):
        ended, known = before.value.get("status"), before.value.get("id")
        same = is_set(known) and known == sighting.value.get("id")
        if ended == "READY" or (ended == "FAILED" and same):
            yield expect(
                sighting.value.get("status") in (ended, "DELETING"),
                f"an image that was {ended} is so no more",
                before.exchange,
                sighting.exchange,
                expected=ended,
                observed=sighting.value.get("status"),
                deviation=True,
            )


@RULES.rule(
    "image.archive-size-bytes",
    "doc",
    "archiveSizeBytes is an int64 as a decimal string.",
    "Fields > archiveSizeBytes",
    "The size of the archive is an int64 in a string, and counts bytes.",
)
def _archive_size(history: History) -> Iterator[Finding]:
    for sighting in history.showing("archiveSizeBytes"):
        size = sighting.value.get("archiveSizeBytes")
        if is_set(size) and not history.echoes(sighting, "archiveSizeBytes"):
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
    "The fingerprint is base64 and can be read with any get, as the page advises those who are to change labels.",
)
def _fingerprint(history: History) -> Iterator[Finding]:
    for sighting in history.showing("labelFingerprint"):
        fingerprint = sighting.value.get("labelFingerprint")
        if history.echoes(sighting, "labelFingerprint"):
            continue
        if sighting.via == "images.get" or is_set(fingerprint):
            yield expect(
                bool(decoded(fingerprint)),
                "labelFingerprint is missing, or no base64",
                sighting.exchange,
                expected="base64, such as " + base64.b64encode(bytes(8)).decode(),
                observed=fingerprint,
            )
