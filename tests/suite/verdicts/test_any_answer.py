"""Whatever a target answers, every rule judges it, and every report tells of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.config.settings import Settings
from conformance.contract import catalogue
from conformance.contract.fields import IMAGE_FIELDS, OPERATION_FIELDS
from conformance.reports import writing
from conformance.trace.exchange import Exchange, Request, Response, Trace
from conformance.verdicts.collector import Collector
from conformance.verdicts.ledger import Ledger
from conformance.verdicts.results import write_results

ROOT = "http://127.0.0.1:8080/compute/beta/projects/p/global"
REQUEST_ID = "123e4567-e89b-42d3-a456-426614174000"
NAME = "conformance-12345678-main-1"

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = {
    "name": NAME,
    "family": "f",
    "description": "d",
    "labels": {"k": "v"},
    "sourceImage": "projects/p/global/images/base",
    "licenses": ["projects/p/global/licenses/l"],
    "guestOsFeatures": [{"type": "UEFI_COMPATIBLE"}],
    "imageEncryptionKey": {"rawKey": KEY},
}
LABELS = {"labels": {"a": "b"}, "labelFingerprint": "42WmSpB8rSM="}
DEPRECATION = {"state": "DEPRECATED", "replacement": "projects/p/global/images/other"}

STORY: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("POST", f"images?requestId={REQUEST_ID}", BODY),
    ("GET", "operations/operation-1", None),
    ("POST", "operations/operation-1/wait", None),
    ("GET", f"images/{NAME}", None),
    ("POST", f"images?requestId={REQUEST_ID}", BODY),
    ("GET", "operations/operation-1", None),
    ("GET", f"images?filter=name%3D{NAME}&maxResults=1", None),
    ("GET", "images/family/f", None),
    ("POST", f"images/{NAME}/setLabels", LABELS),
    ("GET", f"images/{NAME}", None),
    ("PATCH", f"images/{NAME}", {"description": "other"}),
    ("POST", f"images/{NAME}/deprecate?requestId={REQUEST_ID}", DEPRECATION),
    ("GET", "operations?maxResults=5", None),
    ("GET", f"images/{NAME}", None),
    ("DELETE", f"images/{NAME}", None),
    ("GET", "operations/operation-2", None),
    ("GET", f"images/{NAME}", None),
)
"""A client's story: each method once, and what has to do with it before and after."""

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
ANY_VALUE = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3), max_leaves=6
)
LIKELY = st.sampled_from(
    [
        "DONE",
        "RUNNING",
        "READY",
        "PENDING",
        NAME,
        "1234567890",
        "operation-1",
        "2026-01-01T00:00:00Z",
        "p",
        "insert",
        "9" * 5000,
    ]
)
KEYS = sorted({field.path.partition(".")[0].rstrip("[]{}") for field in (*IMAGE_FIELDS, *OPERATION_FIELDS)})
RESOURCES = st.dictionaries(
    st.sampled_from([*KEYS, "items", "error", "nextPageToken", "kind"]), LIKELY | ANY_VALUE, max_size=12
)
ANSWERS = st.one_of(
    RESOURCES,
    RESOURCES.map(lambda resource: {"items": [resource, 7, None], "kind": "compute#imageList"}),
    RESOURCES.map(lambda resource: {"error": resource}),
    ANY_VALUE,
)
BODIES = ANSWERS.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30)
STATUSES = st.sampled_from([200, 200, 200, 200, 204, 400, 404, 409, 412, 500])
TYPES = st.sampled_from(["application/json", "application/json; charset=UTF-8", "text/html", "", "\udc80"])
RESPONSES = st.builds(
    lambda status, kind, body, cut: Response(status, {"content-type": kind}, body, cut),
    STATUSES,
    TYPES,
    BODIES,
    st.booleans(),
)


def exchanges(responses: list[Response]) -> tuple[Exchange, ...]:
    """The story with these answers."""
    return tuple(
        Exchange(
            number,
            Request(
                verb,
                f"{ROOT}/{path}",
                {"Content-Type": "application/json"},
                json.dumps(body).encode() if body else None,
            ),
            response,
            sent=1_700_000_000.0 + number,
            received=1_700_000_000.5 + number,
        )
        for number, ((verb, path, body), response) in enumerate(zip(STORY, responses, strict=True), 1)
    )


@pytest.mark.parametrize("recorded", [False, True], ids=["live", "recorded"])
@settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(responses=st.lists(RESPONSES, min_size=len(STORY), max_size=len(STORY)))
def test_any_answer_is_judged(recorded: bool, responses: list[Response], tmp_path: Path) -> None:
    ledger = Ledger(catalogue())
    trace = Trace(
        exchanges(responses),
        frozenset({KEY}),
        deadline=0.0 if recorded else 5.0,
        recorded=recorded,
    )
    ledger.judge(trace)
    assert not ledger.errors
    collector = Collector(Settings(out=tmp_path))
    collector.take({"ledger": ledger.drain()})
    results = collector.results()
    write_results(results, tmp_path)
    assert not writing.write(results, tmp_path)


def answer(number: int, verb: str, path: str, **changes: Any) -> dict[str, Any]:
    """What a plain target answers to a request of the story, but for the changes, wherever they can be."""
    image = {
        "kind": "compute#image",
        "id": "7",
        "name": NAME,
        "status": "READY",
        "family": "f",
        "labels": {},
        **changes,
    }
    operation = {
        "kind": "compute#operation",
        "id": "8",
        "name": f"operation-{number}" if verb != "GET" else path.rpartition("/")[2],
        "status": "DONE",
        "selfLink": f"{ROOT}/operations/operation-{number}",
        "targetId": "7",
        "error": {"errors": [{"code": "INVALID"}]} if verb == "DELETE" else None,
        **changes,
    }
    lists = {"images?": [image], "operations?": [operation]}
    listed = next((items for start, items in lists.items() if verb == "GET" and path.startswith(start)), None)
    return {"items": listed} if listed else image if verb == "GET" and path.startswith("images") else operation


@pytest.mark.parametrize("recorded", [False, True], ids=["live", "recorded"])
@pytest.mark.parametrize("value", [[], {}, ["x"], 7.5], ids=repr)
def test_field_of_any_type_is_judged(value: Any, recorded: bool) -> None:
    for key in (*KEYS, "httpErrorStatusCode"):
        answers = [answer(at, verb, path, **{key: value}) for at, (verb, path, _) in enumerate(STORY, 1)]
        told = [Response(200, {"content-type": "application/json"}, json.dumps(one).encode()) for one in answers]
        ledger = Ledger(catalogue())
        ledger.judge(Trace(exchanges(told), frozenset({KEY}), deadline=5.0, recorded=recorded))
        assert not ledger.errors, key
