"""Recorded traffic, read entry by entry and put together into the traces that rules judge.

Exchanges that have to do with the same image, operation or requestId form one trace. The exchanges themselves wait in a
temporary file, so that a recording may be larger than memory.
"""

from __future__ import annotations

import math
import pickle
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import ijson

from conformance.trace.cost import Cost
from conformance.trace.customer_keys import secrets_of
from conformance.trace.exchange import MUTATIONS, Exchange, Trace
from conformance.trace.formats import link, timestamp
from conformance.trace.har import OWN, UnreadableError, exchange_of

Key = int
"""What exchanges have in common, as the hash of its parts: of a million of these no two are the same."""

OTHER = "of other hosts, methods or APIs"

SHARED_MAXIMUM = 200
"""Images that a family or a source may join into one trace: beyond, their stories are told apart."""


class NotARecordingError(ValueError):
    """The file is no HTTP archive; the text says why."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where an exchange waits in the temporary file, and what it has to do with.

    `home` is one of the keys that join exchanges into one trace, None without any; `shared` join traces unless too many share
    them; `guests` are the traces that get a copy.
    """

    position: int
    sent: float
    home: Key | None
    shared: tuple[Key, ...] = ()
    guests: tuple[Key, ...] = ()


class Recording:
    """An HTTP archive as traces; to be used as a context, which removes the temporary file.

    Args:
        path: the file.

    Attributes:
        skipped: how many entries are not judged, by the reason.
        hosts, projects: how many entries are judged, by their host and by their project.
        cost: how many requests were recorded, and how long they took.

    Raises:
        NotARecordingError: the file is none.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.skipped: Counter[str] = Counter()
        self.cost = Cost()
        self.hosts: Counter[str] = Counter()
        self.projects: Counter[str] = Counter()
        self._secrets: set[str] = set()
        self._ahead = -math.inf
        self._entries: list[_Entry] = []
        self._joined = _Joined()
        self._spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        with path.open("rb") as file:
            self._read(file)

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def __len__(self) -> int:
        return len(self._entries)

    def traces(self) -> Iterator[Trace]:
        """The traces, in no particular order."""
        secrets = frozenset(self._secrets)
        for members in self._groups():
            order = sorted(members, key=lambda entry: (entry.sent, entry.position))
            loaded = [self._load(entry) for entry in order]
            deadline = max(deadline for _, deadline in loaded)
            exchanges = tuple(replace(exchange, number=number) for number, (exchange, _) in enumerate(loaded, 1))
            yield Trace(exchanges, secrets, deadline, recorded=not deadline, ahead=self._ahead)

    # Reading

    def _read(self, file: BinaryIO) -> None:
        try:
            for value in ijson.items(file, "log.entries.item", use_float=True):
                self._take(value)
        except (ijson.JSONError, UnicodeDecodeError, RecursionError) as error:
            raise NotARecordingError(f"it is not valid JSON: {str(error).splitlines()[0]}") from None
        if not (self._entries or self.skipped):
            raise NotARecordingError("it has no log.entries, as an HTTP archive (HAR) has")

    def _take(self, value: Any) -> None:
        try:
            exchange = exchange_of(value if isinstance(value, dict) else {}, len(self._entries) + 1)
        except UnreadableError as reason:
            self.skipped[str(reason)] += 1
            return
        if exchange.route is None:
            self.skipped[OTHER] += 1
            return
        self._count(exchange)
        parts = urlsplit(exchange.request.url)
        self.hosts[parts.netloc] += 1
        self.projects[exchange.route.project] += 1
        self._secrets.update(secrets_of(exchange))
        began = timestamp((exchange.resource or {}).get("insertTime")) if exchange.method in MUTATIONS else None
        if began is not None:
            self._ahead = max(self._ahead, began.timestamp() - exchange.received)
        own = value.get(OWN)
        name = own.get("trace") if isinstance(own, dict) else None
        host = "googleapis.com" if parts.netloc.endswith("googleapis.com") else parts.netloc
        subject = _Subject(exchange, (host, exchange.route.project))
        position = self._spool.tell()
        pickle.dump((exchange, deadline_of(own)), self._spool)
        if isinstance(name, str):
            self._entries.append(_Entry(position, exchange.sent, hash(("trace", name))))
            return
        keys = subject.keys()
        for key in keys:
            self._joined.join(keys[0], key)
        home = keys[0] if keys else None
        self._entries.append(_Entry(position, exchange.sent, home, subject.shared(), subject.guests()))

    def _count(self, exchange: Exchange) -> None:
        self.cost.requests += 1
        self.cost.images += exchange.method == "images.insert" and exchange.answered
        if exchange.response is not None:
            self.cost.latencies[exchange.method].append(round((exchange.received - exchange.sent) * 1000, 2))

    def _load(self, entry: _Entry) -> tuple[Exchange, float]:
        self._spool.seek(entry.position)
        loaded: tuple[Exchange, float] = pickle.load(self._spool)  # noqa: S301 - our own file, without a name
        return loaded

    # Grouping

    def _groups(self) -> Iterator[list[_Entry]]:
        sharing = Counter(key for entry in self._entries for key in entry.shared)
        joined = self._joined
        for entry in self._entries:
            for key in entry.shared:
                if entry.home is not None and sharing[key] <= SHARED_MAXIMUM:
                    joined.join(entry.home, key)
        groups: dict[Key, list[_Entry]] = defaultdict(list)
        alone = []
        for entry in self._entries:
            homes = set() if entry.home is None else {joined.root(entry.home)}
            homes |= {joined.root(key) for key in entry.guests if key in joined}
            for home in homes:
                groups[home].append(entry)
            alone += [] if homes else [[entry]]
        yield from groups.values()
        yield from alone


class _Joined:
    """Keys that belong together (a union-find)."""

    def __init__(self) -> None:
        self._parents: dict[Key, Key] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._parents

    def root(self, key: Key) -> Key:
        """The one key that stands for all that it was joined with."""
        path = []
        while (parent := self._parents.setdefault(key, key)) != key:
            path.append(key)
            key = parent
        for passed in path:
            self._parents[passed] = key
        return key

    def join(self, one: Key, other: Key) -> None:
        """From now on these two, and all that they were joined with, belong together."""
        self._parents[self.root(other)] = self.root(one)


class _Subject:
    """What an exchange has to do with: images by name and id, operations, requestIds, families.

    Args:
        exchange: of this API.
        within: host and project, within which names mean something.
    """

    def __init__(self, exchange: Exchange, within: tuple[str, ...]) -> None:
        assert exchange.route is not None
        self._exchange = exchange
        self._route = exchange.route
        self._within = within
        body = exchange.request.json
        self._body: dict[str, Any] = body if isinstance(body, dict) else {}
        self._answer = exchange.resource or {}

    def keys(self) -> tuple[Key, ...]:
        """What makes exchanges one story."""
        method = self._route.method
        if method in MUTATIONS:
            return tuple(self._mutation())
        if method == "images.get":
            return tuple(self._image(self._route.name, self._answer))
        if method in ("globalOperations.get", "globalOperations.wait", "globalOperations.delete"):
            return tuple(self._operation({"name": self._route.name, **self._answer}))
        return ()

    def shared(self) -> tuple[Key, ...]:
        """What may make several stories one: a family, or a source that the recording tells of as well."""
        image = {"images.insert": self._body, "images.get": self._answer}.get(self._route.method, {})
        keys = []
        if isinstance(image.get("family"), str) and image["family"]:
            keys.append(self._key("family", image["family"]))
        path = link(image.get("sourceImage"))
        if f"projects/{self._route.project}/global/images/" in path:
            keys.append(self._key("image", path.rpartition("/")[2]))
        return tuple(keys)

    def guests(self) -> tuple[Key, ...]:
        """The stories that an exchange about many things is evidence for."""
        items = self._answer.get("items")
        listed = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        match self._route.method:
            case "images.list":
                named = [self._key("image", item.get("name")) for item in listed]
                return (*named, *(self._key("image", name) for name in self._filtered()))
            case "globalOperations.list":
                return tuple(self._key("operation", item.get("name")) for item in listed)
            case "images.getFromFamily":
                return (self._key("image", self._answer.get("name")), self._key("family", self._route.name))
            case "imageFamilyViews.get":
                image = self._answer.get("image")
                name = image.get("name") if isinstance(image, dict) else None
                return (self._key("image", name), self._key("family", self._route.name))
        return ()

    def _filtered(self) -> Iterator[str]:
        """The names that the filter of a list asks for."""
        for text in self._exchange.request.query.get("filter", ()):
            for sign in ("=", " eq "):
                field_name, found, value = text.partition(sign)
                if found and field_name.strip(" (") == "name":
                    yield value.strip(" ()\"'")

    def _mutation(self) -> Iterator[Key]:
        request_id = self._exchange.request.query.get("requestId", [""])[0]
        if request_id:
            yield self._key("request", self._route.method, request_id.lower())
        name = self._body.get("name") if self._route.method == "images.insert" else self._route.name
        if isinstance(name, str) and name:
            yield self._key("image", name)
        yield from self._operation(self._answer)

    def _operation(self, operation: dict[str, Any]) -> Iterator[Key]:
        if isinstance(operation.get("name"), str) and operation["name"]:
            yield self._key("operation", operation["name"])
        path = link(operation.get("targetLink"))
        if "/global/images/" in path:
            yield self._key("image", path.partition("/global/images/")[2].partition("/")[0])
        if isinstance(operation.get("targetId"), str) and operation["targetId"] and "/global/images/" in path:
            yield self._key("image", operation["targetId"])

    def _image(self, named: str, image: dict[str, Any]) -> Iterator[Key]:
        if named:
            yield self._key("image", named)
        for name in ("name", "id"):
            if isinstance(image.get(name), str) and image[name]:
                yield self._key("image", image[name])

    def _key(self, *parts: Any) -> Key:
        return hash((*self._within, *(str(part) for part in parts)))


def deadline_of(own: Any) -> float:
    """How long the suite itself would have waited for an operation, in seconds; 0 in the recordings of others."""
    seconds = own.get("deadline") if isinstance(own, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else 0.0
