"""Recorded traffic, read entry by entry and put together into the traces that rules judge.

Exchanges that have to do with the same image, operation or requestId form one trace. The exchanges themselves wait in a
temporary file, so that a recording may be larger than memory.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import re
import tempfile
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from conformance.trace.batch import changes_in, is_batch, overriding
from conformance.trace.bodies import Bodies
from conformance.trace.cost import Cost
from conformance.trace.credentials import credentials_of
from conformance.trace.customer_keys import secrets_of
from conformance.trace.entries import Entries, Entry, Groups, Item, Member
from conformance.trace.exchange import MUTATIONS, Exchange, Trace
from conformance.trace.formats import timestamp
from conformance.trace.har import ASIDE, BODIED, OWN, UnreadableError, exchange_of
from conformance.trace.joined import Joined
from conformance.trace.losses import FRACTIONS, INSERTS, ORDER, SERVER_TIMES, TIMES, out_of_order
from conformance.trace.placeholders import Placeholders
from conformance.trace.provenance import Provenance
from conformance.trace.readers import NotARecordingError, sources
from conformance.trace.recorded_clock import RecordedClock, served_at
from conformance.trace.subject import FAMILIES, Key, Subject

OTHER = "of other hosts, methods or APIs"
BATCH = "that carry other requests (batch)"
OVERRIDDEN = "that ask for another verb (X-HTTP-Method-Override)"
TRIED_AGAIN = "that a server error answered, and that the suite tried again"
INJECTED = "that the tap answered itself (--inject)"
UNVERSIONED = "whose path lacks /compute/VERSION before /projects, as in /compute/v1/projects/…"

_UNVERSIONED = re.compile(
    r"(?!.*/compute/[a-z0-9]+/projects/).*?/projects/[^/]+/(?:global|zones/[^/]+)/(?:images|operations)\b"
)

SHARED_MAXIMUM = 200
"""Images that a family or a source may join into one trace: beyond, their stories are told apart."""

SERVER_ERROR = 500

STANDS_STILL = 2
"""So many entries may be of one time that is true."""

TWICE_MINIMUM = 3
"""How many requests have to come twice each to be taken for a recording that holds all twice."""

ANSWER_SECONDS = 30.0
"""How long an answer may have taken whose entry does not say it."""


class Recording:
    """A recording, or the exchanges of a tap, as traces; to be used as a context, which removes the temporary file.

    Each file of a folder is a story of its own, unless its entries have times, by which they find their place.

    Args:
        path: the file, or a folder of files; None for a recording that is told what there is by `add`.
        project: the project that placeholders stand for; "" where that is not known.

    Attributes:
        formats: how many files were read, by their format.
        skipped: how many entries are not judged, by the reason.
        remarks: what a reader should know beside that.
        provenance: where it comes from, as far as it can be told.
        roots, projects: how many entries are judged, by scheme and host and by their project.
        cost: how many requests were recorded, and how long they took.
        keys: the texts of customer-supplied keys that the requests carry.
        credentials: the texts by which the requests say who asks.

    Raises:
        NotARecordingError: it is none.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path | None = None, project: str = "") -> None:
        self.formats: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.remarks: list[str] = []
        self.provenance = Provenance()
        self.cost = Cost()
        self.roots: Counter[str] = Counter()
        self.projects: Counter[str] = Counter()
        self.credentials: set[str] = set()
        self._made: set[int] = set()
        self.keys: set[str] = set()
        self._ahead = -math.inf
        self._project = project
        self._placeholders = Placeholders(project)
        self._clock = RecordedClock()
        self._story = ""
        self._lost: frozenset[str] = frozenset()
        self._nameless = False
        self._times: list[Counter[float]] = [Counter()]
        self._bodies: list[Bodies] = [Bodies()]
        self._fractions = [True]
        self._entries = Entries()
        self._joined = Joined()
        self._last_items: dict[tuple[Key, ...], tuple[int, int]] = {}
        self._sources: dict[Key, dict[str, Member]] = defaultdict(dict)
        self._changed_sources: set[Key] = set()
        self._changes: list[Exchange] = []
        self._spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        try:
            if path is not None:
                self._read(path)
        except BaseException:
            self._spool.close()
            raise

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
        secrets = frozenset(self.keys)
        self._changes.sort(key=lambda change: change.sent)
        for members in self._groups():
            order = sorted(members, key=lambda member: (member.entry.sent, member.entry.position))
            order = list(_without_repeats(order))
            loaded = _halved(list(_once(self._load(member) for member in order)))
            deadline = max(deadline for _, deadline in loaded)
            exchanges = tuple(replace(exchange, number=number) for number, (exchange, _) in enumerate(loaded, 1))
            lost = frozenset() if deadline else self._losses(order, exchanges)
            yield Trace(
                exchanges, secrets, deadline, recorded=not deadline, ahead=self._ahead, lost=lost, changes=self._changes
            )

    def _losses(self, members: Sequence[Member], exchanges: Sequence[Exchange]) -> frozenset[str]:
        """What the recorder has lost of a trace."""
        lost = {loss for member in members for loss in member.entry.lost}
        if any(self._stood_still(member.entry.file) for member in members):
            lost.add(TIMES)
        if not all(self._fractions[member.entry.file] for member in members):
            lost.add(FRACTIONS)
        if self._nameless or any(bodies.unsent for bodies in self._bodies):
            lost.add(INSERTS)
        if TIMES in lost and out_of_order(exchanges):
            lost.add(ORDER)
        return frozenset(lost)

    def _stood_still(self, file: int) -> bool:
        """Whether all entries of a file, of which there are some, have the same time."""
        times = self._times[file]
        return len(times) == 1 and times.total() > STANDS_STILL and 0.0 not in times

    # Reading

    def _read(self, path: Path) -> None:
        found, passed_over = sources(path)
        for source in found:
            self._clock, self._story = RecordedClock(), ""
            self._placeholders = Placeholders(self._project)
            self._times.append(Counter())
            self._fractions.append(False)
            self._bodies.append(Bodies())
            self.formats[source.format.name] += 1
            try:
                for number, entry in enumerate(source.entries()):
                    self._take(entry, "" if number else str(source.path))
            except NotARecordingError as error:
                raise error if source.path == path else NotARecordingError(f"{source.path}: {error}") from None
            self.remarks += self._bodies[-1].told()
        if passed_over:
            self.remarks.append(f"files of the folder that are no recordings: {passed_over}")
        if not (self._entries or self.skipped):
            raise NotARecordingError("it has no entries")

    def _take(self, value: Any, begins: str = "") -> None:
        """Takes an entry, the first one of the file that it `begins`."""
        value = value if isinstance(value, dict) else {}
        try:
            raw = exchange_of(value, len(self._entries) + 1)
        except UnreadableError as reason:
            self.skipped[str(reason)] += 1
            if reason.exchange is not None and reason.exchange.method in MUTATIONS:
                self._nameless = self._nameless or reason.exchange.method == "images.insert"
                self._keep(self._clock.put_right(reason.exchange), None)
            return
        if raw.route is not None:
            self.provenance.see(raw)
        own = value.get(OWN)
        lost: frozenset[str] = frozenset()
        if own is None:
            self._bodies[-1].see(raw)
            raw, lost = self._placeholders.restore(raw)
        if begins and not raw.sent:
            self._story = begins
        if not raw.sent and served_at(raw) is None:
            lost |= {TIMES}
        self._note_time(raw.sent)
        self._lost = lost
        self.add(raw, own)

    def add(self, exchange: Exchange, own: Any = None) -> None:
        """Takes an exchange into the recording.

        Args:
            exchange: what was exchanged.
            own: what a recording of the suite itself knows of it beyond the traffic.
        """
        exchange = self._clock.put_right(exchange)
        self.credentials.update(credentials_of(exchange))
        if exchange.route is not None:
            self._judge(exchange, own)
        elif is_batch(exchange):
            self.skipped[BATCH] += 1
            for change in changes_in(exchange):
                self._keep(change, None)
        elif exchange.request.overrides and not _named(own) and not exchange.rejected:
            self.skipped[OVERRIDDEN] += 1
            change = overriding(exchange)
            if change.method in MUTATIONS:
                self._keep(change, None)
        else:
            self.skipped[UNVERSIONED if _UNVERSIONED.match(exchange.request.path) else OTHER] += 1
            self._note_source(Subject(exchange, self._story), exchange)

    def _note_time(self, sent: float) -> None:
        times = self._times[-1]
        times[sent if sent in times or len(times) < 2 else -1.0] += 1
        self._fractions[-1] = self._fractions[-1] or not sent.is_integer()

    def _judge(self, exchange: Exchange, own: Any) -> None:
        """Keeps an exchange of this API, unless its answer is in a form that is not judged."""
        if exchange.unreadable and not _named(own):
            self.skipped[exchange.unreadable] += 1
            if exchange.method in MUTATIONS:
                self._keep(exchange, None)
            return
        if _named(own).startswith(f"{ASIDE} ") and exchange.status >= SERVER_ERROR:
            self.skipped[TRIED_AGAIN] += 1  # what came of it in the end is in the story of a scenario
            return
        self._count(exchange)
        self._note_clock(exchange)
        self._keep(exchange, own)

    def _note_clock(self, exchange: Exchange) -> None:
        """Learns by how much the clock of the server is ahead, from what it tells of a moment that had passed by the
        answer: its Date, and the time at which an operation began."""
        told = [served_at(exchange)]
        if exchange.method in MUTATIONS and SERVER_TIMES not in self._lost:
            began = timestamp((exchange.resource or {}).get("insertTime"))
            told.append(began.timestamp() if began else None)
        latest = exchange.received if exchange.received > exchange.sent else exchange.sent + ANSWER_SECONDS
        self._ahead = max([self._ahead, *(moment - latest for moment in told if moment is not None)])

    def _keep(self, exchange: Exchange, own: Any) -> None:
        name = _named(own)
        if name:
            position = self._store((exchange, deadline_of(own)))
            self._entries.append(Entry(position, exchange.sent, hash(("trace", name))))
            return
        if exchange.method in BODIED and exchange.method != "images.insert" and exchange.answered:
            self._changes.append(replace(exchange, response=None))
        subject = Subject(exchange, self._story)
        keys = subject.keys()
        for key in keys:
            self._joined.join(keys[0], key)
        items, frame, strangers = self._split(exchange, subject)
        entry = Entry(
            self._store((frame, deadline_of(own))),
            exchange.sent,
            keys[0] if keys else None,
            subject.shared(),
            subject.guests(),
            subject.sources(),
            items,
            strangers,
            self._lost,
            len(self._times) - 1,
            exchange.status >= SERVER_ERROR,
            exchange.method == "images.delete",
            hash(exchange.request.url) if exchange.method == "images.list" and exchange.answered else None,
            subject.whole_list() if exchange.answered else None,
        )
        self._entries.append(entry)
        self._note_source(subject, exchange, entry)
        for value, item in zip(exchange.items, items, strict=False):
            shown = subject.item_as_source(value)
            if shown is not None:
                self._sources[shown[0]].setdefault(shown[1], Member(entry, (item,)))
                self._sources[shown[0]][f"{shown[1]} last"] = Member(entry, (item,))

    def _split(self, exchange: Exchange, subject: Subject) -> tuple[tuple[Item, ...], Exchange, Key | None]:
        """The items of a list, the exchange without them, and the key of those that nothing else tells of; that of a
        family's image as well."""
        if exchange.method in FAMILIES:
            return (), exchange, subject.strangers()
        if not exchange.items or not exchange.method.endswith(".list"):
            return (), exchange, None
        items = tuple(self._item(item, subject.item(item)) for item in exchange.items)
        strangers = subject.strangers() if exchange.method == "images.list" else None
        return items, _with_items(exchange, []), strangers

    def _note_source(self, subject: Subject, exchange: Exchange, entry: Entry | None = None) -> None:
        """Remembers where a source of images was shown first and last with each of its ids, unless it is changed."""
        if exchange.changed_source:
            self._changed_sources.add(subject.changes_source())
        for key, identifier in subject.shows_sources():
            entry = entry or Entry(self._store((exchange, 0.0)), exchange.sent, None)
            member = Member(entry, entry.items)
            self._sources[key].setdefault(identifier, member)
            self._sources[key][f"{identifier} last"] = member

    def _item(self, value: dict[str, Any], keys: tuple[Key, ...]) -> Item:
        """An item of a list; one that is as the last one of its story was is kept once."""
        told = hash(json.dumps(value))
        known, position = self._last_items.get(keys, (None, 0))
        if known != told:
            position = self._store(value)
            self._last_items[keys] = told, position
        return Item(position, keys)

    def _store(self, value: object) -> int:
        position = self._spool.seek(0, os.SEEK_END)
        pickle.dump(value, self._spool)
        return position

    def _count(self, exchange: Exchange) -> None:
        self.keys.update(secrets_of(exchange))
        if not exchange.reached:
            self.skipped[INJECTED] += 1
            return
        parts = urlsplit(exchange.request.url)
        self.roots[f"{parts.scheme}://{parts.netloc}"] += 1
        self.projects[exchange.route.project if exchange.route else ""] += 1
        self.cost.requests += 1
        if exchange.method == "images.insert" and exchange.answered:
            # A replay makes no image: what it is answered names the first one's.
            target = (exchange.resource or {}).get("targetId")
            self._made.add(hash(str(target) if target else f"{exchange.sent} {exchange.request.url}"))
            self.cost.images = len(self._made)
        if exchange.response is not None and exchange.received > exchange.sent:
            self.cost.latencies[exchange.method].append(round((exchange.received - exchange.sent) * 1000, 2))

    def _load(self, member: Member) -> tuple[Exchange, float]:
        exchange: Exchange
        exchange, deadline = self._read_back(member.entry.position)
        if member.items:
            exchange = _with_items(exchange, [self._read_back(item.position) for item in member.items])
        return self._bodies[member.entry.file].without(exchange), deadline

    def _read_back(self, position: int) -> Any:
        self._spool.seek(position)
        return pickle.load(self._spool)  # noqa: S301 - our own file, without a name

    # Grouping

    def _groups(self) -> Iterator[list[Member]]:
        """What is judged together: each story, each list as a whole, and what lists show of images that nothing else
        tells of."""
        joined = self._joined
        sharing = Counter(key for entry in self._entries for key in entry.shared)
        for entry in self._entries:
            for key in entry.shared:
                if entry.home is not None and sharing[key] <= SHARED_MAXIMUM:
                    joined.join(entry.home, key)
        groups, strangers = Groups(self._entries), Groups(self._entries)
        deleting = {joined.root(entry.home) for entry in self._entries if entry.deletes and entry.home is not None}
        listed: dict[int, set[Key]] = defaultdict(set)
        for number, entry in enumerate(self._entries):
            parts, rest = self._parts(entry)
            for home, items in parts.items():
                groups.add(home, number, items)
            if entry.asked is not None:
                # That a list lacks what it showed before tells of an image that was deleted, as a get does.
                for home in listed[entry.asked] - parts.keys():
                    groups.add(home, number)
                listed[entry.asked] = deleting & parts.keys()
            alone = entry.strangers is not None and (bool(rest) or not (entry.items or parts))
            if alone and entry.strangers is not None:
                strangers.add(entry.strangers, number, rest)
            places = [*parts.values(), *([rest] if alone else [])]
            whole = any(len(items) == len(entry.items) for items in places)
            if not whole and not (entry.failed and entry.home is None):
                yield [Member(entry, entry.items)]
        whole_lists = self._whole_lists()
        for members in groups:
            yield [*members, *whole_lists.lacking(members), *self._shown_sources(members)]
        yield from strangers

    def _parts(self, entry: Entry) -> tuple[dict[Key, list[Item]], list[Item]]:
        """The stories that an exchange belongs to, each with the items that have to do with it, and the items of
        none."""
        joined = self._joined
        parts: dict[Key, list[Item]] = {}
        rest = []
        if entry.home is not None:
            parts[joined.root(entry.home)] = []
        for key in entry.guests:
            if key in joined:
                parts.setdefault(joined.root(key), [])
        for item in entry.items:
            root = next((joined.root(key) for key in item.keys if key in joined), None)
            if root is None:
                rest.append(item)
            else:
                parts.setdefault(root, []).append(item)
        return parts, rest

    def _shown_sources(self, members: Sequence[Member]) -> Iterator[Member]:
        """The exchanges outside a story that show what its images are made from."""
        own = {member.entry.position for member in members}
        told = {key: None for member in members for key in member.entry.sources if key not in self._changed_sources}
        for key in told:
            for member in self._sources.get(key, {}).values():
                if member.entry.position not in own:
                    own.add(member.entry.position)
                    yield member

    def _whole_lists(self) -> _WholeLists:
        lists: dict[Key, list[Entry]] = defaultdict(list)
        for entry in self._entries:
            if entry.whole is not None and entry.asked is not None:
                lists[entry.whole].append(entry)
        for entries in lists.values():
            entries.sort(key=lambda entry: (entry.sent, entry.position))
        return _WholeLists(lists)


class _WholeLists:
    """The lists of all images of each project, in the order of sending.

    Those that lack an image which a recording tells of before and afterwards are part of its story as well: it should
    be on them.
    """

    def __init__(self, lists: dict[Key, list[Entry]]) -> None:
        self._lists = lists

    def lacking(self, members: Sequence[Member]) -> Iterator[Member]:
        """The lists between the first and the last exchange of a story that have nothing of it, unless they are too
        many."""
        known = {member.entry.position for member in members}
        first, last = (end(member.entry.sent for member in members) for end in (min, max))
        wholes = (member.entry.whole for member in members if member.entry.asked is None)
        for key in {whole for whole in wholes if whole is not None}:
            lists = self._lists.get(key, [])
            begin, end = (bisect(lists, moment, key=lambda entry: entry.sent) for moment in (first, last))
            if end - begin <= SHARED_MAXIMUM:
                yield from (Member(entry, ()) for entry in lists[begin:end] if entry.position not in known)


def _without_repeats(members: list[Member]) -> Iterator[Member]:
    """A story without the lists that show of it what those just before and after them show, to the same question:
    who lists again and again tells nothing new by it. As a whole each of them is judged elsewhere."""
    for place, member in enumerate(members):
        around = members[place - 1 : place] + members[place + 1 : place + 2]
        shown = [item.position for item in member.items]
        repeated = len(around) == 2 and all(
            one.entry.asked == member.entry.asked and [item.position for item in one.items] == shown for one in around
        )
        if not (repeated and shown and member.entry.asked is not None and len(shown) < len(member.entry.items)):
            yield member


def _once(loaded: Iterable[tuple[Exchange, float]]) -> Iterator[tuple[Exchange, float]]:
    """The exchanges of a story, in the order of sending, each once: recordings that were put together from others may
    hold some twice. To be taken for one they have to be alike in all, with times in fractions of seconds."""
    alike: list[Exchange] = []
    for exchange, deadline in loaded:
        alike = [one for one in alike if one.sent == exchange.sent]
        if not (_timed(exchange) and any(replace(one, number=exchange.number) == exchange for one in alike)):
            alike.append(exchange)
            yield exchange, deadline


def _halved(loaded: list[tuple[Exchange, float]]) -> list[tuple[Exchange, float]]:
    """A story each once, where its recorder tells no times, and holds everything twice: entry by entry, or as a whole.

    A client that repeats every change and every poll, and is answered alike each time, is not to be expected. Looks at
    what others have to do with as well, such as lists and sources, may have been left out before.
    """
    if len(loaded) < 2 * TWICE_MINIMUM or any(_timed(exchange) for exchange, _ in loaded):
        return loaded
    told = [repr((exchange.request, exchange.response)) for exchange, _ in loaded]
    times = Counter(told)
    once = any(times[text] % 2 for text, (exchange, _) in zip(told, loaded, strict=True) if _of_its_own(exchange))
    if once or sum(count % 2 == 0 for count in times.values()) < TWICE_MINIMUM:
        return loaded
    left = Counter({text: (count + 1) // 2 for text, count in times.items()})
    kept = []
    for text, one in zip(told, loaded, strict=True):
        if left[text]:
            left[text] -= 1
            kept.append(one)
    return kept


def _of_its_own(exchange: Exchange) -> bool:
    """Whether an exchange belongs to one story alone: a change, or a look at an operation."""
    return exchange.method in MUTATIONS or str(exchange.method).startswith("globalOperations.")


def _timed(exchange: Exchange) -> bool:
    """Whether a recorder has told when a request was sent, and how long it took, in fractions of seconds."""
    return not exchange.sent.is_integer() and exchange.received > exchange.sent


def _with_items(exchange: Exchange, items: list[Any]) -> Exchange:
    """A list with these items alone."""
    assert exchange.response is not None
    body = {**(exchange.resource or {}), "items": items}
    if not items:
        del body["items"]
    return replace(exchange, response=replace(exchange.response, body=json.dumps(body, ensure_ascii=False).encode()))


def _named(own: Any) -> str:
    """The name of the trace to which the suite itself has counted an exchange; "" in the recordings of others."""
    name = own.get("trace") if isinstance(own, dict) else None
    return name if isinstance(name, str) else ""


def deadline_of(own: Any) -> float:
    """How long the suite itself would have waited for an operation, in seconds; 0 in the recordings of others."""
    seconds = own.get("deadline") if isinstance(own, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else 0.0
