"""What all scenarios of a process share: where requests go, as whom, what may be spent, and how things are named."""

from __future__ import annotations

import itertools
import os
import re
import uuid
from dataclasses import dataclass, field

from conformance.client.journal import Journal
from conformance.client.race import Race
from conformance.client.transport import Transport
from conformance.config.profiles import Profile
from conformance.contract.insert_request import Fresh, FreshName

NAME_PREFIX = "conformance"
"""Everything that the suite creates is named so, but for the few images whose name itself is the matter of a test."""

_OWN_NAME = re.compile(rf"{NAME_PREFIX}-[0-9a-f]{{8}}-(?:main|gw[0-9]+)-[0-9]+[-a-z0-9]*")


def is_own(name: str) -> bool:
    """Whether a name is one that this suite gives, and nobody else."""
    return _OWN_NAME.fullmatch(name) is not None


class Names:
    """The run's source of names and requestIds, outside all strategies, so that no example meets its own leftovers.

    Args:
        run: the id of the run; the names of one process are distinguished by `worker`.
    """

    def __init__(self, run: str, worker: str) -> None:
        self.prefix = f"{NAME_PREFIX}-{run}-"
        self._worker = worker
        self._numbers = itertools.count(1)

    def fresh(self) -> str:
        """A name that no image of this run has had."""
        return f"{self.prefix}{self._worker}-{next(self._numbers)}"

    def named(self, wanted: str | Fresh | FreshName | None) -> str | None:
        """The name that a request wants; a new one where it wants any."""
        if isinstance(wanted, FreshName):
            return wanted.after(self.fresh())
        return self.fresh() if isinstance(wanted, Fresh) else wanted

    def request_id(self, version: int | None = None) -> str:
        """A UUID of a version, 4 unless told, that no request of this run has had."""
        if version is None:
            return str(uuid.uuid4())
        value = (uuid.uuid4().int & ~(0xF << 76)) | version << 76
        return str(uuid.UUID(int=value))


@dataclass
class Target:
    """What all scenarios of a process share: where requests go, as whom, and what may be spent.

    `root` ends with the API version; `secrets` are the key texts that were sent so far; `authorised` tells whether
    requests say who sends them; `forbidden_token` is that of a caller who may not make images; `unfinished` counts the
    operations that were waited for in vain; once the process `parent` is gone, in a worker, scenarios send no more.
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
    secrets: set[str] = field(default_factory=set)
    parent: int | None = None

    @property
    def over(self) -> bool:
        """Whether scenarios are to send no more."""
        return self.parent is not None and os.getppid() != self.parent
