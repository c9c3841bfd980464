"""Whether what comes back is what was sent, whatever its form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from conformance.contract.comparison import CHANGE_BY_THEMSELVES, alike
from conformance.contract.fields import SERVER_SET
from conformance.contract.rule import is_set
from conformance.trace.blots import filled
from conformance.trace.exchange import Exchange
from conformance.trace.formats import decoded
from conformance.trace.links import may_come_back

SHIELDED_LISTS = ("keks", "dbs", "dbxs")
_HALF = re.compile(r"\\ud[89a-f][0-9a-f]{2}")
"""What half a character of a JSON text is read as."""

SERVICE_PREFIX = "goog-"
"""How the service's own labels begin; those of users may begin so, too."""


# Resources


def among(sent: Any, came: Any, project: str) -> bool:
    """Whether all resources of a list are among those of another."""
    theirs = came if isinstance(came, list) else []
    return isinstance(sent, list) and all(any(may_come_back(one, other, project) for other in theirs) for one in sent)


# Labels


def same_labels(wanted: Any, came: Any, users: Collection[str] = ()) -> bool:
    """Whether the labels that came are those that were wanted, but for some that the service has added by itself.

    Args:
        wanted, came: the labels by key.
        users: keys that are known to be the user's, although they begin like the service's.
    """
    ours = wanted if isinstance(wanted, dict) else {}
    theirs = filled(came, ours) if isinstance(came, dict) else {}
    return {key: value or "" for key, value in ours.items()} == {
        key: value or ""
        for key, value in theirs.items()
        if key in ours or key in users or not key.startswith(SERVICE_PREFIX)
    }


# Other fields


def _same_file(sent: Any, came: Any, *, type_too: bool) -> bool:
    if not isinstance(sent, dict) or not is_set(sent.get("content")):
        return True
    if not isinstance(came, dict) or decoded(came.get("content")) != decoded(sent["content"]):
        return False
    return not (type_too and is_set(sent.get("fileType"))) or came.get("fileType") == sent["fileType"]


def same_shielded(sent: Any, came: Any, *, type_too: bool = False) -> bool:
    """Whether the files of secure boot that were sent are among those that came, with their types as well if that
    matters."""
    if not isinstance(sent, dict) or not any(is_set(value) for value in sent.values()):
        return True
    if not isinstance(came, dict) or not _same_file(sent.get("pk"), came.get("pk"), type_too=type_too):
        return False
    for name in SHIELDED_LISTS:
        ours, theirs = sent.get(name) or [], came.get(name) or []
        if not isinstance(theirs, list):
            return False
        if not all(any(_same_file(file, other, type_too=type_too) for other in theirs) for file in ours):
            return False
    return True


def _same_policy(sent: Any, came: Any, project: str) -> bool:
    """Whether a rollout policy came back as sent, or not at all."""
    del project
    return not is_set(came) or alike(sent, came)


def _same_deprecation(sent: Any, came: Any, project: str) -> bool:
    """ACTIVE is how an image is that nobody deprecated, so it need not be said; the rollout policy is read-only, and
    may be left out of a deprecation that is taken."""
    wanted = sent if isinstance(sent, dict) else {}
    fields = came if isinstance(came, dict) else {}
    got = {"state": "ACTIVE"} | {key: value for key, value in fields.items() if is_set(value)}
    return all(
        alike(value, got.get(key))
        or may_come_back(value, got.get(key), project)
        or (key == "stateOverride" and _same_policy(value, got.get(key), project))
        for key, value in wanted.items()
        if is_set(value)
    )


def feature_types(features: Any) -> set[str]:
    """The types of guest OS features: each stands alone, or several with commas between."""
    items = features if isinstance(features, list) else []
    types = [item.get("type") for item in items if isinstance(item, dict)]
    return {name.strip() for text in types if isinstance(text, str) and text for name in text.split(",")}


def _texts(values: Any, *, folded: bool = False) -> set[str]:
    items = values if isinstance(values, list) else []
    return {str(value).lower() if folded else str(value) for value in items}


def _plain(sent: Any, came: Any, project: str) -> bool:
    """A number may come back as its text, and nothing as nothing of another form."""
    del project
    return bool(
        sent == came
        or (not is_set(sent) and not is_set(came))
        or (isinstance(sent, int) and not isinstance(sent, bool) and str(sent) == came)
    )


Same = Callable[[Any, Any, str], bool]
"""Tells from what was sent, what came, and the project whether they are the same."""

_COMPARED: dict[str, Same] = {
    "sourceDisk": may_come_back,
    "sourceImage": may_come_back,
    "sourceSnapshot": may_come_back,
    "deprecated": _same_deprecation,
    "licenses": among,
    "userLicenses": lambda sent, came, project: not is_set(came) or among(sent, came, project),
    "licenseCodes": lambda sent, came, project: _texts(sent) <= _texts(came),
    "labels": lambda sent, came, project: same_labels(sent, came),
    "guestOsFeatures": lambda sent, came, project: feature_types(sent) <= feature_types(came),
    "storageLocations": lambda sent, came, project: _texts(sent, folded=True) <= _texts(came, folded=True),
    "shieldedInstanceInitialState": lambda sent, came, project: same_shielded(sent, came),
    "rolloutOverride": _same_policy,
    "locked": lambda sent, came, project: bool(sent) == bool(came),
}


def comes_back(field: str, sent: Any, came: Any, project: str) -> bool:
    """Whether the value of a field of an image comes back as it was sent.

    Args:
        field: a field at the top of an image.
        sent: its value in a request.
        came: its value in an answer.
        project: the project of the image.
    """
    return _COMPARED.get(field, _plain)(sent, filled(came, sent), project) or _has_half_a_character(sent)


def _has_half_a_character(value: Any) -> bool:
    """Whether a JSON value holds what is in no text, so that something else has to stand for it: a lone surrogate."""
    return _HALF.search(json.dumps(value, ensure_ascii=False)) is not None


# Changes


def _same_state(sent: Any, came: Any) -> bool:
    """Whether two deprecations have one state; ACTIVE is that of an image that nobody deprecated."""
    states = [status.get("state") if isinstance(status, dict) else None for status in (sent, came)]
    return (states[0] or "ACTIVE") == (states[1] or "ACTIVE")


def changed_by(exchange: Exchange) -> dict[str, Any]:
    """The fields of an image that a request changes, each with its new value; empty for an insert, or one that
    changes none.

    What only the server sets it sets whatever is sent: a fingerprint in a request is a condition.
    """
    body = exchange.request.json
    sent = body if isinstance(body, dict) else {}
    match exchange.method:
        case "images.setLabels":
            return {"labels": sent.get("labels")}
        case "images.deprecate":
            return {"deprecated": sent}
        case "images.patch":
            named = patched_paths(exchange)
            return {
                name: value
                for name, value in sent.items()
                if name not in SERVER_SET and (named is None or name in named)
            }
    return {}


def patched_paths(exchange: Exchange) -> frozenset[str] | None:
    """The fields that a PATCH is limited to, by `paths` or `updateMask`; None where it is limited to none."""
    query = exchange.request.query
    texts = [*query.get("paths", ()), *query.get("updateMask", ()), *query.get("update_mask", ())]
    return frozenset(path.strip() for text in texts for path in text.split(",")) if texts else None


def cleared_by(exchange: Exchange) -> frozenset[str]:
    """The fields that a PATCH may clear: those that it is limited to, which need not stand in its body."""
    return frozenset(path.partition(".")[0] for path in patched_paths(exchange) or ())


def touched_by(exchange: Exchange) -> frozenset[str] | None:
    """The fields of an image that may be others after a request; None where that may be all: it makes the image,
    deletes it, or does not tell what it changes."""
    named = changed_by(exchange).keys() | cleared_by(exchange)
    return CHANGE_BY_THEMSELVES | named if named else None


def shows(exchange: Exchange, image: Mapping[str, Any]) -> bool:
    """Whether an image shows what a request has changed of it."""
    project = exchange.route.project if exchange.route else ""
    if exchange.method == "images.deprecate" and not _same_state(exchange.request.json, image.get("deprecated")):
        return False
    return all(comes_back(name, value, image.get(name), project) for name, value in changed_by(exchange).items())
