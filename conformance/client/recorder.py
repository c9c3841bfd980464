"""Sends the requests of a scenario, remembers every exchange, and deletes what they have made."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from conformance.client.budget import BudgetSpent
from conformance.client.lost_connections import CONNECT_SECONDS
from conformance.client.target import Target
from conformance.client.transport import ACCESS_STATUSES, REQUEST_SECONDS, Stopped
from conformance.contract.mutation import answers_no_operation
from conformance.contract.operation import has_ended
from conformance.contract.rule import is_error, is_set
from conformance.trace.customer_keys import secrets_of
from conformance.trace.exchange import MISSING, MUTATIONS, Exchange, Intent, Request, Trace
from conformance.trace.fate import Fate
from conformance.trace.formats import link

UNSET_IDS = (None, "", "0", 0)
"""Ids that are none yet."""

_OF_AN_IMAGE = ("name", "sourceImage", "sourceDisk", "sourceSnapshot", "rawDisk")
_OF_AN_OPERATION = ("operationType", "targetLink", "targetId", "insertTime")
"""Fields that tell whether an answer is an image or an operation."""

UNADDRESSABLE = frozenset({"", ".", ".."})
"""Names that a URL cannot carry: its path would mean something else."""


class Recorder:
    """Talks to a target for one scenario, and remembers every exchange in order.

    Args:
        target: where requests go, and what may be spent.
    """

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
        self._called: dict[tuple[str, str], str] = {}
        self._freed: set[tuple[str, str]] = set()
        self._deleted: set[tuple[str, str]] = set()

    def trace(self) -> Trace:
        """What was exchanged so far."""
        exchanges = tuple(self._exchanges[number] for number in sorted(self._exchanges))
        target = self.target
        return Trace(exchanges, frozenset(target.secrets), target.deadline, restless=target.restless)

    def confirm(self, exchange: Exchange, intent: Intent | None) -> None:
        """Notes afterwards what a request was: some can only be told by how the target was when they were sent.

        With None nothing is known of it any more.
        """
        self._record(replace(exchange, intent=intent))

    def _record(self, exchange: Exchange) -> None:
        with self._lock:
            self._exchanges[exchange.number] = exchange

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
        if exchange.route and answers_no_operation(exchange):
            self._note_done(exchange, (exchange.route.name,))
        if not isinstance(name, str) or not exchange.route:
            return
        if exchange.method in MUTATIONS:
            self._under_way.setdefault(name, exchange)
        change = self._under_way.get(name)
        about = exchange.method in MUTATIONS or exchange.method.startswith("globalOperations.")
        if change is None or change.route is None or not about:
            return
        if not has_ended(operation) or name in self._ended:
            return
        self._ended.add(name)  # a replay may show it again, and does nothing more
        if is_error(operation.get("error")):
            return
        body = change.request.json
        named = change.route.name or (body.get("name") if isinstance(body, dict) else None)
        target, deletes = operation.get("targetId"), change.method == "images.delete"
        project = change.route.project
        for own in (named, target):
            if isinstance(own, str) and deletes:
                self._note_end(change, own)
        if change.method == "images.insert" and isinstance(named, str) and isinstance(target, str):
            self._called[project, target] = named
        # What is deleted by its id is gone by its name as well, be the operation's target told or not.
        title = self._called.get((project, named)) if isinstance(named, str) else None
        known = (named, target, link(operation.get("targetLink")).rpartition("/")[2], title)
        texts = [own for own in known if isinstance(own, str)]
        self._note_done(change, (own for own in texts if not (deletes and self._made_anew(project, own, target))))

    def _note_done(self, change: Exchange, known: Iterable[str]) -> None:
        """Remembers what was done to an image, by all that the image is known by."""
        assert change.route is not None
        images = [(change.route.project, own) for own in known]
        self._done.update(dict.fromkeys(images, change))
        if change.method == "images.delete":
            self._freed.update(images)
            self._deleted.update(images)

    def _made_anew(self, project: str, name: str, deleted: Any) -> bool:
        """Whether what was done last under a name is about another image than the one that is deleted."""
        last = self._done.get((project, name))
        target = last and (last.resource or {}).get("targetId")
        return None not in (target, deleted) and target != deleted

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
        self._identify(project, told_id(exchange))
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

    def _identify(self, project: str | None, identifier: str) -> None:
        """Remembers the id of an image that an insert has made, where anything tells it."""
        if identifier:
            self.target.journal.identified(project or self.target.project, identifier)

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
        ids = self._ids_seen()
        for (project, name), made in self._images.items():
            if not made and (project, name) not in seen:
                self.target.journal.refused(project, name)
                continue
            if name in UNADDRESSABLE:
                continue  # it is found at the end, by its id
            try:
                status = self._status_of_delete(project, name)
                if status in MISSING:  # a target may know its images by their ids alone, several of one name as well
                    found = [self._status_of_delete(project, known) for known in sorted(ids.get((project, name), ()))]
                    status = next((one for one in found if one not in MISSING), status)
            except BudgetSpent:
                return  # what is left is listed at the end
            if status in (200, 202, 204) or (status in MISSING and not self.target.nameless):
                self.target.journal.deleted(project, name)
        self._images.clear()

    def _status_of_delete(self, project: str, name: str) -> int | None:
        """Deletes an image; answers the status, None where there is no answer."""
        url = f"{self.target.root}/projects/{quote(project, safe=':')}/global/images/{quoted(name)}"
        reply = self.target.transport.send(Request("DELETE", url), "images.delete", CONNECT_SECONDS, cleanup=True)
        return reply.response.status if reply.response is not None else None

    def _ids_seen(self) -> dict[tuple[str, str], set[str]]:
        """By project and name the ids of the images that were shown as what they are: by a get of that id, or by the
        answer to their insert."""
        found: dict[tuple[str, str], set[str]] = {}
        for exchange in self._exchanges.values():
            image = exchange.resource or {}
            name, identifier = image.get("name"), str(image.get("id") or "")
            asked = exchange.route.name if exchange.route and exchange.method == "images.get" else ""
            shown = asked == identifier or (exchange.method == "images.insert" and _is_the_image(exchange))
            if exchange.route and isinstance(name, str) and identifier and shown:
                found.setdefault((exchange.route.project, name), set()).add(identifier)
        return found


def _is_the_image(insert: Exchange) -> bool:
    """Whether an insert is answered with the image itself: with its name, or its source, and nothing of an
    operation."""
    answer, body = insert.resource or {}, insert.request.json
    sent = body if isinstance(body, dict) else {}
    alike = any(is_set(sent.get(name)) and answer.get(name) == sent[name] for name in _OF_AN_IMAGE)
    return alike and not any(sign in answer for sign in _OF_AN_OPERATION)


def told_id(insert: Exchange) -> str:
    """The id of its image that the answer to an insert tells: the target's of its operation, or, where the answer is
    the image itself, its own; "" where it tells none."""
    told = (insert.resource or {}).get("id" if _is_the_image(insert) else "targetId")
    return str(told) if isinstance(told, str | int) and told not in UNSET_IDS else ""


def quoted(name: str) -> str:
    """A name as a segment of a path."""
    return quote(name, safe="", errors="replace")
