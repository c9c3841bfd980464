"""Recorded traffic: what a run wrote is judged alike again, and what others recorded raises no false alarm."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.real_traffic import recording
from helpers.recorded import NOT_FOUND, Recorded
from helpers.story import REQUEST_ID, Story, image, operation

from conformance.commands.check import check
from conformance.commands.run import judge
from conformance.config.settings import Settings, UsageError
from conformance.config.sources import embedded_sources
from conformance.contract import catalogue
from conformance.emulator.process import EmulatorProcess
from conformance.trace.exchange import Trace
from conformance.trace.har import OWN
from conformance.verdicts.ledger import Ledger

PROJECT = "conformance"
TRACES = os.environ.get("CONFORMANCE_TRACES")
BROKEN = ("failed", "deviates", "error")


def written(entries: list[dict[str, Any]], folder: Path) -> Path:
    """An archive of entries."""
    path = folder / "traffic.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}}), encoding="utf-8")
    return path


def verdicts(path: Path) -> dict[str, str]:
    """The verdict on every rule."""
    return dict(check(path, Settings()).verdicts)


def broken(path: Path) -> set[str]:
    """The rules that a recording breaks."""
    return {rule for rule, verdict in verdicts(path).items() if verdict in BROKEN}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Path]:
    """The verdicts of a run on a broken emulator, and its traffic."""
    path = tmp_path_factory.mktemp("run") / "traffic.har"
    faults = ("operation.target-id/missing", "image.name.length/64-accepted")
    with EmulatorProcess(faults=faults) as emulator:
        settings = Settings(url=emulator.url, second_project="other", sources=embedded_sources(PROJECT), workers=1)
        results = judge(settings, traffic=path)
    return dict(results.verdicts), path


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The traffic of a run on a correct emulator as a proxy would have recorded it: without what only the suite knows."""
    path = tmp_path_factory.mktemp("foreign") / "traffic.har"
    with EmulatorProcess() as emulator:
        settings = Settings(url=emulator.url, second_project="other", sources=embedded_sources(PROJECT), workers=1)
        judge(settings, traffic=path)
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]
    for entry in entries:
        del entry[OWN]
    return sorted(entries, key=lambda entry: str(entry["startedDateTime"]))


@pytest.mark.slow
def test_traffic_of_a_run_gets_the_same_verdicts(run: tuple[dict[str, str], Path]) -> None:
    live, path = run
    assert {"operation.target-id", "image.name.length"} <= {name for name, verdict in live.items() if verdict in BROKEN}
    again = verdicts(path)
    passive = [rule.id for rule in catalogue().values() if rule.passive]
    assert {name: again[name] for name in passive} == {name: live[name] for name in passive}


@pytest.mark.parametrize(("trace", "blamed"), [("aside main-1", False), ("test_x main-1", True)])
def test_what_the_suite_tried_again_is_no_breach(trace: str, blamed: bool, tmp_path: Path) -> None:
    entries = Recorded().insert(code=502, answer="<html>").get(NOT_FOUND, 404).entries
    told = [{**entry, OWN: {"trace": name}} for entry, name in zip(entries, (trace, "test_x main-2"), strict=True)]
    assert ("transport.no-server-error" in broken(written(told, tmp_path))) == blamed


@pytest.mark.parametrize(
    ("rule", "path"),
    [("operation.not-found", "global/operations/operation-absent"), ("transport.not-found", "global/images/absent")],
)
@pytest.mark.parametrize(("content", "blamed"), [({"size": 7}, False), ({"text": "{}"}, True)])
def test_answer_that_was_left_out_is_no_breach(
    rule: str, path: str, content: dict[str, Any], blamed: bool, tmp_path: Path
) -> None:
    entry = Recorded().say("GET", path, None, {}).entries[0]
    own = {"trace": "test_x main-1", "deadline": 5.0, "intent": {"valid": False, "rules": [rule]}}
    told = {**entry, "response": {**entry["response"], "content": content}, OWN: own}
    assert (rule in broken(written([told], tmp_path))) == blamed


@pytest.mark.slow
def test_traffic_of_a_run_holds_no_secret(run: tuple[dict[str, str], Path]) -> None:
    text = run[1].read_text(encoding="utf-8")
    assert base64.b64encode(b"conformance-suite-256-bit-key-01").decode() not in text


@pytest.mark.slow
def test_foreign_recording_of_a_correct_server_breaks_no_rule(foreign: list[dict[str, Any]], tmp_path: Path) -> None:
    found = verdicts(written(foreign, tmp_path))
    assert not [name for name, verdict in found.items() if verdict in BROKEN]
    passive = [rule.id for rule in catalogue().values() if rule.passive]
    assert sum(found[name] == "passed" for name in passive) > 0.95 * len(passive)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_part_of_a_recording_breaks_no_rule(seed: int, foreign: list[dict[str, Any]], tmp_path: Path) -> None:
    """Cut at both ends, and without some of its polls."""
    chance = random.Random(seed)
    start = chance.randrange(len(foreign))
    part = foreign[start : start + chance.randrange(50, 400)]
    part = [entry for entry in part if not (entry["request"]["method"] == "GET" and chance.random() < 0.3)]
    found = check(written(part, tmp_path), Settings())
    assert not [(row.id, row.breaches) for row in found.rules if row.verdict in BROKEN]


def test_replay_of_an_insert_from_before_the_recording_makes_nothing() -> None:
    """The name was free when it was first sent; by the time of the replay another image has it."""
    other = operation(id="1002", name="operation-2", clientOperationId=None, targetId="2002")
    other["selfLink"] = other["selfLink"].replace("operation-1", "operation-2")
    taken = Story().insert(other, request_id=None).get(image(id="2002"))
    live = taken.insert(operation(insertTime="2025-12-31T23:59:57.000Z"), request_id=REQUEST_ID).trace()

    def broken(trace: Trace) -> set[str]:
        return {rule.id for rule, _ in Ledger(catalogue()).judge(trace)}

    assert "image.name.unique" in broken(live)
    assert broken(replace(live, recorded=True)) == set()


@pytest.mark.slow
def test_compressed_and_encoded_bodies_are_read(foreign: list[dict[str, Any]], tmp_path: Path) -> None:
    packed = []
    for entry in foreign[:200]:
        content = entry["response"]["content"]
        body = gzip.compress(content["text"].encode())
        headers = [*entry["response"]["headers"], {"name": "Content-Encoding", "value": "gzip"}]
        content = {**content, "text": base64.b64encode(body).decode(), "encoding": "base64"}
        packed.append({**entry, "response": {**entry["response"], "headers": headers, "content": content}})
    assert verdicts(written(packed, tmp_path)) == verdicts(written(foreign[:200], tmp_path))


@pytest.mark.slow
def test_other_traffic_is_counted_and_left_out(foreign: list[dict[str, Any]], tmp_path: Path) -> None:
    other = {**foreign[0], "request": {**foreign[0]["request"], "url": "https://example.com/logo.png"}}
    own = [entry for entry in foreign if "/projects/" in entry["request"]["url"]][:100]
    results = check(written([*own, other, other], tmp_path), Settings())
    assert results.cost.requests == 100
    assert "2 of other hosts, methods or APIs" in results.notes[0]


@pytest.mark.slow
def test_recording_of_nothing_of_this_api_cannot_be_judged(foreign: list[dict[str, Any]], tmp_path: Path) -> None:
    other = {**foreign[0], "request": {**foreign[0]["request"], "url": "https://example.com/compute/logo.png"}}
    assert check(written([other], tmp_path), Settings()).summary.exit_status == 3


@pytest.mark.parametrize(
    "odd", [None, 7, 1e308, True, "²", [7], {"a": 1}, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"]
)
def test_entry_of_any_types_is_no_error(odd: Any, tmp_path: Path) -> None:
    """Each part of an entry in turn is something else."""
    entry = Recorded().get(image(name="one")).entries[0]
    places = [(entry, key) for key in entry]
    places += [(message, key) for message in (entry["request"], entry["response"]) for key in message]
    for holder, key in places:
        kept, holder[key] = holder[key], odd
        results = check(written([entry], tmp_path), Settings())
        assert "error" not in results.verdicts.values(), key
        holder[key] = kept


@pytest.mark.parametrize("text", ["", "{", "[]", '{"log": {}}', '{"log": {"entries": [', "\x00\x01", "log"])
def test_broken_file_is_a_mistake_of_the_user(text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.har"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="no recording"):
        check(path, Settings())


def test_file_that_is_not_there_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        check(tmp_path / "absent.har", Settings())


def logs() -> list[Path]:
    """The logs recorded from the real service, where they are at hand."""
    return sorted((Path(TRACES) / "kcc").glob("real__*.log")) if TRACES else []


@pytest.fixture
def real() -> list[dict[str, Any]]:
    """The life of an image at the real service."""
    path = next((path for path in logs() if "image" in path.name), None)
    if path is None:
        pytest.skip("CONFORMANCE_TRACES names no folder with recorded traffic")
    return recording(path.read_text(encoding="utf-8"))


def test_real_service_breaks_no_rule(real: list[dict[str, Any]], tmp_path: Path) -> None:
    found = verdicts(written(real, tmp_path))
    assert not [name for name, verdict in found.items() if verdict in BROKEN]
    assert sum(verdict == "passed" for verdict in found.values()) > 60


@pytest.mark.skipif(not logs(), reason="CONFORMANCE_TRACES names no folder with recorded traffic")
@pytest.mark.parametrize("path", logs(), ids=lambda path: path.name[:40])
def test_every_real_log_breaks_no_rule(path: Path, tmp_path: Path) -> None:
    assert broken(written(recording(path.read_text(encoding="utf-8")), tmp_path)) == set()


INSERT, POLL, GET, RELABELLED, DELETE, DELETED = 5, 6, 7, 9, 10, 11
"""Where the answers about the image stand in the recording."""

SPOILED: tuple[tuple[int, str, Any, str], ...] = (
    (INSERT, "kind", "compute#image", "operation.kind"),
    (INSERT, "id", "operation-1", "operation.id"),
    (INSERT, "id", 9000000000000000006, "operation.type.id"),
    (INSERT, "status", "QUEUED", "operation.status"),
    (INSERT, "operationType", "create", "operation.type"),
    (INSERT, "targetLink", "https://www.googleapis.com/compute/v1/projects/real-project/global/images/other", "operation.target-link"),
    (INSERT, "selfLink", "https://www.googleapis.com/compute/v1/projects/real-project/global/operations/other", "operation.self-link"),
    (INSERT, "progress", 101, "operation.progress"),
    (INSERT, "progress", "0", "operation.type.progress"),
    (INSERT, "insertTime", "yesterday", "operation.times"),
    (INSERT, "insertTime", None, "operation.times"),
    (INSERT, "endTime", "2024-04-01T12:00:51.000Z", "operation.end-time"),
    (INSERT, "zone", "https://www.googleapis.com/compute/v1/projects/real-project/zones/us-central1-a", "operation.scope"),
    (INSERT, "clientOperationId", "123e4567-e89b-42d3-a456-426614174000", "request-id.client-operation-id"),
    (INSERT, "error", {"errors": [{"code": "X", "message": "x"}]}, "operation.error-only-when-failed"),
    (INSERT, "warnings", [{"code": "X"}], "operation.warning-shape"),
    (POLL, "status", "PENDING", "operation.status-monotonic"),
    (POLL, "endTime", None, "operation.end-time"),
    (POLL, "endTime", "2024-04-01T11:00:00.000Z", "operation.times"),
    (POLL, "progress", 50, "operation.progress"),
    (POLL, "id", "9000000000000000099", "operation.identity-immutable"),
    (POLL, "targetId", "77", "operation.identity-immutable"),
    (POLL, "user", "other@example.com", "operation.identity-immutable"),
    (POLL, "httpErrorStatusCode", 400, "operation.error-only-when-failed"),
    (POLL, "setCommonInstanceMetadataOperationMetadata", {"clientOperationId": "x"}, "operation.metadata-scope"),
    (GET, "kind", "compute#disk", "image.kind"),
    (GET, "id", "0x1", "image.id"),
    (GET, "id", 5423671098765432101, "image.id"),
    (GET, "name", "other", "life.get-after-done"),
    (GET, "status", "BROKEN", "image.status"),
    (GET, "status", "PENDING", "operation.success-means-ready"),
    (GET, "creationTimestamp", "2024-04-01", "image.creation-timestamp"),
    (GET, "creationTimestamp", "2020-04-01T12:00:51.000Z", "image.creation-timestamp"),
    (GET, "selfLink", "https://www.googleapis.com/compute/v1/projects/real-project/global/images/other", "image.self-link"),
    (GET, "diskSizeGb", 500, "image.type.diskSizeGb"),
    (GET, "sourceDisk", "https://www.googleapis.com/compute/v1/projects/real-project/zones/z/disks/other", "source.disk.round-trip"),
    (GET, "sourceType", "COOKED", "image.source-type"),
    (GET, "labels", {"cnrm-test": "true"}, "image.labels.round-trip"),
    (GET, "labelFingerprint", None, "image.label-fingerprint.format"),
    (GET, "labelFingerprint", "?", "image.label-fingerprint.format"),
    (GET, "storageLocations", "us", "image.type.storageLocations"),
    (GET, "satisfiesPzs", "yes", "image.type.satisfiesPzs"),
    (RELABELLED, "labels", {"cnrm-test": "true"}, "labels.set"),
    (RELABELLED, "description", "changed", "labels.set"),
    (DELETE, "operationType", "insert", "operation.type"),
    (DELETED, "targetLink", "https://www.googleapis.com/compute/v1/projects/real-project/global/images/other", "operation.identity-immutable"),
)  # fmt: skip
"""Fields of answers, each spoiled in one way (None leaves it out), and the rule that notices."""


@pytest.mark.parametrize("spoiled", SPOILED, ids=lambda spoiled: f"{spoiled[0]}-{spoiled[1]}-{spoiled[3]}")
def test_spoiled_field_of_a_real_recording_is_caught(
    spoiled: tuple[int, str, Any, str], real: list[dict[str, Any]], tmp_path: Path
) -> None:
    at, name, value, rule = spoiled
    content = real[at]["response"]["content"]
    resource = {**json.loads(content["text"]), name: value}
    content["text"] = json.dumps({key: part for key, part in resource.items() if part is not None})
    assert rule in broken(written(real, tmp_path))
