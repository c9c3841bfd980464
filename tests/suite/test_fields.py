"""The table of fields against the official discovery document, where recorded traffic is at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS, Field, rule_name

BEYOND_THE_REFERENCE = {
    "params": "in the discovery document alone",
    "params.resourceManagerTags": "in the discovery document alone",
    "rawDisk.sha1Checksum": "a pattern that the reference does not have",
}
BEYOND_THE_DOCUMENT = {"userLicenses": "in the reference alone"}


def documented(
    schemas: dict[str, Any], schema: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema with its path, without the details of objects that other methods have."""
    for key, field in schema.get("properties", {}).items():
        path = f"{prefix}{key}"
        yield path, field
        inner = field.get("items", field)
        reference = inner.get("$ref", "")
        if not reference.endswith("OperationMetadata"):
            yield from documented(schemas, schemas.get(reference, inner), f"{path}.")


@pytest.fixture
def schemas() -> dict[str, Any]:
    folder = os.environ.get("CONFORMANCE_TRACES")
    files = sorted(Path(folder).glob("discovery/*.json")) if folder else []
    if not files:
        pytest.skip("CONFORMANCE_TRACES names no folder with the discovery document")
    found: dict[str, Any] = json.loads(files[-1].read_text(encoding="utf-8"))["schemas"]
    return found


def test_image_has_the_fields_of_the_discovery_document(schemas: dict[str, Any]) -> None:
    theirs = {path for path, _ in documented(schemas, schemas["Image"])}
    ours = {rule_name(field.path) for field in IMAGE_FIELDS}
    assert {path for path in theirs - ours if path.partition(".")[0] not in BEYOND_THE_REFERENCE} == set()
    assert ours - theirs - set(BEYOND_THE_DOCUMENT) == set()


@pytest.mark.parametrize(("name", "fields"), [("Image", IMAGE_FIELDS), ("Operation", OPERATION_FIELDS)])
def test_types_are_those_of_the_discovery_document(
    schemas: dict[str, Any], name: str, fields: tuple[Field, ...]
) -> None:
    theirs = dict(documented(schemas, schemas[name]))
    for field in fields:
        their = theirs.get(field.path)
        if their is None or "$ref" in their:
            continue
        wanted = {"map": "object"}.get(field.type, field.type)
        assert their.get("type") == wanted, field.path
        if their.get("format") in ("int64", "uint64"):
            assert field.format == their["format"], field.path
