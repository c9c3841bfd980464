"""What all scenarios of a process share: where requests go, as whom, what may be spent, and how things are named."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.client.journal import Journal
from conformance.client.names import Names
from conformance.client.race import Race
from conformance.client.transport import Transport
from conformance.config.profiles import Profile

NO_PROJECT = "conformance-does-not-exist"
"""A project that there is not, for looks at what is not to be there."""


@dataclass
class Target:
    """What all scenarios of a process share: where requests go, as whom, and what may be spent.

    `root` ends with the API version; `secrets` are the keys of sources, and those that were sent so far; `authorised`
    tells whether requests say who sends them; `limited_tokens` are those of callers who may not do all, by their
    settings; `unfinished` counts the operations that were waited for in vain, `unseen`, by kind, the things that were
    looked for in vain one after the other, `unlucky` the inserts that failed as if by chance; `waits` tells whether
    operations are waited for, and not looked at again and again; `restless` are the fields that tell images apart, but
    change from look to look; `nameless` tells whether images are had by their ids alone; once the process `parent` is
    gone, in a worker, scenarios send no more.
    """

    root: str
    project: str
    second_project: str | None
    transport: Transport
    names: Names
    journal: Journal
    profile: Profile
    deadline: float
    race: Race
    authorised: bool = False
    limited_tokens: Mapping[str, str] = field(default_factory=dict)
    unfinished: int = 0
    unseen: Counter[str] = field(default_factory=Counter)
    unlucky: int = 0
    waits: bool = False
    restless: frozenset[str] = frozenset()
    nameless: bool = False
    secrets: set[str] = field(default_factory=set)
    parent: int | None = None

    @property
    def other_project(self) -> str:
        """A project in which images of this one are not to be seen: the second one, or one that there is not."""
        return self.second_project or NO_PROJECT

    @property
    def over(self) -> bool:
        """Whether scenarios are to send no more."""
        return self.parent is not None and os.getppid() != self.parent
