"""What a discovery document has that no rule judges yet."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import conformance

from conformance.contract.discovery import (
    BEYOND_THE_DOCUMENT,
    PARAMETERS,
    RESOURCES,
    SCOPES,
    VALUES_BEYOND,
    NoDiscoveryError,
    changed_since,
    drift,
)
from conformance.contract.fields import rule_name


def document() -> dict[str, Any]:
    """A discovery document that has just what the rules judge."""
    schemas: dict[str, Any] = {}
    for resource, fields in RESOURCES.items():
        root = schemas.setdefault(resource, {"properties": {}})
        for field in fields:
            path = rule_name(field.path)
            if f"{resource}.{path}" in BEYOND_THE_DOCUMENT:
                continue
            place = root
            *parents, name = path.split(".")
            for parent in parents:
                place = place["properties"][parent]
                place = place.get("items", place)
                place.setdefault("properties", {})
            about: dict[str, Any] = {"type": {"map": "object"}.get(field.type, field.type), "description": name}
            if field.format:
                about["format"] = field.format
            if field.enum:
                about["enum"] = [*field.enum, *VALUES_BEYOND.get(f"{resource}.{path}", ())]
            if field.type == "array":
                about["items"] = {}
            place["properties"].setdefault(name, about)
    insert = {"parameters": {name: {"type": kind} for name, kind in PARAMETERS.items()}, "scopes": list(SCOPES)}
    return {"revision": "1", "schemas": schemas, "resources": {"images": {"methods": {"insert": insert}}}}


def insert(value: dict[str, Any]) -> dict[str, Any]:
    method: dict[str, Any] = value["resources"]["images"]["methods"]["insert"]
    return method


def fields(value: dict[str, Any], resource: str = "Image") -> dict[str, Any]:
    properties: dict[str, Any] = value["schemas"][resource]["properties"]
    return properties


CHANGES: list[tuple[str, str, Callable[[dict[str, Any]], Any]]] = [
    ("new", "field Image.colour", lambda value: fields(value).update(colour={"type": "string"})),
    ("new", "field Operation.mood", lambda value: fields(value, "Operation").update(mood={"type": "string"})),
    ("gone", "field Image.family", lambda value: fields(value).pop("family")),
    ("changed", "type of Image.family", lambda value: fields(value)["family"].update(type="integer")),
    ("changed", "format of Image.diskSizeGb", lambda value: fields(value)["diskSizeGb"].update(format="uint64")),
    ("new", "value RISCV of Image.architecture", lambda value: fields(value)["architecture"]["enum"].append("RISCV")),
    ("gone", "value ARM64 of Image.architecture", lambda value: fields(value)["architecture"]["enum"].remove("ARM64")),
    (
        "new",
        "parameter dry of images.insert",
        lambda value: insert(value)["parameters"].update(dry={"type": "string"}),
    ),
    ("gone", "parameter requestId of images.insert", lambda value: insert(value)["parameters"].pop("requestId")),
    (
        "changed",
        "parameter requestId of",
        lambda value: insert(value)["parameters"]["requestId"].update(type="number"),
    ),
    ("new", "scope https://more", lambda value: insert(value)["scopes"].append("https://more")),
    ("gone", f"scope {SCOPES[0]}", lambda value: insert(value)["scopes"].remove(SCOPES[0])),
]


def test_document_that_says_what_the_rules_judge_differs_in_nothing() -> None:
    assert drift(document()) == []


@pytest.mark.parametrize(("kind", "about", "change"), CHANGES, ids=[about for _, about, _ in CHANGES])
def test_each_difference_is_told(kind: str, about: str, change: Callable[[dict[str, Any]], Any]) -> None:
    changed = document()
    change(changed)
    (found,) = drift(changed)
    assert found.kind == kind
    assert found.about.startswith(about)


def test_descriptions_that_read_otherwise_are_told() -> None:
    changed = document()
    fields(changed)["labels"]["description"] = "new words"
    (found,) = changed_since(document(), changed)
    assert found.about == "description of Image.labels"


@pytest.mark.parametrize("value", [{}, {"schemas": []}, {"schemas": {"Image": {}}}])
def test_other_json_is_no_discovery_document(value: dict[str, Any]) -> None:
    with pytest.raises(NoDiscoveryError):
        drift(value)


def test_schema_that_names_itself_ends() -> None:
    endless = document()
    fields(endless)["params"] = {"$ref": "Image"}
    assert drift(endless) == []


def test_command_names_the_rules_to_read_again(tmp_path: Path) -> None:
    changed = document()
    fields(changed)["architecture"]["enum"].append("RISCV")
    (tmp_path / "new.json").write_text(json.dumps(changed), encoding="utf-8")
    (tmp_path / "old.json").write_text(json.dumps(document()), encoding="utf-8")
    done = conformance("drift", "new.json", "--since", "old.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "value RISCV of Image.architecture" in done.stdout
    assert "read again: " in done.stdout
    assert "image.architecture" in done.stdout
    assert conformance("drift", "old.json", folder=tmp_path).returncode == 0
    (tmp_path / "no.json").write_text("[", encoding="utf-8")
    for file, sentence in (("no.json", "is no JSON object"), ("nowhere.json", "cannot be read")):
        done = conformance("drift", file, folder=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert sentence in done.stderr


def test_revision_that_the_rules_were_written_beside_has_nothing_new() -> None:
    folder = os.environ.get("CONFORMANCE_TRACES")
    files = sorted(Path(folder).glob("discovery/*.json")) if folder else []
    if not files:
        pytest.skip("CONFORMANCE_TRACES names no folder with the discovery document")
    assert drift(json.loads(files[0].read_text(encoding="utf-8"))) == []
