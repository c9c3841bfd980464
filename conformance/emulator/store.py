"""What the emulator remembers: images, operations and sources of each project."""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from conformance.emulator.checks import from_base64

OPERATIONS_KEPT = 20_000
"""Operations that a project remembers, and requestIds that all do; the oldest go first."""

SWEEP_EVERY = 1_000
"""Images after whose creation those that are gone are dropped from memory."""

LOOKS = 3
HELD_SECONDS = 3.0
"""An insert that takes time does not end before so many uses of its image or replays, if they come so soon and nobody
asks for its operation: else it would be a matter of the machine's load whether a client meets it under way."""

NO_LABELS = "42WmSpB8rSM="
DISK_SIZE = "10"
ZONE = "us-central1-a"

SOURCE_KEYS = {
    "image": "SW1hZ2Uga2V5IG9mIHRoZSBjb25mb3JtYW5jZSBydW4=",
    "disk": "RGlzayBrZXkgb2YgdGhlIGNvbmZvcm1hbmNlIHRlc3Q=",
    "snapshot": "U25hcHNob3Qga2V5IG9mIGEgY29uZm9ybWFuY2UgcnU=",
}
"""The keys of the encrypted sources that every project has."""

_ids = itertools.count(secrets.randbelow(2**61) + 2**61, 7919)


def new_id() -> str:
    """An identifier that nothing else has."""
    return str(next(_ids))


def digest(raw_key: str) -> str:
    """The base64 of SHA-256 over the bytes of a customer-supplied key."""
    return base64.b64encode(hashlib.sha256(from_base64(raw_key) or b"").digest()).decode()


def fingerprint(labels: dict[str, str], generation: int) -> str:
    """A fingerprint of labels; the same for all resources that have none."""
    if not labels:
        return NO_LABELS
    content = repr((sorted(labels.items()), generation)).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:8]).decode()


@dataclass(eq=False)
class Image:
    """An image: its fields as stored, the insert that made it, and the moments at which it was made, labelled, and is
    gone."""

    fields: dict[str, Any]
    made_at: float = field(default_factory=time.time)
    relabelled_at: float = 0.0
    insert: Operation | None = None
    gone_at: float = float("inf")
    deleting: bool = False
    failed: bool = False
    generation: int = 0
    number: int = 0

    @property
    def status(self) -> str:
        """The status at this moment."""
        if self.deleting:
            return "DELETING"
        if self.insert is not None and self.insert.status != "DONE":
            return "PENDING"
        return "FAILED" if self.failed else "READY"

    @property
    def ready_at(self) -> float:
        """When its insert has ended."""
        return self.insert.done_at if self.insert is not None else 0.0

    def look(self) -> None:
        """Notes that a client looks at the image."""
        if self.insert is not None:
            self.insert.look()

    @property
    def state(self) -> str:
        """The state of deprecation."""
        return (self.fields.get("deprecated") or {}).get("state") or "ACTIVE"


@dataclass(eq=False)
class Operation:
    """An operation: its fields, the request that it answers, the moments at which it is RUNNING and DONE, and the
    operation that has to be DONE before it."""

    fields: dict[str, Any]
    method: str
    image: str
    begun: float
    runs_at: float
    done_at: float
    error: tuple[int, str, str] | None = None
    body: Any = None
    told: int = 0
    looks_ahead: int = 0
    awaits: Operation | None = None

    @property
    def status(self) -> str:
        """The status at this moment."""
        now = time.time()
        if now >= self.done_at and not self._held(now) and not self._waits():
            return "DONE"
        return "RUNNING" if now >= self.runs_at else "PENDING"

    def look(self) -> None:
        """Notes that a client meets it by way of its image, or by a replay."""
        now = time.time()
        self.looks_ahead -= 1
        if self._held(now):
            self.done_at = max(self.done_at, now)

    def _waits(self) -> bool:
        if self.awaits is not None and self.awaits.status == "DONE":
            self.done_at = max(self.done_at, time.time())
            self.awaits = None
        return self.awaits is not None

    def _held(self, now: float) -> bool:
        return self.looks_ahead > 0 and now < self.begun + HELD_SECONDS


@dataclass
class Project:
    """One project: everything in it is its own; `twins` counts the images that were stored beside one of their name."""

    name: str
    images: dict[str, Image] = field(default_factory=dict)
    operations: OrderedDict[str, Operation] = field(default_factory=OrderedDict)
    disks: dict[str, dict[str, Any]] = field(default_factory=dict)
    snapshots: dict[str, dict[str, Any]] = field(default_factory=dict)
    count: int = 0
    twins: int = 0

    def image(self, name: str) -> Image | None:
        """The image of a name or id, if it is there at this moment."""
        found = self.images.get(name)
        if found is not None and time.time() >= found.gone_at:
            del self.images[name]
            found = None
        if found is None and (name.isdecimal() or self.twins):
            found = next(
                (image for image in self.images.values() if name in (image.fields["id"], image.fields["name"])), None
            )
        return found if found is not None and time.time() < found.gone_at else None

    def add(self, image: Image, *, beside: bool = False) -> None:
        """Stores a new image: in the place of one of its name, or beside it."""
        self.count += 1
        image.number = self.count
        if self.count % SWEEP_EVERY == 0:
            self.living()
        name = image.fields["name"]
        twin = beside and name in self.images
        self.twins += twin
        self.images[image.fields["id"] if twin else name] = image

    def living(self) -> list[Image]:
        """All images that are there at this moment, oldest first."""
        return [image for name in list(self.images) if (image := self.image(name)) is not None]

    def remember(self, operation: Operation) -> None:
        """Keeps an operation, and forgets the oldest beyond the number that is kept."""
        self.operations[operation.fields["name"]] = operation
        while len(self.operations) > OPERATIONS_KEPT:
            self.operations.popitem(last=False)


def _source(kind: str, *, encrypted: bool = False) -> dict[str, Any]:
    source: dict[str, Any] = {
        "id": new_id(),
        "diskSizeGb": DISK_SIZE,
        "licenses": ["projects/debian-cloud/global/licenses/debian-12-bookworm"],
        "licenseCodes": ["3853522013536123851"],
        "architecture": "X86_64",
        "guestOsFeatures": [{"type": "UEFI_COMPATIBLE"}, {"type": "GVNIC"}],
    }
    return source | ({"key": digest(SOURCE_KEYS[kind])} if encrypted else {})


def _image(name: str, number: int, *, encrypted: bool = False, **more: Any) -> Image:
    fields = _source("image", encrypted=encrypted)
    key = fields.pop("key", None)
    fields |= {"name": name, "sourceType": "RAW", "archiveSizeBytes": "1073741824", "storageLocations": ["us"]} | more
    fields |= {"imageEncryptionKey": {"sha256": key}} if key else {}
    return Image(fields, number=number)


def new_project(name: str) -> Project:
    """A project with the sources that each one has; the public one has just its image family."""
    project = Project(name)
    if name == "debian-cloud":
        project.add(_image("debian-12-bookworm-v20261101", 1, family="debian-12"))
        return project
    for image in (
        _image("base", 1),
        _image("base-locked", 2, locked=True),
        _image("base-encrypted", 3, encrypted=True),
    ):
        project.add(image)
    for sources, kind in ((project.disks, "disk"), (project.snapshots, "snapshot")):
        sources["base"] = _source(kind)
        sources["base-encrypted"] = _source(kind, encrypted=True)
    project.disks["base-attached"] = _source("disk") | {"user": f"projects/{name}/zones/{ZONE}/instances/base"}
    return project
