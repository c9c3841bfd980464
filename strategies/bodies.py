"""Whole bodies that are valid: from the plainest to those with every field at once."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.contract.fields import ARCHITECTURES, FILE_TYPES, GUEST_OS_FEATURES
from conformance.sources import Sources
from strategies import values
from strategies.insert import InsertRequest

SOURCE_FIELDS = {"image": "sourceImage", "disk": "sourceDisk", "snapshot": "sourceSnapshot"}
HOSTS = ("https://www.googleapis.com/compute/v1/", "https://compute.googleapis.com/compute/beta/")


def path_of(url: str, project: str) -> str:
    """A source's URL from `projects/` on."""
    _, found, rest = url.partition("projects/")
    return f"projects/{rest}" if found else f"projects/{project}/{url.lstrip('/')}"


def full_urls(url: str, project: str) -> tuple[str, ...]:
    """The full URLs that name a source."""
    return tuple(host + path_of(url, project) for host in HOSTS)


def partial_urls(url: str, project: str) -> tuple[str, ...]:
    """The partial URLs that name a source; without its project only where that is the one under test."""
    path = path_of(url, project)
    own = f"projects/{project}/"
    return (path, path.removeprefix(own)) if path.startswith(own) else (path,)


def source_bodies(sources: Sources) -> list[dict[str, Any]]:
    """A body for each source kind at hand in each shape of its URL, the plainest first."""
    bodies: list[dict[str, Any]] = []
    for kind, name in SOURCE_FIELDS.items():
        url = getattr(sources, kind)
        if url is not None:
            shapes = (*partial_urls(url, sources.project), *full_urls(url, sources.project))
            bodies.extend({name: shape} for shape in shapes)
    if sources.raw_disk is not None:
        bodies.append({"rawDisk": {"source": sources.raw_disk}})
    return bodies


def minimal(sources: Sources) -> dict[str, Any]:
    """The smallest valid body: a source, and nothing else."""
    return source_bodies(sources)[0]


_files = st.fixed_dictionaries({"content": values.base64_texts}, optional={"fileType": st.sampled_from(FILE_TYPES)})
_file_lists = st.lists(_files, max_size=2)

shielded_states = st.fixed_dictionaries(
    {}, optional={"pk": _files, "keks": _file_lists, "dbs": _file_lists, "dbxs": _file_lists}
)

OPTIONAL_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "description": values.texts,
    "sourceType": st.just("RAW"),
    "diskSizeGb": values.disk_sizes,
    "family": values.names,
    "labels": values.labels,
    "guestOsFeatures": st.lists(st.sampled_from(GUEST_OS_FEATURES), unique=True, max_size=4).map(
        lambda types: [{"type": name} for name in types]
    ),
    "shieldedInstanceInitialState": shielded_states,
    "locked": st.booleans(),
    "architecture": st.sampled_from(ARCHITECTURES),
}
"""The optional fields whose values stand for themselves."""

LOOKED_UP_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "licenses": st.just([values.LICENSE]),
    "licenseCodes": st.lists(values.license_codes, unique=True, max_size=3),
    "userLicenses": st.just([values.LICENSE]),
    "storageLocations": values.storage_locations.map(lambda place: [place]),
    "imageEncryptionKey": st.just({"kmsKeyName": values.KMS_KEY}),
}
"""The optional fields that name something else: a correct target may refuse them, for it does not have what they name."""


def valid(sources: Sources, *, looked_up: bool = False) -> st.SearchStrategy[InsertRequest]:
    """Valid inserts that reach every optional field, alone and together; they shrink to the minimal body.

    Args:
        sources: what images can be made from.
        looked_up: whether fields that name other resources are among them.
    """
    optional = {**OPTIONAL_FIELDS, **(LOOKED_UP_FIELDS if looked_up else {})}
    return st.builds(
        lambda source, fields, force: InsertRequest({**source, **fields}, query=force),
        st.sampled_from(source_bodies(sources)),
        st.fixed_dictionaries({}, optional=optional),
        st.sampled_from([(), (("forceCreate", "false"),), (("forceCreate", "true"),)]),
    )
