"""Rules about 64-bit numbers of an insert: in range they are exact, however they are written; beyond it they are
refused."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.contract.areas.image_round_trip import source_size
from conformance.contract.areas.source import COMES_BACK
from conformance.contract.fields import acceptance_rules, type_rules
from conformance.contract.history import History
from conformance.contract.json_types import well_typed
from conformance.contract.request_view import RequestView
from conformance.contract.requests import request_rule
from conformance.contract.rule import Finding, Rule, Rules, expect, is_set
from conformance.trace.formats import INT64_MAXIMUM, INT64_MINIMUM, integer, is_int64

RULES = Rules()


def _range(name: str, field: str, least: int, what: str, *, listed: bool = False) -> Rule:
    """The rule that numbers beyond the range of a field are refused."""

    def beyond(view: RequestView) -> bool:
        values = view.items(field) if listed else [view.body.get(field)]
        numbers = [integer(value) for value in values]
        return any(number is not None and not least <= number <= INT64_MAXIMUM for number in numbers)

    return request_rule(
        f"image.{name}.range",
        "conv",
        f"A {field} beyond the range of {what} is refused.",
        f"Fields > {field}",
        f"The page lists {field} as int64, which holds no such number; that it is refused is the convention of "
        "Google's JSON APIs.",
        beyond,
    )


RULES.add(_range("disk-size-gb", "diskSizeGb", 0, "an int64, or below 0,"))
RULES.add(_range("license-codes", "licenseCodes", INT64_MINIMUM, "an int64", listed=True))


@RULES.rule(
    "image.disk-size-gb.round-trip",
    "doc",
    "A size that is no smaller than the source's comes back exactly, however the number was written.",
    "Fields > diskSizeGb",
    "The image is created using the data of the request, and the field is its size once it is restored; a smaller "
    "one may be raised.",
    requires=(*COMES_BACK, *type_rules("diskSizeGb"), *acceptance_rules("diskSizeGb")),
)
def _size_comes_back(history: History) -> Iterator[Finding]:
    for insert, sighting in history.comebacks_of("diskSizeGb"):
        sent, came = integer(insert.body.get("diskSizeGb")), sighting.value.get("diskSizeGb")
        floor = source_size(history, insert.view)
        if sent is None or not 0 < sent <= INT64_MAXIMUM or not well_typed(sighting.value, "diskSizeGb"):
            continue
        lost = not is_set(came) or (is_int64(came) and int(came) < sent)  # which no source explains
        if lost or (floor and floor <= sent):
            yield expect(
                is_int64(came) and int(came) == sent,
                "another size comes back than the one that was sent",
                insert.exchange,
                sighting.exchange,
                expected=str(sent),
                observed=came,
            )
