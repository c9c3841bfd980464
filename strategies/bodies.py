"""Whole bodies that are valid: from the plainest to those with every field at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from conformance.contract.fields import ARCHITECTURES, DEPRECATION_STATES, FILE_TYPES, GUEST_OS_FEATURES
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

rollouts = st.fixed_dictionaries(
    {"defaultRolloutTime": values.timestamps},
    optional={
        "locationRolloutPolicies": st.dictionaries(st.sampled_from(values.LOCATIONS), values.timestamps, max_size=2)
    },
)

deprecations = st.fixed_dictionaries(
    {"state": st.sampled_from(DEPRECATION_STATES)},
    optional={
        "replacement": st.just(values.REPLACEMENT),
        "deprecated": values.timestamps,
        "obsolete": values.timestamps,
        "deleted": values.timestamps,
        "stateOverride": rollouts,
    },
)

kms_keys = st.fixed_dictionaries(
    {"kmsKeyName": st.just(values.KMS_KEY)}, optional={"kmsKeyServiceAccount": st.just(values.SERVICE_ACCOUNT)}
)

LOOKED_UP_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "licenses": st.just([values.LICENSE]),
    "licenseCodes": st.lists(values.license_codes, unique=True, max_size=3),
    "userLicenses": st.just([values.LICENSE]),
    "storageLocations": values.storage_locations.map(lambda place: [place]),
    "imageEncryptionKey": kms_keys,
    "deprecated": deprecations,
    "rolloutOverride": rollouts,
}
"""The optional fields that a correct target may refuse: it does not have what they name, or does not let them be set here."""


def _sourced(sources: Sources, *, looked_up: bool) -> st.SearchStrategy[dict[str, Any]]:
    """The part of a body that names its source: each kind as likely as any other, the plainest first."""
    kinds: list[st.SearchStrategy[dict[str, Any]]] = []
    for name in SOURCE_FIELDS.values():
        shapes = [body[name] for body in source_bodies(sources) if name in body]
        if shapes:
            key = st.fixed_dictionaries({f"{name}EncryptionKey": kms_keys})
            keyed = st.sampled_from([st.just({}), key, key, key]).flatmap(lambda chosen: chosen)
            kinds.append(
                st.builds(
                    lambda name, url, more: {name: url, **more},
                    st.just(name),
                    st.sampled_from(shapes),
                    keyed if looked_up else st.just({}),
                )
            )
    if sources.raw_disk is not None:
        disk = st.fixed_dictionaries(
            {"source": st.just(sources.raw_disk)},
            optional={"containerType": st.just("TAR"), "sha1Checksum": values.checksums},
        )
        kinds.append(st.fixed_dictionaries({"rawDisk": disk}))
    return st.one_of(kinds)


@st.composite
def _some_of(draw: st.DrawFn, optional: Mapping[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Some of the fields, each as likely there as not: which ones is drawn first, for what is drawn late is more often empty."""
    chosen = draw(st.integers(0, 2 ** len(optional) - 1))
    return {name: draw(optional[name]) for bit, name in enumerate(optional) if chosen >> bit & 1}


def valid(sources: Sources, *, looked_up: bool = False) -> st.SearchStrategy[InsertRequest]:
    """Valid inserts that reach every optional field, alone and together; they shrink to the minimal body.

    Args:
        sources: what images can be made from.
        looked_up: whether fields that name other resources are among them.
    """
    optional = {**OPTIONAL_FIELDS, **(LOOKED_UP_FIELDS if looked_up else {})}
    return st.builds(
        lambda source, fields, force: InsertRequest({**source, **fields}, query=force),
        _sourced(sources, looked_up=looked_up),
        _some_of(optional),
        st.sampled_from([(), (("forceCreate", "false"),), (("forceCreate", "true"),)]),
    )
