"""What recorders write in place of projects, ids, names, times and fingerprints, turned into values that may be judged.

The same placeholder becomes the same value wherever it stands, so what belongs together still does. What such a value
says of the target is another matter: the losses tell it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from conformance.trace import losses
from conformance.trace.blots import BLOT, SUSPECT, SUSPECT_HINTS, blots_out, without_empty
from conformance.trace.customer_keys import SECRET_FIELDS
from conformance.trace.exchange import MUTATIONS, Exchange, Request
from conformance.trace.formats import link
from conformance.trace.json_text import NOT_JSON
from conformance.trace.links import named

PROJECT = "placeholder-project"
NUMBER = "100000000001"
TIME = "2024-04-01T12:34:56.123456Z"
FINGERPRINT = "cGxhY2Vob2xkZXI="

_WORDS = "PROJECT|IMAGE|OPERATION|DISK|SNAPSHOT|ID|NAME|NUMBER|FINGERPRINT|TIME|TIMESTAMP|UUID"
_MARK = re.compile(
    r"\$\{[\w. -]{1,60}\}|\{\{[\w. -]{1,60}\}\}|<[A-Za-z][\w -]{1,60}>|\[[A-Z][A-Z_ -]{1,60}\]"
    rf"|(?<![\w-])(?:(?:[A-Z0-9]+_)+(?:{_WORDS})|PROJECT|REDACTED|X{{4,}}|\*{{3,}})(?![\w-])"
)
"""What stands for something else: ${projectId}, {{project}}, <project>, [PROJECT_ID], PROJECT_ID, REDACTED, XXXX,
***."""

_NAMELESS = re.compile(r"(?i)[<\[({]*redacted[>\])}]*|X{4,}|\*{3,}")
"""What stands for anything: behind `projects/` for the one project that is told."""

_STAND_IN = re.compile(
    r"(?:my|your|example|sample|fake|dummy|placeholder)[-_]project(?:[-_]id)?|project[-_](?:id|name)"
)
"""Projects of examples: beside another one, they are what a recorder has put in its place."""

_AFTER_PROJECTS = re.compile(r"(?<=projects/)[^/\s\"'?#]+")
_ESCAPED = re.compile(r"%24%7B(.{1,60}?)%7D|%7B%7B(.{1,60}?)%7D%7D|%3C([A-Za-z].{1,60}?)%3E", re.IGNORECASE)
_CONSTANT_ID = re.compile(r"(\d)\1{7,}|1234567890\d{0,11}")
"""Ids that nobody gives: one digit again and again, or all in a row."""

_CONSTANTS = {"abcdef0123A=": losses.FINGERPRINTS, TIME: losses.SERVER_TIMES}
_SUSPECT = re.compile(
    rb"[$]\{|\{\{|%7B|<[A-Za-z]|%3C|[A-Z0-9]_(?:"
    + _WORDS.encode()
    + rb")\b|PROJECT|REDACTED|XXXX|[*]{3}|(\d)\1{7}|1234567890"
    rb"|abcdef0123A=|12:34:56\.123456Z|/projects/[A-Z]|projects/(?:x{4}|redacted)|projects/[a-z]+[-_](?:project|id|name)|"
    + SUSPECT
)
"""Whether it is worth while to look closer."""

_HINTS = (
    *(b"${", b"{{", b"%7b", b"<", b"%3c", b"***", b"1234567890", b"abcdef0123a=", b"12:34:56.123456z"),
    *(b"-project", b"-id", b"-name", b"redacted", b"projects/xxxx"),
    *(f"_{word.lower()}".encode() for word in _WORDS.split("|")),
    *(str(digit).encode() * 8 for digit in range(10)),
    *SUSPECT_HINTS,
)
_HINTED = tuple(map(re.compile, (rb"PROJECT", rb"XXXX", rb"/projects/[A-Z]", rb'"user":\s*""')))
"""One of these stands in each text that the pattern is found in, the hints in lower case: to look for them is many
times as fast."""

_TIMES = frozenset({"insertTime", "startTime", "endTime", "creationTimestamp", "deprecated", "obsolete", "deleted"})
_FINGERPRINTS = frozenset({"labelFingerprint", "fingerprint"})
_MESSAGES = frozenset({"message", "httpErrorMessage", "statusMessage"})
_FREE = _MESSAGES | {"description", "user"}
"""Texts for people, or about them: they are left as they are, unless they are blotted out as a whole."""

_LOST_BY = {**dict.fromkeys(_TIMES, losses.SERVER_TIMES), "clientOperationId": losses.REQUEST_IDS}
"""The fields that rules stand on which cannot be judged without them."""

_NUMBERS = frozenset({"archiveSizeBytes", "diskSizeGb", "progress"})
_IDS = {
    "targetId": "targetLink",
    "sourceDiskId": "sourceDisk",
    "sourceImageId": "sourceImage",
    "sourceSnapshotId": "sourceSnapshot",
}
"""The fields that hold ids of other resources, each with the one that links to it."""

_COME_BACK = frozenset({"sourceDisk", "sourceImage", "sourceSnapshot", "replacement", "licenses", "userLicenses"})
"""The fields of an image with URLs that a client has sent."""

_IDS_OF = {"id": "selfLink", **_IDS}
"""All fields that hold ids."""


NOTHING: frozenset[str] = frozenset()
"""Most exchanges have lost nothing; they share this, for a long recording has many."""


@dataclass
class _Operation:
    """An operation whose name was replaced: the one given to it, how it was shown first, and whether its request is
    known.

    It is `mixed` where another one like it was under way when it began: then nothing tells whose states are whose.
    """

    name: str
    first: dict[str, Any]
    begun: bool
    done: bool
    mixed: bool

    def may_be(self, state: dict[str, Any]) -> bool:
        """Whether a state may be one of it. Nobody asks again for what is DONE, so without its request that is
        another one."""
        alike = all(self.first.get(name) == state.get(name) for name in ("operationType", "targetLink"))
        return alike and (self.begun or not self.done)


class Placeholders:
    """Gives the exchanges of a recording, one after the other, plausible values for placeholders.

    Args:
        project: the project that a placeholder stands for; "" where that is not known.
    """

    def __init__(self, project: str = "") -> None:
        self._told = bool(project)
        self._project = project or PROJECT
        self._operations: dict[str, list[_Operation]] = {}
        self._replays: dict[tuple[str, str], _Operation] = {}
        self._scrubbed = False
        self._ids_lost = False
        self._constants: dict[str, str] = {}
        self._known: dict[int, str] = {}
        self._targets: dict[int, str] = {}
        self._deleted: set[str] = set()
        self._lives: Counter[str] = Counter()
        self._sent: set[str] = set()
        self._stand_ins: set[str] = set()
        self._owners: dict[str, str] = {}
        self._families: dict[str, str] = {}

    def restore(self, exchange: Exchange) -> tuple[Exchange, frozenset[str]]:
        """The exchange without placeholders, and what was lost by them."""
        request, response = exchange.request, exchange.response
        texts = (request.url.encode(), request.body or b"", response.body if response else b"")
        # Once ids are lost, each resource gets another one, wherever it is shown.
        if not self._ids_lost and not _suspicious(b"\n".join(texts)):
            self._note_ids(exchange.resource or {})
            return exchange, NOTHING
        self._learn(exchange)
        self._sent.update(
            found[0] for text in texts[:2] for found in _MARK.finditer(unquote(text.decode(errors="replace")))
        )
        lost: set[str] = set()
        url = self._url(request.url, lost)
        sent = Request(request.verb, url, request.headers, self._body(request.body, lost))
        made = replace(exchange, request=sent)
        if response is not None:
            answer = self._answer(exchange, made, response.body, lost)
            made = replace(made, response=replace(response, body=answer))
        return self._addressed(exchange, made), frozenset(lost) or NOTHING

    # Projects

    def _learn(self, exchange: Exchange) -> None:
        """Takes the project from an exchange that names it in one place, and has a placeholder for it in another."""
        answer = exchange.resource or {}
        items = (item.get("selfLink") for item in exchange.items[:1])
        links = (unquote(exchange.request.path), answer.get("selfLink"), answer.get("targetLink"), *items)
        projects = {found[0] for found in map(named, links) if found is not None}
        sent = dict(_links(exchange.request.json))
        self._note_owners(exchange.request.json, sent)
        projects |= {project for project in sent.values() if _stands_in(project)}
        words = {project for project in projects if _STAND_IN.fullmatch(project)}
        real = {one for one in projects - words if not _scrubbed_project(one) and not one.isdecimal()}
        if len(real) != 1 or len(projects) < 2 or (self._told and real != {self._project}):
            return
        self._project, self._told = real.pop(), True
        self._stand_ins |= words

    def _note_owners(self, body: Any, sent: dict[str, str]) -> None:
        """Remembers the projects of what a request names: where its own is told by a placeholder alone, theirs may be
        it."""
        self._owners |= {path: project for path, project in sent.items() if not _stands_in(project)}
        source = named(body.get("sourceImage")) if isinstance(body, dict) else None
        if source is not None and source[0] and "/family/" in source[1] and not _stands_in(source[0]):
            self._families[str(body.get("name"))] = source[0]

    def _replaced(self, text: str) -> str:
        """A text without placeholders: they become the project, or a word that may stand in a name."""
        without = _MARK.sub(lambda found: self._word(found[0]), _AFTER_PROJECTS.sub(self._as_project, text))
        self._scrubbed = self._scrubbed or without != text
        return without

    def _as_project(self, found: re.Match[str]) -> str:
        """What stands behind `projects/`: names of projects are in lower case."""
        if _MARK.search(found[0]) and not _NAMELESS.fullmatch(unquote(found[0])):
            return self._word(found[0])
        replaced = found[0] in self._stand_ins or _scrubbed_project(unquote(found[0]))
        return self._project if replaced else found[0]

    def _word(self, mark: str) -> str:
        letters = re.sub(r"[^a-z0-9]+", "", mark.lower())
        if "project" in letters:
            return NUMBER if "number" in letters or "num" in letters else self._project
        return letters or "placeholder"

    # Requests

    def _url(self, url: str, lost: set[str]) -> str:
        url = _ESCAPED.sub(lambda found: unquote(found[0]), url)
        path, mark, query = url.partition("?")
        kept = [part for part in query.split("&") if not (part.startswith("requestId=") and _MARK.search(part))]
        if len(kept) < len(query.split("&")):
            lost.add(losses.REQUEST_IDS)
        query = self._replaced("&".join(kept))
        return self._replaced(path) + (mark + query if query else "")

    def _body(self, body: bytes | None, lost: set[str]) -> bytes | None:
        if not body:
            return body
        value = _json(body)
        return _text(value, self._value(value, lost), body)

    # Answers

    def _answer(self, before: Exchange, after: Exchange, body: bytes, lost: set[str]) -> bytes:
        value = _json(body)
        if not isinstance(value, dict):
            return body
        found = without_empty(self._value(value, lost, blots=True))
        if not before.answered:
            return _text(value, found, body)
        self._note_life(after)
        resources = [*_resources(value, found)]
        for scrubbed, _ in resources:
            self._note_constants(scrubbed)
        for scrubbed, resource in resources:
            if resource.get("kind") == "compute#operation" or after.method in MUTATIONS:
                self._operation(after, scrubbed, resource, lost)
            self._identify(scrubbed, resource, lost)
            self._come_back(scrubbed, resource)
        return _text(value, found, body)

    def _come_back(self, scrubbed: dict[str, Any], resource: dict[str, Any]) -> None:
        """Gives the URLs of a resource that a client has sent the projects that it has sent them with."""
        if self._owners or self._families:
            for name in _COME_BACK & scrubbed.keys() & resource.keys():
                resource[name] = self._as_sent(scrubbed[name], resource[name], str(scrubbed.get("name")))
            state = scrubbed.get("deprecated")
            if isinstance(state, dict) and isinstance(resource.get("deprecated"), dict):
                self._come_back(state, resource["deprecated"])

    def _as_sent(self, scrubbed: Any, restored: Any, image: str) -> Any:
        """A URL that comes back, with the project that was sent where it has a placeholder: of the same resource, or
        of the family that an image is made from; or a list of such."""
        if isinstance(scrubbed, list) and isinstance(restored, list):
            return [self._as_sent(one, other, image) for one, other in zip(scrubbed, restored, strict=True)]
        found = named(scrubbed)
        if found is None or not _stands_in(found[0]):
            return restored
        owner = self._owners.get(found[1]) or self._families.get(image)
        return scrubbed.replace(f"projects/{found[0]}/", f"projects/{owner}/") if owner else restored

    def _value(self, value: Any, lost: set[str], name: str = "", *, blots: bool = False) -> Any:
        """A JSON value without placeholders; what stands for nothing else is blotted out, if that may be."""
        match value:
            case dict():
                return {
                    BLOT if blots and blots_out(key) else self._replaced(key): self._value(part, lost, key, blots=blots)
                    for key, part in value.items()
                    if self._holds(key, part)
                }
            case list():
                return [self._value(part, lost, name, blots=blots) for part in value]
            case str():
                return BLOT if blots and self._blotted(value, lost, name) else self._field(value, lost, name)
        return value

    def _blotted(self, value: str, lost: set[str], name: str) -> bool:
        """Whether a field of an answer says nothing: what it has stands for nothing that a request has named."""
        if name in _IDS_OF or name in _FINGERPRINTS:
            return False  # each resource gets an id of its own
        mark = _MARK.fullmatch(value)
        blotted = blots_out(value, name) or (mark is not None and name not in _MESSAGES and value not in self._sent)
        if blotted and name in _LOST_BY:
            lost.add(_LOST_BY[name])
        return blotted

    def _holds(self, name: str, value: Any) -> bool:
        """Whether a field tells anything: a key that was replaced does not."""
        return not (name in SECRET_FIELDS and isinstance(value, str) and _MARK.search(value))

    def _field(self, value: str, lost: set[str], name: str) -> Any:
        if name in _FREE:
            return value
        if value in _CONSTANTS:
            lost.add(_CONSTANTS[value])
            return value
        marked = bool(_MARK.search(value))
        if marked and name in _TIMES:
            lost.add(losses.SERVER_TIMES)
            return TIME
        if marked and name == "clientOperationId":
            lost.add(losses.REQUEST_IDS)
            return BLOT
        if name in _FINGERPRINTS and (marked or blots_out(value)):
            lost.add(losses.FINGERPRINTS)
            return FINGERPRINT
        if marked and name in _NUMBERS:
            return 0 if name == "progress" else "1"
        return self._replaced(value)

    def _operation(
        self, exchange: Exchange, scrubbed: dict[str, Any], resource: dict[str, Any], lost: set[str]
    ) -> None:
        """Gives an operation a name of its own where all have the same one."""
        mark = scrubbed.get("name")
        if not isinstance(mark, str) or not (_MARK.search(mark) or blots_out(mark)):
            return
        route = exchange.route
        asked = route.name if route and route.method.startswith("globalOperations.") else ""
        if mark not in self._operations and asked and not (asked.isdecimal() or _MARK.search(asked)):
            resource["name"] = asked  # no other answer lacks its name
            return
        lost.add(losses.OPERATION_NAMES)
        operation = self._named(exchange, mark, resource, lost)
        own = resource.get("selfLink")
        if isinstance(own, str) and own != BLOT:
            resource["selfLink"] = f"{own.rpartition('/')[0]}/{operation.name}"
        resource["name"] = operation.name

    def _named(self, exchange: Exchange, mark: str, resource: dict[str, Any], lost: set[str]) -> _Operation:
        """The operation that an answer with a placeholder for its name is of."""
        known = self._operations.setdefault(mark, [])
        begun, done = exchange.method in MUTATIONS, resource.get("status") == "DONE"
        request_id = exchange.request.query.get("requestId", [""])[0].lower()
        replayed = self._replays.get((exchange.method, request_id)) if request_id else None
        if replayed is not None:
            return replayed
        alike = [one for one in known if one.may_be(resource)]
        mixed = bool(alike) and (alike[-1].mixed or (begun and not alike[-1].done))
        if mixed:
            lost.add(losses.OPERATIONS)
        elif alike and not begun:
            alike[-1].done = alike[-1].done or done
            return alike[-1]
        made = _Operation(f"{self._word(mark)}-{len(known) + 1}", resource, begun, done, mixed)
        known.append(made)
        if request_id:
            self._replays[exchange.method, request_id] = made
        return made

    def _addressed(self, before: Exchange, exchange: Exchange) -> Exchange:
        """The request, by the name that its answer has now: of an operation, or of an image that it called by its
        id."""
        route, answer = before.route, exchange.resource or {}
        if route is None or not route.name:
            return exchange
        name: Any = None
        made_up = any(one.name == answer.get("name") for known in self._operations.values() for one in known)
        if route.method.startswith("globalOperations.") and (made_up or _MARK.search(route.name)):
            known = self._operations.get(route.name, [])
            name = answer.get("name") or (known[-1].name if known else None)
        elif route.method.startswith("images.") and self._ids_lost and route.name.isdecimal():
            name = (
                answer.get("name")
                if route.method == "images.get"
                else link(answer.get("targetLink")).rpartition("/")[2]
            )
        if not isinstance(name, str) or not name:
            return exchange
        path, mark, query = exchange.request.url.partition("?")
        path = re.sub(r"(/(?:operations|images)/)[^/]+", rf"\g<1>{quote(name)}", path)
        return replace(exchange, request=replace(exchange.request, url=path + mark + query))

    def _note_life(self, exchange: Exchange) -> None:
        """Counts the lives of an image: one of a deleted image's name is another one."""
        route = exchange.route
        if route is None or exchange.method not in ("images.insert", "images.delete"):
            return
        body = exchange.request.json
        name = route.name or (str(body.get("name")) if isinstance(body, dict) else "")
        path = f"global/images/{name}"
        if exchange.method == "images.delete":
            self._deleted.add(path)
        elif path in self._deleted:
            self._deleted.remove(path)
            self._lives[path] += 1

    def _path(self, url: Any) -> str:
        """What a URL means: without the project, which may be told by its number, unless it is another one."""
        found = named(url, self._project)
        if found is None:
            return str(url)
        own = found[0] == self._project or found[0].isdecimal()
        return found[1] if own else "/".join(found)

    def _life(self, path: str) -> str:
        """What tells a resource from others that had its name before."""
        return f"{path} {self._lives[path]}"

    def _id(self, url: Any) -> str:
        """An id that was replaced: the same for the same resource, and the one that it was shown with before."""
        life = self._life(self._path(url))
        digest = hashlib.sha256(life.encode()).digest()
        return self._known.get(hash(life)) or str(int.from_bytes(digest[:8], "big") >> 2 | 1 << 61)

    def _note_ids(self, resource: dict[str, Any]) -> None:
        """Keeps the ids that are shown before any is lost: a resource keeps its id when a later answer lacks it."""
        for name, linked in _IDS_OF.items():
            identifier, url = resource.get(name), resource.get(linked)
            if self._ids_lost or not isinstance(identifier, str) or not isinstance(url, str):
                continue
            path = self._path(url)
            self._known[hash(self._life(path))] = identifier
            if name == "targetId":
                self._targets[hash(str(resource.get("name")))] = identifier

    def _note_constants(self, resource: dict[str, Any]) -> None:
        """Whether ids that nobody gives stand for others: there are several of them, or one is that of several
        resources."""
        for name, linked in _IDS_OF.items():
            identifier, url = resource.get(name), resource.get(linked)
            if isinstance(identifier, str) and isinstance(url, str) and _CONSTANT_ID.fullmatch(identifier):
                path = self._path(url)
                self._scrubbed |= self._constants.setdefault(identifier, path) != path or len(self._constants) > 1

    def _target(self, operation: dict[str, Any]) -> str:
        """The id of what an operation is about, which stays the same although another image may take its name."""
        return self._targets.setdefault(hash(str(operation.get("name"))), self._id(operation["targetLink"]))

    def _identify(self, scrubbed: dict[str, Any], resource: dict[str, Any], lost: set[str]) -> None:
        """Puts an id in place of each that was replaced, and from then on of all: the same for the same resource."""
        self._ids_lost = self._ids_lost or any(self._no_id(scrubbed.get(name)) for name in _IDS_OF)
        if not self._ids_lost:
            self._note_ids(resource)
            return
        lost.add(losses.IDS)
        for name, linked in _IDS.items():
            if name in resource and isinstance(resource.get(linked), str) and resource[linked] != BLOT:
                resource[name] = self._target(resource) if name == "targetId" else self._id(resource[linked])
        if "/" not in str(resource.get("id", "/")):
            own = resource.get("selfLink")
            told = own if own and own != BLOT else f"{resource.get('kind')} {resource.get('name')}"
            resource["id"] = self._id(told)

    def _no_id(self, value: Any) -> bool:
        if not isinstance(value, str) or "/" in value:
            return False  # a list has the path of what it holds in place of an id
        return bool(_MARK.search(value) or blots_out(value) or (self._scrubbed and _CONSTANT_ID.fullmatch(value)))


def _suspicious(text: bytes) -> bool:
    """Whether something in a text may be a placeholder."""
    lowered = text.lower()
    hinted = any(hint in lowered for hint in _HINTS) or any(pattern.search(text) for pattern in _HINTED)
    return hinted and _SUSPECT.search(text) is not None


def _json(body: bytes) -> Any:
    return Request("", "", {}, body).json


def _text(before: Any, after: Any, body: bytes) -> bytes:
    """The JSON text of a value that was read from another, which stays as it is where nothing has changed."""
    return body if after is NOT_JSON or before == after else json.dumps(after, ensure_ascii=False).encode()


def _resources(scrubbed: dict[str, Any], value: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What an answer shows, before and after: itself, its items, or the image of a view."""
    yield scrubbed, value
    pairs = [(scrubbed.get("image"), value.get("image"))]
    if isinstance(scrubbed.get("items"), list):
        pairs += zip(scrubbed["items"], value["items"], strict=True)
    yield from ((one, two) for one, two in pairs if isinstance(one, dict) and isinstance(two, dict))


def _scrubbed_project(project: str) -> bool:
    return bool(_MARK.search(project) or _NAMELESS.fullmatch(project)) or project != project.lower()


def _stands_in(project: str) -> bool:
    """Whether a project is one that a recorder may have put in the place of another."""
    return bool(project) and (_scrubbed_project(project) or bool(_STAND_IN.fullmatch(project)))


def _links(value: Any) -> Iterator[tuple[str, str]]:
    """The resources that a JSON value names with their projects: for each its path, and the project."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _links(part)
    elif (found := named(value)) and found[0]:
        yield found[1], found[0]
