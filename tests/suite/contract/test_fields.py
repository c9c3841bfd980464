"""The table of fields against the official discovery document, where recorded traffic is at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from conformance.config.sources import embedded_sources
from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS, Field, rule_name
from conformance.contract.insert_request import InsertRequest
from conformance.strategies import bodies

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


def as_json_schema(part: Any) -> Any:
    """A schema of the discovery document as JSON Schema: only references are written otherwise."""
    if isinstance(part, dict):
        return {
            key: f"#/$defs/{value}" if key == "$ref" else as_json_schema(value)
            for key, value in part.items()
            if key
            not in (
                "id",
                "description",
                "enumDescriptions",
                "enumDeprecated",
                "format",
                "annotations",
                "deprecated",
                "readOnly",
            )
            or isinstance(value, dict)
        }
    return [as_json_schema(item) for item in part] if isinstance(part, list) else part


def test_valid_bodies_pass_an_independent_validator(schemas: dict[str, Any]) -> None:
    definitions = {name: as_json_schema(schema) for name, schema in schemas.items()}
    # The reference lists SUSPEND_RESUME_COMPATIBLE, the document does not; each knows types that the other does not.
    del definitions["GuestOsFeature"]["properties"]["type"]["enum"]
    validator = jsonschema.Draft202012Validator({"$ref": "#/$defs/Image", "$defs": definitions})

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(bodies.valid(embedded_sources("conformance"), looked_up=True))
    def passes(request: InsertRequest) -> None:
        validator.validate({"name": "conformance-name", **request.body})

    passes()
