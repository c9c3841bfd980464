"""What all scenarios of a process share: where requests go, as whom, what may be spent, and how things are named."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from conformance.client.journal import Journal
from conformance.client.names import Names
from conformance.client.race import Race
from conformance.client.transport import Transport
from conformance.config.profiles import Profile


@dataclass
class Target:
    """What all scenarios of a process share: where requests go, as whom, and what may be spent.

    `root` ends with the API version; `secrets` are the key texts that were sent so far; `authorised` tells whether
    requests say who sends them; `forbidden_token` is that of a caller who may not make images; `unfinished` counts the
    operations that were waited for in vain, `unseen` the looks for what was done that were taken in vain; `waits`
    tells whether operations are waited for, and not looked at again and again; once the process `parent` is gone, in
    a worker, scenarios send no more.
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
    forbidden_token: str | None = None
    unfinished: int = 0
    unseen: int = 0
    waits: bool = False
    secrets: set[str] = field(default_factory=set)
    parent: int | None = None

    @property
    def over(self) -> bool:
        """Whether scenarios are to send no more."""
        return self.parent is not None and os.getppid() != self.parent
