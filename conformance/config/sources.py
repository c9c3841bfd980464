"""What a target offers to make images from."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of the `[sources]` table, each a full or partial URL; None where the target has none of that kind.

    `project` is the project under test: sources in it may be named without it.

    `raw_disk_sha1` is the true SHA-1 checksum of the archive at `raw_disk`, in 40 hexadecimal digits.

    `attached_disk` is in use by a running instance.

    The keys are raw customer-supplied encryption keys (base64 of 32 bytes) of the encrypted source beside them.
    """

    project: str = ""
    image: str | None = "projects/debian-cloud/global/images/family/debian-12"
    disk: str | None = None
    attached_disk: str | None = None
    snapshot: str | None = None
    raw_disk: str | None = None
    raw_disk_sha1: str | None = None
    locked_image: str | None = None
    encrypted_image: str | None = None
    encrypted_image_key: str | None = None
    encrypted_disk: str | None = None
    encrypted_disk_key: str | None = None
    encrypted_snapshot: str | None = None
    encrypted_snapshot_key: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of encrypted sources, in base64: secrets, as those that are sent."""
        found = (self.encrypted_image_key, self.encrypted_disk_key, self.encrypted_snapshot_key)
        return tuple(filter(None, found))

    def available(self, kind: str) -> bool:
        """Whether the target has a source of this kind, named like the keys of `[sources]`."""
        return getattr(self, kind) is not None


SOURCE_KINDS = tuple(field.name for field in fields(Sources) if field.name != "project")


def embedded_sources(project: str) -> Sources:
    """The sources that the embedded emulator brings in every project."""
    zone = f"projects/{project}/zones/us-central1-a"
    return Sources(
        project=project,
        image=f"projects/{project}/global/images/base",
        disk=f"{zone}/disks/base",
        attached_disk=f"{zone}/disks/base-attached",
        snapshot=f"projects/{project}/global/snapshots/base",
        raw_disk="https://storage.googleapis.com/conformance-sources/disk.tar.gz",
        raw_disk_sha1="0123456789" * 4,
        locked_image=f"projects/{project}/global/images/base-locked",
        encrypted_image=f"projects/{project}/global/images/base-encrypted",
        encrypted_image_key="SW1hZ2Uga2V5IG9mIHRoZSBjb25mb3JtYW5jZSBydW4=",
        encrypted_disk=f"{zone}/disks/base-encrypted",
        encrypted_disk_key="RGlzayBrZXkgb2YgdGhlIGNvbmZvcm1hbmNlIHRlc3Q=",
        encrypted_snapshot=f"projects/{project}/global/snapshots/base-encrypted",
        encrypted_snapshot_key="U25hcHNob3Qga2V5IG9mIGEgY29uZm9ybWFuY2UgcnU=",
    )
