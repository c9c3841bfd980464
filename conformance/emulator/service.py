"""What each API method does that changes something, and which handles what."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.emulator import checks
from conformance.emulator.answers import is_set
from conformance.emulator.behaviour import Call, Resource
from conformance.emulator.clock import written
from conformance.emulator.errors import ApiError, conflict, invalid, not_found, required
from conformance.emulator.operations import Failure
from conformance.emulator.source_use import INHERITED, SourceUse
from conformance.emulator.store import LOOKS, Image, Project, digest, new_id

PATCHABLE = frozenset({"description", "family", "labels", "labelFingerprint", "deprecated"})

STORED = frozenset(checks.SHAPE) - set(checks.KEYS[1:])


class Service(SourceUse):
    """The API over all projects of an emulator."""

    def insert(self, call: Call) -> Resource:
        """images.insert."""
        project = self.project(call.project)
        self._check_request_id(call)
        known = self._replayed(call)
        if known is not None and self.behaviour.replays_anew and known.error is None:
            left = max(known.done_at - time.time(), 0.0)
            known.looks_ahead = 0  # nobody may look at the first one, and its image is READY when the new one is DONE
            known = self._begin(project, call, "insert", known.image, known.fields["targetId"], seconds=left)
        if known is not None:
            if self.behaviour.doubles_replays:
                self._store(project, replace(call, body={**call.body, "name": f"twin-{new_id()}"}), {})
            return self.shown_operation(known, call)
        fault = failure = self._fault(project, call) or self.behaviour.mishap(call)
        name = call.body.get("name")
        name = name if isinstance(name, str) else ""
        taken = project.image(name)
        doomed = taken is not None and taken.deleting and self.behaviour.deletes_successors
        if taken is not None and not doomed:
            failure = failure or self._conflict(project, taken)
        made: dict[str, Any] = {}
        warnings: list[Resource] = []
        if failure is None:
            made, warnings, failure = self._looked_up(project, call)
        stays = self.behaviour.failed_images_stay and taken is None and fault is None
        kept = failure is None or self.behaviour.stored_when_failed or stays
        image = self._store(project, call, made) if kept else None
        if doomed and image is not None and taken is not None:
            image.gone_at = taken.gone_at
        target = image.fields["id"] if image else new_id()
        operation = self._begin(project, call, "insert", name, target, failure)
        # When an operation ends has to be known when it is written down.
        operation.awaits = made.get("awaits") if self._state is None else None
        operation.looks_ahead = LOOKS if self.behaviour.seconds and self._state is None else 0
        if image is not None:
            image.insert = operation
            image.failed = bool(failure) and stays
        if warnings:
            operation.fields["warnings"] = warnings
        return self.shown_operation(operation, call)

    def _fault(self, project: Project, call: Call) -> Failure | None:
        """What is wrong with the request in itself, where the operation is to tell.

        Raises:
            ApiError: something is wrong, and the request is refused.
        """
        try:
            checks.check_insert(call.body, call.query, self.behaviour.unchecked)
        except ApiError as error:
            if self.behaviour.remembers_refusals:
                self._remember(call, None)
            if not self.behaviour.late_refusals:
                named = isinstance(call.body.get("name"), str) and checks.well_typed(call.body)
                if self.behaviour.stored_when_refused and named:
                    self._store(project, call, {})
                raise
            return error.status, error.reason.upper(), error.message
        return None

    def _conflict(self, project: Project, taken: Image) -> Failure | None:
        """That a name is taken, where the operation is to tell.

        Raises:
            ApiError: it is taken, and the request is refused.
        """
        if not self.behaviour.conflicts(time.time() - taken.made_at):
            return None
        error = conflict(f"projects/{project.name}/global/images/{taken.fields['name']}")
        if not self.behaviour.late_conflicts:
            raise error
        return error.status, "RESOURCE_ALREADY_EXISTS", error.message

    def _store(self, project: Project, call: Call, made: dict[str, Any]) -> Image:
        body = call.body
        fields = {
            name: _known(value, checks.SHAPE[name]) for name, value in body.items() if name in STORED and is_set(value)
        }
        inherited = {name: made[name] for name in INHERITED if name in made and not fields.get(name)}
        for name in ("licenses", "licenseCodes", "guestOsFeatures"):
            if fields.get(name) and made.get(name):
                fields[name] = fields[name] + [item for item in made[name] if item not in fields[name]]
        fields = {**inherited, **fields, **made.get("links", {})}
        if fields.get("diskSizeGb") and made.get("diskSizeGb"):
            fields["diskSizeGb"] = str(max(int(fields["diskSizeGb"]), int(made["diskSizeGb"])))
        fields["licenseCodes"] = [str(code) for code in fields.get("licenseCodes") or []]
        key = body.get("imageEncryptionKey") or {}
        fields["imageEncryptionKey"] = {
            name: key[name] for name in ("kmsKeyName", "kmsKeyServiceAccount") if key.get(name)
        } | ({"sha256": digest(key["rawKey"])} if _usable(key.get("rawKey")) else {})
        fields |= {
            "id": new_id(),
            "name": body["name"],
            "creationTimestamp": written(time.time()),
            "sourceType": "RAW",
            "storageLocations": fields.get("storageLocations") or ["us"],
            "archiveSizeBytes": "1073741824",
            "diskSizeGb": str(fields.get("diskSizeGb") or "10"),
        }
        for hook in self.behaviour.on_store:
            hook(fields, body)
        image = Image(fields)
        project.add(image, beside=self.behaviour.keeps_twins)
        return image

    def delete(self, call: Call) -> Resource:
        """images.delete."""
        project, image = self._existing(call)
        known = self._replayed(call)
        if known is not None:
            return self.shown_operation(known, call)
        self._must_not_be_busy(project, image)
        image = image or self.behaviour.revenant(call)
        if image is None:
            error = not_found(f"projects/{project.name}/global/images/{call.name}")
            if not self.behaviour.late_misses:
                raise error
            failure = (error.status, "RESOURCE_NOT_FOUND", error.message)
            return self.shown_operation(self._begin(project, call, "delete", call.name, new_id(), failure), call)
        name = image.fields["name"]
        operation = self._begin(project, call, "delete", name, image.fields["id"])
        if self.behaviour.deletes_cancel and image.insert is not None and image.status == "PENDING":
            image.insert.error = (400, "ABORTED", "The image was deleted.")
        image.deleting = not self.behaviour.keeps_image_after_delete
        if not (self.behaviour.keeps_name_after_delete or self.behaviour.keeps_image_after_delete):
            # Another deletion of the image may be under way: it is gone when the first of them is done.
            image.gone_at = min(image.gone_at, time.time() if self.behaviour.deletes_at_once else operation.done_at)
        if "life.isolation/family-deleted" in self.behaviour.unchecked and image.fields.get("family"):
            for other in project.living():
                if other.fields.get("family") == image.fields["family"] and other.number < image.number:
                    other.gone_at = min(other.gone_at, image.gone_at)
        self._changed(image, image.fields, call)
        return self.shown_operation(operation, call)

    def set_labels(self, call: Call) -> Resource:
        """images.setLabels."""
        project, image = self._must_exist(call)
        self._must_not_be_busy(project, image)
        if "image.labels.limits" not in self.behaviour.unchecked:
            checks.labels(call.body)
        if self.behaviour.rival and not image.relabelled_at:
            self._relabel(project, image, {**(image.fields.get("labels") or {}), "rival": "was-here"})
        given = call.body.get("labelFingerprint")
        there, wanted = (resource.get("labels") or {} for resource in (image.fields, call.body))
        taken = {
            "unlabelled": given is None and not there,
            "blank": given == "",
            "zero": given == "AAAAAAAAAAA=",
            "nothing-new": given is not None and wanted.items() <= there.items(),
        }
        if any(
            holds and f"labels.fingerprint-required/{name}" in self.behaviour.unchecked for name, holds in taken.items()
        ):
            given = self._fingerprint(image)
        try:
            self._must_be_current(image, given)
        except ApiError as error:
            if not self.behaviour.late_preconditions:
                raise
            failure = (error.status, "CONDITION_NOT_MET", error.message)
            name, identifier = image.fields["name"], image.fields["id"]
            return self.shown_operation(self._begin(project, call, "setLabels", name, identifier, failure), call)
        before = dict(image.fields)
        self._relabel(project, image, call.body.get("labels") or {})
        self._changed(image, before, call)
        return self._at_once(project, call, "setLabels", image)

    def _must_be_current(self, image: Image, given: object) -> None:
        """Refuses a fingerprint that is not the one of the labels as they are.

        The field is bytes: clients that read it as such send it back in either alphabet of base64.
        """
        stale = not isinstance(given, str) or checks.from_base64(given) != checks.from_base64(self._fingerprint(image))
        if stale and not self.behaviour.stale_labels_win(time.time() - image.relabelled_at):
            message = "Labels fingerprint either invalid or resource labels have changed"
            raise ApiError(412, "conditionNotMet", message, location="If-Match", locationType="header")

    def _relabel(self, project: Project, image: Image, labels: dict[str, str]) -> None:
        before = image.fields.get("labels") or {}
        everything = project.living() if before and self.behaviour.shares_labels else []
        sharing = [other for other in everything if other is not image and other.fields.get("labels") == before]
        for changed in (image, *sharing):
            changed.fields["labels"] = dict(labels)
            changed.generation += labels != before
            changed.relabelled_at = time.time()

    def deprecate(self, call: Call) -> Resource:
        """images.deprecate."""
        project, image = self._must_exist(call)
        known = self._replayed(call)
        if known is not None:
            return self.shown_operation(known, call)
        self._must_not_be_busy(project, image)
        status = {name: value for name, value in call.body.items() if is_set(value)}
        for name in checks.OF_DEPRECATIONS:
            if name not in self.behaviour.unchecked:
                checks.BODY_CHECKS[name]({"deprecated": status}, {})
        before = dict(image.fields)
        image.fields["deprecated"] = status if status.get("state", "ACTIVE") != "ACTIVE" or len(status) > 1 else None
        self._changed(image, before, call)
        return self._at_once(project, call, "setDeprecation", image)

    def _changed(self, image: Image, before: Resource, call: Call) -> None:
        for hook in self.behaviour.on_change:
            hook(image, before, call)

    def patch(self, call: Call) -> Resource:
        """images.patch."""
        project, image = self._must_exist(call)
        known = self._replayed(call)
        if known is not None:
            return self.shown_operation(known, call)
        self._must_not_be_busy(project, image)
        fixed = sorted(set(call.body) - PATCHABLE)
        if fixed and not ("locked" in fixed and "image.locked.forbids/patch" in self.behaviour.unchecked):
            raise invalid(f"resource.{fixed[0]}", "", "The field cannot be changed.")
        checks.check_insert({"name": "patch", "sourceImage": "x", **call.body}, {}, self.behaviour.unchecked)
        given = call.body.get("labelFingerprint")
        if given is not None and "labels.fingerprint-required/patch" not in self.behaviour.unchecked:
            self._must_be_current(image, given)
        before = dict(image.fields)
        for name, value in call.body.items():
            if name == "labels":
                self._relabel(project, image, value or {})
            elif name != "labelFingerprint":
                image.fields[name] = value
        if "life.patch/drops" in self.behaviour.unchecked:
            image.fields.pop("guestOsFeatures", None)
        self._changed(image, before, call)
        return self._at_once(project, call, "patch", image)


Handler = Callable[[Service, Call], Resource]

HANDLERS: dict[str, Handler] = {
    "images.insert": Service.insert,
    "images.list": Service.list,
    "images.get": Service.get,
    "images.delete": Service.delete,
    "images.patch": Service.patch,
    "images.setLabels": Service.set_labels,
    "images.deprecate": Service.deprecate,
    "images.getFromFamily": Service.from_family,
    "disks.get": Service.disk,
    "snapshots.get": Service.snapshot,
    "globalOperations.get": Service.operation,
    "globalOperations.wait": Service.operation,
    "globalOperations.list": Service.operations,
    "globalOperations.delete": Service.forget,
}
"""The methods that need nothing but the call; imageFamilyViews.get has its zone beside it."""


def body_of(call: Call) -> None:
    """Makes sure that a body is there where a method needs one.

    Raises:
        ApiError: there is none, or it is no JSON object.
    """
    if not isinstance(call.body, dict):
        raise required("resource")


def _known(value: Any, shape: Any) -> Any:
    """A copy of a value without the fields that the reference does not have, and without nulls in lists."""
    if isinstance(value, list):
        value = [item for item in value if item is not None]
    if isinstance(shape, dict) and isinstance(value, dict):
        return {name: _known(part, shape[name]) for name, part in value.items() if name in shape}
    if isinstance(shape, list) and isinstance(value, list):
        return [_known(item, shape[0]) for item in value]
    return copy.deepcopy(value)


def _usable(raw_key: Any) -> bool:
    return isinstance(raw_key, str) and bool(checks.from_base64(raw_key))
