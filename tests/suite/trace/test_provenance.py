"""Where a recording comes from, and when it is doubted that it is of the real service: a warning, never a verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.recorded import LINKS, Recorded, image
from helpers.recorders import RECORDERS
from helpers.stories import broken, judged

from conformance.verdicts.results import Results

REAL = "operation-1772445600000-64f1c2b3d4e51-0a1b2c3d-4e5f6a7b"
HEADERS = ({"name": "Server", "value": "ESF"}, {"name": "X-XSS-Protection", "value": "0"})
IDS = {"5000000000000000001": "2600112761384990072", "4000000000000000001": "8812345678901234567"}


def genuine(service: str = "https://compute.googleapis.com") -> Recorded:
    """A recording of the real service."""
    told = Recorded(service=service).made()
    for old, new in {"operation-1": REAL, **IDS}.items():
        told.replaced(old, new)
    for entry in told.entries:
        entry["request"]["url"] = entry["request"]["url"].replace("operation-1", REAL)
        entry["response"]["headers"] += HEADERS
    return told


def doubts(results: Results) -> str:
    """The warning, "" without one."""
    return next((note for note in results.notes if "does not look like it" in note), "")


def _headers(server: str) -> Callable[[Recorded], None]:
    def change(told: Recorded) -> None:
        for entry in told.entries:
            kept = [header for header in entry["response"]["headers"] if header not in HEADERS]
            more = [{"name": name, "value": "x"} for name in ("Via", "Vary")]
            entry["response"]["headers"] = kept + more + ([{"name": "Server", "value": server}] if server else [])

    return change


def _in_a_row(told: Recorded) -> None:
    for number, old in enumerate((*IDS.values(), "7700000000000000001"), 1001):
        told.replaced(old, str(number))


@pytest.mark.parametrize("recorder", RECORDERS)
def test_recording_of_the_service_is_not_doubted(recorder: str, tmp_path: Path) -> None:
    results = judged(RECORDERS[recorder](genuine().entries), tmp_path)
    assert doubts(results) == ""
    assert broken(results) == set()
    assert "from compute.googleapis.com" in results.target.origin
    assert "server ESF" in results.target.origin
    assert "links to www.googleapis.com" in results.target.origin


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        (lambda told: told.replaced(REAL, "operation-17"), "other names than the service gives, such as operation-17"),
        (_headers(""), "neither a server nor an x-… header"),
        (_headers("gunicorn/23.0.0"), "the server calls itself gunicorn/23.0.0"),
        (lambda told: told.replaced(LINKS, "http://localhost:8080/compute"), "links lead to localhost"),
        (_in_a_row, "ids are numbers in a row"),
        (
            lambda told: told.replaced("-08:00", "Z"),
            "times are not written as the service writes them: 2026-03-02T02:00:",
        ),
    ],
)
def test_recording_that_does_not_look_like_the_service_is_doubted(
    change: Callable[[Recorded], object], doubt: str, tmp_path: Path
) -> None:
    told, elsewhere = genuine(), genuine("http://localhost:8080")
    change(told)
    results = judged(RECORDERS["har"](told.entries), tmp_path)
    assert doubt in doubts(results)
    change(elsewhere)
    other = judged(RECORDERS["har"](elsewhere.entries), tmp_path)
    assert doubts(other) == ""
    assert results.summary.verdict == other.summary.verdict


def test_ids_are_in_a_row_where_images_and_operations_share_a_counter(tmp_path: Path) -> None:
    told = Recorded().made()
    for number, old in enumerate(("4000000000000000001", "5000000000000000001"), 1):
        told.replaced(old, str(number))
    told.get(image(2, id="3"), name="image-2")
    assert "ids are numbers in a row" in doubts(judged(RECORDERS["har"](told.entries), tmp_path))


def test_origin_tells_format_and_time(tmp_path: Path) -> None:
    origin = judged(RECORDERS["mitmproxy"](genuine().entries), tmp_path).target.origin
    assert origin.startswith("a dump of mitmproxy · from compute.googleapis.com · ")
    assert "2026-03-02 10:00:01 to 2026-03-02 10:00:04 UTC" in origin
