"""Rules about the query of an insert and about its sources (areas force-create and source)."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from conformance.contract.areas.family import as_sources
from conformance.contract.fields import type_rules
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.lateness import MOMENT_SECONDS
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.request_view import BOOLEANS, RequestView
from conformance.contract.requests import blamed_though_right, request_rule
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.exchange import Exchange
from conformance.trace.formats import timestamp
from conformance.trace.links import may_come_back, named, same_project

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""


COMES_BACK = ("life.get-after-done", "operation.success-means-ready")
"""What every rule stands on that compares a request with the image that it made."""


SOURCE_FIELDS = {"disk": "sourceDisk", "image": "sourceImage", "snapshot": "sourceSnapshot"}

_SHAPES = {
    "disk": re.compile(r"(?:^|/)(?:zones|regions)/[^/\s]+/disks/[^/\s]+/?$"),
    "image": re.compile(r"(?:^|/)(?:global/)?images/(?:family/)?[^/\s]+/?$"),
    "snapshot": re.compile(r"(?:^|/)(?:global/|regions/[^/\s]+/)?snapshots/[^/\s]+/?$"),
}
_IN_USE = re.compile("resourceInUseByAnotherResource|RESOURCE_IN_USE_BY_ANOTHER_RESOURCE")
_STORAGE = re.compile(
    r"^(?:https?://(?:[^/\s]+\.)?(?:commondata)?storage\.(?:googleapis|cloud\.google)\.com/|https?://www\.googleapis\.com/storage/|gs://|.*packages/)"
)


def sources(view: RequestView) -> list[str]:
    """The sources that an insert names, each of the kinds of SOURCE_FIELDS or `raw-disk`."""
    named = [kind for kind, name in SOURCE_FIELDS.items() if is_set(view.body.get(name))]
    raw_disk = view.body.get("rawDisk")
    source = raw_disk.get("source") if isinstance(raw_disk, dict) else raw_disk
    return named + (["raw-disk"] if is_set(source) else [])


def _forced_in_vain(history: History) -> Iterator[Finding]:
    """In a recording, an insert that is to be forced does not come to nothing since its disk is in use."""
    for insert in history.inserts if history.trace.recorded else ():
        if insert.exchange.intent is not None or insert.view.parameter("forceCreate").lower() != "true":
            continue
        final = insert.operation.final if insert.operation else None
        told = final.value.get("error") if final else insert.exchange.error
        if insert.view.text("sourceDisk") and insert.outcome in ("refused", "failed") and _IN_USE.search(str(told)):
            yield expect(
                False,
                "an insert that is to be forced comes to nothing since its disk is in use",
                insert.exchange,
                expected="success",
                observed=told,
            )


RULES.add(
    request_rule(
        "force-create.boolean",
        "doc",
        "forceCreate may be true, false or absent: each inserts.",
        "Query parameters > forceCreate",
        "forceCreate is typed as a boolean that forces the creation, so true and false are values that a "
        "client may give, and so is none.",
        also=blamed_though_right("forceCreate", lambda view: view.parameter("forceCreate") in ("true", "false")),
    )
)
RULES.add(
    request_rule(
        "force-create.not-boolean",
        "conv",
        "A forceCreate that is no boolean is refused.",
        "Query parameters > forceCreate",
        "The type is boolean, but what becomes of other texts is not said; Google's APIs answer 400 to a "
        "parameter that they cannot parse.",
        lambda view: view.parameter("forceCreate").lower() not in BOOLEANS,
    )
)
RULES.add(
    request_rule(
        "force-create.in-use",
        "doc",
        "An insert from a disk that a running instance uses is accepted with forceCreate=true; by convention it is "
        "refused without.",
        "Query parameters > forceCreate",
        "true is said to force the creation, so that the disk is in use is no reason against it; that it is one "
        "without is left unsaid, and the real service's way.",
        conventional=lambda view: view.parameter("forceCreate").lower() != "true",
        needs=("source.attached_disk",),
        also=lambda history: _forced_in_vain(history),
    )
)
RULES.add(
    request_rule(
        "source.required",
        "doc",
        "An insert that names none of rawDisk.source, sourceDisk, sourceImage and sourceSnapshot fails, and no image "
        "exists.",
        "Fields > rawDisk.source",
        "One of the four source URLs is called a must for the creation of an image, so an insert without any "
        "cannot make one.",
        lambda view: view.is_object and not sources(view),
        no_image=True,
    )
)
RULES.add(
    request_rule(
        "source.exclusive",
        "conv",
        "An insert that names two sources at once fails, and no image exists.",
        "Fields > rawDisk.source",
        "The list of sources does not say that they exclude each other; the real service wants exactly one, "
        "as the text of its refusal says.",
        lambda view: len(sources(view)) > 1,
        no_image=True,
    )
)
RULES.add(
    request_rule(
        "source.raw-disk",
        "doc",
        "The URL of a Cloud Storage object is accepted as rawDisk.source.",
        "Fields > rawDisk.source",
        "rawDisk.source is the first of the URLs from which an image may be made, so one that names an "
        "archive in Cloud Storage is accepted.",
        needs=("source.raw_disk",),
    )
)
RULES.add(
    request_rule(
        "source.raw-disk.malformed",
        "conv",
        "A rawDisk.source that is no Cloud Storage URL is refused.",
        "Fields > rawDisk.source",
        "A Cloud Storage URL is what the field is for, but the reference lists no formats; the real service "
        "refuses other URLs as not supported.",
        lambda view: bool(view.text("rawDisk", "source")) and not _STORAGE.match(view.text("rawDisk", "source")),
        looked_up=True,
        witness="source.raw-disk",
    )
)
RULES.add(
    request_rule(
        "source.image.family-url",
        "conv",
        "An image family URL as sourceImage stands for the family's latest image.",
        "Fields > sourceImage",
        "The field speaks of the URL of an image, and families are promised for disks only; that a family "
        "URL works here is known from clients such as gcloud.",
        needs=("family",),
        also=as_sources,
    )
)


def births_of(history: History, source: str, user: Mutation) -> list[Mutation]:
    """The one insert of the image that another names as its source; none where several had that name."""
    births = history.births_at(source, user.project)
    found = [insert for insert in births if insert is not user and insert.outcome != "refused"]
    return found if len(found) == 1 else []


def _used_too_early(history: History) -> Iterator[Finding]:
    """An image that is there while its source, and the operation that makes that one, are still under way, or although
    its source has failed."""
    births = {history.identifier(insert): insert for insert in history.inserts}
    unfinished: dict[str, list[Sighting]] = defaultdict(list)
    for look in history.every_sighting:
        if look.value.get("status") in ("PENDING", "FAILED"):
            unfinished[str(look.value.get("id"))].append(look)
    for insert in history.inserts:
        seen = history.results(insert)[:1] if insert.outcome == "succeeded" else ()
        used = {str(sighting.value.get("sourceImageId")) for sighting in seen}
        if insert.outcome == "succeeded" and not seen:
            used = {
                str(history.identifier(birth)) for birth in births_of(history, insert.view.text("sourceImage"), insert)
            }
        for identifier in used & (births.keys() | unfinished.keys()):
            birth = births.get(identifier)
            operation = birth.operation if birth else None
            still = [look for look in unfinished[identifier] if after(insert.end, look.exchange)]
            looks = [look.exchange for look in still]
            polls = [
                state.exchange
                for state in (operation.states if operation else ())
                if state.value.get("status") in ("PENDING", "RUNNING") and after(insert.end, state.exchange)
            ]
            shown = [next(iter(found), None) for found in (looks, polls)]
            if shown[1] is None and birth and operation and operation.final and _ended_later(birth, insert):
                shown[1] = operation.final.exchange
            # A single look may show it as it was a moment before; what has failed was never READY.
            late = len(looks) > 1 and looks[-1].sent - insert.end.received > MOMENT_SECONDS
            dead = [look for look in unfinished[identifier] if look.value["status"] == "FAILED"]
            failed = bool(dead) and not _was_ready(history, identifier)
            seen_so = [*still, *dead]
            if None not in shown or late or failed:
                yield expect(
                    False,
                    "an image is made from one that is not READY",
                    insert.exchange,
                    *(exchange for exchange in (insert.end, *shown) if exchange is not None),
                    *(look.exchange for look in dead[:1]),
                    expected="a refusal, or an operation that ends when the source is READY",
                    observed=f"DONE while the source is {seen_so[0].value['status'] if seen_so else 'PENDING'}",
                )


def _was_ready(history: History, identifier: str) -> bool:
    """Whether an image was ever shown READY."""
    return any(
        look.value.get("status") == "READY" and str(look.value.get("id")) == identifier
        for look in history.every_sighting
    )


def _ended_later(one: Mutation, other: Mutation) -> bool:
    """Whether an operation tells that it ended a while after another."""
    finals = [change.operation.final if change.operation else None for change in (one, other)]
    times = [moment for final in finals if final and (moment := timestamp(final.value.get("endTime")))]
    return len(times) == len(finals) and (times[0] - times[1]).total_seconds() > MOMENT_SECONDS


RULES.add(
    request_rule(
        "source.image.not-ready",
        "doc",
        "No image is made from one that is not READY; by convention such an insert fails, and is not kept waiting.",
        "Fields > status",
        "Other resources can be made from an image only once its status is READY, so none is there before; an insert "
        "that waits for its source makes its image after that as well.",
        conventional=lambda view: True,
        also=_used_too_early,
    )
)

for _kind, _field in SOURCE_FIELDS.items():
    _pattern = _SHAPES[_kind]

    def _malformed(view: RequestView, name: str = _field, pattern: re.Pattern[str] = _pattern) -> bool:
        return bool(view.text(name)) and not pattern.search(view.text(name))

    def _begins_later(view: RequestView, name: str = _field) -> bool:
        return "projects/" not in view.text(name)

    RULES.add(
        request_rule(
            f"source.{_kind}.full-url",
            "doc",
            f"{_field} is accepted as a full URL.",
            f"Fields > {_field}",
            f"{_field} is to be given as a full or partial URL, so a full URL of a {_kind} at Compute "
            "Engine's host has to be taken.",
            needs=(f"source.{_kind}",),
        )
    )
    RULES.add(
        request_rule(
            f"source.{_kind}.partial-url",
            "doc",
            f"{_field} is accepted as a partial URL that begins with projects/; by convention also as one that "
            "begins later.",
            f"Fields > {_field}",
            f"{_field} is to be given as a full or partial URL, so one that begins with projects/ has to be "
            "taken; that it may begin later only the discovery document shows, for disks.",
            conventional=_begins_later,
            needs=(f"source.{_kind}",),
        )
    )
    RULES.add(
        request_rule(
            f"source.{_kind}.unknown",
            "conv",
            f"A {_field} that does not exist makes the insert fail, at once or with its operation, and no image "
            "becomes READY.",
            f"Fields > {_field}",
            f"That a missing {_kind} makes the insert fail is left unsaid; the real service refuses such a "
            "source at once or lets the operation fail.",
            looked_up=True,
            witness=f"source.{_kind}.full-url",
        )
    )
    RULES.add(
        request_rule(
            f"source.{_kind}.malformed",
            "conv",
            f"A {_field} that is no resource URL gets an error, and no image exists.",
            f"Fields > {_field}",
            f"{_field} holds a URL, but the refusal of other texts is left unsaid; the real service answers "
            "400 to malformed source URLs.",
            _malformed,
            no_image=True,
            looked_up=True,
            witness=f"source.{_kind}.full-url",
        )
    )


def _judge_id(kind: str, history: History) -> Iterator[Finding]:
    own = f"{SOURCE_FIELDS[kind]}Id"
    for insert, sighting in history.comebacks:
        if sources(insert.view) != [kind] or any(
            is_set(insert.body.get(f"{name}Id")) and history.echoes(sighting, f"{name}Id", in_any_type=True)
            for name in SOURCE_FIELDS.values()
        ):
            continue
        if not all(well_typed(sighting.value, f"{name}Id") for name in SOURCE_FIELDS.values()):
            continue
        ids = {f"{name}Id": sighting.value.get(f"{name}Id") for name in SOURCE_FIELDS.values()}
        shown = {name: value for name, value in ids.items() if is_set(value)}
        others = shown.keys() - {own}
        yield expect(
            shown.keys() == {own},
            f"an image must say which {kind} it was made from, by {own} alone",
            insert.exchange,
            sighting.exchange,
            expected={own: "the id of the source"},
            observed=shown,
            deviation=not others,
        )
        yield from _agrees_with_source(kind, history, insert, sighting)


def source_ids(history: History, insert: Mutation, made: Sighting) -> dict[str, Exchange]:
    """The ids that the source of an insert may have had, as far as the trace shows them, each with its evidence."""
    kinds = sources(insert.view)
    name = SOURCE_FIELDS.get(kinds[0], "") if len(kinds) == 1 else ""
    source = named(insert.view.text(name), insert.project) if name else None
    if source is not None and "/family/" in source[1]:
        source = named(made.value.get(name), insert.project)
    if source is None or (name == "sourceImage" and "id" in history.trace.restless):
        return {}
    last = source[1].rpartition("/")[2]
    if last.isdecimal():
        return {last: insert.exchange}
    # Between two deletions of a name there is one image at most that has it.
    deletes = [
        delete
        for delete in history.mutations
        if delete.method == "images.delete" and delete.image == last and delete.project == source[0]
        if source[1].startswith("global/images/") and delete.outcome not in ("refused", "failed")
    ]
    before = [delete for delete in deletes if after(delete.exchange, insert.exchange)]
    ends = [delete.operation.final.exchange for delete in before if delete.operation and delete.operation.final]
    if len(ends) < len(before):
        return {}
    until = min((delete.exchange.sent for delete in deletes if delete not in before), default=math.inf)
    return history.ids_of(*source, since=ends[-1] if ends else None, until=until)


def _agrees_with_source(kind: str, history: History, insert: Mutation, made: Sighting) -> Iterator[Finding]:
    """Where the trace shows the source as well, its id is known; the id of the image itself it can never be."""
    own = f"{SOURCE_FIELDS[kind]}Id"
    came = made.value.get(own)
    known = source_ids(history, insert, made)
    source = named(made.value.get(SOURCE_FIELDS[kind]), insert.project)
    if not is_set(came):
        return
    named_by_id = insert.exchange in known.values()
    if len(known) > 1 and not history.trace.recorded:
        return  # nobody else is there, so it is the target that shows now one id and now another
    if known and (str(came) in known or named_by_id or source is None or history.surely(*source, insert)):
        yield expect(
            str(came) in known,
            f"{own} is not the id of the source",
            insert.exchange,
            *list(known.values())[:3],
            made.exchange,
            expected=" or ".join(known),
            observed=came,
        )
    else:
        yield expect(
            str(came) != str(made.value.get("id")),
            f"{own} is the id of the image itself",
            insert.exchange,
            made.exchange,
            expected="the id of the source",
            observed=came,
        )
        yield from _agrees_with_others(kind, history, insert, made)


def _agrees_with_others(kind: str, history: History, insert: Mutation, made: Sighting) -> Iterator[Finding]:
    """Images of a run that were made from one disk or snapshot tell one id of it: nobody puts another in its place."""
    name = SOURCE_FIELDS[kind]
    told = f"{name}Id"
    source = named(made.value.get(name), insert.project)
    if kind == "image" or source is None or history.trace.recorded:
        return
    for other, seen in history.comebacks:
        twin = other is not insert and named(seen.value.get(name), other.project) == source
        if twin and is_set(seen.value.get(told)) and after(seen.exchange, made.exchange):
            yield expect(
                seen.value[told] == made.value[told],
                f"two images of one {kind} tell two ids of it",
                other.exchange,
                seen.exchange,
                insert.exchange,
                made.exchange,
                expected=seen.value[told],
                observed=made.value[told],
            )


def _judge_round_trip(kind: str, history: History) -> Iterator[Finding]:
    name = SOURCE_FIELDS[kind]
    for insert, sighting in history.comebacks_of(name):
        if sources(insert.view) != [kind] or not well_typed(sighting.value, name):
            continue
        came = sighting.value.get(name)
        yield expect(
            _same_source(history.with_project_id(insert.view.text(name)), came, insert.project),
            f"the {name} that was sent does not come back",
            insert.exchange,
            sighting.exchange,
            expected=insert.body[name],
            observed=came,
        )


def _same_source(sent: str, came: Any, project: str) -> bool:
    """Whether two URLs mean one source; the image that a family stood for is as good as the family."""
    source, back = named(sent, project), named(came, project)
    if source is None or back is None or "/family/" not in source[1]:
        return is_set(came) and may_come_back(sent, came, project)
    return same_project(source[0], back[0]) and back[1].startswith("global/images/")


for _kind, _field in SOURCE_FIELDS.items():

    @RULES.rule(
        f"source.{_kind}.id",
        "doc",
        f"{_field}Id is the id of the source used, and those of the other kinds are absent; by convention it is there.",
        f"Fields > {_field}Id",
        f"{_field}Id is described as the id of the very {_kind} that was used, so any other value there "
        "is untrue; that it is always there is left unsaid.",
        requires=(*COMES_BACK, *type_rules(f"{_field}Id")),
        needs=(f"source.{_kind}",),
    )
    def _id(history: History, kind: str = _kind) -> Iterator[Finding]:
        return _judge_id(kind, history)

    @RULES.rule(
        f"source.{_kind}.round-trip",
        "doc",
        f"The {_field} that was sent comes back in its own field, in whatever form of URL.",
        f"Fields > {_field}",
        f"{_field} is described as the URL of the {_kind} that was used, so the image of such an insert shows it.",
        requires=(*COMES_BACK, *type_rules(_field)),
        needs=(f"source.{_kind}",),
    )
    def _round_trip(history: History, kind: str = _kind) -> Iterator[Finding]:
        return _judge_round_trip(kind, history)


OTHER_IDS = ("sourceDiskId", "sourceImageId", "sourceSnapshotId")
"""The ids of sources, of which an image that is made from an archive has none."""


@RULES.rule(
    "source.raw-disk.round-trip",
    "conv",
    "An image made from rawDisk shows rawDisk; its source may be blank.",
    "Fields > rawDisk",
    "rawDisk holds the parameters of the raw image, but the real service blanks its source for readers "
    "of public images, so only its presence is convention.",
    requires=(*COMES_BACK, *type_rules("rawDisk")),
    needs=("source.raw_disk",),
)
def _raw_disk(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks:
        if sources(insert.view) != ["raw-disk"] or not well_typed(sighting.value, "rawDisk"):
            continue
        came = sighting.value.get("rawDisk")
        sent = insert.view.text("rawDisk", "source")
        source = came.get("source") if isinstance(came, dict) else None
        yield expect(
            isinstance(came, dict) and bool(came) and (not is_set(source) or _object(source) == _object(sent)),
            "rawDisk does not come back",
            insert.exchange,
            sighting.exchange,
            expected={"rawDisk": {"source": sent}},
            observed={"rawDisk": came},
        )
        others = {
            name: sighting.value[name]
            for name in OTHER_IDS
            if is_set(sighting.value.get(name)) and not history.echoes(sighting, name, in_any_type=True)
        }
        yield expect(
            not others,
            "an image made from rawDisk tells of another source",
            insert.exchange,
            sighting.exchange,
            expected={"rawDisk": {"source": sent}},
            observed=others,
        )


def _object(url: Any) -> str:
    """Bucket and object of a Cloud Storage URL, whatever its form."""
    text = url if isinstance(url, str) else ""
    text = re.sub(r"^https?://([^/]+)\.storage\.googleapis\.com/", r"\1/", text)
    text = re.sub(r"^(?:https?://[^/]+/|gs://)", "", text)
    return re.sub(r"^(?:storage/v1/b/([^/]+)/o/)", r"\1/", text).replace("%2F", "/")
