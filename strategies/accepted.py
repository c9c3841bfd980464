"""Valid requests that have to be accepted: for each rule the values at its limits, then any others."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from conformance.config.sources import Sources
from conformance.contract.fields import FILE_TYPES, GUEST_OS_FEATURES, NAME_MAXIMUM, acceptance_id
from conformance.contract.insert_request import CAPITAL_FRESH, FreshName, InsertRequest
from conformance.contract.plain_bodies import SOURCE_FIELDS, full_urls, minimal, partial_urls
from conformance.strategies import secure_boot, values
from conformance.strategies.optional_values import OPTIONAL, SHIELDED

Cases = Callable[[Sources], Sequence[InsertRequest]]
Chance = Callable[[Sources], st.SearchStrategy[InsertRequest]]

LABELS_MAXIMUM = 64


@dataclass(frozen=True)
class Acceptance:
    """What one rule says has to be accepted.

    Args:
        rule: the rule.
        cases: the values at the limits, in a fixed order.
        random: further values.
        needs: the capability of the target that they need; "" for none.
        shows: further rules, or globs of them, that what comes of the requests puts to the test.
    """

    rule: str
    cases: Cases
    random: Chance | None = None
    needs: str = ""
    shows: tuple[str, ...] = ()


def _bodies(*changes: dict[str, Any]) -> Cases:
    """Plain requests with some fields more."""
    return lambda sources: [InsertRequest({**minimal(sources), **change}) for change in changes]


def _random(field: str, strategy: st.SearchStrategy[Any]) -> Chance:
    return lambda sources: strategy.map(lambda value: InsertRequest({**minimal(sources), field: value}))


def _names(*names: str | FreshName) -> Cases:
    return lambda sources: [InsertRequest(minimal(sources), name=name) for name in names]


def _queries(*queries: tuple[tuple[str, str], ...]) -> Cases:
    return lambda sources: [InsertRequest(minimal(sources), query=query) for query in queries]


def _versions(sources: Sources) -> Sequence[InsertRequest]:
    """A requestId of every version of UUID, and one in capitals."""
    body = minimal(sources)
    requests = [InsertRequest(body, request_id_version=version) for version in range(1, 9)]
    return [*requests, InsertRequest(body, request_id=CAPITAL_FRESH)]


def _forms(sources: Sources) -> Sequence[InsertRequest]:
    """An indented body, one whose content type names its charset, and one that is sent in chunks."""
    body = minimal(sources)
    return [
        InsertRequest(body, rewrite=lambda content: json.dumps(json.loads(content), indent=2).encode()),
        InsertRequest(body, headers=(("Content-Type", "application/json; charset=UTF-8"),)),
        InsertRequest(body, headers=(("Transfer-Encoding", "chunked"),)),
    ]


def _raw_disk(**more: Any) -> Cases:
    return lambda sources: [InsertRequest({"rawDisk": {"source": sources.raw_disk, **more}})]


def _shapes(kind: str, shape: Callable[[str, str], tuple[str, ...]]) -> Cases:
    return lambda sources: [
        InsertRequest({SOURCE_FIELDS[kind]: url}) for url in shape(getattr(sources, kind), sources.project)
    ]


def _checksum(sources: Sources) -> Sequence[InsertRequest]:
    """The true checksum: any other one may be refused."""
    return [InsertRequest({"rawDisk": {"source": sources.raw_disk, "sha1Checksum": sources.raw_disk_sha1}})]


def _shielded(kind: str) -> dict[str, Any]:
    one, two = secure_boot.file(kind), secure_boot.file(kind, 1)
    lists = {"dbs": [one], "dbxs": [one, two]} if kind == "BIN" else {"pk": one, "keks": [one], "dbs": [one]}
    return {"shieldedInstanceInitialState": lists}


def _digits(count: int) -> str:
    """A name of so many characters, unlikely to be anybody's."""
    return ("q" + "0123456789-" * 6)[: count - 1] + "z"


_SHOWN: dict[str, tuple[str, ...]] = {
    "description": ("image.description.round-trip",),
    "labels": ("image.labels.round-trip",),
    "family": ("image.family.round-trip",),
    "sourceType": ("image.source-type",),
    "guestOsFeatures": ("image.guest-os-features.round-trip",),
    "licenses": ("image.licenses.round-trip",),
    "licenseCodes": ("image.license-codes.round-trip", "image.license-codes.format", "image.license-codes.exact"),
    "userLicenses": ("image.user-licenses.round-trip",),
    "storageLocations": ("image.storage-locations.round-trip", "image.storage-locations.case"),
    "imageEncryptionKey.kmsKeyName": ("encryption.image.kms-key-name",),
    "rolloutOverride": ("image.rollout-override.read-only",),
    "deprecated": ("image.deprecated.round-trip", "image.deprecated.timestamps"),
    "locked": ("image.locked.round-trip",),
}
"""What is seen of a field where it is accepted."""

_CHANCES: dict[str, Chance] = {
    "description": _random("description", values.texts),
}

ACCEPTED: tuple[Acceptance, ...] = (
    Acceptance("force-create.boolean", _queries((), (("forceCreate", "true"),), (("forceCreate", "false"),))),
    Acceptance(
        "force-create.in-use",
        lambda sources: [InsertRequest({"sourceDisk": sources.attached_disk}, query=(("forceCreate", "true"),))],
        needs="source.attached_disk",
    ),
    Acceptance("request-id.valid-accepted", _versions),
    Acceptance("request-id.absent", lambda sources: [InsertRequest(minimal(sources), request_id=None)]),
    Acceptance(
        "image.name.length",
        _names("q", FreshName("-z", NAME_MAXIMUM - 1), FreshName("-z", NAME_MAXIMUM)),
    ),
    Acceptance(
        "image.name.pattern",
        _names(*map(FreshName, ("0", "--conformance", "-0", "z", string.digits, "-0-0--0"))),
        lambda sources: values.name_tails.map(lambda tail: InsertRequest(minimal(sources), name=FreshName(tail))),
    ),
    Acceptance("transport.json-form", _forms),
    Acceptance(
        "transport.empty-field",
        _bodies(
            {"description": None, "family": None},
            {"labels": None, "licenses": None, "guestOsFeatures": None},
            {"imageEncryptionKey": None, "deprecated": None, "diskSizeGb": None},
            {"description": ""},
            {"labels": {}},
        ),
    ),
    *(
        Acceptance(acceptance_id(path), _bodies(*bodies), _CHANCES.get(path), shows=_SHOWN.get(path, ()))
        for path, bodies in OPTIONAL.items()
    ),
    Acceptance("image.raw-disk.container-type", _raw_disk(containerType="TAR"), needs="source.raw_disk"),
    Acceptance("image.raw-disk.sha1-checksum", _checksum, needs="source.raw_disk_sha1"),
    Acceptance("source.raw-disk", _raw_disk(), needs="source.raw_disk"),
    Acceptance(
        "image.family.pattern",
        _bodies({"family": "q"}, {"family": _digits(NAME_MAXIMUM)}, {"family": "q--0"}),
        _random("family", values.names),
    ),
    Acceptance(
        "image.labels.limits",
        _bodies(
            {"labels": {"k": ""}},
            {"labels": {letter * NAME_MAXIMUM: letter * NAME_MAXIMUM for letter in "kvw"}},
            {"labels": {"k0_-": "0_-v", "k_": "-"}},
            {"labels": {f"k{number}": f"v{number}" for number in range(LABELS_MAXIMUM)}},
            {
                "labels": {
                    f"k{number:02}".ljust(NAME_MAXIMUM, "y"): "v" * NAME_MAXIMUM for number in range(LABELS_MAXIMUM)
                }
            },
            {"labels": {"\u00e9t\u00e9": "\u00fc", "\u6f22\u5b57": "\u6f22"}},
            {"labels": {"\u00e9" * NAME_MAXIMUM: "\u00fc" * NAME_MAXIMUM}},
        ),
        _random("labels", values.labels),
        shows=("image.labels.round-trip",),
    ),
    Acceptance(
        "image.guest-os-features.type",
        _bodies(
            *({"guestOsFeatures": [{"type": name}]} for name in GUEST_OS_FEATURES),
            {"guestOsFeatures": [{"type": "GVNIC,UEFI_COMPATIBLE"}]},
        ),
    ),
    Acceptance("image.shielded.file-type", _bodies(*(_shielded(kind) for kind in FILE_TYPES))),
    Acceptance("image.shielded.base64", _bodies(SHIELDED, _shielded("X509")), shows=("image.shielded.round-trip",)),
    *(
        Acceptance(f"source.{kind}.full-url", _shapes(kind, full_urls), needs=f"source.{kind}")
        for kind in SOURCE_FIELDS
    ),
    *(
        Acceptance(f"source.{kind}.partial-url", _shapes(kind, partial_urls), needs=f"source.{kind}")
        for kind in SOURCE_FIELDS
    ),
    Acceptance(
        "encryption.image.raw-key-length",
        _bodies(*({"imageEncryptionKey": {"rawKey": key}} for key in (values.CUSTOMER_KEY, values.KEY_OF_EVERY_SIGN))),
        lambda sources: values.customer_keys.map(
            lambda key: InsertRequest({**minimal(sources), "imageEncryptionKey": {"rawKey": key}})
        ),
        needs="csek",
    ),
)
