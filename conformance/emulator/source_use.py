"""What an image is made from: whether it can be used, and what the image gets from it."""

from __future__ import annotations

import copy
import re
import time
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Call, Resource
from conformance.emulator.clock import written
from conformance.emulator.errors import ApiError, invalid, not_found
from conformance.emulator.operations import Failure
from conformance.emulator.reads import Reads
from conformance.emulator.store import ZONE, Image, Project, digest

INHERITED = ("licenses", "licenseCodes", "architecture", "guestOsFeatures", "diskSizeGb")

_SOURCES = {
    "sourceDisk": re.compile(r"(?:.*projects/(?P<project>[^/]+)/)?zones/(?P<zone>[^/]+)/disks/(?P<name>[^/]+)"),
    "sourceImage": re.compile(r"(?:.*projects/(?P<project>[^/]+)/)?global/images/(?P<family>family/)?(?P<name>[^/]+)"),
    "sourceSnapshot": re.compile(r"(?:.*projects/(?P<project>[^/]+)/)?global/snapshots/(?P<name>[^/]+)"),
}

_RAW_DISK = re.compile(r"https://(?:storage\.googleapis\.com|www\.googleapis\.com/storage)/.+")

KEY_OF = {
    "sourceDisk": "sourceDiskEncryptionKey",
    "sourceImage": "sourceImageEncryptionKey",
    "sourceSnapshot": "sourceSnapshotEncryptionKey",
}


class LateFailure(Exception):  # noqa: N818 - it is how an operation ends, and no error of the emulator
    """A request is taken, and its operation fails."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = (status, code, message)


class SourceUse(Reads):
    """Projects whose disks, images and snapshots can be sources."""

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
            lenient = {f"source.{kind}.unknown", f"source.{kind}.unknown/{parts['name']}"}
            if lenient & self.behaviour.unchecked:
                return {}, []
            raise
        self._check_users(parts["name"], source, call)
        by_family = bool(parts.get("family"))
        warnings = self._check_use(owner, image, body[field], by_family=by_family) if image else []
        changed = image is not None and image.relabelled_at > 0
        opened = {"encryption.required-for-source/by-family"} if by_family else set[str]()
        opened |= {"encryption.required-for-source/relabelled"} if changed else set[str]()
        if not opened & self.behaviour.unchecked:
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
        anywhere = "source.disk.unknown/by-name" in self.behaviour.unchecked
        if field == "sourceDisk" and parts["zone"] != ZONE and not anywhere:
            source = None
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
            called: what the request calls it: a URL that ends with its name, its id, or its family.
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
        if image.relabelled_at and "image.locked.forbids/relabelled" in unchecked:
            locked = False
        if locked and "image.locked.forbids" not in unchecked:
            raise ApiError(400, "invalidUsage", f"The image '{name}' is locked.")
        dates = image.fields.get("deprecated") or {}
        if "image.deprecated.timestamps/dates-act" in unchecked and dates.get("deleted", "9") < written(time.time()):
            raise ApiError(400, "invalidUsage", f"The image '{name}' is to be deleted by now.")
        gone = image.state in ("OBSOLETE", "DELETED")
        by_id, by_full_url = called.rpartition("/")[2].isdecimal(), called.startswith("https:")
        gone = gone and not (by_id and "deprecate.use-obsolete/by-id" in unchecked)
        gone = gone and not (by_full_url and "deprecate.use-obsolete/by-full-url" in unchecked)
        if gone and "deprecate.use-obsolete" not in unchecked:
            raise ApiError(400, "invalidUsage", f"The image '{name}' is {image.state}.")
        if image.state != "DEPRECATED" or "deprecate.use-obsolete/no-warning" in unchecked:
            return []
        replacement = image.fields["deprecated"].get("replacement")
        if not replacement and "deprecate.use-obsolete/of-replacements" in unchecked:
            return []
        if by_full_url and "deprecate.use-obsolete/no-warning-by-full-url" in unchecked:
            return []
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
        own = "encryption.required-for-source/by-own-key" in self.behaviour.unchecked
        key = body.get(KEY_OF[field]) or (own and body.get("imageEncryptionKey")) or {}
        if "encryption.required-for-source/by-hash" in self.behaviour.unchecked and key.get("sha256") == source["key"]:
            return
        raw = key.get("rawKey")
        any_key = f"encryption.required-for-source/any-{field}-key" in self.behaviour.unchecked
        if not raw or (digest(raw) != source["key"] and not any_key):
            message = "The resource is protected by a customer-supplied encryption key that was not given."
            raise ApiError(400, "resourceIsEncryptedWithCustomerEncryptionKey", message)
