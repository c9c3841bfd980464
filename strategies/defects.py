"""Requests with exactly one fault: for each rule the neighbours of its limits and each class of error, then any
others."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st

from conformance.config.sources import Sources
from conformance.contract.fields import IMAGE_FIELDS, Field
from conformance.contract.insert_request import FreshName, InsertRequest
from conformance.contract.plain_bodies import SOURCE_FIELDS, minimal
from conformance.strategies import secure_boot, values
from conformance.strategies.accepted import LABELS_MAXIMUM, Cases, Chance
from conformance.strategies.from_schema import wrong_typed, wrong_values

ZERO_UUID = "00000000-0000-0000-0000-000000000000"
UUID = "123e4567-e89b-42d3-a456-426614174000"
ABSENT = "conformance-does-not-exist"
FORCED = (("forceCreate", "true"),)
"""The query of an insert that is forced: that makes no faulty request a good one."""

MALFORMED_UUIDS = (
    UUID[:-1],
    UUID + "0",
    UUID.replace("e", "g", 1),
    UUID.replace("-", "", 1),
    UUID.replace("-", ""),
    UUID.replace("-", "_"),
    UUID.replace("-", "0"),
    "-" + UUID.replace("-", "", 1),
    "{" + UUID + "}",
    "urn:uuid:" + UUID,
    " " + UUID,
    UUID + " ",
    UUID + "\n",
    "not-a-uuid",
    "1",
)
BAD_ENDS = (
    ("C", ""),
    ("", "E"),
    ("", "Ex"),
    ("1", ""),
    ("-", ""),
    ("", "-"),
    ("", ".name"),
    ("", "_name"),
    ("", " name"),
    ("", "\n"),
    ("", "é"),
    ("", "٣"),
)
"""What makes a name a bad one, before it and behind it."""
GOOD_TIME = "2030-01-02T03:04:05Z"
BAD_TIMES = (
    "yesterday",
    "2024-05-01",
    "2024-05-01T10:00:00",
    "2024-13-01T00:00:00Z",
    "2024-05-01T25:00:00Z",
    "1714557600",
    "2024-02-30T00:00:00Z",
    "2024-05-01T24:00:00Z",
    "2024-05-01T10:61:00Z",
    "2024-05-01T10:00:00+24:00",
    "2024-05-01T10:00:00+0100",
    "2024-05-01T10:00:00.Z",
    "2024-05-01T10:00Z",
)
NOT_BASE64 = ("***", "AAAA!AAA", "é", "A", "=", "AAEC=AAEC")
BAD_LABELS: tuple[dict[str, str], ...] = (
    {"": "empty"},
    {"k" * 64: "v"},
    {"k": "v" * 64},
    {"Key": "v"},
    {"key": "Value"},
    {"1key": "v"},
    {"_key": "v"},
    {"-key": "v"},
    {"k.y": "v"},
    {"k y": "v"},
    {"key": "v v"},
    {"key": "v.v"},
    {"key": "é" * 64},
    {"é" * 64: "v"},
    {f"k{number}": "v" for number in range(LABELS_MAXIMUM + 1)},
)


@dataclass(frozen=True)
class Defect:
    """The ways to break one rule with one request.

    Args:
        rule: the rule that the requests break, and no other.
        cases: the neighbours of the limits and each class of error, in a fixed order.
        random: further requests that break the rule.
        needs: the capability of the target without which they prove nothing; "" for none.
    """

    rule: str
    cases: Cases
    random: Chance | None = None
    needs: str = ""


def _bodies(*changes: dict[str, Any]) -> Cases:
    return lambda sources: [InsertRequest({**minimal(sources), **change}) for change in changes]


def _random(field: str, strategy: st.SearchStrategy[Any]) -> Chance:
    return lambda sources: strategy.map(lambda value: InsertRequest({**minimal(sources), field: value}))


def _names(*names: str | FreshName | None) -> Cases:
    return lambda sources: [InsertRequest(minimal(sources), name=name) for name in names]


def _request_ids(*request_ids: str) -> Cases:
    return lambda sources: [InsertRequest(minimal(sources), request_id=text) for text in request_ids]


def _alone(*bodies: dict[str, Any]) -> Cases:
    return lambda _: [InsertRequest(body) for body in bodies]


def _no_source(_: Sources) -> Sequence[InsertRequest]:
    """Inserts that name no source, whatever else they say."""
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"description": "without a source"},
        {"family": "conformance-family"},
        {"diskSizeGb": "10"},
        {"rawDisk": {"containerType": "TAR"}},
        *({name: ""} for name in SOURCE_FIELDS.values()),
        {"sourceImage": None},
        {"rawDisk": {"source": ""}},
    )
    forced = InsertRequest({}, query=FORCED)
    return [*map(InsertRequest, bodies), forced]


def _two_sources(sources: Sources) -> Sequence[InsertRequest]:
    """Each pair of sources at once; those that the target lacks are named all the same."""
    project = sources.project
    single: list[dict[str, Any]] = [
        {"sourceImage": sources.image or f"projects/{project}/global/images/base"},
        {"sourceDisk": sources.disk or f"projects/{project}/zones/us-central1-a/disks/base"},
        {"sourceSnapshot": sources.snapshot or f"projects/{project}/global/snapshots/base"},
        {"rawDisk": {"source": sources.raw_disk or "https://storage.googleapis.com/conformance/disk.tar.gz"}},
    ]
    return [InsertRequest({**one, **two}) for index, one in enumerate(single) for two in single[index + 1 :]]


def _unknown(kind: str) -> Cases:
    """Sources that do not exist; to force the insert does not help."""
    collection = {"image": "global/images", "disk": "zones/us-central1-a/disks", "snapshot": "global/snapshots"}[kind]
    field = SOURCE_FIELDS[kind]
    return lambda sources: [
        InsertRequest({field: f"projects/{sources.project}/{collection}/{ABSENT}"}),
        InsertRequest({field: f"{collection}/{ABSENT}"}),
        InsertRequest({field: f"projects/{sources.project}/{collection}/{ABSENT}"}, query=FORCED),
    ]


def _malformed(kind: str) -> Cases:
    """Texts that are no URLs, and the URLs of sources of another kind."""

    def cases(sources: Sources) -> Sequence[InsertRequest]:
        others = [getattr(sources, other) for other in SOURCE_FIELDS if other != kind]
        texts = ("not a url", "http://", "projects//global", "?", "a/b/c", *filter(None, others))
        return [InsertRequest({SOURCE_FIELDS[kind]: text}) for text in texts]

    return cases


def _shielded(*files: dict[str, str]) -> Cases:
    return _bodies(
        *({"shieldedInstanceInitialState": {"pk": file}} for file in files),
        *({"shieldedInstanceInitialState": {name: [files[0]]}} for name in ("keks", "dbs", "dbxs")),
    )


def _rollout(*times: str) -> Cases:
    mixed = dict(zip(values.LOCATIONS, (GOOD_TIME, times[0]), strict=True))
    return _bodies(
        *({"rolloutOverride": {"defaultRolloutTime": time}} for time in times),
        {"rolloutOverride": {"locationRolloutPolicies": {"zones/us-central1-a": times[0]}}},
        {"rolloutOverride": {"locationRolloutPolicies": mixed}},
    )


WRAPPED_BYTES = 256
"""The length of a key that RSA with 2048 bits has wrapped."""


def _key_of(length: int) -> str:
    return base64.b64encode(bytes(number % 256 for number in range(length))).decode()


_ENCRYPTION_KEYS = {
    "image": ("imageEncryptionKey", ""),
    "source-disk": ("sourceDiskEncryptionKey", "disk"),
    "source-image": ("sourceImageEncryptionKey", "image"),
    "source-snapshot": ("sourceSnapshotEncryptionKey", "snapshot"),
}


def _keys(field: str, kind: str, *keys: dict[str, str]) -> Cases:
    """Requests with such a key, each beside a source of the key's own kind."""

    def cases(sources: Sources) -> Sequence[InsertRequest]:
        source = {SOURCE_FIELDS[kind]: getattr(sources, kind)} if kind else minimal(sources)
        return [InsertRequest({**source, field: key}) for key in keys]

    return cases


def _encryption() -> Sequence[Defect]:
    lengths = [{"rawKey": _key_of(length)} for length in (1, 16, 31, 33, 64)]
    between = f"{values.CUSTOMER_KEY[:20]}*{values.CUSTOMER_KEY[20:]}"
    texts = [{"rawKey": text} for text in ("*" * 44, "conformance", between)]
    both = {"rawKey": values.CUSTOMER_KEY, "rsaEncryptedKey": values.WRAPPED_KEY}
    broken = [{"rsaEncryptedKey": "*" * 344}, {"rsaEncryptedKey": values.WRAPPED_KEY[:-4] + "!!!!"}]
    other = [{"rsaEncryptedKey": _key_of(length)} for length in (WRAPPED_BYTES - 1, WRAPPED_BYTES + 1, 32)]
    return [
        Defect(f"encryption.{key}.{rule}", _keys(field, kind, *keys), needs=f"source.{kind}" if kind else "csek")
        for key, (field, kind) in _ENCRYPTION_KEYS.items()
        for rule, keys in (
            ("raw-key-length", [*lengths, *texts]),
            ("raw-or-rsa", [both]),
            ("rsa-base64", broken),
            ("rsa-length", other),
        )
    ]


# JSON types


def _rule_name(path: str) -> str:
    return path.replace("[]", "").replace("{}", "")


def _placed(path: str, value: Any) -> dict[str, Any]:
    """A body with a value at a path of the field table, and as little around it as it takes."""
    head, _, rest = path.partition(".")
    name = head.rstrip("[]{}")
    inner = _placed(rest, value) if rest else value
    for opening in reversed([head[index : index + 2] for index in range(len(name), len(head), 2)]):
        inner = [inner] if opening == "[]" else {"zones/us-central1-a" if "Policies" in name else "key": inner}
    return {name: inner}


def _with_value(field: Field, value: Any) -> Callable[[Sources], InsertRequest]:
    def request(sources: Sources) -> InsertRequest:
        placed = _placed(field.path, value)
        own_source = field.path.partition(".")[0] in (*SOURCE_FIELDS.values(), "rawDisk")
        note = f"{field.path}: {type(value).__name__}"
        if field.path == "name":
            return InsertRequest({**minimal(sources), **placed}, name=None, note=note)
        if own_source and field.path in ("rawDisk.sha1Checksum", "rawDisk.containerType"):
            source = sources.raw_disk or "https://storage.googleapis.com/conformance/disk.tar.gz"
            return InsertRequest({"rawDisk": {"source": source, **placed["rawDisk"]}}, note=note)
        return InsertRequest(placed if own_source else {**minimal(sources), **placed}, note=note)

    return request


def _placed_in(sources: Sources, field: Field, value: Any) -> InsertRequest:
    return _with_value(field, value)(sources)


def _wrong_types() -> Sequence[Defect]:
    named: dict[str, list[Field]] = {}
    for field in IMAGE_FIELDS:
        if field.set_by == "client":
            named.setdefault(_rule_name(field.path), []).append(field)

    def cases(fields: list[Field]) -> Cases:
        return lambda sources: [_with_value(field, value)(sources) for field in fields for value in wrong_values(field)]

    def chance(fields: list[Field]) -> Chance:
        return lambda sources: st.one_of(
            *(wrong_typed(field).map(partial(_placed_in, sources, field)) for field in fields)
        )

    return [Defect(f"transport.wrong-type.{name}", cases(fields), chance(fields)) for name, fields in named.items()]


_other_characters = st.characters(
    exclude_categories=["Cs"], exclude_characters=string.ascii_lowercase + string.digits + "-\x00/."
)
_bad_names = st.builds(
    lambda name, other, rest: name + other + rest, values.names, _other_characters, values.names
).filter(lambda name: len(name) <= 63)

_BEYOND: tuple[Any, ...] = (str(2**63), str(-(2**63) - 1), str(2**64), 2**63, 2**64, "9" * 30)
_RANGES: tuple[tuple[str, str, Callable[[Any], Any], tuple[Any, ...]], ...] = (
    ("disk-size-gb", "diskSizeGb", lambda value: value, (*_BEYOND, "-1", -1, str(-(2**63)))),
    ("license-codes", "licenseCodes", lambda value: [value], _BEYOND),
)
"""Fields of the format int64, how a value stands in them, and values beyond their range; no disk has a negative
size."""

DEFECTS: tuple[Defect, ...] = (
    Defect("request-id.zero-refused", _request_ids(ZERO_UUID)),
    Defect("request-id.malformed-refused", _request_ids(*MALFORMED_UUIDS)),
    Defect(
        "force-create.not-boolean",
        lambda sources: [
            InsertRequest(minimal(sources), query=(("forceCreate", text),)) for text in ("maybe", "2", "[true]", "nil")
        ],
    ),
    Defect(
        "force-create.in-use",
        lambda sources: [
            InsertRequest({"sourceDisk": sources.attached_disk}, query=query)
            for query in ((), (("forceCreate", "false"),))
        ],
        needs="source.attached_disk",
    ),
    Defect("source.required", _no_source),
    Defect("source.exclusive", _two_sources),
    *(Defect(f"source.{kind}.unknown", _unknown(kind)) for kind in SOURCE_FIELDS),
    *(Defect(f"source.{kind}.malformed", _malformed(kind)) for kind in SOURCE_FIELDS),
    Defect(
        "source.raw-disk.malformed",
        _alone(
            *({"rawDisk": {"source": text}} for text in ("not a url", "https://example.com/disk.tar.gz", "disk.tar.gz"))
        ),
    ),
    Defect(
        "image.name.required",
        lambda sources: [
            InsertRequest(minimal(sources), name=None),
            InsertRequest({**minimal(sources), "name": None}, name=None),
        ],
    ),
    Defect(
        "image.name.pattern",
        # In names that are new each time: a target that corrects them meets no conflict when it is tried again.
        lambda sources: [
            *_names(*(FreshName(tail, head=head) for head, tail in BAD_ENDS))(sources),
            InsertRequest(minimal(sources), name=FreshName("-"), query=FORCED),
        ],
        lambda sources: _bad_names.map(lambda name: InsertRequest(minimal(sources), name=name)),
    ),
    Defect("image.name.length", _names("", "q" * 64, "q" * 100)),
    Defect("image.source-type", _bodies(*({"sourceType": text} for text in ("raw", "RAW ", "QCOW2", "RAWX")))),
    Defect(
        "image.raw-disk.container-type",
        lambda sources: [
            InsertRequest(
                {
                    "rawDisk": {
                        "source": sources.raw_disk or "https://storage.googleapis.com/conformance/disk.tar.gz",
                        "containerType": text,
                    }
                }
            )
            for text in ("tar", "ZIP", "TAR_GZ")
        ],
    ),
    Defect(
        "image.deprecated.state",
        _bodies(*({"deprecated": {"state": text}} for text in ("deprecated", "RETIRED", "OBSOLETE "))),
    ),
    Defect(
        "image.deprecated.timestamps",
        _bodies(
            *({"deprecated": {"state": "ACTIVE", "deleted": time}} for time in BAD_TIMES),
            *({"deprecated": {"state": "ACTIVE", name: BAD_TIMES[0]}} for name in ("deprecated", "obsolete")),
        ),
    ),
    Defect(
        "image.family.pattern",
        _bodies(*({"family": name} for name in (*(f"{head}conformance{tail}" for head, tail in BAD_ENDS), "q" * 64))),
        _random("family", _bad_names),
    ),
    *(
        Defect(f"image.{name}.range", _bodies(*({field: wrapped(value)} for value in values_beyond)))
        for name, field, wrapped, values_beyond in _RANGES
    ),
    Defect("image.labels.limits", _bodies(*({"labels": labels} for labels in BAD_LABELS))),
    Defect(
        "image.guest-os-features.type",
        _bodies(
            *({"guestOsFeatures": [{"type": text}]} for text in ("windows", "UEFI", "NOT_A_FEATURE")),
            {"guestOsFeatures": [{"type": "WINDOWS"}, {"type": "NOT_A_FEATURE"}]},
        ),
    ),
    Defect("image.shielded.base64", _shielded(*({"content": text, "fileType": "BIN"} for text in NOT_BASE64))),
    Defect(
        "image.shielded.file-type",
        _shielded(*({**secure_boot.file("X509"), "fileType": text} for text in ("bin", "PEM"))),
    ),
    Defect("image.rollout-override.timestamps", _rollout(*BAD_TIMES)),
    Defect(
        "image.rollout-override.zones",
        _bodies(
            *(
                {"rolloutOverride": {"locationRolloutPolicies": {zone: GOOD_TIME}}}
                for zone in ("us-central1-a", "regions/us-central1", "zones/")
            )
        ),
    ),
    Defect(
        "image.deprecated.state-override",
        _bodies(
            *(
                {"deprecated": {"state": "DEPRECATED", "stateOverride": policy}}
                for policy in (
                    {"defaultRolloutTime": "tomorrow"},
                    {"locationRolloutPolicies": {"zones/us-central1-a": "2030-02-30T03:04:05Z"}},
                    {"locationRolloutPolicies": {"us-central1-a": GOOD_TIME}},
                )
            )
        ),
    ),
    Defect(
        "image.kms-key-name.malformed",
        _bodies(*({"imageEncryptionKey": {"kmsKeyName": text}} for text in ("key", "projects/p/keyRings/r", "a b"))),
    ),
    Defect(
        "image.storage-locations.malformed",
        _bodies(*({"storageLocations": [text]} for text in ("no such place", "zones/us-central1-a"))),
    ),
    Defect(
        "image.storage-locations.unknown",
        _bodies(*({"storageLocations": [text]} for text in ("nowhere-1", "conformance-does-not-exist"))),
    ),
    Defect(
        "image.architecture",
        _bodies(*({"architecture": text} for text in ("x86_64", "ARM", "RISCV64", "X86-64", "amd64", "aarch64"))),
    ),
    *_encryption(),
    *_wrong_types(),
)
