"""Freedoms in HTTP: statuses, connections, pages, and failures by chance."""

from __future__ import annotations

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


ROWS: tuple[Variant, ...] = (
    Variant("created-201", "inserts are answered 201", _created(201), ("transport.success-status",)),
    Variant("accepted-202", "inserts are answered 202", _created(202), ("transport.success-status",)),
    Variant("by-chance", "some requests are answered 500, 502 or 504, and succeed when they come again", _by_chance),
    Variant("empty-pages", "each page of a list comes after an empty one", _empty_page_first),
    Variant("no-items", "an empty page has no items but a warning", answered(_no_items)),
    Variant(
        "newest-first",
        "lists show the newest image first",
        lambda behaviour: behaviour.on_request.append(_newest_first),
    ),
    Variant("closes-when-idle", "connections are closed without notice after each answer", switched(idle_seconds=0)),
    Variant(
        "other-charset",
        "the content type is written in another way",
        answered(lambda answer, call: answer.headers.update({"content-type": "application/json;charset=utf-8"})),
    ),
)
