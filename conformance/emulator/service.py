"""What each API method does."""

from __future__ import annotations

import copy
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Behaviour, Call, Resource
from conformance.emulator.clock import moment, written
from conformance.emulator.errors import ApiError, conflict, invalid, not_found, required
from conformance.emulator.filters import matches, page
from conformance.emulator.state import State
from conformance.emulator.store import (
    LOOKS,
    OPERATIONS_KEPT,
    ZONE,
    Image,
    Operation,
    Project,
    digest,
    fingerprint,
    new_id,
    new_project,
)

INHERITED = ("licenses", "licenseCodes", "architecture", "guestOsFeatures", "diskSizeGb")
PATCHABLE = frozenset({"description", "family", "labels", "labelFingerprint", "deprecated"})
CHANGES = frozenset(
    {
        "images.insert",
        "images.delete",
        "images.patch",
        "images.setLabels",
        "images.deprecate",
        "globalOperations.delete",
    }
)
STORED = frozenset(checks.SHAPE) - set(checks.KEYS[1:])
LINKS = ("sourceDisk", "sourceImage", "sourceSnapshot")

_SOURCES = {
    "sourceDisk": re.compile(r"(?:.*projects/(?P<project>[^/]+)/)?zones/[^/]+/disks/(?P<name>[^/]+)"),
    "sourceImage": re.compile(r"(?:.*projects/(?P<project>[^/]+)/)?global/images/(?P<family>family/)?(?P<name>[^/]+)"),
    "sourceSnapshot": re.compile(r"(?:.*projects/(?P<project>[^/]+)/)?global/snapshots/(?P<name>[^/]+)"),
}
_RAW_DISK = re.compile(r"https://(?:storage\.googleapis\.com|www\.googleapis\.com/storage)/.+")
KEY_OF = {
    "sourceDisk": "sourceDiskEncryptionKey",
    "sourceImage": "sourceImageEncryptionKey",
    "sourceSnapshot": "sourceSnapshotEncryptionKey",
}


Failure = tuple[int, str, str]
"""Why an operation fails: the HTTP status, the code and the message of its error."""


class LateFailure(Exception):  # noqa: N818 - it is how an operation ends, and no error of the emulator
    """A request is taken, and its operation fails."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = (status, code, message)


class Service:
    """All projects of an emulator.

    Args:
        behaviour: what is otherwise than the API reference has it.
        projects: the projects that exist; None for any that is asked for.
        state: where all is kept for the next emulator, which begins with it; None for nowhere.
    """

    def __init__(
        self, behaviour: Behaviour, projects: tuple[str, ...] | None = None, state: State | None = None
    ) -> None:
        self.behaviour = behaviour
        self._state = state
        self._allowed = projects
        self._projects: dict[str, Project] = {}
        self._shown: dict[str, int] = {}
        self._requests: OrderedDict[tuple[str, ...], Operation | None] = OrderedDict()
        if state is not None:
            self._projects.update((project.name, project) for project in state.projects())
            self._requests.update(state.requests(self._projects))

    def project(self, name: str) -> Project:
        """A project.

        Raises:
            ApiError: there is none of this name.
        """
        name = self.behaviour.numbers.get(name, name)
        if self._allowed is not None and name not in (*self._allowed, "debian-cloud"):
            raise not_found(f"projects/{name}")
        key = "" if self.behaviour.one_store and name != "debian-cloud" else name
        if key not in self._projects:
            self._projects[key] = new_project(name)
        return self._projects[key]

    # Images: changes

    def insert(self, call: Call) -> Resource:
        """images.insert."""
        project = self.project(call.project)
        self._check_request_id(call)
        known = self._replayed(call)
        if known is not None and self.behaviour.replays_anew and known.error is None:
            known = self._begin(project, call, "insert", known.image, known.fields["targetId"], seconds=0.0)
        if known is not None:
            if self.behaviour.doubles_replays:
                self._store(project, replace(call, body={**call.body, "name": f"twin-{new_id()}"}), {})
            return self.shown_operation(known, call)
        fault = failure = self._fault(project, call)
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

    def _looked_up(self, project: Project, call: Call) -> tuple[dict[str, Any], list[Resource], Failure | None]:
        """What an image gets from its source, the warnings that its use gives, or why the operation fails.

        Raises:
            ApiError: the source cannot be used, and the request is refused.
        """
        try:
            return *self._from_source(project, call), None
        except LateFailure as late:
            return {}, [], late.failure
        except ApiError as error:
            if not self.behaviour.late_lookups:
                raise
            return {}, [], (error.status, error.reason.upper(), error.message)

    def _store(self, project: Project, call: Call, made: dict[str, Any]) -> Image:
        body = call.body
        fields = {
            name: _known(value, checks.SHAPE[name]) for name, value in body.items() if name in STORED and _is_set(value)
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

    def _from_source(self, project: Project, call: Call) -> tuple[dict[str, Any], list[Resource]]:
        """What an image gets from its source, and the warnings that its use gives."""
        body = call.body
        named = checks.sources_of(body)
        if named == ["rawDisk"]:
            if "source.raw-disk.malformed" not in self.behaviour.unchecked and not _RAW_DISK.fullmatch(
                body["rawDisk"]["source"]
            ):
                raise invalid("resource.rawDisk.source", body["rawDisk"]["source"], "It is no Cloud Storage URL.")
            return {"links": {"rawDisk": {"containerType": "TAR", **body["rawDisk"]}}}, []
        if not named:
            return {}, []
        field = named[0]
        kind = field.removeprefix("source").lower()
        found = _SOURCES[field].fullmatch(body[field])
        if found is None:
            if f"source.{kind}.malformed" in self.behaviour.unchecked:
                return {}, []
            raise invalid(f"resource.{field}", body[field], "The URL is malformed.")
        parts = found.groupdict()
        owner = self.project(parts["project"] or project.name)
        try:
            source, image = self._find(owner, field, parts)
        except (ApiError, LateFailure):
            if f"source.{kind}.unknown" in self.behaviour.unchecked:
                return {}, []
            raise
        self._check_users(parts["name"], source, call)
        by_family = bool(parts.get("family"))
        warnings = self._check_use(owner, image, parts["name"], by_family=by_family) if image else []
        if not (by_family and "encryption.required-for-source/by-family" in self.behaviour.unchecked):
            self._check_key(field, source, body)
        name = image.fields["name"] if image else parts["name"]
        collection = {"disk": f"zones/{ZONE}/disks", "image": "global/images", "snapshot": "global/snapshots"}[kind]
        links = {field: f"projects/{owner.name}/{collection}/{name}", f"{field}Id": source["id"]}
        made = {key: copy.deepcopy(source[key]) for key in INHERITED if source.get(key)}
        awaits = image.insert if image and self.behaviour.waits_for_sources else None
        return {**made, "links": links, "awaits": awaits}, warnings

    def _find(self, owner: Project, field: str, parts: dict[str, Any]) -> tuple[dict[str, Any], Image | None]:
        name = parts["name"]
        if field == "sourceImage":
            image = self._latest(owner, name) if parts["family"] else owner.image(name)
            if image is None:
                raise not_found(f"projects/{owner.name}/global/images/{name}")
            image.look()
            key = (image.fields.get("imageEncryptionKey") or {}).get("sha256")
            return {**image.fields, **({"key": key} if key else {})}, image
        source = (owner.disks if field == "sourceDisk" else owner.snapshots).get(name)
        if source is None and field == "sourceSnapshot":
            raise LateFailure(
                404, "RESOURCE_NOT_FOUND", f"The resource 'projects/{owner.name}/global/snapshots/{name}' was not found"
            )
        if source is None:
            raise invalid("resource.sourceDisk", name, "Referenced resource was not found.")
        return source, None

    def _check_use(self, owner: Project, image: Image, called: str, *, by_family: bool) -> list[Resource]:
        """Raises a refusal where an image is no source; answers the warnings that its use gives.

        Args:
            owner: its project.
            image: the image.
            called: what the request calls it: its name, its id, or its family.
            by_family: whether that is its family.
        """
        unchecked = self.behaviour.unchecked
        name = image.fields["name"]
        waits = self.behaviour.waits_for_sources and image.status == "PENDING"
        if image.status != "READY" and not waits and "source.image.not-ready" not in unchecked:
            raise ApiError(
                400, "resourceNotReady", f"The resource 'projects/{owner.name}/global/images/{name}' is not ready"
            )
        locked = image.fields.get("locked") and not (by_family and "image.locked.forbids/by-family" in unchecked)
        if locked and "image.locked.forbids" not in unchecked:
            raise ApiError(400, "invalidUsage", f"The image '{name}' is locked.")
        dates = image.fields.get("deprecated") or {}
        if "image.deprecated.timestamps/dates-act" in unchecked and dates.get("deleted", "9") < written(time.time()):
            raise ApiError(400, "invalidUsage", f"The image '{name}' is to be deleted by now.")
        gone = image.state in ("OBSOLETE", "DELETED")
        gone = gone and not (called.isdecimal() and "deprecate.use-obsolete/by-id" in unchecked)
        if gone and "deprecate.use-obsolete" not in unchecked:
            raise ApiError(400, "invalidUsage", f"The image '{name}' is {image.state}.")
        if image.state != "DEPRECATED" or "deprecate.use-obsolete/no-warning" in unchecked:
            return []
        replacement = image.fields["deprecated"].get("replacement")
        if "deprecate.use-obsolete/no-name" in unchecked:
            name = "source"
        data = [{"key": "resource_name", "value": f"projects/{owner.name}/global/images/{name}"}]
        data += [{"key": "replacement_suggestion", "value": replacement}] if replacement else []
        return [{"code": "DEPRECATED_RESOURCE_USED", "message": f"The image '{name}' is deprecated.", "data": data}]

    def _check_users(self, name: str, source: dict[str, Any], call: Call) -> None:
        """Raises where an instance uses a disk, unless the creation is forced."""
        if not source.get("user") or "force-create.in-use" in self.behaviour.unchecked:
            return
        heeded = "force-create.in-use/true" not in self.behaviour.unchecked
        if not (heeded and call.query.get("forceCreate", "").lower() in ("true", "1")):
            message = f"The disk resource '{name}' is already being used by '{source['user']}'"
            raise ApiError(400, "resourceInUseByAnotherResource", message)

    def _check_key(self, field: str, source: dict[str, Any], body: Resource) -> None:
        if not source.get("key") or "encryption.required-for-source" in self.behaviour.unchecked:
            return
        raw = (body.get(KEY_OF[field]) or {}).get("rawKey")
        if not raw or digest(raw) != source["key"]:
            message = "The resource is protected by a customer-supplied encryption key that was not given."
            raise ApiError(400, "resourceIsEncryptedWithCustomerEncryptionKey", message)

    def delete(self, call: Call) -> Resource:
        """images.delete."""
        project, image = self._existing(call)
        known = self._replayed(call)
        if known is not None:
            return self.shown_operation(known, call)
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
        if "image.labels.limits" not in self.behaviour.unchecked:
            checks.labels(call.body)
        if self.behaviour.rival and not image.relabelled_at:
            self._relabel(project, image, {**(image.fields.get("labels") or {}), "rival": "was-here"})
        given = call.body.get("labelFingerprint")
        # The field is bytes: clients that read it as such send it back in either alphabet of base64.
        unlabelled = "labels.fingerprint-required/unlabelled" in self.behaviour.unchecked
        if unlabelled and given is None and not image.fields.get("labels"):
            given = self._fingerprint(image)
        stale = not isinstance(given, str) or checks.from_base64(given) != checks.from_base64(self._fingerprint(image))
        if stale and not self.behaviour.stale_labels_win(time.time() - image.relabelled_at):
            message = "Labels fingerprint either invalid or resource labels have changed"
            raise ApiError(412, "conditionNotMet", message, location="If-Match", locationType="header")
        before = dict(image.fields)
        self._relabel(project, image, call.body.get("labels") or {})
        self._changed(image, before, call)
        return self._at_once(project, call, "setLabels", image)

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
        status = {name: value for name, value in call.body.items() if _is_set(value)}
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
        fixed = sorted(set(call.body) - PATCHABLE)
        if fixed and not ("locked" in fixed and "image.locked.forbids/patch" in self.behaviour.unchecked):
            raise invalid(f"resource.{fixed[0]}", "", "The field cannot be changed.")
        checks.check_insert({"name": "patch", "sourceImage": "x", **call.body}, {}, self.behaviour.unchecked)
        for name, value in call.body.items():
            if name == "labels":
                self._relabel(project, image, value or {})
            elif name != "labelFingerprint":
                image.fields[name] = value
        if "life.patch/drops" in self.behaviour.unchecked:
            image.fields.pop("guestOsFeatures", None)
        return self._at_once(project, call, "patch", image)

    # Images: looks

    def get(self, call: Call) -> Resource:
        """images.get."""
        project, image = self._must_exist(call)
        image.look()
        if not self._seen(image, call) or (self.behaviour.hides_pending and image.status == "PENDING"):
            raise not_found(f"projects/{project.name}/global/images/{call.name}")
        return self.shown_image(image, call)

    def list(self, call: Call) -> Resource:
        """images.list."""
        project = self.project(call.project)
        hidden = "PENDING" if self.behaviour.hides_pending else ""
        everywhere = call.query.get("filter") and "transport.project-isolation/by-filter" in self.behaviour.unchecked
        newest_first = call.query.get("orderBy", "").startswith("creationTimestamp")
        shown = [
            ((-image.number if newest_first else 0, str(image.fields["name"])), self.shown_image(image, call))
            for image in (self._everywhere() if everywhere else project.living())
            if image.status != hidden and self._seen(image, call)
        ]
        found = [entry for entry in shown if matches(entry[1], call.query.get("filter", ""))]
        items, token = page(found, call.query, by_place="life.list-steady" in self.behaviour.unchecked)
        answer = {"kind": "compute#imageList", "id": f"projects/{project.name}/global/images", "items": items}
        answer["selfLink"] = self._link(call, f"projects/{project.name}/global/images")
        return answer | ({"nextPageToken": token} if token else {})

    def from_family(self, call: Call) -> Resource:
        """images.getFromFamily."""
        project = self.project(call.project)
        image = self._latest(project, call.name, call=call)
        if image is None:
            raise not_found(f"projects/{project.name}/global/images/family/{call.name}")
        return self.shown_image(image, call)

    def family_view(self, call: Call, zone: str) -> Resource:
        """imageFamilyViews.get."""
        project = self.project(call.project)
        image = self._latest(project, call.name, zone, call=call)
        if image is None:
            raise not_found(f"projects/{project.name}/zones/{zone}/imageFamilyViews/{call.name}")
        return {"image": self.shown_image(image, call)}

    def _seen(self, image: Image, call: Call) -> bool:
        """Whether a method shows an image by now."""
        return time.time() >= image.ready_at + self.behaviour.seen_after.get(call.method, float("-inf"))

    def _latest(self, project: Project, family: str, zone: str = "", *, call: Call | None = None) -> Image | None:
        """The latest image of a family that is READY and not deprecated, in a zone if one is given, as a call sees
        it."""
        found = [
            image
            for image in project.living()
            if image.fields.get("family") == family and image.status == "READY" and self._eligible(image, zone)
            if call is None or self._seen(image, call)
        ]
        unchecked = self.behaviour.unchecked
        if not zone and "family.latest/by-name" in unchecked:
            return max(found, key=lambda image: str(image.fields["name"]), default=None)
        oldest = ("family.view-latest" if zone else "family.latest") in unchecked
        return (min if oldest else max)(found, key=lambda image: image.number, default=None)

    def _eligible(self, image: Image, zone: str) -> bool:
        unchecked = self.behaviour.unchecked
        skipped = image.state == "DEPRECATED" or "family.deprecated-skipped/gone" not in unchecked
        everywhere = "family.deprecated-skipped/override-everywhere" in unchecked
        if image.state != "ACTIVE" and everywhere and not zone:
            policy = image.fields["deprecated"].get("stateOverride") or {}
            return bool(policy) and not _reached(policy, ZONE)
        if image.state != "ACTIVE" and (zone or (skipped and "family.deprecated-skipped" not in unchecked)):
            policy = image.fields["deprecated"].get("stateOverride") or {}
            return bool(zone) and "family.view-state-override" not in unchecked and not _reached(policy, zone)
        if zone and image.fields.get("rolloutOverride") and "family.view-reached" in unchecked:
            return False
        return (
            not zone or "family.view-rollout" in unchecked or _reached(image.fields.get("rolloutOverride") or {}, zone)
        )

    def _existing(self, call: Call) -> tuple[Project, Image | None]:
        project = self.project(call.project)
        self._check_request_id(call)
        image = project.image(call.name)
        if image is None and "transport.project-isolation/by-id" in self.behaviour.unchecked:
            image = next((image for image in self._everywhere() if image.fields["id"] == call.name), None)
        return project, image

    def _everywhere(self) -> Iterator[Image]:
        """The images of all projects."""
        return (image for project in self._projects.values() for image in project.living())

    def _must_exist(self, call: Call) -> tuple[Project, Image]:
        project, image = self._existing(call)
        if image is None:
            raise not_found(f"projects/{project.name}/global/images/{call.name}")
        return project, image

    # Sources

    def disk(self, call: Call) -> Resource:
        """disks.get, of Compute Engine's API of disks: its id, and what can be seen of it."""
        return self._source(call, "disk", f"zones/{ZONE}/disks", self.project(call.project).disks)

    def snapshot(self, call: Call) -> Resource:
        """snapshots.get, of Compute Engine's API of snapshots: its id, and what can be seen of it."""
        return self._source(call, "snapshot", "global/snapshots", self.project(call.project).snapshots)

    def _source(self, call: Call, kind: str, collection: str, found: dict[str, dict[str, Any]]) -> Resource:
        path = f"projects/{self.project(call.project).name}/{collection}/{call.name}"
        if call.name not in found:
            raise not_found(path)
        source = found[call.name]
        return {
            "kind": f"compute#{kind}",
            "id": source["id"],
            "name": call.name,
            "status": "READY",
            "selfLink": self._link(call, path),
        }

    # Operations

    def operation(self, call: Call) -> Resource:
        """globalOperations.get."""
        return self.shown_operation(self._operation(call), call)

    def seconds_left(self, call: Call) -> float:
        """How long a wait for an operation has to wait."""
        return min(max(self._operation(call).done_at - time.time(), 0.0), self.behaviour.wait_seconds)

    def operations(self, call: Call) -> Resource:
        """globalOperations.list."""
        project = self.project(call.project)
        shown = [
            ((operation.begun, operation.fields["name"]), self.shown_operation(operation, call))
            for operation in list(project.operations.values())[-2000:]
        ]
        found = [entry for entry in shown if matches(entry[1], call.query.get("filter", ""))]
        items, token = page(found, call.query)
        answer = {"kind": "compute#operationList", "id": f"projects/{project.name}/global/operations", "items": items}
        return answer | ({"nextPageToken": token} if token else {})

    def forget(self, call: Call) -> Resource:
        """globalOperations.delete."""
        operation = self._operation(call)
        del self.project(call.project).operations[operation.fields["name"]]
        return {}

    def _operation(self, call: Call) -> Operation:
        project = self.project(call.project)
        found = project.operations.get(call.name)
        if found is None:
            found = next((item for item in project.operations.values() if item.fields["id"] == call.name), None)
        if found is None or time.time() > found.done_at + self.behaviour.retention_seconds:
            raise not_found(f"projects/{project.name}/global/operations/{call.name}")
        found.looks_ahead = 0
        return found

    def _begin(  # noqa: PLR0913 - an operation is made of this much
        self,
        project: Project,
        call: Call,
        kind: str,
        image: str,
        target: str,
        failure: tuple[int, str, str] | None = None,
        seconds: float | None = None,
    ) -> Operation:
        now = time.time()
        seconds = self.behaviour.seconds if seconds is None else seconds
        name = self.behaviour.operation_name(now)
        fields = {
            "id": new_id(),
            "name": name,
            "operationType": kind,
            "targetLink": f"projects/{project.name}/global/images/{image}",
            "targetId": target,
            "user": "user@example.com",
            "description": f"{kind} of {image}",
            "insertTime": written(now),
            "clientOperationId": call.query.get("requestId") or None,
        }
        operation = Operation(fields, call.method, image, now, now + seconds / 3, now + seconds, failure, call.body)
        project.remember(operation)
        self._remember(call, operation)
        return operation

    def keep(self, call: Call) -> None:
        """Writes down what a call has changed, where that is to be kept."""
        if self._state is None or call.method not in CHANGES:
            return
        project = self.project(call.project)
        if call.method == "globalOperations.delete":
            self._state.forget(project, call.name)
            return
        key = self.behaviour.request_key(call) if call.query.get("requestId") else None
        operation = self._requests.get(key) if key else next(reversed(project.operations.values()))
        if operation is not None:
            self._state.save(project, operation, key)

    def forget_request(self, call: Call) -> None:
        """Forgets the requestId of a call."""
        self._requests.pop(self.behaviour.request_key(call), None)

    def _remember(self, call: Call, operation: Operation | None) -> None:
        """Keeps what became of a requestId: its operation, or None for a refusal."""
        if call.query.get("requestId") or self.behaviour.recognises_without_request_id:
            self._requests[self.behaviour.request_key(call)] = operation
            if len(self._requests) > OPERATIONS_KEPT:
                self._requests.popitem(last=False)

    def _at_once(self, project: Project, call: Call, kind: str, image: Image) -> Resource:
        seconds = self.behaviour.seconds if self.behaviour.slow_changes else 0.0
        name, identifier = image.fields["name"], image.fields["id"]
        return self.shown_operation(self._begin(project, call, kind, name, identifier, seconds=seconds), call)

    def _check_request_id(self, call: Call) -> None:
        for name, check in (
            ("request-id.zero-refused", checks.request_id_zero),
            ("request-id.malformed-refused", checks.request_id_malformed),
        ):
            if name not in self.behaviour.unchecked:
                check(call.query)

    def _replayed(self, call: Call) -> Operation | None:
        """The operation of an earlier request with the same requestId."""
        key = self.behaviour.request_key(call)
        if key not in self._requests or not (
            call.query.get("requestId") or self.behaviour.recognises_without_request_id
        ):
            return None
        operation = self._requests[key]
        if operation is None:
            raise ApiError(400, "invalid", "The requestId was used by a request that was refused.")
        operation.look()
        return operation if self.behaviour.replay(operation, call) else None

    # What answers show

    def shown_image(self, image: Image, call: Call) -> Resource:
        """An image as an answer shows it."""
        fields = image.fields
        path = f"projects/{call.project}/global/images/{fields['name']}"
        shown = {
            "kind": "compute#image",
            **{name: copy.deepcopy(value) for name, value in fields.items() if _is_set(value)},
        }
        for name in LINKS:
            if shown.get(name):
                shown[name] = self._link(call, shown[name])
        shown["licenses"] = [
            self._link(call, item) if item.startswith("projects/") else item for item in fields.get("licenses") or []
        ]
        if not shown["licenses"]:
            del shown["licenses"]
        shown.setdefault("creationTimestamp", written(0))
        shown["selfLink"] = self._link(call, path)
        shown["status"] = image.status
        image.generation += self.behaviour.restless_fingerprints
        shown["labelFingerprint"] = self._fingerprint(image)
        shown |= {"enableConfidentialCompute": False, "satisfiesPzs": False, "satisfiesPzi": False}
        for hook in self.behaviour.on_image:
            hook(shown, call, self._count(fields["id"]))
        return shown

    def shown_operation(self, operation: Operation, call: Call) -> Resource:
        """An operation as an answer shows it."""
        fields = operation.fields
        status = operation.status
        shown = {"kind": "compute#operation", **{name: value for name, value in fields.items() if value is not None}}
        shown["status"] = status
        share = (time.time() - operation.begun) / max(operation.done_at - operation.begun, 1e-9)
        shown["progress"] = 100 if status == "DONE" else min(int(share * 100), 99)
        shown["startTime"] = written(operation.begun)
        shown["targetLink"] = self._link(call, fields["targetLink"])
        shown["selfLink"] = self._link(call, f"projects/{call.project}/global/operations/{fields['name']}")
        shown["statusMessage"] = f"The operation is {status}."
        if status == "DONE":
            shown["endTime"] = written(operation.done_at)
        if status == "DONE" and operation.error is not None:
            code, reason, message = operation.error
            shown["error"] = {"errors": [{"code": reason, "message": message, **_details(reason, message)}]}
            shown["httpErrorStatusCode"] = code
            shown["httpErrorMessage"] = {404: "NOT FOUND", 409: "CONFLICT"}.get(code, "BAD REQUEST")
        if status != "DONE":
            shown.pop("warnings", None)
        for hook in self.behaviour.on_operation:
            hook(shown, call, operation.told)
        operation.told += 1
        return shown

    def _fingerprint(self, image: Image) -> str:
        return fingerprint(image.fields.get("labels") or {}, image.generation)

    def _count(self, identifier: str) -> int:
        """How often an image was shown before; counted only where a hook asks for it."""
        self._shown[identifier] = self._shown.get(identifier, -1) + 1
        return self._shown[identifier]

    def _link(self, call: Call, path: str) -> str:
        base = self.behaviour.link_base or f"http://{call.headers.get('host', 'localhost')}"
        return path if path.startswith("http") else f"{base}/compute/{call.version}/{path}"


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


def _details(reason: str, message: str) -> Resource:
    """What an error tells beside code and message: every kind of detail that the reference has."""
    service = "compute.googleapis.com"
    return {
        "location": "resource",
        "errorDetails": [
            {"errorInfo": {"reason": reason, "domain": service, "metadatas": {"service": service}}},
            {"help": {"links": [{"description": "About errors", "url": "https://cloud.google.com/compute/docs"}]}},
            {"localizedMessage": {"locale": "en-US", "message": message}},
            {
                "quotaInfo": {
                    "metricName": f"{service}/images",
                    "limitName": "IMAGES-per-project",
                    "dimensions": {"region": "global"},
                    "limit": 10_000,
                    "futureLimit": 20_000.0,
                    "rolloutStatus": "IN_PROGRESS",
                }
            },
        ],
    }


def _known(value: Any, shape: Any) -> Any:
    """A copy of a value without the fields that the reference does not have, and without nulls in lists."""
    if isinstance(value, list):
        value = [item for item in value if item is not None]
    if isinstance(shape, dict) and isinstance(value, dict):
        return {name: _known(part, shape[name]) for name, part in value.items() if name in shape}
    if isinstance(shape, list) and isinstance(value, list):
        return [_known(item, shape[0]) for item in value]
    return copy.deepcopy(value)


def _is_set(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _usable(raw_key: Any) -> bool:
    return isinstance(raw_key, str) and bool(checks.from_base64(raw_key))


def _reached(policy: dict[str, Any], zone: str) -> bool:
    """Whether a rollout has reached a zone: it has where the policy does not speak of the zone, or its time has
    come."""
    times = policy.get("locationRolloutPolicies") or {}
    time_of_zone = times.get(f"zones/{zone}") or policy.get("defaultRolloutTime")
    return not time_of_zone or moment(str(time_of_zone)) <= time.time()
