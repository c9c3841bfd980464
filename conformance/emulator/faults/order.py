"""Faults in what happens at one time: each needs two changes of an image of which one is taken before the other is
answered.

The answers to changes are held back, so that requests that are sent at one moment do meet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.faults.row import Change, Fault, switched
from conformance.emulator.store import Image, fingerprint, new_id

RULE = "life.linearizable"

HELD = 0.25
"""Seconds for which the answers to changes are held back."""

Key = tuple[str, str]

CHANGES = ("images.insert", "images.delete", "images.setLabels", "images.deprecate")


def key_of(call: Call) -> Key:
    """The image that a call is about."""
    name = call.body.get("name") if call.method == "images.insert" and isinstance(call.body, dict) else call.name
    return call.project, str(name)


class UnderWay:
    """The changes of each image that have been taken and not answered yet."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._calls: dict[Key, list[Call]] = defaultdict(list)
        behaviour.on_request.append(self._begin)
        behaviour.on_answer.insert(0, self._end)

    def _begin(self, call: Call) -> None:
        if call.method in CHANGES:
            self._calls[key_of(call)].append(call)

    def _end(self, answer: Answer, call: Call) -> None:
        del answer
        calls = self._calls.get(key_of(call), [])
        calls[:] = [other for other in calls if other is not call]

    def others(self, call: Call, *methods: str) -> list[Call]:
        """Those that a call meets, of some methods, or of all."""
        return [
            other
            for other in self._calls.get(key_of(call), ())
            if other is not call and (not methods or other.method in methods)
        ]


Broken = Callable[[Behaviour, UnderWay], None]


def _meeting(spoil: Broken) -> Change:
    """Spoils what comes of changes that meet."""

    def change(behaviour: Behaviour) -> None:
        switched(answer_delay=HELD)(behaviour)
        spoil(behaviour, UnderWay(behaviour))

    return change


def _lost(field: str, method: str, other: str) -> Change:
    """Loses what one method sets where it meets another one, which writes the image back as it was when it was read."""

    def spoil(behaviour: Behaviour, under_way: UnderWay) -> None:
        read: dict[Key, tuple[Call, Any]] = {}

        def on_change(image: Image, before: Resource, call: Call) -> None:
            if call.method == method:
                read[key_of(call)] = (call, before.get(field))
            elif call.method != other:
                return
            setting, value = read.get(key_of(call), (call, None))
            met = under_way.others(call, other if call.method == method else method)
            if met and (setting is call or setting in met):
                image.fields[field] = value

        behaviour.on_change.append(on_change)

    return _meeting(spoil)


def _stale_gets(behaviour: Behaviour, under_way: UnderWay) -> None:
    """Lets gets show the deprecation from before changes that met, until there is another one."""
    before_last: dict[str, Any] = {}
    cached: dict[str, Any] = {}

    def on_change(image: Image, before: Resource, call: Call) -> None:
        identifier = image.fields["id"]
        met = under_way.others(call)
        if call.method == "images.deprecate":
            before_last[identifier] = before.get("deprecated")
            if not met:
                cached.pop(identifier, None)
        if met and identifier in before_last:
            cached.setdefault(identifier, before_last[identifier])

    def on_image(image: Resource, call: Call, times: int) -> None:
        del times
        if call.method == "images.get" and image["id"] in cached:
            image["deprecated"] = cached[image["id"]]

    behaviour.on_change.append(on_change)
    behaviour.on_image.append(on_image)


def _comes_back(behaviour: Behaviour, under_way: UnderWay) -> None:
    """Carries setLabels out again that met a deprecate: with the deprecate after the next setLabels."""
    set_before: dict[str, list[Any]] = defaultdict(list)
    met: dict[str, Any] = {}

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        identifier = image.fields["id"]
        if call.method == "images.setLabels":
            set_before[identifier].append(dict(image.fields["labels"]))
        others = {other.method for other in under_way.others(call)} | {call.method}
        if {"images.setLabels", "images.deprecate"} <= others and set_before[identifier]:
            met.setdefault(identifier, set_before[identifier][-1])
        elif call.method == "images.deprecate" and identifier in met and len(set_before[identifier]) > 1:
            image.fields["labels"] = met[identifier]

    behaviour.on_change.append(on_change)


def _refused_is_kept(*, in_lists: bool) -> Change:
    """Sets labels whose request was refused since another was faster: for good, or in what lists show."""

    def spoil(behaviour: Behaviour, under_way: UnderWay) -> None:
        images: dict[Key, Image] = {}
        refused: dict[str, Any] = {}

        def on_change(image: Image, before: Resource, call: Call) -> None:
            del before
            images[key_of(call)] = image

        def on_answer(answer: Answer, call: Call) -> None:
            met = under_way.others(call, "images.setLabels")
            if call.method == "images.setLabels" and answer.status == 412 and met and key_of(call) in images:
                image = images[key_of(call)]
                refused[image.fields["id"]] = call.body["labels"]
                if not in_lists:
                    image.fields["labels"] = call.body["labels"]

        def on_image(image: Resource, call: Call, times: int) -> None:
            del times
            if in_lists and call.method == "images.list" and image["id"] in refused:
                labels = refused[image["id"]]
                image.update(labels=labels, labelFingerprint=fingerprint(labels, 0))

        behaviour.on_change.append(on_change)
        behaviour.on_answer.append(on_answer)
        behaviour.on_image.append(on_image)

    return _meeting(spoil)


def _deleted_twice(behaviour: Behaviour, under_way: UnderWay) -> None:
    """Deletes an image that is gone once more, if its deletion met another change."""
    gone: dict[Key, Image] = {}

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        if call.method == "images.delete" and under_way.others(call):
            gone[key_of(call)] = image

    behaviour.on_change.append(on_change)
    behaviour.revenant = lambda call: gone.get(key_of(call))


def _reaches_successor(behaviour: Behaviour, under_way: UnderWay) -> None:
    """Deprecates the next image of a name as well, where a deprecate met the deletion of the last one."""
    late: dict[str, Any] = {}

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        met = [*under_way.others(call, "images.deprecate"), call]
        if call.method == "images.delete" and len(met) > 1:
            late[image.fields["name"]] = dict(met[0].body)

    def on_store(fields: Resource, body: Resource) -> None:
        if body.get("name") in late:
            fields["deprecated"] = late.pop(body["name"])

    behaviour.on_change.append(on_change)
    behaviour.on_store.append(on_store)


def _phantom(behaviour: Behaviour, under_way: UnderWay) -> None:
    """Lists the image of an insert that was refused since another was faster, once that one's image is deleted."""
    losers: dict[Key, Resource] = {}
    shown: dict[Key, Resource] = {}
    deleted: set[Key] = set()

    def on_image(image: Resource, call: Call, times: int) -> None:
        del times
        shown[call.project, image["name"]] = image

    def on_answer(answer: Answer, call: Call) -> None:
        key = key_of(call)
        if call.method == "images.insert" and answer.status == 409 and under_way.others(call, "images.insert"):
            losers[key] = {"id": new_id(), "labels": call.body.get("labels") or {}}
        elif call.method == "images.delete" and answer.status == 200:
            deleted.add(key)
        elif call.method == "images.list" and answer.status == 200:
            key = (call.project, call.query.get("filter", "").removeprefix("name="))
            if key in deleted and key in losers and key in shown and not answer.body["items"]:
                answer.body["items"] = [{**shown[key], "status": "READY", **losers[key]}]

    behaviour.on_image.append(on_image)
    behaviour.on_answer.append(on_answer)


FAULTS: tuple[Fault, ...] = tuple(
    Fault(RULE, name, sentence, change)
    for name, sentence, change in (
        (
            "lost-labels",
            "labels that are set while an image is being deprecated are lost",
            _lost("labels", "images.setLabels", "images.deprecate"),
        ),
        (
            "lost-deprecation",
            "a deprecation that is set while labels are being set is lost",
            _lost("deprecated", "images.deprecate", "images.setLabels"),
        ),
        ("stale-gets", "after changes at one time gets show the deprecation from before them", _meeting(_stale_gets)),
        ("comes-back", "labels that were set while an image was being deprecated come back", _meeting(_comes_back)),
        (
            "refused-kept",
            "the labels of a setLabels that came second are set, though it is refused",
            _refused_is_kept(in_lists=False),
        ),
        (
            "refused-listed",
            "lists show the labels of a setLabels that came second and was refused",
            _refused_is_kept(in_lists=True),
        ),
        ("deleted-twice", "an image whose deletion met another change can be deleted again", _meeting(_deleted_twice)),
        (
            "reaches-successor",
            "a deprecation that met a deletion reaches the next image of the name",
            _meeting(_reaches_successor),
        ),
        ("phantom", "lists show the image of an insert that came second and was refused", _meeting(_phantom)),
    )
)
