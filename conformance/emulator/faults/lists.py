"""Faults in lists: what they may be asked for, their order, their pages, and their filters."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from conformance.emulator.behaviour import Answer, Behaviour, Call
from conformance.emulator.errors import invalid
from conformance.emulator.faults.row import Change, Fault, unchecked
from conformance.emulator.filters import matches

DEFAULT_PAGE = 20
"""How many images a list of a careless server holds."""

IMAGES, OPERATIONS = "images.list", "globalOperations.list"


def _asked(change: Callable[[Call], object], method: str = IMAGES) -> Change:
    """Changes what a list is asked for."""

    def guard(call: Call) -> None:
        if call.method == method:
            change(call)

    return lambda behaviour: behaviour.on_request.append(guard)


def _answered(change: Callable[[dict[str, Any]], object], method: str) -> Change:
    """Changes a list before it is answered."""

    def hook(answer: Answer, call: Call) -> None:
        if call.method == method and answer.status == 200:
            change(answer.body)

    return lambda behaviour: behaviour.on_answer.append(hook)


def _any_token(behaviour: Behaviour) -> None:
    """Takes a token that no list has given for none at all."""
    given: set[str] = set()
    _answered(lambda body: given.add(body.get("nextPageToken", "")), IMAGES)(behaviour)
    _asked(lambda call: call.query.pop("pageToken", "") if call.query.get("pageToken") not in given else None)(
        behaviour
    )


def _any_number(call: Call) -> None:
    if not call.query.get("maxResults", "0").isdecimal():
        del call.query["maxResults"]


def _some_number(call: Call) -> None:
    if call.query.get("maxResults") == "0":
        raise invalid("maxResults", "0", "It must be positive.")


def _without(pattern: str) -> Callable[[Call], None]:
    """Leaves the terms of a filter out that a pattern describes; of one that has no other, all is left."""

    def change(call: Call) -> None:
        expression = call.query.get("filter", "")
        if re.search(pattern, expression):
            call.query["filter"] = ""

    return change


def _nothing_by_family(call: Call) -> None:
    if call.query.get("filter", "").startswith("family eq"):
        call.query["filter"] = "family eq of-nobody"


def _first_page_alone(behaviour: Behaviour) -> None:
    """Ends a list that was asked for without maxResults after a number of its own, with no token for what is left."""

    def cut(answer: Answer, call: Call) -> None:
        if call.method == IMAGES and answer.status == 200 and "maxResults" not in call.query:
            answer.body["items"] = (answer.body.get("items") or [])[:DEFAULT_PAGE]

    behaviour.on_answer.append(cut)


def _keeps_the_deleted(behaviour: Behaviour) -> None:
    """Lists images that are deleted as they were seen before."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    deleted: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def change(answer: Answer, call: Call) -> None:
        if answer.status != 200:
            return
        if call.method == "images.get":
            seen[call.project, call.name] = dict(answer.body)
        if call.method == "images.delete" and (call.project, call.name) in seen:
            deleted[call.project].append(seen.pop((call.project, call.name)))
        if call.method == IMAGES and not {"maxResults", "fields"} & call.query.keys():
            there = {item["id"] for item in answer.body.get("items") or []}
            passing = [image for image in deleted[call.project] if matches(image, call.query.get("filter", ""))]
            answer.body["items"] = (answer.body.get("items") or []) + [
                image for image in passing if image["id"] not in there
            ]

    behaviour.on_answer.append(change)


def _by_text(call: Call) -> None:
    expression = call.query.get("filter", "")
    if re.search(r"\seq\s.*\.\*", expression):
        call.query["filter"] = "name = none-is-called-so"


def _cut(image: dict[str, Any]) -> dict[str, Any]:
    return {"description": image["description"][:32]} if image.get("description") else {}


def _without_operations(left_out: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Any]], object]:
    """Leaves operations out of a list."""
    return lambda body: body.update(items=[item for item in body.get("items") or [] if not left_out(item)])


def _twice(body: dict[str, Any]) -> None:
    body["items"] += body["items"][-1:]


FAULTS: tuple[Fault, ...] = (
    Fault("life.list-page-token", "ignored", "a pageToken that is none begins the list anew", _any_token),
    Fault("life.list-max-results-number", "ignored", "a maxResults that is no number is ignored", _asked(_any_number)),
    Fault("life.list-max-results-number", "zero-refused", "a maxResults of 0 is refused", _asked(_some_number)),
    Fault(
        "life.list-steady",
        "by-place",
        "the token of a page counts the images before it",
        unchecked("life.list-steady"),
        also=("life.list-once",),
    ),
    Fault(
        "life.list-order",
        "ignored",
        "lists are in the order of names, whatever is asked for",
        _asked(lambda call: call.query.pop("orderBy", "")),
    ),
    Fault(
        "life.list-order",
        "first-page-alone",
        "orderBy is heeded on the first page of a list alone",
        _asked(lambda call: call.query.pop("orderBy", "") if "pageToken" in call.query else None),
        also=("life.list-once",),
    ),
    Fault("life.delete", "lists", "lists hold deleted images", _keeps_the_deleted, also=("image.name.unique",)),
    Fault(
        "life.list-once",
        "first-page-alone",
        "a list without maxResults ends after 20 images, with no token for the others",
        _first_page_alone,
    ),
    Fault(
        "life.list-once",
        "disks-left-out",
        "images of disks are in no list",
        _answered(
            lambda body: body.update(items=[item for item in body.get("items") or [] if not item.get("sourceDisk")]),
            IMAGES,
        ),
    ),
    Fault(
        "life.list-filter-forms",
        "labels-ignored",
        "a filter on a label is ignored",
        _asked(_without(r"^labels\.")),
    ),
    Fault(
        "life.list-filter-forms",
        "unequal-ignored",
        "a filter with != is ignored",
        _asked(_without("!=")),
    ),
    Fault(
        "life.list-filter-forms",
        "nothing",
        "no image passes a filter with eq on its family",
        _asked(_nothing_by_family),
    ),
    Fault(
        "life.list-filter-forms",
        "no-patterns",
        "what a filter with eq says is taken for a text, not for a pattern",
        _asked(_by_text),
    ),
    Fault(
        "operation.list",
        "other-kind",
        "the kind of a list of operations is compute#list",
        _answered(lambda body: body.update(kind="compute#list"), OPERATIONS),
    ),
    Fault(
        "operation.list",
        "filter-ignored",
        "the filter of a list of operations is ignored",
        _asked(lambda call: call.query.pop("filter", ""), OPERATIONS),
    ),
    Fault(
        "life.list-agrees",
        "cut",
        "lists cut descriptions at 32 characters",
        _answered(lambda body: [item.update(_cut(item)) for item in body.get("items") or []], IMAGES),
    ),
    Fault(
        "operation.list",
        "everywhere",
        "a list of operations holds those of all projects",
        unchecked("operation.list/everywhere"),
    ),
    Fault(
        "operation.list",
        "failures-left-out",
        "a list of operations holds none that failed",
        _answered(_without_operations(lambda operation: "error" in operation), OPERATIONS),
    ),
    Fault(
        "operation.list",
        "labels-left-out",
        "a list of operations holds none of setLabels",
        _answered(_without_operations(lambda operation: operation["operationType"] == "setLabels"), OPERATIONS),
    ),
    Fault("operation.list", "doubled", "a list holds its last operation twice", _answered(_twice, OPERATIONS)),
    Fault(
        "operation.list",
        "more",
        "maxResults does not limit a list of operations",
        _asked(lambda call: call.query.pop("maxResults", ""), OPERATIONS),
    ),
)
