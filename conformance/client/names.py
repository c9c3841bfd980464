"""How a run names what it makes: in several shapes, so that no target is judged by one shape alone."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.contract.fields import NAME_MAXIMUM
from conformance.contract.insert_request import Fresh, FreshName

NAME_PREFIX = "conformance"
"""Everything that the suite creates is named so, but for the few images whose name itself is the matter of a test."""

OWN_NAME = re.compile(
    rf"{NAME_PREFIX}-[0-9a-f]{{8}}-(?:main|gw[0-9]+)-[0-9]+[-a-z0-9]*|(?:{NAME_PREFIX}|c)[0-9a-f]{{8}}(?:main|gw[0-9]+)x[0-9]+[a-z0-9]*"
)
"""What every name looks like that a run gives, and none that anybody else does."""


def is_own(name: str) -> bool:
    """Whether a name is one that this suite gives, and nobody else."""
    return OWN_NAME.fullmatch(name) is not None


_NO_END = FreshName("")


@dataclass(frozen=True)
class Shape:
    """One shape of names.

    Args:
        id: by which processes tell each other of it.
        rule: the rule that says that such a name is accepted.
        prefix: how names of a run begin, with {run} for its id.
        middle: what follows, with {worker} and {number}.
        end: how they end.
    """

    id: str
    rule: str
    prefix: str = f"{NAME_PREFIX}-{{run}}-"
    middle: str = "{worker}-{number}"
    end: FreshName = _NO_END


SHAPES = (
    Shape("digit at the end", "image.name.pattern"),
    Shape("letter at the end", "image.name.pattern", end=FreshName("-z")),
    Shape("two dashes in a row", "image.name.pattern", end=FreshName("--0")),
    Shape("63 characters", "image.name.length", end=FreshName("-z", NAME_MAXIMUM)),
)
"""The shapes that a run uses in turn."""

TOGETHER = Shape("all at once", "image.name.length", end=FreshName("--z", NAME_MAXIMUM))
"""Whatever sets the other shapes apart from the first, in one name."""

LAST_RESORTS = (
    Shape("no dashes", "image.name.pattern", f"{NAME_PREFIX}{{run}}", "{worker}x{number}"),
    Shape("short", "image.name.length", "c{run}", "{worker}x{number}"),
)
"""Shapes for a target that refuses all of those."""


class Names:
    """The run's source of names and requestIds, outside all strategies, so that no example meets its own leftovers.

    Args:
        run: the id of the run; the names of one process are distinguished by `worker`.
        shapes: the ids of the shapes that the target takes.
    """

    def __init__(self, run: str, worker: str, shapes: Iterable[str] = ()) -> None:
        self._run = run
        self._worker = worker
        self._numbers = itertools.count(1)
        self.use(shapes)

    def use(self, shapes: Iterable[str]) -> None:
        """From now on names have these shapes, by their ids; those that a run begins with, where there are none."""
        wanted = set(shapes)
        self._shapes = [shape for shape in (*SHAPES, *LAST_RESORTS) if shape.id in wanted] or list(SHAPES)

    @property
    def prefix(self) -> str:
        """How the names of this run begin."""
        return self._shapes[0].prefix.format(run=self._run)

    def fresh(self, shape: Shape | None = None) -> str:
        """A name that no image of this run has had; of a shape, or of the next one."""
        number = next(self._numbers)
        shape = shape or self._shapes[number % len(self._shapes)]
        return shape.end.after(self._start(shape, number))

    def _start(self, shape: Shape, number: int) -> str:
        return shape.prefix.format(run=self._run) + shape.middle.format(worker=self._worker, number=number)

    def named(self, wanted: str | Fresh | FreshName | None) -> str | None:
        """The name that a request wants; a new one where it wants any."""
        if isinstance(wanted, FreshName):
            return wanted.after(self._start(self._shapes[0], next(self._numbers)))
        return self.fresh() if isinstance(wanted, Fresh) else wanted

    def request_id(self, version: int | None = None) -> str:
        """A UUID of a version, 4 unless told, that no request of this run has had."""
        if version is None:
            return str(uuid.uuid4())
        value = (uuid.uuid4().int & ~(0xF << 76)) | version << 76
        return str(uuid.UUID(int=value))
