"""Rules about the deprecation of images: what deprecate takes, what it leads to, and what it warns of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.contract.areas.image import DEPRECATION_TIMES
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.requests import request_rule
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.formats import timestamp
from conformance.trace.links import may_come_back, same_resource

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""
ACTIVE = "ACTIVE"


def _state(image: dict[str, Any]) -> str:
    status = image.get("deprecated")
    state = status.get("state") if isinstance(status, dict) else None
    return state if isinstance(state, str) and state else ACTIVE


def _deprecations(history: History) -> Iterator[tuple[Mutation, Sighting]]:
    """Each deprecate that succeeded, with what gets showed of the image afterwards."""
    for mutation in history.mutations:
        if mutation.method == "images.deprecate" and mutation.outcome == "succeeded":
            for sighting in history.results(mutation, "deprecated")[-1:]:
                yield mutation, sighting


@RULES.rule(
    "deprecate.state",
    "doc",
    "The state set by deprecate comes back on get.",
    "Fields > deprecated.state",
    "The state is that of the image's deprecation, so once it is set it is shown.",
    needs=("deprecate",),
)
def _deprecate_state(history: History) -> Iterator[Finding]:
    for mutation, sighting in _deprecations(history):
        if not well_typed(sighting.value, "deprecated"):
            continue
        wanted = mutation.body.get("state") or ACTIVE
        yield expect(
            _state(sighting.value) == wanted,
            "the state that was set does not come back",
            mutation.exchange,
            sighting.exchange,
            expected=wanted,
            observed=sighting.value.get("deprecated"),
        )


@RULES.rule(
    "deprecate.round-trip",
    "doc",
    "Replacement and times set by deprecate come back beside the state.",
    "Fields > deprecated.replacement",
    "Replacement and times are parts of an image's deprecation beside its state, and for information, so "
    "they are shown as they were set.",
    needs=("deprecate",),
)
def _deprecate_round_trip(history: History) -> Iterator[Finding]:
    for mutation, sighting in _deprecations(history):
        names = ("replacement", *DEPRECATION_TIMES)
        sent = {name: mutation.body[name] for name in names if is_set(mutation.body.get(name))}
        status = sighting.value.get("deprecated")
        came = status if isinstance(status, dict) else {}
        if sent and well_typed(sighting.value, "deprecated"):
            wrong = {
                name: came.get(name)
                for name, value in sent.items()
                if not _same(value, came.get(name), mutation.project)
            }
            yield expect(
                not wrong,
                "what deprecate set does not come back",
                mutation.exchange,
                sighting.exchange,
                expected=sent,
                observed=came,
            )


def _same(sent: Any, came: Any, project: str) -> bool:
    """Whether two texts are equal, mean the same instant, or name the same resource."""
    if timestamp(sent) is not None:
        return timestamp(sent) == timestamp(came)
    return may_come_back(sent, came, project)


RULES.add(
    request_rule(
        "deprecate.use-obsolete",
        "doc",
        "An OBSOLETE or DELETED image cannot be a source; a DEPRECATED one can, with a warning that names its "
        "replacement.",
        "Fields > deprecated.state",
        "The use of OBSOLETE and DELETED resources is said to be rejected, that of DEPRECATED ones to "
        "succeed with a warning that recommends the replacement.",
        needs=("deprecate",),
        also=lambda history: _warned(history),
    )
)


def _warned(history: History) -> Iterator[Finding]:
    """The use of a DEPRECATED image succeeds with a warning, and the warning names the replacement, if there is one."""
    for deprecation, _ in _deprecations(history):
        if deprecation.body.get("state") != "DEPRECATED":
            continue
        for insert in history.created:
            deprecated = f"projects/{deprecation.project}/global/images/{deprecation.image}"
            used = same_resource(insert.view.text("sourceImage"), deprecated, insert.project)
            if (
                not used
                or not after(deprecation.exchange, insert.exchange)
                or insert.operation is None
                or insert.operation.final is None
            ):
                continue
            warnings = insert.operation.final.value.get("warnings")
            replacement = deprecation.view.text("replacement")
            wanted = [str(insert.view.text("sourceImage")).rsplit("/", 1)[-1], replacement.rsplit("/", 1)[-1]]
            told = is_set(warnings) and all(name in str(warnings) for name in wanted)
            yield expect(
                told,
                "the use of a deprecated image gives no warning that names it and its replacement",
                deprecation.exchange,
                insert.exchange,
                insert.operation.final.exchange,
                expected=f"a warning that names {' and '.join(filter(None, wanted))}",
                observed=warnings,
            )
