"""Whole bodies that are valid: from the plainest to those with every field at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from conformance.config.sources import Sources
from conformance.contract.fields import ARCHITECTURES, DEPRECATION_STATES, GUEST_OS_FEATURES
from conformance.contract.insert_request import InsertRequest
from conformance.contract.plain_bodies import SOURCE_FIELDS, source_bodies
from conformance.strategies import secure_boot, values

_files = st.one_of(
    *(
        st.fixed_dictionaries({"content": st.sampled_from(contents)}, optional={"fileType": st.just(kind)})
        for kind, contents in secure_boot.FILES.items()
    )
)
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
"""The optional fields that a correct target may refuse: it does not have what they name, or does not let them be set
here."""


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
        optional = {"containerType": "TAR", "sha1Checksum": sources.raw_disk_sha1}
        disk = st.fixed_dictionaries(
            {"source": st.just(sources.raw_disk)},
            optional={name: st.just(value) for name, value in optional.items() if value is not None},
        )
        kinds.append(st.fixed_dictionaries({"rawDisk": disk}))
    return st.one_of(kinds)


@st.composite
def _some_of(draw: st.DrawFn, optional: Mapping[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Some of the fields, each as likely there as not: which ones is drawn first, for what is drawn late is more
    often empty."""
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
