"""Faults: ways in which the emulator is broken on purpose, each breaking one rule."""

from __future__ import annotations

from dataclasses import replace

from conformance.emulator.faults import (
    access,
    answers,
    identity,
    images,
    lists,
    operations,
    order,
    refusals,
    request_ids,
    requests,
    types,
)
from conformance.emulator.faults.row import Fault

_REPLAYS = ("request-id.replay-same-operation", "request-id.replay-while-running", "request-id.replay-after-done")
_MOVING = ("operation.identity-immutable", "operation.agrees", "operation.done-is-final")

_ALSO: dict[str, tuple[str, ...]] = {
    "request-id.replay-same-operation/never-recognised": (*_REPLAYS, "request-id.*"),
    "request-id.replay-same-operation/new-operation": (
        *_REPLAYS,
        "operation.name",
        "operation.self-link",
        "operation.target-id",
        "request-id.*",
    ),
    "request-id.replay-same-operation/new-insert-time": (*_REPLAYS, *_MOVING),
    "request-id.replay-creates-nothing/second-image": (
        *_REPLAYS,
        "request-id.*",
        "image.name.unique",
        "image.id",
        "image.creation-timestamp",
        "image.status",
    ),
    "request-id.replay-other-body/carried-out": ("image.name.unique",),
    "request-id.replay-while-running/only-when-done": (*_REPLAYS, "request-id.delete-replay"),
    "request-id.replay-after-done/only-while-running": _REPLAYS,
    "request-id.replay-after-done/forgotten-soon": (
        *_REPLAYS,
        "request-id.replay-after-delete",
        "request-id.delete-replay",
    ),
    "request-id.replay-after-lost-response/forgotten": _REPLAYS,
    "request-id.replay-after-lost-response/second-image": (
        *_REPLAYS,
        "request-id.replay-creates-nothing",
        "image.name.unique",
    ),
    "request-id.client-operation-id/missing-on-polls": _MOVING,
    "image.license-codes.exact/double": (
        "image.license-codes.round-trip",
        "image.license-codes.format",
        "image.type.licenseCodes",
    ),
    "life.list-filter/ignored": ("life.list-filter-forms",),
    "image.disk-size-gb/number": ("image.type.diskSizeGb",),
    "image.license-codes.format/numbers": ("image.type.licenseCodes",),
    "image.id/number": ("image.type.id",),
    "image.id/changes": ("operation.target-id", "operation.success-means-ready"),
    "image.creation-timestamp/no-offset": ("image.type.creationTimestamp",),
    "image.status/unknown": ("operation.success-means-ready",),
    "image.archive-size-bytes/number": ("image.type.archiveSizeBytes",),
    "deprecate.state/ignored": ("deprecate.round-trip",),
    "operation.id/number": ("operation.type.id",),
    "operation.name/other-on-polls": _MOVING,
    "operation.target-id/own-id": ("operation.success-means-ready",),
    "operation.status-monotonic/done-then-running": ("operation.wait",),
    "operation.wait/older": ("operation.status-monotonic",),
    "operation.identity-immutable/wait-user": ("operation.agrees", "operation.done-is-final"),
    "operation.identity-immutable/insert-time": (*_MOVING, "operation.times"),
    "image.type.deprecated.state/number": ("image.deprecated.timestamps",),
    "image.type.architecture/number": ("image.architecture",),
    "operation.identity-immutable/user": _MOVING,
    "operation.progress/text": ("operation.type.progress",),
    "operation.times/no-offset": ("operation.type.startTime",),
    "operation.end-time/early": _MOVING,
    "operation.failure-means-none/stored": ("life.failed-insert-leaves-nothing",),
    "operation.warning-shape/no-message": ("deprecate.use-obsolete",),
    "operation.type.warnings.data.value/number": ("operation.warning-shape", "deprecate.use-obsolete"),
    "transport.json/html": ("transport.no-internals",),
    "deprecate.round-trip/state-only": ("image.deprecated.timestamps",),
    "life.isolation/shared-labels": ("image.labels.round-trip",),
    "request-id.scoped-to-project/global": ("operation.target-link", "operation.success-means-ready"),
}
"""The rules that a fault breaks beside its own by what they say."""

_ROWS: tuple[Fault, ...] = (
    *requests.FAULTS,
    *refusals.FAULTS,
    *request_ids.FAULTS,
    *images.FAULTS,
    *operations.FAULTS,
    *answers.FAULTS,
    *types.FAULTS,
    *access.FAULTS,
    *identity.FAULTS,
    *lists.FAULTS,
    *order.FAULTS,
)

FAULTS: tuple[Fault, ...] = tuple(replace(fault, also=_ALSO.get(fault.id, fault.also)) for fault in _ROWS)

__all__ = ["FAULTS", "Fault"]
