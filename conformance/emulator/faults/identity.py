"""Faults in what is told apart: stores that key by a part of a text, and answers that belong to another."""

from __future__ import annotations

import time
from collections.abc import Callable

from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.errors import conflict
from conformance.emulator.faults.row import Change, Fault, shown_image, shown_operation, stored, switched

Key = Callable[[str], str]

MOMENT = 0.02
"""Seconds within which requests count as simultaneous."""


def _request_ids_by(key: Key) -> Change:
    """Keeps requestIds by a part of them."""
    return switched(request_key=lambda call: (call.project, call.method, key(call.query.get("requestId", "").lower())))


def _names_by(key: Key) -> Change:
    """Takes a name for used where an image has one that has the same key."""

    def change(behaviour: Behaviour) -> None:
        used: dict[tuple[str, str], str] = {}

        def guard(call: Call) -> None:
            name = call.body.get("name") if call.method == "images.insert" and isinstance(call.body, dict) else None
            if isinstance(name, str) and used.setdefault((call.project, key(name)), name) != name:
                raise conflict(f"projects/{call.project}/global/images/{name}")
            if call.method == "images.delete":
                used.pop((call.project, key(call.name)), None)

        behaviour.on_request.append(guard)

    return change


def _found_by(method: str, key: Key, known: Callable[[Answer, Call], object]) -> Change:
    """Answers a get for what it knows that has the same key; `known` tells from an answer what there is to get."""

    def change(behaviour: Behaviour) -> None:
        there: dict[str, str] = {}

        def note(answer: Answer, call: Call) -> None:
            text = known(answer, call) if answer.status == 200 else None
            if isinstance(text, str) and text:
                there[key(text)] = text

        def guard(call: Call) -> None:
            if call.method == method and call.name not in there.values():
                call.name = there.get(key(call.name), call.name)

        behaviour.on_answer.append(note)
        behaviour.on_request.append(guard)

    return change


def _found_by_start(behaviour: Behaviour) -> None:
    """Answers a get of a name that nothing has with an image whose name begins so."""
    there: list[str] = []

    def note(answer: Answer, call: Call) -> None:
        if call.method == "images.insert" and answer.status == 200:
            there.append(str(call.body.get("name")))

    def guard(call: Call) -> None:
        if call.method == "images.get" and call.name not in there:
            call.name = next((name for name in there if name.startswith(call.name)), call.name)

    behaviour.on_answer.append(note)
    behaviour.on_request.append(guard)


def _found_after_delete(behaviour: Behaviour) -> None:
    """Answers a get with the id of an image that is gone as if it were there."""
    there: dict[str, Resource] = {}

    def change(answer: Answer, call: Call) -> None:
        if call.method != "images.get":
            return
        if answer.status == 200:
            there[str(answer.body.get("id"))] = answer.body
        elif call.name in there:
            answer.status, answer.body = 200, there[call.name]

    behaviour.on_answer.append(change)


def _sent(name: str) -> Callable[[Answer, Call], object]:
    return lambda answer, call: call.body.get(name) if call.method == "images.insert" else None


def _answered(name: str) -> Callable[[Answer, Call], object]:
    return lambda answer, call: answer.body.get(name) if call.method == "images.insert" else None


def _mixed(behaviour: Behaviour) -> None:
    """Gives an image the description and labels of the one that was made a moment before."""
    last: dict[str, tuple[float, Resource]] = {}

    def keep(fields: Resource, body: Resource) -> None:
        moment, before = last.get("", (0.0, {}))
        own = {name: body[name] for name in ("description", "labels") if body.get(name)}
        last[""] = (time.time(), own)
        if time.time() - moment < MOMENT and own and before.keys() == own.keys():
            fields.update(before)

    behaviour.on_store.append(keep)


def _other_project(path: str) -> str:
    return path.replace("/projects/", "/projects/other-", 1)


FAULTS: tuple[Fault, ...] = (
    *(
        Fault("request-id.distinct", name, f"requestIds are told apart by {sentence} alone", _request_ids_by(key))
        for name, sentence, key in (
            ("by-start", "their first 35 characters", lambda text: text[:-1]),
            ("by-end", "their last 35 characters", lambda text: text[1:]),
            ("by-last-group", "their last group", lambda text: text[24:]),
            ("without-version", "all but their version", lambda text: text[:14] + text[15:]),
            ("without-variant", "all but their variant", lambda text: text[:19] + text[20:]),
            ("by-digits", "how often each digit is in them", lambda text: "".join(sorted(text))),
        )
    ),
    Fault(
        "request-id.replay-creates-nothing",
        "twin",
        "a replay makes a second image under another name",
        switched(doubles_replays=True),
    ),
    *(
        Fault("image.name.distinct", name, f"a name is taken by one that {sentence}", _names_by(key))
        for name, sentence, key in (
            ("by-start", "has the same first 62 characters", lambda text: text[:62]),
            ("without-dashes", "is the same without its dashes", lambda text: text.replace("-", "")),
        )
    ),
    *(
        Fault("life.get-exact", name, f"a get finds an image {sentence}", _found_by("images.get", key, _sent("name")))
        for name, sentence, key in (
            ("by-start", "by the first characters of its name", lambda text: text[:60]),
            ("folded", "in whatever case its name is asked for", str.lower),
        )
    ),
    Fault("life.get-exact", "by-what-begins-so", "a get finds an image by how its name begins", _found_by_start),
    Fault(
        "life.get-exact",
        "id-as-double",
        "a get finds an image by the first 15 digits of its id",
        _found_by("images.get", lambda text: text[:15], _answered("targetId")),
    ),
    Fault(
        "family.latest",
        "by-start",
        "a family is found by its first 62 characters",
        _found_by("images.getFromFamily", lambda text: text[:62], _sent("family")),
    ),
    Fault(
        "operation.not-found",
        "by-start",
        "an operation is found by the first characters of its name",
        _found_by("globalOperations.get", lambda text: text[:-1], _answered("name")),
        ("operation.name", "operation.self-link"),
    ),
    Fault(
        "image.name.pattern",
        "path",
        "a path stands in the place of the name of an image",
        shown_image(
            lambda image, call, times: image.update(name=f"projects/{call.project}/global/images/{image['name']}")
        ),
    ),
    Fault(
        "image.labels.round-trip",
        "cut",
        "keys of labels are cut at 62 characters",
        stored(
            lambda fields, body: fields.update(
                labels={key[:62]: value for key, value in (fields.get("labels") or {}).items()}
            )
        ),
    ),
    Fault(
        "life.concurrent-inserts",
        "mixed",
        "of inserts within 20 ms one gets the data of another",
        _mixed,
        ("image.description.round-trip", "image.labels.round-trip"),
    ),
    Fault(
        "image.self-link",
        "other-project",
        "selfLink names another project",
        shown_image(lambda image, call, times: image.update(selfLink=_other_project(image["selfLink"]))),
    ),
    Fault(
        "operation.target-link",
        "other-project",
        "targetLink names another project",
        shown_operation(
            lambda operation, call, times: operation.update(targetLink=_other_project(operation["targetLink"]))
        ),
    ),
    Fault(
        "image.storage-locations.case",
        "upper",
        "storage locations are shown in upper case",
        shown_image(
            lambda image, call, times: image.update(
                storageLocations=[place.upper() for place in image["storageLocations"]]
            )
        ),
    ),
    Fault("life.delete", "found-by-id", "a deleted image is found by its id still", _found_after_delete),
    Fault(
        "life.list-once",
        "no-token",
        "a list that has more gives no token",
        lambda behaviour: behaviour.on_answer.append(
            lambda answer, call: (
                answer.body.pop("nextPageToken", None)
                if call.method == "images.list" and answer.status == 200
                else None
            )
        ),
    ),
)
