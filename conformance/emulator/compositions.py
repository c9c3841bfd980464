"""Compositions: emulators with many faults at once, as half-built and lax implementations have them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance.emulator.faults import FAULTS

_NOTHING_CHECKED = ("*/unchecked", "transport.wrong-type.*", "image.name.required/made-up")
_EVERYTHING_KEPT = (
    *("image.output-only.satisfies*", "image.output-only.enable*", "image.output-only.source*Id/*"),
    *("image.output-only.*.sha256/*", "transport.unknown-field/stored", "encryption.never-echoed/in-image"),
)
_NO_MEMORY = ("request-id.replay-same-operation/never-recognised",)
_LABELS_OPEN = ("labels.fingerprint-required/ignored",)
NEEDS_THE_REST = ("access.*", "life.insert/*", "source.image.not-ready/*", "encryption.required-for-source/*")
"""Faults that a pattern does not mean: they show only where the rest of the target is finished."""


@dataclass(frozen=True)
class Composition:
    """Many faults at once.

    Args:
        id: the name by which it is switched on.
        sentence: what kind of target it is.
        patterns: globs of the faults that it has.
        variants: the freedoms of the contract that it uses as well.
        also: globs of rules that these faults break together, and none of them alone.
    """

    id: str
    sentence: str
    patterns: tuple[str, ...]
    variants: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults, in the order of their table."""
        return tuple(
            fault.id
            for fault in FAULTS
            if any(fnmatchcase(fault.id, glob) for glob in self.patterns)
            and (fault.id in self.patterns or not any(fnmatchcase(fault.id, glob) for glob in NEEDS_THE_REST))
        )


COMPOSITIONS: tuple[Composition, ...] = (
    Composition(
        "dictionary-mock",
        "a mock that keeps all projects in one dictionary, checks nothing, and numbers what should be text",
        (
            *_NOTHING_CHECKED,
            *_EVERYTHING_KEPT,
            *_NO_MEMORY,
            *_LABELS_OPEN,
            *("transport.project-isolation/one-store", "transport.error-envelope/text", "image.id/number"),
            *("operation.id/number", "labels.fingerprint-changes/fixed", "operation.name/of-the-moment"),
            *("life.list-filter-forms/no-patterns", "life.list-order/ignored"),
        ),
        variants=("no-operations-list", "no-wait"),
        also=("image.disk-size-gb.round-trip", "operation.target-link"),
    ),
    Composition(
        "generated-mock",
        "a mock with typed fields and little behind them: nothing but types is checked, and families are one image",
        (
            *("*/unchecked",),
            *_EVERYTHING_KEPT,
            *_NO_MEMORY,
            *_LABELS_OPEN,
            *(
                "family.latest/one-for-all",
                "image.storage-locations.round-trip/fixed",
            ),
        ),
        variants=("no-deprecate", "no-list", "no-operations-list"),
    ),
    Composition(
        "gateway-without-operations",
        "a gateway that does everything at once, and makes up operations that cannot be asked for",
        (
            *("operation.name/missing", "operation.times/no-insert-time", "operation.end-time/missing"),
            *("operation.target-link/missing", "request-id.client-operation-id/missing", "operation.progress/text"),
            *("life.get-by-id/refused", "image.label-fingerprint.format/missing", "operation.self-link/other"),
            *_NO_MEMORY,
        ),
        variants=("instant", "no-wait", "no-operations-list"),
    ),
    Composition(
        "borrowed-operations",
        "a mock with the operations of another API: paths for names, done for a status, and errors answered 200",
        (
            *("operation.name/path", "operation.status/done-instead", "operation.progress/text"),
            *("image.name.pattern/path", "transport.error-envelope/answered-200", "image.self-link/relative"),
            *("operation.type/verb", "operation.target-link/missing", "request-id.client-operation-id/missing"),
            *("image.labels.limits/unchecked", "image.family.pattern/unchecked"),
            *_NO_MEMORY,
            *_LABELS_OPEN,
        ),
        variants=("instant", "no-wait", "no-operations-list"),
        also=("life.list-*",),  # a filter for a name finds none
    ),
    Composition(
        "store-without-uniqueness",
        "a store that keeps whatever comes, two images of one name as well",
        (
            *("image.name.unique/twins", "labels.fingerprint-required/ignored", "image.self-link/relative"),
            *("request-id.delete-replay/not-found", "life.list-filter/ignored", "family.latest/oldest"),
            *("image.*/unchecked",),
            *_NO_MEMORY,
        ),
        also=("life.concurrent-*", "request-id.replay-*", "source.image.family-url"),
    ),
    Composition(
        "write-only",
        "a target that takes everything and shows nothing: each get is answered 404",
        (
            *("operation.success-means-ready/never-got",),
            *_NOTHING_CHECKED,
            *("image.output-only.*/taken-over", "image.labels.round-trip/blank-dropped"),
            *("operation.kind/image", "operation.type/verb", "operation.scope/zone", "operation.self-link/other"),
            *("request-id.client-operation-id/lower-case", "transport.success-status/201"),
        ),
        also=("image.disk-size-gb.round-trip",),
    ),
    Composition(
        "choosy",
        "a target that refuses nearly all that is not the plainest insert",
        (
            *(
                "*/refused",
                "*/63-refused",
                "*/1-refused",
                "*/double-dash-refused",
                "*/version-4-only",
                "*/true-refused",
            ),
            *("transport.empty-field/*", "transport.json-form/*", "transport.client-headers/*", "*/get-alt-refused"),
            *("transport.error-list/missing", "transport.error-reason/wrong", "transport.no-internals/stack-trace"),
        ),
        variants=("no-set-labels", "no-deprecate", "no-patch", "no-families", "no-customer-keys", "no-wait"),
        also=("image.name.distinct",),
    ),
    Composition(
        "forgetful-retries",
        "a finished target but for its retries: each kind of replay goes wrong in a way of its own",
        (
            *("request-id.replay-after-done/forgotten-soon", "request-id.replay-key-order/*", "request-id.case/*"),
            *("request-id.replay-other-body/carried-out", "request-id.delete-replay/not-found"),
            *("request-id.refused-not-remembered/remembered", "request-id.client-operation-id/blank-without"),
            *("request-id.zero-refused/unchecked", "request-id.malformed-refused/unchecked", "life.delete/image-stays"),
        ),
        also=("request-id.replay-*",),
    ),
    Composition(
        "untyped-answers",
        "a target whose answers are in types of its own",
        (
            *("image.type.satisfies*", "image.type.enable*", "image.type.locked/*", "image.type.diskSizeGb/*"),
            *(
                "image.type.description/*",
                "image.type.labels/text",
                "image.type.guestOsFeatures/text",
                "image.type.family/*",
            ),
            *(
                "image.type.sourceImage*",
                "image.type.deprecated/text",
                "image.type.rawDisk/text",
                "image.type.architecture/*",
            ),
            *("operation.type.user/*", "operation.type.description/*", "operation.type.statusMessage/*"),
            *("operation.type.progress/*", "operation.type.clientOperationId/*", "operation.type.targetId/*"),
            *("operation.type.error.errors/text", "operation.type.warnings/text", "transport.json/text"),
        ),
    ),
)
