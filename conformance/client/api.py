"""The API as a scenario uses it: one method for each API method, and every exchange recorded."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from conformance.client.budget import BudgetSpent
from conformance.client.connection import TIMED_OUT
from conformance.client.lost_connections import CONNECT_SECONDS
from conformance.client.target import Target
from conformance.client.transport import ACCESS_STATUSES, AUTHORIZATION, REQUEST_SECONDS, Stopped
from conformance.contract.insert_request import Fresh, InsertRequest
from conformance.contract.round_trip import shows
from conformance.contract.rule import is_error
from conformance.trace.customer_keys import secrets_of
from conformance.trace.exchange import ABANDONED, MUTATIONS, Exchange, Intent, Request, Trace
from conformance.trace.fate import Fate
from conformance.trace.formats import link
from conformance.trace.links import named

WAIT_SECONDS = 130.0
"""wait is documented to answer after at most about two minutes."""

SEEN_SECONDS = 2.0
"""How long it may take until a get shows what is done, or an operation can be looked at."""

UNSEEN_UNTIL_HALF = 4
"""So many looks in vain halve that time for all that follow."""

HALVES_MAXIMUM = 20
"""Then it is next to nothing, however often a target still shows nothing."""

NOT_FOUND = 404

UNFINISHED_UNTIL_HALF = 8
"""So many operations that never ended halve the time for all that follow."""

NAME_TEXT_MAXIMUM = 1000
"""Characters of a text that a target may have taken for a name."""

PAIR = 2

_WAIT = "globalOperations.wait"

_UNADDRESSABLE = frozenset({"", ".", ".."})
"""Names that a URL cannot carry: its path would mean something else."""

_SETTLED = ("READY", "FAILED")
"""Statuses of an image that is no longer being made."""


@dataclass(frozen=True)
class Created:
    """An insert that was followed to its end: its exchange, the last look at its operation, and at its image."""

    insert: Exchange
    name: str
    operation: dict[str, Any]
    image: Exchange | None = None

    @property
    def identifier(self) -> str:
        """The id of the image as the operation says it; "" where it does not."""
        target = self.operation.get("targetId")
        return target if isinstance(target, str) else ""

    @property
    def ready(self) -> bool:
        """Whether the image was seen to be made, whatever its operation says."""
        return self.image is not None and (self.image.resource or {}).get("status") == "READY"


class Api:
    """Talks to a target for one scenario, and remembers every exchange in order."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._exchanges: dict[int, Exchange] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._images: dict[tuple[str, str], bool] = {}
        self._born: dict[tuple[str, str], float] = {}
        self._identities: set[str] = set()
        self._under_way: dict[str, Exchange] = {}
        self._found: set[str] = set()
        self._ended: set[str] = set()
        self._done: dict[tuple[str, str], Exchange] = {}

    def trace(self) -> Trace:
        """What was exchanged so far."""
        exchanges = tuple(self._exchanges[number] for number in sorted(self._exchanges))
        return Trace(exchanges, frozenset(self.target.secrets), self.target.deadline)

    # Methods of images

    def insert(
        self,
        request: InsertRequest | Mapping[str, Any],
        *,
        project: str | None = None,
        intent: Intent | None = None,
        fate: Fate | None = None,
    ) -> Exchange:
        """images.insert; a fresh name and requestId are filled in where the request asks for them.

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
        exchange = self.send(
            "POST",
            "global/images",
            query,
            content,
            headers,
            project=project,
            intent=intent,
            makes=sent_names(content, name),
            fate=fate,
        )
        return exchange, name or ""

    def get(self, name: str, *, project: str | None = None, intent: Intent | None = None, **query: str) -> Exchange:
        """images.get, by name or by id; again for a moment where it does not show yet what is done."""

        def look() -> Exchange:
            return self.send("GET", f"global/images/{_quoted(name)}", query.items(), project=project, intent=intent)

        exchange = look()
        done = self._done.pop((project or self.target.project, name), None)
        if done is None or query:
            return exchange
        for delay in self._moments():
            if exchange.status != NOT_FOUND and (exchange.resource is None or shows(done, exchange.resource)):
                break
            self.target.transport.sleep(delay)
            exchange = look()
        return exchange

    def _moments(self) -> Iterator[float]:
        """The delays between looks at what should be there: for a moment, which gets shorter the more it was in
        vain."""
        halves = min(self.target.unseen // UNSEEN_UNTIL_HALF, HALVES_MAXIMUM)
        patience = SEEN_SECONDS / 2**halves
        delay, end = self.target.profile.first_poll, time.monotonic() + patience
        while time.monotonic() < end:
            yield delay
            delay = min(delay * 2, self.target.profile.last_poll)
        self.target.unseen += 1

    def list(self, *, project: str | None = None, **query: str) -> Exchange:
        """images.list."""
        return self.send("GET", "global/images", query.items(), project=project)

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
        self._done.pop((project or self.target.project, name), None)
        return self.send("DELETE", f"global/images/{_quoted(name)}", query, project=project, intent=intent)

    def patch(
        self, name: str, body: Mapping[str, Any], *, request_id: str = "", intent: Intent | None = None
    ) -> Exchange:
        """images.patch."""
        return self._post(f"global/images/{_quoted(name)}", body, intent, request_id, verb="PATCH")

    def set_labels(self, name: str, body: Mapping[str, Any], *, intent: Intent | None = None) -> Exchange:
        """images.setLabels; a fingerprint that the target has never shown is left out."""
        known = {key: value for key, value in body.items() if value is not None}
        return self._post(f"global/images/{_quoted(name)}/setLabels", known, intent)

    def deprecate(
        self, name: str, body: Mapping[str, Any], *, request_id: str = "", intent: Intent | None = None
    ) -> Exchange:
        """images.deprecate."""
        return self._post(f"global/images/{_quoted(name)}/deprecate", body, intent, request_id)

    def from_family(self, family: str, *, project: str | None = None) -> Exchange:
        """images.getFromFamily."""
        return self.send("GET", f"global/images/family/{_quoted(family)}", project=project)

    def family_view(self, zone: str, family: str) -> Exchange:
        """imageFamilyViews.get."""
        return self.send("GET", f"zones/{_quoted(zone)}/imageFamilyViews/{_quoted(family)}")

    def source(self, url: str) -> Exchange:
        """Looks at a disk, a snapshot or an image by its URL, so that its id is known where the target shows it."""
        project, path = named(url, self.target.project) or (self.target.project, url)
        return self.send("GET", quote(path), project=project)

    # Methods of global operations

    def operation(self, name: str, *, project: str | None = None, intent: Intent | None = None) -> Exchange:
        """globalOperations.get; again for a moment where it does not find yet what was just answered."""

        def look() -> Exchange:
            return self.send("GET", f"global/operations/{_quoted(name)}", project=project, intent=intent)

        exchange = look()
        if name in self._under_way and name not in self._found:
            for delay in self._moments():
                if exchange.status != NOT_FOUND:
                    self._found.add(name)
                    break
                self.target.transport.sleep(delay)
                exchange = look()
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
        path = f"global/operations/{_quoted(name)}/wait"
        exchange = self.send(
            "POST", path, (), body, dict(headers), project=project, intent=intent, timeout=WAIT_SECONDS
        )
        if exchange.failure == TIMED_OUT and not self._seen_done(name):
            # The operation is what takes so long: wait may answer later than we have time.
            exchange = replace(exchange, failure=ABANDONED)
            self._record(exchange)
        return exchange

    def operations(self, **query: str) -> Exchange:
        """globalOperations.list."""
        return self.send("GET", "global/operations", query.items())

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
            self._identify(mutation.route.project if mutation.route else None, operation)
        return operation

    def _follow(self, address: str, operation: dict[str, Any], mutation: Exchange) -> dict[str, Any] | None:
        """Polls an operation; None where the target does not know it by this address, or knows another by it."""
        first, name, known = operation, operation.get("name"), operation.get("status") == "DONE"
        project = mutation.route.project if mutation.route else None
        waits = self.target.waits
        delay = 0.0 if waits else self.target.profile.first_look
        # What wait answers is not relied on: every other look is a get.
        for look_at in itertools.cycle((self.wait, self.operation) if waits else (self.operation,)):
            if operation.get("status") == "DONE":
                break
            if delay:
                self.target.transport.sleep(delay)
            look = look_at(address, project=project)
            if look.method == _WAIT and (look.resource is None or look.resource.get("name") != name):
                continue
            if (look.resource is None and look.refused) or _another(first, look.resource or {}):
                break
            known |= look.resource is not None
            operation = look.resource or operation
            if operation.get("status") != "DONE" and self._out_of_patience(mutation, look):
                break
            delay = self._longer(delay)
        if waits and operation.get("error"):
            operation = self.operation(address, project=project).resource or operation
        return operation if known else None

    def _watch(self, mutation: Exchange) -> None:
        """Looks at the image of an insert whose operation nothing addresses, until it is there."""
        name = mutation.request.json.get("name") if isinstance(mutation.request.json, dict) else None
        if mutation.method != "images.insert" or not isinstance(name, str) or name in _UNADDRESSABLE:
            return
        delay = self.target.profile.first_look
        while True:
            if delay:
                self.target.transport.sleep(delay)
            look = self.get(name, project=mutation.route.project if mutation.route else None)
            if (look.resource or {}).get("status") in _SETTLED or self._out_of_patience(mutation, look):
                return
            delay = self._longer(delay)

    def _out_of_patience(self, mutation: Exchange, look: Exchange) -> bool:
        """Whether a request has taken so long that it is not looked at any more."""
        patience = self.target.deadline / 2 ** (self.target.unfinished // UNFINISHED_UNTIL_HALF)
        over = bool(look.received - mutation.sent > patience)
        self.target.unfinished += over
        return over

    def _longer(self, delay: float) -> float:
        """The delay until the next look."""
        return min(max(delay * 2, self.target.profile.first_poll), self.target.profile.last_poll)

    def create(
        self, request: InsertRequest | Mapping[str, Any], *, project: str | None = None, intent: Intent | None = None
    ) -> Created:
        """Inserts, follows the operation to its end, and gets the image: what most rules need to judge an insert."""
        request = request if isinstance(request, InsertRequest) else InsertRequest(request)
        exchange, name = self._insert(request, project, intent)
        operation = self.finish(exchange) if exchange.answered else {}
        image = self.get(name, project=project) if name not in _UNADDRESSABLE else None
        return Created(exchange, name, operation, image)

    def confirm(self, exchange: Exchange, intent: Intent | None) -> None:
        """Notes afterwards what a request was: some can only be told by how the target was when they were sent.

        With None nothing is known of it any more.
        """
        self._record(replace(exchange, intent=intent))

    def _record(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges[exchange.number] = exchange

    def _seen_done(self, operation: str) -> bool:
        """Whether an answer of this scenario showed an operation that had ended."""
        seen = (exchange.resource or {} for exchange in self.trace().exchanges)
        return any(value.get("name") == operation and value.get("status") == "DONE" for value in seen)

    # The wire

    def send(  # noqa: PLR0913 - a request is made of this much
        self,
        verb: str,
        path: str,
        query: Any = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        project: str | None = None,
        intent: Intent | None = None,
        timeout: float = REQUEST_SECONDS,
        makes: Collection[str] | None = None,
        fate: Fate | None = None,
    ) -> Exchange:
        """Sends one request below the project and records the exchange.

        `makes` are the names that an image may bear which the request makes; None where it makes none.

        Raises:
            TargetLost: the target answers nothing any more.
            BudgetSpent: what the run may spend is spent.
            Stopped: the run is over.
        """
        target = self.target
        if target.over:
            raise Stopped
        project = project or target.project
        # What a target answered may be sent back to it, be it text that has no UTF-8.
        parameters = urlencode(list(query), errors="replace")
        url = f"{target.root}/projects/{quote(project, safe=':')}/{path}{'?' if parameters else ''}{parameters}"
        request = Request(verb, url, dict(headers or {}), body)
        with self._lock:
            number = next(self._numbers)
        exchange = Exchange(number, request, intent=intent)
        target.secrets.update(secrets_of(exchange))
        transport = target.transport
        if makes is not None:
            transport.check()
            transport.budget.image(refused=intent is not None and not intent.valid)
            for name in makes:
                target.journal.asked(project, name)
        try:
            reply = transport.lose(request, fate) if fate else transport.send(request, exchange.method, timeout)
        except BaseException:
            if makes is not None:
                transport.budget.settle(made=True)  # as far as anybody knows
            raise
        exchange = Exchange(
            number, request, reply.response, reply.failure, reply.sent, reply.received, reply.retried, intent
        )
        with self._lock:
            self._exchanges[number] = exchange
            if makes is not None:
                self._note_image(project, makes, exchange)
            self._note_operation(exchange)
        return exchange

    def _post(
        self, path: str, body: Mapping[str, Any], intent: Intent | None, request_id: str = "", *, verb: str = "POST"
    ) -> Exchange:
        headers = {"Content-Type": "application/json"}
        query = [("requestId", request_id)] if request_id else []
        return self.send(verb, path, query, json.dumps(dict(body)).encode(), headers, intent=intent)

    def _note_operation(self, exchange: Exchange) -> None:
        """Remembers what is under way, and what a request has done, until a get shows it."""
        operation = exchange.resource or {}
        name = operation.get("name")
        if not isinstance(name, str) or not exchange.route:
            return
        if exchange.method in MUTATIONS:
            self._under_way.setdefault(name, exchange)
        change = self._under_way.get(name)
        about = exchange.method in MUTATIONS or exchange.method.startswith("globalOperations.")
        if change is None or change.route is None or not about:
            return
        if operation.get("status") != "DONE" or name in self._ended:
            return
        self._ended.add(name)  # a replay may show it again, and does nothing more
        if is_error(operation.get("error")):
            return
        body = change.request.json
        named = change.route.name or (body.get("name") if isinstance(body, dict) else None)
        for own in (named, operation.get("targetId")):
            if isinstance(own, str) and change.method == "images.delete":
                if not self._made_anew(change.route.project, own, operation.get("targetId")):
                    self._done.pop((change.route.project, own), None)
                self._note_end(change, own)
            elif isinstance(own, str):
                self._done[change.route.project, own] = change

    def _made_anew(self, project: str, name: str, deleted: Any) -> bool:
        """Whether what was done last under a name is about another image than the one that is deleted."""
        last = self._done.get((project, name))
        target = last and (last.resource or {}).get("targetId")
        return None not in (target, deleted) and target != deleted

    # Leaving nothing behind

    def _note_image(self, project: str, names: Collection[str], exchange: Exchange) -> None:
        """Remembers which images may exist: those whose insert was not refused, and leaks that bear the run's own
        prefix."""
        transport, journal = self.target.transport, self.target.journal
        for name in names:
            self._born[project, name] = exchange.received
            ours = name.startswith(self.target.names.prefix)
            if exchange.response is not None:
                journal.made(project, name)
            if not exchange.refused or (ours and self._images.get((project, name))):
                # What bears another name is deleted here only where the target says that it is what was made.
                if ours or name == link((exchange.resource or {}).get("targetLink")).rpartition("/")[2]:
                    self._images[project, name] = True
            elif ours:
                self._images.setdefault((project, name), False)
            else:
                journal.refused(project, name)
        operation = exchange.resource or {}
        self._identify(project, operation)
        identity = str(operation.get("targetId") or next(iter(names), exchange.number))
        turned_away = exchange.refused or exchange.status in ACCESS_STATUSES
        new = not turned_away and not (exchange.answered and identity in self._identities)
        transport.budget.settle(made=new)
        if new and exchange.answered:
            self._identities.add(identity)
            transport.made_image()

    def _note_end(self, delete: Exchange, name: str) -> None:
        """Forgets an image that is deleted already, unless it may have been made anew since."""
        assert delete.route is not None
        image = (delete.route.project, name)
        if image in self._images and self._born[image] < delete.sent:
            self.target.journal.deleted(*image)
            del self._images[image]

    def _identify(self, project: str | None, operation: Mapping[str, Any]) -> None:
        """Remembers the id of an image that the operation of its insert names."""
        target = operation.get("targetId")
        if isinstance(target, str) and target:
            self.target.journal.identified(project or self.target.project, target)

    def tidy(self) -> None:
        """Deletes what this scenario has made, without waiting for the end of the deletions and without recording
        them."""
        seen = {
            (exchange.route.project, exchange.route.name)
            for exchange in self._exchanges.values()
            if exchange.route and exchange.method == "images.get" and exchange.answered
        }
        seen |= {
            (exchange.route.project, str(item.get("name")))
            for exchange in self._exchanges.values()
            if exchange.route and exchange.method == "images.list"
            for item in exchange.items
        }
        for (project, name), made in self._images.items():
            if not made and (project, name) not in seen:
                self.target.journal.refused(project, name)
                continue
            if name in _UNADDRESSABLE:
                continue  # it is found at the end, by its id
            url = f"{self.target.root}/projects/{quote(project, safe=':')}/global/images/{_quoted(name)}"
            try:
                reply = self.target.transport.send(
                    Request("DELETE", url), "images.delete", CONNECT_SECONDS, cleanup=True
                )
            except BudgetSpent:
                return  # what is left is listed at the end
            if reply.response is not None and reply.response.status in (200, 202, 204, 404):
                self.target.journal.deleted(project, name)
        self._images.clear()


def _another(operation: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Whether an answer shows another operation: neither its id nor its target is the same."""
    told = ("id", "targetLink")
    return all(operation.get(name) and shown.get(name) and operation[name] != shown[name] for name in told)


def addresses(operation: Mapping[str, Any]) -> Iterator[str]:
    """What an operation can be asked for by: its name, else what its selfLink ends with, else its id."""
    given = (
        operation.get("name"),
        link(operation.get("selfLink")).rpartition("/operations/")[2],
        str(operation.get("id") or ""),
    )
    return iter(dict.fromkeys(text for text in given if isinstance(text, str) and text not in _UNADDRESSABLE))


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


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="replace")
