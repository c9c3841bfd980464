"""What can be otherwise about the emulator: the switches and hooks that faults and variants turn.

The clean emulator has none of them set. Every hook is called at one place, so that a fault is one row with one small
function.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Resource = dict[str, Any]


@dataclass
class Call:
    """One request, as hooks see it: `path` is as it was sent; `method` is "" where there is no such method."""

    method: str
    project: str
    name: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    version: str
    path: str = ""
    verb: str = ""


def _json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


@dataclass
class Answer:
    """One answer, as hooks see it and may change it.

    Args:
        raw: what is sent instead of `body`.
        written: how `body` becomes text, once all hooks have seen it.
        compressed, chunked: whether it is sent compressed, or piece by piece.
    """

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    written: Callable[[Any], str] = _json
    compressed: bool = False
    chunked: bool = False


@dataclass
class Behaviour:
    """The switches and hooks.

    Args:
        seconds: how long an operation takes; it is PENDING for the first third of that.
        tokens: the bearer tokens of callers who may do everything; without any nobody is asked who they are.
        limited: the bearer tokens of callers who may not do all, with what they are: forbidden, scoped, labels, source.
        link_base: scheme and host of all links; "" for those under which the emulator was called.
        unchecked: checks of requests that are left out, by name.
        unsupported: API methods that are answered 501.
        late_refusals: whether refusals of fields come as operations that fail.
        hides_pending: whether an image is not shown before it is READY.
        late_lookups, late_conflicts: whether it is the operation that tells of a source that cannot be used, or a
            taken name.
        waits_for_sources: whether an insert from an image that is PENDING waits until that is READY.
        replays_anew: whether a replay is answered with an operation of its own, about the first one's image.
        deletes_at_once: whether an image is gone before the operation that deletes it is DONE.
        late_misses: whether it is the operation that tells of a delete that there is no image.
        busy_images: whether an image that is PENDING can be neither changed nor deleted.
        late_preconditions: whether it is the operation that tells of a fingerprint that is not the current one.
        deletes_cancel: whether the insert of an image that is deleted while it is PENDING fails.
        slow_changes: whether the operations of other changes than inserts and deletes take their time.
        failed_images_stay: whether an insert that fails leaves an image behind, with status FAILED.
        counted_fingerprints: whether the fingerprint of an image's labels is the number of their changes.
        seen_after: seconds after it is READY from which on a method shows an image, by method.
        wait_seconds: how long wait waits at most.
        retention_seconds: how long an operation is remembered after it was DONE.
        idle_seconds: how long a connection is kept open that nobody uses.
        own_date: whether hooks write the Date of answers.
        http_1_0: whether answers are in HTTP/1.0.
        one_connection: whether connections wait until the one before is closed.
        takes_incomplete: whether what arrived of a request is taken for all of it where the client hung up in its
            middle.
        deletes_successors: whether a name is free while its image is being deleted, and the deletion takes the next
            one too.
        forgets_unread: whether the requestId of a client that hangs up before its answer is forgotten.
        keeps_name_after_delete, keeps_image_after_delete: whether a deletion is carried out in part only.
        conflicts: whether a name is taken by an image of an age, in seconds.
        answer_delay: seconds that the answer to a change is held back, after all is done.
        remembers_refusals: whether a refused request uses up its requestId.
        recognises_without_request_id: whether requests without a requestId are taken for replays as well.
        stale_labels_win: whether setLabels needs no current fingerprint, by the seconds since the last change of
            labels.
        stored_when_refused, stored_when_failed: whether such an insert makes its image all the same.
        rival: whether somebody else changes the labels of an image just before its first setLabels.
        restless_fingerprints: whether the fingerprint of labels changes with every look at them.
        shares_labels: whether images with the same labels change them together.
        one_store: whether all projects see the same images.
        doubles_replays: whether a replayed insert makes a second image under a name of its own.
        numbers: the ids of projects by the numbers under which they can be called as well.
        keeps_twins: whether an image stays beside another of its name.
        operation_name: makes the name of an operation, from the seconds since the epoch at which it begins.
        on_request: may change a call before anything is done with it, or raise a refusal.
        on_store: may change an image before it is stored; gets the call's body too.
        on_change: may change an image once a request has changed it; gets the image as it is kept, its fields of
        before, and the call. on_image: may change an image before it is answered; gets how often it was answered
        before. on_operation: may change an operation before it is answered; gets how often it was answered before.
        on_answer: may change any answer. revenant: finds an image that is gone, for a delete of its name. mishap:
        what an insert fails of that is not its fault: status, code and message. replay:
        decides whether a request that bears a known requestId is a replay. request_key: what a requestId is known
        under.
    """

    seconds: float = 0.02
    tokens: frozenset[str] = frozenset()
    limited: Mapping[str, str] = field(default_factory=dict)
    link_base: str = "https://www.googleapis.com"
    unchecked: set[str] = field(default_factory=set)
    unsupported: set[str] = field(default_factory=set)
    late_refusals: bool = False
    keeps_name_after_delete: bool = False
    keeps_image_after_delete: bool = False
    conflicts: Callable[[float], bool] = lambda age: True
    answer_delay: float = 0.0
    forgets_unread: bool = False
    takes_incomplete: bool = False
    hides_pending: bool = False
    late_lookups: bool = False
    late_conflicts: bool = False
    waits_for_sources: bool = False
    replays_anew: bool = False
    failed_images_stay: bool = False
    counted_fingerprints: bool = False
    deletes_at_once: bool = False
    late_misses: bool = False
    busy_images: bool = False
    late_preconditions: bool = False
    deletes_cancel: bool = False
    slow_changes: bool = False
    seen_after: dict[str, float] = field(default_factory=dict)
    wait_seconds: float = 120.0
    retention_seconds: float = float("inf")
    idle_seconds: int = 5
    own_date: bool = False
    http_1_0: bool = False
    one_connection: bool = False
    deletes_successors: bool = False
    remembers_refusals: bool = False
    recognises_without_request_id: bool = False
    stale_labels_win: Callable[[float], bool] = lambda age: False
    stored_when_refused: bool = False
    stored_when_failed: bool = False
    rival: bool = False
    restless_fingerprints: bool = False
    shares_labels: bool = False
    one_store: bool = False
    doubles_replays: bool = False
    numbers: dict[str, str] = field(default_factory=dict)
    keeps_twins: bool = False
    operation_name: Callable[[float], str] = lambda moment: (
        f"operation-{int(moment * 1000)}-{secrets.token_hex(7)[:13]}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    )
    on_request: list[Callable[[Call], None]] = field(default_factory=list)
    on_store: list[Callable[[Resource, Resource], None]] = field(default_factory=list)
    on_change: list[Callable[[Any, Resource, Call], None]] = field(default_factory=list)
    on_image: list[Callable[[Resource, Call, int], None]] = field(default_factory=list)
    on_operation: list[Callable[[Resource, Call, int], None]] = field(default_factory=list)
    on_answer: list[Callable[[Answer, Call], None]] = field(default_factory=list)
    revenant: Callable[[Call], Any] = lambda call: None
    mishap: Callable[[Call], tuple[int, str, str] | None] = lambda call: None
    replay: Callable[[Any, Call], bool] = lambda operation, call: True
    request_key: Callable[[Call], tuple[str, ...]] = lambda call: (
        call.project,
        call.method,
        call.query.get("requestId", "").lower(),
    )
