"""Every freedom that the contract leaves is taken by a correct emulator, and the suite leaves that one in peace."""

import pytest
from helpers.freedoms import FREEDOMS

from conformance.commands.proof import Server, attempt
from conformance.contract import catalogue, matching
from conformance.emulator.variants import VARIANTS

TAKEN = {(matter, freedom): variants for matter, freedoms in FREEDOMS.items() for freedom, variants in freedoms.items()}

SAMPLES = (
    "utc+large-ids+lists-in-any-order+nulls+replays-anew",
    "late-images+late-deletions+busy-images+short-retention+waiting-inserts",
    "bare-operations+bare-images+late-conflicts+failed-images-stay+empty-pages",
)
"""Freedoms that are taken at once; `tests/nightly/combinations.py` tries many more."""


@pytest.mark.parametrize("freedom", TAKEN, ids=" / ".join)
def test_each_freedom_is_taken_by_a_correct_emulator(freedom: tuple[str, str]) -> None:
    assert TAKEN[freedom]
    assert set(TAKEN[freedom]) <= {variant.id for variant in VARIANTS}


def test_each_variant_takes_a_freedom_of_the_table() -> None:
    assert {variant.id for variant in VARIANTS} - {name for names in TAKEN.values() for name in names} == set()


def test_variants_depart_from_rules_that_can_deviate() -> None:
    for variant in VARIANTS:
        for glob in variant.deviates:
            assert matching([glob], catalogue()), f"{variant.id} names {glob}"


@pytest.mark.slow
@pytest.mark.parametrize("names", SAMPLES)
def test_freedoms_at_once_are_left_in_peace(names: str) -> None:
    chosen = [variant for variant in VARIANTS if variant.id in names.split("+")]
    also = tuple(rule for variant in chosen for rule in variant.deviates)
    proof = attempt(Server(names, "variant", "", tuple(variant.id for variant in chosen), also=also), "quick")
    assert proof.holds, (proof.needless, proof.exit_status, proof.error)
