"""Inserts that are sent as one ask for what each of them asks for."""

import pytest

from conformance.contract.insert_request import FreshName, InsertRequest
from conformance.scenario.combining import Conflict, Wish, combined, groups, parties

IMAGE = {"sourceImage": "projects/p/global/images/base"}


def test_what_does_not_conflict_is_one_request() -> None:
    requests = [
        InsertRequest({**IMAGE, "family": "f"}),
        InsertRequest({**IMAGE, "deprecated": {"state": "ACTIVE"}}, name=FreshName("-z")),
        InsertRequest({**IMAGE, "deprecated": {"deleted": "now"}}, query=(("forceCreate", "true"),)),
    ]
    assert groups(requests) == [[0, 1, 2]]
    whole = combined(requests)
    assert whole.body == {**IMAGE, "family": "f", "deprecated": {"state": "ACTIVE", "deleted": "now"}}
    assert (whole.name, whole.query) == (FreshName("-z"), (("forceCreate", "true"),))


@pytest.mark.parametrize(
    "other",
    [
        InsertRequest({**IMAGE, "family": "g"}),
        InsertRequest({"sourceDisk": "d", "labels": {}}),
        InsertRequest(IMAGE, name="another"),
        InsertRequest({**IMAGE, "family": "f", "labels": {"k": "v"}}, name="another"),
    ],
)
def test_what_conflicts_is_two(other: InsertRequest) -> None:
    one = InsertRequest({**IMAGE, "family": "f"}, name="one")
    assert groups([one, other, InsertRequest({**IMAGE, "locked": True})]) == [[0, 2], [1]]
    with pytest.raises(Conflict):
        combined([one, other])


def test_an_insert_that_leaves_its_source_open_goes_with_any() -> None:
    requests = [InsertRequest({"family": "f"}), InsertRequest({"sourceDisk": "d"}), InsertRequest(IMAGE)]
    assert groups(requests) == [[0, 1], [2]]
    assert combined(requests[:2]).body == {"family": "f", "sourceDisk": "d"}


@pytest.mark.parametrize("name", ["labels", "imageEncryptionKey"])
def test_maps_and_keys_are_values_of_their_own(name: str) -> None:
    assert groups([InsertRequest({name: {"one": "1"}}), InsertRequest({name: {"two": "2"}})]) == [[0], [1]]


def test_what_is_merely_welcome_makes_no_insert_of_its_own() -> None:
    one, two, more, other = (
        Wish(InsertRequest(body)) for body in ({"family": "f"}, {"family": "g"}, {"locked": True}, {"family": "h"})
    )
    assert parties([one, two], [other, more]) == [[one, more], [two]]
