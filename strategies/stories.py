"""Stories: sequences of things that a client may do with a few images, in any order."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import strategies as st

ACTIONS = (
    *("insert", "get", "get_by_id", "poll", "wait", "list", "list_filtered", "set_labels", "set_labels_stale"),
    *("deprecate", "undeprecate", "family", "patch", "replay", "delete"),
)
"""What a step may do; each needs nothing of those before it."""

IMAGES = 3
STEPS_MAXIMUM = 12
STEPS_OF_A_WALK = 25


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a story: what is done, and with which of its images, from 0 on."""

    action: str
    image: int = 0


Story = tuple[Step, ...]

stories: st.SearchStrategy[Story] = st.lists(
    st.builds(Step, st.sampled_from(ACTIONS), st.sampled_from((0, 0, *range(IMAGES)))), max_size=STEPS_MAXIMUM
).map(lambda steps: (Step("insert"), *steps))
"""Random stories, which begin with an image."""


def walks() -> list[Story]:
    """Stories in which each action comes right after each, itself included, on one image or another."""
    order = list(_every_pair(len(ACTIONS)))
    starts = range(0, len(order) - 1, STEPS_OF_A_WALK)
    parts = [order[start : start + STEPS_OF_A_WALK + 1] for start in starts]
    return [
        (Step("insert"), *(Step(ACTIONS[action], (number // 5) % IMAGES) for number, action in enumerate(part)))
        for part in parts
    ]


def _every_pair(size: int) -> list[int]:
    """A sequence of the numbers below `size` in which each pair of them stands side by side once (a De Bruijn
    sequence)."""
    order: list[int] = []
    for first in range(size):
        order.append(first)
        for second in range(first + 1, size):
            order += [first, second]
    return [*order, 0]


def pairs(told: list[Story]) -> set[tuple[str, str]]:
    """The pairs of actions that come one right after the other in stories."""
    return {(one.action, two.action) for story in told for one, two in itertools.pairwise(story)}
