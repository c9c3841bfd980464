"""The entries of a recording: where their exchanges wait, and what they have to do with.

There may be a million of them, so they are kept in columns of numbers, of some dozen bytes each.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.trace.subject import Key

NO_KEY = -1
"""Stands for none in the column of keys: no hash is -1."""


@dataclass(frozen=True, slots=True)
class Item:
    """Where an item of a list waits in the temporary file, and the keys of its story."""

    position: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an exchange waits in the temporary file, and what it has to do with.

    `home` is one of the keys that join exchanges into one trace, None without any; `shared` join traces unless too
    many share them; `guests` are the traces that get a copy, and `sources` the keys of what their images are made
    from. A list is kept without its `items`, and each trace gets those that have to do with it; those of no trace go
    to that of the `strangers`. `lost` names what the recorder has lost of it, and `file` is the number of the file
    that it is from. One that has `failed` on the server's side says nothing without its retries; one that `deletes`
    makes its story one of an image that lists may lack. `asked` tells lists from others that ask for something else;
    `whole` is what a list of all images has in common with the inserts of images that should be on it.
    """

    position: int
    sent: float
    home: Key | None
    shared: tuple[Key, ...] = ()
    guests: tuple[Key, ...] = ()
    sources: tuple[Key, ...] = ()
    items: tuple[Item, ...] = ()
    strangers: Key | None = None
    lost: frozenset[str] = frozenset()
    file: int = 0
    failed: bool = False
    deletes: bool = False
    asked: int | None = None
    whole: Key | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """An exchange as part of a trace, with the items that the trace is to see of it."""

    entry: Entry
    items: Sequence[Item] = ()


class Entries:
    """The entries in the order in which they were read, by their number.

    Beyond their place, time and home most are like some other one: what they have in common is kept once.
    """

    def __init__(self) -> None:
        self._positions = array("q")
        self._sent = array("d")
        self._homes = array("q")
        self._alike = array("I")
        self._numbers: dict[Entry, int] = {}
        self._kinds: list[Entry] = []

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[Entry]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Entry:
        home = self._homes[number]
        return replace(
            self._kinds[self._alike[number]],
            position=self._positions[number],
            sent=self._sent[number],
            home=None if home == NO_KEY else home,
        )

    def append(self, entry: Entry) -> None:
        """Takes the next entry."""
        kind = replace(entry, position=0, sent=0.0, home=None)
        known = self._numbers.setdefault(kind, len(self._kinds))
        if known == len(self._kinds):
            self._kinds.append(kind)
        self._positions.append(entry.position)
        self._sent.append(entry.sent)
        self._homes.append(NO_KEY if entry.home is None else entry.home)
        self._alike.append(known)


class Groups:
    """What is judged together: members, by the key of their story.

    Args:
        entries: those that the members are of.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._members: dict[Key, array[int]] = defaultdict(lambda: array("I"))
        self._items: dict[tuple[Key, int], Sequence[Item]] = {}

    def __iter__(self) -> Iterator[list[Member]]:
        for key, numbers in self._members.items():
            yield [Member(self._entries[number], self._items.get((key, number), ())) for number in numbers]

    def add(self, key: Key, number: int, items: Sequence[Item] = ()) -> None:
        """Puts an entry into a group, of a list with those of its items that it is to have there."""
        self._members[key].append(number)
        if items:
            self._items[key, number] = items
