"""Strategies: what is called valid breaks no rule, and each defect breaks its rule and no other."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, find, given, settings

from conformance.client.names import Names
from conformance.config.sources import embedded_sources
from conformance.contract import catalogue
from conformance.contract.fields import IMAGE_FIELDS
from conformance.contract.insert_request import Fresh, InsertRequest
from conformance.contract.plain_bodies import kind_bodies, minimal
from conformance.contract.request_view import RequestView
from conformance.strategies import bodies
from conformance.strategies.accepted import ACCEPTED, Acceptance
from conformance.strategies.defects import DEFECTS, Defect
from conformance.strategies.near_misses import stale_fingerprints
from conformance.strategies.output_only import OUTPUT_ONLY, OutputOnly
from conformance.trace.exchange import Exchange, Request

SOURCES = embedded_sources("conformance")
FAST = settings(max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
OPTIONAL = tuple(
    field.path
    for field in IMAGE_FIELDS
    if field.set_by == "client" and "." not in field.path and field.path.isalpha() and field.path != "name"
)


def exchange(request: InsertRequest) -> Exchange:
    """A request as it goes over the wire, with the names that a run would give it."""
    name = Names("00000000", "main").named(request.name)
    body = dict(request.body) if name is None else {"name": name, **request.body}
    content = json.dumps(body).encode()
    content = request.rewrite(content) if request.rewrite else content
    request_id = "123e4567-e89b-42d3-a456-426614174000" if isinstance(request.request_id, Fresh) else request.request_id
    query = [*request.query, *([("requestId", request_id)] if request_id is not None else [])]
    url = f"http://server/compute/beta/projects/conformance/global/images?{urlencode(query)}"
    return Exchange(1, Request("POST", url, {}, content))


def broken(request: InsertRequest) -> frozenset[str]:
    """The rules that a request breaks by what it says."""
    return RequestView(exchange(request)).broken_rules


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.rule)
def test_defect_breaks_its_rule_and_no_other(defect: Defect) -> None:
    told = {defect.rule} if catalogue()[defect.rule].broken else set()  # of the others only a scenario can know
    for case in defect.cases(SOURCES):
        assert broken(case) == told, case
    if defect.random is not None:

        @FAST
        @given(defect.random(SOURCES))
        def holds(case: InsertRequest) -> None:
            assert broken(case) == told

        holds()


@pytest.mark.parametrize("row", [*ACCEPTED, *OUTPUT_ONLY], ids=lambda row: row.rule)
def test_accepted_request_breaks_no_rule(row: Acceptance | OutputOnly) -> None:
    for case in row.cases(SOURCES):
        assert broken(case) == frozenset(), case


@FAST
@given(bodies.valid(SOURCES))
def test_valid_request_breaks_no_rule(request: InsertRequest) -> None:
    assert broken(request) == frozenset()


def test_every_optional_field_is_often_there_and_often_not() -> None:
    seen: Counter[str] = Counter()
    total = 0

    @settings(
        max_examples=500, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(bodies.valid(SOURCES, looked_up=True))
    def count(request: InsertRequest) -> None:
        nonlocal total
        total += 1
        seen.update(name for name, value in request.body.items() if value not in ("", [], {}))

    count()
    for name in OPTIONAL:
        assert 0.1 * total <= seen[name] <= 0.9 * total, f"{name} in {seen[name]} of {total}"


def test_valid_request_shrinks_to_the_plainest() -> None:
    plainest = find(bodies.valid(SOURCES), lambda _: True, settings=settings(database=None, deadline=None))
    used: dict[str, Any] = {name: value for name, value in plainest.body.items() if value}
    assert len(used) == 1


def test_each_kind_of_source_in_one_shape() -> None:
    kinds = kind_bodies(SOURCES)
    assert kinds[0] == minimal(SOURCES)
    assert [next(iter(body)) for body in kinds] == ["sourceImage", "sourceDisk", "sourceSnapshot", "rawDisk"]


@pytest.mark.parametrize("current", ["42WmSpB8rSM=", "AAAAAAAAAAA=", "AAAAAAAAAAE=", "1234", None])
def test_no_stale_fingerprint_is_the_current_one(current: str | None) -> None:
    texts = [part.get("labelFingerprint") for part in stale_fingerprints(current)]
    assert current is None or current not in texts
    assert ("42wMsPb8Rsm=" in texts) == (current == "42WmSpB8rSM=")
