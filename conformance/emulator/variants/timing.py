"""Freedoms in when something is seen, and for how long."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.clock import moment, written
from conformance.emulator.errors import conflict
from conformance.emulator.faults.order import UnderWay
from conformance.emulator.faults.row import Change, shown_image, switched
from conformance.emulator.store import Image
from conformance.emulator.variants.fields import TIMES
from conformance.emulator.variants.row import Variant, answered, both, together

MOMENT = 0.05
"""Seconds after which what was done is seen everywhere."""

CHANGEABLE = ("labels", "labelFingerprint", "deprecated")


def _late_where_changes_meet(behaviour: Behaviour) -> None:
    """Lists an image for a while as it was seen last before changes that met: answers are held back, so that changes
    do meet."""
    under_way = UnderWay(behaviour)
    last: dict[str, Resource] = {}
    late: dict[str, tuple[float, Resource]] = {}

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        identifier = image.fields["id"]
        if under_way.others(call) and identifier in last:
            late.setdefault(identifier, (time.time() + 6 * MOMENT, last[identifier]))

    def on_image(image: Resource, call: Call, times: int) -> None:
        del times
        until, old = late.get(image["id"], (0.0, {}))
        if time.time() > until:
            late.pop(image["id"], None)
            last[image["id"]] = {name: image.get(name) for name in CHANGEABLE}
        elif call.method == "images.list":
            image.update(old)

    switched(answer_delay=MOMENT / 2)(behaviour)
    behaviour.on_change.append(on_change)
    behaviour.on_image.append(on_image)


def _late_deletions(behaviour: Behaviour) -> None:
    """Shows images that are gone for a moment as the same get, family or list showed them before."""
    gone: dict[tuple[str, str], float] = {}
    last: dict[tuple[str, str], Any] = {}

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        if call.method == "images.delete":
            gone.update({(call.project, known): image.gone_at for known in (image.fields["name"], image.fields["id"])})

    def lingers(project: str, known: str) -> bool:
        return 0 <= time.time() - gone.get((project, known), 0) < MOMENT

    def on_answer(answer: Answer, call: Call) -> None:
        asked = (call.project, call.name or json.dumps(call.query))
        if call.method == "images.getFromFamily":
            asked = (call.project, f"family/{call.name}")
            if answer.status == 404 and asked in last and lingers(call.project, last[asked]["id"]):
                answer.status, answer.body = 200, last[asked]
            elif answer.status == 200:
                last[asked] = answer.body
        elif call.method == "images.get" and answer.status == 404 and asked in last and lingers(*asked):
            answer.status, answer.body = 200, last[asked]
        elif call.method == "images.list" and answer.status == 200 and not call.query.keys() & {"maxResults", "fields"}:
            there = {item["id"] for item in answer.body.get("items", ())}
            late = [
                item for item in last.get(asked, ()) if lingers(call.project, item["id"]) and item["id"] not in there
            ]
            if late:
                answer.body = answer.body | {"items": [*answer.body.get("items", ()), *late]}
            last[asked] = answer.body.get("items", ())
        elif call.method == "images.get" and answer.status == 200:
            last[asked] = answer.body

    behaviour.on_change.append(on_change)
    behaviour.on_answer.append(on_answer)


def _late_names(behaviour: Behaviour) -> None:
    """Holds the name of a deleted image for taken for a moment, but by the insert that a client repeats."""
    gone: dict[tuple[str, str], float] = {}
    seen: set[str] = set()

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        if call.method == "images.delete":
            gone[call.project, image.fields["name"]] = image.gone_at

    def guard(call: Call) -> None:
        request_id = call.query.get("requestId", "").lower()
        if call.method != "images.insert" or not isinstance(call.body, dict) or request_id in seen:
            return
        name = str(call.body.get("name"))
        if 0 <= time.time() - gone.get((call.project, name), 0) < MOMENT:
            raise conflict(f"projects/{call.project}/global/images/{name}")
        seen.update({request_id} - {""})

    behaviour.on_change.append(on_change)
    behaviour.on_request.append(guard)


def _lists_of_before(behaviour: Behaviour) -> None:
    """Answers a list for a moment as the same list was answered before."""
    before: dict[str, tuple[float, str]] = {}

    def on_answer(answer: Answer, call: Call) -> None:
        if call.method != "images.list" or answer.status != 200:
            return
        asked = f"{call.project} {json.dumps(call.query)}"
        until, told = before.get(asked, (0.0, ""))
        if time.time() < until:
            answer.body = json.loads(told)
        else:
            before[asked] = (time.time() + MOMENT, json.dumps(answer.body))

    behaviour.on_answer.append(on_answer)


def _late_operation_lists(answer: Answer, call: Call) -> None:
    if call.method == "globalOperations.list" and answer.status == 200 and not call.query.get("fields"):
        late = time.time() - MOMENT
        answer.body["items"] = [item for item in answer.body["items"] if moment(item["insertTime"]) < late]


def _clock(seconds: float) -> Change:
    """Shifts all times, those of the answers themselves among them."""

    def shift(resource: Resource) -> None:
        for name in TIMES:
            if resource.get(name):
                resource[name] = written(moment(resource[name]) + seconds)

    def date(answer: Answer, call: Call) -> None:
        del call
        answer.headers["date"] = formatdate(time.time() + seconds, usegmt=True)

    return together(switched(own_date=True), both(shift), answered(date))


ROWS: tuple[Variant, ...] = (
    Variant("wait-early", "wait answers soon, DONE or not", switched(wait_seconds=0.003)),
    Variant(
        "late-lists",
        "lists show an image a moment after it is READY",
        switched(seen_after={"images.list": MOMENT}),
        ("life.list-once", "life.list-steady", "life.list-filter-forms"),
    ),
    Variant(
        "late-families",
        "families have an image a moment after it is READY",
        switched(seen_after={"images.getFromFamily": MOMENT, "imageFamilyViews.get": MOMENT}),
    ),
    Variant("late-names", "the name of a deleted image is free a moment after that", _late_names),
    Variant("late-deletions", "an image is seen for a moment after its deletion is DONE", _late_deletions),
    Variant(
        "short-retention",
        "operations are forgotten soon after they were DONE",
        switched(retention_seconds=3.0),
    ),
    Variant(
        "late-where-changes-meet",
        "lists show a moment later what was changed at one time",
        _late_where_changes_meet,
    ),
    Variant(
        "lists-of-before",
        "a list shows for a moment what it showed before",
        _lists_of_before,
        ("life.list-once", "life.list-steady", "life.list-filter-forms"),
    ),
    Variant("late-operation-lists", "lists show an operation a moment later", answered(_late_operation_lists)),
    Variant("clock-ahead", "the clock of the server is seven minutes ahead", _clock(420.0)),
    Variant("clock-behind", "the clock of the server is seven minutes behind", _clock(-420.0)),
    Variant("gone-at-once", "an image is gone before its deletion is DONE", switched(deletes_at_once=True)),
    Variant("deletes-cancel", "a delete lets the insert fail that is under way", switched(deletes_cancel=True)),
    Variant(
        "waiting-inserts",
        "an insert from an image that is PENDING waits until that is READY",
        switched(waits_for_sources=True),
        ("source.image.not-ready",),
    ),
    Variant("slow-changes", "changes of labels and deprecations take their time", switched(slow_changes=True)),
    Variant(
        "ready-until-gone",
        "an image that is being deleted is READY to its end",
        shown_image(lambda image, call, times: image.update(status="READY") if image["status"] == "DELETING" else None),
    ),
    Variant(
        "failed-images-stay", "an insert that fails leaves an image that is FAILED", switched(failed_images_stay=True)
    ),
)
