"""The API as a scenario uses it: one method for each API method, and what a request leads to followed to its end."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote

from conformance.client.connection import TIMED_OUT
from conformance.client.recorder import UNADDRESSABLE, UNSET_IDS, Recorder, quoted, told_id
from conformance.client.transport import AUTHORIZATION
from conformance.contract.insert_request import Fresh, InsertRequest
from conformance.contract.mutation import failed_by_chance
from conformance.contract.operation import STATUS_ORDER, has_ended
from conformance.contract.requests import TRIES
from conformance.contract.round_trip import shows
from conformance.trace.exchange import ABANDONED, Exchange, Intent
from conformance.trace.fate import Fate
from conformance.trace.formats import link
from conformance.trace.links import named

WAIT_SECONDS = 130.0
"""wait is documented to answer after at most about two minutes."""

SEEN_SECONDS = 2.0
"""How long it may take until a get shows what is done, or an operation can be looked at."""

LOOKS_MINIMUM = 3
"""So many looks are taken though that time is over, since the machine had no time for us; one less for each half."""

UNSEEN_UNTIL_HALF = 2
"""So many things in a row that were looked for in vain halve that time for the next of their kind."""

HALVES_MAXIMUM = 20
"""Then it is next to nothing, however often a target still shows nothing."""


CONFLICT = 409

UNFINISHED_UNTIL_HALF = 8
"""So many operations that never ended halve the time for all that follow."""

WATCHED = 0.25
"""The part of the deadline for which the image of an insert is watched whose operation cannot be looked at, or an
operation whose status nobody knows."""

UNLUCKY_MAXIMUM = 200
"""So many inserts that failed as if by chance are made again."""

NAME_TEXT_MAXIMUM = 1000
"""Characters of a text that a target may have taken for a name."""

PAIR = 2

_WAIT = "globalOperations.wait"
_DELETE = "images.delete"
_LIST = "images.list"
_GET = "globalOperations.get"
_OPERATIONS = "globalOperations.list"
_FAMILY = "images.getFromFamily"
_FREED = "the name of a deleted image"

_SETTLED = ("READY", "FAILED", None)
"""Statuses of an image that is no longer being made, as far as it tells: one without any never will."""


@dataclass(frozen=True)
class Created:
    """An insert that was followed to its end: its exchange, the last look at its operation, and at its image."""

    insert: Exchange
    name: str
    operation: dict[str, Any]
    image: Exchange | None = None

    @property
    def identifier(self) -> str:
        """The id of the image as the operation says it, or else as the image shows it; "" where neither does."""
        shown = self.image.resource if self.image else None
        told = (self.operation.get("targetId"), (shown or {}).get("id"))
        return next((str(value) for value in told if isinstance(value, str | int) and value not in UNSET_IDS), "")

    @property
    def ready(self) -> bool:
        """Whether the image was seen to be made, whatever its operation says."""
        return self.image is not None and (self.image.resource or {}).get("status") == "READY"


class Api(Recorder):
    """The methods of the API, for one scenario."""

    # Methods of images

    def insert(
        self,
        request: InsertRequest | Mapping[str, Any],
        *,
        project: str | None = None,
        intent: Intent | None = None,
        fate: Fate | None = None,
    ) -> Exchange:
        """images.insert; a fresh name and requestId are filled in where the request asks for them. Again for a moment
        where the name of a deleted image is not free yet.

        With a `fate` the connection is lost, and there is no answer.
        """
        request = request if isinstance(request, InsertRequest) else InsertRequest(request)
        return self._insert(request, project, intent, fate=fate)[0]

    def _insert(
        self, request: InsertRequest, project: str | None, intent: Intent | None, *, fate: Fate | None = None
    ) -> tuple[Exchange, str]:
        """Sends an insert; answers the exchange, and the name that was sent or meant to be sent."""
        names = self.target.names
        query = list(request.query)
        request_id = request.request_id
        if isinstance(request_id, Fresh):
            capital = request_id is Fresh.CAPITAL_FRESH
            request_id = names.request_id(request.request_id_version)
            request_id = request_id.upper() if capital else request_id
        if request_id is not None:
            query.append(("requestId", request_id))
        name = names.named(request.name)
        body = dict(request.body) if name is None else {"name": name, **request.body}
        content = json.dumps(body).encode()
        if request.rewrite is not None:
            content = request.rewrite(content)
        headers = {"Content-Type": "application/json", **dict(request.headers)}
        # An empty Authorization stays: it tells that the request is sent without the credentials of the run.
        headers = {header: value for header, value in headers.items() if value or header == AUTHORIZATION}
        if self._is_deleted(project, name or ""):
            self._forget(project, name or "")

        def attempt() -> Exchange:
            makes = sent_names(content, name)
            return self.send(
                "POST", "global/images", query, content, headers, project=project, intent=intent, makes=makes, fate=fate
            )

        # The name of a deleted image may be free a moment later: until an insert has taken it, which no replay does.
        key = (project or self.target.project, name or "")
        freed, replayed = key in self._freed, self._has_sent(request_id)
        exchange = self._repeated(_FREED, attempt, lambda answer: not freed or answer.status != CONFLICT)
        if freed and exchange.answered and not replayed:
            with self._lock:
                self._freed.discard(key)
        return exchange, name or ""

    def _has_sent(self, request_id: object) -> bool:
        """Whether a request of this scenario had a requestId."""
        return any(request_id in exchange.request.query.get("requestId", ()) for exchange in self.trace().exchanges)

    def get(self, name: str, *, project: str | None = None, intent: Intent | None = None, **query: str) -> Exchange:
        """images.get, by name or by id; again for a moment where it does not show yet what is done."""

        def look() -> Exchange:
            return self.send("GET", f"global/images/{quoted(name)}", query.items(), project=project, intent=intent)

        done = self._forget(project, name)

        def settled(exchange: Exchange) -> bool:
            return bool(query) or ((done is None or _seen(done, exchange)) and not self._shows_deleted(exchange))

        return self._repeated(done.method if done else _DELETE, look, settled)

    def _shows_deleted(self, look: Exchange) -> bool:
        """Whether a look shows an image whose deletion is done, under its name, which another may have by now."""
        if look.route is None or look.resource is None:
            return False
        known = {(look.route.project, look.route.name), (look.route.project, str(look.resource.get("id")))}
        return known <= self._deleted

    def _forget(self, project: str | None, name: str) -> Exchange | None:
        """What was done last to an image, which from now on is not looked for any more."""
        return self._done.pop((project or self.target.project, name), None)

    def _repeated(self, kind: str, look: Callable[[], Exchange], settled: Callable[[Exchange], bool]) -> Exchange:
        """The last of some looks: the first that shows what should be there, or, after a moment, one that does not.

        That moment gets shorter the more often in a row it was in vain for the same kind of thing.

        Args:
            kind: of what is looked for.
            look: looks.
            settled: whether nothing else is to be expected after a look.
        """
        exchange = look()
        if settled(exchange):
            return exchange
        for delay in self._moments(self.target.unseen[kind]):
            self.target.transport.sleep(delay)
            exchange = look()
            if settled(exchange):
                self.target.unseen[kind] = 0
                return exchange
        self.target.unseen[kind] += 1
        return exchange

    def _moments(self, unseen: int) -> Iterator[float]:
        """The delays between looks at what should be there, after so many things that were looked for in vain."""
        halves = min(unseen // UNSEEN_UNTIL_HALF, HALVES_MAXIMUM)
        delay, end = self.target.profile.first_poll, time.monotonic() + SEEN_SECONDS / 2**halves
        for look in itertools.count():
            if look >= LOOKS_MINIMUM - halves and time.monotonic() >= end:
                break
            yield delay
            delay = min(delay * 2, self.target.profile.last_poll)

    def list(self, *, project: str | None = None, **query: str) -> Exchange:
        """images.list; again for a moment where it still shows an image whose deletion is done."""
        own = project or self.target.project
        deleted = {name for (owner, name), done in self._done.items() if owner == own and done.method == _DELETE}

        def look() -> Exchange:
            return self.send("GET", "global/images", query.items(), project=project)

        def settled(exchange: Exchange) -> bool:
            return not any({str(item.get("name")), str(item.get("id"))} & deleted for item in exchange.items)

        return self._repeated(_LIST, look, settled)

    def delete(
        self,
        name: str,
        request_id: str | None = None,
        *,
        project: str | None = None,
        intent: Intent | None = None,
    ) -> Exchange:
        """images.delete."""
        query = [("requestId", request_id)] if request_id else []
        if not self._is_deleted(project, name):
            self._forget(project, name)
        return self.send("DELETE", f"global/images/{quoted(name)}", query, project=project, intent=intent)

    def patch(
        self, name: str, body: Mapping[str, Any], *, request_id: str = "", intent: Intent | None = None
    ) -> Exchange:
        """images.patch."""
        return self._post(f"global/images/{quoted(name)}", body, intent, request_id, verb="PATCH")

    def set_labels(self, name: str, body: Mapping[str, Any], *, intent: Intent | None = None) -> Exchange:
        """images.setLabels; a fingerprint that the target has never shown is left out."""
        known = {key: value for key, value in body.items() if value is not None}
        return self._post(f"global/images/{quoted(name)}/setLabels", known, intent)

    def deprecate(
        self, name: str, body: Mapping[str, Any], *, request_id: str = "", intent: Intent | None = None
    ) -> Exchange:
        """images.deprecate."""
        return self._post(f"global/images/{quoted(name)}/deprecate", body, intent, request_id)

    def from_family(self, family: str, *, project: str | None = None) -> Exchange:
        """images.getFromFamily; again for a moment where it still answers an image whose deletion is done."""

        def look() -> Exchange:
            return self.send("GET", f"global/images/family/{quoted(family)}", project=project)

        def settled(exchange: Exchange) -> bool:
            shown = exchange.resource or {}
            return not any(self._is_deleted(project, str(shown.get(name))) for name in ("name", "id"))

        return self._repeated(_FAMILY, look, settled)

    def _is_deleted(self, project: str | None, name: str) -> bool:
        """Whether the last thing that was done to an image is that it was deleted; another delete changes nothing."""
        last = self._done.get((project or self.target.project, name))
        return last is not None and last.method == _DELETE

    def family_view(self, zone: str, family: str) -> Exchange:
        """imageFamilyViews.get."""
        return self.send("GET", f"zones/{quoted(zone)}/imageFamilyViews/{quoted(family)}")

    def source(self, url: str) -> Exchange:
        """Looks at a disk, a snapshot or an image by its URL, so that its id is known where the target shows it."""
        project, path = named(url, self.target.project) or (self.target.project, url)
        return self.send("GET", quote(path), project=project)

    def operation(self, name: str, *, project: str | None = None, intent: Intent | None = None) -> Exchange:
        """globalOperations.get; again for a moment where it does not find yet what was just answered."""

        def look() -> Exchange:
            return self.send("GET", f"global/operations/{quoted(name)}", project=project, intent=intent)

        known = name not in self._under_way or name in self._found
        exchange = self._repeated(_GET, look, lambda answer: known or not answer.missing)
        if not exchange.missing:
            self._found.add(name)
        return exchange

    def wait(
        self,
        name: str,
        body: bytes | None = None,
        headers: Iterable[tuple[str, str]] = (),
        *,
        project: str | None = None,
        intent: Intent | None = None,
    ) -> Exchange:
        """globalOperations.wait, which needs no body; some clients send one."""
        path = f"global/operations/{quoted(name)}/wait"
        exchange = self.send(
            "POST", path, (), body, dict(headers), project=project, intent=intent, timeout=WAIT_SECONDS
        )
        if exchange.failure == TIMED_OUT and not self._seen_done(name):
            # The operation is what takes so long: wait may answer later than we have time.
            exchange = replace(exchange, failure=ABANDONED)
            self._record(exchange)
        return exchange

    def operations(self, **query: str) -> Exchange:
        """globalOperations.list; again for a moment where one that is known is asked for by its name, and not shown."""
        known = query.get("filter", "").removeprefix("name=") in self._under_way

        def look() -> Exchange:
            return self.send("GET", "global/operations", query.items())

        return self._repeated(_OPERATIONS, look, lambda answer: not known or not answer.answered or bool(answer.items))

    # Following a request to its end

    def finish(self, mutation: Exchange) -> dict[str, Any]:
        """Polls the operation that a request answered until it is DONE or the deadline is over; sooner if many never
        end.

        Where requests are dear it is waited for instead; one that fails is looked at as well. One that cannot be
        asked for by its name is asked for by what else addresses it; where nothing does, the image is watched.

        Returns:
            The operation as last seen; empty where the request answered none.
        """
        operation = mutation.resource or {}
        if not mutation.answered:
            return operation
        for address in addresses(operation):
            found = self._follow(address, operation, mutation)
            if found is not None:
                operation = found
                break
        else:
            self._watch(mutation)
        if mutation.method == "images.insert":
            target = operation.get("targetId")
            known = str(target) if isinstance(target, str | int) and target not in UNSET_IDS else ""
            self._identify(mutation.route.project if mutation.route else None, known)
        return operation

    def _follow(self, address: str, operation: dict[str, Any], mutation: Exchange) -> dict[str, Any] | None:
        """Polls an operation; None where the target does not know it by this address, or knows another by it."""
        first, name, known = operation, operation.get("name"), has_ended(operation)
        project = mutation.route.project if mutation.route else None
        waits = self.target.waits
        delay = 0.0 if waits else self.target.profile.first_look
        # What wait answers is not relied on: every other look is a get.
        for look_at in itertools.cycle((self.wait, self.operation) if waits else (self.operation,)):
            if has_ended(operation):
                break
            if delay:
                self.target.transport.sleep(delay)
            look = look_at(address, project=project)
            if look.method == _WAIT and (look.resource is None or look.resource.get("name") != name):
                continue
            if _another(first, look.resource or {}):
                return None
            if look.resource is None and look.refused:
                break
            if _tells_no_status(look.resource):
                return None
            known |= look.resource is not None
            operation = look.resource or operation
            share = 1.0 if operation.get("status") in (None, *STATUS_ORDER) else WATCHED
            if not has_ended(operation) and self._out_of_patience(mutation, look, share):
                break
            delay = self._longer(delay)
        if waits and operation.get("error"):
            operation = self.operation(address, project=project).resource or operation
        return operation if known else None

    def _watch(self, mutation: Exchange) -> None:
        """Looks at the image of an insert whose operation nothing addresses, until it is there; not if its deletion
        has been asked for since."""
        name = mutation.request.json.get("name") if isinstance(mutation.request.json, dict) else None
        if mutation.method != "images.insert" or not isinstance(name, str) or name in UNADDRESSABLE:
            return
        later = [exchange for exchange in self.trace().exchanges if exchange.number > mutation.number]
        if any(exchange.method == _DELETE and exchange.route and exchange.route.name == name for exchange in later):
            return
        delay = self.target.profile.first_look
        while True:
            if delay:
                self.target.transport.sleep(delay)
            project = mutation.route.project if mutation.route else None
            look = self._look(mutation, name, project)
            settled = look.resource is not None and look.resource.get("status") in _SETTLED
            if settled or self._out_of_patience(mutation, look, WATCHED):
                return
            delay = self._longer(delay)

    def _out_of_patience(self, mutation: Exchange, look: Exchange, share: float = 1.0) -> bool:
        """Whether a request has taken so long that it is not looked at any more, within a share of the deadline."""
        patience = share * self.target.deadline / 2 ** (self.target.unfinished // UNFINISHED_UNTIL_HALF)
        over = bool(look.received - mutation.received > patience)
        self.target.unfinished += over
        return over

    def _longer(self, delay: float) -> float:
        """The delay until the next look."""
        return min(max(delay * 2, self.target.profile.first_poll), self.target.profile.last_poll)

    def create(
        self, request: InsertRequest | Mapping[str, Any], *, project: str | None = None, intent: Intent | None = None
    ) -> Created:
        """Inserts, follows the operation to its end, and gets the image: what most rules need to judge an insert.

        One whose operation fails for a reason that the server has for itself is made again, under another name where
        the request leaves it open.
        """
        request = request if isinstance(request, InsertRequest) else InsertRequest(request)
        tries = TRIES if self.target.unlucky < UNLUCKY_MAXIMUM and not isinstance(request.request_id, str) else 1
        for _ in range(tries):
            exchange, name = self._insert(request, project, intent)
            operation = self.finish(exchange) if exchange.answered else {}
            if not failed_by_chance(operation):
                break
            self.target.unlucky += 1
        image = self._look(exchange, name, project) if name not in UNADDRESSABLE else None
        if image is not None and not image.answered and exchange.answered and not operation.get("error"):
            image = self._found_otherwise(exchange, name, project) or image
        return Created(exchange, name, operation, image)

    def _look(self, insert: Exchange, name: str, project: str | None) -> Exchange:
        """A get of the image of an insert, by what the target knows its images by."""
        by_id = self.had_by_id(insert, project) if self.target.nameless else None
        return by_id or self.get(name, project=project)

    def _found_otherwise(self, insert: Exchange, name: str, project: str | None) -> Exchange | None:
        """A get of an image that should be there, but that none by its name shows, by its id; else a list may show
        it."""
        by_id = self.had_by_id(insert, project)
        if by_id is None:
            self.list(project=project, filter=f"name={name}")
        return by_id

    def had_by_id(self, insert: Exchange, project: str | None = None) -> Exchange | None:
        """The image of an insert, had by the id that the answer to it tells; None where that shows none."""
        identifier = told_id(insert)
        look = self.get(identifier, project=project) if identifier not in UNADDRESSABLE else None
        return look if look is not None and look.answered else None

    def _seen_done(self, operation: str) -> bool:
        """Whether an answer of this scenario showed an operation that had ended."""
        seen = (exchange.resource or {} for exchange in self.trace().exchanges)
        return any(value.get("name") == operation and has_ended(value) for value in seen)


def _seen(done: Exchange, look: Exchange) -> bool:
    """Whether a look shows what was done to an image, or does not tell."""
    if done.method == _DELETE:
        return look.resource is None
    return not look.missing and (look.resource is None or shows(done, look.resource))


def _tells_no_status(operation: Mapping[str, Any] | None) -> bool:
    """Whether a look shows a status of a wrong type: by that nobody can tell when it is DONE."""
    status = (operation or {}).get("status")
    return status is not None and not isinstance(status, str)


def _another(operation: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Whether an answer shows another operation: neither its id nor its target is the same."""
    told = ("id", "targetLink")
    return all(operation.get(name) and shown.get(name) and operation[name] != shown[name] for name in told)


def addresses(operation: Mapping[str, Any]) -> Iterator[str]:
    """What an operation can be asked for by: its name, else what its selfLink ends with, else its id."""
    given = (
        operation.get("name"),
        link(operation.get("selfLink")).partition("/operations/")[2],
        str(operation.get("id") or ""),
    )
    texts = (text for text in given if isinstance(text, str) and "/" not in text)
    return iter(dict.fromkeys(text for text in texts if text not in UNADDRESSABLE))


def sent_names(content: bytes, meant: str | None) -> list[str]:
    """The names that the image of an insert may bear: the one that was meant, and those that a lax reader finds in
    its body.

    Args:
        content: the body, which may be none that is valid.
        meant: the name that stood in it before it was spoiled, if any.
    """
    text = content.decode(errors="replace").lstrip().removeprefix("[")
    try:
        pairs, _ = json.JSONDecoder(object_pairs_hook=list).raw_decode(text)
    except (ValueError, RecursionError):
        pairs = parse_qsl(text[:NAME_TEXT_MAXIMUM])
    values = [pair[1] for pair in pairs if len(pair) == PAIR and pair[0] == "name"] if isinstance(pairs, list) else []
    found = [
        text for value in values for text in ([value] if isinstance(value, str) else [json.dumps(value), str(value)])
    ]
    return list(
        dict.fromkeys(name for name in (*([] if meant is None else [meant]), *found) if len(name) <= NAME_TEXT_MAXIMUM)
    )
