"""Faulty requests have to be refused, and valid ones accepted: each rule on hand-written traces."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from helpers.story import Story, operation, refusal

from conformance.contract import catalogue
from conformance.trace.customer_keys import KEYS
from conformance.trace.exchange import Intent

Body = dict[str, Any]

HOST = "https://www.googleapis.com/compute/beta"
BASE: Body = {"name": "one", "sourceImage": "projects/p/global/images/base"}
SOURCES: dict[str, tuple[str, str]] = {
    "disk": ("sourceDisk", "projects/p/zones/z/disks/d"),
    "image": ("sourceImage", "projects/p/global/images/base"),
    "snapshot": ("sourceSnapshot", "projects/p/global/snapshots/s"),
}
ARCHIVE = "https://storage.googleapis.com/bucket/archive.tar.gz"
KEY = base64.b64encode(bytes(32)).decode()
WRAPPED = base64.b64encode(bytes(256)).decode()
FAILED: Body = {"error": {"errors": [{"code": "INVALID"}]}, "httpErrorStatusCode": 400}


def raw(**fields: Any) -> Body:
    return {"name": "one", "rawDisk": fields}


def pk(**fields: Any) -> Body:
    return {**BASE, "shieldedInstanceInitialState": {"pk": {"content": "AAAA", **fields}}}


FAULTY: list[tuple[str, Any, Any, str]] = [
    ("force-create.not-boolean", BASE, BASE, "?forceCreate=maybe"),
    ("transport.body-not-object", [BASE], BASE, ""),
    ("transport.body-not-object", "text", BASE, ""),
    ("transport.body-not-object", 5, BASE, ""),
    ("transport.empty-body", None, BASE, ""),
    ("source.raw-disk.malformed", raw(source="https://example.com/a.tar.gz"), raw(source=ARCHIVE), ""),
    ("source.raw-disk.malformed", raw(source="archive"), raw(source="gs://bucket/archive.tar.gz"), ""),
    *(
        (f"source.{kind}.malformed", {"name": "one", field: text}, {"name": "one", field: path}, "")
        for kind, (field, path) in SOURCES.items()
        for text in ("projects/p/global/things/t", "no url", f"{path}/more")
    ),
    (
        "image.deprecated.state",
        {**BASE, "deprecated": {"state": "GONE"}},
        {**BASE, "deprecated": {"state": "OBSOLETE"}},
        "",
    ),
    ("image.shielded.file-type", pk(fileType="PDF"), pk(fileType="X509"), ""),
    *(
        (
            "image.rollout-override.timestamps",
            {**BASE, "rolloutOverride": {**policy, "defaultRolloutTime": time}},
            {**BASE, "rolloutOverride": {**policy, "defaultRolloutTime": "2030-01-01T00:00:00Z"}},
            "",
        )
        for policy in ({}, {"locationRolloutPolicies": {"zones/z": "2030-01-01T00:00:00Z"}})
        for time in ("soon", "2030-02-30T00:00:00Z")
    ),
    *(
        (f"encryption.{key}.{what}", {**BASE, field: wrong}, {**BASE, field: right}, "")
        for key, field in KEYS.items()
        for what, wrong, right in (
            ("raw-key-length", {"rawKey": "AAAA"}, {"rawKey": KEY}),
            ("raw-key-length", {"rawKey": base64.b64encode(bytes(33)).decode()}, {"rawKey": KEY}),
            ("raw-or-rsa", {"rawKey": KEY, "rsaEncryptedKey": WRAPPED}, {"rsaEncryptedKey": WRAPPED}),
            ("rsa-base64", {"rsaEncryptedKey": "no base64!"}, {"rsaEncryptedKey": WRAPPED}),
        )
    ),
]
"""Rules that a request breaks by what it says: a request that does, one that is fine, and the query of the first."""


def taken(body: Any, query: str = "", intent: Intent | None = None) -> Story:
    """An insert that is carried out."""
    answer = operation("PENDING", clientOperationId=None)
    return Story().say("POST", f"images{query}", body, 200, answer, intent).poll(operation(clientOperationId=None))


def refused(body: Any, query: str = "", intent: Intent | None = None, status: int = 400) -> Story:
    """An insert that is refused at once."""
    return Story().say("POST", f"images{query}", body, status, refusal(status, "invalid"), intent)


def failed(body: Any, intent: Intent | None = None) -> Story:
    """An insert whose operation fails."""
    answer = operation("PENDING", clientOperationId=None)
    return Story().say("POST", "images", body, 200, answer, intent).poll(operation(clientOperationId=None, **FAILED))


@pytest.mark.parametrize(("rule", "wrong", "right", "query"), FAULTY)
def test_faulty_request_is_refused(rule: str, wrong: Any, right: Any, query: str) -> None:
    assert taken(wrong, query).broken() == {rule}
    assert refused(wrong, query).verdict(rule) == "kept"
    assert refused(wrong, query, status=409).verdict(rule) == "silent"
    assert taken(right).verdict(rule) == "silent"
    assert not taken(right).broken()


@pytest.mark.parametrize(
    ("rule", "body"), [(rule, body) for rule, body, _, _ in FAULTY if rule.startswith("transport.")]
)
def test_body_that_is_no_object_is_refused_with_400(rule: str, body: Any) -> None:
    assert refused(body, status=422).verdict(rule) == "broken"


@pytest.mark.parametrize(("answer", "verdict"), [(400, "kept"), (200, "broken")])
def test_deprecate_refuses_an_unknown_state(answer: int, verdict: str) -> None:
    story = Story().insert(operation("PENDING")).poll(operation())
    story.change("deprecate", {"state": "GONE"}, code=answer, answer=refusal(400, "invalid") if answer == 400 else None)
    assert story.verdict("image.deprecated.state") == verdict


ONLY_KNOWN: list[tuple[str, Body]] = [
    *((f"source.{kind}.unknown", {"name": "one", field: path}) for kind, (field, path) in SOURCES.items()),
    *(
        (f"encryption.{key}.rsa-length", {**BASE, field: {"rsaEncryptedKey": base64.b64encode(bytes(255)).decode()}})
        for key, field in KEYS.items()
    ),
    ("encryption.required-for-source", BASE),
    ("encryption.required-for-source", {**BASE, "sourceImageEncryptionKey": {"rawKey": KEY}}),
    ("deprecate.use-obsolete", BASE),
]
"""Requests of which only a scenario can know that they are faulty."""


@pytest.mark.parametrize(("rule", "body"), ONLY_KNOWN)
def test_fault_that_only_a_scenario_knows(rule: str, body: Body) -> None:
    intent = Intent(valid=False, rules=(rule,))
    assert taken(body, intent=intent).broken() == {rule}
    assert refused(body, intent=intent).verdict(rule) == "kept"
    assert failed(body, intent=intent).verdict(rule) == "kept"
    assert refused(body, intent=intent, status=404).verdict(rule) == ("kept" if rule.endswith("unknown") else "silent")
    assert taken(body).verdict(rule) == "silent"


VALID: list[tuple[str, Body, str]] = [
    *(("force-create.boolean", BASE, query) for query in ("", "?forceCreate=true", "?forceCreate=false")),
    ("transport.json-form", BASE, ""),
    ("transport.empty-field", {**BASE, "description": None, "family": "", "labels": {}}, ""),
    ("request-id.refused-not-remembered", BASE, ""),
    ("source.raw-disk", raw(source=ARCHIVE), ""),
    ("image.raw-disk.sha1-checksum", raw(source=ARCHIVE, sha1Checksum="0" * 40), ""),
    ("image.deprecated.state", {**BASE, "deprecated": {"state": "ACTIVE"}}, ""),
    ("image.shielded.file-type", pk(fileType="BIN"), ""),
    ("deprecate.use-obsolete", BASE, ""),
    *(
        (f"source.{kind}.{form}-url", {"name": "one", field: url}, "")
        for kind, (field, path) in SOURCES.items()
        for form, url in (("full", f"{HOST}/{path}"), ("partial", path))
    ),
    *((rule.id, BASE, "") for rule in catalogue().values() if rule.accepts),
]
"""Requests that a scenario knows to be valid in the matter of a rule."""


@pytest.mark.parametrize(("rule", "body", "query"), VALID)
def test_valid_request_is_accepted(rule: str, body: Body, query: str) -> None:
    intent = Intent(valid=True, rules=(rule,))
    assert refused(body, query, intent).broken() == {rule}
    assert failed(body, intent).verdict(rule) in ("broken", "deviates")
    assert taken(body, query, intent).verdict(rule) == "kept"
    assert not taken(body, query, intent).broken()
    assert refused(body, query).verdict(rule) == "silent"


@pytest.mark.parametrize(("kind", "verdict"), [(kind, "deviates") for kind in SOURCES])
def test_partial_url_that_begins_later_is_a_convention(kind: str, verdict: str) -> None:
    rule = f"source.{kind}.partial-url"
    field, path = SOURCES[kind]
    body = {"name": "one", field: path.removeprefix("projects/p/")}
    assert refused(body, intent=Intent(valid=True, rules=(rule,))).verdict(rule) == verdict
