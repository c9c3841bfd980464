"""Names of a run: valid and its own in every shape, so that none of a target's habits about names goes unnoticed."""

from __future__ import annotations

import re

import pytest

from conformance.client.names import LAST_RESORTS, SHAPES, Names, Shape, is_own
from conformance.contract.fields import NAME_MAXIMUM, NAME_PATTERN
from conformance.contract.insert_request import FRESH, FreshName


@pytest.mark.parametrize("shape", [*SHAPES, *LAST_RESORTS], ids=lambda shape: shape.id)
def test_every_shape_is_valid_and_ours(shape: Shape) -> None:
    names = Names("0123abcd", "gw3", [shape.id])
    made = [names.fresh() for _ in range(20)]
    assert len(set(made)) == 20
    for name in made:
        assert re.fullmatch(NAME_PATTERN, name)
        assert len(name) <= NAME_MAXIMUM
        assert is_own(name)
        assert name.startswith(names.prefix)


def test_shapes_take_turns() -> None:
    names = Names("0123abcd", "main")
    made = [str(names.named(FRESH)) for _ in range(len(SHAPES))]
    assert {len(name) == NAME_MAXIMUM for name in made} == {True, False}
    assert {name[-1].isdigit() for name in made} == {True, False}
    assert {"--" in name for name in made} == {True, False}


def test_names_that_a_test_ends_have_the_length_it_asks_for() -> None:
    names = Names("0123abcd", "main")
    for _ in range(len(SHAPES)):
        assert len(str(names.named(FreshName("-tail", NAME_MAXIMUM)))) == NAME_MAXIMUM


def test_names_that_a_test_begins_and_ends_are_new_each_time() -> None:
    names = Names("0123abcd", "main")
    made = [str(names.named(FreshName("-", head="1"))) for _ in range(3)]
    assert len(set(made)) == 3
    assert all(name.startswith("1" + names.prefix) and name.endswith("-") for name in made)


@pytest.mark.parametrize("name", ["conformance-me", "conformance", "c", "cat", "customer-image-1", "conformance0123"])
def test_names_of_others_are_not_ours(name: str) -> None:
    assert not is_own(name)
