"""What was said to a target and what it answered: exchanges in order, immutable, and nothing else.

Rules judge traces and do no I/O, so a trace may come from a live scenario as well as from recorded traffic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from conformance.trace.enum_numbers import holds_number, with_names
from conformance.trace.field_mask import FieldMask, field_mask
from conformance.trace.json_text import NOT_JSON, first_value, parse_json
from conformance.trace.links import named

ABANDONED = "the client hung up before the answer"
"""Why a request has no answer where the scenario wanted none."""

INCOMPLETE = "the client hung up in the middle of the request"
"""Why a request that was never sent in full has no answer."""

NOT_RECORDED = "the recording does not show the answer"
"""Why a request has no answer in a recording that has lost it."""

LOST = "lost-response"
"""The fault of a tap that keeps an answer from its client."""


MISSING = frozenset({404, 410})
"""Statuses by which it is said that something is not there."""

TIMED_OUT = frozenset({408, 499})
"""Statuses of requests that took too long for the server, or for the client of a proxy: they may be carried out."""

SHOWN_MAXIMUM = 64 * 2**10
"""Bytes of a body that stand in results."""

SUITE_NAME = re.compile(r"conformance-[0-9a-f]{8}-[-a-z0-9]+")
"""What the client calls the images that it makes."""

_ERROR_ALONE = re.compile(rb'\s*\{\s*"error"\s*:')
"""How a body begins that may be an error and nothing else."""

_PATH_FOR_A_NAME = re.compile(r"(?:.*/)?(?:images|operations)/([^/]+)")

_NOTHING = re.compile(rb"\s*(?:\{\s*\}|null)\s*")

_COLLECTIONS = re.compile(
    r"^(?P<root>.*?/compute/(?P<version>[a-z0-9]+))/projects/(?P<project>[^/]+)/"
    r"(?:global|zones/(?P<zone>[^/]+))/(?P<rest>(?:images|operations|imageFamilyViews)(?:/.*)?)$"
)

_METHODS: tuple[tuple[str, str, str], ...] = (
    ("POST", r"images", "images.insert"),
    ("GET", r"images", "images.list"),
    ("GET", r"images/family/(?P<name>[^/]+)", "images.getFromFamily"),
    ("GET", r"images/(?P<name>[^/]+)", "images.get"),
    ("DELETE", r"images/(?P<name>[^/]+)", "images.delete"),
    ("PATCH", r"images/(?P<name>[^/]+)", "images.patch"),
    ("POST", r"images/(?P<name>[^/]+)/setLabels", "images.setLabels"),
    ("POST", r"images/(?P<name>[^/]+)/deprecate", "images.deprecate"),
    ("GET", r"operations", "globalOperations.list"),
    ("GET", r"operations/(?P<name>[^/]+)", "globalOperations.get"),
    ("DELETE", r"operations/(?P<name>[^/]+)", "globalOperations.delete"),
    ("POST", r"operations/(?P<name>[^/]+)/wait", "globalOperations.wait"),
    ("GET", r"imageFamilyViews/(?P<name>[^/]+)", "imageFamilyViews.get"),
)
METHODS = tuple(method for _, _, method in _METHODS)
"""All methods of the API."""

_ROUTES = tuple((verb, re.compile(f"^{pattern}$"), method) for verb, pattern, method in _METHODS)

_SOURCES = re.compile(
    r"^.*?/compute/[a-z0-9]+/projects/(?P<project>[^/]+)/"
    r"(?P<path>(?:(?:zones|regions)/[^/]+/disks|(?:global|regions/[^/]+)/snapshots)(?P<name>/[^/]+)?)(?P<resize>/resize)?$"
)
"""The paths of disks and snapshots: methods of other APIs, which tell the ids of what images are made from."""

ZONAL = "imageFamilyViews.get"
"""The one API method below a zone: operations of zones, for one, are another API."""

_SHOWS_ONE = frozenset({"images.get", "images.getFromFamily", "globalOperations.get", "globalOperations.wait", ZONAL})
"""The API methods that answer one resource as it is."""

MUTATIONS = frozenset({"images.insert", "images.delete", "images.patch", "images.setLabels", "images.deprecate"})
"""The API methods that answer an operation of their own."""


FIELD_MASK = "x-goog-fieldmask"
"""The header that stands for the parameter `fields`."""

OVERRIDE = "x-http-method-override"
"""The header by which clients behind a proxy ask for a verb that it does not let pass."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which API method a request calls, and on what.

    `name` is the image, family or operation named in the path ("" for a collection); `zone` is "" for global resources.
    """

    method: str
    version: str
    project: str
    name: str = ""
    zone: str = ""


def route(verb: str, path: str) -> Route | None:
    """The API method behind an HTTP verb and a URL path; None where it is none of this API's."""
    collection = _COLLECTIONS.match(path)
    if collection is None:
        return None
    for known_verb, pattern, method in _ROUTES:
        found = pattern.match(collection["rest"]) if verb == known_verb else None
        if found and bool(collection["zone"]) == (method == ZONAL):
            name = unquote(found.groupdict().get("name") or "")
            return Route(method, collection["version"], unquote(collection["project"]), name, collection["zone"] or "")
    return None


@dataclass(frozen=True)
class Request:
    """An HTTP request as sent: `url` in full, header names as sent, `body` in bytes (None without one)."""

    verb: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @cached_property
    def path(self) -> str:
        """The path of the URL, still percent-encoded."""
        return urlsplit(self.url).path

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query parameters, blank values kept."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @cached_property
    def json(self) -> Any:
        """The parsed body, or NOT_JSON."""
        return parse_json(self.body)

    @property
    def wanted_verb(self) -> str:
        """The verb that a header asks for in the place of that of the request, or else the verb itself."""
        return self.header(OVERRIDE).upper() or self.verb

    @property
    def selector(self) -> str:
        """The fields of the answer that the parameter `fields` asks for."""
        return ",".join((*self.query.get("fields", ()), *self.query.get("$fields", ())))

    def header(self, wanted: str) -> str:
        """The value of a header, named in lower case; "" without it."""
        return next((text for name, text in self.headers.items() if name.lower() == wanted), "")

    @property
    def overrides(self) -> bool:
        """Whether a header asks for another verb than that of the request: a server may heed it or not."""
        return self.wanted_verb != self.verb

    @cached_property
    def first_json(self) -> Any:
        """The JSON value that the body begins with, whatever is behind it: what a lax server takes it for; or
        NOT_JSON."""
        return self.json if self.json is not NOT_JSON else parse_json(first_value(self.body or b""))


@dataclass(frozen=True)
class Response:
    """An HTTP answer: header names in lower case; `body` decoded from its content encoding, cut at the client's
    limit."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False

    @cached_property
    def json(self) -> Any:
        """The parsed body, or NOT_JSON."""
        return parse_json(self.body)

    @cached_property
    def meant(self) -> int:
        """The status; where that is one of success and the body an error and nothing else, the one that this names.

        That is 400 for a mere text or message. An error without either may be that of an operation of which nothing
        else was asked for.
        """
        if not (200 <= self.status < 300 and _ERROR_ALONE.match(self.body)):
            return self.status
        error = self.json["error"] if isinstance(self.json, dict) and len(self.json) == 1 else None
        code = error.get("code") if isinstance(error, dict) else None
        if type(code) is int and 400 <= code < 600:
            return code
        message = error.get("message") if isinstance(error, dict) and "errors" not in error else error
        return 400 if message and isinstance(message, str) else self.status

    @property
    def empty(self) -> bool:
        """Whether this is a success that shows nothing: an empty object, or null."""
        return 200 <= self.status < 300 and _NOTHING.fullmatch(self.body) is not None


@dataclass(frozen=True, slots=True)
class Intent:
    """What a scenario knows of its request beyond the traffic: that it is valid, or not, in the matter of some rules.

    Only a scenario can know that a source does not exist, or that a request with a certain name deserves success.
    """

    valid: bool
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A disk or snapshot: its project, the path within that, and what an answer shows of it."""

    project: str
    path: str
    value: Mapping[str, Any]

    @property
    def identifier(self) -> str:
        """Its id; "" where that is not shown."""
        return str(self.value.get("id") or "")

    @property
    def size(self) -> str:
        """Its size in GB; "" where that is not shown."""
        return str(self.value.get("sizeGb") or self.value.get("diskSizeGb") or "")


def _path_for_a_name(value: dict[str, Any]) -> re.Match[str] | None:
    """The path of an image or operation that stands in the place of its name; None where none does."""
    name = value.get("name")
    return _PATH_FOR_A_NAME.fullmatch(name) if isinstance(name, str) and "/" in name else None


def plainly_named(value: dict[str, Any]) -> dict[str, Any]:
    """A resource, and the image that a family's view shows, by its mere name where a path stands in its place."""
    found, image = _path_for_a_name(value), value.get("image")
    if isinstance(image, dict) and _path_for_a_name(image):
        value = {**value, "image": plainly_named(image)}
    return {**value, "name": found[1]} if found else value


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, or the reason why there is none.

    `number` counts from 1 in the order of sending; `sent` and `received` are seconds since the epoch; `retried` tells
    that an earlier try of this request got no answer, so the target may have seen it twice (one that changes something
    was `sent` with that try); `project` is the id of the project where the path has its number and other traffic tells
    the id; `injected` is the fault that a tap has made of it: LOST, where the client never got this answer, or the
    status of an answer by the tap itself, where the target never got this request.
    """

    number: int
    request: Request
    response: Response | None = None
    failure: str = ""
    sent: float = 0.0
    received: float = 0.0
    retried: bool = False
    intent: Intent | None = None
    project: str = ""
    injected: str = ""

    @cached_property
    def route(self) -> Route | None:
        """Which API method this is; None for a request of some other API, or one whose header asks for another verb."""
        if self.request.overrides:
            return None
        called = route(self.request.verb, self.request.path)
        return replace(called, project=self.project) if called and self.project else called

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The disks and snapshots that the answer shows, be it in a list, or as the target of an operation of their
        own."""
        found, shown = self._called_source, self.resource or {}
        if found is None or self.request.verb not in ("GET", "POST"):
            return ()
        project, path = str(found["project"]), str(found["path"])
        if shown.get("kind") == "compute#operation":
            target = named(shown.get("targetLink"))
            return (Source(*target, {"id": shown.get("targetId")}),) if target else ()
        if self.request.verb == "POST":
            return ()
        if found["name"]:
            return (Source(project, path, shown),) if shown else ()
        return tuple(Source(project, f"{path}/{item['name']}", item) for item in self.items if item.get("name"))

    @property
    def changed_source(self) -> str:
        """The path within its project of the disk or snapshot that the request deletes or resizes; "" where it does
        neither."""
        found = self._called_source
        changes = found is not None and (self.request.verb == "DELETE" or found["resize"]) and not self.rejected
        return str(found["path"]) if found is not None and changes else ""

    @cached_property
    def _called_source(self) -> dict[str, str | None] | None:
        found = _SOURCES.match(self.request.path)
        return {part: text and unquote(text) for part, text in found.groupdict().items()} if found else None

    @property
    def reached(self) -> bool:
        """Whether the request was meant to reach the target, and no tap answered it in its place."""
        return self.injected in ("", LOST)

    @property
    def method(self) -> str:
        """The API method, as `images.insert`; the HTTP verb where it is none."""
        return self.route.method if self.route else self.request.verb

    @cached_property
    def status(self) -> int:
        """The HTTP status, or what the body says where that is one of success: the status of an error, or 404 where
        nothing is shown of the one thing that was asked for. 0 without an answer."""
        if self.response is None:
            return 0
        return 404 if self.shows_nothing else self.response.meant

    @property
    def shows_nothing(self) -> bool:
        """Whether the answer is a success that shows nothing of the one thing that was asked for."""
        empty = self.response is not None and self.response.empty
        return empty and self.method in _SHOWS_ONE and not self.mask.partial

    @property
    def answered(self) -> bool:
        """Whether the request succeeded (2xx)."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the target refused the request itself: 4xx, but neither for want of access nor of quota."""
        return 400 <= self.status < 500 and self.status not in {401, 403, 407, 429} | TIMED_OUT

    @property
    def rejected(self) -> bool:
        """Whether the target did nothing, since it refused the request or turned the caller away: any 4xx but a
        time-out."""
        return 400 <= self.status < 500 and self.status not in TIMED_OUT and not self.perhaps_done

    @property
    def missing(self) -> bool:
        """Whether what is asked for is said not to be there; by which status that has to be said is the matter of
        `transport.not-found`."""
        return self.status in MISSING

    @property
    def perhaps_done(self) -> bool:
        """Whether a delete that finds nothing had been sent before, and was perhaps carried out then."""
        return self.retried and self.missing and self.method == "images.delete"

    @cached_property
    def mask(self) -> FieldMask:
        """Which fields of the answer were asked for, be it by a header, which a server may heed or not."""
        return field_mask(self.request.selector or self.request.header(FIELD_MASK))

    @cached_property
    def enums_as_numbers(self) -> bool:
        """Whether enums are numbers, as the client asked for, of which it is not known what they stand for: such an
        answer's fields are judged by no rule."""
        return self._asks_for_numbers and holds_number(self.resource)

    @property
    def _asks_for_numbers(self) -> bool:
        query = self.request.query
        return any("enum-encoding" in value for key in ("alt", "$alt") for value in query.get(key, ()))

    @property
    def unreadable(self) -> str:
        """Why the answer cannot be judged, although it may be right: it is in a form of its own; "" where it can."""
        query = self.request.query
        form = (*query.get("alt", ()), *query.get("$alt", ()))
        if any(value and value.partition(";")[0] != "json" for value in form) or any(
            query.get(name, [""])[0] for name in ("callback", "$callback")
        ):
            return "whose answers were not asked for as plain JSON (alt, callback)"
        if self.status == 304:
            return "answered 304, as not modified since"
        if self.status >= 400 and any("2" in query.get(name, ()) for name in ("$.xgafv", "xgafv")):
            return "answered with an error in the form of $.xgafv=2"
        return ""

    @cached_property
    def resource(self) -> dict[str, Any] | None:
        """The JSON object of a 2xx answer, with the names of enums that were asked for as numbers, and a name where a
        path stands in its place; None where there is none."""
        value = self.response.json if self.response is not None and self.answered else None
        if not isinstance(value, dict):
            return None
        return plainly_named(with_names(value) if self._asks_for_numbers else value)

    @property
    def bare_items(self) -> list[Any] | None:
        """What a 2xx answer lists that is no object with `items`, but an array; None where it is none."""
        value = self.response.json if self.response is not None and self.answered else None
        return value if isinstance(value, list) else None

    @cached_property
    def items(self) -> list[dict[str, Any]]:
        """The JSON objects that a 2xx answer lists, as its `items`, or as an array of its own."""
        return [plainly_named(item) for item in self._raw_items]

    @property
    def _raw_items(self) -> list[dict[str, Any]]:
        items = self.bare_items or (self.resource or {}).get("items")
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    @property
    def paths_for_names(self) -> list[str]:
        """The names of images and operations in a 2xx answer that are no names, but whole paths."""
        value = self.response.json if self.response is not None and self.answered else None
        shown = [value] if isinstance(value, dict) else []
        found = (_path_for_a_name(item) for item in (*shown, *self._raw_items))
        return [path[0] for path in found if path]

    @property
    def last_page(self) -> bool:
        """Whether a list ends with this answer: it was asked whether there is more, and says nothing of it."""
        page = self.resource
        return page is not None and not page.get("nextPageToken") and self.mask.covers("nextPageToken")

    @cached_property
    def error(self) -> dict[str, Any]:
        """The `error` object of a refusal; empty where there is none."""
        value = self.response.json if self.response is not None and not self.answered else None
        error = value.get("error") if isinstance(value, dict) else None
        return error if isinstance(error, dict) else {}

    def to_json(self) -> dict[str, Any]:
        """The form in which exchanges stand in results.json and trace.json."""
        response = self.response
        return {
            "number": self.number,
            "method": self.method,
            "request": {
                "method": self.request.verb,
                "url": self.request.url,
                "headers": dict(self.request.headers),
                "body": _text(self.request.body or b""),
            },
            "response": response
            and {"status": response.status, "headers": dict(response.headers), "body": _text(response.body)},
            "error": self.failure or None,
            "started": datetime.fromtimestamp(self.sent, UTC).isoformat(timespec="milliseconds"),
            "seconds": round(self.received - self.sent, 6),
        }


@dataclass(frozen=True)
class Trace:
    """The exchanges of one scenario in the order of sending.

    `secrets` are key texts that the run has sent so far, in this scenario or before; `deadline` is how long an
    operation may take, in seconds, and is 0 where nobody waited for it. `recorded` traffic may begin and end in the
    middle of things, and there may have been other clients; `ahead` is by how many seconds the clock of its target
    was ahead, at least, and `lost` names what the recorder has lost. `restless` are the fields that tell one image
    from another, as far as the target shows them otherwise at every look: they tell nothing. `changes` are the requests
    of the whole recording that have changed images, without their answers, in the order of sending.
    """

    exchanges: tuple[Exchange, ...]
    secrets: frozenset[str] = frozenset()
    deadline: float = 0.0
    recorded: bool = False
    ahead: float = 0.0
    lost: frozenset[str] = frozenset()
    restless: frozenset[str] = frozenset()
    changes: Sequence[Exchange] = ()

    @cached_property
    def of_target(self) -> Trace:
        """The same without the requests that a tap answered: the target has never seen them."""
        if all(exchange.reached for exchange in self.exchanges):
            return self
        return replace(self, exchanges=tuple(exchange for exchange in self.exchanges if exchange.reached))

    @cached_property
    def record(self) -> dict[str, Any]:
        """The whole trace, secrets included, in a form that travels between processes and is never written."""
        return {
            "exchanges": [_record(exchange) for exchange in self.exchanges],
            "secrets": sorted(self.secrets),
            "deadline": self.deadline,
            "restless": sorted(self.restless),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Trace:
        """The inverse of record."""
        return cls(
            tuple(
                Exchange(
                    **{
                        **row,
                        "request": Request(**row["request"]),
                        "response": row["response"] and Response(**row["response"]),
                        "intent": row["intent"] and Intent(row["intent"]["valid"], tuple(row["intent"]["rules"])),
                    }
                )
                for row in record["exchanges"]
            ),
            frozenset(record["secrets"]),
            record["deadline"],
            restless=frozenset(record.get("restless", ())),
        )

    def size(self) -> tuple[int, int, int, int]:
        """How large this evidence is: images made elsewhere or not to be deleted, dozens of kB sent, exchanges, bytes
        sent.

        The smaller trace is the better example.
        """
        sent = sum(len(item.request.url) + len(item.request.body or b"") for item in self.exchanges)
        made = [item.request.json.get("name") for item in self.exchanges if isinstance(item.request.json, dict)]
        used = {name for item in self.exchanges for name in SUITE_NAME.findall(item.request.url)}
        elsewhere = used - {name for name in made if isinstance(name, str)}
        return len(elsewhere) + made.count(""), sent // 12_000, len(self.exchanges), sent


def _record(exchange: Exchange) -> dict[str, Any]:
    request, response, intent = exchange.request, exchange.response, exchange.intent
    return {
        "number": exchange.number,
        "request": {"verb": request.verb, "url": request.url, "headers": dict(request.headers), "body": request.body},
        "response": response
        and {
            "status": response.status,
            "headers": dict(response.headers),
            "body": response.body,
            "truncated": response.truncated,
        },
        "failure": exchange.failure,
        "sent": exchange.sent,
        "received": exchange.received,
        "retried": exchange.retried,
        "injected": exchange.injected,
        "intent": intent and {"valid": intent.valid, "rules": list(intent.rules)},
    }


def _text(body: bytes) -> str:
    text = body[:SHOWN_MAXIMUM].decode("utf-8", errors="backslashreplace")
    return text if len(body) <= SHOWN_MAXIMUM else f"{text}… ({len(body) - SHOWN_MAXIMUM:,} more bytes)"
