"""Rules about what is told apart: names and ids that differ in one place, and requests of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from conformance.contract.history import History
from conformance.contract.mutation import Mutation, overlapping
from conformance.contract.order import after
from conformance.contract.requests import conflicts
from conformance.contract.rule import Finding, Rules, expect, is_set
from conformance.contract.sighting import Sighting
from conformance.trace.blots import blotted_out
from conformance.trace.formats import link
from conformance.trace.losses import IDS

RULES = Rules()

TOLD_APART = ("description", "labels", "family")
"""Fields by whose values images that are made at one moment are told apart."""


@RULES.rule(
    "image.name.distinct",
    "doc",
    "Names of up to 63 characters that differ in one of them are two names: there is an image for each.",
    "Fields > name",
    "A name has up to 63 characters and all of them belong to it, so another one anywhere makes another name.",
    requires=("life.insert", "image.name.length", "image.name.pattern"),
    passive=False,
)
def _names_distinct(history: History) -> Iterator[Finding]:
    for insert in history.concerned("image.name.distinct"):
        taken = any(other.image == insert.image for other in history.inserts if other is not insert)
        if conflicts(insert) and not taken:
            yield expect(
                False,
                "an insert meets a conflict under a name that nothing has",
                *(other.exchange for other in history.inserts[:1]),
                insert.exchange,
                expected="an image beside the one whose name is like it",
                observed=f"HTTP {insert.exchange.status}",
            )
        elif insert.outcome == "succeeded":
            yield None  # what else a name may be refused for is no matter of its neighbours
    owners: dict[str, Sighting] = {}
    for _, sighting in history.comebacks if history.concerned("image.name.distinct") else ():
        owner = owners.setdefault(str(sighting.value.get("id")), sighting)
        yield expect(
            owner.name == sighting.name,
            "two names lead to one image",
            owner.exchange,
            sighting.exchange,
            expected="an image for each name",
            observed={"id": sighting.value.get("id"), "names": [owner.name, sighting.name]},
        )


@RULES.rule(
    "life.get-exact",
    "conv",
    "A get answers the image that has just this name or id: for a part of it, or another one that is like it, it "
    "answers none.",
    "images.get",
    "The real service answers 404 for what it does not have; a client that asks for one image and is shown another "
    "acts on the wrong one.",
    requires=("life.get-after-done", "transport.not-found"),
)
def _get_exact(history: History) -> Iterator[Finding]:
    made = {insert.image for insert in history.inserts} | {history.identifier(insert) for insert in history.inserts}
    for exchange in history.gets:
        if exchange.route is None:
            continue
        image = exchange.resource
        # In a recording the images that it tells more of are the matter of other rules.
        told = image is not None and isinstance(image.get("name"), str) and is_set(image.get("id"))
        recorded = history.trace.recorded and told and exchange.route.name not in made and _unmarked(history, image)
        if not recorded and (exchange.intent is None or "life.get-exact" not in exchange.intent.rules):
            continue
        asked = exchange.route.name
        yield expect(
            image is None or asked in (image.get("name"), str(image.get("id"))),
            "a get answers another image than the one that it asks for",
            exchange,
            expected=f"HTTP 404 for {asked}",
            observed=image and {"name": image.get("name"), "id": image.get("id")},
        )


def _unmarked(history: History, image: Any) -> bool:
    """Whether no recorder has put something else in the place of an image's name or id."""
    return IDS not in history.trace.lost and not blotted_out(image.get("name")) and image["name"] != "placeholder"


@RULES.rule(
    "life.concurrent-inserts",
    "doc",
    "Inserts of different images, be they simultaneous, each make their own, with the data of their own request.",
    "HTTP request",
    "The method creates an image using the data included in the request, so data of another request do not belong in "
    "it.",
    requires=("life.get-after-done",),
    passive=False,
)
def _concurrent_inserts(history: History) -> Iterator[Finding]:
    yield from _left_over(history)
    together = overlapping([insert for insert in history.inserts if insert.original is None])
    if len({insert.image for insert in together}) < 2:
        return
    for insert in together:
        target = (insert.answer or {}).get("targetLink")
        others = {f"/{other.image}" for other in together if other.image != insert.image}
        yield expect(
            not any(link(target).endswith(other) for other in others),
            "an insert is answered with the operation of another of the same moment",
            insert.exchange,
            expected=insert.image,
            observed=target,
        )
        for sighting in history.results(insert):
            mixed = _of_another(insert, sighting.value, together)
            yield expect(
                not mixed,
                "an image has what another insert of the same moment asked for",
                insert.exchange,
                *(other.exchange for other in together if _data(other.body) == _data(sighting.value)),
                sighting.exchange,
                expected=_data(insert.body),
                observed=mixed,
            )


def _left_over(history: History) -> Iterator[Finding]:
    """Judges that an image shows nothing of an earlier insert where its own sets nothing, unless that made its
    source."""
    for insert in history.created:
        source = insert.view.text("sourceImage").rpartition("/")[2]
        others = [
            other
            for other in history.created
            if other.image != insert.image and after(other.exchange, insert.exchange)
            if source not in (other.image, other.body.get("family"), history.identifier(other))
        ]
        for sighting in history.results(insert) if others else ():
            unset = {name: value for name, value in sighting.value.items() if not is_set(insert.body.get(name))}
            taken = _of_another(insert, unset, others)
            yield expect(
                not taken,
                "an image has what an earlier insert asked for",
                *(other.exchange for other in others if any(other.body.get(name) == taken[name] for name in taken)),
                insert.exchange,
                sighting.exchange,
                expected=_data(insert.body),
                observed=taken,
            )


def _of_another(insert: Mutation, image: dict[str, Any], together: Sequence[Mutation]) -> dict[str, Any]:
    """What an image has of the data of another request than its own."""
    return {
        name: image[name]
        for name in TOLD_APART
        if is_set(image.get(name))
        and image[name] != insert.body.get(name)
        and any(other.body.get(name) == image[name] for other in together)
    }


def _data(value: dict[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in TOLD_APART if is_set(value.get(name))}
