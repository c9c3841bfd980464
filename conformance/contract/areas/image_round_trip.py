"""Rules about what comes back of the fields that the client sets."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.areas.source import COMES_BACK, sources
from conformance.contract.fields import (
    acceptance_rules,
    type_rules,
)
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.request_view import RequestView
from conformance.contract.round_trip import comes_back, same_shielded
from conformance.contract.rule import Basis, Finding, Rules, expect, is_set
from conformance.trace.formats import is_int64
from conformance.trace.links import named

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

EXACT_MAXIMUM = 2**53
"""Up to here a JSON number survives a parser that reads it as a double."""


UNINVITED = frozenset({"description", "family", "deprecated"})
"""What is the client's own, and no source brings with it: an image has none that nobody gave it."""


# What comes back


_ROUND_TRIPS: tuple[tuple[str, Basis, str, str, str], ...] = (
    (
        "image.description.round-trip",
        "doc",
        "description",
        "The description comes back as sent; by convention none does that nobody gave.",
        "The description is the client's own text, provided with the insert, so the image shows that "
        "text and no other.",
    ),
    (
        "image.deprecated.round-trip",
        "conv",
        "deprecated",
        "The deprecation status of the insert comes back as sent, or not at all; none does that nobody gave.",
        "The reference lists the field in the body, the discovery document calls it output only: what "
        "follows for either is that what was sent is taken or dropped, though not said.",
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
        "The family comes back; by convention none does that nobody gave.",
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
        if name == "deprecated" and (not is_set(came) or came == {"state": "ACTIVE"}):
            continue  # who takes it for output only drops it, and may show what an image is by itself
        if name == "labels" and history.joined(insert, sighting):
            continue
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
        elif name in UNINVITED and is_set(came) and history.soon(insert, sighting):
            if name == "deprecated" and sighting is not history.results(insert, name)[0]:
                continue  # somebody else may have seen it, and deprecated it
            yield expect(
                False,
                f"an image has a {name} that nobody gave it",
                insert.exchange,
                sighting.exchange,
                expected=None,
                observed=came,
                deviation=True,
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
    requires=(*COMES_BACK, *type_rules("diskSizeGb")),
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
        size = sighting.value.get("diskSizeGb")
        sent = is_set(insert.body.get("diskSizeGb"))
        known = _size_of(history, sighting.value.get("sourceImageId")) or _shown_size(history, insert.view)
        floor = source_size(history, insert.view) if sent else known
        if floor and is_int64(size):
            yield expect(
                int(size) >= floor,
                "the image is smaller than its source",
                insert.exchange,
                sighting.exchange,
                expected=f"at least {floor}",
                observed=size,
                deviation=True,
            )


def _size_of(history: History, identifier: object) -> int:
    """The size of the image of an id in GB; 0 if unknown."""
    for seen in history.showing("id", "diskSizeGb") if is_set(identifier) else ():
        size = seen.value.get("diskSizeGb")
        if seen.value.get("id") == identifier and is_int64(size):
            return int(size)
    return 0


def source_size(history: History, view: RequestView) -> int:
    """The size of a source in GB, as an image shows it that was made from it without a size of its own, or as the
    source itself does; 0 if unknown."""
    for other, sighting in history.comebacks:
        same = sources(other.view) == sources(view) and all(
            other.body.get(name) == view.body.get(name)
            for name in ("sourceDisk", "sourceImage", "sourceSnapshot", "rawDisk")
        )
        size = sighting.value.get("diskSizeGb")
        if same and not is_set(other.body.get("diskSizeGb")) and is_int64(size):
            return int(size)
    return _shown_size(history, view)


def _shown_size(history: History, view: RequestView) -> int:
    """The size of a source in GB, as the source itself shows it; 0 if unknown."""
    own, project = view.text("sourceImage"), view.exchange.route.project if view.exchange.route else ""
    shown = {
        str(seen.value["diskSizeGb"])
        for seen in history.sightings_at(own, project)
        if is_int64(seen.value.get("diskSizeGb"))
    }
    for source in (named(view.text(name), project) for name in ("sourceDisk", "sourceSnapshot")):
        shown |= history.sizes_of(*source, view.exchange) if source else set()
    return int(shown.pop()) if len(shown) == 1 else 0


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
        shown = sighting.value.get("licenseCodes")
        came = [int(str(code)) for code in (shown if isinstance(shown, list) else ()) if is_int64(str(code))]
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
