"""Faults in what becomes of images: how they change, end, and are the latest of their family."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from conformance.emulator.behaviour import Behaviour, Call, Resource
from conformance.emulator.faults.row import Change, Fault, Row, switched, unchecked
from conformance.emulator.store import Image

MOMENT = 0.1
"""Seconds within which requests count as simultaneous."""


def _filter_by_prefix(call: Call) -> None:
    text = call.query.get("filter", "")
    if text.startswith("name="):
        call.query["filter"] = f"name eq {text.removeprefix('name=')}.*"


def _left_over(behaviour: Behaviour) -> None:
    """Gives an image without a description that of the one before it in its family."""
    last: dict[str, str] = {}

    def keep(fields: Resource, body: Resource) -> None:
        family = body.get("family")
        if isinstance(family, str) and family:
            last[family] = body.get("description") or last.get(family, "")
            fields["description"] = last[family]

    behaviour.on_store.append(keep)


def _share_features(behaviour: Behaviour) -> None:
    """Lets an image that is made from another have the very list of its features, and add its own there."""
    lists: dict[str, list[Any]] = {}

    def keep(fields: Resource, body: Resource) -> None:
        shared = lists.get(fields.get("sourceImageId", ""))
        if shared is not None:
            shared.extend(item for item in body.get("guestOsFeatures") or [] if item not in shared)
            fields["guestOsFeatures"] = shared
        if fields.get("guestOsFeatures"):
            lists[fields["id"]] = fields["guestOsFeatures"]

    behaviour.on_store.append(keep)


def _lose_labels(behaviour: Behaviour) -> None:
    behaviour.on_request.append(
        lambda call: (
            call.body.update(labels={}) if call.method == "images.setLabels" and isinstance(call.body, dict) else None
        )
    )


def _labels_come_back(behaviour: Behaviour) -> None:
    """Gives an image its old labels again a second after a setLabels."""
    due: list[tuple[float, Image, Resource]] = []

    def on_change(image: Image, before: Resource, call: Call) -> None:
        if call.method == "images.setLabels":
            due.append((time.time() + 1, image, before.get("labels") or {}))

    def on_request(call: Call) -> None:
        del call
        while due and time.time() > due[0][0]:
            _, image, labels = due.pop(0)
            image.fields["labels"] = labels
            image.generation += 1

    behaviour.on_change.append(on_change)
    behaviour.on_request.append(on_request)


def _fingerprint_of_patches(behaviour: Behaviour) -> None:
    """Gives an image another fingerprint with each PATCH, whatever that sets."""

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        image.generation += call.method == "images.patch"

    behaviour.on_change.append(on_change)


def _changes_with_labels(change: Callable[[Resource], object]) -> Change:
    """Changes an image once its labels have been set."""

    def on_change(image: Image, before: Resource, call: Call) -> None:
        del before
        if call.method == "images.setLabels":
            change(image.fields)

    return lambda behaviour: behaviour.on_change.append(on_change)


def _cut_labels(image: Resource) -> None:
    image["labels"] = {key: value[:62] for key, value in image["labels"].items()}


def _halve_labels(image: Resource) -> None:
    image["labels"] = dict(islice(image["labels"].items(), 32))


def _fix_fingerprint(behaviour: Behaviour) -> None:
    behaviour.on_image.append(_fixed_fingerprint)
    switched(stale_labels_win=lambda age: True)(behaviour)


def _fixed_fingerprint(image: Resource, call: Call, times: int) -> None:
    del call, times
    image["labelFingerprint"] = "42WmSpB8rSM="


def _on(method: str, change: Callable[[Call], object]) -> Change:
    """Changes the calls of one method before anything is done with them."""

    def guard(call: Call) -> None:
        if call.method == method:
            change(call)

    return lambda behaviour: behaviour.on_request.append(guard)


def _add_description(call: Call) -> None:
    call.body = {"description": "set by the fault", **call.body}


def _state_only(call: Call) -> None:
    call.body = {"state": call.body.get("state")}


def _replacement_of_deprecated_only(call: Call) -> None:
    if call.body.get("state") != "DEPRECATED":
        call.body = {name: value for name, value in call.body.items() if name != "replacement"}


def _swap_times(call: Call) -> None:
    if "obsolete" in call.body and "deleted" in call.body:
        call.body.update(obsolete=call.body["deleted"], deleted=call.body["obsolete"])


_LIFE: tuple[Row, ...] = (
    ("life.patch", "ignored", "PATCH changes nothing", _on("images.patch", lambda call: call.body.clear())),
    ("life.patch", "drops", "PATCH drops the features of the guest OS", unchecked("life.patch/drops")),
    ("life.patch", "more", "PATCH changes the description too", _on("images.patch", _add_description)),
    (
        "life.isolation",
        "shared-labels",
        "images with the same labels share them",
        switched(shares_labels=True),
        ("image.labels.round-trip",),
    ),
    (
        "life.isolation",
        "family-deleted",
        "a delete takes the earlier images of the family with it",
        unchecked("life.isolation/family-deleted"),
        ("life.model",),
    ),
    (
        "family.deprecated-skipped",
        "override-everywhere",
        "the stateOverride of a deprecation counts for the family as well",
        unchecked("family.deprecated-skipped/override-everywhere"),
    ),
    ("life.list-filter", "prefix", "a filter by name lists what begins so", _on("images.list", _filter_by_prefix)),
    ("life.concurrent-inserts", "left-over", "a description is left over from an earlier insert", _left_over),
    ("life.isolation", "shared-features", "an image adds its features to those of its source", _share_features),
    (
        "life.list-filter",
        "ignored",
        "the filter of a list is ignored",
        _on("images.list", lambda call: call.query.pop("filter", "")),
        ("life.list-filter-forms",),
    ),
    (
        "life.concurrent-same-name",
        "race",
        "inserts of one name within 100 ms all win",
        switched(conflicts=lambda age: age > MOMENT, answer_delay=2 * MOMENT),
    ),
    (
        "labels.concurrent",
        "race",
        "label changes with one fingerprint within 100 ms all win",
        switched(stale_labels_win=lambda age: age < MOMENT, answer_delay=2 * MOMENT),
    ),
    (
        "deprecate.state",
        "ignored",
        "deprecate changes nothing",
        _on("images.deprecate", lambda call: call.body.clear()),
        ("deprecate.round-trip",),
    ),
    (
        "deprecate.round-trip",
        "state-only",
        "deprecate keeps nothing but the state",
        _on("images.deprecate", _state_only),
        ("image.deprecated.timestamps",),
    ),
    (
        "deprecate.round-trip",
        "replacement-by-state",
        "deprecate keeps the replacement of a DEPRECATED image only",
        _on("images.deprecate", _replacement_of_deprecated_only),
    ),
    (
        "deprecate.round-trip",
        "swapped-times",
        "deprecate keeps the time of deletion as that of obsolescence, and the other way round",
        _on("images.deprecate", _swap_times),
    ),
    ("family.latest", "oldest", "a family answers its oldest image", unchecked("family.latest")),
    (
        "family.latest",
        "by-name",
        "a family answers its image whose name is last in the alphabet",
        unchecked("family.latest/by-name"),
    ),
    (
        "family.latest",
        "last-changed",
        "a family answers the image whose labels were set last, if that was after the latest was made",
        unchecked("family.latest/last-changed"),
    ),
    (
        "family.latest",
        "of-insert",
        "an image that a PATCH has moved is found in its first family",
        unchecked("family.latest/of-insert"),
    ),
    ("family.view-latest", "oldest", "a view of a family answers its oldest image", unchecked("family.view-latest")),
    (
        "operation.failure-means-none",
        "stored",
        "an insert that fails makes its image all the same",
        switched(stored_when_failed=True),
        ("life.failed-insert-leaves-nothing",),
    ),
    ("transport.project-isolation", "one-store", "all projects see the same images", switched(one_store=True)),
    (
        "transport.project-isolation",
        "by-filter",
        "a list with a filter shows the images of all projects",
        unchecked("transport.project-isolation/by-filter"),
    ),
    (
        "transport.project-isolation",
        "by-id",
        "an image is found in every project by its id",
        unchecked("transport.project-isolation/by-id"),
    ),
    ("labels.set", "emptied", "setLabels removes all labels", _lose_labels),
    (
        "labels.set",
        "values-cut",
        "setLabels keeps no more than 62 characters of a value",
        _changes_with_labels(_cut_labels),
    ),
    (
        "labels.set",
        "half",
        "setLabels keeps no more than 32 labels",
        _changes_with_labels(_halve_labels),
    ),
    (
        "labels.set",
        "secure-boot-lost",
        "setLabels drops the keys of secure boot",
        _changes_with_labels(lambda image: image.pop("shieldedInstanceInitialState", None)),
        ("life.model",),
    ),
    ("labels.set", "come-back", "the old labels come back a second after setLabels", _labels_come_back),
    (
        "labels.fingerprint-required",
        "ignored",
        "setLabels takes any fingerprint",
        switched(stale_labels_win=lambda age: True),
    ),
    (
        "labels.fingerprint-required",
        "unlabelled",
        "setLabels needs no fingerprint where there are no labels",
        unchecked("labels.fingerprint-required/unlabelled"),
    ),
    (
        "labels.fingerprint-required",
        "blank",
        'setLabels takes "" for a fingerprint',
        unchecked("labels.fingerprint-required/blank"),
    ),
    (
        "labels.fingerprint-required",
        "zero",
        "setLabels takes a fingerprint of zeros",
        unchecked("labels.fingerprint-required/zero"),
    ),
    (
        "labels.fingerprint-required",
        "nothing-new",
        "setLabels takes any fingerprint where it sets no label that is not there",
        unchecked("labels.fingerprint-required/nothing-new"),
    ),
    (
        "labels.fingerprint-required",
        "patch",
        "PATCH sets labels with a stale fingerprint",
        unchecked("labels.fingerprint-required/patch"),
    ),
    ("life.delete", "image-stays", "a deleted image stays", switched(keeps_image_after_delete=True)),
    ("life.delete", "deleting-forever", "a deleted image stays DELETING", switched(keeps_name_after_delete=True)),
    (
        "family.deprecated-skipped",
        "ignored",
        "deprecated images stay the latest of their family",
        unchecked("family.deprecated-skipped"),
    ),
    (
        "family.view-reached",
        "never",
        "an image with a rolloutOverride is in no view, whatever it says",
        unchecked("family.view-reached"),
    ),
    (
        "family.view-state-override",
        "ignored",
        "a deprecated image is in no view, whatever its stateOverride says",
        unchecked("family.view-state-override"),
    ),
    ("family.view-rollout", "ignored", "rolloutOverride is ignored by views", unchecked("family.view-rollout")),
    (
        "family.deprecated-skipped",
        "gone-stay",
        "OBSOLETE and DELETED images stay the latest of their family",
        unchecked("family.deprecated-skipped/gone"),
    ),
    (
        "deprecate.use-obsolete",
        "no-name",
        "the warning of a DEPRECATED image does not name it",
        unchecked("deprecate.use-obsolete/no-name"),
    ),
    (
        "deprecate.use-obsolete",
        "by-id",
        "an OBSOLETE image is a source where its id names it",
        unchecked("deprecate.use-obsolete/by-id"),
    ),
    (
        "deprecate.use-obsolete",
        "by-full-url",
        "an OBSOLETE image is a source where a full URL names it",
        unchecked("deprecate.use-obsolete/by-full-url"),
    ),
    (
        "deprecate.use-obsolete",
        "of-replacements",
        "the use of a DEPRECATED image gives a warning only where there is a replacement",
        unchecked("deprecate.use-obsolete/of-replacements"),
    ),
    (
        "deprecate.use-obsolete",
        "no-warning",
        "the use of a DEPRECATED image gives no warning",
        unchecked("deprecate.use-obsolete/no-warning"),
    ),
    (
        "deprecate.use-obsolete",
        "no-warning-by-full-url",
        "the use of a DEPRECATED image gives no warning where a full URL names it",
        unchecked("deprecate.use-obsolete/no-warning-by-full-url"),
    ),
    (
        "labels.fingerprint-changes",
        "restless",
        "the fingerprint changes from get to get",
        switched(restless_fingerprints=True),
    ),
    ("labels.fingerprint-changes", "with-patches", "the fingerprint changes with every PATCH", _fingerprint_of_patches),
    (
        "labels.fingerprint-changes",
        "run-together",
        "the fingerprint does not tell where the key of a label ends",
        unchecked("labels.fingerprint-changes/run-together"),
        ("labels.fingerprint-required",),
    ),
    (
        "labels.fingerprint-changes",
        "fixed",
        "the fingerprint never changes",
        _fix_fingerprint,
    ),
)


def _forgets_description(behaviour: Behaviour) -> None:
    """Loses the description of an image with its second deprecation."""
    deprecated: set[tuple[str, str]] = set()
    forgotten: set[tuple[str, str]] = set()

    def note(call: Call) -> None:
        image = (call.project, call.name)
        if call.method == "images.deprecate":
            (forgotten if image in deprecated else deprecated).add(image)

    def show(image: Resource, call: Call, times: int) -> None:
        del times
        if (call.project, image["name"]) in forgotten:
            image.pop("description", None)

    behaviour.on_request.append(note)
    behaviour.on_image.append(show)


FAULTS: tuple[Fault, ...] = (
    *(Fault(*row) for row in _LIFE),
    Fault(
        "life.model",
        "description-forgotten",
        "an image that is deprecated twice loses its description",
        _forgets_description,
    ),
    Fault(
        "life.concurrent-delete",
        "successor-deleted",
        "an insert that meets a deletion of its name succeeds, and its image is deleted as well",
        switched(deletes_successors=True, seconds=MOMENT),
    ),
)
