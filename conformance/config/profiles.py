"""What a run may spend: one row for each profile."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """How hard a run tries.

    Args:
        cases: enumerated cases of each scenario that are tried, the first ones; None for all.
        examples: random examples of each strategy, after all enumerated cases.
        in_flight: requests of one scenario that may be under way at once.
        racers: requests that are sent at one moment where concurrency is put to the test.
        races: how often they are sent so, for a race may be won by chance.
        deadline: seconds that one operation may take.
        first_look: seconds until an operation is looked at for the first time.
        first_poll: seconds until an operation is looked at again; doubles from look to look.
        last_poll: seconds between two looks at most.
        shrinking: executions that may be spent on making one failing example smaller.
        confirmations: how often a breach is tried again.
        derandomised: whether the same examples are tried in every run that is given no seed.
        usual_requests: about as many requests as a correct target is sent.
        seconds: what a run is given at least, unless it is told how long it may take.
        max_requests, max_images: what a run may spend, unless it is told; None for no limit.
    """

    cases: int | None
    examples: int
    in_flight: int
    racers: int
    races: int
    deadline: float
    first_look: float
    first_poll: float
    last_poll: float
    shrinking: int
    confirmations: int
    derandomised: bool
    usual_requests: int
    seconds: float
    max_requests: int | None = None
    max_images: int | None = None

    @property
    def sparing(self) -> bool:
        """Whether images and requests are so dear that one image has to do for many rules."""
        return self.cases is not None


PROFILES = {
    "quick": Profile(None, 3, 8, 8, 1, 15.0, 0.0, 0.007, 0.5, 60, 3, True, 4_000, 90.0),
    "ci": Profile(None, 15, 8, 32, 3, 30.0, 0.0, 0.007, 0.5, 200, 3, True, 12_000, 300.0),
    "thorough": Profile(None, 150, 8, 64, 5, 60.0, 0.0, 0.007, 1.0, 500, 3, False, 60_000, 3_600.0),
    "real": Profile(1, 0, 8, 6, 1, 600.0, 2.0, 2.0, 10.0, 0, 1, True, 500, 7_200.0, 700, 40),
}
"""quick: while you write. ci: a gate. thorough: looks for what nobody thought of. real: few requests, for a billed
target."""
