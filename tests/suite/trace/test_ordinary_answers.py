"""Answers in forms of their own, whole or in part, as clients and recorders have them: nothing in them is a breach."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from helpers.ordinary import NEW, Told, check, each, undated
from helpers.recorded import (
    EXISTS,
    FINGERPRINTS,
    NO_LABELS,
    NOT_FOUND,
    REQUEST_ID,
    Recorded,
    at,
    error,
    image,
    operation,
)

QUERY = f"?requestId={REQUEST_ID}"

PARTIAL: tuple[tuple[str, Told], ...] = (
    ("an image's status alone", lambda t: t.made().get({"status": "READY"}, query="?fields=status")),
    ("some fields of an image", lambda t: t.made().get({"name": "image-1", "labels": {}}, query="?fields=name,labels")),
    ("an image by its id", lambda t: t.made().get({"status": "READY"}, name=image()["id"], query="?fields=status")),
    ("a part of a label map", lambda t: t.made().get({"labels": {"a": "1"}}, query="?fields=labels/a")),
    (
        "an operation's status",
        lambda t: t.insert().poll({"status": "RUNNING"}, query="?fields=status").done().get(image()),
    ),
    ("DONE by a mask alone", lambda t: t.insert().poll({"status": "DONE"}, query="?fields=status").get(image())),
    (
        "an error that was not asked for",
        lambda t: t.insert().poll({"status": "DONE"}, query="?fields=status").get(NOT_FOUND, 404),
    ),
    (
        "the answer of an insert",
        lambda t: t.insert(query="?fields=name", answer={"name": "operation-1"}).done().get(image()),
    ),
    (
        "the answer of a wait",
        lambda t: t.insert().say("POST", "global/operations/operation-1/wait?fields=status", None, {"status": "DONE"}),
    ),
    (
        "the answer of setLabels",
        lambda t: (
            t.made()
            .say(
                "POST",
                "global/images/image-1/setLabels?fields=name,status",
                {"labels": NEW, "labelFingerprint": NO_LABELS},
                {"name": "operation-9", "status": "DONE"},
            )
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
    (
        "a list",
        lambda t: t.made().say(
            "GET", "global/images?fields=items(name,family)", None, {"items": [{"name": "image-1"}]}
        ),
    ),
    (
        "a list's token",
        lambda t: t.made().say("GET", "global/images?fields=nextPageToken&maxResults=1", None, {"nextPageToken": "x"}),
    ),
    (
        "a list of operations",
        lambda t: t.made().say(
            "GET", "global/operations?fields=items/name", None, {"items": [{"name": "operation-1"}]}
        ),
    ),
    (
        "a family",
        lambda t: t.made(1, image(family="f"), family="f").say(
            "GET", "global/images/family/f?fields=selfLink", None, {"selfLink": image()["selfLink"]}
        ),
    ),
    (
        "a replay",
        lambda t: (
            t.insert(request_id=REQUEST_ID)
            .say(
                "POST",
                f"global/images{QUERY}&fields=status",
                {"name": "image-1", "sourceDisk": image()["sourceDisk"]},
                {"status": "RUNNING"},
            )
            .done()
        ),
    ),
)

OTHER_FORMS: tuple[tuple[str, Told], ...] = (
    ("alt=proto", lambda t: t.made().get("\x01\x02", query="?alt=proto")),
    ("alt=media", lambda t: t.made().get("text", query="?alt=media")),
    (
        "alt=proto of an insert",
        lambda t: t.insert(query="?alt=proto", answer="\x01").get(image()).insert(answer=EXISTS, code=409),
    ),
    ("a callback", lambda t: t.made().get('f({"name": "image-1"})', query="?callback=f")),
    (
        "the second form of errors",
        lambda t: t.made().get({"error": {"code": 404, "message": "x"}}, 404, name="x", query="?%24.xgafv=2"),
    ),
    ("the first form of errors", lambda t: t.made().get(NOT_FOUND, 404, name="image-9", query="?%24.xgafv=1")),
    ("not modified", lambda t: t.made().get(None, 304).list(image()).say("GET", "global/images", None, None, 304)),
    ("an operation not modified", lambda t: t.insert().poll({"name": "operation-1"}, 304).done().get(image())),
)

RECORDERS: tuple[tuple[str, Told], ...] = (
    ("without durations", lambda t: each(t.made().made(2).delete().deleted().get(NOT_FOUND, 404), time=None)),
    ("with durations of 0", lambda t: each(t.made().delete().deleted().get(NOT_FOUND, 404), time=0)),
    (
        "without times",
        lambda t: each(t.made().made(2).delete().deleted().get(NOT_FOUND, 404), time=None, startedDateTime=None),
    ),
    (
        "out of order",
        lambda t: shuffled(
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
            .get(NOT_FOUND, 404)
        ),
    ),
    (
        "with a clock set back",
        lambda t: set_back(
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
            .get(NOT_FOUND, 404),
            6,
            8,
        ),
    ),
    (
        "with a clock set forward",
        lambda t: set_back(
            t.made().insert(2, request_id=REQUEST_ID).done(2).get(image(2), name="image-2"),
            3,
            -4000,
        ),
    ),
    (
        "begun in the middle",
        lambda t: begun(
            t.made()
            .labelled(NEW, NO_LABELS)
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
            .delete()
            .deleted()
            .get(NOT_FOUND, 404),
            2,
        ),
    ),
    (
        "that begin with a replay",
        lambda t: begun(
            t.insert(request_id=REQUEST_ID).done().get(image()).insert(request_id=REQUEST_ID).get(image()),
            3,
        ),
    ),
    (
        "beside other APIs",
        lambda t: (
            t.made()
            .say("GET", "zones/us-central1-a/instances", None, {})
            .say("GET", "/storage/v1/b/x", None, {})
            .say("GET", "global/images/image-1/getIamPolicy", None, {"etag": "A"})
        ),
    ),
)

RAW_KEY: dict[str, Any] = {"imageEncryptionKey": {"sha256": "esTuF7d4eatX4cnc4JsiEiaI+Rff78JgPhA/v1zxX9E="}}

SPARSE: tuple[tuple[str, Told], ...] = (
    ("an image without the labels asked for", lambda t: t.made().get({}, query="?fields=labels")),
    ("an image without the state asked for", lambda t: t.made().get({}, query="?fields=deprecated(state)")),
    (
        "the message of an error alone",
        lambda t: t.insert().poll(
            {"status": "DONE", "error": {"errors": [{"message": "x"}]}}, query="?fields=status,error(errors(message))"
        ),
    ),
    (
        "fields that do not exist",
        lambda t: t.made().get(error(400, "invalidParameter"), 400, query="?fields=zzz").get(image()),
    ),
    ("a list without items, and nothing else", lambda t: t.list()),
    *(
        (f"a page answered {status}", lambda t, status=status: t.made().get("<html>", status).get(image()))
        for status in (307, 407, 408)
    ),
    *(
        (
            f"a key recorded as {mark}",
            lambda t, mark=mark: t.made(shown=image(**RAW_KEY), imageEncryptionKey={"rawKey": mark}),
        )
        for mark in ("REDACTED", "***", "<RAW_KEY>", "XXXXXXXX")
    ),
    ("a service whose clock is ahead", lambda t: undated(ahead(t, 3600))),
    ("a service whose clock is behind", lambda t: undated(ahead(t, -3600))),
    ("answers that a browser had cached", lambda t: cached(t.made().get(image()))),
    ("bodies in base64", lambda t: in_base64(t.made().get(image()))),
)

BATCH = "--b\r\nContent-Type: application/http\r\n\r\n{} HTTP/1.1\r\n\r\n{}\r\n--b--"

BATCHES: tuple[tuple[str, Told], ...] = (
    (
        "an insert",
        lambda t: t.say(
            "POST",
            "/batch/compute/v1",
            BATCH.format("POST /compute/v1/projects/demo/global/images?alt=json", '{"name": "image-1"}'),
            "--c--",
        ).get(image()),
    ),
    (
        "a delete",
        lambda t: (
            t.made()
            .say(
                "POST",
                "/batch/compute/v1",
                BATCH.format("DELETE /compute/v1/projects/demo/global/images/image-1", ""),
                "--c--",
            )
            .get(NOT_FOUND, 404)
        ),
    ),
    (
        "labels",
        lambda t: (
            t.made()
            .say(
                "POST",
                "/batch",
                BATCH.format("POST /compute/v1/projects/demo/global/images/image-1/setLabels", "{}"),
                "--c--",
            )
            .get(image(labels=NEW, labelFingerprint=FINGERPRINTS[0]))
        ),
    ),
)


def shuffled(told: Recorded) -> Recorded:
    """The entries the other way round."""
    told.entries.reverse()
    return told


def set_back(told: Recorded, entries: int, seconds: float) -> Recorded:
    """The recorder's clock goes back after so many entries."""
    for number, entry in enumerate(told.entries):
        if number >= entries:
            moment = datetime.fromisoformat(entry["startedDateTime"])
            entry["startedDateTime"] = (moment - timedelta(seconds=seconds)).isoformat()
    return told


def ahead(told: Recorded, seconds: float) -> Recorded:
    """An image made by a service whose clock is ahead."""
    began: dict[str, Any] = {"insertTime": at(seconds + 1.3), "startTime": at(seconds + 1.3)}
    told.insert(answer=operation(status="RUNNING", **began)).poll(operation(**began, endTime=at(seconds + 2)))
    return told.get(image(creationTimestamp=at(seconds + 1.5)))


def cached(told: Recorded) -> Recorded:
    """The last answer was in the cache of a browser, which recorded no body of it."""
    told.entries[-1]["_fromCache"] = "disk"
    told.entries[-1]["response"]["content"] = {"size": 0, "mimeType": "application/json"}
    return told


def in_base64(told: Recorded) -> Recorded:
    """The bodies of answers stand in base64, as a recorder in capitals says."""
    for entry in told.entries:
        content = entry["response"]["content"]
        content.update(text=b64encode(content["text"].encode()).decode(), encoding="BASE64")
    return told


def begun(told: Recorded, entries: int) -> Recorded:
    """The first entries are missing."""
    told.entries = told.entries[entries:]
    return told


BLOTTED_OUT: tuple[tuple[str, Told], ...] = (
    *(
        (f"the user, once, as {mark}", lambda t, mark=mark: t.insert().done(user=mark).get(image()))
        for mark in (
            *("REDACTED", "[REDACTED]", "redacted@example.com", "***", "****@example.com", "<user>", "XXXX"),
            *("xxx@xxx.com", "[REMOVED]", "{{user}}", "${user}"),
        )
    ),
    ("an id of an operation, once", lambda t: t.insert().done(id="REDACTED").get(image())),
    ("the id of its image, once", lambda t: t.insert().done(targetId="[ID]").get(image())),
    ("a time, once", lambda t: t.insert().done(insertTime="REDACTED").get(image())),
    (
        "each id by a number of its own",
        lambda t: (
            t.insert(
                answer=operation(
                    1,
                    "RUNNING",
                    id="1111111111111111111",
                    targetId="2222222222222222222",
                    insertTime=at(1.3),
                    startTime=at(1.3),
                )
            )
            .done(id="1111111111111111111", targetId="2222222222222222222")
            .get(image(id="3333333333333333333"))
        ),
    ),
    (
        "all ids by one number",
        lambda t: (
            t.insert(
                answer=operation(1, "RUNNING", targetId="1234567890123456789", insertTime=at(1.3), startTime=at(1.3))
            )
            .done(targetId="1234567890123456789")
            .get(image(id="1234567890123456789", sourceDiskId="1234567890123456789"))
            .get(image(id="1234567890123456789", sourceDiskId="1234567890123456789"))
        ),
    ),
)


def cut_down(fields: str, rest: Any) -> Told:
    """A refusal of which `fields` has left this."""
    return lambda t: t.made().get(rest, 404, name="image-9", query=f"?fields={fields}")


CUT_DOWN: tuple[tuple[str, Told], ...] = tuple(
    (fields, cut_down(fields, rest))
    for fields, rest in (
        ("status", {}),
        ("name", None),
        ("error", {"error": {"code": 404, "message": "x"}}),
        ("error/message", {"error": {"message": "x"}}),
        ("error(code)", {"error": {"code": 404}}),
        ("error/errors/reason", {"error": {"errors": [{"reason": "notFound"}]}}),
    )
)


def patched(query: str, body: dict[str, Any], before: dict[str, Any], shown: dict[str, Any]) -> Told:
    """A PATCH that is limited to some fields."""

    def tell(told: Recorded) -> Recorded:
        told.made(1, image(**before), **before)
        moment = at(told.now + 1.3)
        done = operation(9, "DONE", 1, operationType="patch", insertTime=moment, startTime=moment, endTime=moment)
        return told.say("PATCH", f"global/images/image-1{query}", body, done).get(image(**shown)).get(image(**shown))

    return tell


LIMITED: tuple[tuple[str, Told], ...] = tuple(
    (query, patched(query, body, before, shown))
    for query, body, before, shown in (
        ("?paths=description", {"description": "new", "family": "f"}, {}, {"description": "new"}),
        ("?updateMask=description", {"description": "new", "family": "f"}, {}, {"description": "new"}),
        ("?paths=description&paths=labels.a", {"description": "new", "family": "f"}, {}, {"description": "new"}),
        ("?updateMask=family,licenses", {"description": "new", "family": "f"}, {}, {"family": "f"}),
        ("?paths=locked", {"description": "new"}, {"description": "old"}, {"description": "old"}),
        ("?paths=description,family", {"family": "f"}, {"description": "old"}, {"family": "f"}),
    )
)


def let_in(expression: str) -> Told:
    """A list that holds an image, by a filter."""
    return lambda t: t.made().list(image(), query=f"?filter={quote(expression)}")


OTHER_CASES: tuple[tuple[str, Told], ...] = tuple(
    (expression, let_in(expression))
    for expression in ("status eq ready", "status = ready", "status != ready", "name eq IMAGE-1", "(sourceType eq raw)")
)


def cut(told: Recorded, mark: str = "", length: int = 500) -> Recorded:
    """A recorder keeps the beginning of a body alone; without a mark its size tells that there was more."""
    for entry in told.entries:
        content = entry["response"]["content"]
        whole = content["text"]
        if len(whole) > length:
            content.update({"text": whole[:length] + mark} | ({} if mark else {"size": len(whole)}))
    return told


CUT: tuple[tuple[str, Told], ...] = (
    *(
        (mark or "without a mark", lambda t, mark=mark: cut(t.get(image()).made(2), mark))
        for mark in ("", "...", "…", "... [truncated]", "<1234 more bytes>", "(truncated)")
    ),
)

ROWS = (
    ("partial", PARTIAL),
    ("in another form", OTHER_FORMS),
    ("sparse", SPARSE),
    ("recorders", RECORDERS),
    ("blotted out", BLOTTED_OUT),
    ("an error cut down", CUT_DOWN),
    ("cut", CUT),
    ("batches", BATCHES),
    ("limited", LIMITED),
    ("a filter in another case", OTHER_CASES),
)


@pytest.mark.parametrize(
    "told", [pytest.param(told, id=f"{kind}: {name}") for kind, rows in ROWS for name, told in rows]
)
def test_ordinary_traffic_is_no_breach(told: Told, tmp_path: Path) -> None:
    check(told, tmp_path)
