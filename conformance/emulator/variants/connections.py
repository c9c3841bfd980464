"""Freedoms in HTTP: statuses, connections, pages, and failures by chance."""

from __future__ import annotations

import itertools
import json
import secrets

from conformance.emulator.behaviour import Answer, Behaviour, Call
from conformance.emulator.errors import ApiError
from conformance.emulator.faults.row import Change, switched
from conformance.emulator.variants.row import Variant, answered


def _created(status: int) -> Change:
    def hook(answer: Answer, call: Call) -> None:
        if answer.status == 200 and call.method == "images.insert":
            answer.status = status

    return answered(hook)


def _by_chance(behaviour: Behaviour) -> None:
    """Answers every 60th request that can be repeated with a server error, before or after it was carried out."""
    count = [0]

    def hook(answer: Answer, call: Call) -> None:
        if call.method.endswith("get") or call.query.get("requestId"):
            count[0] += 1
            if count[0] % 60 == 0:
                answer.status = (500, 502, 504)[count[0] // 60 % 3]
                answer.body = ApiError(answer.status, "backendError", "Try again.").body()

    answered(hook)(behaviour)


def _empty_page_first(behaviour: Behaviour) -> None:
    """Gives a page with nothing on it but a token, before each page."""
    tokens: dict[str, str] = {}

    def before(call: Call) -> None:
        token = call.query.get("pageToken", "")
        if call.method == "images.list" and token in tokens:
            call.query["pageToken"] = tokens.pop(token)
        elif call.method == "images.list":
            call.headers["x-empty-page"] = "1"

    def after(answer: Answer, call: Call) -> None:
        if answer.status == 200 and call.headers.get("x-empty-page"):
            token = secrets.token_hex(8)
            tokens[token] = call.query.get("pageToken", "")
            answer.body |= {"items": [], "nextPageToken": token}

    behaviour.on_request.append(before)
    behaviour.on_answer.append(after)


def _no_items(answer: Answer, call: Call) -> None:
    if call.method != "images.list" or answer.status != 200 or answer.body.get("items"):
        return
    answer.body.pop("items", None)
    if not call.query.get("fields"):  # a partial answer shows what was asked for, and no warning
        answer.body["warning"] = {
            "code": "NO_RESULTS_ON_PAGE",
            "message": "There are no results on this page.",
            "data": [],
        }


def _newest_first(call: Call) -> None:
    if call.method == "images.list":
        call.query.setdefault("orderBy", "creationTimestamp desc")


def _from_a_proxy(behaviour: Behaviour) -> None:
    """Answers every 60th request that can be repeated with a proxy's error page."""
    count = itertools.count(1)

    def hook(answer: Answer, call: Call) -> None:
        if call.method.endswith("get") or call.query.get("requestId"):
            number = next(count)
            if number % 60 == 0:
                answer.status = (502, 503, 504)[number // 60 % 3]
                answer.raw = b"<html><head><title>Error</title></head><body>Try again.</body></html>"
                answer.headers["content-type"] = "text/html"

    answered(hook)(behaviour)


def _changes_turned_away(behaviour: Behaviour) -> None:
    """Turns every 40th change away before anything is done."""
    count = itertools.count(1)

    def guard(call: Call) -> None:
        if call.method.startswith("images.") and call.verb != "GET" and next(count) % 40 == 0:
            raise ApiError(503, "backendError", "Try again.")

    behaviour.on_request.insert(0, guard)


def _many_headers(answer: Answer, call: Call) -> None:
    del call
    answer.headers |= {
        "location": "https://compute.googleapis.com/compute/beta/elsewhere",
        "etag": f'"{secrets.token_hex(4)}"',
        "set-cookie": "NID=1; Path=/",
        "cache-control": "private",
        "content-language": "de",
        "warning": '299 - "old"',
    }


def _spaced(answer: Answer, call: Call) -> None:
    del call
    separators = (" ,\t", " :\n")
    answer.written = lambda body: f"\r\n {json.dumps(body, separators=separators)} \n\n"


def _backwards(answer: Answer, call: Call) -> None:
    listed = answer.status == 200 and call.method.endswith(".list") and not call.query.get("orderBy")
    if listed and answer.body.get("items"):
        answer.body["items"] = answer.body["items"][::-1]


def _sparse(answer: Answer, call: Call) -> None:
    if call.method == "images.list" and answer.status == 200 and not call.query.get("fields"):
        for item in answer.body.get("items") or []:
            for name in item.keys() - IN_SPARSE_LISTS:
                del item[name]


def _sparse_operations(answer: Answer, call: Call) -> None:
    if call.method == "globalOperations.list" and answer.status == 200 and not call.query.get("fields"):
        for item in answer.body.get("items") or []:
            for name in item.keys() - IN_SPARSE_LISTS - {"error", "httpErrorStatusCode", "httpErrorMessage"}:
                del item[name]


def _blank_token(answer: Answer, call: Call) -> None:
    if answer.status == 200 and call.method.endswith(".list") and not call.query.get("fields"):
        answer.body |= {"nextPageToken": answer.body.get("nextPageToken", ""), "unreachables": []}


IN_SPARSE_LISTS = frozenset({"kind", "id", "name", "creationTimestamp", "selfLink", "status", "labelFingerprint"})
"""What a list that leaves fields out shows of an image."""

ROWS: tuple[Variant, ...] = (
    Variant("created-201", "inserts are answered 201", _created(201), ("transport.success-status",)),
    Variant("accepted-202", "inserts are answered 202", _created(202), ("transport.success-status",)),
    Variant("by-chance", "some requests are answered 500, 502 or 504, and succeed when they come again", _by_chance),
    Variant("from-a-proxy", "some requests are answered with a proxy's page, and succeed later", _from_a_proxy),
    Variant("changes-turned-away", "some changes are answered 503 before they are made", _changes_turned_away),
    Variant("many-headers", "answers have headers of many kinds", answered(_many_headers)),
    Variant("spaced", "JSON has white space wherever it may", answered(_spaced)),
    Variant("pages-backwards", "a page shows its items in the other order", answered(_backwards)),
    Variant("sparse-lists", "lists leave out most of what a get shows of an image", answered(_sparse)),
    Variant(
        "sparse-operations", "lists leave out most of what a get shows of an operation", answered(_sparse_operations)
    ),
    Variant("blank-token", "the last page of a list has a blank token", answered(_blank_token)),
    Variant("empty-pages", "each page of a list comes after an empty one", _empty_page_first),
    Variant("no-items", "an empty page has no items but a warning", answered(_no_items)),
    Variant(
        "newest-first",
        "lists show the newest image first",
        lambda behaviour: behaviour.on_request.append(_newest_first),
    ),
    Variant(
        "one-connection",
        "a connection is served until it is closed, and others wait meanwhile",
        switched(one_connection=True, idle_seconds=60),
    ),
    Variant("closes-when-idle", "connections are closed without notice after each answer", switched(idle_seconds=0)),
    Variant(
        "other-charset",
        "the content type is written in another way",
        answered(lambda answer, call: answer.headers.update({"content-type": "application/json;charset=utf-8"})),
    ),
)
