"""Rules about requestIds: which are valid, and that another one makes another request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, pairwise

from conformance.contract.areas.request_id_replay import REFERENCE, deleted_before, settled
from conformance.contract.history import History
from conformance.contract.mutation import Mutation
from conformance.contract.order import after
from conformance.contract.request_view import RequestView
from conformance.contract.requests import CONFLICT, accepted, blamed_though_right, for_the_fault, request_rule
from conformance.contract.rule import Finding, Rules, expect
from conformance.trace.formats import is_uuid

RULES = Rules()
"""The rules of this module, in the order of the catalogue."""

ZERO = "00000000-0000-0000-0000-000000000000"

_DECORATION = re.compile(r"^urn:uuid:|[-_{}\s]", re.IGNORECASE)
_YOUNG_VERSIONS = frozenset("678")
"""Versions of UUIDs that RFC 9562 added in 2024: many a validator is older."""


def _malformed(request_id: str) -> bool:
    return bool(request_id) and not is_uuid(request_id)


def _certain(request_id: str) -> bool:
    """Whether a text is a UUID of a known version, in the canonical form."""
    return is_uuid(request_id) and request_id != ZERO and request_id[14:15] in "12345678"


def _young(view: RequestView) -> bool:
    return view.parameter("requestId")[14:15] in _YOUNG_VERSIONS


def _means_a_uuid(request_id: str) -> bool:
    """Whether a text is another way to write 128 bits than the canonical one, as lenient parsers read it."""
    return bool(re.fullmatch(r"[0-9a-fA-F]{32}", _bare(request_id)))


def _bare(request_id: str) -> str:
    """A requestId without what differs between the ways to write one UUID."""
    return _DECORATION.sub("", request_id).lower()


def _one_uuid(one: str | None, two: str | None) -> bool:
    """Whether two requestIds are one UUID, written in two ways: a lenient target knows it again."""
    return bool(one and two) and one != two and _means_a_uuid(str(one)) and _bare(str(one)) == _bare(str(two))


RULES.add(
    request_rule(
        "request-id.zero-refused",
        "doc",
        "The zero UUID is refused, and no image exists.",
        REFERENCE,
        "The zero UUID is named as one that is not supported, so an insert with it cannot go through.",
        lambda view: view.parameter("requestId") == ZERO,
        no_image=True,
    )
)
RULES.add(
    request_rule(
        "request-id.malformed-refused",
        "doc",
        "A requestId that is no UUID is refused, and no image exists; by convention so is a UUID that is written "
        "otherwise.",
        REFERENCE,
        "A request ID has to be a valid UUID, so another text is refused; another way to write the same 128 "
        "bits is a matter of taste.",
        lambda view: _malformed(view.parameter("requestId")),
        no_image=True,
        conventional=lambda view: _means_a_uuid(view.parameter("requestId")),
    )
)
RULES.add(
    request_rule(
        "request-id.valid-accepted",
        "doc",
        "A UUID of versions 1 to 5 is accepted as requestId; by convention also one of versions 6 to 8.",
        REFERENCE,
        "Any valid UUID but zero will do; versions 6 to 8 are younger than many a validator, so only the "
        "first five are certain.",
        conventional=_young,
        also=blamed_though_right("requestId", lambda view: _certain(view.parameter("requestId")), _young),
    )
)
RULES.add(
    request_rule(
        "request-id.refused-not-remembered",
        "conv",
        "An insert refused outright does not block a corrected insert with its requestId.",
        REFERENCE,
        "Only completed requests are said to be ignored when they come again; a refused one left nothing to "
        "be ignored.",
    )
)


def _fresh_inserts_of_taken_names(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each later insert of a name that an image has, without being a replay, with the insert that made the image."""
    for first in history.inserts:
        if first.operation is None or first.operation.mutation is not first or not first.image:
            continue
        for second in history.inserts:
            fresh = second.original is None and second.image == first.image and second.project == first.project
            if fresh and after(first.exchange, second.exchange) and not deleted_before(history, first, second.exchange):
                yield first, second


def _carried_out_anew(first: Mutation, second: Mutation, *, deviation: bool) -> Finding:
    return expect(
        second.operation is None or second.operation is not first.operation,
        "a new request is answered with the operation of an earlier one",
        first.exchange,
        second.exchange,
        expected="an operation of its own, or a conflict",
        observed={"status": second.exchange.status, "name": (second.answer or {}).get("name")},
        deviation=deviation,
    )


def _fresh_inserts_of_other_names(history: History) -> Iterator[tuple[Mutation, Mutation]]:
    """Each insert that is no replay, with an earlier one of another name: the one whose operation it is answered
    with, if there is."""
    for first, second in pairwise(history.inserts):
        owner = second.operation.mutation if second.operation else None
        other = first if owner in (None, second) or owner.method != second.method else owner
        fresh = second.original is None and second.image != other.image and second.project == other.project
        if fresh and after(other.exchange, second.exchange):
            yield other, second


def _new_requests(history: History, id: str, *, named: bool) -> Iterator[Finding]:
    """Judges the inserts with a requestId that is new, or those without any: each is carried out, or meets a
    conflict."""
    for first, second in chain(_fresh_inserts_of_taken_names(history), _fresh_inserts_of_other_names(history)):
        if bool(second.request_id) == named and settled(second) and not _one_uuid(first.request_id, second.request_id):
            yield _carried_out_anew(first, second, deviation=not named)
    for mutation in history.concerned(id):
        if mutation.exchange.intent is not None and mutation.exchange.intent.valid:
            yield from accepted(history, mutation)


@RULES.rule(
    "request-id.distinct",
    "doc",
    "A new requestId is a new request, however little it differs from another, and is not answered with the "
    "operation of an earlier one.",
    REFERENCE,
    "The ID identifies a request and is to be unique, so another ID tells of another request, which must "
    "not be taken for the first.",
)
def _distinct(history: History) -> Iterator[Finding]:
    return _new_requests(history, "request-id.distinct", named=True)


@RULES.rule(
    "request-id.absent",
    "doc",
    "An insert needs no requestId; by convention, nothing is deduplicated without one: a second insert is not "
    "answered with the operation of the first.",
    REFERENCE,
    "The ID is called optional, so an insert without one is a valid request; nothing says what else happens "
    "without one, and the real service answers a second insert of a name with a conflict.",
)
def _absent(history: History) -> Iterator[Finding]:
    return _new_requests(history, "request-id.absent", named=False)


@RULES.rule(
    "request-id.client-operation-id",
    "doc",
    "The clientOperationId of an operation is the requestId, by convention in the case in which it was sent; without "
    "one it is absent.",
    "Response body > clientOperationId",
    "clientOperationId is the value of requestId where one was provided, and is not there otherwise.",
    requires=("operation.type.clientOperationId",),
)
def _client_operation_id(history: History) -> Iterator[Finding]:
    for operation in history.operations:
        first = operation.mutation
        if (
            first is None
            or first.original is not None
            or not (_certain(first.request_id or "") or not first.request_id)
        ):
            continue  # what becomes of a requestId that should be refused is the matter of that rule
        if len(first.exchange.request.query.get("requestId", ())) > 1:
            continue  # which of them counts is nowhere said
        for state in operation.states:
            if not state.shows("clientOperationId"):
                continue
            came = state.value.get("clientOperationId")
            yield expect(
                came == first.request_id or (first.request_id == "" and not came),
                "clientOperationId is not the requestId that was sent"
                if first.request_id
                else "an operation has a clientOperationId although no requestId was sent",
                first.exchange,
                *(() if state.exchange is first.exchange else (state.exchange,)),
                expected=first.request_id or "no clientOperationId",
                observed=came,
                deviation=bool(first.request_id) and str(came).lower() == str(first.request_id).lower(),
            )


@RULES.rule(
    "request-id.scoped-to-project",
    "conv",
    "One requestId in two projects is two requests.",
    REFERENCE,
    "The scope of an ID is left open; resources of different projects are independent of each other in Google's APIs.",
    needs=("second_project",),
)
def _scoped_to_project(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        for second in history.inserts:
            same = bool(first.request_id) and first.request_id == second.request_id
            if same and first.project != second.project and after(first.exchange, second.exchange) and settled(second):
                taken = any(other.image == second.image for other in history.inserts if other is not second)
                if not for_the_fault(second) and (taken or second.exchange.status != CONFLICT):
                    continue  # the name may be taken there
                one, two = ({name: (own.answer or {}).get(name) for name in ("name", "id")} for own in (first, second))
                yield expect(
                    second.exchange.answered and one != two,
                    "a requestId of one project is taken for a replay in another",
                    first.exchange,
                    second.exchange,
                    expected="an operation of its own",
                    observed={"status": second.exchange.status, **two},
                )


@RULES.rule(
    "request-id.scoped-to-method",
    "conv",
    "A delete with the requestId of an earlier insert is carried out or refused, never answered with the insert's "
    "operation.",
    REFERENCE,
    "An ID identifies a request, and a request to delete is none to insert; what the real service does "
    "was never recorded.",
)
def _scoped_to_method(history: History) -> Iterator[Finding]:
    for first in history.inserts:
        for second in history.mutations:
            same = bool(first.request_id) and (second.request_id or "").lower() == (first.request_id or "").lower()
            if second.method == "images.delete" and same and second.project == first.project and settled(second):
                yield expect(
                    second.answer is None or second.operation is not first.operation,
                    "a delete is answered with the operation of an insert",
                    first.exchange,
                    second.exchange,
                    expected="an operation of its own, or a refusal (4xx)",
                    observed=(second.answer or {}).get("name"),
                )
