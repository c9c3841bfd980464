"""Keys that belong together, by which exchanges become one story."""

from __future__ import annotations


class Joined:
    """Keys that belong together (a union-find)."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def __contains__(self, key: int) -> bool:
        return key in self._parents

    def root(self, key: int) -> int:
        """The one key that stands for all that it was joined with."""
        path = []
        while (parent := self._parents.setdefault(key, key)) != key:
            path.append(key)
            key = parent
        for passed in path:
            self._parents[passed] = key
        return key

    def join(self, one: int, other: int) -> None:
        """From now on these two, and all that they were joined with, belong together."""
        self._parents[self.root(other)] = self.root(one)
