"""What recorders lose or replace is no breach, is told, and hides no other breach."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from helpers.recorded import DISK, LINKS, PROJECT, Recorded, at, image, operation
from helpers.recorders import RECORDERS, Entry
from helpers.stories import BROKEN, SPOILED, broken, judged, story

from conformance.commands.check import check
from conformance.config.settings import Settings
from conformance.verdicts.results import Results

LATEST = f"{LINKS}/v1/projects/{PROJECT}/global/images/latest"
HIDDEN_BY_PLACEHOLDERS = {"operation.target-id"}


def scrubbed(text: bytes, project: str = "${projectId}") -> bytes:
    """A log as the harness of k8s-config-connector normalises it."""
    rows = (
        (r'("(?:insert|start|end)Time": |"creationTimestamp": )"[^"]*"', r'\1"2024-04-01T12:34:56.123456Z"'),
        (r'("labelFingerprint": )"[^"]*"', r'\1"abcdef0123A="'),
        (r'("id": )"[^"]*"', r'\1"000000000000000000000"'),
        (r'("targetId": )"[^"]*"', r'\1"${imageID}"'),
        (r'("sourceDiskId": )"[^"]*"', r'\1"${diskID}"'),
        (r"operation-\d+", "${operationID}"),
        (r"image-1", "${imageID}"),
        (rf"projects/{PROJECT}/", f"projects/{project}/"),
    )
    told = text.decode()
    for pattern, replacement in rows:
        told = re.sub(pattern, replacement, told)
    return told.encode()


def test_normalised_log_is_green_and_tells_what_that_cost(tmp_path: Path) -> None:
    results = judged(scrubbed(RECORDERS["http_log"](story().entries)), tmp_path)
    assert broken(results) == set()
    assert results.summary.coverage.tested > 50
    notes = "\n".join(results.notes)
    for lost in ("times are missing", "times of the service", "ids are", "names of operations", "fingerprints are"):
        assert re.search(rf"{lost}.*: \d+ rules? about .* not judged", notes)
    reasons = {row.id: row.reason for row in results.rules}
    assert reasons["image.id"] == "ids are replaced by placeholders"
    assert reasons["operation.insert-time"] == "times are missing"
    assert reasons["operation.times"] == "times of the service are replaced by placeholders"


@pytest.mark.parametrize(
    ("shown", "later", "rule"),
    [
        (image(description="other"), image(description="other"), "image.description.round-trip"),
        (image(description="mine", diskSizeGb="20"), image(description="mine"), "life.model"),
        (image(description="mine", status="PENDING"), image(description="mine"), "operation.success-means-ready"),
        (image(description="mine"), image(description="mine", status="PENDING"), "image.status"),
    ],
)
def test_normalised_log_without_times_goes_on_request_by_request(
    shown: dict[str, Any], later: dict[str, Any], rule: str, tmp_path: Path
) -> None:
    """What comes afterwards, at the same time by the log, is no reason to overlook what came before."""
    told = Recorded().made(1, shown, description="mine").labelled({"a": "1"}, shown["labelFingerprint"])
    told.get(later | {"labels": {"a": "1"}}).delete().deleted()
    assert rule in broken(judged(scrubbed(RECORDERS["http_log"](told.entries)), tmp_path))


def test_list_that_was_filtered_by_a_placeholder_is_green(tmp_path: Path) -> None:
    told = Recorded().made()
    items = [json.loads(told.entries[1]["response"]["content"]["text"])]
    shown = {"kind": "compute#operationList", "id": f"projects/{PROJECT}/global/operations", "items": items}
    told.say("GET", "global/operations?filter=name%3Doperation-1", None, shown)
    assert broken(judged(RECORDERS["har"](told.entries), tmp_path)) == set()
    assert broken(judged(scrubbed(RECORDERS["http_log"](told.entries)), tmp_path)) == set()


@pytest.mark.parametrize("rule", sorted(set(SPOILED) - HIDDEN_BY_PLACEHOLDERS))
def test_breach_is_seen_among_placeholders(rule: str, tmp_path: Path) -> None:
    assert rule in broken(judged(scrubbed(RECORDERS["http_log"](SPOILED[rule].entries)), tmp_path))


def test_operations_at_once_whose_names_were_replaced_cannot_be_told_apart(tmp_path: Path) -> None:
    told = Recorded().made().delete()
    told.say("DELETE", "global/images/image-1", None, told.entries[-1]["response"]["content"]["text"])
    told.deleted().say("GET", "global/operations/operation-91", None, told.entries[-2]["response"]["content"]["text"])
    results = judged(scrubbed(RECORDERS["http_log"](told.entries)), tmp_path)
    assert broken(results) == set()
    assert any("cannot be told apart" in note for note in results.notes)


@pytest.mark.parametrize(
    "project",
    ["PROJECT_ID", "{{project}}", "<project>", "[PROJECT_ID]", "${projectId}", "%24%7BprojectId%7D", "REDACTED"],
)
@pytest.mark.parametrize("recorder", ["vcrpy_yaml", "go_vcr_1", "gcloud"])
def test_project_may_be_replaced(project: str, recorder: str, tmp_path: Path) -> None:
    text = RECORDERS[recorder](story().entries).replace(
        f"projects/{PROJECT}/".encode(), f"projects/{project}/".encode()
    )
    assert broken(judged(text, tmp_path)) == set()


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_project_of_a_domain_is_no_placeholder(colon: str, tmp_path: Path) -> None:
    told = story().replaced(f"projects/{PROJECT}/", "projects/example.com:demo/")
    for entry in told.entries:
        old, new = f"projects/{PROJECT}/", f"projects/example.com{colon}demo/"
        entry["request"]["url"] = entry["request"]["url"].replace(old, new)
        sent = entry["request"].get("postData", {})
        sent |= {key: text.replace(old, "projects/example.com:demo/") for key, text in sent.items()}
    results = judged(RECORDERS["har"](told.entries), tmp_path)
    assert broken(results) == set()
    assert results.target.project == "example.com:demo"


@pytest.mark.parametrize("recorder", ["vcrpy_json", "har"])
def test_project_that_was_replaced_in_paths_only_is_the_one_of_the_links(recorder: str, tmp_path: Path) -> None:
    told = story()
    for entry in told.entries:
        entry["request"]["url"] = entry["request"]["url"].replace(f"projects/{PROJECT}/", "projects/PROJECT_ID/")
    results = judged(RECORDERS[recorder](told.entries[1:]), tmp_path)
    assert broken(results) == set()
    assert results.target.project == PROJECT


STAND_INS = ("PROJECT_ID", "<project>", "REDACTED", "***", "xxxxxxxx", "my-project")
PLACES = (("url", "answer"), ("answer",), ("body",), ("url",), ("url", "body"))


def stood_in(told: Recorded, project: str, places: Collection[str]) -> Recorded:
    """A recording with another project in some places: URLs of requests, bodies of requests, answers."""
    for entry in told.entries:
        request, content = entry["request"], entry["response"]["content"]
        holders = {"url": (request, "url"), "body": (request.get("postData", {}), "text"), "answer": (content, "text")}
        for holder, key in (holders[place] for place in places):
            if key in holder:
                holder[key] = holder[key].replace(f"projects/{PROJECT}/", f"projects/{project}/")
    return told


@pytest.mark.parametrize("project", STAND_INS)
@pytest.mark.parametrize("places", PLACES, ids="+".join)
def test_project_may_be_replaced_in_some_places(project: str, places: Collection[str], tmp_path: Path) -> None:
    told = Recorded().made().act("deprecate", {"state": "DEPRECATED", "replacement": LATEST})
    told.get(image(deprecated={"state": "DEPRECATED", "replacement": LATEST}))
    sources = {"sourceDisk": None, "sourceImage": f"projects/{PROJECT}/global/images/family/f"}
    came = {**dict.fromkeys(("sourceDisk", "sourceDiskId")), "sourceImage": LATEST, "sourceImageId": "77"}
    told.made(2, image(2, creationTimestamp=at(told.now + 1.4), **came), **sources)
    assert broken(stood_in(told, project, places).judged(tmp_path)) == set()


@pytest.mark.parametrize("project", STAND_INS)
def test_another_source_comes_back_though_projects_are_replaced(project: str, tmp_path: Path) -> None:
    told = Recorded().made(1, image(sourceDisk=f"{LINKS}/v1/{DISK}2"))
    assert "source.disk.round-trip" in broken(stood_in(told, project, ("url", "answer")).judged(tmp_path))


def test_user_may_say_what_a_placeholder_stands_for(tmp_path: Path) -> None:
    told = story()
    for entry in told.entries:
        entry["request"]["url"] = entry["request"]["url"].replace(f"projects/{PROJECT}/", "projects/PROJECT_ID/")
    path = tmp_path / "recording"
    path.write_bytes(RECORDERS["har"](told.entries))
    results = check(path, Settings(project="demo", explicit=frozenset({"project"})))
    assert broken(results) == set()
    assert results.target.project == "demo"
    assert "--project demo" in results.run.command


def test_request_id_that_was_replaced_is_none(tmp_path: Path) -> None:
    text = re.sub(rb"7d2d0119-[0-9a-f-]*", b"REQUEST_ID", RECORDERS["vcrpy_json"](story().entries))
    results = judged(text, tmp_path)
    assert broken(results) == set()
    assert any(note.startswith("requestIds are replaced by placeholders") for note in results.notes)


# Order and times


def _shuffled(entries: list[Entry], seed: int) -> list[Entry]:
    return random.Random(seed).sample(entries, len(entries))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("recorder", ["har", "mitmproxy", "vcrpy_yaml", "gcloud"])
def test_order_is_that_of_the_times_or_of_the_dates(recorder: str, seed: int, tmp_path: Path) -> None:
    """The requests of the story are further apart than a Date can be wrong."""
    told = Recorded().insert(description="mine")
    told.now += 3
    told.done()
    told.now += 3
    told.get(image(description="mine"))
    told.now += 3
    told.delete()
    told.now += 3
    told.deleted()
    right, mixed = (
        judged(RECORDERS[recorder](entries), tmp_path) for entries in (told.entries, _shuffled(told.entries, seed))
    )
    assert broken(right) == broken(mixed) == set()
    assert right.verdicts == mixed.verdicts


def test_entries_without_durations_may_be_out_of_order(tmp_path: Path) -> None:
    told = Recorded().insert()
    running = json.loads(told.entries[0]["response"]["content"]["text"])
    for _ in range(3):
        told.poll(running, wait=0.2)
    told.done().get(image())
    for entry in told.entries:
        del entry["time"]
    told.entries[3:5] = told.entries[4:2:-1]
    told.entries[:2] = told.entries[1::-1]
    assert broken(told.judged(tmp_path)) == set()


@pytest.mark.parametrize("change", [lambda entries: entries[::-1], lambda entries: [entries[-1], *entries[:-1]]])
def test_order_that_cannot_be_is_told(change: Callable[[list[Entry]], list[Entry]], tmp_path: Path) -> None:
    told = Recorded().made().delete().deleted()
    results = judged(RECORDERS["http_log"](change(told.entries)), tmp_path)
    assert broken(results) == set()
    assert any(re.match("requests are in another order .*: .* not judged", note) for note in results.notes)


def test_breach_within_an_answer_is_seen_in_any_order(tmp_path: Path) -> None:
    told = Recorded().insert().done(progress=101).get(image(status="FINE"))
    assert {"operation.progress", "image.status"} <= broken(judged(RECORDERS["http_log"](told.entries[::-1]), tmp_path))


def test_clock_that_stands_still_tells_no_times(tmp_path: Path) -> None:
    told = story()
    for entry in told.entries:
        entry["startedDateTime"], entry["time"] = "2000-01-01T00:00:00Z", 0
    results = judged(RECORDERS["har"](told.entries), tmp_path)
    assert broken(results) == set()
    assert any(note.startswith("times are missing: ") for note in results.notes)


@pytest.mark.parametrize("recorder", ["betamax", "gcloud", "http_log"])
def test_whole_seconds_tell_nothing_of_the_pauses_of_a_client(recorder: str, tmp_path: Path) -> None:
    """Three looks within a second, which its clock counts as one moment; those of an archive are too hasty."""
    told = Recorded().insert()
    for pause in (0.06,) * 8:
        told.say("GET", "global/operations/operation-1", None, operation(1, "RUNNING"), wait=pause, seconds=0.01)
    told.done().get(image()).delete().deleted()
    for name, hasty in (("har", {"client.poll-pace"}), (recorder, set())):
        path = tmp_path / name
        path.write_bytes(RECORDERS[name](told.entries))
        assert broken(check(path, Settings(), client=True)) == hasty


# Words that look like placeholders


def test_what_only_looks_like_a_placeholder_hides_nothing(tmp_path: Path) -> None:
    told = Recorded().made(1, image(description="a {{b}} <c> PROJECT_ID"), description="a {{b}} <c> PROJECT_IDS")
    assert "image.description.round-trip" in broken(judged(RECORDERS["har"](told.entries), tmp_path))
    page = {"error": {"code": 404, "message": "<html><body>Traceback (most recent call last)</body></html>"}}
    assert "transport.no-internals" in broken(judged(RECORDERS["har"](Recorded().get(page, 404).entries), tmp_path))
    told = Recorded().made(1, sourceDisk=DISK.replace("d1", "${disk}"))
    assert broken(judged(RECORDERS["har"](told.entries), tmp_path)) == {"source.disk.round-trip"}


def _verdicts(results: Results) -> dict[str, str]:
    return {row.id: row.verdict for row in results.rules if row.verdict in (*BROKEN, "passed")}


@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize("rule", [None, *SPOILED])
def test_verdicts_are_those_of_an_archive_but_for_what_a_format_cannot_hold(
    rule: str | None, recorder: str, tmp_path: Path
) -> None:
    entries = (SPOILED[rule] if rule else story()).entries
    archive, other = (_verdicts(judged(RECORDERS[name](entries), tmp_path)) for name in ("har", recorder))
    differing = {name for name in archive.keys() | other.keys() if archive.get(name) != other.get(name)}
    # Without times nobody knows how long after a change a look at the fingerprint came.
    of_times = {"operation.insert-time", "family.view-latest", "labels.fingerprint-changes"}
    assert differing <= (of_times if recorder == "http_log" else set())


def test_json_that_is_broken_stays_so(tmp_path: Path) -> None:
    told = Recorded().get('{"id": "000000000000000000000", ', 200)
    assert "transport.json" in broken(judged(json.dumps({"log": {"entries": told.entries}}).encode(), tmp_path))
