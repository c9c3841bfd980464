"""Google's discovery document, compared with what the rules judge.

The contract drifts, and nobody should have to notice by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS, Field, rule_name

REVISION = "20261106"
"""The revision that the rules were written beside."""

PARAMETERS: Mapping[str, str] = {"project": "string", "forceCreate": "boolean", "requestId": "string"}
"""The parameters of images.insert, with their types."""

SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/compute",
)

RESOURCES: Mapping[str, tuple[Field, ...]] = {"Image": IMAGE_FIELDS, "Operation": OPERATION_FIELDS}

BEYOND_THE_REFERENCE = (
    "Image.params",
    "Operation.getHealthOperationMetadata",
    "Operation.getVersionOperationMetadata",
)
"""Fields that only the discovery document has: the reference does not tell of them, so no rule judges them."""

BEYOND_THE_DOCUMENT = ("Image.userLicenses",)
"""Fields that only the reference has."""

VALUES_BEYOND: Mapping[str, frozenset[str]] = {
    "Image.status": frozenset({"DELETING"}),
    "Image.architecture": frozenset({"ARCHITECTURE_UNSPECIFIED"}),
    "Image.guestOsFeatures.type": frozenset(
        {
            "BARE_METAL_LINUX_COMPATIBLE",
            "BMSAI_CAPABLE",
            "CCA_CAPABLE",
            "FEATURE_TYPE_UNSPECIFIED",
            "SECURE_BOOT",
            "SEV_LIVE_MIGRATABLE",
            "SNP_SVSM_CAPABLE",
            "SUSPEND_RESUME_COMPATIBLE",
            "SUSPEND_SAFE_FPR",
        }
    ),
    **{
        f"Image.shieldedInstanceInitialState.{key}.fileType": frozenset({"UNDEFINED"})
        for key in ("pk", "keks", "dbs", "dbxs")
    },
}
"""Values of enums that one of both lists and the other does not; enums are open in answers."""

Kind = Literal["new", "gone", "changed"]

DEPTH_MAXIMUM = 12
"""How deep schemas are followed: one may name itself."""


@dataclass(frozen=True)
class Difference:
    """One thing in which a document differs: what it is about, such as `field Image.labels`, and how."""

    kind: Kind
    about: str
    detail: str
    field: str = ""


class NoDiscoveryError(ValueError):
    """A document describes no images.insert; the text says what is missing."""


def drift(document: Mapping[str, Any]) -> list[Difference]:
    """In what a discovery document differs from what the rules judge.

    Args:
        document: as Google publishes it.

    Raises:
        NoDiscoveryError: it is none of this API.
    """
    return [*_of_fields(document), *_of_method(document)]


def changed_since(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """The descriptions that differ between two revisions, of fields that both have.

    Raises:
        NoDiscoveryError: one of them is none of this API.
    """
    found = []
    for resource in RESOURCES:
        before, after = (dict(_documented(document, resource)) for document in (old, new))
        for path in before.keys() & after.keys():
            if before[path].get("description") != after[path].get("description"):
                found.append(Difference("changed", f"description of {resource}.{path}", "it reads otherwise", path))
    return sorted(found, key=lambda one: one.about)


def _of_fields(document: Mapping[str, Any]) -> Iterator[Difference]:
    for resource, fields in RESOURCES.items():
        theirs = dict(_documented(document, resource))
        ours: dict[str, Field] = {}
        for field in fields:
            ours.setdefault(rule_name(field.path), field)  # the list itself comes before what is in it
        for path, about in theirs.items():
            if path not in ours and not _known(f"{resource}.{path}", BEYOND_THE_REFERENCE):
                detail = f"it is of type {about.get('type', 'object')}"
                yield Difference("new", f"field {resource}.{path}", detail, path)
        for path, field in ours.items():
            if path in theirs:
                yield from _of_field(resource, path, field, theirs[path])
            elif not _known(f"{resource}.{path}", BEYOND_THE_DOCUMENT):
                yield Difference("gone", f"field {resource}.{path}", "the document has it no more", path)


def _of_field(resource: str, path: str, ours: Field, theirs: Mapping[str, Any]) -> Iterator[Difference]:
    wanted = {"map": "object"}.get(ours.type, ours.type)
    came = theirs.get("type", "object")
    if came != wanted:
        yield Difference("changed", f"type of {resource}.{path}", f"{came} instead of {wanted}", path)
    format_ = theirs.get("format", "")
    if format_ in ("int64", "uint64") and format_ != ours.format:
        yield Difference("changed", f"format of {resource}.{path}", f"{format_} instead of {ours.format}", path)
    listed = theirs.get("enum")
    if not isinstance(listed, list) or not ours.enum:
        return
    known = VALUES_BEYOND.get(f"{resource}.{path}", frozenset())
    for value in map(str, listed):
        if value not in known.union(ours.enum):
            yield Difference("new", f"value {value} of {resource}.{path}", "no rule knows it", path)
    for value in ours.enum:
        if value not in known.union(map(str, listed)):
            yield Difference("gone", f"value {value} of {resource}.{path}", "the document lists it no more", path)


def _of_method(document: Mapping[str, Any]) -> Iterator[Difference]:
    method = _at(document, "resources", "images", "methods", "insert")
    theirs = {name: _at(about).get("type") for name, about in _at(method, "parameters").items()}
    for name, kind in theirs.items():
        if name not in PARAMETERS:
            yield Difference("new", f"parameter {name} of images.insert", f"it is of type {kind}", name)
        elif PARAMETERS[name] != kind:
            yield Difference("changed", f"parameter {name} of images.insert", f"{kind}, not {PARAMETERS[name]}", name)
    for name in PARAMETERS.keys() - theirs.keys():
        yield Difference("gone", f"parameter {name} of images.insert", "the document has it no more", name)
    scopes = method.get("scopes", [])
    for scope in scopes if isinstance(scopes, list) else ():
        if scope not in SCOPES:
            yield Difference("new", f"scope {scope}", "no rule knows it")
    for scope in SCOPES:
        if scope not in scopes:
            yield Difference("gone", f"scope {scope}", "the document has it no more")


def _documented(document: Mapping[str, Any], resource: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field of a resource with its path, without the details of operations of other resources."""
    schemas = _at(document, "schemas")
    if resource not in schemas:
        raise NoDiscoveryError(f"it has no schema {resource}")
    yield from _within(schemas, _at(schemas, resource), "", 0)


def _within(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], prefix: str, depth: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if depth > DEPTH_MAXIMUM:
        return
    for key, about in _at(schema, "properties").items():
        if not isinstance(about, Mapping):
            continue
        yield f"{prefix}{key}", about
        inner = _at(about, "items") or about
        reference = str(inner.get("$ref", ""))
        if not reference.endswith("OperationMetadata"):
            yield from _within(schemas, _at(schemas, reference) or inner, f"{prefix}{key}.", depth + 1)


def _at(value: Any, *keys: str) -> Mapping[str, Any]:
    """The object at a path; an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _known(path: str, paths: Sequence[str]) -> bool:
    return any(path == known or path.startswith(f"{known}.") for known in paths)
