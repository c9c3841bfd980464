"""Inserts that are sent as one ask for what each of them asks for."""

import pytest

from strategies.insert import FreshName, InsertRequest
from strategies.together import Conflict, combined, groups

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
    ],
)
def test_what_conflicts_is_two(other: InsertRequest) -> None:
    one = InsertRequest({**IMAGE, "family": "f"}, name="one")
    assert groups([one, other, InsertRequest({**IMAGE, "locked": True})]) == [[0, 2], [1]]
    with pytest.raises(Conflict):
        combined([one, other])
