"""Variants: correct emulators, each of which uses a freedom that the contract leaves."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from itertools import count, cycle
from typing import Any

from conformance.emulator import checks
from conformance.emulator.behaviour import Answer, Behaviour, Call, Resource
from conformance.emulator.errors import ApiError, not_found
from conformance.emulator.faults.refusals import FIELDS, refuse_field
from conformance.emulator.faults.row import Change, shown_image, shown_operation, stored, switched
from conformance.emulator.variants import connections, fields, refusals, replays, timing
from conformance.emulator.variants.row import Variant, both, refuse_if, together

LATE_SECONDS = 0.05
"""How long the variants that show things late do so."""

OK = 200
FEW = 12

PROJECT_NUMBER = "123456789012"
PROJECT_ID = "conformance"

TIMES = ("insertTime", "startTime", "endTime", "creationTimestamp")


def _in_seconds(resource: Resource) -> None:
    for name in TIMES:
        if resource.get(name):
            resource[name] = re.sub(r"\.\d+", "", resource[name])


def _in_nanoseconds(resource: Resource) -> None:
    for name in TIMES:
        if resource.get(name):
            resource[name] = re.sub(r"\.(\d+)", r".\g<1>000001", resource[name])


def _key(body: dict[str, Any], name: str) -> dict[str, Any]:
    key = body.get(name)
    return key if isinstance(key, dict) else {}


def _output_only(body: dict[str, Any]) -> bool:
    names = {
        "kind",
        "id",
        "creationTimestamp",
        "selfLink",
        "status",
        "sourceDiskId",
        "sourceImageId",
        "sourceSnapshotId",
    }
    names |= {"satisfiesPzs", "satisfiesPzi", "enableConfidentialCompute", "labelFingerprint"}
    return any(body.get(name) for name in names) or any(_key(body, key).get("sha256") for key in checks.KEYS)


def _now_and_then(behaviour: Behaviour) -> None:
    """Answers every 25th request 429 or 503, with advice to try again at once."""
    count = [0]

    def guard(call: Call) -> None:
        del call
        count[0] += 1
        if count[0] % 25 == 0:
            raise ApiError(429 if count[0] % 50 else 503, "rateLimitExceeded", "Try again.")

    def advise(answer: Answer, call: Call) -> None:
        del call
        if answer.status in (429, 503):
            answer.headers["retry-after"] = "0"

    behaviour.on_request.insert(0, guard)
    behaviour.on_answer.append(advise)


def _compressed(answer: Answer, call: Call) -> None:
    answer.compressed = "gzip" in call.headers.get("accept-encoding", "")


def _closed(answer: Answer, call: Call) -> None:
    del call
    answer.headers["connection"] = "close"


def _http_1_0(behaviour: Behaviour) -> None:
    behaviour.http_1_0 = True
    behaviour.on_answer.append(_closed)


def _indented(answer: Answer, call: Call) -> None:
    del call
    answer.written = lambda body: f"{json.dumps(body, indent=2, ensure_ascii=True)}\n"


def _late(*fields: str, seconds: float = LATE_SECONDS, flickers: bool = False) -> Change:
    """Shows changed fields of images a moment after the change, or until then at every other look only."""

    def change(behaviour: Behaviour) -> None:
        shown: dict[str, dict[str, Any]] = {}
        changed: dict[str, float] = {}
        looks: Counter[str] = Counter()

        def hook(image: Resource, call: Call, times: int) -> None:
            del call, times
            current = {name: image.get(name) for name in fields}
            before = shown.setdefault(image["id"], current)
            if current != before and time.time() - changed.setdefault(image["id"], time.time()) < seconds:
                looks[image["id"]] += 1
                if flickers and looks[image["id"]] % 2:
                    return
                image.update(before)
                for name in (name for name, value in before.items() if value is None):
                    del image[name]
            elif current != before:
                shown[image["id"]] = current
                del changed[image["id"]]

        behaviour.on_image.append(hook)

    return change


def _first_look_fails(behaviour: Behaviour) -> None:
    """Does not find an operation that is looked at for the first time."""
    seen: set[tuple[str, str]] = set()

    def guard(call: Call) -> None:
        look = (call.project, call.name)
        if call.method in ("globalOperations.get", "globalOperations.wait") and look not in seen:
            seen.add(look)
            raise not_found(f"projects/{call.project}/global/operations/{call.name}")

    behaviour.on_request.append(guard)


def _rate_limited(behaviour: Behaviour) -> None:
    """Answers every 20th request 403 for want of quota, without advice."""
    count = [0]

    def guard(call: Call) -> None:
        del call
        count[0] += 1
        if count[0] % 20 == 0:
            raise ApiError(403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries'.")

    behaviour.on_request.insert(0, guard)


def _few_images(behaviour: Behaviour) -> None:
    """Refuses inserts while a project has a dozen images beside those that it had in the beginning."""
    there: dict[str, set[str]] = defaultdict(set)

    def guard(call: Call) -> None:
        if call.method == "images.insert" and len(there[call.project]) >= FEW:
            raise ApiError(403, "quotaExceeded", f"Quota 'IMAGES' exceeded. Limit: {FEW}.0 globally.")

    def note(answer: Answer, call: Call) -> None:
        image = answer.body.get("targetId") if answer.status == OK else None
        if image and call.method == "images.insert":
            there[call.project].add(image)
        elif image and (call.method == "images.delete" or answer.body.get("error")):
            there[call.project].discard(image)

    behaviour.on_request.append(guard)
    behaviour.on_answer.append(note)


def _mishaps(behaviour: Behaviour) -> None:
    """Lets the operation of every 12th insert fail for a reason of the server's own."""
    reasons = cycle(
        (
            (429, "RESOURCE_OPERATION_RATE_EXCEEDED", "Operation rate exceeded for the resource."),
            (403, "QUOTA_EXCEEDED", "Quota 'IMAGES' exceeded. Limit: 100.0 globally."),
            (503, "ZONE_RESOURCE_POOL_EXHAUSTED", "There are not enough resources available."),
            (500, "INTERNAL_ERROR", "Internal error. Please try again."),
        )
    )
    inserts = count(1)
    behaviour.mishap = lambda call: None if next(inserts) % 12 else next(reasons)


def _details(answer: Answer, call: Call) -> None:
    del call
    if answer.status >= 400:
        answer.body["error"]["status"] = "FAILED_PRECONDITION"
        answer.body["error"]["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "INVALID"}]


def _pages_of_one(call: Call) -> None:
    if call.method == "images.list" and call.query.get("maxResults", "0").isdecimal():
        call.query["maxResults"] = "1"


def _version_suffix(image: Resource, call: Call, times: int) -> None:
    del call, times
    key = image.get("imageEncryptionKey") or {}
    if key.get("kmsKeyName"):
        key["kmsKeyName"] += "/cryptoKeyVersions/1"


def _target_when_done(operation: Resource, call: Call, times: int) -> None:
    del call, times
    if operation["status"] != "DONE":
        operation.pop("targetId", None)


def _id_when_ready(image: Resource, call: Call, times: int) -> None:
    del call, times
    if image["status"] == "PENDING":
        image.pop("id", None)


def _start_when_running(operation: Resource, call: Call, times: int) -> None:
    del call, times
    if operation["status"] == "PENDING":
        operation.pop("startTime", None)


def _no(status: str, instead: str) -> Change:
    return shown_operation(
        lambda operation, call, times: operation.update(status=instead) if operation["status"] == status else None
    )


def _same_body_only(operation: Any, call: Call) -> bool:
    if call.method == "images.insert" and operation.body != call.body:
        raise ApiError(409, "conflict", "The requestId was used with another body.")
    return True


def _empties(resource: Resource) -> None:
    for name, value in (("description", ""), ("labels", {}), ("deprecated", None), ("warnings", []), ("zone", None)):
        resource.setdefault(name, value)


def _not_offered(methods: tuple[str, ...]) -> Change:
    return lambda behaviour: behaviour.unsupported.update(methods)


def _not_allowed(answer: Answer, call: Call) -> None:
    if answer.status == 501:
        answer.status = 405
        answer.body = ApiError(405, "httpMethodNotAllowed", f"{call.method} is not offered.").body()


REFUSABLE = (
    *("licenses", "licenseCodes", "userLicenses", "storageLocations", "imageEncryptionKey.kmsKeyName"),
    *("locked", "rolloutOverride", "deprecated"),
)
"""Fields that name what a target may not have, or set what it may reserve for others."""


VARIANTS: tuple[Variant, ...] = (
    *(
        Variant(f"no-{name}", f"every {path} is refused", refuse_field(path), (f"image.{name}.accepted",))
        for path, name, _ in FIELDS
        if path in REFUSABLE
    ),
    Variant("instant", "operations are DONE at once", switched(seconds=0.0)),
    Variant("slow", "operations take 300 ms", switched(seconds=0.3)),
    Variant("no-pending", "operations begin RUNNING", _no("PENDING", "RUNNING")),
    Variant("no-running", "operations are PENDING until they are DONE", _no("RUNNING", "PENDING")),
    Variant(
        "no-progress",
        "operations show no progress",
        shown_operation(lambda operation, call, times: operation.pop("progress")),
    ),
    Variant("whole-seconds", "times are in whole seconds", both(_in_seconds)),
    Variant("nanoseconds", "times are in nanoseconds", both(_in_nanoseconds)),
    Variant("own-links", "links name the host that was called", switched(link_base="")),
    Variant(
        "late-refusals",
        "refused fields make operations fail",
        switched(late_refusals=True),
        ("transport.refuse-at-once",),
    ),
    Variant("output-only-refused", "values for output-only fields are refused", refuse_if(_output_only, "resource")),
    Variant(
        "unknown-refused",
        "unknown fields are refused",
        refuse_if(lambda body: set(body) - set(checks.SHAPE) and not _output_only(body), "resource"),
    ),
    Variant("empty-fields", "unset fields are null, blank or empty", both(_empties)),
    Variant(
        "extra-fields",
        "answers have fields beyond the reference",
        both(lambda resource: resource.update(novelty={"a": 1})),
    ),
    Variant(
        "pages-of-one", "a page of a list holds one item", lambda behaviour: behaviour.on_request.append(_pages_of_one)
    ),
    Variant("now-and-then", "some requests are answered 429 or 503 with advice", _now_and_then),
    *(
        Variant(
            f"no-{name}",
            f"{', '.join(methods)} are not offered",
            _not_offered(methods),
        )
        for name, methods in (
            ("wait", ("globalOperations.wait",)),
            ("list", ("images.list",)),
            ("operations-list", ("globalOperations.list",)),
            ("patch", ("images.patch",)),
            ("set-labels", ("images.setLabels",)),
            ("deprecate", ("images.deprecate",)),
            ("families", ("images.getFromFamily", "imageFamilyViews.get")),
            ("family-views", ("imageFamilyViews.get",)),
            ("source-looks", ("disks.get", "snapshots.get")),
        )
    ),
    Variant(
        "not-allowed",
        "patch, setLabels, deprecate and wait are not offered, and answered 405",
        together(
            _not_offered(("images.patch", "images.setLabels", "images.deprecate", "globalOperations.wait")),
            lambda behaviour: behaviour.on_answer.append(_not_allowed),
        ),
    ),
    Variant(
        "no-customer-keys",
        "customer-supplied keys are refused",
        refuse_if(
            lambda body: any(_key(body, key).get("rawKey") for key in checks.KEYS), "resource.imageEncryptionKey"
        ),
    ),
    Variant(
        "standard-base64",
        "fingerprints are in the standard alphabet of base64",
        shown_image(
            lambda image, call, times: image.update(
                labelFingerprint=image["labelFingerprint"].translate(str.maketrans("-_", "+/"))
            )
        ),
    ),
    Variant(
        "counted-fingerprints",
        "the fingerprint of an image's labels is the number of their changes",
        switched(counted_fingerprints=True),
    ),
    Variant("kms-version", "KMS keys come back with a version", shown_image(_version_suffix)),
    Variant("compressed", "answers are compressed", lambda behaviour: behaviour.on_answer.append(_compressed)),
    Variant(
        "connection-close",
        "connections are closed after each answer",
        lambda behaviour: behaviour.on_answer.append(_closed),
    ),
    Variant("http-1.0", "answers are in HTTP/1.0", _http_1_0),
    Variant(
        "chunked",
        "answers come in chunks",
        lambda behaviour: behaviour.on_answer.append(lambda answer, call: setattr(answer, "chunked", True)),
    ),
    Variant("indented", "answers are indented, and in ASCII", lambda behaviour: behaviour.on_answer.append(_indented)),
    Variant(
        "bare-content-type",
        "the content type names no charset",
        lambda behaviour: behaviour.on_answer.append(
            lambda answer, call: answer.headers.update({"content-type": "application/json"})
        ),
    ),
    Variant(
        "no-error-list",
        "errors have no errors[]",
        lambda behaviour: behaviour.on_answer.append(
            lambda answer, call: answer.body["error"].pop("errors") if answer.status >= 400 else None
        ),
        ("transport.error-list",),
    ),
    Variant("late-labels", "changed labels are seen a moment later", _late("labels", "labelFingerprint")),
    Variant(
        "flickering-labels",
        "for a moment after a change every other look shows the old labels",
        _late("labels", "labelFingerprint", seconds=0.3, flickers=True),
    ),
    Variant(
        "late-changes",
        "what patch and deprecate change is seen a moment later",
        _late("description", "family", "deprecated"),
    ),
    Variant("late-operations", "an operation is not found at the first look", _first_look_fails),
    Variant(
        "late-images",
        "an image is not found for a moment after DONE",
        switched(seen_after={"images.get": LATE_SECONDS}),
    ),
    Variant("few-images", "a project may have a dozen images at a time", _few_images),
    Variant("mishaps", "some inserts fail for a reason of the server's own", _mishaps),
    Variant("rate-limits", "some requests are answered 403 for want of quota", _rate_limited),
    Variant(
        "project-number",
        "a project that is called by its number is named by its id",
        switched(numbers={PROJECT_NUMBER: PROJECT_ID}),
        project=PROJECT_NUMBER,
    ),
    Variant("image-when-ready", "an image is not shown before it is READY", switched(hides_pending=True)),
    Variant(
        "error-details", "errors have a status and details too", lambda behaviour: behaviour.on_answer.append(_details)
    ),
    Variant("target-when-done", "targetId is there only when DONE", shown_operation(_target_when_done)),
    Variant(
        "id-when-ready",
        "an image has an id from READY on",
        together(shown_image(_id_when_ready), shown_operation(_target_when_done)),
        ("image.id",),
    ),
    Variant("start-when-running", "startTime is there from RUNNING on", shown_operation(_start_when_running)),
    Variant(
        "deprecated-dropped",
        "the deprecation of an insert is dropped",
        stored(lambda fields, body: fields.update(deprecated=None)),
    ),
    Variant(
        "rollout-dropped",
        "rollout policies are dropped",
        stored(lambda fields, body: fields.update(rolloutOverride=None)),
    ),
    Variant(
        "user-licenses-dropped",
        "user licences are dropped",
        stored(lambda fields, body: fields.update(userLicenses=None)),
    ),
    Variant("other-body-refused", "a changed body under a used requestId is refused", switched(replay=_same_body_only)),
    *fields.ROWS,
    *refusals.ROWS,
    *replays.ROWS,
    *timing.ROWS,
    *connections.ROWS,
)

__all__ = ["VARIANTS", "Variant"]
